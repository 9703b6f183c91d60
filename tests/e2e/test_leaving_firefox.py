"""Firefox's own question before a tab with a desktop is closed.

WebKitGTK is left out: its driver ended when the question was open. Chromium's question is in test_toolbar.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.browsers.firefox import Firefox
from tests.e2e.conftest import PAGE_PX, signed_in
from tests.e2e.lightbox import Lightbox
from tests.e2e.processes import wait_for
from tests.e2e.viewer import PATIENCE_S
from tests.e2e.x_desktop.probe import Probe

#: Those of the other tests let every page be left without a question.
PREFERENCES = {"dom.disable_beforeunload": False}


@pytest.fixture
def firefox(out: Path) -> Iterator[Firefox]:
    width_px, height_px = PAGE_PX
    running = Firefox(
        out, width_px=width_px, height_px=height_px, input_method=False, preferences=PREFERENCES
    )
    yield running
    running.close()


def test_firefox_asks_before_a_tab_with_a_desktop_is_closed(
    firefox: Firefox, lightbox: Lightbox, probe: Probe
) -> None:
    viewer = signed_in(firefox, lightbox)
    viewer.open_desktop("radiology")
    viewer.click(probe.area)  # browsers ask only people who used the page
    probe.wait_for(lambda events: [e for e in events if e["kind"] == "button-up"], "the end of the click")
    assert firefox.prompts() == []
    firefox.key_down("Control")
    firefox.tap("w")
    firefox.key_up("Control")
    wait_for(firefox.prompts, timeout_s=PATIENCE_S, what="a question")
    assert firefox.prompts() == ["beforeunload"]
    firefox.answer_prompt(accept=False)
    viewer.wait_exact()
    assert firefox.evaluate("return location.pathname") == "/desktop/radiology"
    # The list of desktops is left without a question.
    firefox.evaluate("document.querySelector('.tools [data-tool=desktops]').click()")
    viewer.wait_for_element('a[href^="/desktop/"]')
    viewer.show_list()
    assert firefox.prompts() == ["beforeunload"]
