"""The key bar on emulated tablets. No key stays held."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from tests.e2e.browsers.tablet import Tablet
from tests.e2e.gesture_retry import retry_slow_gestures
from tests.e2e.lightbox import ROOT
from tests.e2e.processes import wait_for
from tests.e2e.tablet_desktop import clicks, tablet_of, wait_for_releases
from tests.e2e.viewer import PATIENCE_S, Viewer
from tests.e2e.x_desktop.probe import Event, Probe

GDK_BUTTON3_MASK = 1 << 10


@retry_slow_gestures
def test_key_bar_types_shortcuts_and_special_keys(on_tablet: Viewer, probe: Probe) -> None:
    tablet = tablet_of(on_tablet)
    tablet.tap_at(on_tablet.on_page(probe.entry))
    tablet.tap_element(".handle")
    tablet.tap_element('[aria-label="On-screen keyboard"]')
    on_tablet.wait_for_element(".keys")
    assert tablet.evaluate("return document.querySelector('.keyboard-field').inputMode") == "text"
    tablet.soft_text("old text")
    probe.wait_for_text("old text")
    tablet.tap_element('[data-modifier="control"]')
    assert armed(tablet, "control") == "next"
    tablet.soft_text("a")
    assert armed(tablet, "control") == "off"
    tablet.soft_text("new")
    probe.wait_for_text("new")
    # On a Korean keyboard a shortcut refers to the key.
    tablet.tap_element('[data-modifier="control"]')
    tablet.soft_text("ㅁ")
    tablet.soft_text("b")
    probe.wait_for_text("b")
    # Two quick taps lock Shift; a third one releases it.
    lock(tablet, "shift")
    assert armed(tablet, "shift") == "locked"
    tablet.soft_text("c")
    tablet.soft_text("d")
    probe.wait_for_text("bCD")
    tablet.tap_element('[data-keysym="65361"]')  # ← with Shift selects
    tablet.tap_element('[data-modifier="shift"]')
    assert armed(tablet, "shift") == "off"
    tablet.tap_element('[data-keysym="65535"]')  # Delete
    probe.wait_for_text("bC")
    probe.clear()
    tablet.tap_element('[data-keysym="65307"]')
    tablet.tap_element('[data-keysym="65329"]')
    tablet.tap_element('[data-keysym="65332"]')
    tablet.tap_element("[data-functions]")
    tablet.tap_element('[data-keysym="65470"]')
    tablet.tap_element('[aria-label="Ctrl+Alt+Del"]')

    def names(events: list[Event]) -> list[str]:
        return [e["name"] for e in events if e["kind"] == "key-down"]

    wanted = ["Escape", "Hangul", "Hangul_Hanja", "F1", "Control_L", "Alt_L", "Delete"]
    probe.wait_for(lambda events: names(events) == wanted, f"{wanted}")


def lock(tablet: Tablet, modifier: str) -> None:
    """Taps a modifier twice, and again if a busy host made the two taps too slow to lock it."""
    position = tablet.position_of(f'[data-modifier="{modifier}"]')

    def locked() -> bool:
        if armed(tablet, modifier) != "off":  # a single tap arrived in time for the next key only
            tablet.tap_at(position)
        tablet.tap_at(position)
        tablet.tap_at(position)
        return armed(tablet, modifier) == "locked"

    wait_for(locked, timeout_s=PATIENCE_S, what=f"{modifier} locked")


def armed(tablet: Tablet, modifier: str) -> str:
    state: str = tablet.evaluate(f"return document.querySelector('[data-modifier={modifier}]').dataset.armed")
    return state


@retry_slow_gestures
def test_key_bar_holds_modifiers_for_clicks_and_chooses_the_button(on_tablet: Viewer, probe: Probe) -> None:
    tablet = tablet_of(on_tablet)
    tablet.tap_element(".handle")
    tablet.tap_element('[aria-label="On-screen keyboard"]')
    tablet.tap_element('[data-modifier="control"]')
    probe.clear()
    tablet.tap_at(on_tablet.on_page(probe.area))
    wait_for_releases(probe, 1)
    assert probe.events("button-down")[0]["state"] & 4, "Control must be held"
    assert armed(tablet, "control") == "off"
    tablet.tap_element('[data-mouse="4"]')
    probe.clear()
    end = probe.area[0] + 120, probe.area[1] + 10
    tablet.swipe({1: on_tablet.on_page(probe.area)}, {1: on_tablet.on_page(end)})
    wait_for_releases(probe, 1)
    assert clicks(probe)[0][1] == 3
    assert [e for e in probe.events("motion") if e["state"] & GDK_BUTTON3_MASK]
    time.sleep(0.5)
    probe.clear()
    tablet.tap_at(on_tablet.on_page(probe.area))
    wait_for_releases(probe, 1)
    assert clicks(probe)[0][1] == 1


@retry_slow_gestures
def test_no_key_stays_held_when_the_device_turns_or_the_page_loses_the_focus(
    on_tablet: Viewer, probe: Probe
) -> None:
    tablet = tablet_of(on_tablet)
    tablet.tap_element(".handle")
    tablet.tap_element('[aria-label="On-screen keyboard"]')
    for leave in (lambda: tablet.turn(), lambda: tablet.evaluate("dispatchEvent(new Event('blur'))")):
        tablet.tap_element('[data-modifier="alt"]')
        wait_for(lambda: is_something_held(probe), timeout_s=PATIENCE_S, what="Alt to be held on the desktop")
        leave()
        wait_for(
            lambda: not is_something_held(probe),
            timeout_s=PATIENCE_S,
            what="Alt to be released on the desktop",
        )
        assert armed(tablet, "alt") == "off"
    tablet.turn()


def is_something_held(probe: Probe) -> bool:
    keys, mask = probe.display.held()
    return bool(keys) or bool(mask)


@retry_slow_gestures
def test_key_bar_stays_above_the_soft_keyboard_and_the_touched_position_stays_visible(
    on_tablet: Viewer, probe: Probe
) -> None:
    """A headless browser has no soft keyboard, so the visual viewport is made smaller instead."""
    tablet = tablet_of(on_tablet)
    tablet.tap_at(on_tablet.on_page(probe.area))
    tablet.tap_element(".handle")
    tablet.tap_element('[aria-label="On-screen keyboard"]')
    size = tablet.evaluate("return document.querySelector('.surface').getBoundingClientRect().width")
    tablet.evaluate(
        "const height = { get: () => innerHeight - 400, configurable: true };"
        "Object.defineProperty(visualViewport, 'height', height);"
        "visualViewport.dispatchEvent(new Event('resize'))"
    )
    bottom, keys = tablet.evaluate(
        "await new Promise((done) => requestAnimationFrame(done));"
        "const at = document.querySelector('.keys').getBoundingClientRect();"
        "return [at.bottom, [...document.querySelectorAll('.keycap')].filter((key) => key.offsetWidth > 0)"
        ".map((key) => [key.offsetWidth, key.offsetHeight])]"
    )
    assert bottom <= tablet.device.height - 400 + 1
    assert all(width >= 44 and height >= 44 for width, height in keys)
    top = tablet.evaluate("return document.querySelector('.keys').getBoundingClientRect().top")
    assert on_tablet.on_page(probe.area)[1] < top, "the position that was touched last must stay visible"
    after = tablet.evaluate("return document.querySelector('.surface').getBoundingClientRect().width")
    assert after == size, "the surface must keep its size"
    probe.clear()
    tablet.tap_at(on_tablet.on_page(probe.area))
    wait_for_releases(probe, 1)
    assert clicks(probe)[0] == ("button-down", 1, *probe.area)


def ipados_scenes() -> list[dict[str, Any]]:
    vectors: dict[str, Any] = json.loads((ROOT / "tests" / "vectors" / "hangul.json").read_text("utf-8"))
    scenes: list[dict[str, Any]] = vectors["engines"]["ipados"]
    return scenes


#: Fires the events that iPadOS fires in a text field. A deletion and the insertion that replaces it are one
#: task.
PLAY_EVENTS = """
const field = document.querySelector('.keyboard-field');
let prevented = null;
for (const [index, step] of steps.entries()) {
  if (step.type === 'input') {
    if (prevented !== null && step.data === prevented) { prevented = null; continue; }
    field.value = field.value.slice(0, field.value.length - step.remove) + step.insert;
    const { inputType, data } = step;
    field.dispatchEvent(new InputEvent('input', { bubbles: true, inputType, data }));
    if (step.inputType === 'deleteContentBackward' && steps[index + 1]?.type === 'input') continue;
  } else {
    const { type, key, code } = step;
    const event = new KeyboardEvent(type, { bubbles: true, cancelable: true, key, code });
    field.dispatchEvent(event);
    if (step.type === 'keydown') prevented = event.defaultPrevented ? step.key : null;
  }
  await new Promise((done) => setTimeout(done, 5));
}
"""


@pytest.mark.parametrize("scene", ipados_scenes(), ids=lambda scene: scene["name"])
@retry_slow_gestures
def test_types_hangul_from_ipados_events(on_tablet: Viewer, probe: Probe, scene: dict[str, Any]) -> None:
    tablet = tablet_of(on_tablet)
    tablet.tap_at(on_tablet.on_page(probe.entry))
    tablet.evaluate(f"const steps = {json.dumps(scene['steps'])};{PLAY_EVENTS}")
    probe.wait_for_text(scene["text"])
