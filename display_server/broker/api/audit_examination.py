"""Verifies the audit for people who look at it in a browser: one verification at a time, and remembered."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from display_server.broker.audit.keeping import read_statements_of, verify
from display_server.broker.audit.verification import Given, Report
from display_server.broker.store import Store

#: A verification reads every entry, so that its result is given again for this time, s.
REMEMBERED_S = 60.0


@dataclass(frozen=True, slots=True)
class Examined:
    """The result of a verification, and when it was made, in seconds since the epoch."""

    report: Report
    at_s: float


class AuditExamination:
    """Verifies the audit of a store.

    `key` is the public key of the host, and `checkpoint_file` returns where checkpoints have left the host,
    if the configuration names a file. `now_s` returns wall-clock time, in seconds since the epoch.
    """

    def __init__(
        self,
        store: Store,
        key: Ed25519PublicKey | None,
        checkpoint_file: Callable[[], Path | None],
        now_s: Callable[[], float],
    ) -> None:
        self._store = store
        self._key = key
        self._checkpoint_file = checkpoint_file
        self._now_s = now_s
        self._examining = asyncio.Lock()
        self._examined: Examined | None = None

    async def report(self) -> Examined:
        """Returns the result of the last minute, or verifies now.

        Raises StorageError, and ConfigurationError when the file of checkpoints has none.
        """
        async with self._examining:
            known = self._examined
            if known is not None and 0 <= self._now_s() - known.at_s < REMEMBERED_S:
                return known
            outside = await asyncio.to_thread(self._outside)
            at_s = self._now_s()
            self._examined = Examined(await verify(self._store, self._key, outside), at_s)
            return self._examined

    def _outside(self) -> list[Given]:
        file = self._checkpoint_file()
        return read_statements_of(file) if file is not None and file.exists() else []
