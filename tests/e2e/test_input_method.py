"""Hangul by the desktop's own input method, and text that the client types without it."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from jeepney.bus_messages import message_bus
from jeepney.io.blocking import Proxy, open_dbus_connection
from numpy.typing import NDArray

from display_server.desktop.input_method.mode_indicator import FILE_NAME
from tests.e2e.browsers import hangul
from tests.e2e.browsers.chromium import Chromium
from tests.e2e.processes import Program, wait_for
from tests.e2e.viewer import PATIENCE_S, Viewer
from tests.e2e.x_desktop.display import Window, XDisplay
from tests.e2e.x_desktop.probe import Probe
from tests.e2e.x_desktop.programs import environment_of, process_on

WINDOW_TITLE = "Lightbox candidates"
#: Largest distance of the candidate window from the caret, px.
CARET_DISTANCE_PX = 60


@pytest.fixture
def programs(display: XDisplay) -> dict[str, str]:
    """The environment of the desktop's programs, once its input method and candidate window are ready."""
    environment = environment_of(process_on(display, "openbox"))
    wait_for(
        lambda: run(environment, "ibus", "engine") == "hangul",
        timeout_s=PATIENCE_S,
        what="the desktop's input method",
    )
    wait_for_panel(environment)
    return environment


def run(environment: dict[str, str], *command: str) -> str:
    """Runs a command and returns its output."""
    answer = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    return answer.stdout.strip()


def wait_for_panel(environment: dict[str, str]) -> None:
    """Waits until the candidate window's program is registered with ibus."""
    with open_dbus_connection(run(environment, "ibus", "address")) as bus:
        names = Proxy(message_bus, bus)
        wait_for(
            lambda: names.NameHasOwner("org.freedesktop.IBus.Panel")[0],
            timeout_s=PATIENCE_S,
            what="the candidate window's program",
        )


@pytest.fixture
def probe(display: XDisplay, tmp_path: Path, programs: dict[str, str]) -> Iterator[Probe]:
    """The probe as a program of the desktop, with its input method."""
    running = Probe(display, tmp_path, x=640, y=380, environment=programs)
    yield running
    running.stop()


def chromium_of(viewer: Viewer) -> Chromium:
    assert isinstance(viewer.browser, Chromium)
    return viewer.browser


def korean_key(viewer: Viewer, name: str, code: str) -> None:
    """Presses 한/영 or 한자 of a Korean keyboard, for which Playwright has no names."""
    browser = chromium_of(viewer)
    for kind in ("rawKeyDown", "keyUp"):
        event = {"type": kind, "key": name, "code": code}
        browser.run(lambda event=event: browser.cdp.send("Input.dispatchKeyEvent", event))  # type: ignore[misc]


def switch_to_hangul(viewer: Viewer, probe: Probe) -> None:
    """Focuses the probe's entry and switches to Hangul with 한/영."""
    viewer.open_desktop("radiology")
    viewer.click(probe.entry)
    korean_key(viewer, "HangulMode", "Lang1")


def switch_to_latin(viewer: Viewer, probe: Probe) -> None:
    """Switches back with 한/영 and checks it: otherwise the next window would start with Hangul."""
    before = probe.text()
    korean_key(viewer, "HangulMode", "Lang1")
    viewer.browser.type("a")
    probe.wait_for_text(before + "a")


def test_desktop_has_the_input_method(chromium_viewer: Viewer, programs: dict[str, str]) -> None:
    assert {name: programs.get(name) for name in ("GTK_IM_MODULE", "QT_IM_MODULE", "XMODIFIERS")} == {
        "GTK_IM_MODULE": "ibus",
        "QT_IM_MODULE": "ibus",
        "XMODIFIERS": "@im=ibus",
    }


