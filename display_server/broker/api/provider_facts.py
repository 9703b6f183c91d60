"""What several routes have to know of OpenID Connect providers."""

from __future__ import annotations

from fastapi import Request
from pydantic import BaseModel

from display_server.broker.api.request_facts import cookies_of
from display_server.broker.api.services import BrokerServices
from display_server.broker.oidc.sessions import AtProvider
from display_server.broker.storage_failures import StorageError
from display_server.broker.web_sessions import SignedInUser
from display_server.broker_link.forwarded import ORIGIN


class ProviderEntry(BaseModel):
    """A provider: its name in addresses, and what the button says."""

    name: str
    title: str


def title_of(services: BrokerServices, name: str) -> str:
    """Returns what people call a provider; its name if it is no longer configured."""
    provider = services.oidc.providers.get(name)
    return provider.settings.title if provider is not None else name


def provider_entry(services: BrokerServices, name: str) -> ProviderEntry:
    return ProviderEntry(name=name, title=title_of(services, name))


def page_of(request: Request) -> str:
    """Returns the address of the page that sent a request, without a slash at its end.

    Browsers name their origin with every request that changes something, and the gateway has checked it.
    """
    return f"{request.scope[ORIGIN]}{cookies_of(request).path}"


async def session_at_provider(services: BrokerServices, user: SignedInUser) -> AtProvider | None:
    """Returns where the person of a web session signed in; None if that was here, or is not known because the
    database cannot be used.
    """
    try:
        return await services.oidc.sessions.find(user.id_hash)
    except StorageError:
        return None
