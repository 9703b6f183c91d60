"""The routes for signing in, and unlocking, at OpenID Connect providers.

The browser is sent to the provider, and comes back to a page of the web client, which brings what the
provider said with a request of its own. So the cookies of this server can stay with its own site alone.
"""

from __future__ import annotations

from typing import Annotated
from urllib.parse import parse_qs

import structlog
from fastapi import FastAPI, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from display_server.broker.api.provider_facts import ProviderEntry, page_of, provider_entry
from display_server.broker.api.request_facts import address_of, cookie_of, cookies_of
from display_server.broker.api.services import BrokerServices
from display_server.broker.api.sign_in_api import signed_in_user
from display_server.broker.api.sign_in_audit import origin_of
from display_server.broker.api.sign_in_steps import (
    SignInAnswer,
    after_right_password,
    ask_to_unlock,
    sign_in_over,
)
from display_server.broker.audit.entry import Action, AuditEntry, Outcome, Role
from display_server.broker.directory.accounts import AccountConflictError
from display_server.broker.oidc.errors import AnswerRefusedError, DeniedAtProviderError, ProviderAway
from display_server.broker.oidc.flow import FLOW_VALID_S, authorization_url, redirect_uri
from display_server.broker.oidc.provider import Grant, Provider
from display_server.broker.oidc.sign_ins import BegunSignIn
from display_server.broker.second_factor.policy import required
from display_server.broker.second_factor.sign_in_state import SignInState
from display_server.broker.web_sessions import SignedInUser, SignInOutdatedError
from display_server.broker_link.api_error import ApiError, not_signed_in
from display_server.broker_link.cookies import PROVIDER, SESSION

log = structlog.get_logger(__name__)

Text = Annotated[str, Field(max_length=4096)]


class BeginBody(BaseModel):
    """`unlock` says that the screen of the person who is signed in should be unlocked."""

    model_config = ConfigDict(extra="forbid", strict=True)
    unlock: bool = False


class Begun(BaseModel):
    """Where the browser goes."""

    url: str


class FinishBody(BaseModel):
    """The parameters with which the provider sent the browser back."""

    model_config = ConfigDict(extra="forbid", strict=True)
    state: Text
    code: Text | None = None
    iss: Text | None = None
    error: Text | None = None


def add_oidc_routes(app: FastAPI, services: BrokerServices) -> None:
    @app.get("/api/v1/sign-in/oidc")
    async def list_providers() -> list[ProviderEntry]:
        """Lists the providers at which people can sign in. Needs no sign-in."""
        return [provider_entry(services, name) for name in services.oidc.providers]

    @app.post("/api/v1/sign-in/oidc/{name}/begin")
    async def begin(name: str, body: BeginBody, request: Request, response: Response) -> Begun:
        """Begins a sign-in, which this browser alone can continue."""
        return await _begin(services, _provider(services, name), body, request, response)

    @app.post("/api/v1/sign-in/oidc/{name}/finish")
    async def finish(name: str, body: FinishBody, request: Request, response: Response) -> SignInAnswer:
        """Takes what the provider said, and signs in or unlocks. The state `signed-in` is the only one that
        opens anything.
        """
        response.headers.append("set-cookie", cookies_of(request).delete_cookie(PROVIDER))
        return await _finish(services, name, body, request, response)

    @app.post("/api/v1/sign-in/oidc/{name}/back-channel-logout")
    async def back_channel_logout(name: str, request: Request) -> Response:
        """Ends web sessions whose sign-in has ended at the provider. The provider itself sends this."""
        await _end_at_provider(services, _provider(services, name), request)
        return Response(status_code=200)