def test_types_hangul_by_both_input_methods_into_a_gtk_entry(chromium_viewer: Viewer, probe: Probe) -> None:
    chromium_viewer.open_desktop("radiology")
    chromium_viewer.click(probe.entry)
    chromium_viewer.browser.type("CT (1): é")
    chromium_viewer.browser.compose("한글")
    probe.wait_for_text("CT (1): é한글")
    korean_key(chromium_viewer, "HangulMode", "Lang1")
    chromium_viewer.browser.type(hangul.keys("입력"))
    korean_key(chromium_viewer, "HangulMode", "Lang1")
    probe.wait_for_text("CT (1): é한글입력")
    chromium_viewer.browser.compose("값")
    chromium_viewer.browser.type(" ok")
    probe.wait_for_text("CT (1): é한글입력값 ok")


def test_text_of_the_client_arrives_while_the_desktop_composes(chromium_viewer: Viewer, probe: Probe) -> None:
    switch_to_hangul(chromium_viewer, probe)
    chromium_viewer.browser.type(hangul.keys("나"))
    chromium_viewer.browser.compose("한글")
    probe.wait_for_text("나한글")
    switch_to_latin(chromium_viewer, probe)


#: The height of the desktop's panel, px.
PANEL_PX = 40


def mode_shown(programs: dict[str, str]) -> str:
    """Returns what the panel's indicator shows."""
    lines = (Path(programs["XDG_RUNTIME_DIR"]) / FILE_NAME).read_text().splitlines()
    return lines[-1] if lines else ""


def wait_for_mode(programs: dict[str, str], mode: str) -> None:
    wait_for(
        lambda: mode_shown(programs) == mode,
        timeout_s=PATIENCE_S,
        what=lambda: f"the mode {mode}; it is {mode_shown(programs)!r}",
    )


def find_indicator(viewer: Viewer, display: XDisplay, programs: dict[str, str]) -> tuple[int, int]:
    """Returns the middle of what changes on the panel when 한/영 is pressed, desktop px."""

    def panel_after_key(mode: str, before: NDArray[np.uint8]) -> NDArray[np.uint8]:
        korean_key(viewer, "HangulMode", "Lang1")
        wait_for_mode(programs, mode)
        found = [before]

        def redrawn() -> bool:
            found[0] = display.pixels()[-PANEL_PX:]
            return bool((found[0] != before).any())

        wait_for(redrawn, timeout_s=PATIENCE_S, what=f"a panel that shows {mode}")
        return found[0]

    def changed() -> tuple[int, int] | None:
        """Returns the place; None if the clock of the panel changed instead."""
        latin = display.pixels()[-PANEL_PX:]
        hangul_shown = panel_after_key("한", latin)
        latin_again = panel_after_key("EN", hangul_shown)
        rows, columns = np.nonzero((latin != hangul_shown).any(axis=2) & (latin == latin_again).all(axis=2))
        if not rows.size:
            return None
        return int(np.median(columns)), display.size()[1] - PANEL_PX + int(np.median(rows))

    place = wait_for(changed, timeout_s=PATIENCE_S, what="the indicator")
    assert place is not None
    return place


def test_a_click_on_the_panels_indicator_switches_the_mode(
    chromium_viewer: Viewer, probe: Probe, display: XDisplay, programs: dict[str, str], out: Path
) -> None:
    """The entry keeps the focus."""
    viewer = chromium_viewer
    viewer.open_desktop("radiology")
    viewer.click(probe.entry)
    viewer.browser.type("CT ")
    probe.wait_for_text("CT ")
    wait_for_mode(programs, "EN")
    indicator = find_indicator(viewer, display, programs)
    viewer.click(indicator)
    wait_for_mode(programs, "한")
    viewer.wait_exact()
    viewer.browser.screenshot(out / "input-mode-hangul.png")
    viewer.browser.type(hangul.keys("입력"))
    viewer.click(indicator)
    wait_for_mode(programs, "EN")
    viewer.browser.type("a")
    probe.wait_for_text("CT 입력a")


#: Where the preview of composed text is, CSS px on the page: left, top and bottom; null while it is hidden.
PREVIEW = """
const shown = document.querySelector('.composing');
const { left, top, bottom } = shown.getBoundingClientRect();
return shown.hidden || shown.dataset.at !== 'caret' ? null : [left, top, bottom];
"""


