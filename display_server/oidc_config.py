"""The tables `[[oidc]]` of the configuration."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import msgspec


class OidcConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An OpenID Connect provider at which people may sign in (docs/oidc.md)."""

    name: str  # in addresses, in the names of its groups, and in commands
    issuer: str  # exactly as the provider writes it; always https://
    client_id: str
    title: str = ""  # what the button says; empty: the name
    client_secret_file: Path | None = None  # None: the provider knows no secret, and PKCE alone protects
    #: How the secret is sent: in the header Authorization, or among the fields of the form.
    client_authentication: Literal["basic", "post"] = "basic"
    ca_file: Path | None = None  # None: the authorities that the host trusts
    #: Addresses of the provider besides that of the issuer, for example https://keys.hospital.example.
    origins: list[str] = []
    scopes: list[str] = msgspec.field(default_factory=lambda: ["openid", "profile"])
    username_claim: str = "preferred_username"
    display_name_claim: str = "name"
    #: Removed from usernames if they follow `@` or precede `\`.
    domains: list[str] = []
    groups_claim: str = ""  # empty: the provider decides on no groups
    group_prefix: str | None = None  # before the names of its groups; None: the provider's name and a colon
    userinfo: bool = False  # whether claims are also read from the provider's address for them
    algorithms: list[str] = msgspec.field(default_factory=lambda: ["RS256", "PS256", "ES256"])
    clock_skew_seconds: float = 60
    answer_seconds: float = 5
    #: Whether the provider has to ask for the password even if it has an open session in this browser.
    ask_again: bool = True
    #: Values of `acr`, and of `amr`, that count as a second factor. Without any, Lightbox asks for its own.
    second_factor_acr: list[str] = []
    second_factor_amr: list[str] = []
