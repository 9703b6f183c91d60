"""Tables of enrolled devices, and of the codes by which they are enrolled."""

from __future__ import annotations

from sqlalchemy import LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from display_server.broker.tables.base import Base


class EnrolledDevice(Base):
    """A browser that an administrator enrolled, with its place and tags. Rows stay after a revocation."""

    __tablename__ = "enrolled_devices"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)  # random; in the device's cookie
    name: Mapped[str] = mapped_column(String(64), index=True)  # unique among those that are not revoked
    place: Mapped[str] = mapped_column(String(128))
    tags: Mapped[str] = mapped_column(String(700))  # separated by commas
    enrolled_by: Mapped[str] = mapped_column(String(128))
    enrolled_s: Mapped[float]
    seen_s: Mapped[float | None]  # the last request, to the minute
    revoked_s: Mapped[float | None]


class DeviceEnrolment(Base):
    """A one-time code that enrols the browser in which it is entered. Only its SHA-256 is stored."""

    __tablename__ = "device_enrolments"

    code_hash: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    name: Mapped[str] = mapped_column(String(64))
    place: Mapped[str] = mapped_column(String(128))
    tags: Mapped[str] = mapped_column(String(700))
    made_by: Mapped[str] = mapped_column(String(128))
    expires_s: Mapped[float]
