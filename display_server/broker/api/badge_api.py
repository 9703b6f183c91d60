"""The route of a badge that was held to the reader of an enrolled device.

A tap may take two requests: the first one says what it still needs, and the second one brings the PIN, or the
password and a new PIN. Each of them has the badge's number, so that nothing is pending in between. Somebody
else's open screen is locked by the first request, whatever follows.
"""

from __future__ import annotations

import math
from typing import Annotated, Literal

import structlog
from fastapi import FastAPI, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from display_server.broker.api.request_facts import address_of, cookie_of, device_of_request
from display_server.broker.api.services import BrokerServices
from display_server.broker.api.sign_in_api import Password, check_password
from display_server.broker.api.sign_in_audit import origin_of
from display_server.broker.api.sign_in_steps import finish_sign_in
from display_server.broker.audit.entry import Action, AuditEntry, Outcome, Role
from display_server.broker.authenticator import PasswordUncheckable, SignInRefused
from display_server.broker.badges.badge_state import NUMBER, PIN, Need, WeakPinError, check_new_pin
from display_server.broker.badges.badges import TappedBadge
from display_server.broker.devices.device_facts import DeviceFacts
from display_server.broker.passwords import TooManySignIns
from display_server.broker.screen_lock import LockEvent
from display_server.broker.web_sessions import SignedInUser, SignInOutdatedError
from display_server.broker_link.api_error import ApiError
from display_server.broker_link.cookies import SESSION

log = structlog.get_logger(__name__)

State = Literal["signed-in", "open", "pin", "new-pin"]
Digits = Annotated[str, Field(pattern=rf"^{PIN.pattern}$")]


class BadgeTap(BaseModel):
    """What a reader has read, and what the person gave as well."""

    model_config = ConfigDict(extra="forbid", strict=True)
    number: Annotated[str, Field(pattern=rf"^{NUMBER.pattern}$")]
    pin: Digits | None = None
    password: Password | None = None  # with `new_pin`
    new_pin: Digits | None = None


class BadgeAnswer(BaseModel):
    """What a tap has done. With `signed-in` the screen of this person is open now; with `open` it was before.

    `pin` and `new-pin` say what is missing; `locked` whether the screen of somebody else was locked.
    """

    state: State
    username: str
    display_name: str
    locked: bool


def add_badge_routes(app: FastAPI, services: BrokerServices) -> None:
    @app.post("/api/v1/badge")
    async def badge(body: BadgeTap, request: Request, response: Response) -> BadgeAnswer:
        """Signs the person of a badge in, or unlocks their screen. Nobody need be signed in."""
        device = await _usable_device(services, request)
        tapped = await _find(services, request, device, body.number)
        user = await services.web_sessions.find(cookie_of(request, SESSION))
        other = user is not None and user.username != tapped.account.username
        locked = other and user is not None and not user.lock.locked
        if locked and user is not None:
            origin = origin_of(request, user)
            await services.lock_watch.lock(user.id_hash, LockEvent.OTHER_BADGE, origin=origin)

        def answer(state: State) -> BadgeAnswer:
            account = tapped.account
            return BadgeAnswer(
                state=state, username=account.username, display_name=account.display_name, locked=locked
            )

        same = user if user is not None and not other and user.device == device else None
        if same is not None and not same.lock.locked:
            return answer("open")
        need = tapped.facts.need(services.badges.now_s(), services.badge_settings)
        if need is Need.RESET:
            raise await _locked_out(services, request, device, tapped)
        if need is Need.PIN and body.pin is None:
            return answer("pin")
        if need is Need.NEW_PIN and (body.new_pin is None or body.password is None):
            return answer("new-pin")
        given = "badge"
        if need is Need.PIN and body.pin is not None:
            await _check_pin(services, request, device, tapped, body.pin)
            given = "badge with PIN"
        elif body.new_pin is not None and body.password is not None and need is Need.NEW_PIN:
            await _choose_pin(services, request, device, tapped, body.password, body.new_pin)
            given = "badge with password and new PIN"
        await _require_present(services, tapped)
        await _open(services, request, response, tapped, same, given)
        return answer("signed-in")


async def _usable_device(services: BrokerServices, request: Request) -> DeviceFacts:
    """Returns the enrolled device. Raises ApiError where badges do not work."""
    factor, address = services.second_factor, address_of(request)
    outside = factor.when == "outside" and not factor.is_inside(address)
    device = await device_of_request(request, services.devices)
    if not services.badge_settings.enabled or device is None or outside:
        raise ApiError(
            403,
            "badge-not-here",
            "Badges work only on devices that the administrator has enrolled.",
            next_step="Sign in with your username and password.",
        )
    return device


