"""Input into an X server of its own, seen by an independent client."""

from __future__ import annotations

import asyncio
import signal
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import xcffib.xproto

from display_server.agent.input.input_sink import InputSink
from display_server.agent.input.xtest import XtestInput
from display_server.errors import Malfunction
from display_server.supervisor.xauthority import write_xauthority
from tests.fakes.x_server import XServer, x_server

PATIENCE_S = 10.0
SHIFT_L, CONTROL_L, ALT_L, CAPS_LOCK, RETURN = 0xFFE1, 0xFFE3, 0xFFE9, 0xFFE5, 0xFF0D
HANGUL_HAN = 0x0100D55C
SHIFT_MASK, CONTROL_MASK, ALT_MASK = 1, 4, 8


class Window:
    """A window over the whole screen that writes down what it is given, as ("press", keysym, state) …"""

    def __init__(self, server: XServer) -> None:
        self.x = server.connect()
        self.events: list[tuple[Any, ...]] = []
        setup = self.x.get_setup()
        self._first, count = setup.min_keycode, setup.max_keycode - setup.min_keycode + 1
        screen = setup.roots[0]
        self.root = screen.root
        window = self.x.generate_id()
        mask = xcffib.xproto.EventMask
        wanted = mask.KeyPress | mask.KeyRelease | mask.ButtonPress | mask.ButtonRelease | mask.PointerMotion
        core = self.x.core
        core.CreateWindow(0, window, self.root, 0, 0, 320, 200, 0, 1, 0, xcffib.xproto.CW.EventMask, [wanted])
        core.MapWindow(window)
        core.SetInputFocus(0, window, 0)
        core.GetInputFocus().reply()
        self._count = count

    def pump(self) -> None:
        self.x.core.GetInputFocus().reply()
        while event := self.x.poll_for_event():
            match event:
                case xcffib.xproto.KeyReleaseEvent():  # KeyPressEvent's sibling; motion and buttons follow
                    self.events.append(("release", self._keysym(event), event.state))
                case xcffib.xproto.KeyPressEvent():
                    self.events.append(("press", self._keysym(event), event.state))
                case xcffib.xproto.ButtonReleaseEvent():
                    self.events.append(("button up", event.detail, event.event_x, event.event_y))
                case xcffib.xproto.ButtonPressEvent():
                    self.events.append(("button down", event.detail, event.event_x, event.event_y))
                case xcffib.xproto.MotionNotifyEvent():
                    self.events.append(("motion", event.event_x, event.event_y))

    def held(self) -> tuple[list[int], int]:
        """Keys that are down, and the mask of modifiers and buttons."""
        keys = bytes(self.x.core.QueryKeymap().reply().keys)
        down = [code for code in range(8, 256) if keys[code >> 3] >> (code & 7) & 1]
        return down, self.x.core.QueryPointer(self.root).reply().mask

    def _keysym(self, event: Any) -> int:
        """As a plain X program finds it: group 1, level by Shift."""
        row = self.x.core.GetKeyboardMapping(event.detail, 1).reply().keysyms
        return int(row[1] if event.state & SHIFT_MASK and row[1] else row[0])


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


@pytest.fixture
def hands(device: XtestInput, window: Window) -> InputSink:
    return device.holder()


async def until(window: Window, done: Callable[[], bool]) -> None:
    for _ in range(int(PATIENCE_S / 0.005)):
        window.pump()
        if done():
            return
        await asyncio.sleep(0.005)
    raise AssertionError(f"waited in vain; seen: {window.events[-20:]}")


def keys_of(window: Window) -> list[tuple[Any, ...]]:
    return [event for event in window.events if event[0] in ("press", "release")]


