"""A person works on a desktop when an operator removes the entitlement to it."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.browsers.chromium import Chromium
from tests.e2e.lightbox import COMMAND, COMMAND_TIMEOUT_S, PATIENCE, ROOT
from tests.e2e.processes import Program, free_port, wait_for
from tests.e2e.viewer import PATIENCE_S, Viewer

USERNAME, PASSWORD = "kim", "correct horse battery"
TEXT = "return document.body.innerText"
#: A desktop to which the configuration entitles nobody.
CONFIGURATION = """
port = {port}
state = "{state}"
patience = {patience}
[isolation]
enabled = false
[[desktops]]
name = "office"
title = "Front office"
profile = "office"
size = "640x480"
on_removal = "{on_removal}"
removal_minutes = 5
"""


class Server:
    """`lightbox serve` without isolation, and commands for it."""

    def __init__(self, folder: Path, log: Path) -> None:
        self.config = folder / "lightbox.toml"
        self.port = free_port()
        self.state = folder / "state"
        self.configure("warning")
        self.environment = {name: value for name, value in os.environ.items() if name != "LIGHTBOX_STATE"}
        self.command("account", "add", USERNAME, stdin=f"{PASSWORD}\n")
        self.program = Program(
            [*COMMAND, "serve", "--json", "--config", str(self.config)],
            log=log,
            env=self.environment,
            stdout=subprocess.PIPE,
            cwd=ROOT,
        )
        line = self.program.stdout.readline()
        assert line, self.program.log_tail()
        self.url = json.loads(line)["url"].rstrip("/")

    def configure(self, on_removal: str) -> None:
        text = CONFIGURATION.format(
            port=self.port, state=self.state, patience=PATIENCE, on_removal=on_removal
        )
        self.config.write_text(text)
        self.config.chmod(0o600)

    def command(self, *arguments: str, stdin: str = "") -> str:
        done = subprocess.run(
            [*COMMAND, *arguments, "--config", str(self.config)],
            input=stdin,
            env=self.environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=COMMAND_TIMEOUT_S,
            check=False,
        )
        assert done.returncode == 0, f"lightbox {' '.join(arguments)}: {done.stderr}"
        return done.stdout


@pytest.fixture
def server(out: Path) -> Iterator[Server]:
    with tempfile.TemporaryDirectory(prefix="lb") as folder:
        running = Server(Path(folder), out / "entitlements.log")
        yield running
        running.program.stop()


def wait_for_text(viewer: Viewer, *parts: str) -> None:
    wait_for(
        lambda: all(part in viewer.browser.evaluate(TEXT) for part in parts),
        timeout_s=PATIENCE_S,
        what=lambda: f"{parts}; {viewer.situation()}",
    )


def test_a_removed_entitlement_ends_the_desktop_and_the_page_says_so(
    server: Server, chromium: Chromium, out: Path
) -> None:
    add = ("entitlements", "add", "office", "--user", USERNAME)
    remove = ("entitlements", "remove", "office", "--user", USERNAME, "--json")
    server.command(*add)
    viewer = Viewer(chromium, server.url)
    viewer.browser.open(viewer.url + "/")
    viewer.browser.evaluate("localStorage.setItem('lightbox.language', 'en')")
    viewer.sign_in(USERNAME, PASSWORD)

    viewer.open_desktop("office")
    assert json.loads(server.command(*remove)) == {"ended": 0, "warned": 1, "until_sign_out": 0}
    wait_for_text(viewer, "“Front office” will be closed in 5 min.", "Save your work now.")
    assert viewer.connection() == "connected", "the person goes on until then"
    viewer.wait_exact()
    viewer.browser.screenshot(out / "entitlement-warning.png")
    server.configure("at-once")
    server.command("reload")
    wait_for_text(viewer, "This desktop was closed", "ask your administrator for access")
    wait_for(
        lambda: "will be closed" not in viewer.browser.evaluate(TEXT),
        timeout_s=PATIENCE_S,
        what=viewer.situation,
    )
    viewer.browser.screenshot(out / "entitlement-ended.png")
    assert_nothing_listed(viewer)

    server.command(*add)
    viewer.show_list()
    viewer.open_desktop("office")
    assert json.loads(server.command(*remove)) == {"ended": 1, "warned": 0, "until_sign_out": 0}
    wait_for_text(viewer, "This desktop was closed", "ask your administrator for access")
    assert_nothing_listed(viewer)


def assert_nothing_listed(viewer: Viewer) -> None:
    """Goes to the list, which has no desktop, and no message about one."""
    viewer.browser.open(viewer.url + "/")
    wait_for_text(viewer, "No desktop is assigned to you.")
    assert viewer.desktops() == []
    assert "will be closed" not in viewer.browser.evaluate(TEXT)
