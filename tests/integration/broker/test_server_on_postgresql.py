"""A whole server whose database is on PostgreSQL: its commands, an outage while people work, and moving to
it.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from display_server.broker.accounts import Accounts
from display_server.broker.postgres_database import PostgresDatabase
from display_server.broker.store import Store
from tests.fakes.gateway import PASSWORD, cheap_passwords, make_web_client
from tests.fakes.postgres_server import TEMPLATE, PostgresServer
from tests.integration.test_reload import PATIENCE_S, ROOT, Server, environment, running_server, write_config


async def run(folder: Path, *arguments: str, stdin: str = "") -> tuple[int, str, str]:
    """Runs `lightbox`, and returns its exit code and what it wrote."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "display_server.cli", *arguments),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=environment(folder),
        cwd=ROOT,
    )
    output, errors = await asyncio.wait_for(process.communicate(stdin.encode()), PATIENCE_S)
    assert process.returncode is not None
    return process.returncode, output.decode(), errors.decode()


async def usernames(folder: Path, *options: str) -> list[str]:
    code, output, errors = await run(folder, "account", "list", "--json", *options)
    assert code == 0, errors
    return [account["username"] for account in json.loads(output)]


async def reasons(server: Server) -> list[str]:
    """Returns the codes of `/healthz`."""
    async with server.client() as client:
        answer = (await client.get("/healthz")).json()
    return [reason["code"] for reason in answer.get("reasons", [])]


async def test_open_viewers_go_on_while_the_database_server_is_away(
    postgres: PostgresServer, database: str, folder: Path
) -> None:
    make_web_client(folder / "dist")
    write_config(folder, f'[database]\nurl = "{postgres.url(database)}"\n')
    async with running_server(folder) as server:
        kim = await server.sign_in("kim")
        await server.open_viewer(kim)
        await server.everybody_works("before")
        assert await reasons(server) == []
        postgres.stop()
        try:
            assert await reasons(server) == ["database-unreachable"]
            await server.everybody_works("meanwhile")
            refused = await kim.get("/api/v1/me")
            assert (refused.status_code, refused.json()["code"]) == (503, "store-failed")
        finally:
            await postgres.start()
        async with asyncio.timeout(PATIENCE_S):
            while await reasons(server):  # noqa: ASYNC110 - another process reconnects
                await asyncio.sleep(0.05)
        await server.everybody_works("afterwards")
        assert (await kim.get("/api/v1/me")).status_code == 200
        assert not (folder / "state" / "lightbox.db").exists()

        # Commands find the database by the state folder alone.
        assert await usernames(folder, "--state", str(folder / "state")) == ["kim", "lee"]
        code, _, errors = await run(folder, "account", "disable", "kim", "--state", str(folder / "state"))
        assert code == 0, errors
        assert (await kim.get("/api/v1/me")).status_code == 401
        code, _, errors = await run(
            folder, "backup", str(folder / "b.tar.gz"), "--state", str(folder / "state")
        )
        assert code == 0, errors
    assert [line["fault"] for line in server.log_lines("storage failed")] == ["database-unreachable"]
    assert "sqlalche" not in server.log.read_text(), "the log has plain words"

    # The archive is restored into SQLite, and moved to another database from there.
    code, _, errors = await run(
        folder, "restore", str(folder / "b.tar.gz"), "--state", str(folder / "restored")
    )
    assert code == 0, errors
    assert await usernames(folder, "--state", str(folder / "restored")) == ["kim", "lee"]
    other = await postgres.new_database(TEMPLATE)
    write_config(folder, f'[database]\nurl = "{postgres.url(other)}"\n')
    options = ("--config", str(folder / "lightbox.toml"), "--state", str(folder / "restored"))
    code, _, errors = await run(folder, "database", "copy", *options)
    assert code == 0, errors
    code, _, errors = await run(folder, "database", "copy", *options)
    assert (code, "has accounts already" in errors) == (2, True)
    store = await Store.open(PostgresDatabase(postgres.url(other)))
    accounts = Accounts(store, cheap_passwords())
    assert await accounts.verify("lee", PASSWORD) is not None
    assert await accounts.verify("kim", PASSWORD) is None, "disabled"
    assert (await accounts.add("park", PASSWORD)).id == 3, "rows are numbered on"
    await store.close()
