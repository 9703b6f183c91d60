"""Real keys of other people's keyboards, from an X server of the browser's own to a program on the desktop.

The rule (PROTOCOL.md §2): a character is typed as its keysym; a shortcut is the modifiers that the person
holds plus the key that they mean; Caps Lock and Num Lock change neither. The browsers run without an input
method, as on most Linux desktops, so that they compose dead keys themselves.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.browsers.chromium_on_x import ChromiumOnX
from tests.e2e.browsers.firefox import Firefox
from tests.e2e.browsers.webkit import WebKit
from tests.e2e.browsers.x_browser import XBrowser
from tests.e2e.browsers.x_keyboard import XKeyboard
from tests.e2e.conftest import PAGE_PX, PROBE_AT, signed_in
from tests.e2e.lightbox import Lightbox
from tests.e2e.processes import wait_for
from tests.e2e.viewer import PATIENCE_S
from tests.e2e.x_desktop.probe import Event, Probe

ENGINES: dict[str, type[ChromiumOnX] | type[Firefox] | type[WebKit]] = {
    "chromium": ChromiumOnX,
    "firefox": Firefox,
    "webkit": WebKit,
}
SHIFT, CONTROL, ALT, SUPER = 1, 4, 8, 64
MODIFIERS = SHIFT | CONTROL | ALT | SUPER
#: How long a test waits for keys to arrive, s. It is no expectation: a busy host may need long.
WAIT_S = 30.0
#: A barcode scanner sends a key each millisecond.
SCANNER_INTERVAL_S = 0.001
BARCODE = "PID-0042/7731-AB"


@dataclass
class Keyboard:
    """The keyboard of one browser, and the program on the desktop that receives it."""

    browser: XBrowser
    keys: XKeyboard
    probe: Probe

    def shortcuts(self, *chords: str) -> list[tuple[str, int]]:
        """Presses chords and returns the keys that the program received, by name, with their modifiers."""
        self.probe.reset()
        self.keys.sequence(chords)
        wait_for(
            lambda: len(self.pressed()) >= len(chords),
            timeout_s=WAIT_S,
            what=lambda: f"{len(chords)} keys, has {self.pressed()}",
        )
        return self.pressed()

    def pressed(self) -> list[tuple[str, int]]:
        downs: list[Event] = self.probe.events("key-down")
        return [(e["name"], e["state"] & MODIFIERS) for e in downs if not is_modifier(e["keyval"])]

    def types(self, chords: tuple[str, ...], text: str) -> None:
        self.probe.reset()
        self.keys.sequence(chords)
        self.probe.wait_for_text(text, WAIT_S)


@pytest.fixture(scope="module", params=list(ENGINES))
def typist(request: pytest.FixtureRequest, out: Path, lightbox: Lightbox) -> Iterator[Keyboard]:
    browser = ENGINES[request.param](out, width_px=PAGE_PX[0], height_px=PAGE_PX[1], input_method=False)
    with keyboard_of(browser, lightbox, out / f"keyboard-{request.param}") as keyboard:
        yield keyboard


@contextmanager
def keyboard_of(browser: XBrowser, lightbox: Lightbox, folder: Path) -> Iterator[Keyboard]:
    """Opens a desktop with a program that has the focus. Closes the browser at the end."""
    with ExitStack() as stack:
        stack.callback(browser.close)
        folder.mkdir(exist_ok=True)
        viewer = signed_in(browser, lightbox)
        viewer.browser.open(f"{lightbox.url}/desktop/radiology")
        wait_for(lambda: viewer.connection() == "connected", timeout_s=PATIENCE_S, what=viewer.situation)
        viewer.wait_for_badge("exact", "unverified")
        if viewer.badge() == "unverified":  # Firefox alters readings, and the explanation covers the program
            viewer.click_element(".popover button")
        display = lightbox.display()
        stack.callback(display.close)
        probe = Probe(display, folder, x=PROBE_AT[0], y=PROBE_AT[1])
        stack.callback(probe.stop)
        keys = XKeyboard(browser.display)
        stack.callback(keys.close)
        viewer.click(probe.entry)
        probe.wait_for(lambda events: [e for e in events if e["kind"] == "focus"], "the focus")
        yield Keyboard(browser, keys, probe)


@dataclass(frozen=True, slots=True)
class Layout:
    """A layout, the places of its keys C, A, Z and F, and what some keys type."""

    name: str
    setxkbmap: tuple[str, ...]
    c: str = "KeyC"
    a: str = "KeyA"
    z: str = "KeyZ"
    f: str = "KeyF"
    types: tuple[str, ...] = ()
    text: str = ""


#: What engines treat differently: AltGr, dead keys, a third level, letters that Latin shortcuts lack.
LAYOUTS = (
    Layout("us", ("us",), types=("KeyA", "ShiftLeft+KeyA", "ShiftRight+Digit2", "Slash"), text="aA@/"),
    Layout(
        "de",
        ("de",),
        z="KeyY",
        types=("KeyZ", "Semicolon", "Minus", "AltRight+KeyQ", "AltRight+KeyE", "Backquote", "KeyA"),
        text="yöß@€â",
    ),
    Layout(
        "fr", ("fr",), a="KeyQ", z="KeyW", types=("KeyQ", "Digit2", "ShiftLeft+Digit2", "KeyA"), text="aé2q"
    ),
    Layout("tr-q", ("tr",), types=("KeyI", "Quote", "ShiftLeft+Quote", "Semicolon"), text="ıiİş"),
    Layout(
        "neo",
        ("de", "-variant", "neo"),
        c="KeyR",
        a="KeyD",
        z="KeyB",
        f="KeyO",
        types=("KeyX", "CapsLock+KeyD", "CapsLock+KeyF"),  # Neo's third level is on the key of Caps Lock
        text="ö{}",
    ),
    Layout("ru", ("ru",), types=("KeyF", "ShiftLeft+KeyF", "Slash", "ShiftLeft+Digit3"), text="аА.№"),
    Layout(
        "us-intl",
        ("us", "-variant", "intl"),
        types=("Quote", "KeyE", "ShiftLeft+Quote", "KeyU", "Quote", "Space"),
        text="éü'",
    ),
)
FURTHER_LAYOUTS = (
    Layout("kr", ("kr",), types=("KeyA", "Digit1"), text="a1"),
    Layout(
        "ch",
        ("ch",),
        z="KeyY",
        types=("BracketLeft", "Equal", "KeyE", "AltRight+Digit2", "ShiftLeft+BracketLeft"),
        text="üê@è",
    ),
    Layout(
        "bepo",
        ("fr", "-variant", "bepo"),
        c="KeyH",
        a="KeyA",
        z="BracketLeft",
        f="Slash",
        types=("KeyA", "KeyW", "KeyH"),
        text="aéc",
    ),
    Layout("dvorak", ("us", "-variant", "dvorak"), c="KeyI", z="Slash", f="KeyY", types=("KeyS",), text="o"),
    Layout(
        "tr-f",
        ("tr", "-variant", "f"),
        c="KeyV",
        a="KeyF",
        z="KeyN",
        f="KeyQ",
        types=("KeyF", "KeyR", "KeyS"),
        text="aıi",
    ),
    Layout("gr", ("gr",), types=("KeyA", "ShiftLeft+KeyA", "Semicolon", "KeyA"), text="αΑά"),
    Layout("il", ("il",), types=("KeyA", "KeyT"), text="שא"),
    Layout("ara", ("ara",), types=("KeyA", "KeyH"), text="شا"),
    Layout("th", ("th",), types=("KeyA", "KeyD"), text="ฟก"),
    Layout("jp", ("jp",), types=("KeyA", "ShiftLeft+Digit2", "BracketLeft"), text='a"@'),
    Layout("jp-kana", ("jp", "-variant", "kana"), types=("KeyA", "KeyK"), text="チノ"),
    Layout(
        "es",
        ("es",),
        types=("Semicolon", "Quote", "KeyE", "BracketLeft", "KeyA", "AltRight+Digit2"),
        text="ñéà@",
    ),
)


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.name)
def test_layout_types_its_characters_and_makes_its_shortcuts(typist: Keyboard, layout: Layout) -> None:
    check_layout(typist, layout)


@pytest.mark.engines_alike
@pytest.mark.parametrize("layout", FURTHER_LAYOUTS, ids=lambda layout: layout.name)
def test_further_layout_types_its_characters_and_makes_its_shortcuts(
    typist: Keyboard, layout: Layout
) -> None:
    check_layout(typist, layout)


def check_layout(typist: Keyboard, layout: Layout) -> None:
    """Presses shortcuts, then keys that type characters, and asserts what the program received."""
    typist.keys.set_layout(*layout.setxkbmap)
    received = typist.shortcuts(
        f"ControlLeft+{layout.c}",
        f"ControlRight+{layout.a}",
        f"ControlLeft+{layout.z}",
        f"ControlLeft+ShiftLeft+{layout.z}",
        f"AltLeft+{layout.f}",
    )
    assert received == [
        ("c", CONTROL),
        ("a", CONTROL),
        ("z", CONTROL),
        ("Z", CONTROL | SHIFT),
        ("f", ALT),
    ]
    assert typist.probe.text() == ""
    typist.types(layout.types, layout.text)


def test_compose_sequence_types_its_character(typist: Keyboard) -> None:
    typist.keys.set_layout("us", "-option", "compose:menu")
    typist.types(("ContextMenu", "Quote", "KeyE", "KeyX", "ContextMenu", "KeyS", "KeyS", "KeyY"), "éxßy")


def test_caps_lock_on_the_device_changes_characters_but_no_shortcut(typist: Keyboard) -> None:
    typist.keys.set_layout("us")
    typist.keys.chord("CapsLock")
    try:
        shortcuts = ("ControlLeft+KeyS", "ControlLeft+ShiftLeft+KeyZ", "AltLeft+KeyF")
        assert typist.shortcuts(*shortcuts) == [("s", CONTROL), ("Z", CONTROL | SHIFT), ("f", ALT)]
        typist.types(("KeyA", "ShiftLeft+KeyB", "Digit1"), "Ab1")
    finally:
        typist.keys.chord("CapsLock")


def test_num_lock_on_the_device_selects_the_keypads_digits_and_changes_no_shortcut(typist: Keyboard) -> None:
    typist.keys.set_layout("us")
    assert typist.shortcuts("Numpad7") == [("KP_Home", 0)]
    typist.keys.chord("NumLock")
    try:
        shortcuts = ("ControlLeft+KeyS", "ControlLeft+ShiftLeft+KeyZ", "AltLeft+KeyF", "Home")
        names = [("s", CONTROL), ("Z", CONTROL | SHIFT), ("f", ALT), ("Home", 0)]
        assert typist.shortcuts(*shortcuts) == names
        typist.types(("Numpad7", "KeyA", "ShiftLeft+KeyB"), "7aB")
    finally:
        typist.keys.chord("NumLock")


@pytest.mark.parametrize("device_locked", [False, True], ids=["desktop", "both"])
def test_locks_of_the_desktop_change_nothing(typist: Keyboard, device_locked: bool) -> None:
    typist.keys.set_layout("us")
    desktop = XKeyboard(typist.probe.display.name, typist.probe.display)
    locked = [desktop, *([typist.keys] if device_locked else [])]
    try:
        for keyboard in locked:
            for lock in ("CapsLock", "NumLock"):
                keyboard.chord(lock)
        shortcuts = ("ControlLeft+KeyS", "ControlLeft+ShiftLeft+KeyZ", "Numpad7", "Home")
        keypad = "KP_7" if device_locked else "KP_Home"
        names = [("s", CONTROL), ("Z", CONTROL | SHIFT), (keypad, 0), ("Home", 0)]
        assert typist.shortcuts(*shortcuts)[-4:] == names
        # Caps Lock on the device selects the other case, as on any keyboard.
        typist.types(("KeyA", "ShiftLeft+KeyB", "Digit1"), "Ab1" if device_locked else "aB1")
    finally:
        for keyboard in locked:
            for lock in ("CapsLock", "NumLock"):
                keyboard.chord(lock)
        desktop.close()


@pytest.mark.parametrize(
    ("option", "chords", "names"),
    [
        ("ctrl:swap_lalt_lctl", ("AltLeft+KeyC", "ControlLeft+KeyF"), [("c", CONTROL), ("f", ALT)]),
        ("altwin:swap_lalt_lwin", ("AltLeft+KeyC", "MetaLeft+KeyF"), [("c", SUPER), ("f", ALT)]),
        ("ctrl:nocaps", ("CapsLock+KeyC",), [("c", CONTROL)]),
        ("altwin:menu", ("ShiftLeft+AltLeft+KeyF", "AltLeft+ShiftLeft+KeyF"), [("F", ALT | SHIFT)] * 2),
    ],
)
def test_modifiers_go_by_what_they_mean(
    typist: Keyboard, option: str, chords: tuple[str, ...], names: list[tuple[str, int]]
) -> None:
    typist.keys.set_layout("us", "-option", option)
    assert typist.shortcuts(*chords) == names


def test_barcode_scanner_types_every_character_in_order(typist: Keyboard) -> None:
    typist.keys.set_layout("us")
    typist.probe.reset()
    typist.keys.sequence([scanned(character) for character in BARCODE], interval_s=SCANNER_INTERVAL_S)
    typist.keys.chord("Enter", interval_s=SCANNER_INTERVAL_S)
    typist.probe.wait_for(
        lambda events: any(e["kind"] == "key-down" and e["name"] == "Return" for e in events), "Enter"
    )
    assert typist.probe.text() == BARCODE


def test_firefox_that_hides_modifiers_makes_shortcuts(out: Path, lightbox: Lightbox) -> None:
    """When it resists fingerprinting, Firefox reports no press of Shift, Control and Alt.

    Alt is hidden in the events of other keys as well, so that its shortcuts do nothing; they must not type.
    """
    settings = {"privacy.resistFingerprinting": True}
    width_px, height_px = PAGE_PX
    browser = Firefox(out, width_px=width_px, height_px=height_px, input_method=False, preferences=settings)
    with keyboard_of(browser, lightbox, out / "keyboard-hidden-modifiers") as typist:
        typist.keys.set_layout("us")
        shortcuts = ("ControlLeft+KeyA", "ControlLeft+ShiftLeft+KeyZ")
        assert typist.shortcuts(*shortcuts) == [("a", CONTROL), ("Z", CONTROL | SHIFT)]
        typist.types(("KeyA", "ShiftLeft+KeyB", "Digit1"), "aB1")
        typist.probe.reset()
        typist.keys.chord("AltLeft+KeyY")  # no menu of Firefox has this letter
        typist.keys.sequence(("KeyB", "KeyC"))
        typist.probe.wait_for_text("bc")


def scanned(character: str) -> str:
    """Returns the key of a US keyboard that types a character of a barcode."""
    if character.isdigit():
        return f"Digit{character}"
    return f"ShiftLeft+Key{character}" if character.isalpha() else {"-": "Minus", "/": "Slash"}[character]


def is_modifier(keyval: int) -> bool:
    return 0xFFE1 <= keyval <= 0xFFEE or 0xFE01 <= keyval <= 0xFE13 or keyval == 0xFF7F
