"""Error responses of the HTTP interface: they all have the JSON body `{"code": …, "message": …}`."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from display_server.errors import LightboxError
from display_server.protocol.api_error_codes import ApiErrorCode


class ApiError(LightboxError):
    """An error response.

    `code` is for the client program, which has texts of its own in the person's language. `cause` and
    `next_step` are English and together the `message` of the body.
    """

    def __init__(
        self,
        status: int,
        code: ApiErrorCode,
        cause: str,
        *,
        next_step: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(cause, next_step=next_step)
        self.status = status
        self.code = code
        self.message = str(self)
        self.headers = dict(headers or {})

    def body(self) -> bytes:
        return msgspec.json.encode({"code": self.code, "message": self.message})


def not_signed_in() -> ApiError:
    return ApiError(
        401,
        "signed-out",
        "Nobody is signed in in this browser, or the sign-in has expired.",
        next_step="Sign in, then try again.",
    )


def screen_locked() -> ApiError:
    return ApiError(
        423,
        "locked",
        "The screen of this browser is locked.",
        next_step="Unlock it with your password, or sign out.",
    )


def malformed(problems: str) -> ApiError:
    """`problems` names the wrong fields, but not their values, one of which may be a password."""
    return ApiError(
        422,
        "malformed",
        f"The request is malformed ({problems}).",
        next_step="Correct these fields; `/api/v1/openapi.json` describes all requests.",
    )