async def _begin(
    services: BrokerServices, provider: Provider, body: BeginBody, request: Request, response: Response
) -> Begun:
    settings = provider.settings
    if not page_of(request).startswith("https://"):
        raise ApiError(
            400,
            "bad-request",
            "The browser did not say which page it shows.",
            next_step="Open the start page of this server, and begin there.",
        )
    user = await _who_unlocks(services, settings.name, request) if body.unlock else None
    try:
        metadata = await provider.metadata()
    except (ProviderAway, AnswerRefusedError) as error:
        raise _away(provider, error) from error
    redirect = redirect_uri(page_of(request), settings.name)
    fresh = settings.ask_again or user is not None
    cookie, secrets = await services.oidc.sign_ins.begin(
        settings.name, redirect, fresh=fresh, unlocks=user.id_hash if user is not None else None
    )
    response.headers.append(
        "set-cookie", cookies_of(request).set_cookie(PROVIDER, cookie, max_age_s=int(FLOW_VALID_S))
    )
    asks_factor = required("", (), address_of(request), services.second_factor)
    return Begun(
        url=authorization_url(
            settings,
            metadata,
            secrets,
            redirect=redirect,
            fresh=fresh,
            acr_values=settings.second_factor_acr if asks_factor else (),
        )
    )


async def _who_unlocks(services: BrokerServices, name: str, request: Request) -> SignedInUser:
    """Returns the person who is signed in and signed in at this provider. Raises ApiError."""
    user = await signed_in_user(request)
    at = await services.oidc.sessions.find(user.id_hash)
    if at is None or at.provider != name:
        raise no_provider()
    return user


async def _finish(
    services: BrokerServices, name: str, body: FinishBody, request: Request, response: Response
) -> SignInAnswer:
    begun = await services.oidc.sign_ins.take(cookie_of(request, PROVIDER), body.state)
    if begun is None:
        await _record_refusal(services, request, name, "nothing was begun in this browser, or not in time")
        raise sign_in_over()
    try:
        if begun.provider != name:
            raise AnswerRefusedError("the answer came to the address of another provider")
        provider = _provider(services, name)
        grant = await _redeem(provider, begun, body)
        if begun.unlocks is not None:
            return await _unlock(services, request, begun.unlocks, grant)
        return await _sign_in(services, request, response, grant)
    except AnswerRefusedError as error:
        denied = isinstance(error, DeniedAtProviderError)
        services.metrics.sign_ins.labels("refused" if denied else "wrong").inc()
        log.warning("answer of a provider refused", provider=name, reason=error.reason)
        await _record_refusal(services, request, name, error.reason)
        if denied:
            raise ApiError(
                403,
                "provider-denied",
                "The sign-in service did not let you in.",
                next_step="Try again, or ask the help desk of your organisation.",
            ) from error
        raise ApiError(403, "provider-answer", error.cause, next_step=error.next_step) from error
    except ProviderAway as error:
        services.metrics.sign_ins.labels("unchecked").inc()
        raise _away(_provider(services, name), error) from error


async def _redeem(provider: Provider, begun: BegunSignIn, body: FinishBody) -> Grant:
    """Raises AnswerRefusedError and ProviderAway."""
    await provider.check_issuer(body.iss)
    if body.error is not None:
        if body.error in ("access_denied", "login_required", "interaction_required"):
            raise DeniedAtProviderError("the person did not sign in at the provider, or may not")
        raise AnswerRefusedError("the provider answered with an error instead of a code")
    if not body.code:
        raise AnswerRefusedError("the answer has no code")
    return await provider.redeem(
        body.code, begun.secrets, redirect=begun.redirect, begun_s=begun.begun_s, fresh=begun.fresh
    )


async def _sign_in(
    services: BrokerServices, request: Request, response: Response, grant: Grant
) -> SignInAnswer:
    try:
        account = await services.oidc.accounts.record_sign_in(grant.provider, grant.person)
    except AccountConflictError as error:
        log.error("sign-in refused", cause=error.cause, next_step=error.next_step)
        await _record_refusal(services, request, grant.provider, "another account has this username")
        raise ApiError(
            403,
            "account-conflict",
            "You cannot sign in this way: another account here has your username.",
            next_step="Ask your administrator; the log of the server says what can be done.",
        ) from error
    if account.disabled:
        await _record_refusal(services, request, grant.provider, "the account is disabled here")
        services.metrics.sign_ins.labels("refused").inc()
        raise ApiError(
            403,
            "account-disabled",
            "Your account is disabled, or its time is over.",
            next_step="Ask the help desk of your organisation to enable it.",
        )
    try:
        answer = await after_right_password(services, request, response, account, at=grant)
    except SignInOutdatedError as error:
        await _record_refusal(services, request, grant.provider, "account changed meanwhile")
        raise sign_in_over() from error
    services.access_watch.request()  # groups may have changed
    services.metrics.sign_ins.labels("right").inc()
    return answer


