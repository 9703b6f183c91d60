"""`lightbox oidc test`: tries what can be tried without a person, and says what is wrong."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass
from typing import Any

from display_server.broker.oidc.discovery import Metadata
from display_server.broker.oidc.errors import AnswerRefusedError, ProviderAway
from display_server.broker.oidc.provider import Provider


@dataclass(frozen=True, slots=True)
class Step:
    """The outcome of one step."""

    name: str
    ok: bool
    found: str  # in words
    next_step: str = ""

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    def as_line(self) -> str:
        line = f"{'ok    ' if self.ok else 'FAILED'}  {self.name}: {self.found}"
        return line if self.ok or not self.next_step else f"{line}\n        → {self.next_step}"


async def examine(provider: Provider) -> AsyncIterator[Step]:
    """Yields the outcome of each step. The first one that fails is the last one."""
    try:
        metadata = await provider.metadata()
        yield Step("discovery", True, f"of {provider.settings.issuer}")
        keys = await provider.fetch_keys()
        yield Step("keys", True, ", ".join(f"{key.key_type} {key.get('kid') or ''}".strip() for key in keys))
        yield await _client(provider)
    except ProviderAway as error:
        yield Step("provider", False, error.cause, error.next_step)
        return
    except AnswerRefusedError as error:
        yield Step("provider", False, error.reason, "Compare the table [[oidc]] with docs/oidc.md.")
        return
    for step in _possibilities(provider, metadata):
        yield step


async def _client(provider: Provider) -> Step:
    """Tries to redeem a code that does not exist: the provider checks the client first."""
    try:
        await provider.try_client()
    except AnswerRefusedError as error:
        return Step("client", True, f"known there: {error.reason}")
    except ProviderAway as error:
        return Step("client", False, error.cause, error.next_step)
    return Step("client", False, "a made-up code was accepted", "Do not use this provider.")


def _possibilities(provider: Provider, metadata: Metadata) -> list[Step]:
    settings = provider.settings
    return [
        Step("sign-out there", True, "supported" if metadata.end_session else "not supported"),
        Step(
            "groups",
            True,
            f"from the claim {settings.groups_claim}, with {settings.group_prefix!r} before them"
            if settings.groups_claim
            else "none are taken",
        ),
        Step(
            "second factor",
            True,
            "that of the provider counts"
            if settings.second_factor_acr or settings.second_factor_amr
            else "that of the provider does not count",
        ),
    ]
