"""What follows a right password: a web session, or the second factor first."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated

import structlog
from fastapi import Depends, Request, Response
from pydantic import BaseModel

from display_server.broker.api.policy_checks import factor_settings, refuse_network
from display_server.broker.api.request_facts import (
    address_of,
    cookie_of,
    cookies_of,
    device_of_request,
    relying_party_of,
)
from display_server.broker.api.services import BrokerServices
from display_server.broker.audit.actor import Actor
from display_server.broker.audit.entry import Action, Origin, Outcome
from display_server.broker.devices.device_keys import COOKIE_S as DEVICE_COOKIE_S
from display_server.broker.known_devices import COOKIE_S
from display_server.broker.oidc.provider import Grant
from display_server.broker.second_factor.events import record
from display_server.broker.second_factor.pending_sign_ins import PendingPerson
from display_server.broker.second_factor.policy import after_password, required
from display_server.broker.second_factor.sign_in_state import SignInEvent, SignInProgress, SignInState
from display_server.broker.tables import Account, AccountOrigin
from display_server.broker.web_sessions import Bind, SignInOutdatedError, device_of
from display_server.broker_link.api_error import ApiError
from display_server.broker_link.cookies import DEVICE, ENROLLED_DEVICE, PENDING, SESSION

log = structlog.get_logger(__name__)

#: What a person can set up.
ENROLMENT_METHODS = ("passkey", "app")


class SignInAnswer(BaseModel):
    """How far a sign-in has come. `methods` are those by which the person can give the second factor
    (`passkey`, `app`, `recovery`), or which they can set up. `expires_in_s` counts to the end of the sign-in.
    """

    state: SignInState
    username: str
    display_name: str
    methods: Sequence[str] = ()
    expires_in_s: float = 0.0


async def pending_person(request: Request) -> PendingPerson:
    """Returns the person whose password was right in this browser. Raises ApiError when there is none."""
    services: BrokerServices = request.app.state.services
    pending = await services.pending_sign_ins.find(cookie_of(request, PENDING))
    if pending is None:
        raise sign_in_over()
    return pending


Pending = Annotated[PendingPerson, Depends(pending_person)]


def sign_in_over() -> ApiError:
    return ApiError(
        401,
        "sign-in-over",
        "This sign-in took too long, or failed too often.",
        next_step="Enter your username and password again.",
    )


async def after_right_password(
    services: BrokerServices,
    request: Request,
    response: Response,
    account: Account,
    *,
    at: Grant | None = None,
) -> SignInAnswer:
    """Signs the person in, or asks for the second factor. Raises ApiError, and SignInOutdatedError.

    `at` is the outcome of a sign-in at a provider, if there was one; its second factor may count.
    """
    await refuse_network(services, request, account.username)
    address, settings = address_of(request), await factor_settings(services, request, account.username)
    proved = at is not None and at.person.factor_given
    needed = not proved and required(account.username, (), address, settings)
    overview = await services.factors.overview(account.id) if needed else None
    event = after_password(
        needs_factor=needed,
        has_factor=overview is not None and overview.count > 0,
        address=address,
        settings=settings,
    )
    entered_s = services.pending_sign_ins.now_s()
    progress = SignInProgress(SignInState.PASSWORD_DUE, entered_s).after(event)
    if progress.state is SignInState.SIGNED_IN:
        return await finish_sign_in(services, request, response, account, proved=proved, at=at)
    if progress.state is SignInState.PASSWORD_DUE:
        async with services.store.begin() as db:
            await record(
                db,
                Action.SIGN_IN,
                entered_s,
                Actor(account.username, address),
                f"account:{account.username}",
                outcome=Outcome.REFUSED,
                reason="no second factor is set up, and the address is outside",
            )
        services.metrics.sign_ins.labels("no-factor").inc()
        raise ApiError(
            403,
            "factor-outside",
            "Signing in from here takes a second factor, and you have not set one up.",
            next_step="Sign in once on the hospital's own network, which leads you through it. "
            "Then you can sign in from here.",
        )
    await _begin(services, request, response, account, progress.state, at=at)
    return await describe(services, request, account, progress)


async def ask_to_unlock(
    services: BrokerServices, request: Request, account: Account, web_session: bytes
) -> ApiError | None:
    """Returns how to ask for the second factor before a screen is unlocked; None if it is not asked for.

    A person who has none unlocks with the password: what the operator requires holds from the next sign-in.
    """
    settings = await factor_settings(services, request, account.username)
    if not settings.at_unlock or not required(account.username, (), address_of(request), settings):
        return None
    if (await services.factors.overview(account.id)).count == 0:
        return None
    return await ask_for_factor(services, request, account, web_session)


async def ask_for_factor(
    services: BrokerServices, request: Request, account: Account, web_session: bytes
) -> ApiError:
    """Returns how to ask for the second factor of a person who is signed in and has given the password.

    The routes of a pending sign-in take it.
    """
    response = Response()
    await _begin(services, request, response, account, SignInState.FACTOR_DUE, unlocks=web_session)
    return ApiError(
        401,
        "factor-due",
        "The password is right. The second factor is needed as well.",
        next_step="Enter the code of your app, or use your passkey.",
        headers={"set-cookie": response.headers["set-cookie"]},
    )


async def describe(
    services: BrokerServices, request: Request, account: Account, progress: SignInProgress
) -> SignInAnswer:
    """Returns how far a sign-in has come."""
    party = relying_party_of(request)
    if progress.state is SignInState.ENROLMENT_DUE:
        methods = [name for name in ENROLMENT_METHODS if party is not None or name != "passkey"]
    else:
        overview = await services.factors.overview(account.id)
        methods = overview.methods(party.rp_id if party else None)
    return SignInAnswer(
        state=progress.state,
        username=account.username,
        display_name=account.display_name,
        methods=methods,
        expires_in_s=math.floor(progress.expires_in_s(services.pending_sign_ins.now_s())),
    )


async def complete(
    services: BrokerServices,
    request: Request,
    response: Response,
    pending: PendingPerson,
    event: SignInEvent,
) -> SignInAnswer:
    """Goes on after the last step of a pending sign-in, which has ended: signs in, or unlocks the screen.

    Raises ApiError.
    """
    if pending.progress.after(event).state is not SignInState.SIGNED_IN:
        raise sign_in_over()
    if pending.unlocks is not None:
        origin = Origin(address_of(request), device_of(pending.unlocks))
        if await services.web_sessions.unlock(pending.unlocks, factor_given=True, origin=origin) is None:
            raise sign_in_over()
        log.info("screen unlocked", username=pending.account.username, address=address_of(request))
        response.headers.append("set-cookie", cookies_of(request).delete_cookie(PENDING))
        return _signed_in(pending.account)
    try:
        return await finish_sign_in(
            services, request, response, pending.account, proved=True, pending=pending.id_hash
        )
    except SignInOutdatedError as error:
        raise sign_in_over() from error


async def finish_sign_in(
    services: BrokerServices,
    request: Request,
    response: Response,
    account: Account,
    *,
    proved: bool,
    badge: str | None = None,
    at: Grant | None = None,
    pending: bytes | None = None,
) -> SignInAnswer:
    """Creates the web session. `proved` says whether a second factor was given.

    With `badge`, a badge took the place of the password; it says what of it, for the audit. `at` is the
    outcome of a sign-in at a provider. `pending` is the hash of the sign-in that waited for the second
    factor.

    Raises ApiError when a policy does not allow the address, and SignInOutdatedError when the account was
    changed meanwhile.
    """
    await refuse_network(services, request, account.username)
    previous = await services.web_sessions.find(cookie_of(request, SESSION))
    if previous is not None:
        former = Origin(address_of(request), device_of(previous.id_hash))
        await services.web_sessions.delete(previous.id_hash, origin=former, reason="signed in anew")
        services.viewers.disconnect_web_session(previous.id_hash)
        services.access_watch.request()  # desktops that a removal ends at sign-out
    settings = await factor_settings(services, request, account.username)
    depends_on_place = settings.when == "outside" or services.policies.sets("second_factor")
    inside_only = depends_on_place and not proved
    known = await services.known_devices.find(account.username, cookie_of(request, DEVICE)) is not None
    reason = ("known browser" if known else "new browser") + (", second factor given" if proved else "")
    reason += f", {badge}" if badge is not None else ""
    if at is not None:
        reason += f", at {at.provider}"
    enrolled = await device_of_request(request, services.devices)
    secret = await services.web_sessions.create(
        account,
        inside_only=inside_only,
        factor_given=proved,
        origin=Origin(address_of(request)),
        reason=reason,
        on=enrolled,
        by_badge=badge is not None,
        bind=_binding(services, account, at, pending),
    )
    device = await services.known_devices.record_sign_in(account, cookie_of(request, DEVICE))
    cookies = cookies_of(request)
    # The cookie has no Max-Age, so that closing the browser signs out on a shared workstation.
    response.headers.append("set-cookie", cookies.set_cookie(SESSION, secret))
    response.headers.append("set-cookie", cookies.set_cookie(DEVICE, device, max_age_s=COOKIE_S))
    if enrolled is not None:
        renewed = services.devices.renewed_cookie(enrolled)
        response.headers.append(
            "set-cookie", cookies.set_cookie(ENROLLED_DEVICE, renewed, max_age_s=DEVICE_COOKIE_S)
        )
    if cookie_of(request, PENDING):
        response.headers.append("set-cookie", cookies.delete_cookie(PENDING))
    log.info("signed in", username=account.username, address=address_of(request), second_factor=proved)
    return _signed_in(account)


async def _begin(
    services: BrokerServices,
    request: Request,
    response: Response,
    account: Account,
    state: SignInState,
    *,
    unlocks: bytes | None = None,
    at: Grant | None = None,
) -> None:
    """Stores that the second factor is due, and gives the browser the cookie of the pending sign-in."""
    former = await services.pending_sign_ins.find(cookie_of(request, PENDING))
    if former is not None:
        await services.pending_sign_ins.end(former.id_hash)
    bind = _binding(services, account, at, None)
    secret = await services.pending_sign_ins.begin(account, state, unlocks=unlocks, bind=bind)
    response.headers.append("set-cookie", cookies_of(request).set_cookie(PENDING, secret))


def _binding(
    services: BrokerServices, account: Account, at: Grant | None, pending: bytes | None
) -> Bind | None:
    """Returns what records where the person signed in; None if that was here."""
    if account.origin != AccountOrigin.PROVIDER.value:
        return None
    if at is not None:
        return services.oidc.sessions.of(account, at)
    return services.oidc.sessions.moved(pending) if pending is not None else None


def _signed_in(account: Account) -> SignInAnswer:
    return SignInAnswer(
        state=SignInState.SIGNED_IN, username=account.username, display_name=account.display_name
    )
