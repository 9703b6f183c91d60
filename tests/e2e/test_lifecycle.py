"""Start, failures and end of a Lightbox. No other tests use it, because these would disturb them."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.e2e.browsers.chromium import Chromium
from tests.e2e.conftest import DESKTOP_PX
from tests.e2e.lightbox import Lightbox
from tests.e2e.processes import wait_for
from tests.e2e.viewer import PATIENCE_S, Viewer

#: How long Lightbox may take to end, s.
END_TIMEOUT_S = 90.0


def blank_demo(log: Path) -> Lightbox:
    """Starts a demo with an empty desktop."""
    return Lightbox(log, profile="blank", width_px=DESKTOP_PX[0], height_px=DESKTOP_PX[1])


@pytest.fixture
def blank(out: Path, request: pytest.FixtureRequest) -> Iterator[Lightbox]:
    """For a test that ends the demo."""
    with blank_demo(out / f"lightbox-{request.node.name}.log") as running:
        yield running


@pytest.fixture(scope="module")
def surviving(out: Path) -> Iterator[Lightbox]:
    """For tests that end no more than the desktop."""
    with blank_demo(out / "lightbox-surviving.log") as running:
        yield running


def assert_gone(family: list[psutil.Process]) -> None:
    _, alive = psutil.wait_procs(family, timeout=END_TIMEOUT_S)
    assert [process.name() for process in alive] == []


def test_prints_one_line_and_leaves_nothing_after_sigterm(blank: Lightbox) -> None:
    session = blank.session()
    family = blank.program.family()
    folder = session.xauthority.parent
    assert folder.is_dir()
    assert folder.stat().st_mode & 0o077 == 0, "other users must not see the desktop's folder"
    assert {session.x_server_pid, session.agent_pid} <= {process.pid for process in family}
    blank.program.terminate()
    assert blank.program.wait(END_TIMEOUT_S) == 0
    assert blank.rest_of_output() == b"", "more than one line on standard output"
    assert_gone(family)
    assert not folder.exists()
    assert not folder.parent.parent.exists(), "the run folder must be removed"


def test_leaves_no_process_after_sigkill(blank: Lightbox) -> None:
    """The supervisor notices that the gateway has ended."""
    blank.session()
    family = blank.program.family()
    os.kill(blank.program.pid, signal.SIGKILL)
    blank.program.wait(END_TIMEOUT_S)
    assert_gone(family)


def test_reports_and_replaces_a_desktop_whose_x_server_died(surviving: Lightbox, chromium: Chromium) -> None:
    viewer = Viewer(chromium, surviving.url)
    viewer.sign_in(surviving.username, surviving.password)
    viewer.open_desktop("blank")
    before = surviving.session()
    viewer.watch_connection()
    os.kill(before.x_server_pid, signal.SIGKILL)
    wait_for(
        lambda: (
            viewer.connection() == "ended" or "/desktop/" not in chromium.evaluate("return location.href")
        ),
        timeout_s=PATIENCE_S,
        what=lambda: f"the page to report the end; states were {viewer.connections()}",
    )
    assert viewer.badge() != "exact"
    text = chromium.evaluate("return document.body.innerText")
    assert "This desktop has ended" in text
    assert "Open it again from the list of desktops." in text
    assert "xcb" not in text

    def listed_as_ended() -> bool:
        listed = chromium.evaluate("return await (await fetch('/api/v1/desktops')).json()")
        return all(entry["state"] != "ready" for entry in listed)

    wait_for(listed_as_ended, timeout_s=PATIENCE_S, what="the list to report the end")
    viewer.open_desktop("blank")
    after = surviving.session()
    assert after.id != before.id


def test_opening_a_desktop_while_it_ends_starts_a_new_one(surviving: Lightbox, chromium: Chromium) -> None:
    viewer = Viewer(chromium, surviving.url)
    viewer.sign_in(surviving.username, surviving.password)
    before = surviving.session()
    os.kill(before.x_server_pid, signal.SIGKILL)
    chromium.open(f"{surviving.url}/desktop/blank")
    viewer.watch_connection()
    viewer.wait_exact()
    assert "ended" not in viewer.connections()
    assert surviving.session().id != before.id
