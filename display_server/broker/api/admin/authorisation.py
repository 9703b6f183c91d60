"""Finds out who uses the administration API: a signed-in person with a role, or a program with a token."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, Request

from display_server.broker.api.admin.acting import OF_OPERATOR, Acting
from display_server.broker.api.admin.errors import bad_token, step_up_due
from display_server.broker.api.admin.routes import Route
from display_server.broker.api.policy_checks import factor_settings
from display_server.broker.api.request_facts import address_of
from display_server.broker.api.services import BrokerServices
from display_server.broker.api.sign_in_api import current_user, signed_in_user
from display_server.broker.api.sign_in_audit import origin_of
from display_server.broker.api_tokens import ApiTokens
from display_server.broker.people.role_assignments import read_standings
from display_server.broker.roles import Assignment
from display_server.broker.second_factor.policy import required
from display_server.broker_link.api_error import ApiError

#: Where a request is asked for its second factor, acts of administration need one that was given within this
#: time, s.
STEP_UP_S = 15 * 60.0


def authorised(route: Route) -> Callable[[Request], Awaitable[Acting]]:
    """Returns the dependency that admits a request to a route, before anything else is looked at."""

    async def authorise(request: Request) -> Acting:
        secret = _bearer(request)
        acting = await (_person(request, route) if secret is None else _program(request, route, secret))
        request.state.acting = acting  # also when it is refused, for the audit
        acting.require_route()
        return acting

    return authorise


def acting_now(request: Request) -> Acting:
    """Returns who was admitted. Every route of the administration API has the dependency above."""
    acting: Acting = request.state.acting
    return acting


ActingNow = Annotated[Acting, Depends(acting_now)]


def _bearer(request: Request) -> str | None:
    """Returns the token of a request; None without one.

    A browser behind a proxy with passwords of its own sends the header Authorization as well, of another
    scheme.
    """
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    return given.strip() if scheme.lower() == "bearer" else None


async def _person(request: Request, route: Route) -> Acting:
    """Raises ApiError when nobody is signed in, and when the second factor is due once more."""
    services: BrokerServices = request.app.state.services
    user = await current_user(await signed_in_user(request))
    async with services.store.reading() as db:
        standing = (await read_standings(db, [user.username]))[user.username]
    acting = Acting(
        route,
        user.username,
        user.display_name,
        standing.roles,
        origin_of(request, user),
        web_session=user.id_hash,
    )
    settings = await factor_settings(services, request, user.username, user=user)
    if route.changes and user.by_badge:  # which somebody may have found
        raise ApiError(
            403,
            "proof-due",
            "A badge opens desktops. Administration needs your password.",
            next_step="Sign out, and sign in with your username and password.",
        )
    if route.changes and required(user.username, sorted(standing.groups), address_of(request), settings):
        age_s = None if user.factor_s is None else services.web_sessions.now_s() - user.factor_s
        if standing.roles and (age_s is None or not 0 <= age_s < STEP_UP_S):
            raise step_up_due()
    return acting


async def _program(request: Request, route: Route, secret: str) -> Acting:
    """The cookie of a request with a token does not count. Raises ApiError when the token is wrong."""
    services: BrokerServices = request.app.state.services
    token = await ApiTokens(services.store, now_s=services.web_sessions.now_s).find(secret)
    if token is None:
        raise bad_token()
    roles: tuple[Assignment, ...] = OF_OPERATOR
    if token.username is not None:
        async with services.store.reading() as db:
            roles = (await read_standings(db, [token.username]))[token.username].roles
    return Acting(route, token.username or "", token.name, roles, origin_of(request), token=token)
