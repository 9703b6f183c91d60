"""Keeps the audit while the server runs: chains the spool, and makes checkpoints that leave the host."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy.exc import SQLAlchemyError

from display_server.broker.api.services import BrokerServices
from display_server.broker.api.sign_in_audit import record_limited_attempts
from display_server.broker.audit.chain import US_PER_S
from display_server.broker.audit.keeping import Destinations, make_checkpoint
from display_server.broker.storage_failures import StorageError
from display_server.config import AuditConfig, syslog_address

log = structlog.get_logger(__name__)

#: Interval between two looks at the spool, and whether a checkpoint is due, s.
EXAMINATION_INTERVAL_S = 2.0


def destinations(config: AuditConfig) -> Destinations:
    """Returns where the configuration sends checkpoints."""
    return Destinations(config.checkpoint_file, syslog_address(config))


class AuditWatch:
    """Makes checkpoints when they are due. `config` returns the configuration that is in force."""

    def __init__(
        self, services: BrokerServices, key: Ed25519PrivateKey, config: Callable[[], AuditConfig]
    ) -> None:
        self._services = services
        self._key = key
        self._config = config
        self._made_s: float | None = None  # when the last checkpoint was due, by the monotonic clock
        self._failures: list[str] = []

    async def run(self) -> None:
        """Runs until it is cancelled."""
        while True:
            await self.run_once()
            await asyncio.sleep(EXAMINATION_INTERVAL_S)

    async def run_once(self) -> None:
        """Does what is due now. What fails is logged and done again later."""
        await self._services.audit.examine()
        try:
            await record_limited_attempts(self._services)
            await self._make_due_checkpoint()
        except StorageError:
            log.debug("no checkpoint of the audit while the database cannot be used")
        except SQLAlchemyError as error:
            log.error("checkpoint of the audit not made", error=str(error))

    async def _make_due_checkpoint(self) -> None:
        config, now_s = self._config(), self._services.monotonic_s()
        if self._made_s is not None and now_s - self._made_s < config.checkpoint_minutes * 60:
            return
        now_us = round(self._services.audit.now_s() * US_PER_S)
        statement = await make_checkpoint(self._services.store, self._key, now_us, again=bool(self._failures))
        self._made_s = now_s
        if statement is None:
            return
        failures = await asyncio.to_thread(destinations(config).send, statement)
        for failure in failures:
            log.error("checkpoint of the audit has not left the host", cause=failure)
        if self._failures and not failures:
            log.info("checkpoints of the audit leave the host again")
        self._failures = failures
