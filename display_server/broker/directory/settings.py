"""The directory's settings, checked and with the defaults of its kind."""

from __future__ import annotations

import ssl
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from display_server.broker.directory.filters import Filter, FilterError, parse
from display_server.directory_config import DirectoryConfig, DirectoryKind
from display_server.errors import ConfigurationError

#: Largest number of servers. More would only lengthen the time until an outage is noticed.
SERVERS_MAX = 2
#: Longest `cached_sign_in_hours`: one week.
CACHED_HOURS_MAX = 168
#: Ports that IANA assigns.
_PORTS = {"ldap": 389, "ldaps": 636}

#: What is usual in directories of a kind. The names are those of the configuration's keys.
PRESETS: Mapping[DirectoryKind, Mapping[str, str]] = {
    "active-directory": {
        "people_filter": "(&(objectCategory=person)(objectClass=user))",
        "groups_filter": "(objectClass=group)",
        "username_attribute": "sAMAccountName",
        "display_name_attribute": "displayName",
        "id_attribute": "objectGUID",
        "group_name_attribute": "cn",
        "member_attribute": "member",
    },
    "openldap": {
        "people_filter": "(objectClass=inetOrgPerson)",
        "groups_filter": "(objectClass=groupOfNames)",
        "username_attribute": "uid",
        "display_name_attribute": "cn",
        "id_attribute": "entryUUID",
        "group_name_attribute": "cn",
        "member_attribute": "member",
    },
}


class Transport(Enum):
    """How a connection is protected. Plain TCP is no choice: passwords would be readable in the network."""

    TLS = "ldaps"
    START_TLS = "ldap"
    UNIX_SOCKET = "ldapi"


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """One server of the directory. `host` is the path if it is a Unix socket."""

    transport: Transport
    host: str
    port: int = 0

    def __str__(self) -> str:
        if self.transport is Transport.UNIX_SOCKET:
            return f"ldapi://{self.host}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.transport.value}://{host}:{self.port}"

    @classmethod
    def parse(cls, url: str) -> ServerAddress:
        """Reads an address of the configuration. Raises ConfigurationError."""
        parts = urllib.parse.urlsplit(url.strip())
        try:
            port = parts.port
        except ValueError:
            port = 0
        if parts.scheme == "ldapi" and parts.netloc:
            return cls(Transport.UNIX_SOCKET, urllib.parse.unquote(parts.netloc))
        if (
            parts.scheme not in _PORTS
            or not parts.hostname
            or port == 0
            or parts.path.strip("/")
            or parts.query
            or parts.username is not None
        ):
            raise ConfigurationError(
                f"`directory.servers`: {url!r} is no address of a directory server.",
                hint="Write ldaps://HOST, or ldap://HOST, which always uses StartTLS. A port may follow.",
            )
        return cls(Transport(parts.scheme), parts.hostname, port or _PORTS[parts.scheme])


@dataclass(frozen=True, slots=True)
class DirectorySettings:
    """Everything that the client of the directory needs. Times are in seconds."""

    servers: tuple[ServerAddress, ...]
    tls: ssl.SSLContext
    kind: DirectoryKind
    bind_dn: str
    bind_password: str = field(repr=False)
    people_base: str
    people_filter: Filter
    groups_base: str
    groups_filter: Filter
    username_attribute: str
    display_name_attribute: str
    id_attribute: str
    group_name_attribute: str
    member_attribute: str
    nested_groups: bool
    domains: frozenset[str]  # in lower case
    page_size: int
    connect_s: float
    answer_s: float
    connections: int
    cached_sign_in_s: float

    @classmethod
    def of(cls, config: DirectoryConfig, bind_password: str) -> DirectorySettings:
        """Checks the configuration. Raises ConfigurationError, which names the key."""
        if len(config.servers) > SERVERS_MAX:
            raise ConfigurationError(
                f"`directory.servers` has {len(config.servers)} servers.",
                hint=f"Name at most {SERVERS_MAX} that answer quickly.",
            )
        for key in ("bind_dn", "people_base"):
            if not getattr(config, key).strip():
                raise ConfigurationError(
                    f"`directory.{key}` is missing.",
                    hint="docs/directory.md has a complete example for Active Directory and for OpenLDAP.",
                )
        if not bind_password:
            raise ConfigurationError(
                "The password in the file of `directory.bind_password_file` is empty.",
                hint="Write the password of the account of `directory.bind_dn` into it.",
            )
        _check_numbers(config)
        preset = PRESETS[config.kind]
        attributes = {
            key: getattr(config, key) or preset[key] for key in preset if key.endswith("_attribute")
        }
        return cls(
            servers=tuple(ServerAddress.parse(url) for url in config.servers),
            tls=_tls(config.ca_file),
            kind=config.kind,
            bind_dn=config.bind_dn,
            bind_password=bind_password,
            people_base=config.people_base,
            people_filter=_filter("people_filter", config.people_filter or preset["people_filter"]),
            groups_base=config.groups_base or config.people_base,
            groups_filter=_filter("groups_filter", config.groups_filter or preset["groups_filter"]),
            nested_groups=config.nested_groups,
            domains=frozenset(domain.strip().lower() for domain in config.domains),
            page_size=config.page_size,
            connect_s=config.connect_seconds,
            answer_s=config.answer_seconds,
            connections=config.connections,
            cached_sign_in_s=config.cached_sign_in_hours * 3600,
            **attributes,
        )


def _check_numbers(config: DirectoryConfig) -> None:
    for key, lowest, highest in (
        ("page_size", 1, 1000),  # Active Directory never sends more than 1000 entries in a page
        ("connect_seconds", 0.1, 30),
        ("answer_seconds", 0.1, 60),
        ("connections", 2, 64),
        ("cached_sign_in_hours", 0, CACHED_HOURS_MAX),
    ):
        value: float = getattr(config, key)
        if not lowest <= value <= highest:
            raise ConfigurationError(
                f"`directory.{key}` must be from {lowest:g} to {highest:g}, not {value:g}.",
                hint="Leave it out for the default.",
            )


def _filter(key: str, text: str) -> Filter:
    try:
        return parse(text)
    except FilterError as error:
        raise ConfigurationError(
            f"`directory.{key}` is no filter: {error}.",
            hint="Write it as RFC 4515 says, for example (objectClass=inetOrgPerson).",
        ) from error


def _tls(ca_file: Path | None) -> ssl.SSLContext:
    """Returns a context that checks the server's certificate and its name."""
    try:
        context = ssl.create_default_context(cafile=ca_file)
    except (OSError, ssl.SSLError) as error:
        raise ConfigurationError(
            f"`directory.ca_file`: {ca_file} cannot be used: {error}.",
            hint="Export the certificate of the authority that issues those of the directory, as PEM.",
        ) from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
