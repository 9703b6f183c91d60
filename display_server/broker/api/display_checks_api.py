"""Display checks over HTTP: a person stores a result, or lists their own results."""

from __future__ import annotations

import msgspec
import structlog
from fastapi import Request, Response

from display_server.broker.api.services import BrokerServices
from display_server.broker.api.sign_in_audit import origin_of
from display_server.broker.display_checks import CheckResult, as_dict
from display_server.broker.web_sessions import SignedInUser
from display_server.broker_link.api_error import ApiError, malformed
from display_server.errors import PolicyError

log = structlog.get_logger(__name__)

#: Number of results that the page lists.
LISTED_MAX = 20


async def store_check(services: BrokerServices, request: Request, user: SignedInUser) -> Response:
    """Stores the result in the request's body.

    Raises ApiError when the body is not a result, or when the person may not open the desktop it names.
    """
    try:
        result = msgspec.json.decode(await request.body(), type=CheckResult)
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise malformed(str(error)) from error
    try:
        await services.catalogue.find(user.username, result.desktop)
    except PolicyError as error:
        raise ApiError(404, "no-desktop", error.cause, next_step=error.next_step) from error
    stored = await services.display_checks.add(user.username, result, origin=origin_of(request, user))
    log.info("display check stored", username=user.username, device=result.device.name, passed=stored.passed)
    return _json(as_dict(stored), 201)


async def list_own_checks(services: BrokerServices, user: SignedInUser) -> Response:
    """Lists the person's own results with the newest first."""
    found = await services.display_checks.list_newest(user.username, limit=LISTED_MAX)
    return _json([as_dict(stored) for stored in found], 200)


def _json(content: object, status: int) -> Response:
    return Response(msgspec.json.encode(content), status_code=status, media_type="application/json")
