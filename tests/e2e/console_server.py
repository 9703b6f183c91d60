"""A server with people, groups and desktops that are fakes, for the pages of the administration."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2

from display_server.broker.folders import StateFolder
from display_server.broker.people.access_paths import Subject
from display_server.broker.people.groups import Groups
from display_server.broker.people.role_assignments import RoleAssignments
from display_server.broker.roles import Assignment, Role
from display_server.broker.store import Store
from display_server.broker.tables import Account
from display_server.config import load
from display_server.server.database import database_of
from tests.e2e.lightbox import ROOT
from tests.e2e.processes import Program
from tests.fakes.gateway import PASSWORD, cheap_passwords

#: How long one request may take, s.
REQUEST_TIMEOUT_S = 60.0
#: The person who administers. `serve_program` adds the account.
ADMINISTRATOR = "kim"
HEAD = """
host = "127.0.0.1"
port = 0
state = "{state}"
[isolation]
enabled = false
trust_everybody = true
"""
DESKTOP = """
[[desktops]]
name = "{name}"
title = "{title}"
profile = "{profile}"
users = ["*"]
{pool}
"""
#: Makes a desktop a floating pool.
POOL = """
[desktops.pool]
maximum = 12
spare = 3
"""
#: Desktops by name, with title and profile.
DESKTOPS = (
    ("reading", "Reading room", "radiology"),
    ("ward", "Ward round", "office"),
    ("front", "Front office", "office"),
)
#: The desktop that is a floating pool.
POOLED = "front"
GROUPS = ("radiology", "ward-3", "ward-5", "reception")
FIRST = ("Minji", "Seo-jun", "Hana", "Do-yun", "Ji-woo", "Anna", "Jonas", "Mira", "Eun-ji", "Tae-yang")
LAST = ("Kim", "Lee", "Park", "Choi", "Jung", "Kang", "Weber", "Novak", "Yoon", "Han")


@dataclass(frozen=True, slots=True)
class ConsoleServer:
    """A running server. `people` are the usernames that were added, all with the password of the fakes."""

    url: str
    people: tuple[str, ...]

    def person(self, username: str) -> httpx2.Client:
        """Returns a client of a person who has just signed in."""
        client = httpx2.Client(
            base_url=self.url,
            verify=False,
            headers={"Origin": self.url},
            timeout=REQUEST_TIMEOUT_S,
            trust_env=False,
        )
        answer = client.post("/api/v1/sign-in", json={"username": username, "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        return client

    def open_desktop(self, username: str, desktop: str) -> str:
        """Opens a desktop as a person, and returns its session."""
        with closing(self.person(username)) as client:
            answer = client.post(f"/api/v1/desktops/{desktop}/viewers")
            assert answer.status_code == 201, answer.text
            session: str = answer.json()["session"]
            return session


@contextmanager
def console_server(folder: Path, *, people: int = 0, pool: bool = True) -> Iterator[ConsoleServer]:
    """Runs the server with this many people besides those of `serve_program`.

    Without `pool` every desktop is one of its person, and there is no limit.
    """
    configuration = folder / "lightbox.toml"
    desktops = [
        DESKTOP.format(name=name, title=title, profile=profile, pool=POOL if name == POOLED and pool else "")
        for name, title, profile in DESKTOPS
    ]
    configuration.write_text(HEAD.format(state=folder / "state") + "".join(desktops))
    configuration.chmod(0o600)
    added = asyncio.run(_fill(configuration, people))
    log = folder / "server.log"
    command = [sys.executable, "-m", "tests.fakes.serve_program", str(configuration)]
    program = Program(command, log=log, stdout=subprocess.PIPE, cwd=ROOT)
    try:
        line = program.stdout.readline()
        assert line, program.log_tail()
        url: str = json.loads(line)["url"]
        asyncio.run(_give_role(configuration))
        yield ConsoleServer(url.rstrip("/"), added)
    finally:
        program.stop()


async def _fill(configuration: Path, people: int) -> tuple[str, ...]:
    """Adds people and groups before the server starts, all in one transaction."""
    store = await _open(configuration)
    passwords = cheap_passwords()
    try:
        names = _names(people)
        password_hash = await passwords.hash(PASSWORD)
        async with store.begin() as db:
            for username, display_name in names:
                db.add(
                    Account(
                        username=username,
                        display_name=display_name,
                        password_hash=password_hash,
                        disabled=False,
                        created_s=time.time(),
                    )
                )
        if names:
            groups = Groups(store)
            for number, group in enumerate(GROUPS):
                await groups.add(group)
                for username, _ in names[number : 4 * len(GROUPS) : len(GROUPS)]:
                    await groups.add_person(group, username)
        return tuple(username for username, _ in names)
    finally:
        passwords.close()
        await store.close()


async def _give_role(configuration: Path) -> None:
    store = await _open(configuration)
    try:
        await RoleAssignments(store).give(Subject.USER, ADMINISTRATOR, Assignment(Role.ADMINISTRATOR))
    finally:
        await store.close()


async def _open(configuration: Path) -> Store:
    config = load(configuration, os.environ)
    return await Store.open(database_of(config.database, StateFolder.open(config.state)))


def _names(count: int) -> Sequence[tuple[str, str]]:
    """Returns usernames and names that people see."""
    return [
        (f"p{number:04}", f"{LAST[number // 10 % len(LAST)]} {FIRST[number % len(FIRST)]}")
        for number in range(count)
    ]
