"""The desktops of a demo with isolation, used by a person in a browser."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.browsers.chromium import Chromium
from tests.e2e.conftest import DESKTOP_PX, signed_in
from tests.e2e.lightbox import Lightbox
from tests.e2e.processes import wait_for
from tests.e2e.viewer import PATIENCE_S, Viewer
from tests.e2e.x_desktop.display import XDisplay

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="isolation needs root")
#: Where a click focuses the terminal of the office desktop, in fractions of the screen.
TERMINAL_AT = (0.8, 0.75)


@pytest.fixture(scope="module", params=["radiology", "office"])
def isolated(request: pytest.FixtureRequest, out: Path) -> Iterator[Lightbox]:
    with Lightbox(
        out / f"lightbox-isolated-{request.param}.log",
        profile=request.param,
        width_px=DESKTOP_PX[0],
        height_px=DESKTOP_PX[1],
        settings={"LIGHTBOX_ISOLATION_ENABLED": "true"},
    ) as running:
        yield running


@pytest.fixture
def viewer(chromium: Chromium, isolated: Lightbox) -> Viewer:
    viewer = signed_in(chromium, isolated)
    viewer.open_desktop(isolated.profile)
    viewer.wait_exact()
    return viewer


def test_the_desktop_is_exact_and_its_programs_run(viewer: Viewer, isolated: Lightbox, out: Path) -> None:
    display = isolated.display()
    wait_for(lambda: len(display.windows()) >= 2, timeout_s=PATIENCE_S, what="windows of programs")
    viewer.assert_equal(display, out, f"isolated-{isolated.profile}")
    viewer.browser.screenshot(out / f"isolated-{isolated.profile}.png")


def test_a_killed_agent_is_replaced(viewer: Viewer, isolated: Lightbox, out: Path) -> None:
    session = isolated.session()
    viewer.watch_connection()
    os.kill(session.agent_pid, signal.SIGKILL)
    wait_for(
        lambda: isolated.session().agent_pid != session.agent_pid,
        timeout_s=PATIENCE_S,
        what="another agent",
    )
    viewer.wait_exact()
    assert isolated.session().x_server_pid == session.x_server_pid
    viewer.assert_equal(isolated.display(), out, "isolated-agent")


@pytest.mark.parametrize("isolated", ["office"], indirect=True)
def test_hangul_of_the_desktops_input_method_reaches_a_program(viewer: Viewer, isolated: Lightbox) -> None:
    display = isolated.display()
    wait_for(lambda: terminal_of(display), timeout_s=PATIENCE_S, what="the terminal")
    viewer.click((int(DESKTOP_PX[0] * TERMINAL_AT[0]), int(DESKTOP_PX[1] * TERMINAL_AT[1])))
    browser = viewer.browser
    assert isinstance(browser, Chromium)
    home = isolated.state_folder / "homes" / isolated.username / "office"

    browser.type("echo ")
    korean_key(browser)
    browser.type("gksrmf")
    korean_key(browser)
    browser.type(" > typed")
    browser.tap("Enter")
    file = home / "typed"
    wait_for(lambda: file.exists() and file.read_text(), timeout_s=PATIENCE_S, what="the file")
    assert file.read_text() == "한글\n"


def terminal_of(display: XDisplay) -> bool:
    return any("LXTerminal" in window.title for window in display.windows())


def korean_key(browser: Chromium) -> None:
    """Presses 한/영, for which Playwright has no name."""
    for kind in ("rawKeyDown", "keyUp"):
        event = {"type": kind, "key": "HangulMode", "code": "Lang1"}
        browser.run(lambda event=event: browser.cdp.send("Input.dispatchKeyEvent", event))  # type: ignore[misc]
