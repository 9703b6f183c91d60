"""Input into an X server that the test starts, observed by an independent client."""

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
from display_server.agent.input.xtest import HUNG_AFTER_S, UNCONFIRMED_MAX_S, XtestInput
from display_server.desktop.x11.xauthority import new_cookie, write_xauthority
from display_server.errors import Malfunction
from tests.fakes.x_server import XServer, x_server

TIMEOUT_S = 90.0
SHIFT_L, CONTROL_L, ALT_L, CAPS_LOCK, RETURN = 0xFFE1, 0xFFE3, 0xFFE9, 0xFFE5, 0xFF0D
HANGUL_HAN = 0x0100D55C
SHIFT_MASK, CONTROL_MASK, ALT_MASK = 1, 4, 8


class Window:
    """A window over the whole screen that records its events, for example ("press", keysym, state)."""

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

    def read_events(self) -> None:
        self.x.core.GetInputFocus().reply()
        while event := self.x.poll_for_event():
            match event:
                case xcffib.xproto.KeyReleaseEvent():
                    self.events.append(("release", self._keysym(event), event.state))
                case xcffib.xproto.KeyPressEvent():
                    self.events.append(("press", self._keysym(event), event.state))
                case xcffib.xproto.ButtonReleaseEvent():
                    self.events.append(("button up", event.detail, event.event_x, event.event_y))
                case xcffib.xproto.ButtonPressEvent():
                    self.events.append(("button down", event.detail, event.event_x, event.event_y))
                case xcffib.xproto.MotionNotifyEvent():
                    self.events.append(("motion", event.event_x, event.event_y))

    def pressed(self) -> tuple[list[int], int]:
        """Returns the keys that are down, and the mask of modifiers and buttons."""
        keys = bytes(self.x.core.QueryKeymap().reply().keys)
        down = [code for code in range(8, 256) if keys[code >> 3] >> (code & 7) & 1]
        return down, self.x.core.QueryPointer(self.root).reply().mask

    def _keysym(self, event: Any) -> int:
        """Translates a key as a plain X program does: group 1, level by Shift."""
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
def sink(device: XtestInput, window: Window) -> InputSink:
    return device.open_session()


async def until(window: Window, done: Callable[[], bool]) -> None:
    for _ in range(int(TIMEOUT_S / 0.005)):
        window.read_events()
        if done():
            return
        await asyncio.sleep(0.005)
    raise AssertionError(f"timed out; events: {window.events[-20:]}")


def key_events(window: Window) -> list[tuple[Any, ...]]:
    return [event for event in window.events if event[0] in ("press", "release")]


