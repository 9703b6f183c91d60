"""The table `[directory]`: mistakes are named with the key, and nothing goes over the network unprotected."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import pytest

from display_server.broker.directory.filters import parse
from display_server.broker.directory.settings import ServerAddress, Transport
from display_server.config import Config
from display_server.directory_config import DirectoryConfig
from display_server.errors import ConfigurationError
from display_server.server.directory_settings import directory_settings as settings_of
from tests.unit.broker.directory.settings import directory_settings


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("ldaps://dc1.example", ServerAddress(Transport.TLS, "dc1.example", 636)),
        ("ldaps://dc1.example:3269", ServerAddress(Transport.TLS, "dc1.example", 3269)),
        ("ldap://dc1.example/", ServerAddress(Transport.START_TLS, "dc1.example", 389)),
        ("ldaps://[2001:db8::5]", ServerAddress(Transport.TLS, "2001:db8::5", 636)),
        ("ldapi://%2Frun%2Fslapd%2Fldapi", ServerAddress(Transport.UNIX_SOCKET, "/run/slapd/ldapi")),
    ],
)
def test_addresses(url: str, address: ServerAddress) -> None:
    assert ServerAddress.parse(url) == address


@pytest.mark.parametrize(
    "url",
    [
        "dc1.example",
        "http://dc1.example",
        "ldaps://",
        "ldaps://dc1.example:99999",
        "ldaps://dc1.example/dc=x",
        "ldaps://kim@dc1.example",
        "ldaps://dc1.example?uid",
    ],
)
def test_other_addresses_are_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"directory\.servers"):
        ServerAddress.parse(url)


def test_certificates_and_names_are_checked() -> None:
    tls = directory_settings().tls
    assert tls.verify_mode is ssl.CERT_REQUIRED
    assert tls.check_hostname
    assert tls.minimum_version is ssl.TLSVersion.TLSv1_2


def test_a_kind_brings_its_filters_and_attributes() -> None:
    found = directory_settings(kind="active-directory", people_filter="(cn=kim)", username_attribute="mail")
    assert found.people_filter == parse("(cn=kim)")
    assert found.username_attribute == "mail"
    assert found.id_attribute == "objectGUID"
    assert found.groups_base == found.people_base
    assert found.domains == {"hospital", "hospital.example"}


@pytest.mark.parametrize(
    ("values", "key"),
    [
        ({"servers": ["ldaps://a", "ldaps://b", "ldaps://c"]}, "servers"),
        ({"servers": ["ftp://a"]}, "servers"),
        ({"bind_dn": ""}, "bind_dn"),
        ({"people_base": " "}, "people_base"),
        ({"people_filter": "uid=kim"}, "people_filter"),
        ({"groups_filter": "(("}, "groups_filter"),
        ({"page_size": 0}, "page_size"),
        ({"page_size": 5000}, "page_size"),
        ({"connections": 1}, "connections"),
        ({"connect_seconds": 0}, "connect_seconds"),
        ({"cached_sign_in_hours": -1}, "cached_sign_in_hours"),
        ({"cached_sign_in_hours": 1000}, "cached_sign_in_hours"),
        ({"ca_file": Path("/does/not/exist")}, "ca_file"),
    ],
)
def test_mistakes_are_named(values: dict[str, Any], key: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"directory\.{key}") as refused:
        directory_settings(**values)
    assert refused.value.hint


def test_without_servers_there_is_no_directory() -> None:
    assert settings_of(Config()) is None


def test_the_password_comes_from_a_file_that_others_cannot_read(tmp_path: Path) -> None:
    path = tmp_path / "password"
    path.write_text("secret\n")
    config = Config(
        directory=DirectoryConfig(
            servers=["ldaps://dc1.example"],
            bind_dn="cn=service",
            people_base="dc=example",
            bind_password_file=path,
        )
    )
    path.chmod(0o640)
    with pytest.raises(ConfigurationError, match="read by other users"):
        settings_of(config)
    path.chmod(0o600)
    found = settings_of(config)
    assert found is not None
    assert found.bind_password == "secret"
    assert "secret" not in repr(found)
    path.write_text("\n")
    with pytest.raises(ConfigurationError, match="empty"):
        settings_of(config)
    with pytest.raises(ConfigurationError, match="bind_password_file"):
        settings_of(Config(directory=DirectoryConfig(servers=["ldaps://dc1.example"])))