def test_text_that_the_device_composes_is_shown_at_the_desktops_caret(
    chromium_viewer: Viewer, probe: Probe, out: Path
) -> None:
    chromium_viewer.open_desktop("radiology")
    chromium_viewer.click(probe.entry)
    browser = chromium_of(chromium_viewer)
    places = []
    for number in (1, 2):
        browser.type("wide text ")
        probe.wait_for_text("wide text " * number)
        composition = {"text": "하", "selectionStart": 1, "selectionEnd": 1}
        browser.run(lambda: browser.cdp.send("Input.imeSetComposition", composition))  # noqa: B023
        places.append(
            wait_for(lambda: browser.evaluate(PREVIEW), timeout_s=PATIENCE_S, what="a preview at the caret")
        )
        browser.screenshot(out / f"composition-{number}.png")
        empty = {"text": "", "selectionStart": 0, "selectionEnd": 0}
        browser.run(lambda: browser.cdp.send("Input.imeSetComposition", empty))  # noqa: B023
    (left, top, bottom), (later, _, _) = places
    entry_x, entry_y = chromium_viewer.on_page(probe.entry)
    corner_x, _ = chromium_viewer.on_page((probe.x, probe.y))
    assert corner_x < left < later < corner_x + 400
    assert top < entry_y < bottom, f"{entry_x} {entry_y} {places}"


def candidate_window(display: XDisplay) -> Window | None:
    return next((window for window in display.popups() if window.title == WINDOW_TITLE), None)


def open_hanja_candidates(viewer: Viewer, display: XDisplay, syllable: str) -> Window:
    """Types a syllable and presses 한자. Returns the candidate window."""
    viewer.browser.type(hangul.keys(syllable))
    korean_key(viewer, "HanjaMode", "Lang2")
    shown: Window = wait_for(
        lambda: candidate_window(display), timeout_s=PATIENCE_S, what="the candidate window"
    )
    return shown


def pixels_of(window: Window) -> tuple[slice, slice]:
    """Returns the index of a window's pixels on the screen."""
    return np.s_[window.y : window.y + window.height, window.x : window.x + window.width]


def wait_until_closed(display: XDisplay) -> None:
    wait_for(
        lambda: candidate_window(display) is None, timeout_s=PATIENCE_S, what="the candidate window to close"
    )


def test_chooses_hanja_by_number(chromium_viewer: Viewer, probe: Probe, display: XDisplay, out: Path) -> None:
    """한자 opens the candidate window at the caret, which the viewer shows; a number chooses a candidate."""
    switch_to_hangul(chromium_viewer, probe)
    candidates = open_hanja_candidates(chromium_viewer, display, "한")
    assert abs(candidates.x - probe.x) < CARET_DISTANCE_PX, f"{candidates}"
    assert probe.y < candidates.y < probe.entry[1] + CARET_DISTANCE_PX, f"{candidates}"
    chromium_viewer.assert_equal(display, out, "hanja")
    chromium_viewer.browser.screenshot(out / "hanja.png")
    place = pixels_of(candidates)
    listed = display.pixels()[place]
    chromium_viewer.browser.tap("ArrowDown")
    wait_for(lambda: (display.pixels()[place] != listed).any(), timeout_s=PATIENCE_S, what="the next row")
    chromium_viewer.browser.tap("2")
    probe.wait_for_text("漢")
    wait_until_closed(display)
    switch_to_latin(chromium_viewer, probe)


