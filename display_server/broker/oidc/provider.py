"""One provider: what it says of itself, its keys, and the redemption of codes."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus

import structlog

from display_server.broker.oidc.claims import ProviderPerson, person_of
from display_server.broker.oidc.discovery import Metadata, discovery_url, read_metadata
from display_server.broker.oidc.errors import AnswerRefusedError, DeniedAtProviderError, ProviderAway
from display_server.broker.oidc.flow import FlowSecrets
from display_server.broker.oidc.https_client import Answer, HttpsClient
from display_server.broker.oidc.keys import PublicKey, SigningKeys, read_keys
from display_server.broker.oidc.settings import ProviderSettings
from display_server.broker.oidc.tokens import (
    Expected,
    LogoutToken,
    check_id_token,
    check_logout_token,
    header_of,
    sid_of,
)

log = structlog.get_logger(__name__)

#: Metadata are fetched again after this time, s.
METADATA_VALID_S = 3600.0
#: A failure is reported by `/healthz` for this time, s. Nobody asks a provider while nobody signs in.
REPORTED_S = 300.0
#: Longest text of an error of the provider in the log, characters.
_ERROR_MAX = 100


@dataclass(frozen=True, slots=True)
class Grant:
    """The outcome of a sign-in at a provider: who it is, and what signing out there takes."""

    provider: str
    person: ProviderPerson
    sid: str | None
    id_token: str


class Provider:
    """`now_s` is the wall clock in seconds since the epoch, `monotonic_s` a clock in seconds."""

    def __init__(
        self,
        settings: ProviderSettings,
        *,
        now_s: Callable[[], float] = time.time,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self.settings = settings
        self._now_s = now_s
        self._monotonic_s = monotonic_s
        self._http = HttpsClient(settings.name, settings.origins, settings.tls, settings.answer_s)
        self._metadata: Metadata | None = None
        self._metadata_s = float("-inf")
        self._metadata_lock = asyncio.Lock()
        self.keys = SigningKeys(self._fetch_keys, monotonic_s)
        self._failed_s = float("-inf")

    @property
    def failing(self) -> bool:
        """Whether the provider did not answer at the last request, which was not long ago."""
        return self._monotonic_s() - self._failed_s < REPORTED_S

    async def metadata(self) -> Metadata:
        """Returns what the provider says of itself. Raises ProviderAway and AnswerRefusedError."""
        async with self._metadata_lock:
            if self._metadata is None or self._monotonic_s() - self._metadata_s >= METADATA_VALID_S:
                answer = await self._counted(self._http.get(discovery_url(self.settings.issuer)))
                self._metadata = read_metadata(self._object(answer, "discovery document"), self.settings)
                self._metadata_s = self._monotonic_s()
            return self._metadata

    async def check_issuer(self, issuer: str | None) -> None:
        """Checks the parameter `iss` of an answer in the browser: the answer may be of another provider.

        Raises AnswerRefusedError and ProviderAway.
        """
        if issuer is None and not (await self.metadata()).names_issuer:
            return
        if issuer != self.settings.issuer:
            raise AnswerRefusedError("the answer is of another provider (iss)")

    async def redeem(
        self, code: str, secrets: FlowSecrets, *, redirect: str, begun_s: float, fresh: bool
    ) -> Grant:
        """Redeems the code of a sign-in that began at `begun_s`, and checks what the provider says.

        Raises AnswerRefusedError, DeniedAtProviderError and ProviderAway.
        """
        metadata, settings = await self.metadata(), self.settings
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect,
            "code_verifier": secrets.verifier,
        }
        headers = self._authenticate(form)
        answer = await self._counted(self._http.post(metadata.token, form, headers))
        if answer.status in (400, 401, 403):
            raise self._refused_code(answer)
        tokens = self._object(answer, "answer to the code")
        id_token = tokens.get("id_token")
        if not isinstance(id_token, str):
            raise AnswerRefusedError("the provider sent no ID token")
        claims = check_id_token(
            id_token,
            await self.keys.key_for(header_of(id_token)),
            self._expected(),
            nonce=secrets.nonce,
            begun_s=begun_s,
            fresh=fresh,
            now_s=self._now_s(),
        )
        if settings.userinfo:
            claims = {**await self._userinfo(metadata, tokens, claims), **claims}
        return Grant(settings.name, person_of(claims, settings), sid_of(claims), id_token)

    async def try_client(self) -> None:
        """Redeems a code that does not exist. Raises AnswerRefusedError when the provider knows this client,
        and ProviderAway when it does not.
        """
        secrets = FlowSecrets.of("")
        redirect = f"{self.settings.issuer}/nowhere"
        await self.redeem("made-up", secrets, redirect=redirect, begun_s=self._now_s(), fresh=False)

    async def fetch_keys(self) -> list[PublicKey]:
        """Returns the provider's keys as they are now. Raises ProviderAway and AnswerRefusedError."""
        return read_keys(await self._fetch_keys())

    async def logout_token(self, token: str) -> LogoutToken:
        """Checks a logout token. Raises AnswerRefusedError and ProviderAway."""
        key = await self.keys.key_for(header_of(token))
        return check_logout_token(token, key, self._expected(), now_s=self._now_s())

    def _expected(self) -> Expected:
        settings = self.settings
        return Expected(settings.issuer, settings.client_id, settings.algorithms, settings.skew_s)

    def _authenticate(self, form: dict[str, str]) -> dict[str, str]:
        """Returns the headers by which this client authenticates, or adds fields to the form."""
        settings = self.settings
        if settings.client_secret is None:
            form["client_id"] = settings.client_id
            return {}
        if settings.client_authentication == "post":
            form |= {"client_id": settings.client_id, "client_secret": settings.client_secret}
            return {}
        pair = f"{quote_plus(settings.client_id)}:{quote_plus(settings.client_secret)}"
        return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}

    def _refused_code(self, answer: Answer) -> AnswerRefusedError | ProviderAway:
        error = answer.json().get("error")
        if error == "access_denied":
            return DeniedAtProviderError("the provider does not let the person sign in")
        if error in ("invalid_client", "unauthorized_client") or answer.status != 400:
            return ProviderAway(
                f"The provider {self.settings.name} does not accept this server as its client.",
                next_step="Check `client_id`, the secret and `client_authentication`.",
            )
        return AnswerRefusedError(f"the provider refused the code ({_word(error)})")

    async def _userinfo(
        self, metadata: Metadata, tokens: Mapping[str, Any], claims: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Returns the claims that the provider gives apart from the token."""
        access = tokens.get("access_token")
        if metadata.userinfo is None or not isinstance(access, str) or not _is_token68(access):
            raise AnswerRefusedError("the provider gave no access to its claims")
        headers = {"Authorization": f"Bearer {access}"}
        found = self._object(await self._counted(self._http.get(metadata.userinfo, headers)), "claims")
        if found.get("sub") != claims["sub"]:
            raise AnswerRefusedError("the claims are those of another person")
        # How somebody signed in is said by the signed token alone.
        return {name: value for name, value in found.items() if name not in ("acr", "amr", "sid")}

    async def _fetch_keys(self) -> Mapping[str, Any]:
        answer = await self._counted(self._http.get((await self.metadata()).keys))
        return self._object(answer, "key set")

    def _object(self, answer: Answer, what: str) -> dict[str, Any]:
        """Returns the JSON object of an answer. Raises ProviderAway when there is none."""
        found = answer.json() if answer.status == 200 else {}
        if not found:
            self._failed_s = self._monotonic_s()
            raise ProviderAway(
                f"The provider {self.settings.name} sent no {what} (status {answer.status}).",
                next_step="Check `issuer`, and the log of the provider.",
            )
        return found

    async def _counted(self, request: Awaitable[Answer]) -> Answer:
        """Waits for an answer, and remembers whether there was one."""
        try:
            answer = await request
        except ProviderAway:
            self._failed_s = self._monotonic_s()
            raise
        self._failed_s = float("-inf")
        return answer


def _word(error: object) -> str:
    text = error if isinstance(error, str) else "no reason given"
    return "".join(c for c in text[:_ERROR_MAX] if c.isascii() and c.isprintable())


def _is_token68(text: str) -> bool:
    return text.isascii() and text.isprintable() and " " not in text
