"""The enrolled devices in the store: codes that enrol them, changes, and revocation."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass

import structlog
from sqlalchemy import delete, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from display_server.broker.audit.actor import Actor
from display_server.broker.audit.append import append
from display_server.broker.audit.entry import Action, AuditEntry, Origin, Role
from display_server.broker.devices.device_facts import (
    DeviceFacts,
    DeviceTags,
    checked_name,
    checked_place,
    checked_tags,
    read_tags,
    written_tags,
)
from display_server.broker.devices.device_keys import DeviceKeys
from display_server.broker.devices.device_rows import described, facts_of
from display_server.broker.second_factor import recovery_codes
from display_server.broker.store import Store
from display_server.broker.tables import Account, DeviceEnrolment, EnrolledDevice, WebSession
from display_server.broker.web_sessions import device_of
from display_server.broker_link.cookies import hash_of
from display_server.errors import ConfigurationError

log = structlog.get_logger(__name__)

#: Validity of a code that enrols a device, s.
CODE_S = 15 * 60.0
#: Largest number of codes that wait. Beyond it, the oldest ones are void.
CODES_MAX = 200
#: Random bytes in the id of a device.
ID_BYTES = 16


@dataclass(frozen=True, slots=True)
class Enrolled:
    """A device that was just enrolled, and the value of its cookie, which is stored nowhere else."""

    device: DeviceFacts
    cookie: str


@dataclass(frozen=True, slots=True)
class ListedDevice:
    """An enrolled device as an administrator sees it. Times are in seconds since the epoch.

    `people` are those who are signed in there.
    """

    facts: DeviceFacts
    enrolled_by: str
    enrolled_s: float
    seen_s: float | None
    revoked_s: float | None
    people: tuple[str, ...] = ()


class EnrolledDevices:
    """The enrolled devices in the store. `now_s` returns wall-clock time, in seconds since the epoch."""

    def __init__(self, store: Store, keys: DeviceKeys, *, now_s: Callable[[], float] = time.time) -> None:
        self._store = store
        self.keys = keys
        self._now_s = now_s
        self._seen_s: dict[str, float] = {}  # by device, since the last `record_seen`

    async def make_code(self, name: str, place: str, tags: Collection[str], actor: Actor) -> str:
        """Returns a code that enrols one browser, once, within CODE_S. Only its hash is stored.

        Raises ConfigurationError when the name is taken, or something is not allowed.
        """
        name, place, found = checked_name(name), checked_place(place), checked_tags(tags)
        code, now = recovery_codes.new_codes()[0], self._now_s()
        async with self._store.begin() as db:
            await _require_free(db, name)
            await db.execute(
                delete(DeviceEnrolment).where(
                    or_(DeviceEnrolment.expires_s <= now, DeviceEnrolment.name == name)
                )
            )
            oldest = (
                select(DeviceEnrolment.code_hash)
                .order_by(DeviceEnrolment.expires_s.desc())
                .offset(CODES_MAX - 1)
            )
            await db.execute(delete(DeviceEnrolment).where(DeviceEnrolment.code_hash.in_(oldest)))
            db.add(
                DeviceEnrolment(
                    code_hash=_hash(code),
                    name=name,
                    place=place,
                    tags=written_tags(found),
                    made_by=actor.name,
                    expires_s=now + CODE_S,
                )
            )
            await _record(
                db, Action.DEVICE_CODE_MADE, now, actor, f"device:{name}", _describe(name, place, found)
            )
        return code

    async def enrol_by_code(
        self, code: str, *, origin: Origin, web_session: bytes | None = None
    ) -> Enrolled | None:
        """Enrols the browser in which the code was entered. Returns None when the code is wrong or over.

        `web_session` is that browser's, which belongs to the device from now on. Raises ConfigurationError
        when the name was taken meanwhile.
        """
        now = self._now_s()
        async with self._store.begin() as db:
            used = await db.get(DeviceEnrolment, _hash(code))
            if used is None or used.expires_s <= now:
                return None
            await db.delete(used)
            actor = Actor(used.made_by, origin.address, origin.device, Role.OPERATOR)
            facts = (used.name, used.place, read_tags(used.tags))
            enrolled = await self._enrol(db, *facts, actor, web_session)
        await self._store.save_copy()
        return enrolled

    async def enrol(
        self, name: str, place: str, tags: Collection[str], actor: Actor, web_session: bytes | None
    ) -> Enrolled:
        """Enrols the browser of an administrator. Raises ConfigurationError."""
        facts = checked_name(name), checked_place(place), checked_tags(tags)
        async with self._store.begin() as db:
            enrolled = await self._enrol(db, *facts, actor, web_session)
        await self._store.save_copy()
        return enrolled

    async def find(self, cookie: str) -> DeviceFacts | None:
        """Returns the device to which a cookie was given; None if it is unknown or revoked.

        The call counts as a sign of the device.
        """
        now = self._now_s()
        device_id = self.keys.device_of(cookie, now)
        if device_id is None:
            return None
        async with self._store.reading() as db:
            row = await db.get(EnrolledDevice, device_id)
        facts = facts_of(row)
        if facts is not None:
            self.seen(facts.id)
        return facts

    def id_of(self, cookie: str) -> str | None:
        """Returns the id in a cookie of ours, without a look into the database."""
        return self.keys.device_of(cookie, self._now_s())

    def renewed_cookie(self, device: DeviceFacts) -> str:
        """Returns a new cookie for a device, signed with the newest key."""
        return self.keys.sign(device.id, self._now_s())

    def seen(self, device_id: str) -> None:
        """Notes that a device has sent a request."""
        self._seen_s[device_id] = self._now_s()

    async def record_seen(self) -> None:
        """Writes when devices were last seen. The server calls this once a minute."""
        if not self._seen_s:
            return
        async with self._store.begin() as db:
            for device_id, seen_s in self._seen_s.items():
                await db.execute(
                    update(EnrolledDevice).where(EnrolledDevice.id == device_id).values(seen_s=seen_s)
                )
        self._seen_s.clear()

    async def list_all(self, *, revoked: bool = False) -> list[ListedDevice]:
        """Returns the devices by name; with `revoked` also those that are revoked."""
        query = select(EnrolledDevice).order_by(EnrolledDevice.name, EnrolledDevice.enrolled_s)
        if not revoked:
            query = query.where(EnrolledDevice.revoked_s.is_(None))
        async with self._store.reading() as db:
            rows = (await db.scalars(query)).all()
            signed_in = await db.execute(
                select(WebSession.device_id, Account.username)
                .join(Account, Account.id == WebSession.account_id)
                .where(WebSession.device_id.is_not(None))
                .order_by(Account.username)
            )
            people: dict[str | None, list[str]] = {}
            for device_id, username in signed_in:
                people.setdefault(device_id, []).append(username)
        return [_listed(row, tuple(dict.fromkeys(people.get(row.id, ())))) for row in rows]

    async def of_web_sessions(self, id_hashes: Collection[bytes]) -> dict[bytes, DeviceFacts]:
        """Returns the devices of web sessions, by their hash. Those of unknown devices are left out."""
        async with self._store.reading() as db:
            rows = await db.execute(
                select(WebSession.id_hash, EnrolledDevice)
                .join(EnrolledDevice, EnrolledDevice.id == WebSession.device_id)
                .where(WebSession.id_hash.in_(id_hashes))
            )
            return {id_hash: facts for id_hash, row in rows if (facts := facts_of(row)) is not None}

    async def change(
        self,
        device: str,
        actor: Actor,
        *,
        name: str | None = None,
        place: str | None = None,
        tags: Collection[str] | None = None,
    ) -> DeviceFacts:
        """Gives a device another name, place or tags. `device` is its name or id.

        Raises ConfigurationError when there is no such device, or something is not allowed.
        """
        async with self._store.begin() as db:
            row = await existing_device(db, device)
            if name is not None and checked_name(name) != row.name:
                await _require_free(db, checked_name(name))
                row.name = checked_name(name)
            if place is not None:
                row.place = checked_place(place)
            if tags is not None:
                row.tags = written_tags(checked_tags(tags))
            facts = described(row)
            await _record(
                db,
                Action.DEVICE_CHANGED,
                self._now_s(),
                actor,
                f"device:{row.id}",
                _describe(facts.name, facts.place, facts.tags),
            )
        await self._store.save_copy()
        return facts

    async def revoke(self, device: str, actor: Actor) -> tuple[DeviceFacts, list[bytes]]:
        """Makes a device unknown and signs everybody out there. `device` is its name or id.

        Returns the device, and the hashes of the web sessions that have ended: the caller disconnects their
        viewers. Raises ConfigurationError when there is no such device.
        """
        now = self._now_s()
        async with self._store.begin() as db:
            row = await existing_device(db, device)
            row.revoked_s = now
            facts = described(row)
            ended = (
                await db.execute(
                    select(WebSession.id_hash, Account.username)
                    .join(Account, Account.id == WebSession.account_id)
                    .where(WebSession.device_id == row.id)
                )
            ).all()
            await db.execute(delete(WebSession).where(WebSession.device_id == row.id))
            for id_hash, username in ended:
                signed_out = AuditEntry(
                    now,
                    Action.SIGN_OUT,
                    account=username,
                    role=Role.SERVER,
                    device=device_of(id_hash),
                    object=f"device:{row.id}",
                    reason="device revoked",
                )
                await append(db, signed_out)
            reason = f"{_describe(facts.name, facts.place, facts.tags)}; signed out {len(ended)} browsers"
            await _record(db, Action.DEVICE_REVOKED, now, actor, f"device:{row.id}", reason)
        await self._store.save_copy()
        return facts, [id_hash for id_hash, _ in ended]

    async def record_key_change(self, actor: Actor, *, revoke_former: bool) -> None:
        """Records that there is a new key, before it is used."""
        reason = (
            "devices have to be enrolled anew" if revoke_former else "former keys verify until they expire"
        )
        async with self._store.begin() as db:
            await _record(db, Action.DEVICE_KEY_CHANGED, self._now_s(), actor, "device-keys", reason)

    async def _enrol(
        self,
        db: AsyncSession,
        name: str,
        place: str,
        tags: DeviceTags,
        actor: Actor,
        web_session: bytes | None,
    ) -> Enrolled:
        await _require_free(db, name)
        now = self._now_s()
        row = EnrolledDevice(
            id=_new_id(),
            name=name,
            place=place,
            tags=written_tags(tags),
            enrolled_by=actor.name,
            enrolled_s=now,
            seen_s=now,
        )
        db.add(row)
        await db.flush()
        if web_session is not None:
            await db.execute(
                update(WebSession).where(WebSession.id_hash == web_session).values(device_id=row.id)
            )
        await _record(
            db, Action.DEVICE_ENROLLED, now, actor, f"device:{row.id}", _describe(name, place, tags)
        )
        return Enrolled(DeviceFacts(row.id, name, place, tags), self.keys.sign(row.id, now))


async def existing_device(db: AsyncSession, device: str) -> EnrolledDevice:
    """Returns a device that is not revoked, by name or id. Raises ConfigurationError when there is none."""
    found = await db.scalar(
        select(EnrolledDevice).where(
            or_(EnrolledDevice.name == device, EnrolledDevice.id == device),
            EnrolledDevice.revoked_s.is_(None),
        )
    )
    if found is None:
        raise ConfigurationError(
            f"There is no device {device!r}.",
            hint="To see the enrolled devices, run `lightbox devices list`.",
        )
    return found


async def _require_free(db: AsyncSession, name: str) -> None:
    """Raises ConfigurationError when an enrolled device has this name."""
    taken = await db.scalar(
        select(EnrolledDevice.id).where(EnrolledDevice.name == name, EnrolledDevice.revoked_s.is_(None))
    )
    if taken is not None:
        raise ConfigurationError(
            f"A device named {name!r} is enrolled already.",
            hint=f"Choose another name, or revoke that device with `lightbox devices revoke {name}`.",
        )


def _listed(row: EnrolledDevice, people: tuple[str, ...]) -> ListedDevice:
    return ListedDevice(described(row), row.enrolled_by, row.enrolled_s, row.seen_s, row.revoked_s, people)


def _new_id() -> str:
    return secrets.token_hex(ID_BYTES)


def _hash(code: str) -> bytes:
    """Returns the hash under which a code is stored. It has 60 random bits and lasts for minutes."""
    return hash_of(recovery_codes.normalise(code) or "")


def _describe(name: str, place: str, tags: DeviceTags) -> str:
    return f"{name}, {place}" + (f", tags {written_tags(tags)}" if tags else "")


async def _record(
    db: AsyncSession, action: Action, at_s: float, actor: Actor, thing: str, reason: str
) -> None:
    """Records an act in the transaction of what it changes. To be called as the last part of it."""
    await append(db, actor.entry(at_s, action, thing, reason))
    log.info(action.value, object=thing, by=actor.name, reason=reason)
