"""The pool of a desktop in the database, and what identifies its definition. Pure."""

from __future__ import annotations

import hashlib

import msgspec

from display_server import __version__
from display_server.broker.tables import Desktop
from display_server.desktop.pool_settings import PoolSettings


def pool_of(desktop: Desktop) -> PoolSettings | None:
    """Returns the settings of the pool; None if each person has a desktop of their own."""
    return msgspec.json.decode(desktop.pool, type=PoolSettings) if desktop.pool else None


def definition_of(desktop: Desktop, version: str, fingerprint: str) -> str:
    """Returns a text that differs when desktops that were started before are not as they would be now.

    `version` is that of the image, and `fingerprint` what this version contains.
    """
    pool = pool_of(desktop)
    parts = (
        __version__,
        pool.kind if pool is not None else "",
        pool.keeps_home if pool is not None else True,
        desktop.profile,
        version,
        fingerprint,
        desktop.width_px,
        desktop.height_px,
        bool(desktop.fixed),
        desktop.attach,
        bool(desktop.share),
        desktop.clipboard,
        desktop.video,
        desktop.video_monitors,
        desktop.network,
    )
    return hashlib.sha256(msgspec.json.encode(parts)).hexdigest()[:16]
