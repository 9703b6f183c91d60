"""What can go wrong with the account database, in words for people. Pure."""

from __future__ import annotations

from enum import Enum

from display_server.errors import Malfunction


class StorageFault(Enum):
    """Why the database cannot be used. The values are the codes of `/healthz`."""

    # Of an SQLite file.
    MISSING = "database-missing"
    REPLACED = "database-replaced"
    DAMAGED = "database-damaged"
    READ_ONLY = "read-only"
    LOCKED = "database-locked"
    UNREADABLE = "input-output-error"
    # Of both.
    FULL = "disk-full"
    # Of a PostgreSQL server.
    UNREACHABLE = "database-unreachable"
    REFUSED = "database-refused"
    ABSENT = "database-absent"
    FORBIDDEN = "database-forbidden"
    STANDBY = "database-standby"
    BUSY = "database-busy"
    FAILED = "database-failed"


#: Cause and next step of each fault. `{path}` is the name of the database behind a blank, or empty where
#: people without an account can read the text.
_TEXTS: dict[StorageFault, tuple[str, str]] = {
    StorageFault.MISSING: (
        "The account database{path} was deleted or moved while Lightbox was running.",
        "Restart Lightbox. It restores the database from its copy.",
    ),
    StorageFault.REPLACED: (
        "The account database{path} was replaced by another file while Lightbox was running.",
        "Restart Lightbox, so that it opens the new file.",
    ),
    StorageFault.DAMAGED: (
        "The account database{path} is damaged.",
        "Restart Lightbox. It keeps the damaged file, and restores the database from its copy.",
    ),
    StorageFault.READ_ONLY: (
        "The folder of the account database{path} is read-only.",
        "Make it writable again, and check the disk for errors. Lightbox then continues by itself.",
    ),
    StorageFault.LOCKED: (
        "Another program has locked the account database{path}.",
        "Try again. If it stays locked, end the program that uses it; `fuser` names it.",
    ),
    StorageFault.UNREADABLE: (
        "The account database{path} can be neither read nor written at the moment.",
        "Check the disk, its quota and the limits of file sizes. Lightbox then continues by itself.",
    ),
    StorageFault.FULL: (
        "There is no space left for the account database{path}.",
        "Free some space on that disk. Lightbox then continues by itself.",
    ),
    StorageFault.UNREACHABLE: (
        "The server of the account database{path} does not answer.",
        "Start it, or check the network between it and this host. Lightbox then continues by itself.",
    ),
    StorageFault.REFUSED: (
        "The server of the account database{path} refuses Lightbox: its user or password is wrong, or not "
        "allowed from this host.",
        "Check `database.url` and `database.password_file`, and `pg_hba.conf` of the server. Restart "
        "Lightbox if you changed its configuration.",
    ),
    StorageFault.ABSENT: (
        "The account database{path} does not exist on its server.",
        "Create it with `createdb`, as docs/operations.md describes, or correct `database.url`.",
    ),
    StorageFault.FORBIDDEN: (
        "The user of the account database{path} may not do what Lightbox needs.",
        "Make that user the owner of the database: `ALTER DATABASE name OWNER TO user`.",
    ),
    StorageFault.STANDBY: (
        "The server of the account database{path} accepts no changes: it is a standby, or set to read-only.",
        "Let `database.url` name the primary server, or make this server the primary. Lightbox then "
        "continues by itself.",
    ),
    StorageFault.BUSY: (
        "The server of the account database{path} is overloaded, or another program has locked its tables.",
        "Try again. `pg_stat_activity` shows what runs; `max_connections` may be too small.",
    ),
    StorageFault.FAILED: (
        "The server of the account database{path} failed.",
        "Read the log of PostgreSQL. Lightbox continues by itself as soon as the server works.",
    ),
}


class StorageError(Malfunction):
    """The database cannot be used. The text names the database and is meant for the operator."""

    def __init__(self, fault: StorageFault, database: str) -> None:
        cause, next_step = _TEXTS[fault]
        super().__init__(cause.format(path=f" {database}"), next_step=next_step)
        self.fault = fault

    @property
    def public_cause(self) -> str:
        """The cause without the name of the database."""
        return _TEXTS[self.fault][0].format(path="")
