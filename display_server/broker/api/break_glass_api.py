"""The routes of break-glass: emergency access to a desktop that one may not open otherwise."""

from __future__ import annotations

from typing import Annotated

from fastapi import FastAPI, Request
from pydantic import BaseModel, ConfigDict, Field

from display_server.broker.api.break_glass_watch import lock_screens
from display_server.broker.api.services import BrokerServices
from display_server.broker.api.sign_in_api import CurrentUser
from display_server.broker.api.sign_in_audit import origin_of
from display_server.broker.break_glass.break_glass import BreakGlassRefused, EmergencyAccess
from display_server.broker.break_glass.settings import REASON_MAX, REASON_MIN
from display_server.broker.catalogue import listings
from display_server.broker_link.api_error import ApiError

#: What a desktop can be named.
DesktopName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]


class EmergencyDesktop(BaseModel):
    """A desktop that the person could open in an emergency only."""

    name: str
    titles: dict[str, str]


class EmergencyChoices(BaseModel):
    """Whether the person may take emergency access, to which desktops, and for how long."""

    allowed: bool
    minutes: float
    reason_min: int  # characters
    desktops: list[EmergencyDesktop]


class EmergencyRequest(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    desktop: DesktopName
    reason: Annotated[str, Field(max_length=4 * REASON_MAX)]


class EmergencyEnd(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    desktop: DesktopName


class EmergencyBegun(BaseModel):
    """Emergency access that has begun. `remaining_s` counts to its end."""

    desktop: str
    remaining_s: float


def add_break_glass_routes(app: FastAPI, services: BrokerServices) -> None:
    @app.get("/api/v1/break-glass")
    async def choices(user: CurrentUser) -> EmergencyChoices:
        found = await services.break_glass.choices(user.username)
        entries = [
            EmergencyDesktop(name=desktop.name, titles=dict(listing.titles))
            for desktop, listing in zip(found or [], listings(found or []), strict=True)
            if listing.kind != "unlisted"
        ]
        return EmergencyChoices(
            allowed=found is not None,
            minutes=services.break_glass.settings.lasts_s / 60,
            reason_min=REASON_MIN,
            desktops=entries,
        )

    @app.post("/api/v1/break-glass", status_code=201)
    async def begin(body: EmergencyRequest, request: Request, user: CurrentUser) -> EmergencyBegun:
        """Takes emergency access, which is recorded with the reason, and reviewed."""
        try:
            access = await services.break_glass.begin(
                user.username, body.desktop, body.reason, origin_of(request, user)
            )
        except BreakGlassRefused as error:
            raise ApiError(403, "break-glass-refused", error.cause, next_step=error.next_step) from error
        services.metrics.break_glass.inc()
        services.access_watch.request()  # a desktop that was about to end goes on
        return EmergencyBegun(
            desktop=access.desktop, remaining_s=access.until_s - services.web_sessions.now_s()
        )

    @app.post("/api/v1/break-glass/end", status_code=204)
    async def end(body: EmergencyEnd, request: Request, user: CurrentUser) -> None:
        """Ends the person's emergency access to a desktop before its time."""
        if await services.break_glass.end(user.username, body.desktop, origin_of(request, user)):
            await lock_screens(services, EmergencyAccess(user.username, body.desktop, 0.0))
            services.access_watch.request()
