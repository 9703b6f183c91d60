"""Unit tests start no process: what needs one belongs into tests/integration."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

STARTS_A_PROCESS = frozenset(
    {"subprocess.Popen", "os.fork", "os.forkpty", "os.posix_spawn", "os.exec", "os.system"}
)
_guarded = False


def _refuse_processes(event: str, arguments: tuple[object, ...]) -> None:
    if _guarded and event in STARTS_A_PROCESS:
        raise AssertionError(
            f"a unit test starts a process ({event} {arguments[:1]}); move it to tests/integration"
        )


sys.addaudithook(_refuse_processes)


@pytest.fixture(autouse=True)
def no_processes() -> Iterator[None]:
    global _guarded
    _guarded = True
    yield
    _guarded = False
