"""A container is really started on trial, and nothing of it remains."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from display_server.spawner import trial
from display_server.spawner.runtime import CGROUPS, choose_runtime
from display_server.spawner.trial import BASE, try_container

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="isolation needs root")
FIRST_ID = 0x7000_0000 + 4 * 900


@pytest.fixture
def base() -> Iterator[Path]:
    """A folder like the one of the product, but of this test alone."""
    with tempfile.TemporaryDirectory(prefix="lightbox-test-", dir=BASE) as name:
        Path(name).chmod(0o711)
        yield Path(name)


def remains(base: Path) -> list[Path]:
    name = f"lightbox/trial-{os.getpid()}"
    return [*base.iterdir(), *CGROUPS.glob(name), *CGROUPS.glob(f"*/{name}")]


def test_a_container_runs_here(base: Path) -> None:
    assert try_container(choose_runtime(), FIRST_ID, base) == ""
    assert remains(base) == []


def test_the_runtimes_own_words_say_why_it_does_not(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "PROGRAM", ("/nonexistent/python",))
    assert "/nonexistent/python" in try_container(choose_runtime(), FIRST_ID, base)
    assert try_container(("false",), FIRST_ID, base) == "exit code 1"
    assert "nonexistent" in try_container(("/nonexistent/crun",), FIRST_ID, base)
    assert remains(base) == []


def test_an_installation_that_others_cannot_read_is_noticed(
    base: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As after `umask 077` and a checkout: the users of a container could not run Lightbox."""
    program = tmp_path / "product" / "program"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setattr(trial, "PROGRAM", (str(program),))
    monkeypatch.setattr(trial, "product_folders", lambda: (program.parent,))
    program.parent.chmod(0o755)
    assert try_container(choose_runtime(), FIRST_ID, base) == ""
    program.parent.chmod(0o700)
    assert try_container(choose_runtime(), FIRST_ID, base) != ""
