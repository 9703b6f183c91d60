from __future__ import annotations

import pytest

from display_server.errors import ConfigurationError
from display_server.gateway.hosts import (
    check_name,
    is_loopback,
    names_in_use,
    origin_allowed,
    split_host,
    url_of,
)

NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


@pytest.mark.parametrize(
    ("origin", "host", "allowed"),
    [
        ("https://localhost:8443", "localhost:8443", True),
        ("https://LOCALHOST:8443", "localhost:8443", True),
        ("https://[::1]:8443", "[::1]:8443", True),
        ("https://localhost", "localhost", True),
        ("https://localhost:8443", "localhost:9443", False),
        ("http://localhost:8443", "localhost:8443", False),
        ("https://127.0.0.1:8443", "localhost:8443", False),
        ("https://evil.example", "evil.example", False),
        ("https://localhost:8443.evil.example", "localhost:8443", False),
        ("null", "localhost", False),
        ("", "", False),
    ],
)
def test_origin_allowed(origin: str, host: str, allowed: bool) -> None:
    assert origin_allowed(origin, host, NAMES) is allowed


@pytest.mark.parametrize(
    ("header", "parts"),
    [
        ("a:1", ("a", "1")),
        ("A", ("a", "")),
        ("[::1]:8", ("::1", "8")),
        ("[::1]", ("::1", "")),
        ("", ("", "")),
    ],
)
def test_split_host(header: str, parts: tuple[str, str]) -> None:
    assert split_host(header) == parts


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"])
def test_is_loopback(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["", "0.0.0.0", "192.0.2.1", "::", "::ffff:192.0.2.1", "example"])
def test_is_not_loopback(host: str) -> None:
    assert not is_loopback(host)


def test_names_on_loopback_do_not_include_other_addresses() -> None:
    assert names_in_use("127.0.0.1", ["Lightbox.Example"]) == [
        "lightbox.example",
        "localhost",
        "127.0.0.1",
        "::1",
    ]
    assert "192.0.2.9" in names_in_use("192.0.2.9", [])
    assert len(names_in_use("0.0.0.0", [])) > 3


@pytest.mark.parametrize("name", ["", "https://x", "x:443", "a b", "bücher.example", "a..b", "x" * 64])
def test_rejects_invalid_names(name: str) -> None:
    with pytest.raises(ConfigurationError):
        check_name(name)


def test_url_of() -> None:
    assert url_of("::1", 8443) == "https://[::1]:8443"
    assert url_of("localhost", 443) == "https://localhost"
