"""`/healthz`: says whether the server can do its work, for monitoring and for people."""

from __future__ import annotations

import msgspec
from fastapi import Response

from display_server import __version__
from display_server.broker.api.services import BrokerServices


async def health(services: BrokerServices) -> Response:
    """Returns 200 while people can work, else 503 with the reasons.

    While the directory is away, people who are signed in can work: the answer is 200 with the status
    `degraded` and the reasons, so that nothing takes this server out of service. The address needs no
    sign-in, so the reasons name no path, server or person; the log does.
    """
    failure = await services.store.examine()
    problems = services.directory.problems() if services.directory is not None else []
    status = "failed" if failure is not None else "degraded" if problems else "ok"
    body: dict[str, object] = {"status": status, "version": __version__}
    reasons = [(problem.code, problem.cause, problem.next_step) for problem in problems]
    if failure is not None:
        reasons.insert(0, (failure.fault.value, failure.public_cause, failure.next_step))
    if reasons:
        body["reasons"] = [
            {"code": code, "cause": cause, "next_step": next_step} for code, cause, next_step in reasons
        ]
    return Response(
        msgspec.json.encode(body),
        status_code=200 if failure is None else 503,
        media_type="application/json",
    )
