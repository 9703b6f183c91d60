"""The routes for signing in and out, and for locking and unlocking the screen."""

from __future__ import annotations

import math
from typing import Annotated

import structlog
from fastapi import Depends, FastAPI, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from display_server.broker.api.desktop_endings import end_pool_desktops
from display_server.broker.api.policy_checks import has_moved
from display_server.broker.api.provider_facts import (
    ProviderEntry,
    page_of,
    provider_entry,
    session_at_provider,
    title_of,
)
from display_server.broker.api.request_facts import address_of, cookie_of, cookies_of
from display_server.broker.api.services import BrokerServices
from display_server.broker.api.sign_in_audit import origin_of, record_refusal
from display_server.broker.api.sign_in_steps import SignInAnswer, after_right_password, ask_to_unlock
from display_server.broker.audit.entry import Role
from display_server.broker.authenticator import PasswordUncheckable, SignInRefused
from display_server.broker.oidc.sessions import AtProvider
from display_server.broker.passwords import TooManySignIns
from display_server.broker.people.role_assignments import RoleAssignments
from display_server.broker.screen_lock import LockEvent, LockReason, LockState
from display_server.broker.storage_failures import StorageError
from display_server.broker.tables import Account
from display_server.broker.web_sessions import SignedInUser, SignInOutdatedError
from display_server.broker_link.api_error import ApiError, not_signed_in, screen_locked
from display_server.broker_link.cookies import DEVICE, ENROLLED_DEVICE, SESSION

log = structlog.get_logger(__name__)

Password = Annotated[str, Field(min_length=1, max_length=4096)]


