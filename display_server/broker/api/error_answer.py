"""What the OpenAPI document says of error responses. `broker_link/api_error.py` makes them."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel


class ErrorAnswer(BaseModel):
    """Why a request was not carried out; `message` has the cause and the next step."""

    code: str
    message: str


#: The error responses that every route may give.
ERROR_RESPONSES: dict[int | str, dict[str, Any]] = {
    "4XX": {"model": ErrorAnswer, "description": "The request was refused; `code` says why."},
    503: {"model": ErrorAnswer, "description": "What was asked cannot answer now; try again."},
}
