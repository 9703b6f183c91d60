"""Enrolled devices: what and where they are, codes that enrol further ones, and revocation."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path
from pydantic import BaseModel, Field

from display_server.broker.api.admin.authorisation import ActingNow
from display_server.broker.api.admin.errors import not_found
from display_server.broker.api.admin.paging import (
    Body,
    Listed,
    Name,
    Page,
    page_from,
    sure_time_text,
    time_text,
)
from display_server.broker.api.admin.registration import AdminRoutes
from display_server.broker.devices.enrolled_devices import CODE_S, ListedDevice

#: The id of a device, as the list has it.
DeviceId = Annotated[str, Path(pattern=r"^[0-9a-f]{32}$")]


class DeviceEntry(BaseModel):
    """An enrolled device. `person` is signed in there; null if nobody is."""

    id: str
    name: str
    place: str
    tags: list[str]
    enrolled: str
    enrolled_by: str
    last_seen: str | None
    person: str | None


class NewDevice(Body):
    name: Name
    place: Name
    tags: list[Name] = Field(default_factory=list)


class DeviceCode(BaseModel):
    """A code that enrols one browser, once. It is shown only now. `link` is below the server's address."""

    code: str
    link: str
    expires: str


class DeviceChange(Body):
    """What is null stays. `tags` take the place of all others."""

    name: Name | None = None
    place: Name | None = None
    tags: list[Name] | None = None


def add_device_routes(admin: AdminRoutes) -> None:
    services = admin.services

    @admin.route("GET", "devices")
    async def list_devices(acting: ActingNow, page: Page) -> Listed[DeviceEntry]:
        acting.require_system()
        found = [_entry(device) for device in await services.devices.list_all()]
        devices = sorted((one for one in found if _matches(one, page.q)), key=lambda one: one.name)
        items, following, total = page_from(devices, [device.name for device in devices], page)
        return Listed(items=items, next=following, total=total)

    @admin.route("POST", "devices", status=201)
    async def make_code(body: NewDevice, acting: ActingNow) -> DeviceCode:
        """Makes a code. The browser that is to be enrolled, also the present one, opens the link."""
        acting.require_system()
        code = await services.devices.make_code(body.name, body.place, body.tags, acting.actor())
        expires_s = services.web_sessions.now_s() + CODE_S
        return DeviceCode(code=code, link=f"/enrol#{code}", expires=sure_time_text(expires_s))

    @admin.route("POST", "devices/{id}/change", status=204)
    async def change_device(id: DeviceId, body: DeviceChange, acting: ActingNow) -> None:  # noqa: A002 - its name in the path
        acting.require_system()
        await require_device(id)
        await services.devices.change(id, acting.actor(), name=body.name, place=body.place, tags=body.tags)

    @admin.route("POST", "devices/{id}/revoke", status=204)
    async def revoke_device(id: DeviceId, acting: ActingNow) -> None:  # noqa: A002 - its name in the path
        """Makes a device unknown, and signs everybody out there at once."""
        acting.require_system()
        await require_device(id)
        _, ended = await services.devices.revoke(id, acting.actor())
        for id_hash in ended:
            services.viewers.disconnect_web_session(id_hash)
        services.access_watch.request()  # desktops that a removal ends at sign-out

    async def require_device(device_id: str) -> None:
        """Raises ApiError when there is no such device."""
        if all(device.facts.id != device_id for device in await services.devices.list_all()):
            raise not_found("device")


def _entry(device: ListedDevice) -> DeviceEntry:
    facts = device.facts
    return DeviceEntry(
        id=facts.id,
        name=facts.name,
        place=facts.place,
        tags=sorted(facts.tags),
        enrolled=sure_time_text(device.enrolled_s),
        enrolled_by=device.enrolled_by,
        last_seen=time_text(device.seen_s),
        person=device.people[0] if device.people else None,
    )


def _matches(device: DeviceEntry, wanted: str) -> bool:
    texts = (device.name, device.place, *device.tags, device.person or "")
    return any(wanted.lower() in text.lower() for text in texts)
