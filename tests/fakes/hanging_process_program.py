"""A server with one process, which hangs after its start, as a program for tests of the watch over processes.

    python -m tests.fakes.hanging_process_program

It prints a line for each process that works. Each of them then blocks its event loop for ever.
"""

from __future__ import annotations

import asyncio
import time

from display_server.server import child_watch
from display_server.server.child_process import ChildProcess, Parent, Started, run_until_ended
from display_server.server.process_tree import ProcessTree
from display_server.telemetry.logs import configure_logs


def wait_for_something_that_never_comes() -> None:
    time.sleep(3600)


def work(parent: Parent) -> None:
    async def hang() -> None:
        parent.report(Started({}))
        await asyncio.sleep(0)
        print("again" if parent.again else "first", flush=True)
        wait_for_something_that_never_comes()

    run_until_ended(parent, hang())


def main() -> None:
    configure_logs("server")
    child_watch.SUSPECT_AFTER_S, child_watch.HUNG_AFTER_S = 1.0, 3.0
    tree = ProcessTree([ChildProcess("hanging", work)])
    with tree.running():
        tree.watch(lambda: True)
    print("ended", flush=True)


if __name__ == "__main__":
    main()
