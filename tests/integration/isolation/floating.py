"""A server whose only desktop is a floating pool, with three people who may open it."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import httpx2

from display_server.broker.folders import StateFolder, list_instances
from display_server.broker.running_desktops import running_desktops
from display_server.cli.sessions import with_people
from tests.integration.isolation.servers import PASSWORD, PATIENCE_S, Server, wait_for

PEOPLE = ("kim", "lee", "park")
CONFIG = """
port = 0
state = "{state}"
web_client = "{web_client}"
[isolation]
memory_mb = 512
temporary_mb = 64
[[desktops]]
name = "blank"
profile = "blank"
users = ["*"]
[desktops.pool]
maximum = {maximum}
spare = {spare}
"""
DOCUMENT = "discharge-letter.txt"


class FloatingServer(Server):
    """Desktops of the pool are described by their sessions."""

    def __init__(self, folder: Path, *, maximum: int, spare: int) -> None:
        self._pool = {"maximum": maximum, "spare": spare}
        super().__init__(folder)
        for name in PEOPLE[1:]:
            self.run("account", "add", name, stdin=PASSWORD)

    def configure(self, *, isolation: bool = True) -> None:
        assert isolation
        text = CONFIG.format(state=self.state, web_client=self.folder / "dist", **self._pool)
        self.config.write_text(text)

    def person(self, username: str) -> httpx2.Client:
        """Returns a client of a signed-in person."""
        client = httpx2.Client(
            base_url=self.url,
            verify=self.context(),
            headers={"Origin": self.url},
            timeout=PATIENCE_S,
            trust_env=False,
        )
        answer = client.post("/api/v1/sign-in", json={"username": username, "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        return client

    def desktops(self) -> list[dict[str, Any]]:
        """Does what `lightbox sessions` does, without a process for each reading."""
        return with_people(running_desktops(self.state), list_instances(StateFolder(self.state)))

    def owners(self) -> dict[str, str]:
        """Returns whose each running desktop is; empty if it is nobody's."""
        return {desktop["id"]: desktop["user"] for desktop in self.desktops()}

    def wait_for_spare(self, count: int) -> list[str]:
        """Waits until `count` desktops wait for a person. Returns their sessions."""

        def waiting() -> list[str] | None:
            found = [
                desktop["id"]
                for desktop in self.desktops()
                if desktop["user"] == "" and desktop["state"] == "ready"
            ]
            return found if len(found) == count else None

        found = wait_for(waiting)
        assert found is not None
        return found

    def home(self, session: str) -> Path:
        """Returns the home inside the container of a desktop, as this host reaches it."""
        [home] = Path(f"/proc/{self.container(session).init_pid}/root/home").iterdir()
        return home

    def write_document(self, session: str, text: str) -> None:
        """Writes a document into the home, as a program of the person."""
        self.execute(session, ("/bin/sh", "-c", 'printf %s "$1" > ~person/"$0"', DOCUMENT, text))

    def document(self, session: str) -> str | None:
        """Returns the document in the home, or None."""
        with contextlib.suppress(FileNotFoundError):
            return (self.home(session) / DOCUMENT).read_text()
        return None
