"""Hangul by the desktop's own input method, and text that the client types past it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.browsers import hangul
from tests.e2e.browsers.chromium import Chromium
from tests.e2e.desktop_side.display import XDisplay
from tests.e2e.desktop_side.probe import Probe
from tests.e2e.processes import Program, wait_for
from tests.e2e.viewer import Viewer


@pytest.fixture
def programs(display: XDisplay) -> dict[str, str]:
    """The environment of the desktop's own programs, once they can type Hangul."""
    environment = environment_of(display, "openbox")

    def engine() -> str:
        asked = subprocess.run(
            ["ibus", "engine"], env=environment, capture_output=True, text=True, timeout=10, check=False
        )
        return asked.stdout.strip()

    wait_for(lambda: engine() == "hangul", timeout_s=30, what="the desktop's input method")
    return environment


def environment_of(display: XDisplay, name: str) -> dict[str, str]:
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "comm").read_text().strip() != name:
                continue
            pairs = [line.partition("=") for line in (process / "environ").read_text().split("\0")]
        except (OSError, UnicodeDecodeError):
            continue  # it ended meanwhile, or is another user's
        found = {name: value for name, _, value in pairs if name}
        if found.get("DISPLAY") == display.name:
            return found
    raise AssertionError(f"no {name} on {display.name}")


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
    chromium_viewer.open_desktop("radiology")
    chromium_viewer.click(probe.entry)
    korean_key(chromium_viewer, "HangulMode", "Lang1")
    chromium_viewer.browser.type(hangul.keys("나"))
    chromium_viewer.browser.compose("한글")
    probe.wait_for_text("나한글")
    back_to_latin(chromium_viewer, probe)


def test_hanja(chromium_viewer: Viewer, probe: Probe) -> None:
    chromium_viewer.open_desktop("radiology")
    chromium_viewer.click(probe.entry)
    korean_key(chromium_viewer, "HangulMode", "Lang1")
    chromium_viewer.browser.type(hangul.keys("한"))
    korean_key(chromium_viewer, "HanjaMode", "Lang2")
    chromium_viewer.browser.tap("Enter")
    chosen = wait_for(probe.text, timeout_s=10, what="a character")
    back_to_latin(chromium_viewer, probe)
    assert "一" <= chosen <= "鿿", f"{chosen!r} is no Hanja"


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
