"""Hangul by the desktop's own input method, and text that the client types past it."""

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

from tests.e2e.browsers import hangul
from tests.e2e.browsers.chromium import Chromium
from tests.e2e.x_desktop.display import Window, XDisplay
from tests.e2e.x_desktop.probe import Probe
from tests.e2e.processes import Program, wait_for
from tests.e2e.viewer import Viewer

LIST_TITLE = "Lightbox candidates"
#: The list begins so near to the caret, px.
CARET_PX = 60


@pytest.fixture
def programs(display: XDisplay) -> dict[str, str]:
    """The environment of the desktop's own programs, once they can type Hangul and see a list of Hanja."""
    environment = environment_of(process_on(display, "openbox"))
    wait_for(
        lambda: asked(environment, "ibus", "engine") == "hangul",
        timeout_s=30,
        what="the desktop's input method",
    )
    wait_for_panel(environment)
    return environment


def asked(environment: dict[str, str], *command: str) -> str:
    answer = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=10, check=False)
    return answer.stdout.strip()


def wait_for_panel(environment: dict[str, str]) -> None:
    """The list's program is there for ibus, which would otherwise tell nobody of its candidates."""
    with open_dbus_connection(asked(environment, "ibus", "address")) as bus:
        names = Proxy(message_bus, bus)
        wait_for(
            lambda: names.NameHasOwner("org.freedesktop.IBus.Panel")[0],
            timeout_s=30,
            what="the list's program",
        )


def process_on(display: XDisplay, name: str) -> Path:
    """A program of the desktop, by a part of its command; its folder in /proc."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_text().split("\0")
            environment = environment_of(process)
        except (OSError, UnicodeDecodeError):
            continue  # it ended meanwhile, or is another user's
        wanted = display.environment  # the authority too: numbers are used again
        here = all(environment.get(part) == wanted.get(part) for part in ("DISPLAY", "XAUTHORITY"))
        if here and name in command:
            return process
    raise AssertionError(f"no {name} on {display.name}")


def environment_of(process: Path) -> dict[str, str]:
    pairs = [line.partition("=") for line in (process / "environ").read_text().split("\0")]
    return {name: value for name, _, value in pairs if name}


@pytest.fixture
def probe(display: XDisplay, tmp_path: Path, programs: dict[str, str]) -> Iterator[Probe]:
    """The probe as one of the desktop's own programs, with its input method."""
    running = Probe(display, tmp_path, x=640, y=380, environment=programs)
    yield running
    running.stop()


def chromium_of(viewer: Viewer) -> Chromium:
    assert isinstance(viewer.browser, Chromium)
    return viewer.browser


def korean_key(viewer: Viewer, name: str, code: str) -> None:
    """한/영 or 한자 of a Korean keyboard, which automation has no name for."""
    browser = chromium_of(viewer)
    for kind in ("rawKeyDown", "keyUp"):
        event = {"type": kind, "key": name, "code": code}
        browser.run(lambda event=event: browser.cdp.send("Input.dispatchKeyEvent", event))  # type: ignore[misc]


def write_hangul(viewer: Viewer, probe: Probe) -> None:
    """In the probe's entry, by 한/영."""
    viewer.open_desktop("radiology")
    viewer.click(probe.entry)
    korean_key(viewer, "HangulMode", "Lang1")


def back_to_latin(viewer: Viewer, probe: Probe) -> None:
    """한/영 again, seen to have arrived: a window that ends before it leaves the next one with Hangul."""
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


def test_both_ways_of_hangul_in_a_gtk_entry(chromium_viewer: Viewer, probe: Probe) -> None:
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


def test_text_of_the_client_passes_while_the_desktop_composes(chromium_viewer: Viewer, probe: Probe) -> None:
    write_hangul(chromium_viewer, probe)
    chromium_viewer.browser.type(hangul.keys("나"))
    chromium_viewer.browser.compose("한글")
    probe.wait_for_text("나한글")
    back_to_latin(chromium_viewer, probe)


def shown_list(display: XDisplay) -> Window | None:
    return next((window for window in display.popups() if window.title == LIST_TITLE), None)


def ask_for_hanja(viewer: Viewer, display: XDisplay, syllable: str) -> Window:
    """Types it in Hangul and presses 한자."""
    viewer.browser.type(hangul.keys(syllable))
    korean_key(viewer, "HanjaMode", "Lang2")
    shown: Window = wait_for(lambda: shown_list(display), timeout_s=10, what="the list of Hanja")
    return shown


