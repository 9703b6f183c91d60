"""The routes of "My sign-in": a person's own password, app, passkeys and recovery codes.

Whoever finds an open screen can change nothing here: every change needs the password, given within the last
minutes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import structlog
from fastapi import Depends, FastAPI, Request
from pydantic import BaseModel, ConfigDict

from display_server.broker.api.pending_sign_in_api import (
    AppCodeBody,
    AppSetup,
    Enrolled,
    NewPasskeyBody,
    PasskeyName,
    first_recovery_codes,
    new_app,
    no_passkey,
    register_passkey,
    require_party,
    take_app_into_use,
)
from display_server.broker.api.policy_checks import factor_settings
from display_server.broker.api.request_facts import RowId, actor_of, address_of
from display_server.broker.api.services import BrokerServices
from display_server.broker.api.sign_in_api import CurrentUser, Password, check_password, wrong_credentials
from display_server.broker.api.sign_in_audit import origin_of
from display_server.broker.api.sign_in_steps import ask_for_factor
from display_server.broker.audit.actor import Actor
from display_server.broker.second_factor.policy import When, required
from display_server.broker.tables import Account, AccountOrigin
from display_server.broker.web_sessions import SignedInUser, SignInOutdatedError
from display_server.broker_link.api_error import ApiError, not_signed_in
from display_server.errors import ConfigurationError

log = structlog.get_logger(__name__)

#: A change needs the password, given within this time, s.
FRESH_S = 300.0


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class ProofBody(_Body):
    password: Password


class PasswordChange(_Body):
    old: Password
    new: Password


class NameBody(_Body):
    name: PasskeyName


class PasskeyEntry(BaseModel):
    """A passkey. It can be used only where the server is opened by the name `server`."""

    id: int
    name: str
    server: str
    created_s: float
    used_s: float | None


class OwnSignIn(BaseModel):
    """What a person has. `required_here` says whether the second factor is asked for at this address, and
    `policy` where else. `fresh_s` is how long changes need no password.
    """

    policy: When
    required_here: bool
    app_since_s: float | None
    app_used_s: float | None
    passkeys: Sequence[PasskeyEntry]
    recovery_codes: int
    fresh_s: float


class RecoveryCodes(BaseModel):
    """New recovery codes. They are shown only now."""

    recovery_codes: list[str]


async def proved_account(request: Request, user: CurrentUser) -> Account:
    """Returns the account of a person who has given the password within the last minutes.

    Raises ApiError when they have not.
    """
    services: BrokerServices = request.app.state.services
    if fresh_s(services, user) <= 0:
        raise ApiError(
            403,
            "proof-due",
            "A change of your sign-in needs your password once more.",
            next_step="Enter it, then try again.",
        )
    account = await services.accounts.find(user.username)
    if account is None:
        raise not_signed_in()
    return account


ProvedAccount = Annotated[Account, Depends(proved_account)]


def fresh_s(services: BrokerServices, user: SignedInUser) -> float:
    """Returns for how many seconds the last proof of the person still allows changes; a badge allows none."""
    if user.by_badge:
        return 0.0
    age_s = services.web_sessions.now_s() - user.lock.proved_s
    return FRESH_S - age_s if 0 <= age_s < FRESH_S else 0.0


async def _refuse_provider_account(services: BrokerServices, user: SignedInUser) -> None:
    """Raises ApiError when the password of the person is not known here because a provider checks it."""
    account = await services.accounts.find(user.username)
    if account is not None and account.origin == AccountOrigin.PROVIDER.value:
        raise ApiError(
            409,
            "password-of-provider",
            "Your password is kept by the sign-in service of your organisation.",
            next_step="To change it, use that service. To prove that it is you, lock the screen, unlock it "
            "there, and try again within five minutes.",
        )


def add_own_sign_in_routes(app: FastAPI, services: BrokerServices) -> None:
    @app.get("/api/v1/me/sign-in")
    async def own_sign_in(request: Request, user: CurrentUser) -> OwnSignIn:
        """Returns what the person has set up, without any secret."""
        account = await services.accounts.find(user.username)
        if account is None:
            raise not_signed_in()
        overview = await services.factors.overview(account.id)
        settings = await factor_settings(services, request, user.username, user=user)
        return OwnSignIn(
            policy=settings.when,
            required_here=required(user.username, (), address_of(request), settings),
            app_since_s=overview.app_since_s,
            app_used_s=overview.app_used_s,
            passkeys=[
                PasskeyEntry(
                    id=passkey.id,
                    name=passkey.name,
                    server=passkey.rp_id,
                    created_s=passkey.created_s,
                    used_s=passkey.used_s,
                )
                for passkey in overview.passkeys
            ],
            recovery_codes=overview.recovery_codes,
            fresh_s=round(fresh_s(services, user), 1),
        )

    @app.post("/api/v1/me/proof", status_code=204)
    async def prove(body: ProofBody, request: Request, user: CurrentUser) -> None:
        """Takes the password once more. Changes need no other proof for some minutes."""
        await _refuse_provider_account(services, user)
        await check_password(services, request, user.username, body.password, user=user)
        if await services.web_sessions.unlock(user.id_hash, origin=origin_of(request, user)) is None:
            raise not_signed_in()

    @app.post("/api/v1/me/step-up", status_code=204)
    async def step_up(body: ProofBody, request: Request, user: CurrentUser) -> None:
        """Takes the password once more, before the person administers Lightbox.

        Where the second factor is asked for, the answer is `factor-due`, and the routes of a pending sign-in
        take it.
        """
        account = await check_password(services, request, user.username, body.password, user=user)
        if required(account.username, (), address_of(request), services.second_factor):
            if (await services.factors.overview(account.id)).count == 0:
                raise ApiError(
                    403,
                    "step-up-due",
                    "Administration from here takes a second factor, and you have not set one up.",
                    next_step="Set one up under `My sign-in` first.",
                )
            raise await ask_for_factor(services, request, account, user.id_hash)
        if await services.web_sessions.unlock(user.id_hash, origin=origin_of(request, user)) is None:
            raise not_signed_in()

    @app.post("/api/v1/me/password", status_code=204)
    async def change_password(body: PasswordChange, request: Request, user: CurrentUser) -> None:
        """Changes the password, and signs the person out of every other browser."""
        await _refuse_provider_account(services, user)
        account = await check_password(services, request, user.username, body.old, user=user)
        if account.origin != AccountOrigin.LOCAL.value:
            raise ApiError(
                409,
                "password-of-directory",
                "Your password is kept in the directory of your organisation.",
                next_step="Change it at a computer of your organisation; it is valid here at once.",
            )
        try:
            ended = await services.accounts.change_own_password(
                account, body.new, stays=user.id_hash, origin=origin_of(request, user)
            )
        except ConfigurationError as error:
            raise ApiError(422, "weak-password", error.cause, next_step=error.hint) from error
        except SignInOutdatedError as error:
            raise wrong_credentials() from error
        for id_hash in ended:
            services.viewers.disconnect_web_session(id_hash)
        services.access_watch.request()  # desktops that a removal ends at sign-out
        log.info("password changed", username=user.username, address=address_of(request), ended=len(ended))

    @app.post("/api/v1/me/app/begin")
    async def begin_app(user: CurrentUser, account: ProvedAccount) -> AppSetup:
        """Makes a secret for a new app, which takes the place of the one before once it works."""
        return await new_app(services, user.id_hash, account)

    @app.post("/api/v1/me/app")
    async def finish_app(
        body: AppCodeBody, request: Request, user: CurrentUser, account: ProvedAccount
    ) -> Enrolled:
        """Takes the new app into use."""
        actor = _actor(request, user)
        await take_app_into_use(services, user.id_hash, account, body.code, actor)
        return Enrolled(recovery_codes=await first_recovery_codes(services, account, actor))

    @app.post("/api/v1/me/app/remove", status_code=204)
    async def remove_app(request: Request, user: CurrentUser, account: ProvedAccount) -> None:
        """Removes the app."""
        overview = await services.factors.overview(account.id)
        if overview.app_since_s is not None:
            await _keep_the_last(services, request, account, overview.count)
        await services.factors.remove_app(account, _actor(request, user))

    @app.post("/api/v1/me/passkeys/options")
    async def new_passkey_options(
        request: Request, user: CurrentUser, account: ProvedAccount
    ) -> dict[str, Any]:
        """Returns the options for `navigator.credentials.create`."""
        return await services.passkeys.begin_registration(
            user.id_hash, account, require_party(request), services.second_factor.user_verification
        )

    @app.post("/api/v1/me/passkeys", status_code=201)
    async def store_passkey(
        body: NewPasskeyBody, request: Request, user: CurrentUser, account: ProvedAccount
    ) -> Enrolled:
        """Stores a new passkey."""
        actor = _actor(request, user)
        await register_passkey(services, request, user.id_hash, account, body, actor)
        return Enrolled(recovery_codes=await first_recovery_codes(services, account, actor))

    @app.post("/api/v1/me/passkeys/{passkey}/name", status_code=204)
    async def rename_passkey(
        passkey: RowId, body: NameBody, request: Request, user: CurrentUser, account: ProvedAccount
    ) -> None:
        """Gives a passkey another name."""
        if not await services.passkeys.rename(account, passkey, body.name, _actor(request, user)):
            raise no_passkey()

    @app.post("/api/v1/me/passkeys/{passkey}/remove", status_code=204)
    async def remove_passkey(
        passkey: RowId, request: Request, user: CurrentUser, account: ProvedAccount
    ) -> None:
        """Removes a passkey."""
        overview = await services.factors.overview(account.id)
        if any(entry.id == passkey for entry in overview.passkeys):
            await _keep_the_last(services, request, account, overview.count)
        if not await services.passkeys.remove(account, passkey, _actor(request, user)):
            raise no_passkey()

    @app.post("/api/v1/me/recovery-codes", status_code=201)
    async def new_recovery_codes(
        request: Request, user: CurrentUser, account: ProvedAccount
    ) -> RecoveryCodes:
        """Makes new recovery codes. Those before are void."""
        codes = await services.factors.new_recovery_codes(account, _actor(request, user))
        return RecoveryCodes(recovery_codes=codes)


def _actor(request: Request, user: SignedInUser) -> Actor:
    return actor_of(request, user.username, user.id_hash)


async def _keep_the_last(services: BrokerServices, request: Request, account: Account, count: int) -> None:
    """Raises ApiError when the only factor of a person who has to have one is about to be removed."""
    settings = await factor_settings(services, request, account.username)
    if count == 1 and required(account.username, (), address_of(request), settings):
        raise ApiError(
            409,
            "factor-last",
            "This is your only second factor, and signing in from here takes one.",
            next_step="Add another one first, then remove this one.",
        )
