"""Tokens of the administration API: seen by administrators and auditors, changed by administrators alone."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

from display_server.broker.api.admin.acting import Acting
from display_server.broker.api.admin.authorisation import ActingNow
from display_server.broker.api.admin.errors import no_scope, not_found
from display_server.broker.api.admin.paging import (
    Body,
    Listed,
    Name,
    Page,
    page_from,
    sure_time_text,
    time_text,
)
from display_server.broker.api.admin.registration import AdminRoutes
from display_server.broker.api.request_facts import RowId
from display_server.broker.api.services import BrokerServices
from display_server.broker.api_tokens import DAYS_MAX, ApiTokens, TokenInfo, scopes_named
from display_server.broker.scopes import Scope


class TokenEntry(BaseModel):
    """A token, without its secret."""

    id: int
    name: str
    scopes: list[str]
    read_only: bool
    created: str
    created_by: str
    expires: str
    last_used: str | None


class NewToken(Body):
    """A token without scopes may do nothing. It always expires."""

    name: Name
    scopes: Annotated[list[Name], Field(max_length=len(Scope), default_factory=list)]
    expires_days: Annotated[float, Field(ge=0.01, le=DAYS_MAX, allow_inf_nan=False)]
    read_only: bool = False


class CreatedToken(BaseModel):
    """The secret is shown only now."""

    token: TokenEntry
    secret: str


def add_token_routes(admin: AdminRoutes) -> None:
    services = admin.services

    @admin.route("GET", "tokens")
    async def list_tokens(acting: ActingNow, page: Page) -> Listed[TokenEntry]:
        acting.require_system()
        found = await ApiTokens(services.store, now_s=services.web_sessions.now_s).list_all()
        items = [token_entry(one) for one in found if page.q.lower() in one.name]
        part, following, total = page_from(items, [item.name for item in items], page)
        return Listed(items=part, next=following, total=total)

    @admin.route("POST", "tokens", status=201)
    async def create_token(body: NewToken, acting: ActingNow) -> CreatedToken:
        """Creates a token. It never may more than the person who created it."""
        info, secret = await _tokens(services, acting).create(
            body.name,
            scopes_named(body.scopes),
            expires_days=body.expires_days,
            read_only=body.read_only,
            owner=acting.username,
        )
        return CreatedToken(token=token_entry(info), secret=secret)

    @admin.route("DELETE", "tokens/{id}", status=204)
    async def revoke_token(id: RowId, acting: ActingNow) -> None:  # noqa: A002 - the path's name
        """Makes a token useless, at once."""
        tokens = _tokens(services, acting)
        info = await tokens.by_id(id)
        if info is None:
            raise not_found("token")
        await tokens.revoke(info.name)


def token_entry(info: TokenInfo) -> TokenEntry:
    return TokenEntry(
        id=info.id,
        name=info.name,
        scopes=sorted(scope.value for scope in info.scopes),
        read_only=info.read_only,
        created=sure_time_text(info.created_s),
        created_by=info.created_by,
        expires=sure_time_text(info.expires_s),
        last_used=time_text(info.used_s),
    )


def _tokens(services: BrokerServices, acting: Acting) -> ApiTokens:
    """Returns the tokens, to be changed by a person: a token makes no other one. Raises ApiError."""
    if acting.token is not None:
        raise no_scope(acting.route)
    acting.require_system()
    return ApiTokens(services.store, actor=acting.actor(), now_s=services.web_sessions.now_s)
