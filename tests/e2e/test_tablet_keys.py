"""The extra keys on emulated tablets, and that nothing stays held."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from tests.e2e.browsers.tablet import Tablet
from tests.e2e.x_desktop.probe import Event, Probe
from tests.e2e.lightbox import ROOT
from tests.e2e.processes import wait_for
from tests.e2e.tablet_desktop import clicks, tablet_of, wait_for_releases
from tests.e2e.viewer import Viewer

GDK_BUTTON3_MASK = 1 << 10


def test_modifier_bar(on_tablet: Viewer, probe: Probe) -> None:
    tablet = tablet_of(on_tablet)
    tablet.tap_at(on_tablet.on_page(probe.entry))
    tablet.tap_element(".handle")
    tablet.tap_element('[aria-label="On-screen keyboard"]')
    on_tablet.wait_for_element(".keys")
    assert tablet.evaluate("return document.querySelector('.live-field').inputMode") == "text"
    tablet.soft_text("old text")
    probe.wait_for_text("old text")
    tablet.tap_element('[data-modifier="control"]')
    assert armed(tablet, "control") == "next"
    tablet.soft_text("a")
    assert armed(tablet, "control") == "off"
    tablet.soft_text("new")
    probe.wait_for_text("new")
    # A shortcut on a Korean keyboard means the key.
    tablet.tap_element('[data-modifier="control"]')
    tablet.soft_text("ㅁ")
    tablet.soft_text("b")
    probe.wait_for_text("b")
    # Shift twice locks; a third tap lets go.
    tablet.tap_element('[data-modifier="shift"]')
    tablet.tap_element('[data-modifier="shift"]')
    assert armed(tablet, "shift") == "locked"
    tablet.soft_text("c")
    tablet.soft_text("d")
    probe.wait_for_text("bCD")
    tablet.tap_element('[data-keysym="65361"]')  # ←, with Shift: selects
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


def armed(tablet: Tablet, modifier: str) -> str:
    state: str = tablet.evaluate(f"return document.querySelector('[data-modifier={modifier}]').dataset.armed")
    return state


def test_bar_holds_for_clicks_and_chooses_the_button(on_tablet: Viewer, probe: Probe) -> None:
    tablet = tablet_of(on_tablet)
    tablet.tap_element(".handle")
    tablet.tap_element('[aria-label="On-screen keyboard"]')
    tablet.tap_element('[data-modifier="control"]')
    probe.clear()
    tablet.tap_at(on_tablet.on_page(probe.area))
    wait_for_releases(probe, 1)
    assert probe.events("button-down")[0]["state"] & 4, "Control was not down"
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


def test_nothing_stays_held_when_the_device_turns_or_the_page_is_left(
    on_tablet: Viewer, probe: Probe
) -> None:
    tablet = tablet_of(on_tablet)
    tablet.tap_element(".handle")
    tablet.tap_element('[aria-label="On-screen keyboard"]')
    for leave in (lambda: tablet.turn(), lambda: tablet.evaluate("dispatchEvent(new Event('blur'))")):
        tablet.tap_element('[data-modifier="alt"]')
        wait_for(lambda: probe_held(probe), timeout_s=5, what="Alt down on the desktop")
        leave()
        wait_for(lambda: not probe_held(probe), timeout_s=5, what="Alt up on the desktop")
        assert armed(tablet, "alt") == "off"
    tablet.turn()


def probe_held(probe: Probe) -> bool:
    keys, mask = probe.display.held()
    return bool(keys) or bool(mask)


def test_bar_stays_above_the_soft_keyboard_and_text_in_sight(on_tablet: Viewer, probe: Probe) -> None:
    """A headless browser has no soft keyboard: the visual viewport is told to be smaller, as one makes it."""
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
    assert on_tablet.on_page(probe.area)[1] < top, "what was touched last is covered"
    after = tablet.evaluate("return document.querySelector('.surface').getBoundingClientRect().width")
    assert after == size, "the picture changed its size"
    probe.clear()
    tablet.tap_at(on_tablet.on_page(probe.area))
    wait_for_releases(probe, 1)
    assert clicks(probe)[0] == ("button-down", 1, *probe.area)


def scenes() -> list[dict[str, Any]]:
    vectors: dict[str, Any] = json.loads((ROOT / "tests" / "vectors" / "hangul.json").read_text("utf-8"))
    found: list[dict[str, Any]] = vectors["engines"]["ipados"]
    return found


#: Plays what iPadOS tells a text field. What it takes back and what it puts in its place are one task.
PLAY = """
const field = document.querySelector('.live-field');
let taken = null;
for (const [index, step] of steps.entries()) {
  if (step.type === 'input') {
    if (taken !== null && step.data === taken) { taken = null; continue; }
    field.value = field.value.slice(0, field.value.length - step.remove) + step.insert;
    const { inputType, data } = step;
    field.dispatchEvent(new InputEvent('input', { bubbles: true, inputType, data }));
    if (step.inputType === 'deleteContentBackward' && steps[index + 1]?.type === 'input') continue;
  } else {
    const { type, key, code } = step;
    const event = new KeyboardEvent(type, { bubbles: true, cancelable: true, key, code });
    field.dispatchEvent(event);
    if (step.type === 'keydown') taken = event.defaultPrevented ? step.key : null;
  }
  await new Promise((done) => setTimeout(done, 5));
}
"""


@pytest.mark.parametrize("scene", scenes(), ids=lambda scene: scene["name"])
def test_hangul_as_ipados_tells_it(on_tablet: Viewer, probe: Probe, scene: dict[str, Any]) -> None:
    tablet = tablet_of(on_tablet)
    tablet.tap_at(on_tablet.on_page(probe.entry))
    tablet.evaluate(f"const steps = {json.dumps(scene['steps'])};{PLAY}")
    probe.wait_for_text(scene["text"])