async def _find(services: BrokerServices, request: Request, device: DeviceFacts, number: str) -> TappedBadge:
    """Returns the badge. Raises ApiError, also after too many unknown numbers at this device."""
    now_s = services.monotonic_s()
    wait = services.badge_failures.wait_s(device.id, now_s)
    if wait > 0:
        seconds = math.ceil(wait)
        services.metrics.sign_ins.labels("limited").inc()
        raise ApiError(
            429,
            "slow-down",
            "Too many unknown badges were held to this reader.",
            next_step=f"Try again in {seconds} s, or sign in with your username and password.",
            headers={"Retry-After": str(seconds)},
        )
    services.badge_failures.increment(device.id, now_s)
    tapped = await services.badges.find(number)
    if tapped is None:
        services.metrics.sign_ins.labels("unknown-badge").inc()
        await _record_refusal(services, request, device, "unknown or revoked badge", None)
        raise ApiError(
            403,
            "badge-unknown",
            "This badge is not known, or it was revoked.",
            next_step="Sign in with your username and password, and ask the help desk about your badge.",
        )
    services.badge_failures.decrement(device.id)
    return tapped


async def _check_pin(
    services: BrokerServices, request: Request, device: DeviceFacts, tapped: TappedBadge, pin: str
) -> None:
    """Raises ApiError unless the PIN is right."""
    try:
        right = await services.badges.give_pin(tapped, pin, services.badge_settings.tries)
    except TooManySignIns as error:
        raise _busy(error) from error
    if right is None:
        raise await _locked_out(services, request, device, tapped)
    if not right:
        services.metrics.sign_ins.labels("wrong-pin").inc()
        await _record_refusal(services, request, device, "wrong PIN", tapped)
        raise ApiError(403, "pin-wrong", "The PIN is wrong.", next_step="Check it and try again.")


async def _choose_pin(
    services: BrokerServices,
    request: Request,
    device: DeviceFacts,
    tapped: TappedBadge,
    password: str,
    pin: str,
) -> None:
    """Sets the first PIN of a badge, if the password is right. Raises ApiError."""
    try:
        check_new_pin(pin)
    except WeakPinError as error:
        raise ApiError(422, "weak-pin", error.cause, next_step=error.next_step) from error
    await check_password(services, request, tapped.account.username, password)
    try:
        chosen = await services.badges.set_pin(tapped, pin, address=address_of(request), device_id=device.id)
    except TooManySignIns as error:
        raise _busy(error) from error
    if not chosen:
        raise _outdated()


async def _require_present(services: BrokerServices, tapped: TappedBadge) -> None:
    """Raises ApiError unless the account may be used at present."""
    try:
        await services.authenticator.require_present(tapped.account)
    except TooManySignIns as error:
        raise _busy(error) from error
    except SignInRefused as error:
        services.metrics.sign_ins.labels("refused").inc()
        raise ApiError(403, error.code, error.cause, next_step=error.next_step) from error
    except PasswordUncheckable as error:
        services.metrics.sign_ins.labels("unchecked").inc()
        raise ApiError(
            503, "directory-away", error.cause, next_step=error.next_step, headers={"Retry-After": "30"}
        ) from error


async def _open(
    services: BrokerServices,
    request: Request,
    response: Response,
    tapped: TappedBadge,
    user: SignedInUser | None,
    given: str,
) -> None:
    """Unlocks the screen of `user`, who is the badge's person, or signs that person in. Raises ApiError."""
    if not await services.badges.record_use(tapped):
        raise _outdated()
    if user is not None:
        origin = origin_of(request, user)
        if await services.web_sessions.unlock(user.id_hash, origin=origin, badge=given) is not None:
            log.info("screen unlocked", username=user.username, address=address_of(request), by="badge")
            return
    try:
        await finish_sign_in(services, request, response, tapped.account, proved=False, badge=given)
    except SignInOutdatedError as error:
        raise _outdated() from error
    services.metrics.sign_ins.labels("badge").inc()


async def _locked_out(
    services: BrokerServices, request: Request, device: DeviceFacts, tapped: TappedBadge
) -> ApiError:
    services.metrics.sign_ins.labels("limited").inc()
    await _record_refusal(services, request, device, "too many wrong PINs", tapped)
    return ApiError(
        403,
        "badge-locked",
        "This badge is locked, because the PIN was wrong too often.",
        next_step="Sign in with your username and password, and ask the help desk to reset the PIN.",
    )


def _outdated() -> ApiError:
    return ApiError(
        403,
        "badge-unknown",
        "This badge or this account was changed at the same moment.",
        next_step="Hold the badge to the reader again.",
    )


def _busy(error: TooManySignIns) -> ApiError:
    return ApiError(503, "busy", error.cause, next_step=error.next_step, headers={"Retry-After": "3"})


async def _record_refusal(
    services: BrokerServices, request: Request, device: DeviceFacts, reason: str, tapped: TappedBadge | None
) -> None:
    entry = AuditEntry(
        services.audit.now_s(),
        Action.SIGN_IN,
        Outcome.REFUSED,
        account=tapped.account.username if tapped else None,
        role=Role.NOBODY,
        address=address_of(request) or None,
        object=f"device:{device.id}",
        reason=f"badge{f' {tapped.id}' if tapped else ''}, {reason}, on {device.name}, {device.place}",
    )
    await services.audit.close(entry)