async def test_pointer_moves_then_presses(sink: InputSink, window: Window) -> None:
    sink.pointer(30, 40, 0)
    sink.pointer(50, 60, 1)
    sink.pointer(70, 80, 1 | 4)
    sink.pointer(70, 80, 0)
    sink.pointer(70, 80, 8 | 16 | 2)
    sink.pointer(70, 80, 0)
    await until(window, lambda: ("button up", 9, 70, 80) in window.events)
    assert list(dict.fromkeys(window.events)) == [  # a change of buttons repeats the position
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


async def test_wheel_accumulates_fractions_of_a_notch(sink: InputSink, window: Window) -> None:
    sink.pointer(50, 50, 0)
    for _ in range(3):
        sink.wheel(0, 40)
    sink.wheel(0, 60)
    sink.wheel(0, -120)  # a change of direction drops the remainder
    sink.wheel(-240, 0)
    sink.wheel(130, 0)
    sink.wheel(0, 12000)
    await until(window, lambda: sum(e[0] == "button up" for e in window.events) >= 105)
    turns = [event[1] for event in window.events if event[0] == "button down"]
    assert turns == [5, 4, 6, 6, 7] + [5] * 100


async def test_shift_is_pressed_for_an_upper_level_and_released_again(
    sink: InputSink, window: Window
) -> None:
    sink.key(ord("!"), "Digit1", down=True)
    sink.key(ord("!"), "Digit1", down=False)
    await until(window, lambda: len(key_events(window)) >= 4)
    assert key_events(window) == [
        ("press", SHIFT_L, 0),
        ("press", ord("!"), SHIFT_MASK),
        ("release", SHIFT_L, SHIFT_MASK),
        ("release", ord("1"), 0),
    ]
    assert window.pressed() == ([], 0)


async def test_held_shift_is_released_for_a_lower_level(sink: InputSink, window: Window) -> None:
    sink.key(SHIFT_L, "ShiftLeft", down=True)
    sink.key(ord("/"), "Digit7", down=True)  # Shift+7 of a German keyboard
    sink.key(ord("/"), "Digit7", down=False)
    await until(window, lambda: len(key_events(window)) >= 5)
    assert ("press", ord("/"), 0) in key_events(window)
    assert window.pressed()[1] & SHIFT_MASK
    sink.key(SHIFT_L, "ShiftLeft", down=False)
    await until(window, lambda: window.pressed() == ([], 0))


async def test_shortcut_keeps_its_modifiers(sink: InputSink, window: Window) -> None:
    sink.key(CONTROL_L, "ControlLeft", down=True)
    sink.key(SHIFT_L, "ShiftLeft", down=True)
    sink.key(ord("C"), "KeyC", down=True)
    await until(window, lambda: len(key_events(window)) >= 3)
    assert key_events(window)[-1] == ("press", ord("C"), SHIFT_MASK | CONTROL_MASK)
    sink.release()
    await until(window, lambda: window.pressed() == ([], 0))


async def test_a_keysym_that_the_layout_lacks_gets_a_spare_key(sink: InputSink, window: Window) -> None:
    sink.key(HANGUL_HAN, "KeyG", down=True)
    await until(window, lambda: len(key_events(window)) >= 1)
    sink.key(HANGUL_HAN, "KeyG", down=False)
    await until(window, lambda: len(key_events(window)) >= 2)
    assert key_events(window) == [("press", HANGUL_HAN, 0), ("release", HANGUL_HAN, 0)]


async def test_a_repeated_press_repeats_the_key(sink: InputSink, window: Window) -> None:
    for _ in range(3):
        sink.key(ord("?"), "Slash", down=True)
    sink.key(ord("?"), "Slash", down=False)
    await until(window, lambda: window.pressed() == ([], 0) and len(key_events(window)) >= 12)
    assert [event for event in key_events(window) if event[1] == ord("?")] == [
        ("press", ord("?"), SHIFT_MASK),
        ("release", ord("?"), SHIFT_MASK),
        ("press", ord("?"), SHIFT_MASK),
        ("release", ord("?"), SHIFT_MASK),
        ("press", ord("?"), SHIFT_MASK),
    ]


async def test_a_code_with_another_keysym_releases_the_first_key(sink: InputSink, window: Window) -> None:
    sink.key(ord("a"), "KeyA", down=True)
    sink.key(ord("b"), "KeyA", down=True)
    sink.key(ord("b"), "KeyA", down=False)
    await until(window, lambda: len(key_events(window)) >= 4)
    assert [event[:2] for event in key_events(window)] == [
        ("press", ord("a")),
        ("release", ord("a")),
        ("press", ord("b")),
        ("release", ord("b")),
    ]


async def test_lock_keys_are_not_passed_on(sink: InputSink, window: Window) -> None:
    sink.key(CAPS_LOCK, "CapsLock", down=True)
    sink.key(ord("A"), "KeyA", down=True)
    sink.key(ord("A"), "KeyA", down=False)
    await until(window, lambda: len(key_events(window)) >= 4)
    assert ("press", ord("A"), SHIFT_MASK) in key_events(window)


async def test_text_is_typed_without_the_held_control_key(sink: InputSink, window: Window) -> None:
    sink.key(CONTROL_L, "ControlLeft", down=True)
    sink.text("aB한\n")
    await until(window, lambda: ("press", RETURN, 0) in window.events)
    typed = [
        event for event in key_events(window) if event[0] == "press" and event[1] not in (SHIFT_L, CONTROL_L)
    ]
    assert typed == [
        ("press", ord("a"), 0),
        ("press", ord("B"), SHIFT_MASK),
        ("press", HANGUL_HAN, 0),
        ("press", RETURN, 0),
    ]
    await until(window, lambda: window.pressed()[1] == CONTROL_MASK)
    sink.release()
    await until(window, lambda: window.pressed() == ([], 0))


async def test_a_key_stays_down_until_the_last_viewer_releases_it(device: XtestInput, window: Window) -> None:
    first, second = device.open_session(), device.open_session()
    for sink in (first, second):
        sink.key(ALT_L, "AltLeft", down=True)
        sink.pointer(50, 50, 1)
    await until(window, lambda: len(window.pressed()[0]) == 1 and bool(window.pressed()[1] & 1 << 8))
    first.release()
    await asyncio.sleep(0.05)
    assert len(window.pressed()[0]) == 1
    assert window.pressed()[1] & (ALT_MASK | 1 << 8) == ALT_MASK | 1 << 8
    first.release()
    second.release()
    await until(window, lambda: window.pressed() == ([], 0))


async def test_keys_and_clicks_keep_their_order(sink: InputSink, window: Window) -> None:
    sink.pointer(10, 10, 0)
    sink.text("가")
    sink.pointer(20, 20, 1)
    sink.key(ord("x"), "KeyX", down=True)
    sink.pointer(20, 20, 0)
    sink.key(ord("x"), "KeyX", down=False)
    await until(window, lambda: ("release", ord("x"), 0) in window.events)
    kinds = [event[0] for event in window.events if event[0] != "motion"]
    assert kinds == ["press", "release", "button down", "press", "button up", "release"]


async def test_open_releases_what_a_killed_agent_held(server: XServer, window: Window) -> None:
    pressing = ["xdotool", "mousemove", "50", "50", "keydown", "Control_L", "keydown", "q", "mousedown", "1"]
    await asyncio.to_thread(subprocess.run, pressing, env=server.environment, check=True)
    assert len(window.pressed()[0]) == 2
    after = XtestInput(server.display, None)
    await after.open()
    await until(window, lambda: window.pressed() == ([], 0))
    await after.close()


async def test_close_releases_keys_and_restores_the_layout(server: XServer, window: Window) -> None:
    def layout() -> list[int]:
        return list(window.x.core.GetKeyboardMapping(8, 248).reply().keysyms)

    before = [keysym for keysym in layout() if keysym]
    device = XtestInput(server.display, None)
    await device.open()
    sink = device.open_session()
    sink.text("가나다")
    sink.key(CONTROL_L, "ControlLeft", down=True)
    await until(window, lambda: bool(window.pressed()[1]))
    await device.close()
    await device.close()
    await until(window, lambda: window.pressed() == ([], 0))
    assert [keysym for keysym in layout() if keysym] == before


async def test_close_waits_until_a_slow_server_has_released_the_keys(server: XServer, window: Window) -> None:
    device = XtestInput(server.display, None)
    await device.open()
    device.open_session().key(CONTROL_L, "ControlLeft", down=True)
    await until(window, lambda: bool(window.pressed()[1]))
    server.process.send_signal(signal.SIGSTOP)
    closing = asyncio.create_task(device.close())
    await asyncio.sleep(0.05)
    server.process.send_signal(signal.SIGCONT)
    await closing
    assert window.pressed() == ([], 0)


async def test_close_does_not_wait_for_a_server_that_hangs(
    server: XServer, device: XtestInput, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("display_server.agent.input.xtest.CLOSE_TIMEOUT_S", 0.05)
    server.process.send_signal(signal.SIGSTOP)
    try:
        await asyncio.wait_for(device.close(), TIMEOUT_S)
    finally:
        server.process.send_signal(signal.SIGCONT)


async def test_a_changed_layout_is_used(server: XServer, device: XtestInput, window: Window) -> None:
    sink = device.open_session()
    sink.text("한")
    await until(window, lambda: len(window.events) >= 2)
    await asyncio.to_thread(subprocess.run, ["setxkbmap", "de"], env=server.environment, check=True)
    sink.text("z한ß@")
    await until(window, lambda: sum(event[0] == "release" for event in window.events) >= 6)
    pressed = [event[1] for event in window.events if event[0] == "press"]
    assert pressed[:4] == [HANGUL_HAN, ord("z"), HANGUL_HAN, ord("ß")]


async def test_a_server_that_hangs_does_not_block_callers(
    server: XServer, device: XtestInput, window: Window
) -> None:
    sink = device.open_session()
    server.process.send_signal(signal.SIGSTOP)
    try:
        for step in range(20000):
            sink.pointer(step % 320, step % 200, 0)
        sink.key(ord("a"), "KeyA", down=True)
        sink.key(ord("a"), "KeyA", down=False)
        await asyncio.sleep(0)
        sink.pointer(7, 9, 0)
    finally:
        server.process.send_signal(signal.SIGCONT)
    await until(window, lambda: window.events[-1:] == [("motion", 7, 9)])
    assert ("press", ord("a"), 0) in window.events


async def test_input_that_a_stopped_server_did_not_take_in_time_is_dropped(
    server: XServer, device: XtestInput, window: Window
) -> None:
    """At most one batch is on its way. The rest is dropped, and everything that is held is released."""
    sink = device.open_session()
    losses: list[None] = []
    sink.on_lost = lambda: losses.append(None)
    server.process.send_signal(signal.SIGSTOP)
    try:
        sink.pointer(10, 10, 1)  # the batch
        await asyncio.sleep(UNCONFIRMED_MAX_S + 0.05)
        sink.key(ord("b"), "KeyB", down=True)
        sink.pointer(200, 100, 3)
        await asyncio.sleep(HUNG_AFTER_S + 0.05)
    finally:
        server.process.send_signal(signal.SIGCONT)
    sink.pointer(7, 9, 0)
    await until(window, lambda: window.events[-1:] == [("motion", 7, 9)])
    assert losses
    assert ("press", ord("b"), 0) not in window.events
    assert [event[1] for event in window.events if event[0] == "button down"] == [1]
    assert window.pressed() == ([], 0)


async def test_the_server_repeats_no_key_whatever_a_program_sets(server: XServer, window: Window) -> None:
    """The repeat is restored at the end, also after an agent that was killed."""

    def turn_on() -> None:
        window.x.core.ChangeKeyboardControl(xcffib.xproto.KB.AutoRepeatMode, [1])
        assert repeats()

    def repeats() -> bool:
        return bool(window.x.core.GetKeyboardControl().reply().global_auto_repeat)

    killed, device = XtestInput(server.display, None), XtestInput(server.display, None)
    turn_on()
    await killed.open()
    await device.open()
    await until(window, lambda: not repeats())
    turn_on()
    device.open_session().key(ord("a"), "KeyA", down=True)
    await until(window, lambda: bool(window.pressed()[0]))
    assert not repeats()
    await device.close()
    assert repeats()
    await killed.close()


async def test_a_full_queue_is_a_malfunction(server: XServer, device: XtestInput) -> None:
    sink = device.open_session()
    server.process.send_signal(signal.SIGSTOP)
    try:

        def fill_queue() -> None:
            for _ in range(20000):
                sink.key(ord("a"), "KeyA", down=True)

        with pytest.raises(Malfunction, match="does not accept input"):
            fill_queue()
    finally:
        server.process.send_signal(signal.SIGCONT)


async def test_a_killed_server_is_a_malfunction(server: XServer, device: XtestInput) -> None:
    sink = device.open_session()
    server.process.kill()
    server.process.wait()

    async def move_until_failure() -> None:
        while True:
            sink.pointer(1, 1, 0)
            await asyncio.sleep(0)

    with pytest.raises(Malfunction):
        await asyncio.wait_for(move_until_failure(), TIMEOUT_S)
    with pytest.raises(Malfunction):
        sink.text("a")
    sink.release()
    await device.close()


async def test_without_a_server_open_fails() -> None:
    with pytest.raises(Malfunction, match="does not run"):
        await XtestInput(":987654", None).open()
    with pytest.raises(Malfunction, match="not open"):
        XtestInput(":987654", None).open_session().pointer(1, 1, 0)


async def test_the_authority_cookie_is_required(tmp_path: Path) -> None:
    right, wrong = tmp_path / "right", tmp_path / "wrong"
    write_xauthority(right, new_cookie())
    write_xauthority(wrong, new_cookie())
    assert right.stat().st_mode & 0o777 == 0o600
    with x_server(64, 64, "-auth", str(right)) as server:
        device = XtestInput(server.display, right)
        await device.open()
        await device.close()
        with pytest.raises(Malfunction):
            await XtestInput(server.display, wrong).open()
