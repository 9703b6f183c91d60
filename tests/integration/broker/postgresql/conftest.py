"""Runs tests of tests/unit/broker with the fixtures of this folder.

Those that use no database are left out.
"""

from __future__ import annotations

from pathlib import Path

import pytest

HERE = Path(__file__).parent
#: The fixtures that are a database.
DATABASES = frozenset({"store", "empty"})


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items[:] = [
        item
        for item in items
        if not (isinstance(item, pytest.Function) and HERE in item.path.parents)
        or DATABASES.intersection(item.fixturenames)
    ]
