"""Settings for all tests: import path, Hypothesis profiles, and how parallel workers divide the tests."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from hypothesis import settings

TESTS = Path(__file__).resolve().parent
ROOT = str(TESTS.parent)
if ROOT not in sys.path:  # `tests.fakes` and the like are importable however pytest was started
    sys.path.insert(0, ROOT)

# Most tests need desktops, and not that each has a container of its own. Tests of isolation turn it on.
os.environ.setdefault("LIGHTBOX_ISOLATION_ENABLED", "false")

# `make test` always tries the same examples; `make nightly` searches anew. Busy machines miss deadlines.
settings.register_profile("test", derandomize=True, deadline=None)
settings.register_profile("nightly", derandomize=False, deadline=None, max_examples=4000, print_blob=True)
settings.register_profile("check", derandomize=True, deadline=None, max_examples=20)
settings.load_profile("test")

#: Fixtures whose parameter is the browser that a test uses.
BROWSER_FIXTURES = ("browser", "tablet", "typist")
#: The slowest tests start first, so that no worker ends long after the others: by folder, and within it those
#: with the mark `slow`.
ORDER = ("e2e", "integration", "fuzz", "property", "unit", "style")


def pytest_configure(config: pytest.Config) -> None:
    """Declares marks. The first is that of the plugin for parallel workers: tests run without it too."""
    config.addinivalue_line("markers", "xdist_group(name): tests that one worker runs")
    config.addinivalue_line(
        "markers", "engines_alike: engines do not differ, so others than Chromium run it at night only"
    )


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keeps the tests of a file that use the same browser on one worker, which then starts it once."""
    for item in items:
        item.add_marker(pytest.mark.xdist_group(_group(item)))
    items.sort(key=_rank)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Fails if this pytest and its plugin for parallel workers do not understand each other's groups.

    Otherwise the tests of a file are spread over the workers, and each starts every browser anew.
    """
    if session.config.getoption("loadgroup", False) and not all("@" in item.nodeid for item in session.items):
        raise pytest.UsageError(
            "pytest-xdist ignores the groups of tests: install the versions of pyproject.toml"
        )


def _rank(item: pytest.Item) -> tuple[int, bool]:
    return ORDER.index(item.path.relative_to(TESTS).parts[0]), item.get_closest_marker("slow") is None


def _group(item: pytest.Item) -> str:
    file = str(item.path.relative_to(TESTS))
    parameters = (
        item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}
    )
    browser = next((parameters[name] for name in BROWSER_FIXTURES if name in parameters), "")
    return f"{file}:{getattr(browser, 'name', browser)}"
