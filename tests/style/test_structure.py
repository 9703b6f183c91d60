"""Checks the rules of structure that no linter knows, such as the sizes of classes."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from tests.style.statements import statements
from tests.style.test_language import tracked

ROOT = Path(__file__).parents[2]
#: A class with more methods has more than one concern.
METHODS_MAX = 25
#: Biome's format puts members of a class at this indentation.
TS_CLASS = re.compile(r"^(?:export )?(?:abstract )?class (\w+)")
TS_METHOD = re.compile(
    r"^  (?:(?:public|private|protected|static|async|get|set|override) )*[#\w]+(?:<[^>]*>)?\(.*$"
)


def test_classes_have_at_most_25_methods_in_python() -> None:
    large = [
        f"{name}: {node.name} has {count} methods"
        for name in tracked(frozenset({".py"}))
        if not name.startswith("tests/")
        for node in statements(ast.parse((ROOT / name).read_text()))
        if isinstance(node, ast.ClassDef)
        and (count := sum(isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef) for part in node.body))
        > METHODS_MAX
    ]
    assert not large, "\n".join(large)


def test_classes_have_at_most_25_methods_in_typescript() -> None:
    large = []
    for name in tracked(frozenset({".ts"})):
        owner, count = "", 0
        for line in [*(ROOT / name).read_text().splitlines(), "}"]:
            if match := TS_CLASS.match(line):
                owner, count = match.group(1), 0
            elif owner and line == "}":
                if count > METHODS_MAX:
                    large.append(f"{name}: {owner} has {count} methods")
                owner = ""
            elif owner and TS_METHOD.match(line) and not line.startswith("  constructor"):
                count += 1
    assert not large, "\n".join(large)


def test_codecs_is_no_python_package() -> None:
    assert not (ROOT / "codecs" / "__init__.py").exists(), "it would shadow the standard library's codecs"
