"""The settings of one provider, checked."""

from __future__ import annotations

import re
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from display_server.broker.oidc.addresses import origin_of
from display_server.broker.people.group_graph import normalise_group_name
from display_server.errors import ConfigurationError
from display_server.oidc_config import OidcConfig

#: Names of providers. They appear in addresses and in the names of groups.
NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
#: Algorithms of signatures that can be allowed. `none` and those with a shared secret never can.
ALGORITHMS = tuple(f"{kind}{bits}" for kind in ("RS", "PS", "ES") for bits in (256, 384, 512))
#: Largest `clock_skew_seconds`. More would let tokens live that should have ended.
SKEW_MAX_S = 300
PROVIDERS_MAX = 16
_HINT = "docs/oidc.md has complete examples."


@dataclass(frozen=True, slots=True)
class ProviderSettings:
    """Everything that is needed to talk to one provider. Times are in seconds."""

    name: str
    title: str
    issuer: str
    client_id: str
    client_secret: str | None = field(repr=False)
    client_authentication: Literal["basic", "post"]
    tls: ssl.SSLContext
    origins: frozenset[str]  # as `origin_of` writes them
    scopes: tuple[str, ...]
    username_claim: str
    display_name_claim: str
    domains: frozenset[str]  # in lower case
    groups_claim: str
    group_prefix: str
    userinfo: bool
    algorithms: tuple[str, ...]
    skew_s: float
    answer_s: float
    ask_again: bool
    second_factor_acr: tuple[str, ...]
    second_factor_amr: tuple[str, ...]

    @classmethod
    def of(cls, config: OidcConfig, client_secret: str | None) -> ProviderSettings:
        """Checks the configuration of a provider. Raises ConfigurationError, which names the key."""
        if not NAME.fullmatch(config.name):
            raise ConfigurationError(
                f"`oidc.name`: {config.name!r} cannot be the name of a provider.",
                hint="Use 1 to 40 of the characters a-z 0-9 - and begin with a letter or digit.",
            )
        where = f"oidc {config.name!r}"
        if client_secret == "":
            raise ConfigurationError(
                f"{where}: the file of `client_secret_file` is empty.",
                hint="Write the secret that the provider gave to this client into it.",
            )
        for key in ("client_id", "username_claim", "display_name_claim"):
            if not getattr(config, key).strip():
                raise ConfigurationError(f"{where}: `{key}` is empty.", hint=_HINT)
        if "openid" not in config.scopes:
            raise ConfigurationError(
                f'{where}: `scopes` lacks "openid".', hint='For example: scopes = ["openid", "profile"]'
            )
        _check_algorithms(config, where)
        for number_key, lowest, highest in (
            ("clock_skew_seconds", 0, SKEW_MAX_S),
            ("answer_seconds", 0.1, 30),
        ):
            value: float = getattr(config, number_key)
            if not lowest <= value <= highest:
                raise ConfigurationError(
                    f"{where}: `{number_key}` must be from {lowest:g} to {highest:g}, not {value:g}.",
                    hint="Leave it out for the default.",
                )
        return cls(
            name=config.name,
            title=config.title.strip() or config.name,
            issuer=config.issuer,
            client_id=config.client_id,
            client_secret=client_secret,
            client_authentication=config.client_authentication,
            tls=_tls(config.ca_file, where),
            origins=frozenset(_origins(config, where)),
            scopes=tuple(config.scopes),
            username_claim=config.username_claim,
            display_name_claim=config.display_name_claim,
            domains=frozenset(domain.strip().lower() for domain in config.domains),
            groups_claim=config.groups_claim,
            group_prefix=_prefix(config, where),
            userinfo=config.userinfo,
            algorithms=tuple(config.algorithms),
            skew_s=config.clock_skew_seconds,
            answer_s=config.answer_seconds,
            ask_again=config.ask_again,
            second_factor_acr=tuple(config.second_factor_acr),
            second_factor_amr=tuple(config.second_factor_amr),
        )


def check_together(providers: Sequence[ProviderSettings]) -> None:
    """Checks what concerns several providers. Raises ConfigurationError."""
    if len(providers) > PROVIDERS_MAX:
        raise ConfigurationError(
            f"There are {len(providers)} tables [[oidc]].", hint=f"Name at most {PROVIDERS_MAX}."
        )
    for what, values in (
        ("name", [provider.name for provider in providers]),
        ("issuer", [provider.issuer for provider in providers]),
    ):
        if len(set(values)) != len(values):
            raise ConfigurationError(
                f"Two tables [[oidc]] have the same `{what}`.", hint="Each provider is named once."
            )


def _check_algorithms(config: OidcConfig, where: str) -> None:
    unknown = sorted(set(config.algorithms) - set(ALGORITHMS))
    if unknown or not config.algorithms:
        raise ConfigurationError(
            f"{where}: `algorithms` " + (f"has {unknown[0]!r}." if unknown else "is empty."),
            hint=f"These can be used: {', '.join(ALGORITHMS)}.",
        )


def _origins(config: OidcConfig, where: str) -> list[str]:
    parts = urlsplit(config.issuer)
    try:
        found = [origin_of(config.issuer)]
        if parts.query:
            raise ValueError
    except ValueError as error:
        raise ConfigurationError(
            f"{where}: `issuer` is no https address: {config.issuer!r}.",
            hint="Copy it from the provider's /.well-known/openid-configuration, without a change.",
        ) from error
    for origin in config.origins:
        try:
            found.append(origin_of(origin))
            if urlsplit(origin).path.strip("/") or urlsplit(origin).query:
                raise ValueError
        except ValueError as error:
            raise ConfigurationError(
                f"{where}: `origins`: {origin!r} is no https address without a path.",
                hint='For example: origins = ["https://keys.hospital.example"]',
            ) from error
    return found


def _prefix(config: OidcConfig, where: str) -> str:
    prefix = f"{config.name}:" if config.group_prefix is None else config.group_prefix
    try:
        normalise_group_name(f"{prefix}group")
    except ConfigurationError as error:
        raise ConfigurationError(f"{where}: `group_prefix`: {error.cause}", hint=error.hint) from error
    return prefix


def _tls(ca_file: Path | None, where: str) -> ssl.SSLContext:
    """Returns a context that checks the provider's certificate and its name."""
    try:
        context = ssl.create_default_context(cafile=ca_file)
    except (OSError, ssl.SSLError) as error:
        raise ConfigurationError(
            f"{where}: `ca_file`: {ca_file} cannot be used: {error}.",
            hint="Export the certificate of the authority that issues that of the provider, as PEM.",
        ) from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
