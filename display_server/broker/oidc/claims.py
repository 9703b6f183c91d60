"""What the claims of a provider say about a person. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import structlog

from display_server.broker.accounts import USERNAME
from display_server.broker.directory.names import account_name
from display_server.broker.oidc.errors import AnswerRefusedError
from display_server.broker.oidc.settings import ProviderSettings
from display_server.broker.people.group_graph import normalise_group_name
from display_server.errors import ConfigurationError

log = structlog.get_logger(__name__)

#: Longest name of a person that is kept, characters.
DISPLAY_NAME_MAX = 128
#: Largest number of groups of a person.
GROUPS_MAX = 1000


@dataclass(frozen=True, slots=True)
class ProviderPerson:
    """A person whom a provider has signed in. Issuer and subject identify them; the username may change."""

    issuer: str
    subject: str
    username: str
    display_name: str
    groups: tuple[str, ...]  # with the prefix of the provider
    factor_given: bool  # the provider says so, in a way that the configuration accepts


def person_of(claims: Mapping[str, Any], settings: ProviderSettings) -> ProviderPerson:
    """Returns the person. `claims` have passed all checks of their token.

    Raises AnswerRefusedError when a claim that is needed is missing or has another form.
    """
    display_name = claims.get(settings.display_name_claim)
    username = _username(claims, settings)
    return ProviderPerson(
        issuer=settings.issuer,
        subject=str(claims["sub"]),
        username=username,
        display_name=_printable(display_name)[:DISPLAY_NAME_MAX] or username,
        groups=_groups(claims, settings),
        factor_given=_factor_given(claims, settings),
    )


def _username(claims: Mapping[str, Any], settings: ProviderSettings) -> str:
    claim = settings.username_claim
    value = claims.get(claim)
    if not isinstance(value, str):
        raise AnswerRefusedError(f"the claim {claim}, which has the username, is missing or no text")
    if claim == "email" and claims.get("email_verified") is not True:
        raise AnswerRefusedError("the provider has not verified the address in the claim email")
    username = account_name(value, settings.domains)
    if not USERNAME.fullmatch(username):
        raise AnswerRefusedError(f"the claim {claim} has no usable username")
    return username


def _groups(claims: Mapping[str, Any], settings: ProviderSettings) -> tuple[str, ...]:
    """Returns the groups. A provider that leaves them out, as some do for very many, takes them away."""
    if not settings.groups_claim:
        return ()
    value = claims.get(settings.groups_claim, [])
    listed = [value] if isinstance(value, str) else value
    if not isinstance(listed, list) or not all(isinstance(name, str) for name in listed):
        raise AnswerRefusedError(f"the claim {settings.groups_claim} is no list of names")
    if len(listed) > GROUPS_MAX:
        raise AnswerRefusedError(f"the claim {settings.groups_claim} has more than {GROUPS_MAX} groups")
    names = []
    for name in filter(str.strip, listed):
        try:
            names.append(normalise_group_name(f"{settings.group_prefix}{name.strip()}"))
        except ConfigurationError as error:  # nobody can be entitled by such a name
            log.warning("group of a provider left out", provider=settings.name, cause=error.cause)
    return tuple(dict.fromkeys(names))


def _factor_given(claims: Mapping[str, Any], settings: ProviderSettings) -> bool:
    methods = claims.get("amr")
    given = [item for item in methods if isinstance(item, str)] if isinstance(methods, list) else []
    acr = claims.get("acr")
    by_class = isinstance(acr, str) and acr in settings.second_factor_acr
    return by_class or not set(settings.second_factor_amr).isdisjoint(given)


def _printable(value: object) -> str:
    text = value if isinstance(value, str) else ""
    return "".join(character for character in text if character.isprintable()).strip()
