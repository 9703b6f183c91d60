"""The routes of the device itself: what it is enrolled as, and enrolling it with a one-time code."""

from __future__ import annotations

import math
from typing import Annotated

import structlog
from fastapi import FastAPI, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from display_server.broker.api.request_facts import address_of, cookie_of, cookies_of, device_of_request
from display_server.broker.api.services import BrokerServices
from display_server.broker.audit.entry import Action, AuditEntry, Origin, Outcome, Role
from display_server.broker.badges.badge_state import BadgeSettings
from display_server.broker.devices.device_facts import DeviceFacts
from display_server.broker.devices.device_keys import COOKIE_S
from display_server.broker.devices.enrolled_devices import Enrolled
from display_server.broker_link.api_error import ApiError
from display_server.broker_link.client_network import network_of
from display_server.broker_link.cookies import ENROLLED_DEVICE, SESSION, hash_of
from display_server.errors import ConfigurationError

log = structlog.get_logger(__name__)


class BadgeReader(BaseModel):
    """What a reader types: the prefix, the digits of the number, and Enter."""

    prefix: str
    digits_min: int
    digits_max: int


class DeviceInfo(BaseModel):
    """What this browser is enrolled as; name and place are null if it is unknown.

    `badge` says how a reader of badges types here; it is null where badges do not work.
    """

    enrolled: bool
    name: str | None
    place: str | None
    tags: list[str]
    badge: BadgeReader | None


class EnrolRequest(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    code: Annotated[str, Field(min_length=1, max_length=64)]


def add_device_routes(app: FastAPI, services: BrokerServices) -> None:
    @app.get("/api/v1/device")
    async def device(request: Request) -> DeviceInfo:
        """Says what this browser is enrolled as. Nobody need be signed in."""
        return device_info(await device_of_request(request, services.devices), services.badge_settings)

    @app.post("/api/v1/device/enrol")
    async def enrol(body: EnrolRequest, request: Request, response: Response) -> DeviceInfo:
        """Enrols this browser with a code of `lightbox devices enrol`. Nobody need be signed in."""
        network, now_s = network_of(address_of(request)), services.monotonic_s()
        wait = services.enrolment_failures.wait_s(network, now_s)
        if wait > 0:
            seconds = math.ceil(wait)
            raise ApiError(
                429,
                "slow-down",
                "Too many codes were wrong.",
                next_step=f"Try again in {seconds} s.",
                headers={"Retry-After": str(seconds)},
            )
        services.enrolment_failures.increment(network, now_s)
        secret = cookie_of(request, SESSION)
        try:
            enrolled = await services.devices.enrol_by_code(
                body.code,
                origin=Origin(address_of(request)),
                web_session=hash_of(secret) if secret else None,
            )
        except ConfigurationError as error:
            raise ApiError(409, "device-name-taken", error.cause, next_step=error.hint) from error
        if enrolled is None:
            await services.audit.close(_refusal(services, request))
            raise ApiError(
                403,
                "enrolment-code-wrong",
                "This code enrols no device: it is mistyped, was used before, or is too old.",
                next_step="Check it, or make a new one with `lightbox devices enrol`.",
            )
        services.enrolment_failures.decrement(network)
        give_cookie(request, response, enrolled)
        return device_info(enrolled.device, services.badge_settings)


def device_info(device: DeviceFacts | None, badge: BadgeSettings) -> DeviceInfo:
    if device is None:
        return DeviceInfo(enrolled=False, name=None, place=None, tags=[], badge=None)
    reader = BadgeReader(prefix=badge.prefix, digits_min=badge.digits_min, digits_max=badge.digits_max)
    return DeviceInfo(
        enrolled=True,
        name=device.name,
        place=device.place,
        tags=sorted(device.tags),
        badge=reader if badge.enabled else None,
    )


def give_cookie(request: Request, response: Response, enrolled: Enrolled) -> None:
    """Gives the browser of a request the cookie of an enrolled device."""
    cookie = cookies_of(request).set_cookie(ENROLLED_DEVICE, enrolled.cookie, max_age_s=COOKIE_S)
    response.headers.append("set-cookie", cookie)


def _refusal(services: BrokerServices, request: Request) -> AuditEntry:
    return AuditEntry(
        services.audit.now_s(),
        Action.DEVICE_ENROLLED,
        Outcome.REFUSED,
        role=Role.NOBODY,
        address=address_of(request) or None,
        reason="wrong code",
    )