def test_chooses_hanja_by_click(chromium_viewer: Viewer, probe: Probe, display: XDisplay) -> None:
    """The right half of the footer opens the next page, then its first candidate is clicked.

    The entry keeps the focus.
    """
    switch_to_hangul(chromium_viewer, probe)
    candidates = open_hanja_candidates(chromium_viewer, display, "한")
    place = pixels_of(candidates)
    first_page = display.pixels()[place]
    chromium_viewer.click((candidates.x + candidates.width * 3 // 4, candidates.y + candidates.height - 14))

    def turned() -> bool:
        """Returns whether another page is shown whose first row is selected."""
        now = display.pixels()[place]
        return bool((now[5, 5] == first_page[5, 5]).all() and (now != first_page).any())

    wait_for(
        turned,
        timeout_s=PATIENCE_S,
        what=lambda: f"the next page; {candidates}, now {candidate_window(display)}",
    )
    chromium_viewer.click((candidates.x + 20, candidates.y + 15))
    probe.wait_for_text("邯")
    wait_until_closed(display)
    switch_to_latin(chromium_viewer, probe)


def test_escape_closes_the_candidate_window(chromium_viewer: Viewer, probe: Probe, display: XDisplay) -> None:
    """Uses 흘, which forms no word with 한: ibus may take it for the text before the 한 of the next test."""
    switch_to_hangul(chromium_viewer, probe)
    open_hanja_candidates(chromium_viewer, display, "흘")
    chromium_viewer.browser.tap("Escape")
    wait_until_closed(display)
    chromium_viewer.browser.tap("Enter")  # completes the syllable
    probe.wait_for_text("흘")
    switch_to_latin(chromium_viewer, probe)


def test_typing_continues_when_the_candidate_window_is_killed(
    chromium_viewer: Viewer, probe: Probe, display: XDisplay, programs: dict[str, str]
) -> None:
    """Keys still work after its program was killed, and the candidate window opens again."""
    switch_to_hangul(chromium_viewer, probe)
    open_hanja_candidates(chromium_viewer, display, "한")
    os.kill(int(process_on(display, "display_server.desktop.input_method").name), signal.SIGKILL)
    wait_until_closed(display)
    chromium_viewer.browser.tap("2")
    probe.wait_for_text("漢")
    chromium_viewer.browser.type(hangul.keys("자") + " ")
    probe.wait_for_text("漢자 ")
    wait_for_panel(programs)
    open_hanja_candidates(chromium_viewer, display, "자")
    chromium_viewer.browser.tap("1")
    probe.wait_for_text("漢자 子")
    wait_until_closed(display)
    switch_to_latin(chromium_viewer, probe)


def test_types_hangul_into_a_plain_x_program(
    chromium_viewer: Viewer, display: XDisplay, tmp_path: Path, programs: dict[str, str]
) -> None:
    """xterm uses X's own input method protocol (XIM).

    The test waits for each text before it presses the next key, because Xlib reverses two answers of the
    input method that arrive at once.
    """
    chromium_viewer.open_desktop("radiology")
    written = tmp_path / "written"
    written.touch()
    program = Program(
        ["xterm", "-geometry", "60x10+40+60", "-e", "sh", "-c", f"stty -icanon; exec cat > {written}"],
        log=tmp_path / "xterm.log",
        env=programs,
    )

    def wait_for_written(text: str) -> None:
        wait_for(
            lambda: written.read_text() == text,
            timeout_s=PATIENCE_S,
            what=lambda: f"{text!r}; there is {written.read_text()!r}",
        )

    try:
        window = wait_for(
            lambda: next((w for w in display.windows() if w.title == "sh"), None),
            timeout_s=PATIENCE_S,
            what="xterm",
        )
        chromium_viewer.click((window.x + 100, window.y + 60))
        chromium_viewer.browser.type("Plain (X) = ")
        chromium_viewer.browser.compose("한글")
        wait_for_written("Plain (X) = 한글")
        korean_key(chromium_viewer, "HangulMode", "Lang1")
        chromium_viewer.browser.type(hangul.keys("입력"))
        korean_key(chromium_viewer, "HangulMode", "Lang1")
        wait_for_written("Plain (X) = 한글입력")
        chromium_viewer.browser.tap("Enter")
        wait_for_written("Plain (X) = 한글입력\n")
    finally:
        program.stop()
