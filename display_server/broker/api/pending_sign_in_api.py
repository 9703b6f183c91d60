"""The routes of a pending sign-in: giving the second factor, or setting up the first one.

They need the cookie of the pending sign-in, and nothing else accepts it.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import AsyncIterator, Sequence
from typing import Annotated, Any, Literal

import structlog
from fastapi import FastAPI, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from display_server.broker.api.request_facts import actor_of, address_of, cookie_of, relying_party_of
from display_server.broker.api.services import BrokerServices
from display_server.broker.api.sign_in_steps import Pending, SignInAnswer, complete, describe, sign_in_over
from display_server.broker.audit.actor import Actor
from display_server.broker.audit.entry import Action, Outcome
from display_server.broker.second_factor.events import record
from display_server.broker.second_factor.factor_key import FactorKeyError
from display_server.broker.second_factor.passkeys import NAME_MAX, PasskeyRefusedError, RelyingParty
from display_server.broker.second_factor.pending_sign_ins import PendingPerson
from display_server.broker.second_factor.sign_in_state import SignInEvent, SignInState
from display_server.broker.tables import Account
from display_server.broker_link.api_error import ApiError
from display_server.broker_link.cookies import DEVICE

log = structlog.get_logger(__name__)

Code = Annotated[str, Field(min_length=1, max_length=64)]
#: What a browser's WebAuthn functions return, as JSON.
Credential = dict[str, Any]
#: The name that a person gives to a passkey, without line breaks and the like.
PasskeyName = Annotated[str, Field(min_length=1, max_length=NAME_MAX, pattern=r"^[^\x00-\x1f\x7f]+$")]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class CodeBody(_Body):
    """A code of the app, or a recovery code."""

    method: Literal["app", "recovery"]
    code: Code


class AppCodeBody(_Body):
    code: Code


class CredentialBody(_Body):
    credential: Credential


class NewPasskeyBody(_Body):
    name: PasskeyName
    credential: Credential


class AppSetup(BaseModel):
    """What a person gives to their app. `rows` draw the QR code: `1` is a dark square."""

    secret: str
    uri: str
    rows: Sequence[str]


class Enrolled(BaseModel):
    """A factor was set up. `recovery_codes` are new ones if the person had none; they are shown only now."""

    recovery_codes: list[str] | None


def add_pending_sign_in_routes(app: FastAPI, services: BrokerServices) -> None:
    @app.post("/api/v1/sign-in/state")
    async def sign_in_state(request: Request, pending: Pending) -> SignInAnswer:
        """Says how far the sign-in of this browser has come.

        It is a POST, so that browsers name the page's origin, to which passkeys belong.
        """
        return await describe(services, request, pending.account, pending.progress)

    @app.post("/api/v1/sign-in/code")
    async def give_code(
        body: CodeBody, request: Request, response: Response, pending: Pending
    ) -> SignInAnswer:
        """Ends the sign-in with a code of the app or a recovery code."""
        _require(pending, SignInState.FACTOR_DUE)
        async with _attempt(services, request, pending):
            actor = _actor(request, pending)
            if body.method == "app":
                right = await services.factors.accept_app_code(
                    pending.id_hash, pending.account, body.code.strip().replace(" ", ""), actor
                )
            else:
                right = await services.factors.accept_recovery_code(
                    pending.id_hash, pending.account, body.code, actor
                )
            if not right:
                await _record_refusal(services, request, pending, f"the code ({body.method}) was not right")
                raise wrong_factor("The code is not right, or it was used before.")
        return await complete(services, request, response, pending, SignInEvent.FACTOR_RIGHT)

    @app.post("/api/v1/sign-in/passkey/options")
    async def passkey_options(request: Request, pending: Pending) -> dict[str, Any]:
        """Returns the options for `navigator.credentials.get`, with a new challenge for this sign-in."""
        _require(pending, SignInState.FACTOR_DUE)
        options = await services.passkeys.begin_use(
            pending.id_hash,
            pending.account.id,
            require_party(request),
            services.second_factor.user_verification,
        )
        if options is None:
            raise no_passkey()
        return options

    @app.post("/api/v1/sign-in/passkey")
    async def give_passkey(
        body: CredentialBody, request: Request, response: Response, pending: Pending
    ) -> SignInAnswer:
        """Ends the sign-in with a passkey."""
        _require(pending, SignInState.FACTOR_DUE)
        async with _attempt(services, request, pending):
            try:
                await services.passkeys.accept(
                    pending.id_hash,
                    pending.account,
                    require_party(request),
                    body.credential,
                    verification=services.second_factor.user_verification,
                    actor=_actor(request, pending),
                )
            except PasskeyRefusedError as error:
                await _record_refusal(services, request, pending, str(error))
                raise wrong_factor("The passkey was not accepted.") from error
        return await complete(services, request, response, pending, SignInEvent.FACTOR_RIGHT)

    @app.post("/api/v1/sign-in/app/begin")
    async def begin_app(pending: Pending) -> AppSetup:
        """Makes a secret for the first app of a person who has to have a second factor."""
        _require(pending, SignInState.ENROLMENT_DUE)
        return await new_app(services, pending.id_hash, pending.account)

    @app.post("/api/v1/sign-in/app")
    async def finish_app(
        body: AppCodeBody, request: Request, response: Response, pending: Pending
    ) -> Enrolled:
        """Takes the app into use, and signs in."""
        _require(pending, SignInState.ENROLMENT_DUE)
        actor = _actor(request, pending)
        await take_app_into_use(services, pending.id_hash, pending.account, body.code, actor)
        return await _enrolled(services, request, response, pending)

    @app.post("/api/v1/sign-in/passkeys/options")
    async def new_passkey_options(request: Request, pending: Pending) -> dict[str, Any]:
        """Returns the options for `navigator.credentials.create`."""
        _require(pending, SignInState.ENROLMENT_DUE)
        return await services.passkeys.begin_registration(
            pending.id_hash,
            pending.account,
            require_party(request),
            services.second_factor.user_verification,
        )

    @app.post("/api/v1/sign-in/passkeys")
    async def store_passkey(
        body: NewPasskeyBody, request: Request, response: Response, pending: Pending
    ) -> Enrolled:
        """Stores the first passkey, and signs in."""
        _require(pending, SignInState.ENROLMENT_DUE)
        actor = _actor(request, pending)
        await register_passkey(services, request, pending.id_hash, pending.account, body, actor)
        return await _enrolled(services, request, response, pending)


def _actor(request: Request, pending: PendingPerson) -> Actor:
    """Returns the person of a pending sign-in, whose device has a name once they have signed in there."""
    return actor_of(request, pending.account.username, pending.unlocks)


def _require(pending: PendingPerson, state: SignInState) -> None:
    """Raises ApiError when a step does not belong to how far the sign-in has come."""
    if pending.progress.state is not state:
        raise sign_in_over()


@contextlib.asynccontextmanager
async def _attempt(services: BrokerServices, request: Request, pending: PendingPerson) -> AsyncIterator[None]:
    """Counts an attempt to give the second factor: per sign-in, and per account or known device.

    Raises ApiError when there were too many, and passes on the one that the block raises.
    """
    username, address = pending.account.username, address_of(request)
    device = await services.known_devices.find(username, cookie_of(request, DEVICE))
    limiter = services.factor_limiter
    wait = limiter.begin_attempt(username, address, services.monotonic_s(), device)
    if wait > 0:
        seconds = math.ceil(wait)
        services.metrics.sign_ins.labels("limited").inc()
        raise ApiError(
            429,
            "slow-down",
            "Too many codes were wrong.",
            next_step=f"Try again in {seconds} s.",
            headers={"Retry-After": str(seconds)},
        )
    try:
        if not await services.pending_sign_ins.begin_attempt(pending.id_hash):
            raise sign_in_over()
        yield
    except ApiError as error:
        if error.code == "factor-wrong":
            services.metrics.sign_ins.labels("factor-wrong").inc()
            if not await services.pending_sign_ins.attempt_failed(pending):
                raise sign_in_over() from error
        else:
            limiter.cancel_attempt(username, address, device)
        raise
    except FactorKeyError as error:
        limiter.cancel_attempt(username, address, device)
        raise factor_unreadable(error) from error
    except Exception:
        limiter.cancel_attempt(username, address, device)
        raise
    else:
        limiter.record_success(username, address, device)


async def _record_refusal(
    services: BrokerServices, request: Request, pending: PendingPerson, reason: str
) -> None:
    async with services.store.begin() as db:
        await record(
            db,
            Action.SECOND_FACTOR_USED,
            services.pending_sign_ins.now_s(),
            _actor(request, pending),
            f"account:{pending.account.username}",
            outcome=Outcome.REFUSED,
            reason=reason,
        )


async def new_app(services: BrokerServices, owner: bytes, account: Account) -> AppSetup:
    """Makes a secret for an app."""
    setup = await services.factors.begin_app(owner, account)
    return AppSetup(secret=setup.secret, uri=setup.uri, rows=setup.rows)


async def take_app_into_use(
    services: BrokerServices, owner: bytes, account: Account, code: str, actor: Actor
) -> None:
    """Takes an app into use whose first code this is. Raises ApiError."""
    try:
        right = await services.factors.finish_app(owner, account, code.strip().replace(" ", ""), actor)
    except FactorKeyError as error:
        raise factor_unreadable(error) from error
    if not right:
        raise wrong_factor("The code does not belong to this app, or the time of one device is wrong.")


async def register_passkey(
    services: BrokerServices,
    request: Request,
    owner: bytes,
    account: Account,
    body: NewPasskeyBody,
    actor: Actor,
) -> None:
    """Stores a new passkey. Raises ApiError."""
    try:
        await services.passkeys.register(
            owner,
            account,
            require_party(request),
            body.name.strip() or body.name,
            body.credential,
            verification=services.second_factor.user_verification,
            actor=actor,
        )
    except PasskeyRefusedError as error:
        log.warning("new passkey refused", username=account.username, reason=str(error))
        raise wrong_factor("The passkey was not accepted.") from error


async def first_recovery_codes(services: BrokerServices, account: Account, actor: Actor) -> list[str] | None:
    """Returns new recovery codes for a person who has none; otherwise None, and theirs stay valid."""
    if (await services.factors.overview(account.id)).recovery_codes:
        return None
    return await services.factors.new_recovery_codes(account, actor)


async def _enrolled(
    services: BrokerServices, request: Request, response: Response, pending: PendingPerson
) -> Enrolled:
    await services.pending_sign_ins.end(pending.id_hash)
    codes = await first_recovery_codes(services, pending.account, _actor(request, pending))
    await complete(services, request, response, pending, SignInEvent.ENROLLED)
    return Enrolled(recovery_codes=codes)


def require_party(request: Request) -> RelyingParty:
    """Returns the server as the page knows it. Raises ApiError where there can be no passkeys."""
    party = relying_party_of(request)
    if party is None:
        raise ApiError(
            409,
            "no-passkey",
            "Passkeys belong to a name, and this page was opened by an IP address.",
            next_step="Open the server by its name, or use an authenticator app.",
        )
    return party


def no_passkey() -> ApiError:
    return ApiError(
        404,
        "no-passkey",
        "There is no such passkey at this address of the server.",
        next_step="Use your authenticator app or a recovery code, or the address where you made the passkey.",
    )


def wrong_factor(cause: str) -> ApiError:
    return ApiError(
        403, "factor-wrong", cause, next_step="Try again with a new code, or with another method."
    )


def factor_unreadable(error: FactorKeyError) -> ApiError:
    log.error("second factor cannot be read", cause=error.cause, next_step=error.next_step)
    return ApiError(
        503,
        "factor-unreadable",
        "The server cannot read what it stored of your second factor.",
        next_step="Tell your administrator: the log says why.",
    )
