"""`/healthz`: says whether the server can do its work, for monitoring and for people."""

from __future__ import annotations

import msgspec
from fastapi import Response

from display_server import __version__
from display_server.broker.api.services import BrokerServices


async def health(services: BrokerServices) -> Response:
    """Returns 200 while everything works, else 503 with the reasons.

    The address needs no sign-in, so the reasons name no path; the log does.
    """
    failure = await services.store.examine()
    body: dict[str, object] = {"status": "ok" if failure is None else "failed", "version": __version__}
    if failure is not None:
        reason = {
            "code": failure.fault.value,
            "cause": failure.public_cause,
            "next_step": failure.next_step,
        }
        body["reasons"] = [reason]
    return Response(
        msgspec.json.encode(body),
        status_code=200 if failure is None else 503,
        media_type="application/json",
    )
