"""A person types on an isolated desktop while the server is killed and started again."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.browsers.chromium import Chromium
from tests.e2e.conftest import DESKTOP_PX, PROBE_AT, signed_in
from tests.e2e.lightbox import Lightbox
from tests.e2e.processes import wait_for
from tests.e2e.viewer import PATIENCE_S
from tests.e2e.x_desktop.probe import Probe

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="isolation needs root")


@pytest.fixture
def isolated(out: Path) -> Iterator[Lightbox]:
    settings = {"LIGHTBOX_ISOLATION_ENABLED": "true"}
    with Lightbox(
        out / "lightbox-isolated-life.log",
        profile="blank",
        width_px=DESKTOP_PX[0],
        height_px=DESKTOP_PX[1],
        settings=settings,
    ) as running:
        yield running


def test_typing_goes_on_in_the_same_program_after_the_server_was_killed(
    chromium: Chromium, isolated: Lightbox, tmp_path: Path, out: Path
) -> None:
    viewer = signed_in(chromium, isolated)
    viewer.open_desktop("blank")
    session, display = isolated.session(), isolated.display()
    probe = Probe(display, tmp_path, x=PROBE_AT[0], y=PROBE_AT[1])
    try:
        viewer.click(probe.entry)
        viewer.browser.type("before the kill, ")
        probe.wait_for_text("before the kill, ")
        viewer.watch_connection()

        isolated.kill()
        wait_for(lambda: viewer.connection() != "connected", timeout_s=PATIENCE_S, what="the lost connection")
        assert probe.text() == "before the kill, "
        isolated.start_again()

        viewer.wait_exact()
        viewer.assert_equal(display, out, "isolated-life")
        again = isolated.session()
        assert (again.id, again.x_server_pid, again.agent_pid) == (
            session.id,
            session.x_server_pid,
            session.agent_pid,
        )
        viewer.browser.type("and after it")
        probe.wait_for_text("before the kill, and after it")
    finally:
        probe.stop()
        display.close()
