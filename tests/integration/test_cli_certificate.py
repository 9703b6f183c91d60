"""`lightbox certificate`, run as a program."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key


def lightbox(state: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "display_server.cli", "certificate", *arguments],
        env={**os.environ, "LIGHTBOX_STATE": str(state)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_requests_a_certificate_for_the_names_of_the_configuration(tmp_path: Path) -> None:
    config = tmp_path / "lightbox.toml"
    config.write_text(
        'names = ["Lightbox.hospital.example", "10.1.2.3"]\npublic_url = "https://desk.example/l/"\n'
    )
    config.chmod(0o600)
    key, out = tmp_path / "key.pem", tmp_path / "lightbox.csr"
    arguments = ("request", "--config", str(config), "--key", str(key), "--out", str(out))
    done = lightbox(tmp_path / "state", *arguments, "--organisation", "Hospital")
    assert done.returncode == 0, done.stderr
    assert "[tls]" in done.stderr
    request = x509.load_pem_x509_csr(out.read_bytes())
    assert request.is_signature_valid
    assert request.subject.rfc4514_string() == "CN=lightbox.hospital.example,O=Hospital"
    names = request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["lightbox.hospital.example", "desk.example"]
    assert [str(address) for address in names.get_values_for_type(x509.IPAddress)] == ["10.1.2.3"]
    assert key.stat().st_mode & 0o777 == 0o600
    private = load_pem_private_key(key.read_bytes(), password=None)
    assert private.public_key() == request.public_key()

    before = key.read_bytes()
    again = lightbox(tmp_path / "state", *arguments)
    assert again.returncode == 2
    assert "exists already and is not overwritten" in again.stderr
    assert key.read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "needs at least one name"),
        (("--name", "https://wrong"), "neither a host name"),
    ],
)
def test_a_request_needs_valid_names(tmp_path: Path, arguments: tuple[str, ...], message: str) -> None:
    files = ("--key", str(tmp_path / "key"), "--out", str(tmp_path / "csr"))
    done = lightbox(tmp_path / "state", "request", *files, *arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert not (tmp_path / "key").exists()


def test_issues_shows_and_replaces(tmp_path: Path) -> None:
    state, keys = tmp_path / "state", tmp_path / "authority"
    served = state / "tls"
    folders = ("--authority", str(keys), "--folder", str(served))
    issued = lightbox(state, "issue", *folders)
    assert issued.returncode == 0, issued.stderr
    assert not (served / "ca.key").exists()
    shown = json.loads(lightbox(state, "show", "--json").stdout)
    assert {"localhost", "127.0.0.1"} <= set(shown["names"])
    assert shown["days"] in {395, 396}
    first = (served / "server.crt").read_bytes()
    assert lightbox(state, "issue", *folders).returncode == 0
    assert (served / "server.crt").read_bytes() == first, "it was not due"

    refused = lightbox(state, "new-authority", *folders)
    assert refused.returncode == 2
    assert "--yes" in refused.stderr
    replaced = lightbox(state, "new-authority", "--yes", *folders)
    assert replaced.returncode == 0, replaced.stderr
    sha256 = replaced.stdout.splitlines()[0].removeprefix("root certificate SHA-256 ")
    reissued = lightbox(state, "issue", *folders)
    assert sha256 in reissued.stdout
    assert (served / "server.crt").read_bytes() != first
    root = x509.load_pem_x509_certificate((served / "ca.crt").read_bytes())
    x509.load_pem_x509_certificate((served / "server.crt").read_bytes()).verify_directly_issued_by(root)


def test_says_that_there_is_no_certificate_yet(tmp_path: Path) -> None:
    done = lightbox(tmp_path / "state", "show")
    assert done.returncode != 0
    assert "server.crt" in done.stderr
    assert "Traceback" not in done.stderr
