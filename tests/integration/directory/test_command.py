"""`lightbox directory test`, and the configuration of docs/directory.md, with real directory servers."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.fakes.slapd import SERVICE_PASSWORD, Slapd, free_port

DOCUMENT = Path(__file__).parents[3] / "docs" / "directory.md"
Servers = tuple[Slapd, Slapd]


def openldap_configuration(
    folder: Path, servers: Servers, urls: Sequence[str], password: str = SERVICE_PASSWORD
) -> Path:
    """Writes the configuration that the document shows for OpenLDAP, with the servers of the test."""
    text = DOCUMENT.read_text()
    section = text[text.index("## OpenLDAP") :]
    found = re.search(r"```toml\n(.*?)```", section, re.S)
    assert found is not None
    configuration = found[1]
    for pattern, value in (
        (r"^servers = .*$", f"servers = {json.dumps(list(urls))}"),
        (r"^ca_file = .*$", f'ca_file = "{servers[0].folder / "ca.pem"}"'),
        (r"^bind_password_file = .*$", 'bind_password_file = "password"'),
    ):
        configuration, count = re.subn(pattern, value, configuration, flags=re.M)
        assert count == 1, pattern
    secret = folder / "password"
    secret.write_text(password)
    secret.chmod(0o600)
    path = folder / "lightbox.toml"
    path.write_text(configuration)
    path.chmod(0o600)
    return path


def run(config: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "display_server.cli", "directory", "test", *arguments, "--config", config],
        capture_output=True,
        text=True,
        env=os.environ,
        check=False,
    )


def test_the_documented_configuration_works(servers: Servers, tmp_path: Path) -> None:
    config = openldap_configuration(tmp_path, servers, [server.tls_url for server in servers])
    done = run(config, r"HOSPITAL\kim", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    steps = json.loads(done.stdout)
    assert {step["server"] for step in steps} == {server.tls_url for server in servers}
    found = {step["name"]: step["found"] for step in steps if step["server"] == servers[0].tls_url}
    assert list(found) == [
        "connection",
        "certificate",
        "bind",
        "people",
        "groups",
        "person kim",
        "groups of kim",
    ]
    assert found["groups of kim"] == "doctors, radiologists, staff, 영상의학과"
    assert "김민수" in found["person kim"]
    assert found["people"].startswith("160")


def test_each_failure_has_a_next_step(servers: Servers, tmp_path: Path) -> None:
    nowhere = f"ldaps://127.0.0.1:{free_port()}"
    config = openldap_configuration(tmp_path, servers, [nowhere, servers[0].start_tls_url], password="wrong")
    done = run(config)
    assert done.returncode == 1
    assert "nothing listens on its port" in done.stdout
    assert "→ Check `directory.bind_dn` and the password" in done.stdout
    assert SERVICE_PASSWORD not in done.stdout + done.stderr


@pytest.mark.parametrize(("name", "words"), [("nobody", "nobody has the username"), ("gone", "expired")])
def test_a_person_who_cannot_sign_in_is_explained(
    servers: Servers, tmp_path: Path, name: str, words: str
) -> None:
    config = openldap_configuration(tmp_path, servers, [servers[0].tls_url])
    done = run(config, name)
    assert done.returncode == 1
    assert words in done.stdout


def test_without_a_directory_the_command_says_so(tmp_path: Path) -> None:
    config = tmp_path / "lightbox.toml"
    config.write_text("port = 8443\n")
    config.chmod(0o600)
    done = run(config)
    assert done.returncode == 2
    assert "directory.servers" in done.stderr
