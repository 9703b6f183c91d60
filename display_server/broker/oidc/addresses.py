"""Addresses of a provider: which ones this server and the browser may be sent to. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

#: Longest address of a provider, characters.
URL_MAX = 2048


def origin_of(url: str) -> str:
    """Returns `https://HOST:PORT` of an address. Raises ValueError when it is no plain https address."""
    if len(url) > URL_MAX or not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        raise ValueError(f"{url[:URL_MAX]!r} is no address")
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname or "@" in parts.netloc or parts.fragment:
        raise ValueError(f"{url!r} is no https address")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"https://{host}:{parts.port or 443}"


def allowed(url: object, origins: Collection[str]) -> bool:
    """Returns whether an address belongs to one of the origins, which `origin_of` has written."""
    try:
        return isinstance(url, str) and origin_of(url) in origins
    except ValueError:
        return False


def with_parameters(url: str, parameters: Mapping[str, str]) -> str:
    """Returns the address with these parameters in its query, besides those that it has."""
    parts = urlsplit(url)
    query = [(name, value) for name, value in parse_qsl(parts.query) if name not in parameters]
    return urlunsplit(parts._replace(query=urlencode([*query, *parameters.items()])))
