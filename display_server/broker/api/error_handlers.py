"""Turns every exception of the application into an error response with code, cause and next step."""

from __future__ import annotations

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException

from display_server.broker.storage_failures import StorageError
from display_server.broker_link.api_error import ApiError, malformed

log = structlog.get_logger(__name__)

#: After this time a client may try again when the database could not be used, s.
RETRY_AFTER_S = 5


def add_error_handlers(app: FastAPI) -> None:
    """Gives every error response the body of `ApiError`."""

    def respond(error: ApiError) -> Response:
        return Response(
            error.body(), status_code=error.status, headers=error.headers, media_type="application/json"
        )

    @app.exception_handler(ApiError)
    async def on_api_error(_request: Request, error: ApiError) -> Response:
        return respond(error)

    @app.exception_handler(HTTPException)
    async def on_http_exception(_request: Request, error: HTTPException) -> Response:
        return respond(_from_framework(error))

    @app.exception_handler(RequestValidationError)
    async def on_malformed_request(_request: Request, error: RequestValidationError) -> Response:
        # The message names the fields but not their values, one of which may be a password.
        problems = "; ".join(
            f"{'.'.join(str(part) for part in problem['loc'][1:]) or 'body'}: {problem['msg']}"
            for problem in error.errors()[:5]
        )
        return respond(malformed(problems))

    @app.exception_handler(StorageError)
    async def on_storage_error(_request: Request, _error: StorageError) -> Response:
        return respond(_store_failed())  # the store has logged why

    @app.exception_handler(SQLAlchemyError)
    async def on_database_error(_request: Request, error: SQLAlchemyError) -> Response:
        log.error("database failed", error=str(getattr(error, "orig", None) or type(error).__name__))
        return respond(_store_failed())


def _store_failed() -> ApiError:
    return ApiError(
        503,
        "store-failed",
        "The server cannot use its account database at the moment. Desktops that are open keep running.",
        next_step="Try again in a minute. If it happens again, tell your administrator: the log and "
        "`/healthz` say why.",
        headers={"Retry-After": str(RETRY_AFTER_S)},
    )


def _from_framework(error: HTTPException) -> ApiError:
    """Returns the error for an exception that the web framework raised."""
    if error.status_code == 404:
        return ApiError(
            404,
            "not-found",
            "There is nothing at this address.",
            next_step="Check the address, or begin at the start page of this server.",
            headers=error.headers,
        )
    if error.status_code == 405:
        return ApiError(
            405,
            "wrong-method",
            "This address does not accept this method.",
            next_step="Use one of the methods in the header `Allow`.",
            headers=error.headers,
        )
    return ApiError(
        error.status_code,
        "bad-request",
        f"The request was refused: {error.detail}.",
        next_step="Compare it with `/api/v1/openapi.json`, which describes all requests.",
        headers=error.headers,
    )
