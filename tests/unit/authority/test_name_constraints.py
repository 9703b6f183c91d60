"""The local authority is limited to this server: OpenSSL accepts nothing else that its key signs."""

from __future__ import annotations

import datetime
import ipaddress
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from display_server.authority import authority
from display_server.gateway import local_certificate
from display_server.gateway.certificate import alternative_names
from display_server.gateway.local_certificate import permits, read_certificate

NOW = datetime.datetime.now(datetime.UTC)
DAY = datetime.timedelta(days=1)
NAMES = ["lightbox.hospital.example", "localhost", "127.0.0.1", "::1", "10.1.2.3"]
NETWORKS = [ipaddress.ip_network("10.1.2.0/24"), ipaddress.ip_network("192.168.0.0/24")]


def root_of(folder: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate((folder / "ca.crt").read_bytes())


def forge(folder: Path, names: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Issues a certificate for any names, as a thief of the authority's key can."""
    for module in (authority, local_certificate):
        monkeypatch.setattr(module, "permits", lambda _root, _name: True)
    for file in ("server.crt", "server.key"):
        (folder / file).unlink(missing_ok=True)
    authority.provide_certificate(folder, names, NOW)


def handshake(folder: Path, name: str) -> None:
    """Performs a TLS handshake in memory. Raises ssl.SSLError when the client does not accept the server."""
    server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_context.load_cert_chain(folder / "server.crt", folder / "server.key")
    client_context = ssl.create_default_context(cafile=str(folder / "ca.crt"))
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = server_context.wrap_bio(to_server, to_client, server_side=True)
    client = client_context.wrap_bio(to_client, to_server, server_hostname=name)
    for _ in range(4):
        for side in (client, server):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    assert client.getpeercert()


def test_the_constraints_are_critical_and_name_this_server(tmp_path: Path) -> None:
    authority.provide_certificate(tmp_path, NAMES, NOW, networks=NETWORKS)
    extension = root_of(tmp_path).extensions.get_extension_for_class(x509.NameConstraints)
    assert extension.critical
    assert extension.value.excluded_subtrees is None
    assert [str(part.value) for part in extension.value.permitted_subtrees or ()] == [
        "lightbox.hospital.example",
        "localhost",
        "127.0.0.1/32",
        "::1/128",
        "10.1.2.0/24",
    ]


@pytest.mark.parametrize("name", ["lightbox.hospital.example", "localhost", "127.0.0.1", "::1", "10.1.2.3"])
def test_clients_accept_the_names_of_this_server(tmp_path: Path, name: str) -> None:
    authority.provide_certificate(tmp_path, NAMES, NOW, networks=NETWORKS)
    handshake(tmp_path, name)


@pytest.mark.parametrize("name", ["www.bank.example", "hospital.example", "10.1.3.1", "192.168.0.1", "::2"])
def test_clients_refuse_what_a_thief_of_the_key_signs(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority.provide_certificate(tmp_path, NAMES, NOW, networks=NETWORKS)
    forge(tmp_path, [name], monkeypatch)
    with pytest.raises(ssl.SSLError, match="permitted subtree violation"):
        handshake(tmp_path, name)


def test_the_thief_would_succeed_without_constraints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The forged certificates are refused for nothing but the constraints."""
    authority.provide_certificate(tmp_path, ["www.bank.example"], NOW)
    forge(tmp_path, ["www.bank.example"], monkeypatch)
    handshake(tmp_path, "www.bank.example")


def test_another_lease_in_the_same_network_needs_no_new_root(tmp_path: Path) -> None:
    first = authority.provide_certificate(tmp_path, NAMES, NOW, networks=NETWORKS)
    again = authority.provide_certificate(tmp_path, [*NAMES, "10.1.2.77"], NOW, networks=NETWORKS)
    assert again.root_sha256 == first.root_sha256
    handshake(tmp_path, "10.1.2.77")


def test_names_outside_are_left_out(tmp_path: Path) -> None:
    """A certificate with such a name would be invalid as a whole."""
    authority.provide_certificate(tmp_path, NAMES, NOW, networks=NETWORKS)
    wanted = [*NAMES, "10.9.9.9", "new.example", "ward.lightbox.hospital.example"]
    authority.provide_certificate(tmp_path, wanted, NOW, networks=NETWORKS)
    leaf = x509.load_pem_x509_certificate((tmp_path / "server.crt").read_bytes())
    assert set(alternative_names(leaf)) == {*NAMES, "ward.lightbox.hospital.example"}
    handshake(tmp_path, "localhost")
    before = (tmp_path / "server.crt").read_bytes()
    assert read_certificate(tmp_path, wanted, NOW) is not None
    authority.provide_certificate(tmp_path, wanted, NOW, networks=NETWORKS)
    assert (tmp_path / "server.crt").read_bytes() == before, "nothing is better about another one"


def test_an_authority_without_constraints_is_recognised(tmp_path: Path) -> None:
    """Version 0.1.0 created such authorities. They keep working, because devices trust them."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "old")])
    old = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(NOW - DAY)
        .not_valid_after(NOW + DAY)
        .sign(key, SHA256())
    )
    assert permits(old, "anything.example")


def test_the_key_stays_in_a_folder_of_its_own(tmp_path: Path) -> None:
    keys, served = tmp_path / "authority", tmp_path / "served"
    keys.mkdir()
    served.mkdir()
    local = authority.provide_certificate(served, NAMES, NOW, networks=NETWORKS, authority=keys)
    assert {path.name for path in served.iterdir()} == {"ca.crt", "server.crt", "server.key"}
    assert {path.name for path in keys.iterdir()} == {"ca.crt", "ca.key"}
    assert (keys / "ca.key").stat().st_mode & 0o777 == 0o600
    assert read_certificate(served, NAMES, NOW) == local
    load_pem_private_key((served / "server.key").read_bytes(), password=None)
    handshake(served, "localhost")


def test_the_root_is_not_replaced_before_it_expires(tmp_path: Path) -> None:
    """Devices would refuse the server until each of them has the new root certificate."""
    first = authority.provide_certificate(tmp_path, NAMES, NOW, networks=NETWORKS)
    late = NOW + (authority.ROOT_DAYS - 3) * DAY
    again = authority.provide_certificate(tmp_path, NAMES, late, networks=NETWORKS)
    assert again.root_sha256 == first.root_sha256
    leaf = x509.load_pem_x509_certificate((tmp_path / "server.crt").read_bytes())
    assert leaf.not_valid_after_utc == root_of(tmp_path).not_valid_after_utc
    before = (tmp_path / "server.crt").read_bytes()
    authority.provide_certificate(tmp_path, NAMES, late, networks=NETWORKS)
    assert (tmp_path / "server.crt").read_bytes() == before
    expired = NOW + (authority.ROOT_DAYS + 1) * DAY
    assert read_certificate(tmp_path, NAMES, expired) is None
    new = authority.provide_certificate(tmp_path, NAMES, expired, networks=NETWORKS)
    assert new.root_sha256 != first.root_sha256