async def test_pointer_moves_then_presses(hands: InputSink, window: Window) -> None:
    hands.pointer(30, 40, 0)
    hands.pointer(50, 60, 1)
    hands.pointer(70, 80, 1 | 4)
    hands.pointer(70, 80, 0)
    hands.pointer(70, 80, 8 | 16 | 2)
    hands.pointer(70, 80, 0)
    await until(window, lambda: ("button up", 9, 70, 80) in window.events)
    assert list(dict.fromkeys(window.events)) == [  # a button's change says again where the pointer is
        ("motion", 30, 40),
        ("motion", 50, 60),
        ("button down", 1, 50, 60),
        ("motion", 70, 80),
        ("button down", 3, 70, 80),
        ("button up", 1, 70, 80),
        ("button up", 3, 70, 80),
        ("button down", 2, 70, 80),
        ("button down", 8, 70, 80),
        ("button down", 9, 70, 80),
        ("button up", 2, 70, 80),
        ("button up", 8, 70, 80),
        ("button up", 9, 70, 80),
    ]


async def test_wheel_collects_fractions(hands: InputSink, window: Window) -> None:
    hands.pointer(50, 50, 0)
    for _ in range(3):
        hands.wheel(0, 40)
    hands.wheel(0, 60)
    hands.wheel(0, -120)  # turning back starts anew
    hands.wheel(-240, 0)
    hands.wheel(130, 0)
    hands.wheel(0, 12000)
    await until(window, lambda: sum(e[0] == "button up" for e in window.events) >= 105)
    turns = [event[1] for event in window.events if event[0] == "button down"]
    assert turns == [5, 4, 6, 6, 7] + [5] * 100


async def test_level_is_chosen_by_shift_and_put_back(hands: InputSink, window: Window) -> None:
    hands.key(ord("!"), "Digit1", down=True)
    hands.key(ord("!"), "Digit1", down=False)
    await until(window, lambda: len(keys_of(window)) >= 4)
    assert keys_of(window) == [
        ("press", SHIFT_L, 0),
        ("press", ord("!"), SHIFT_MASK),
        ("release", SHIFT_L, SHIFT_MASK),
        ("release", ord("1"), 0),
    ]
    assert window.held() == ([], 0)


async def test_held_shift_is_lifted_for_a_moment(hands: InputSink, window: Window) -> None:
    hands.key(SHIFT_L, "ShiftLeft", down=True)
    hands.key(ord("/"), "Digit7", down=True)  # Shift+7 of a German keyboard
    hands.key(ord("/"), "Digit7", down=False)
    await until(window, lambda: len(keys_of(window)) >= 5)
    assert ("press", ord("/"), 0) in keys_of(window)
    assert window.held()[1] & SHIFT_MASK
    hands.key(SHIFT_L, "ShiftLeft", down=False)
    await until(window, lambda: window.held() == ([], 0))


async def test_shortcut_keeps_its_modifiers(hands: InputSink, window: Window) -> None:
    hands.key(CONTROL_L, "ControlLeft", down=True)
    hands.key(SHIFT_L, "ShiftLeft", down=True)
    hands.key(ord("C"), "KeyC", down=True)
    await until(window, lambda: len(keys_of(window)) >= 3)
    assert keys_of(window)[-1] == ("press", ord("C"), SHIFT_MASK | CONTROL_MASK)
    hands.release()
    await until(window, lambda: window.held() == ([], 0))


async def test_what_no_key_has_gets_a_spare_key(hands: InputSink, window: Window) -> None:
    hands.key(HANGUL_HAN, "KeyG", down=True)
    await until(window, lambda: len(keys_of(window)) >= 1)
    hands.key(HANGUL_HAN, "KeyG", down=False)
    await until(window, lambda: len(keys_of(window)) >= 2)
    assert keys_of(window) == [("press", HANGUL_HAN, 0), ("release", HANGUL_HAN, 0)]


async def test_repeat_presses_again(hands: InputSink, window: Window) -> None:
    for _ in range(3):
        hands.key(ord("?"), "Slash", down=True)
    hands.key(ord("?"), "Slash", down=False)
    await until(window, lambda: window.held() == ([], 0) and len(keys_of(window)) >= 12)
    assert [event for event in keys_of(window) if event[1] == ord("?")] == [
        ("press", ord("?"), SHIFT_MASK),
        ("release", ord("?"), SHIFT_MASK),
        ("press", ord("?"), SHIFT_MASK),
        ("release", ord("?"), SHIFT_MASK),
        ("press", ord("?"), SHIFT_MASK),
    ]


