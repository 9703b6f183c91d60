"""The contract of a kind of database: what the store does not do in the same way on all of them."""

from __future__ import annotations

from typing import Protocol

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from display_server.broker.storage_failures import StorageFault


class Database(Protocol):
    """One database, before and while it is open."""

    @property
    def name(self) -> str:
        """What messages for operators call it: a path, or an address without a password."""

    async def prepare(self) -> None:
        """Makes it possible to connect. Called once, before `engine`. Raises ConfigurationError."""

    def engine(self) -> AsyncEngine:
        """Returns the engine. Its transactions begin as `writing` and `reading` options of it say."""

    def writing(self, engine: AsyncEngine) -> AsyncEngine:
        """Returns the engine for transactions that write: one at a time, of all processes together."""

    def reading(self, engine: AsyncEngine) -> AsyncEngine:
        """Returns the engine for transactions that only read. All of their statements see the same state."""

    def migrating(self) -> AsyncEngine:
        """Returns an engine for one migration, whose transaction excludes all other migrations."""

    async def keep_before_upgrade(self, schema: int) -> None:
        """Keeps what an older version of Lightbox can use. Raises ConfigurationError when it cannot."""

    async def check_upgrade(self, connection: AsyncConnection) -> None:
        """Called at the end of the transaction of a migration. Raises ConfigurationError to undo it."""

    async def check(self) -> StorageFault | None:
        """Called before each transaction. Returns a fault that no statement would notice."""

    async def examine(self) -> StorageFault | None:
        """Called every few seconds.

        Returns a fault that would show only in the next transaction that writes.
        """

    def fault_of(self, error: SQLAlchemyError | OSError) -> StorageFault | None:
        """Returns the fault behind an error, or None when the statement was at fault."""

    async def save_copy(self) -> StorageFault | None:
        """Called after each change that people cannot simply repeat. Logs a failure and returns its fault."""
