"""What would disturb others has a Lightbox of its own: guessed passwords, dead X servers, the end of all."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from display_server.protocol.close_codes import CloseCode
from tests.e2e.browsers.chromium import Chromium
from tests.e2e.conftest import DESKTOP_PX
from tests.e2e.gateway_client import GatewayClient
from tests.e2e.lightbox import Lightbox
from tests.e2e.processes import wait_for
from tests.e2e.viewer import PATIENCE_S, Viewer

TICKET_LIFE_S = 30
#: More wrong passwords in a row than any patient person enters.
GUESSES = 25
END_TIMEOUT_S = 20.0


@pytest.fixture
def blank(out: Path, request: pytest.FixtureRequest) -> Iterator[Lightbox]:
    """A demo with an empty desktop."""
    log = out / f"lightbox-{request.node.name}.log"
    log.write_bytes(b"")
    running = Lightbox(log, profile="blank", width_px=DESKTOP_PX[0], height_px=DESKTOP_PX[1])
    yield running
    running.stop()


def assert_gone(family: list[psutil.Process]) -> None:
    _, alive = psutil.wait_procs(family, timeout=END_TIMEOUT_S)
    assert [process.name() for process in alive] == []


def test_one_line_then_sigterm_leaves_nothing(blank: Lightbox) -> None:
    session = blank.session()
    family = blank.program.family()
    folder = session.xauthority.parent
    assert folder.is_dir()
    assert folder.stat().st_mode & 0o077 == 0, "others can see into the desktop's folder"
    assert {session.x_server_pid, session.agent_pid} <= {process.pid for process in family}
    blank.program.terminate()
    assert blank.program.wait(END_TIMEOUT_S) == 0
    assert blank.rest_of_output() == b"", "more than one line on standard output"
    assert_gone(family)
    assert not folder.exists()
    assert not folder.parent.parent.exists(), "the run folder stays"


def test_sigkill_leaves_no_process(blank: Lightbox) -> None:
    """The keeper notices that its door is gone."""
    blank.session()
    family = blank.program.family()
    os.kill(blank.program.pid, signal.SIGKILL)
    blank.program.wait(END_TIMEOUT_S)
    assert_gone(family)


def test_guessing_is_slowed_down(blank: Lightbox) -> None:
    client = GatewayClient(blank.url)
    answers = [client.sign_in(blank.username, f"guess{number}") for number in range(GUESSES)]
    assert answers[0].status_code == 401
    assert answers[-1].status_code == 429
    assert int(answers[-1].headers["retry-after"]) > 0
    assert answers[-1].json()["message"]
    right = client.sign_in(blank.username, blank.password)
    client.close()
    assert right.status_code == 429, "the right password walks around the limit"


def test_ticket_expires(blank: Lightbox) -> None:
    """Waits out a ticket's life; it is short."""
    client = GatewayClient(blank.url)
    client.sign_in(blank.username, blank.password)
    ticket = client.viewer("blank")["ticket"]
    time.sleep(TICKET_LIFE_S + 1)
    assert client.refusal(ticket) == CloseCode.TICKET_REJECTED
    client.close()


def test_dead_x_server_is_said_and_replaced(blank: Lightbox, chromium: Chromium) -> None:
    viewer = Viewer(chromium, blank.url)
    viewer.sign_in(blank.username, blank.password)
    viewer.open_desktop("blank")
    before = blank.session()
    viewer.watch_connection()
    os.kill(before.x_server_pid, signal.SIGKILL)
    wait_for(
        lambda: (
            viewer.connection() == "ended" or "/desktop/" not in chromium.evaluate("return location.href")
        ),
        timeout_s=PATIENCE_S,
        what=lambda: f"the page says that the desktop ended; seen {viewer.connections()}",
    )
    assert viewer.badge() != "exact"

    def listed_as_ended() -> bool:
        listed = chromium.evaluate("return await (await fetch('/api/v1/desktops')).json()")
        return all(entry["state"] != "ready" for entry in listed)

    wait_for(listed_as_ended, timeout_s=PATIENCE_S, what="the list says so as well")
    viewer.open_desktop("blank")
    after = blank.session()
    assert after.id != before.id


def test_opening_in_the_instant_of_its_end_brings_a_new_one(blank: Lightbox, chromium: Chromium) -> None:
    viewer = Viewer(chromium, blank.url)
    viewer.sign_in(blank.username, blank.password)
    before = blank.session()
    os.kill(before.x_server_pid, signal.SIGKILL)
    chromium.open(f"{blank.url}/desktop/blank")
    viewer.watch_connection()
    viewer.wait_exact()
    assert "ended" not in viewer.connections()
    assert blank.session().id != before.id