async def test_key_whose_meaning_changed_is_let_go(hands: InputSink, window: Window) -> None:
    hands.key(ord("a"), "KeyA", down=True)
    hands.key(ord("b"), "KeyA", down=True)
    hands.key(ord("b"), "KeyA", down=False)
    await until(window, lambda: len(keys_of(window)) >= 4)
    assert [event[:2] for event in keys_of(window)] == [
        ("press", ord("a")),
        ("release", ord("a")),
        ("press", ord("b")),
        ("release", ord("b")),
    ]


async def test_locks_are_not_for_the_desktop(hands: InputSink, window: Window) -> None:
    hands.key(CAPS_LOCK, "CapsLock", down=True)
    hands.key(ord("A"), "KeyA", down=True)
    hands.key(ord("A"), "KeyA", down=False)
    await until(window, lambda: len(keys_of(window)) >= 4)
    assert ("press", ord("A"), SHIFT_MASK) in keys_of(window)


async def test_text_is_free_of_held_control(hands: InputSink, window: Window) -> None:
    hands.key(CONTROL_L, "ControlLeft", down=True)
    hands.text("aB한\n")
    await until(window, lambda: ("press", RETURN, 0) in window.events)
    typed = [
        event for event in keys_of(window) if event[0] == "press" and event[1] not in (SHIFT_L, CONTROL_L)
    ]
    assert typed == [
        ("press", ord("a"), 0),
        ("press", ord("B"), SHIFT_MASK),
        ("press", HANGUL_HAN, 0),
        ("press", RETURN, 0),
    ]
    await until(window, lambda: window.held()[1] == CONTROL_MASK)
    hands.release()
    await until(window, lambda: window.held() == ([], 0))


async def test_two_people_hold_one_key(device: XtestInput, window: Window) -> None:
    one, other = device.holder(), device.holder()
    for hands in (one, other):
        hands.key(ALT_L, "AltLeft", down=True)
        hands.pointer(50, 50, 1)
    await until(window, lambda: len(window.held()[0]) == 1 and bool(window.held()[1] & 1 << 8))
    one.release()
    await asyncio.sleep(0.05)
    assert len(window.held()[0]) == 1
    assert window.held()[1] & (ALT_MASK | 1 << 8) == ALT_MASK | 1 << 8
    one.release()
    other.release()
    await until(window, lambda: window.held() == ([], 0))


async def test_order_is_kept_between_keys_and_clicks(hands: InputSink, window: Window) -> None:
    hands.pointer(10, 10, 0)
    hands.text("가")
    hands.pointer(20, 20, 1)
    hands.key(ord("x"), "KeyX", down=True)
    hands.pointer(20, 20, 0)
    hands.key(ord("x"), "KeyX", down=False)
    await until(window, lambda: ("release", ord("x"), 0) in window.events)
    kinds = [event[0] for event in window.events if event[0] != "motion"]
    assert kinds == ["press", "release", "button down", "press", "button up", "release"]


async def test_next_process_lets_go_of_what_a_killed_one_held(server: XServer, window: Window) -> None:
    pressing = ["xdotool", "mousemove", "50", "50", "keydown", "Control_L", "keydown", "q", "mousedown", "1"]
    await asyncio.to_thread(subprocess.run, pressing, env=server.environment, check=True)
    assert len(window.held()[0]) == 2
    after = XtestInput(server.display, None)
    await after.open()
    await until(window, lambda: window.held() == ([], 0))
    await after.close()


async def test_close_lets_go_and_leaves_the_layout_as_it_was(server: XServer, window: Window) -> None:
    def layout() -> list[int]:
        return list(window.x.core.GetKeyboardMapping(8, 248).reply().keysyms)

    before = [keysym for keysym in layout() if keysym]
    device = XtestInput(server.display, None)
    await device.open()
    hands = device.holder()
    hands.text("가나다")
    hands.key(CONTROL_L, "ControlLeft", down=True)
    await until(window, lambda: bool(window.held()[1]))
    await device.close()
    await device.close()
    await until(window, lambda: window.held() == ([], 0))
    assert [keysym for keysym in layout() if keysym] == before


