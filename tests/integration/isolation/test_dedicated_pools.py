"""A dedicated pool of real containers, with a profile of the operator that has two versions."""

from __future__ import annotations

import json
import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.isolation.floating import DOCUMENT, FloatingServer
from tests.integration.isolation.servers import wait_for

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="isolation needs root")

CONFIG = """
port = 0
state = "{state}"
web_client = "{web_client}"
profiles = "profiles"
[isolation]
memory_mb = 512
temporary_mb = 64
[[desktops]]
name = "blank"
profile = "ward"
users = ["*"]
[desktops.pool]
kind = "dedicated"
maximum = 1
"""
PROFILE = """
title = {{ en = "Ward", ko = "병동" }}
settings = "settings/home.toml"
session_bus = false
[[programs]]
name = "version"
command = ["sh", "{{profiles}}/start.sh", "{version}"]
package = "dash"
"""
FILES = '[[files]]\nsource = "note"\ntarget = "note"\n'


class DedicatedServer(FloatingServer):
    """Its only desktop is a dedicated pool for one person, whose profile is one of the operator."""

    def configure(self, *, isolation: bool = True) -> None:
        assert isolation
        profiles = self.folder / "profiles"
        profiles.mkdir(exist_ok=True)
        files = {
            "ward.toml": PROFILE.format(version="1"),
            "ward@2.toml": PROFILE.format(version="2"),
            "settings/home.toml": FILES,
            "note": "of the operator",
            "start.sh": 'echo "$1" > "$HOME/version"; exec sleep 100000\n',
        }
        for name, text in files.items():
            path = profiles / name
            path.parent.mkdir(exist_ok=True)
            path.parent.chmod(0o755)
            path.write_text(text)
            path.chmod(0o644)
        self.config.write_text(CONFIG.format(state=self.state, web_client=self.folder / "dist"))

    def version(self, session: str) -> str | None:
        """Returns which version of the profile has started its program in a desktop."""
        file = self.home(session) / "version"
        return file.read_text().strip() if file.exists() else None

    def places(self) -> list[tuple[str, str]]:
        """Returns whose the desktops are, and the states of the assignments."""
        found = json.loads(self.run("pools", "places", "blank", "--json").stdout)
        return [(place["username"], place["state"]) for place in found]


@pytest.fixture
def server() -> Iterator[DedicatedServer]:
    with tempfile.TemporaryDirectory(prefix="lb", dir="/dev/shm") as path:
        Path(path).chmod(0o755)
        running = DedicatedServer(Path(path), maximum=1, spare=0)
        try:
            yield running
        finally:
            running.close()


@pytest.mark.nightly  # a quarter of a minute of processor
def test_a_person_keeps_a_desktop_until_it_is_released_and_wiped(server: DedicatedServer) -> None:
    server.start()
    kim, lee = server.person("kim"), server.person("lee")
    first = server.open(kim).json()["session"]
    wait_for(lambda: server.version(first) == "1")
    assert (server.home(first) / "note").read_text() == "of the operator"
    server.execute(first, ("/bin/sh", "-c", f"printf 'patient data' > ~kim/{DOCUMENT}"))
    assert server.document(first) == "patient data"
    full = server.open(lee)
    assert (full.status_code, full.json()["code"]) == (503, "pool-full")

    # The server is killed, and the next one changes the pool to another version.
    server.end(signal.SIGKILL)
    server.start()
    assert server.open(kim, resume=first).json()["session"] == first
    server.run("pools", "recompose", "blank", "2", "--canary", "100")
    server.run("sessions", "end", first)
    second = server.open(kim).json()["session"]
    wait_for(lambda: server.version(second) == "2")
    assert server.document(second) == "patient data"

    assert server.places() == [("kim", "assigned")]
    server.run("pools", "release", "blank", "kim", "--yes")
    wait_for(lambda: server.places() == [])
    assert server.rows()[second] == ("ended", "released")
    assert list(server.state.rglob(DOCUMENT)) == []
    third = server.open(lee).json()["session"]
    wait_for(lambda: server.version(third) == "2")
    assert server.document(third) is None
    assert server.places() == [("lee", "assigned")]
