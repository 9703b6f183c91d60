"""The hook that certbot and lego call after a renewal."""

from __future__ import annotations

import grp
import os
import subprocess
from pathlib import Path

import pytest

HOOK = Path(__file__).resolve().parents[2] / "deploy" / "certificates" / "deploy-hook.sh"


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """A `lightbox` that records how it is called, and folders of this test."""
    command = tmp_path / "lightbox"
    command.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/calls\n')
    command.chmod(0o755)
    return {
        "PATH": os.environ["PATH"],
        "RELOAD_COMMAND": f"{command} reload",
        "TLS_FOLDER": str(tmp_path / "tls"),
        "TLS_GROUP": grp.getgrgid(os.getegid()).gr_name,
    }


def run(environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(HOOK)], env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("client", ["certbot", "lego"])
def test_copies_the_files_and_reloads(tmp_path: Path, environment: dict[str, str], client: str) -> None:
    renewed = tmp_path / "renewed"
    renewed.mkdir()
    (renewed / "fullchain.pem").write_text("chain")
    (renewed / "privkey.pem").write_text("key")
    if client == "certbot":
        environment["RENEWED_LINEAGE"] = str(renewed)
    else:
        environment["LEGO_CERT_PATH"] = str(renewed / "fullchain.pem")
        environment["LEGO_CERT_KEY_PATH"] = str(renewed / "privkey.pem")
    done = run(environment)
    assert done.returncode == 0, done.stderr
    tls = tmp_path / "tls"
    assert (tls / "fullchain.pem").read_text() == "chain"
    assert (tls / "key.pem").read_text() == "key"
    assert (tls / "key.pem").stat().st_mode & 0o777 == 0o640
    assert {path.name for path in tls.iterdir()} == {"fullchain.pem", "key.pem"}
    assert (tmp_path / "calls").read_text() == "reload\n"


def test_does_nothing_when_nobody_renewed(tmp_path: Path, environment: dict[str, str]) -> None:
    done = run(environment)
    assert done.returncode == 2
    assert "certbot or lego" in done.stderr
    assert not (tmp_path / "calls").exists()


def test_does_not_reload_when_the_files_cannot_be_copied(tmp_path: Path, environment: dict[str, str]) -> None:
    environment["RENEWED_LINEAGE"] = str(tmp_path / "missing")
    assert run(environment).returncode != 0
    assert not (tmp_path / "calls").exists()
