"""Kills the broker while people open floating desktops and sign out.

`python -m tests.acceptance.pool_kills [--times 50]` prints as `value: …` how many desktops were shown to a
second person, or had a document of another person in their home. Each person writes a document into each
desktop that they get, and ends it. The broker is killed with SIGKILL at a random moment of each round.
"""

from __future__ import annotations

import argparse
import contextlib
import random
import subprocess
import tempfile
import threading
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2

from tests.acceptance.command import exit_with, note, report
from tests.integration.isolation.floating import PEOPLE, FloatingServer

#: More people than desktops, so that places are used again at once.
MAXIMUM, SPARE = 2, 1
#: The kill comes this long after the people have begun, at most, and they go on for this long after it, s.
KILL_WITHIN_S, GO_ON_S = 6.0, 6.0


class Ward:
    """What people saw: by desktop, who was there, and whose documents they found."""

    def __init__(self, server: FloatingServer) -> None:
        self._server = server
        self._lock = threading.Lock()
        self.seen: dict[str, set[str]] = defaultdict(set)
        self.found: list[tuple[str, str, str]] = []

    def work(self, username: str, until_s: float) -> None:
        """Signs in, opens a desktop, looks for documents, writes one and signs out, again and again."""
        while time.monotonic() < until_s:
            # The broker is away while it is replaced, and no desktop may be free.
            with contextlib.suppress(
                httpx2.TransportError, AssertionError, OSError, ValueError, subprocess.CalledProcessError
            ):
                client = self._server.person(username)
                answer = self._server.open(client)
                if answer.status_code == 201:
                    self._look(username, str(answer.json()["session"]))
                # Signing out does not end it while another browser, cut off by a kill, counts as signed in.
                client.post("/api/v1/desktops/blank/end")
                client.post("/api/v1/sign-out")

    def _look(self, username: str, session: str) -> None:
        with self._lock:
            self.seen[session].add(username)
        owner = self._server.document(session)
        if owner not in (None, username):
            with self._lock:
                self.found.append((session, owner or "", username))
        self._server.write_document(session, username)

    @property
    def leaks(self) -> int:
        shown_twice = [session for session, people in self.seen.items() if len(people) > 1]
        return len({*shown_twice, *(session for session, _, _ in self.found)})


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.acceptance.pool_kills", description=__doc__)
    parser.add_argument("--times", type=int, default=50)
    parser.add_argument("--seed", type=int, default=16)
    arguments = parser.parse_args()
    chance = random.Random(arguments.seed)
    with tempfile.TemporaryDirectory(prefix="lb", dir="/dev/shm") as path:
        server = FloatingServer(Path(path), maximum=MAXIMUM, spare=SPARE)
        try:
            server.start()
            ward = Ward(server)
            for number in range(arguments.times):
                kill(server, ward, chance.uniform(0, KILL_WITHIN_S))
                if (number + 1) % 10 == 0:
                    note(f"{number + 1} kills, {len(ward.seen)} desktops were shown, {ward.leaks} leaks")
        finally:
            server.close()
    for session, owner, other in ward.found:
        note(f"desktop {session}: {other} found the document of {owner}")
    return report("pool-kills", ward.leaks, also=len(ward.seen) >= arguments.times // 2)


def kill(server: FloatingServer, ward: Ward, after_s: float) -> None:
    """Lets all people work, kills the broker meanwhile, and lets them work on."""
    until_s = time.monotonic() + after_s + GO_ON_S
    with ThreadPoolExecutor(len(PEOPLE)) as people:
        working = [people.submit(ward.work, username, until_s) for username in PEOPLE]
        time.sleep(after_s)
        server.parts()["broker"].kill()
        for work in working:
            work.result()


if __name__ == "__main__":
    exit_with(main)
