"""Display checks over HTTP: a person stores a result, and lists their own."""

from __future__ import annotations

import msgspec
import structlog
from fastapi import Request, Response

from display_server.broker.display_checks import CheckResult, as_dict
from display_server.broker.web_sessions import SignedIn
from display_server.errors import PolicyError
from display_server.gateway.api_error import Refusal
from display_server.gateway.services import GatewayServices

log = structlog.get_logger(__name__)

#: Results that the page shows.
SHOWN = 20


async def store(door: GatewayServices, request: Request, person: SignedIn) -> Response:
    """Raises Refusal for what is no result, or of a desktop that is not theirs."""
    try:
        result = msgspec.json.decode(await request.body(), type=CheckResult)
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise Refusal(422, "malformed", f"The request is malformed. {error}") from error
    try:
        await door.catalogue.find(person.username, result.desktop)
    except PolicyError as error:
        raise Refusal(404, "no-desktop", str(error)) from error
    stored = await door.checks.add(person.username, result)
    log.info("display checked", username=person.username, device=result.device.name, passed=stored.passed)
    return _json(as_dict(stored), 201)


async def own(door: GatewayServices, person: SignedIn) -> Response:
    """The newest first."""
    found = await door.checks.newest(person.username, limit=SHOWN)
    return _json([as_dict(stored) for stored in found], 200)


def _json(answer: object, status: int) -> Response:
    return Response(msgspec.json.encode(answer), status_code=status, media_type="application/json")