async def test_close_lets_go_on_a_server_that_looks_only_later(server: XServer, window: Window) -> None:
    device = XtestInput(server.display, None)
    await device.open()
    device.holder().key(CONTROL_L, "ControlLeft", down=True)
    await until(window, lambda: bool(window.held()[1]))
    server.process.send_signal(signal.SIGSTOP)
    closing = asyncio.create_task(device.close())
    await asyncio.sleep(0.05)
    server.process.send_signal(signal.SIGCONT)
    await closing
    assert window.held() == ([], 0)


async def test_close_does_not_wait_for_a_server_that_hangs(
    server: XServer, device: XtestInput, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("display_server.agent.input.xtest.GOODBYE_S", 0.05)
    server.process.send_signal(signal.SIGSTOP)
    try:
        await asyncio.wait_for(device.close(), PATIENCE_S)
    finally:
        server.process.send_signal(signal.SIGCONT)


async def test_layout_that_changes_is_learnt(server: XServer, device: XtestInput, window: Window) -> None:
    hands = device.holder()
    hands.text("한")
    await until(window, lambda: len(window.events) >= 2)
    await asyncio.to_thread(subprocess.run, ["setxkbmap", "de"], env=server.environment, check=True)
    hands.text("z한ß@")
    await until(window, lambda: sum(event[0] == "release" for event in window.events) >= 6)
    pressed = [event[1] for event in window.events if event[0] == "press"]
    assert pressed[:4] == [HANGUL_HAN, ord("z"), HANGUL_HAN, ord("ß")]


async def test_server_that_hangs_blocks_nobody(server: XServer, device: XtestInput, window: Window) -> None:
    hands = device.holder()
    server.process.send_signal(signal.SIGSTOP)
    try:
        for step in range(20000):
            hands.pointer(step % 320, step % 200, 0)
        hands.key(ord("a"), "KeyA", down=True)
        hands.key(ord("a"), "KeyA", down=False)
        await asyncio.sleep(0)
        hands.pointer(7, 9, 0)
    finally:
        server.process.send_signal(signal.SIGCONT)
    await until(window, lambda: window.events[-1:] == [("motion", 7, 9)])
    assert ("press", ord("a"), 0) in window.events


async def test_input_that_nobody_takes_is_a_malfunction(server: XServer, device: XtestInput) -> None:
    hands = device.holder()
    server.process.send_signal(signal.SIGSTOP)
    try:

        def type_on() -> None:
            for _ in range(20000):
                hands.key(ord("a"), "KeyA", down=True)

        with pytest.raises(Malfunction, match="does not take input"):
            type_on()
    finally:
        server.process.send_signal(signal.SIGCONT)


async def test_dead_server_is_a_malfunction(server: XServer, device: XtestInput) -> None:
    hands = device.holder()
    server.process.kill()
    server.process.wait()

    async def go_on() -> None:
        while True:
            hands.pointer(1, 1, 0)
            await asyncio.sleep(0)

    with pytest.raises(Malfunction):
        await asyncio.wait_for(go_on(), PATIENCE_S)
    with pytest.raises(Malfunction):
        hands.text("a")
    hands.release()
    await device.close()


async def test_no_server() -> None:
    with pytest.raises(Malfunction, match="does not answer"):
        await XtestInput(":987654", None).open()
    with pytest.raises(Malfunction, match="not open"):
        XtestInput(":987654", None).holder().pointer(1, 1, 0)


async def test_cookie_is_needed_and_found(tmp_path: Path) -> None:
    right, wrong = tmp_path / "right", tmp_path / "wrong"
    write_xauthority(right)
    write_xauthority(wrong)
    assert right.stat().st_mode & 0o777 == 0o600
    with x_server(64, 64, "-auth", str(right)) as server:
        device = XtestInput(server.display, right)
        await device.open()
        await device.close()
        with pytest.raises(Malfunction):
            await XtestInput(server.display, wrong).open()