def place_of(window: Window) -> tuple[slice, slice]:
    """Of the screen's pixels, those of a window."""
    return np.s_[window.y : window.y + window.height, window.x : window.x + window.width]


def wait_until_closed(display: XDisplay) -> None:
    wait_for(lambda: shown_list(display) is None, timeout_s=10, what="the list's end")


def test_hanja_by_number(chromium_viewer: Viewer, probe: Probe, display: XDisplay, out: Path) -> None:
    """한자 shows the list at the caret, on the viewer's screen as well; a number chooses from it."""
    write_hangul(chromium_viewer, probe)
    candidates = ask_for_hanja(chromium_viewer, display, "한")
    assert abs(candidates.x - probe.x) < CARET_PX, f"{candidates}"
    assert probe.y < candidates.y < probe.entry[1] + CARET_PX, f"{candidates}"
    chromium_viewer.assert_equal(display, out, "hanja")
    chromium_viewer.browser.screenshot(out / "hanja.png")
    place = place_of(candidates)
    listed = display.pixels()[place]
    chromium_viewer.browser.tap("ArrowDown")
    wait_for(lambda: (display.pixels()[place] != listed).any(), timeout_s=10, what="the next row")
    chromium_viewer.browser.tap("2")
    probe.wait_for_text("漢")
    wait_until_closed(display)
    back_to_latin(chromium_viewer, probe)


def test_hanja_by_a_click(chromium_viewer: Viewer, probe: Probe, display: XDisplay) -> None:
    """On the foot's right half for the next page, then on its first. The entry keeps the focus."""
    write_hangul(chromium_viewer, probe)
    candidates = ask_for_hanja(chromium_viewer, display, "한")
    place = place_of(candidates)
    first_page = display.pixels()[place]
    chromium_viewer.click((candidates.x + candidates.width * 3 // 4, candidates.y + candidates.height - 14))

    def turned() -> bool:
        """Another page, whose first row is current as it was on the first page."""
        now = display.pixels()[place]
        return bool((now[5, 5] == first_page[5, 5]).all() and (now != first_page).any())

    wait_for(turned, timeout_s=10, what=lambda: f"the next page; {candidates}, now {shown_list(display)}")
    chromium_viewer.click((candidates.x + 20, candidates.y + 15))
    probe.wait_for_text("邯")
    wait_until_closed(display)
    back_to_latin(chromium_viewer, probe)


def test_escape_closes_the_list(chromium_viewer: Viewer, probe: Probe, display: XDisplay) -> None:
    """Of 흘, which begins no word with 한: ibus may take it for what stands before the next test's 한."""
    write_hangul(chromium_viewer, probe)
    ask_for_hanja(chromium_viewer, display, "흘")
    chromium_viewer.browser.tap("Escape")
    wait_until_closed(display)
    chromium_viewer.browser.tap("Enter")  # ends the syllable
    probe.wait_for_text("흘")
    back_to_latin(chromium_viewer, probe)


def test_typing_goes_on_without_the_list(
    chromium_viewer: Viewer, probe: Probe, display: XDisplay, programs: dict[str, str]
) -> None:
    """Its program is killed while it shows the list: keys work on, and the list comes again."""
    write_hangul(chromium_viewer, probe)
    ask_for_hanja(chromium_viewer, display, "한")
    os.kill(int(process_on(display, "display_server.desktop.input_method").name), signal.SIGKILL)
    wait_until_closed(display)
    chromium_viewer.browser.tap("2")
    probe.wait_for_text("漢")
    chromium_viewer.browser.type(hangul.keys("자") + " ")
    probe.wait_for_text("漢자 ")
    wait_for_panel(programs)
    ask_for_hanja(chromium_viewer, display, "자")
    chromium_viewer.browser.tap("1")
    probe.wait_for_text("漢자 子")
    wait_until_closed(display)
    back_to_latin(chromium_viewer, probe)


def test_plain_x_program(
    chromium_viewer: Viewer, display: XDisplay, tmp_path: Path, programs: dict[str, str]
) -> None:
    """xterm asks by X's own protocol for input methods. Each text is waited for before the key that must come
    after it: Xlib turns two answers of the input method around when it finds both at once.
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
            timeout_s=10,
            what=lambda: f"{text!r}; there is {written.read_text()!r}",
        )

    try:
        window = wait_for(
            lambda: next((w for w in display.windows() if w.title == "sh"), None), timeout_s=20, what="xterm"
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