async def _unlock(
    services: BrokerServices, request: Request, web_session: bytes, grant: Grant
) -> SignInAnswer:
    """Unlocks the screen if it is the same person in the same browser. Raises ApiError."""
    user = await services.web_sessions.find(cookie_of(request, SESSION))
    at = await services.oidc.sessions.find(web_session)
    if user is None or user.id_hash != web_session or at is None:
        raise not_signed_in()
    if (at.provider, at.subject) != (grant.provider, grant.person.subject):
        raise AnswerRefusedError("another person wanted to unlock the screen")
    account = await services.accounts.find(user.username)
    if account is None or account.disabled:
        raise not_signed_in()
    if not grant.person.factor_given:
        asked = await ask_to_unlock(services, request, account, web_session)
        if asked is not None:
            raise asked
    unlocked = await services.web_sessions.unlock(
        web_session, factor_given=grant.person.factor_given, origin=origin_of(request, user)
    )
    if unlocked is None:
        raise not_signed_in()
    await services.oidc.sessions.renew(web_session, grant)
    log.info("screen unlocked", username=user.username, address=address_of(request), provider=grant.provider)
    return SignInAnswer(state=SignInState.SIGNED_IN, username=user.username, display_name=user.display_name)


async def _end_at_provider(services: BrokerServices, provider: Provider, request: Request) -> None:
    """Raises ApiError."""
    form = parse_qs((await request.body()).decode("latin-1"), max_num_fields=10)
    tokens = form.get("logout_token", [])
    try:
        if len(tokens) != 1:
            raise AnswerRefusedError("the request has no logout token")
        ended = await services.oidc.sessions.end(
            provider.settings.name, await provider.logout_token(tokens[0])
        )
    except (AnswerRefusedError, ValueError) as error:
        reason = error.reason if isinstance(error, AnswerRefusedError) else "it is no form"
        log.warning("logout token refused", provider=provider.settings.name, reason=reason)
        raise ApiError(
            400,
            "provider-answer",
            "The logout token was not accepted.",
            next_step="The log of the server says why.",
        ) from error
    except ProviderAway as error:
        raise _away(provider, error) from error
    for one in ended:
        await services.web_sessions.delete(
            one.id_hash,
            origin=origin_of(request),
            reason=f"signed out at {provider.settings.name}",
            username=one.username,
        )
        services.viewers.disconnect_web_session(one.id_hash)
        log.info("signed out by the provider", username=one.username, provider=provider.settings.name)
    if ended:
        services.access_watch.request()  # desktops that a removal ends at sign-out


async def _record_refusal(services: BrokerServices, request: Request, name: str, reason: str) -> None:
    """Records a sign-in that was refused. What the provider said of the person is not believed."""
    known = name if name in services.oidc.providers else "unknown provider"
    entry = AuditEntry(
        services.audit.now_s(),
        Action.SIGN_IN,
        Outcome.REFUSED,
        role=Role.NOBODY,
        address=address_of(request),
        reason=f"at {known}: {reason}",
    )
    await services.audit.close(entry)


def _provider(services: BrokerServices, name: str) -> Provider:
    provider = services.oidc.providers.get(name)
    if provider is None:
        raise no_provider()
    return provider


def no_provider() -> ApiError:
    return ApiError(
        404,
        "no-provider",
        "There is no such sign-in service here, or you did not sign in there.",
        next_step="Begin at the start page of this server.",
    )


def _away(provider: Provider, error: ProviderAway | AnswerRefusedError) -> ApiError:
    """Returns the error for a provider that does not answer, or not as it should. The log says more."""
    reason = error.reason if isinstance(error, AnswerRefusedError) else error.cause
    log.error("provider unusable", provider=provider.settings.name, cause=reason, next_step=error.next_step)
    return ApiError(
        503,
        "provider-away",
        f"The sign-in service {provider.settings.title} does not answer at the moment.",
        next_step="Try again in a minute. Desktops that are open go on.",
        headers={"Retry-After": "30"},
    )
