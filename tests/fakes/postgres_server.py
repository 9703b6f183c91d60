"""A real PostgreSQL server in a temporary folder, which only its own Unix socket reaches.

The programs are those of Debian's package `postgresql`. PostgreSQL refuses to run as root, so root runs it as
the user `postgres` of that package.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import asyncpg

from display_server.broker.postgres_database import PostgresDatabase
from display_server.broker.store import Store

#: Nothing survives the tests, so nothing waits for the disk.
SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "16MB",
    "max_connections": "100",
    "autovacuum": "off",
    "jit": "off",
}
#: The user with all rights, and the Unix user as whom root runs the server.
SUPERUSER = "postgres"
#: The database from which those of tests are copied, which is faster than migrating each.
TEMPLATE = "migrated"
PATIENCE_S = 60.0


def _program(name: str) -> str:
    """Returns the path of a program, which Debian keeps apart for each major version."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name))
    program = str(folders[-1] / name) if folders else shutil.which(name)
    assert program is not None, f"{name} is missing; `make setup-dev` installs it"
    return program


def _as_unprivileged(*command: str) -> list[str]:
    """Returns the command line that runs a program as a user who may, and ends it with this process."""
    user = ["--reuid", SUPERUSER, "--regid", SUPERUSER, "--clear-groups"] if os.geteuid() == 0 else []
    return ["setpriv", *user, "--pdeathsig", "QUIT", "--", *command]


class PostgresServer:
    """A server that runs except between `stop` and `start`. The folder is empty and has a short path."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._data = folder / "data"
        self._numbers = itertools.count(1)
        self._process: subprocess.Popen[bytes] | None = None
        if os.geteuid() == 0:
            shutil.chown(folder, SUPERUSER)
        subprocess.run(
            _as_unprivileged(
                *(_program("initdb"), "--pgdata", str(self._data), "--username", SUPERUSER),
                *("--auth-local", "trust", "--encoding", "UTF8", "--locale", "C.UTF-8"),
                *("--no-sync", "--no-instructions"),
            ),
            cwd=folder,
            check=True,
            capture_output=True,
        )

    async def start(self, **settings: str) -> None:
        """Starts the server, with other settings than SETTINGS if there are any."""
        self._launch({**SETTINGS, **settings})
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                await self.execute("SELECT 1")
                return
            except (OSError, asyncpg.CannotConnectNowError):
                assert self._process is not None
                assert self._process.poll() is None, (self.folder / "log").read_text()
                assert time.monotonic() < deadline, "PostgreSQL does not start"
                await asyncio.sleep(0.02)

    def _launch(self, settings: dict[str, str]) -> None:
        options = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
        program = (_program("postgres"), "-D", str(self._data), "-k", str(self.folder))
        with (self.folder / "log").open("ab") as output:
            self._process = subprocess.Popen(
                _as_unprivileged(*program, *options), cwd=self.folder, stdout=output, stderr=output
            )

    def stop(self) -> None:
        """Ends the server and all of its connections at once."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)  # PostgreSQL's fast shutdown
            self._process.wait(PATIENCE_S)
            self._process = None

    def url(self, database: str, user: str = SUPERUSER) -> str:
        return f"postgresql://{user}@/{database}?host={self.folder}"

    async def execute(self, statement: str, database: str = SUPERUSER) -> Any:
        """Runs a statement as the superuser, outside of a transaction, and returns its first value."""
        connection = await asyncpg.connect(self.url(database))
        try:
            return await connection.fetchval(statement)
        finally:
            await connection.close()

    async def new_database(self, template: str = "template1") -> str:
        """Creates a database that nobody else uses, and returns its name."""
        name = f"test_{next(self._numbers)}"
        await self.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return name

    async def drop(self, database: str) -> None:
        await self.execute(f"DROP DATABASE {database} WITH (FORCE)")

    async def end_connections(self) -> None:
        """Ends all connections of stores, as a failover does."""
        ours = "application_name = 'lightbox'"
        await self.execute(f"SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE {ours}")

    async def make_template(self) -> None:
        """Creates the database TEMPLATE, with the tables of a new installation."""
        await self.execute(f"CREATE DATABASE {TEMPLATE}")
        await (await Store.open(PostgresDatabase(self.url(TEMPLATE)))).close()

    async def require_password(self, user: str) -> None:
        """From now on this user can connect only with a password."""
        rules = self._data / "pg_hba.conf"
        line = f"local all {user} scram-sha-256\n"
        if line not in (text := rules.read_text()):
            rules.write_text(line + text)
            await self.execute("SELECT pg_reload_conf()")
