"""`lightbox serve` with a launcher whose agents echo, as a program for tests of reloading.

    python -m tests.fakes.serve_program CONFIG

It creates the accounts `kim` and `lee` with the password of the other fakes.
"""

from __future__ import annotations

import asyncio
import functools
import json
import os
import sys
from pathlib import Path

from display_server.broker.accounts import Accounts
from display_server.broker.folders import StateFolder
from display_server.broker.store import Store
from display_server.cli.serve import read_again
from display_server.config import load
from display_server.server.ready import Ready
from display_server.server.serve import serve
from display_server.telemetry.logs import configure_logs
from tests.fakes.gateway import PASSWORD, cheap_passwords
from tests.fakes.launchers import EchoLauncher


async def add_accounts(state: Path) -> None:
    store = await Store.open(StateFolder.open(state).database)
    passwords = cheap_passwords()
    try:
        for username in ("kim", "lee"):
            await Accounts(store, passwords).add(username, PASSWORD)
    finally:
        passwords.close()
        await store.close()


def main() -> None:
    configure_logs("server")
    path = Path(sys.argv[1])
    config = load(path, os.environ)
    asyncio.run(add_accounts(config.state))

    def on_ready(ready: Ready) -> None:
        print(json.dumps({"url": ready.url}), flush=True)

    serve(config, on_ready, launcher=EchoLauncher(), read_config=functools.partial(read_again, path))


if __name__ == "__main__":
    main()
