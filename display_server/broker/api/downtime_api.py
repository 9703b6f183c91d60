"""Says what does not work at the moment, to people who want to sign in or to unlock their screen."""

from __future__ import annotations

from fastapi import FastAPI
from pydantic import BaseModel

from display_server.broker.api.services import BrokerServices


class DowntimeInfo(BaseModel):
    """What does not work. `cached_sign_in_hours` is 0 if nobody can sign in while the directory is away."""

    directory_away: bool
    cached_sign_in_hours: float


def add_downtime_route(app: FastAPI, services: BrokerServices) -> None:
    @app.get("/api/v1/downtime")
    async def downtime() -> DowntimeInfo:
        """Needs no sign-in, and tells nothing that a failed sign-in would not tell."""
        directory = services.directory
        if directory is None:
            return DowntimeInfo(directory_away=False, cached_sign_in_hours=0)
        return DowntimeInfo(
            directory_away=directory.client.away, cached_sign_in_hours=directory.cached.valid_s / 3600
        )
