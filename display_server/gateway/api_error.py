"""Error responses of the HTTP interface: they all have the JSON body `{"code": …, "message": …}`."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from display_server.errors import LightboxError


class ApiError(LightboxError):
    """An error response. `code` is for the client program, `message` for the person who uses it."""

    def __init__(
        self, status: int, code: str, message: str, *, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = dict(headers or {})

    def body(self) -> bytes:
        return msgspec.json.encode({"code": self.code, "message": self.message})


def not_signed_in() -> ApiError:
    return ApiError(401, "signed-out", "You are not signed in. Sign in first.")
