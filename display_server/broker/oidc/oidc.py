"""Everything that belongs to providers of OpenID Connect, created together."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import structlog

from display_server.broker.directory.watch import WatchProblem
from display_server.broker.oidc.accounts import ProviderAccounts
from display_server.broker.oidc.errors import AnswerRefusedError, ProviderAway
from display_server.broker.oidc.flow import sign_out_url
from display_server.broker.oidc.provider import Provider
from display_server.broker.oidc.sessions import AtProvider, ProviderSessions
from display_server.broker.oidc.settings import ProviderSettings
from display_server.broker.oidc.sign_ins import ProviderSignIns
from display_server.broker.store import Store

log = structlog.get_logger(__name__)


@dataclass
class Oidc:
    """The providers of this server, by name."""

    providers: Mapping[str, Provider]
    accounts: ProviderAccounts
    sign_ins: ProviderSignIns
    sessions: ProviderSessions

    async def sign_out_url(self, at: AtProvider, return_to: str) -> str | None:
        """Returns where the browser of a person who has signed out here signs out at the provider as well.

        None if that is not possible, or not at the moment.
        """
        provider = self.providers.get(at.provider)
        if provider is None:
            return None
        try:
            metadata = await provider.metadata()
        except (ProviderAway, AnswerRefusedError) as error:
            log.warning("not signed out at the provider", provider=at.provider, cause=error.cause)
            return None
        return sign_out_url(provider.settings, metadata, id_token=at.id_token, return_to=return_to)

    def problems(self) -> list[WatchProblem]:
        """Returns what an operator has to know. No cause names a person."""
        return [
            WatchProblem(
                "provider-away",
                f"The sign-in service {provider.settings.title} did not answer a short while ago. "
                "Nobody can sign in there.",
                f"Run `lightbox oidc test {name}`.",
            )
            for name, provider in self.providers.items()
            if provider.failing
        ]

    async def delete_expired(self) -> None:
        """Deletes what is over. The server calls this once a minute."""
        await self.sign_ins.delete_expired()
        await self.sessions.delete_orphans()


def open_oidc(
    settings: Sequence[ProviderSettings], store: Store, *, now_s: Callable[[], float] = time.time
) -> Oidc:
    """Creates the parts."""
    return Oidc(
        providers={one.name: Provider(one, now_s=now_s) for one in settings},
        accounts=ProviderAccounts(store, now_s=now_s),
        sign_ins=ProviderSignIns(store, now_s=now_s),
        sessions=ProviderSessions(store, now_s=now_s),
    )
