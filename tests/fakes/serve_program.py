"""`lightbox serve` with a launcher whose agents echo, as a program for tests of reloading.

    python -m tests.fakes.serve_program CONFIG [--hung-after S] [--agents-apart]

It creates the accounts `kim` and `lee` with the password of the other fakes. `--hung-after` sets the time
after which a process that hangs is replaced. With `--agents-apart` agents are processes of their own.
"""

from __future__ import annotations

import argparse
import asyncio
import functools
import json
import os
from pathlib import Path

from display_server.broker.accounts import Accounts
from display_server.broker.folders import StateFolder
from display_server.broker.store import Store
from display_server.cli.serve import read_again
from display_server.config import Config, load
from display_server.server import child_watch
from display_server.server.database import database_of
from display_server.server.ready import Ready
from display_server.server.serve import serve
from display_server.telemetry.logs import configure_logs
from tests.fakes.gateway import PASSWORD, cheap_passwords
from tests.fakes.launchers import EchoLauncher, EchoProcessLauncher


async def add_accounts(config: Config) -> None:
    store = await Store.open(database_of(config.database, StateFolder.open(config.state)))
    passwords = cheap_passwords()
    try:
        for username in ("kim", "lee"):
            await Accounts(store, passwords).add(username, PASSWORD)
    finally:
        passwords.close()
        await store.close()


def main() -> None:
    configure_logs("server")
    parser = argparse.ArgumentParser()
    parser.add_argument("config", type=Path)
    parser.add_argument("--hung-after", type=float, default=child_watch.HUNG_AFTER_S)
    parser.add_argument("--agents-apart", action="store_true")
    arguments = parser.parse_args()
    path: Path = arguments.config
    child_watch.HUNG_AFTER_S = arguments.hung_after
    launcher = EchoProcessLauncher() if arguments.agents_apart else EchoLauncher()
    config = load(path, os.environ)
    asyncio.run(add_accounts(config))

    def on_ready(ready: Ready) -> None:
        print(json.dumps({"url": ready.url}), flush=True)

    serve(config, on_ready, launcher=launcher, read_config=functools.partial(read_again, path))


if __name__ == "__main__":
    main()
