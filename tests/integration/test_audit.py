"""`make audit` never calls something free of known vulnerabilities that nobody has looked up.

The registries are stand-ins: programs that print and exit as pip-audit and npm do.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CLEAN = ("No known vulnerabilities found", 0)
FOUND = ("Found 2 known vulnerabilities in 1 package", 1)
SILENT = ("ERROR:pip_audit._cli:aioice: Dependency not found on PyPI and could not be audited", 1)
NPM_CLEAN = ("found 0 vulnerabilities", 0)
NPM_FOUND = ("1 high severity vulnerability", 1)
NPM_SILENT = ("npm error audit endpoint returned an error", 1)


def program(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


@pytest.mark.parametrize(
    ("python", "npm", "code", "verdict"),
    [
        (CLEAN, NPM_CLEAN, 0, "no known vulnerability"),
        (FOUND, NPM_CLEAN, 1, "known vulnerabilities"),
        (CLEAN, NPM_FOUND, 1, "known vulnerabilities"),
        (SILENT, NPM_CLEAN, 3, "NOT RUN"),
        (CLEAN, NPM_SILENT, 3, "NOT RUN"),
        (FOUND, NPM_SILENT, 3, "NOT RUN"),
    ],
)
def test_the_exit_code_says_what_is_known(
    tmp_path: Path, python: tuple[str, int], npm: tuple[str, int], code: int, verdict: str
) -> None:
    for name in ("audit.sh", "audit-accepted.txt", "locks"):
        source, target = ROOT / "deploy" / name, tmp_path / "deploy" / name
        target.parent.mkdir(exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target)
        else:
            shutil.copy(source, target)
    (tmp_path / "clients" / "web").mkdir(parents=True)
    tool = tmp_path / ".cache" / "audit"
    program(tool / "bin" / "pip-audit", f"echo '{python[0]}'; exit {python[1]}")
    shutil.copy(tmp_path / "deploy" / "locks" / "audit.txt", tool / ".lock")
    program(tmp_path / ".venv" / "bin" / "python", f"echo {tmp_path}/node")
    program(tmp_path / "node" / "bin" / "node", f"echo '{npm[0]}'; exit {npm[1]}")
    done = subprocess.run([tmp_path / "deploy" / "audit.sh"], capture_output=True, text=True, check=False)
    assert (done.returncode, verdict in done.stdout.splitlines()[-1]) == (code, True), done.stdout


def test_accepted_vulnerabilities_have_a_reason() -> None:
    lines = (ROOT / "deploy" / "audit-accepted.txt").read_text().splitlines()
    assert [line for line in lines if line.strip() and "#" not in line] == []
