"""`/healthz` and `/readyz`: say whether the server can do its work, for monitoring and for people."""

from __future__ import annotations

import msgspec
from fastapi import Response

from display_server import __version__
from display_server.broker.api.services import BrokerServices

#: A reason: its code, cause and next step.
Reason = tuple[str, str, str]


async def health(services: BrokerServices) -> Response:
    """Answers `/healthz`: 200 while people can work, else 503 with the reasons.

    While the directory or a provider is away, people who are signed in can work: the answer is 200 with the
    status `degraded` and the reasons, so that nothing takes this server out of service.
    """
    return _answer(await _database_reasons(services), _sign_in_reasons(services))


async def readiness(services: BrokerServices) -> Response:
    """Answers `/readyz`: 200 while a person who comes now can sign in and start a desktop, else 503.

    A load balancer sends people elsewhere then. Those who work here are not concerned.
    """
    failed = await _database_reasons(services)
    failure = services.launcher_watch.failure
    if failure is not None:
        failed.append(("no-desktop-starts", failure.cause, failure.next_step))
    return _answer(failed, _sign_in_reasons(services))


async def _database_reasons(services: BrokerServices) -> list[Reason]:
    failure = await services.store.examine()
    return [] if failure is None else [(failure.fault.value, failure.public_cause, failure.next_step)]


def _sign_in_reasons(services: BrokerServices) -> list[Reason]:
    problems = services.directory.problems() if services.directory is not None else []
    problems = [*problems, *services.oidc.problems()]
    return [(problem.code, problem.cause, problem.next_step) for problem in problems]


def _answer(failed: list[Reason], degraded: list[Reason]) -> Response:
    """The address needs no sign-in, so the reasons name no path, server or person; the log does."""
    body: dict[str, object] = {
        "status": "failed" if failed else "degraded" if degraded else "ok",
        "version": __version__,
    }
    if failed or degraded:
        body["reasons"] = [
            {"code": code, "cause": cause, "next_step": next_step}
            for code, cause, next_step in (*failed, *degraded)
        ]
    return Response(
        msgspec.json.encode(body), status_code=503 if failed else 200, media_type="application/json"
    )
