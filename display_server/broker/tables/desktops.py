"""Tables of desktops: those of the configuration, who may open them, their sessions, and pools."""

from __future__ import annotations

from sqlalchemy import String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from display_server.broker.tables.base import Base


class Desktop(Base):
    """A desktop of the configuration. Each person who opens it gets a session of their own."""

    __tablename__ = "desktops"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(64), unique=True)
    title: Mapped[str] = mapped_column(Text)  # empty: the name of the profile applies
    profile: Mapped[str] = mapped_column(String(64))
    width_px: Mapped[int]
    height_px: Mapped[int]
    fixed: Mapped[bool] = mapped_column(default=False)
    attach: Mapped[str | None] = mapped_column(String(64))
    position: Mapped[int] = mapped_column(default=0)
    share: Mapped[bool] = mapped_column(default=False)
    clipboard: Mapped[str] = mapped_column(String(256), default="{}")  # ClipboardPolicy as JSON
    video: Mapped[str] = mapped_column(String(16), default="adaptive")
    video_monitors: Mapped[str] = mapped_column(Text, default="{}")  # JSON: policy by number
    network: Mapped[str] = mapped_column(Text, default="[]")  # JSON: what programs may reach
    pool: Mapped[str] = mapped_column(Text, default="")  # PoolSettings as JSON; empty: no pool
    on_removal: Mapped[str] = mapped_column(String(16), default="warning")  # an OnRemoval
    removal_s: Mapped[float] = mapped_column(default=300.0)  # between the warning and the end


class Entitlement(Base):
    """The right of one person, of the members of one group, or of everybody to open a desktop.

    The row holds names instead of ids, so that a configuration can name people and groups before they exist,
    and so that an entitlement outlives a reload whose configuration lacks the desktop.
    """

    __tablename__ = "entitlements"
    __table_args__ = (UniqueConstraint("desktop", "subject", "name", "origin"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    desktop: Mapped[str] = mapped_column(String(64))
    subject: Mapped[str] = mapped_column(String(16))  # a Subject
    name: Mapped[str] = mapped_column(String(128), index=True)  # of the person or group, or EVERYBODY
    origin: Mapped[str] = mapped_column(String(16))  # an EntitlementOrigin
    until_s: Mapped[float | None]  # it does not count from this time on; None: it lasts


class DesktopIds(Base):
    """The person's desktop to which a range of host ids belongs. The row's id is its number; rows stay."""

    __tablename__ = "desktop_ids"
    __table_args__ = (UniqueConstraint("username", "desktop"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    username: Mapped[str] = mapped_column(String(64))
    desktop: Mapped[str] = mapped_column(String(64))


class Session(Base):
    """One run of a desktop for one person. The row is kept as a record after the desktop has ended."""

    __tablename__ = "sessions"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    username: Mapped[str] = mapped_column(String(64), index=True)  # empty: it belongs to nobody yet
    desktop: Mapped[str] = mapped_column(String(64))
    instance: Mapped[str] = mapped_column(String(64))  # the server process that runs it
    state: Mapped[str] = mapped_column(String(16), index=True)
    error: Mapped[str | None] = mapped_column(String(1024))
    ended_by: Mapped[str | None] = mapped_column(String(16))  # an EndedBy; None while the session is live
    place: Mapped[int | None]  # in a pool
    definition: Mapped[str] = mapped_column(String(32), default="")  # of the pool, when the desktop began
    assigned_s: Mapped[float | None]  # when a desktop of a pool was given to its person
    created_s: Mapped[float]
    changed_s: Mapped[float]


class PoolState(Base):
    """What outlasts the server of a pool. The row's key is the name of the desktop."""

    __tablename__ = "pool_states"

    desktop: Mapped[str] = mapped_column(String(64), primary_key=True)
    maintenance: Mapped[bool] = mapped_column(default=False)
    breaker: Mapped[str] = mapped_column(Text, default="{}")  # Breaker as JSON
    rollout: Mapped[str] = mapped_column(Text, default="{}")  # Rollout as JSON


class PoolAssignment(Base):
    """A desktop of a dedicated pool that belongs to a person until it is released and wiped."""

    __tablename__ = "pool_assignments"
    __table_args__ = (UniqueConstraint("desktop", "place"), UniqueConstraint("desktop", "username"))

    id: Mapped[int] = mapped_column(primary_key=True)
    desktop: Mapped[str] = mapped_column(String(64))
    place: Mapped[int]
    username: Mapped[str] = mapped_column(String(64), index=True)
    state: Mapped[str] = mapped_column(String(16))  # an AssignmentState
    error: Mapped[str | None] = mapped_column(String(1024))  # why its home could not be wiped
    assigned_s: Mapped[float]
    changed_s: Mapped[float]


class Lease(Base):
    """A task that one process at a time may do."""

    __tablename__ = "leases"

    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    owner: Mapped[str] = mapped_column(String(64))
    expires_s: Mapped[float]


class Removal(Base):
    """A desktop that runs although its person is no longer entitled to it, and until when it does."""

    __tablename__ = "removals"

    session: Mapped[str] = mapped_column(String(32), primary_key=True)
    state: Mapped[str] = mapped_column(String(16))  # an AccessState
    removed_s: Mapped[float]
    due_s: Mapped[float | None]  # None: it ends when the person signs out
