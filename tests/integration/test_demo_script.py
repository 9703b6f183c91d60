"""`make demo` asks for root where containers of desktops need it, and nowhere else."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "deploy" / "demo.sh"


class Tree:
    """A source tree whose `lightbox`, and a host whose `sudo`, print how they were called."""

    def __init__(self, base: Path, uid: int, *, sudo: bool) -> None:
        self.tree, programs = base / "tree", base / "bin"
        (self.tree / "deploy").mkdir(parents=True)
        (self.tree / ".venv/bin").mkdir(parents=True)
        programs.mkdir()
        shutil.copy(SCRIPT, self.tree / "deploy")
        self._write(self.tree / ".venv/bin/lightbox", 'echo "lightbox $*"')
        self._write(programs / "id", f"echo {uid}")
        for name in ("bash", "dirname", "env", "grep"):
            (programs / name).symlink_to(shutil.which(name) or name)
        if sudo:
            self._write(programs / "sudo", 'echo "sudo $*"')
        self.environment = {"PATH": str(programs)}

    @staticmethod
    def _write(path: Path, text: str) -> None:
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)

    def demo(self, *options: str) -> str:
        return subprocess.run(
            [self.tree / "deploy/demo.sh", *options],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        ).stdout.strip()


def test_root_starts_it_directly(tmp_path: Path) -> None:
    assert Tree(tmp_path, 0, sudo=True).demo("--port", "9443") == "lightbox demo --port 9443"


def test_another_user_starts_it_with_sudo_and_keeps_the_settings(tmp_path: Path) -> None:
    tree = Tree(tmp_path, 1000, sudo=True)
    tree.environment |= {"LIGHTBOX_NAMES": "a,b", "UNRELATED": "x"}
    started = f"{tree.tree}/.venv/bin/lightbox demo --host 0.0.0.0"
    assert tree.demo("--host", "0.0.0.0") == (
        f"sudo env PYTHONDONTWRITEBYTECODE=1 LIGHTBOX_NAMES=a,b {started}"
    )


def test_without_sudo_lightbox_itself_says_what_to_do(tmp_path: Path) -> None:
    assert Tree(tmp_path, 1000, sudo=False).demo() == "lightbox demo"


@pytest.mark.parametrize("chosen", ["--no-isolation", "environment"])
def test_without_isolation_root_is_not_needed(chosen: str, tmp_path: Path) -> None:
    tree = Tree(tmp_path, 1000, sudo=True)
    if chosen == "environment":
        tree.environment["LIGHTBOX_ISOLATION_ENABLED"] = "false"
        assert tree.demo() == "lightbox demo"
    else:
        assert tree.demo(chosen) == f"lightbox demo {chosen}"


def test_the_verb_of_the_build_runs_it() -> None:
    assert os.access(SCRIPT, os.X_OK)
    assert "deploy/demo.sh $(ARGS)" in (SCRIPT.parents[1] / "Makefile").read_text()
