"""Checks that the tests which use the broker's database run on SQLite and on PostgreSQL."""

from __future__ import annotations

import ast
from pathlib import Path

TESTS = Path(__file__).parents[1]
ON_SQLITE, ON_POSTGRESQL = TESTS / "unit" / "broker", TESTS / "integration" / "broker" / "postgresql"
#: Fixtures of both conftest.py files.
DATABASES = frozenset({"store", "empty"})


def uses_a_database(path: Path) -> bool:
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return any(
        DATABASES.intersection(argument.arg for argument in node.args.args)
        for node in ast.parse(path.read_text()).body
        if isinstance(node, functions) and node.name.startswith("test_")
    )


def test_each_test_with_a_database_runs_on_both() -> None:
    wanted = {path.relative_to(ON_SQLITE) for path in ON_SQLITE.rglob("test_*.py") if uses_a_database(path)}
    found = {path.relative_to(ON_POSTGRESQL) for path in ON_POSTGRESQL.rglob("test_*.py")}
    missing = sorted(str(path) for path in wanted - found)
    assert not missing, "add them to tests/integration/broker/postgresql, like the others there"
