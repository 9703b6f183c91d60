"""A server whose desktops are fakes, for tests of signing in, and a browser with passkeys in software."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from display_server.broker.second_factor import totp
from tests.e2e.browsers.chromium import SERVERS, Chromium
from tests.e2e.lightbox import ROOT
from tests.e2e.processes import Program

CONFIGURATION = """
host = "127.0.0.1"
port = 0
state = "{state}"
[sign_in]
second_factor = "always"
inside_networks = ["127.0.0.0/8"]
second_factor_at_unlock = true
[isolation]
enabled = false
trust_everybody = true
[[desktops]]
name = "reading"
title = "Reading room"
profile = "radiology"
users = ["*"]
"""


@contextmanager
def sign_in_server(folder: Path, more: str = "") -> Iterator[str]:
    """Runs the server, and yields its address with the name `localhost`: passkeys need a name.

    `more` are further tables of its configuration.
    """
    configuration = folder / "lightbox.toml"
    configuration.write_text(CONFIGURATION.format(state=folder / "state") + more)
    configuration.chmod(0o600)
    log = folder / "server.log"
    command = [sys.executable, "-m", "tests.fakes.serve_program", str(configuration)]
    program = Program(command, log=log, stdout=subprocess.PIPE, cwd=ROOT)
    try:
        line = program.stdout.readline()
        assert line, program.log_tail()
        url: str = json.loads(line)["url"]
        yield url.rstrip("/").replace("127.0.0.1", "localhost")
    finally:
        program.stop()


class NamedHostChromium(Chromium):
    """Reaches this host by the name `localhost`, too."""

    process_flags = (
        "--host-resolver-rules="
        + ", ".join(["MAP * ~NOTFOUND", *(f"EXCLUDE {host}" for host in (*SERVERS, "localhost"))]),
    )

    def add_authenticator(self) -> str:
        """Plugs in an authenticator that always confirms, and returns its name."""
        options = {
            "protocol": "ctap2",
            "transport": "internal",
            "hasResidentKey": True,
            "hasUserVerification": True,
            "isUserVerified": True,
            "automaticPresenceSimulation": True,
        }

        def add() -> dict[str, Any]:
            self.cdp.send("WebAuthn.enable")
            added: dict[str, Any] = self.cdp.send("WebAuthn.addVirtualAuthenticator", {"options": options})
            return added

        name: str = self.run(add)["authenticatorId"]
        return name

    def remove_authenticator(self, name: str) -> None:
        self.run(lambda: self.cdp.send("WebAuthn.removeVirtualAuthenticator", {"authenticatorId": name}))


def give_password(page: Page, url: str, username: str, password: str) -> None:
    """Signs out, and types name and password on the sign-in page."""
    page.goto(f"{url}/")
    page.evaluate("fetch('/api/v1/sign-out', { method: 'POST' })")
    page.goto(f"{url}/")
    page.fill("input[name=username]", username)
    page.fill("input[name=password]", password)
    page.click("button[type=submit]")


def set_up_app(page: Page) -> bytes:
    """Chooses the app on the page that leads through the setup, gives its first code, and returns its secret.

    The page then shows the recovery codes.
    """
    page.click(".factor-choice >> nth=0")
    page.click("summary")
    shown = page.inner_text(".app-secret").replace(" ", "")
    secret = base64.b32decode(shown)
    page.fill("#app-code", totp.code_at(secret, totp.step_of(time.time())))
    page.wait_for_selector(".recovery-codes .codes")
    return secret


def next_code(secret: bytes) -> str:
    """Returns the code of the next step, which the server accepts already: the present one may be used."""
    return totp.code_at(secret, totp.step_of(time.time()) + 1)
