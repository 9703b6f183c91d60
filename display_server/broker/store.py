"""The broker's database: one SQLite file. SQLAlchemy allows another engine to replace it."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import event, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine

from display_server.broker.tables import MIGRATIONS, SCHEMA_VERSION, Base
from display_server.errors import ConfigurationError

#: How long a writer waits for another process, ms; for example `lightbox account add` while a server runs.
BUSY_TIMEOUT_MS = 5000


class Store:
    """The open database of a process. `async with store.begin() as db:` is a transaction."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self.begin = async_sessionmaker(engine, class_=AsyncSession, expire_on_commit=False).begin

    @classmethod
    async def open(cls, path: Path) -> Store:
        """Opens the database; creates the file (mode 0600) and its tables where they are missing.

        Raises ConfigurationError when the file cannot be written, is damaged, or was written by a newer
        version.
        """
        try:
            path.touch(mode=0o600, exist_ok=True)  # noqa: ASYNC240 - runs once, before anything is served
        except OSError as error:
            raise ConfigurationError(
                f"The database {path} cannot be written: {error.strerror}.",
                hint="Choose another state folder with --state.",
            ) from error
        engine = create_async_engine(f"sqlite+aiosqlite:///{path}")
        event.listen(engine.sync_engine, "connect", _prepare_connection)
        try:
            async with engine.begin() as connection:
                found = (await connection.execute(text("PRAGMA user_version"))).scalar_one()
                if found > SCHEMA_VERSION:
                    raise ConfigurationError(
                        f"The database {path} was written by a newer version of Lightbox (schema {found}; "
                        f"this version reads up to {SCHEMA_VERSION}).",
                        hint="Use that version, or choose another state folder with --state.",
                    )
                for version in range(found, SCHEMA_VERSION) if found else ():
                    for statement in MIGRATIONS[version]:
                        await connection.execute(text(statement))
                await connection.run_sync(Base.metadata.create_all)
                await connection.execute(text(f"PRAGMA user_version = {SCHEMA_VERSION}"))
        except SQLAlchemyError as error:
            await engine.dispose()
            raise ConfigurationError(
                f"The database {path} cannot be used: {getattr(error, 'orig', None) or error}.",
                hint="Restore the file from a backup, or move it away to start with an empty database.",
            ) from error
        except ConfigurationError:
            await engine.dispose()
            raise
        return cls(engine)

    async def close(self) -> None:
        await self._engine.dispose()


def _prepare_connection(connection: object, _record: object) -> None:
    """Switches on foreign keys, and a journal that does not block readers during a write.

    SQLite has both switched off by default.
    """
    cursor = connection.cursor()  # type: ignore[attr-defined]  # the driver's connection has no type here
    for pragma in (
        "foreign_keys = ON",
        "journal_mode = WAL",
        "synchronous = NORMAL",
        f"busy_timeout = {BUSY_TIMEOUT_MS}",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
