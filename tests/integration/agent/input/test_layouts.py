"""Shortcuts and characters on X servers with other layouts, and with Caps Lock or Num Lock on."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator, Iterator

import pytest
import xcffib.xtest

from display_server.agent.input import keysyms
from display_server.agent.input.xtest import XtestInput
from tests.fakes.x_server import XServer, x_server
from tests.integration.agent.input.test_xtest import Window, until

SHIFT_MASK, LOCK_MASK, CONTROL_MASK, ALT_MASK, NUM_LOCK_MASK, SUPER_MASK = 1, 2, 4, 8, 16, 64
S, KP_HOME, HOME = ord("s"), 0xFF95, 0xFF50
MODIFIER_MASKS = {
    keysyms.SHIFT_L: SHIFT_MASK,
    keysyms.SHIFT_R: SHIFT_MASK,
    keysyms.CONTROL_L: CONTROL_MASK,
    keysyms.CONTROL_R: CONTROL_MASK,
    keysyms.ALT_L: ALT_MASK,
    keysyms.ALT_R: ALT_MASK,
    keysyms.SUPER_L: SUPER_MASK,
    keysyms.SUPER_R: SUPER_MASK,
}
#: What ibus-hangul, GNOME and others set; the first is that of the profiles `office` and `radiology`.
LAYOUTS = (
    ("kr", "-model", "pc105", "-variant", "kr104"),
    ("de",),
    ("fr",),
    ("fr", "-variant", "bepo"),
    ("ch",),
    ("ru",),
    ("us,ru", "-option", "grp:alt_shift_toggle"),
    ("jp",),
    ("br",),
    ("us", "-option", "ctrl:nocaps"),
    ("us", "-option", "ctrl:swap_lalt_lctl"),
    ("us", "-option", "altwin:swap_alt_win"),
)


@pytest.fixture
def server() -> Iterator[XServer]:
    with x_server(320, 200, "-nocursor", "-r") as running:
        yield running


@pytest.fixture
def window(server: XServer) -> Iterator[Window]:
    made = Window(server)
    yield made
    made.x.disconnect()


@pytest.fixture
async def device(server: XServer) -> AsyncIterator[XtestInput]:
    made = XtestInput(server.display, None)
    await made.open()
    yield made
    await made.close()


def set_layout(server: XServer, *layout: str) -> None:
    subprocess.run(["setxkbmap", *layout], env=server.environment, check=True)


def presses(window: Window) -> list[tuple[int, int]]:
    return [(event[1], event[2]) for event in window.events if event[0] == "press"]


def lock(server: XServer, keysym: int) -> None:
    """Presses and releases a lock key, as the person at the attached display does."""
    x = server.connect()
    setup = x.get_setup()
    count = setup.max_keycode - setup.min_keycode + 1
    answer = x.core.GetKeyboardMapping(setup.min_keycode, count).reply()
    keycode = setup.min_keycode + list(answer.keysyms).index(keysym) // answer.keysyms_per_keycode
    for kind in (2, 3):
        x(xcffib.xtest.key).FakeInput(kind, keycode, 0, 0, 0, 0, 0)
    x.core.GetInputFocus().reply()
    x.disconnect()


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: "-".join(layout).replace("--", "-"))
async def test_every_modifier_makes_a_shortcut(
    server: XServer, device: XtestInput, window: Window, layout: tuple[str, ...]
) -> None:
    set_layout(server, *layout)
    sink = device.open_session()
    for keysym, mask in MODIFIER_MASKS.items():
        window.events.clear()
        letter = ord("S") if mask == SHIFT_MASK else S
        sink.key(keysym, "modifier", down=True)
        sink.key(letter, "letter", down=True)
        sink.key(letter, "letter", down=False)
        sink.key(keysym, "modifier", down=False)
        await until(window, lambda letter=letter: letter in [event[0] for event in presses(window)])  # type: ignore[misc]
        assert presses(window)[-1][1] & 0xFF == mask, hex(keysym)
        await until(window, lambda: window.pressed() == ([], 0))


async def test_left_and_right_twin_on_one_key_hold_it_until_both_are_released(
    server: XServer, device: XtestInput, window: Window
) -> None:
    set_layout(server, *LAYOUTS[0])
    sink = device.open_session()
    sink.key(keysyms.CONTROL_L, "ControlLeft", down=True)
    sink.key(keysyms.CONTROL_R, "ControlRight", down=True)
    sink.key(keysyms.CONTROL_L, "ControlLeft", down=False)
    sink.key(S, "KeyS", down=True)
    await until(window, lambda: (S, CONTROL_MASK) in presses(window))
    assert sum(event[0] == "release" for event in window.events) == 0
    sink.release()
    await until(window, lambda: window.pressed() == ([], 0))


async def test_a_shortcut_is_dropped_if_the_display_lacks_its_modifier(
    server: XServer, device: XtestInput, window: Window
) -> None:
    """The viewer is notified once per modifier, for left and right together."""
    clear = ["xmodmap", "-e", "clear mod4"]
    await asyncio.to_thread(subprocess.run, clear, env=server.environment, check=True)
    sink = device.open_session()
    announced: list[None] = []
    sink.on_modifier_missing = lambda: announced.append(None)
    for keysym in (keysyms.SUPER_L, keysyms.SUPER_L, keysyms.SUPER_R):
        sink.key(keysym, "Meta", down=True)
        sink.key(S, "KeyS", down=True)
        sink.key(S, "KeyS", down=False)
        sink.key(keysym, "Meta", down=False)
    sink.key(ord("z"), "KeyZ", down=True)
    sink.key(ord("z"), "KeyZ", down=False)
    await until(window, lambda: bool(presses(window)))
    assert presses(window) == [(ord("z"), 0)]
    assert len(announced) == 1


async def test_without_a_shift_key_characters_are_typed_and_commands_dropped(
    server: XServer, device: XtestInput, window: Window
) -> None:
    clear = ["xmodmap", "-e", "clear shift"]
    await asyncio.to_thread(subprocess.run, clear, env=server.environment, check=True)
    sink = device.open_session()
    announced: list[None] = []
    sink.on_modifier_missing = lambda: announced.append(None)
    sink.key(keysyms.SHIFT_L, "ShiftLeft", down=True)
    sink.key(ord("A"), "KeyA", down=True)
    sink.key(ord("A"), "KeyA", down=False)
    sink.key(HOME, "Home", down=True)  # would move instead of select
    sink.key(HOME, "Home", down=False)
    sink.key(keysyms.CONTROL_L, "ControlLeft", down=True)
    sink.key(ord("Z"), "KeyZ", down=True)  # would undo instead of redo
    sink.key(ord("Z"), "KeyZ", down=False)
    sink.key(keysyms.CONTROL_L, "ControlLeft", down=False)
    sink.key(keysyms.SHIFT_L, "ShiftLeft", down=False)
    sink.key(S, "KeyS", down=True)
    sink.key(S, "KeyS", down=False)
    await until(window, lambda: (S, 0) in presses(window))
    assert [keysym for keysym, _ in presses(window) if keysym < 0x100 or keysym == HOME] == [ord("A"), S]
    assert len(announced) == 1


@pytest.mark.parametrize("layout", [("us",), ("ch",), ("fr",), LAYOUTS[0]], ids=["us", "ch", "fr", "kr104"])
async def test_caps_lock_on_the_desktop_changes_nothing(
    server: XServer, device: XtestInput, window: Window, layout: tuple[str, ...]
) -> None:
    set_layout(server, *layout)
    lock(server, keysyms.CAPS_LOCK)
    sink = device.open_session()
    assert window.pressed()[1] & LOCK_MASK
    sink.key(keysyms.CONTROL_L, "ControlLeft", down=True)
    sink.key(S, "KeyS", down=True)
    sink.key(S, "KeyS", down=False)
    sink.key(keysyms.CONTROL_L, "ControlLeft", down=False)
    await until(window, lambda: (S, CONTROL_MASK) in presses(window))
    window.events.clear()
    for character in "aAüé1":
        sink.key(ord(character), "key", down=True)
        sink.key(ord(character), "key", down=False)
    sink.text("bBü")
    await until(window, lambda: len([k for k, _ in presses(window) if k < 0x100]) >= 8)
    typed = [(chr(k), state) for k, state in presses(window) if k < 0x100]
    assert "".join(character for character, _ in typed) == "aAüé1bBü"
    assert not any(state & LOCK_MASK for _, state in typed)
    # The person at the attached display finds the lock as it was.
    await until(window, lambda: window.pressed() == ([], LOCK_MASK))


async def test_num_lock_on_the_desktop_does_not_turn_navigation_into_digits(
    server: XServer, device: XtestInput, window: Window
) -> None:
    lock(server, keysyms.NUM_LOCK)
    sink = device.open_session()
    assert window.pressed()[1] & NUM_LOCK_MASK
    window.read_events()
    window.events.clear()
    for keysym in (KP_HOME, HOME):
        sink.key(keysym, "key", down=True)
        sink.key(keysym, "key", down=False)
    sink.key(keysyms.CONTROL_L, "ControlLeft", down=True)
    sink.key(S, "KeyS", down=True)
    await until(window, lambda: S in [event[0] for event in presses(window)])
    # The first keysym of a keypad key is navigation; with Num Lock, programs would take the second.
    assert presses(window)[0] == (KP_HOME, 0)
    assert presses(window)[1] == (HOME, NUM_LOCK_MASK)
    assert presses(window)[-1][1] & ~NUM_LOCK_MASK == CONTROL_MASK
    assert window.pressed()[1] & NUM_LOCK_MASK