class SignInRequest(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    username: Annotated[str, Field(min_length=1, max_length=128)]
    password: Password


class UnlockRequest(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    password: Password


class UserInfo(BaseModel):
    """The person who is signed in. `roles` are the person's, also by groups and whatever their scope."""

    username: str
    display_name: str
    roles: list[str]


class SignedOut(BaseModel):
    """What signing out did: the names of the floating desktops that end, with their homes.

    `continue_at` is the address at which the browser signs out at the person's provider as well.
    `signed_in_at` names a provider at which this is not possible, so that they stay signed in there.
    """

    ended: list[str]
    continue_at: str | None = None
    signed_in_at: str | None = None


class LockInfo(BaseModel):
    """The lock of this browser's screen. `remaining_s` counts to the lock; the page warns in the last
    `warning_s` of it. `blank_s` is the time without a connection after which the page blanks the picture.
    `provider` is where the person unlocks it, if that is not here.
    """

    username: str
    display_name: str
    state: LockState
    reason: LockReason | None
    remaining_s: float
    after_s: float
    warning_s: float
    take_back_s: float
    blank_s: float
    provider: ProviderEntry | None = None


async def signed_in_user(request: Request) -> SignedInUser:
    """Returns the person whom the request comes from, even if their screen is locked.

    Raises ApiError when nobody is signed in.
    """
    services: BrokerServices = request.app.state.services
    user = await services.web_sessions.find(cookie_of(request, SESSION))
    if user is None:
        raise not_signed_in()
    if await has_moved(services, request, user):
        raise ApiError(
            401,
            "inside-only",
            "You signed in on the hospital's own network, without a second factor. From here it is needed.",
            next_step="Sign in again here.",
        )
    if user.device is not None:
        if services.devices.id_of(cookie_of(request, ENROLLED_DEVICE)) != user.device.id:
            log.warning("sign-in of another device refused", username=user.username, device=user.device.name)
            raise ApiError(
                401,
                "other-device",
                "This sign-in belongs to an enrolled device, and this browser is not that device.",
                next_step="Sign in again here.",
            )
        services.devices.seen(user.device.id)
    services.policy_watch.on_request(user, address_of(request))
    return user


async def find_or_recall(request: Request) -> SignedInUser | None:
    """Returns the person whom the request comes from.

    While the database cannot be used, that is the person of the last request. Use this only for what closes
    access.
    """
    services: BrokerServices = request.app.state.services
    secret = cookie_of(request, SESSION)
    try:
        return await services.web_sessions.find(secret)
    except StorageError:
        return services.web_sessions.recall(secret)


async def current_user(user: Annotated[SignedInUser, Depends(signed_in_user)]) -> SignedInUser:
    """Returns the person whom the request comes from.

    Raises ApiError when nobody is signed in, or when their screen is locked.
    """
    if user.lock.locked:
        raise screen_locked()
    return user


SignedIn = Annotated[SignedInUser, Depends(signed_in_user)]
CurrentUser = Annotated[SignedInUser, Depends(current_user)]


def add_sign_in_routes(app: FastAPI, services: BrokerServices) -> None:
    @app.post("/api/v1/sign-in")
    async def sign_in(body: SignInRequest, request: Request, response: Response) -> SignInAnswer:
        """Checks the password. The state `signed-in` is the only one that opens anything."""
        username = services.authenticator.account_name(body.username)
        account = await check_password(services, request, username, body.password)
        try:
            return await after_right_password(services, request, response, account)
        except SignInOutdatedError as error:
            log.warning("sign-in outdated", username=username, address=address_of(request))
            await record_refusal(services, request, username, "account changed meanwhile", user=None)
            raise wrong_credentials() from error

    @app.post("/api/v1/sign-out")
    async def sign_out(request: Request, response: Response) -> SignedOut:
        ended = []
        user = await find_or_recall(request)
        at = await session_at_provider(services, user) if user is not None else None
        if user is not None:
            await services.web_sessions.delete(user.id_hash, origin=origin_of(request, user))
            services.viewers.disconnect_web_session(user.id_hash)
            services.access_watch.request()  # desktops that a removal ends at sign-out
            log.info("signed out", username=user.username)
            ended = await end_pool_desktops(services, user.username)
        response.headers.append("set-cookie", cookies_of(request).delete_cookie(SESSION))
        if at is None:
            return SignedOut(ended=ended)
        url = await services.oidc.sign_out_url(at, f"{page_of(request)}/")
        left = None if url is not None else title_of(services, at.provider)
        return SignedOut(ended=ended, continue_at=url, signed_in_at=left)

    @app.get("/api/v1/me")
    async def me(user: CurrentUser) -> UserInfo:
        given = await RoleAssignments(services.store).of_person(user.username)
        roles = sorted({assignment.role.value for assignment in given})
        return UserInfo(username=user.username, display_name=user.display_name, roles=roles)


def add_lock_routes(app: FastAPI, services: BrokerServices) -> None:
    @app.get("/api/v1/lock")
    async def lock_state(user: SignedIn) -> LockInfo:
        """Says when the screen will be locked. Asking is no input."""
        return lock_info(services, user, await session_at_provider(services, user))

    @app.post("/api/v1/lock")
    async def lock(request: Request) -> LockInfo:
        """Locks the screen at once, because the person leaves."""
        user = await find_or_recall(request)
        if user is None:
            raise not_signed_in()
        await services.lock_watch.lock(
            user.id_hash, LockEvent.REQUESTED, role=Role.USER, origin=origin_of(request, user)
        )
        try:
            return lock_info(services, await signed_in_user(request))
        except StorageError:  # it is locked all the same
            return lock_info(services, await find_or_recall(request) or user)

    @app.post("/api/v1/unlock")
    async def unlock(body: UnlockRequest, request: Request, user: SignedIn) -> LockInfo:
        """Unlocks the screen with the password of the person who is signed in.

        If the second factor is asked for, too, the answer is `factor-due`, and the routes of a pending
        sign-in unlock the screen.
        """
        account = await check_password(services, request, user.username, body.password, user=user)
        if (asked := await ask_to_unlock(services, request, account, user.id_hash)) is not None:
            raise asked
        if await services.web_sessions.unlock(user.id_hash, origin=origin_of(request, user)) is None:
            raise not_signed_in()
        log.info("screen unlocked", username=user.username, address=address_of(request))
        return lock_info(services, await signed_in_user(request))

    @app.post("/api/v1/input", status_code=204)
    async def input_seen(user: CurrentUser) -> None:
        """The person used keys, pointer or touch on a page itself. Agents report what reaches a desktop."""
        await services.web_sessions.record_inputs({user.id_hash: services.web_sessions.now_s()})


def lock_info(services: BrokerServices, user: SignedInUser, at: AtProvider | None = None) -> LockInfo:
    """`at` is where the person signed in, which only the page of a locked screen has to know."""
    limits, now = services.web_sessions.lock_limits_of(user.id_hash), services.web_sessions.now_s()
    lock = user.lock.at(now, limits)
    return LockInfo(
        username=user.username,
        display_name=user.display_name,
        state=lock.state,
        reason=lock.reason,
        remaining_s=round(lock.remaining_s(now, limits), 3),
        after_s=limits.after_s,
        warning_s=limits.warning_s,
        take_back_s=limits.take_back_s,
        blank_s=limits.blank_s,
        provider=provider_entry(services, at.provider) if at is not None else None,
    )


async def check_password(
    services: BrokerServices,
    request: Request,
    username: str,
    password: str,
    *,
    user: SignedInUser | None = None,
) -> Account:
    """Returns the account if the password is right. Raises ApiError, also after too many attempts.

    `user` is the person whose screen is locked, or None at a sign-in.
    """
    address, limiter = address_of(request), services.sign_in_limiter
    device = await services.known_devices.find(username, cookie_of(request, DEVICE))
    wait = limiter.begin_attempt(username, address, services.monotonic_s(), device)
    if wait > 0:
        services.metrics.sign_ins.labels("limited").inc()
        services.limited_attempts.count(username, address, services.monotonic_s())
        seconds = math.ceil(wait)
        raise ApiError(
            429,
            "slow-down",
            "Too many attempts to sign in have failed.",
            next_step=f"Try again in {seconds} s.",
            headers={"Retry-After": str(seconds)},
        )
    try:
        account = await services.authenticator.verify(username, password, known_device=device is not None)
    except TooManySignIns as error:
        limiter.cancel_attempt(username, address, device)
        services.metrics.sign_ins.labels("busy").inc()
        raise ApiError(
            503, "busy", error.cause, next_step=error.next_step, headers={"Retry-After": "3"}
        ) from error
    except SignInRefused as error:
        limiter.cancel_attempt(username, address, device)
        services.metrics.sign_ins.labels("refused").inc()
        raise ApiError(403, error.code, error.cause, next_step=error.next_step) from error
    except PasswordUncheckable as error:
        if not error.compared:
            limiter.cancel_attempt(username, address, device)
        services.metrics.sign_ins.labels("unchecked").inc()
        raise ApiError(
            503, "directory-away", error.cause, next_step=error.next_step, headers={"Retry-After": "30"}
        ) from error
    except StorageError:
        limiter.cancel_attempt(username, address, device)
        raise
    if account is None:
        services.metrics.sign_ins.labels("wrong").inc()
        log.warning("sign-in refused", username=username, address=address, known_device=device is not None)
        await record_refusal(services, request, username, "wrong password", user=user)
        raise wrong_credentials()
    limiter.record_success(username, address, device)
    services.metrics.sign_ins.labels("right").inc()
    return account


def wrong_credentials() -> ApiError:
    return ApiError(
        401,
        "wrong-credentials",
        "The username or the password is wrong.",
        next_step="Check both and try again. Your administrator can set a new password.",
    )
