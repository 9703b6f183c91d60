"""Answers that are not a success: one JSON form for all, `{code, message}`."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from display_server.errors import PolicyError


class Refusal(PolicyError):  # noqa: N818 - an answer, not a fault
    """`code` is for the client to act on, the message for the person."""

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


def signed_out() -> Refusal:
    return Refusal(401, "signed-out", "Sign in first.")
