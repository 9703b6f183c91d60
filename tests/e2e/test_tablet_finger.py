"""What one moving finger does on a tablet: it scrolls, sets window and level, pans, or points."""

from __future__ import annotations

import time
from pathlib import Path

from tests.e2e.browsers.tablet import RATIO, Tablet
from tests.e2e.browsers.touch import FIRST_STEPS, LONG_PRESS_LIMIT_S, TAP_S, within
from tests.e2e.gesture_retry import retry_slow_gestures
from tests.e2e.processes import wait_for
from tests.e2e.tablet_desktop import choose_finger_tool, clicks, tablet_of, wait_for_releases
from tests.e2e.test_tablet_touch import wait_until_handled
from tests.e2e.viewer import PATIENCE_S, Viewer
from tests.e2e.x_desktop.probe import Event, Probe

SLICES = 60
#: Part of the screen's height for a stack of 60 slices, and the factor of one step of sensitivity.
SWIPE_FRACTION, STEP = 0.75, 2**0.5
#: How long a finger rests before it is lifted, s: then the scroll does not continue.
REST_S = 0.15
#: How far the pointer moves per px of a finger that sets window and level.
WINDOW_GAIN = 0.25


def slow_swipe(tablet: Tablet, start: tuple[float, float], up_px: float, *, steps: int = 90) -> None:
    """Moves one finger up in small steps and lets it rest before it is lifted."""
    end = start[0], start[1] - up_px
    begun = start[0], start[1] - up_px * FIRST_STEPS / steps
    with within(LONG_PRESS_LIMIT_S):
        tablet.touch({1: start})
        time.sleep(TAP_S)
        tablet.glide({1: start}, {1: begun}, steps=FIRST_STEPS)
    tablet.glide({1: start}, {1: end}, steps=steps, first=FIRST_STEPS + 1)
    time.sleep(REST_S)
    tablet.touch({})


def notches(events: list[Event]) -> list[str]:
    return [event["direction"] for event in events if event["kind"] == "scroll"]


@retry_slow_gestures
def test_one_slow_swipe_passes_every_slice_of_a_stack(on_tablet: Viewer, probe: Probe, out: Path) -> None:
    tablet = tablet_of(on_tablet)
    choose_finger_tool(on_tablet, "scroll")
    tablet.tap_element(".finger-current")
    tablet.tap_element('[data-finger-step="1"]')
    tablet.screenshot(out / f"tablet-finger-tools-{tablet.device.name}.png")
    probe.clear()
    notch_px = tablet.device.height * SWIPE_FRACTION / SLICES / STEP
    slow_swipe(tablet, on_tablet.on_page(probe.area), notch_px * (SLICES + 0.5))
    probe.wait_for(lambda events: len(notches(events)) >= SLICES, f"{SLICES} notches")
    wait_until_handled(on_tablet, probe, (20, 0))
    assert notches(probe.events()) == ["down"] * SLICES
    assert clicks(probe) == []
    # The desktop remembers tool and sensitivity.
    tablet.open(tablet.evaluate("return location.href"))
    on_tablet.wait_exact()
    tablet.tap_element(".finger-current")
    on_tablet.wait_for_element('[data-finger-tool="scroll"][aria-checked="true"]')
    assert tablet.evaluate("return document.querySelector('.finger-sensitivity').textContent") == "4"


@retry_slow_gestures
def test_one_finger_scrolls_an_enlarged_desktop_and_a_flick_continues(
    on_tablet: Viewer, probe: Probe
) -> None:
    tablet = tablet_of(on_tablet)
    choose_finger_tool(on_tablet, "scroll")
    x, y = on_tablet.on_page(probe.area)
    tablet.swipe({1: (x - 20, y), 2: (x + 20, y)}, {1: (x - 90, y), 2: (x + 90, y)}, steps=20)
    on_tablet.wait_for_badge("scaled")
    time.sleep(0.6)  # directly after a two-finger gesture Chromium does not turn a tap into a click
    place = on_tablet.on_page(probe.area)
    probe.clear()
    slow_swipe(tablet, place, 104, steps=30)
    probe.wait_for(lambda events: len(notches(events)) >= 10, "10 notches")
    assert on_tablet.on_page(probe.area) == place, "the enlarged desktop must not move"
    probe.clear()
    tablet.fling({1: place}, {1: (place[0], place[1] - 205)})
    probe.wait_for(lambda events: len(notches(events)) >= 30, "more notches than the finger turned")
    assert set(notches(probe.events())) == {"down"}
    assert clicks(probe) == []


@retry_slow_gestures
def test_window_and_level_move_more_slowly_than_the_finger(on_tablet: Viewer, probe: Probe) -> None:
    tablet = tablet_of(on_tablet)
    choose_finger_tool(on_tablet, "window")
    probe.clear()
    (x, y), (page_x, page_y) = probe.area, on_tablet.on_page(probe.area)
    tablet.swipe({1: (page_x, page_y)}, {1: (page_x + 160, page_y - 40)})
    wait_for_releases(probe, 1)
    end = x + round(160 * RATIO * WINDOW_GAIN), y - round(40 * RATIO * WINDOW_GAIN)
    assert [clicks(probe)[0], clicks(probe)[-1]] == [("button-down", 1, x, y), ("button-up", 1, *end)]


@retry_slow_gestures
def test_pan_drags_with_the_middle_button_and_moves_an_enlarged_desktop(
    on_tablet: Viewer, probe: Probe
) -> None:
    tablet = tablet_of(on_tablet)
    choose_finger_tool(on_tablet, "pan")
    probe.clear()
    x, y = on_tablet.on_page(probe.area)
    tablet.swipe({1: (x, y)}, {1: (x + 60, y)})
    wait_for_releases(probe, 1)
    assert {button for _, button, _, _ in clicks(probe)} == {2}
    tablet.swipe({1: (x - 20, y), 2: (x + 20, y)}, {1: (x - 110, y), 2: (x + 110, y)}, steps=20)
    on_tablet.wait_for_badge("scaled")
    place = on_tablet.on_page(probe.area)
    probe.clear()
    tablet.swipe({1: place}, {1: (place[0] - 60, place[1] - 40)})
    wait_for(
        lambda: on_tablet.on_page(probe.area)[0] < place[0] - 40,
        timeout_s=PATIENCE_S,
        what=lambda: f"the desktop to move from {place}; it is at {on_tablet.on_page(probe.area)}",
    )
    assert clicks(probe) == []
    time.sleep(0.6)  # directly after a gesture Chromium does not turn a tap into a click


@retry_slow_gestures
def test_the_control_moves_to_the_other_hand(on_tablet: Viewer) -> None:
    tablet = tablet_of(on_tablet)
    x, y = tablet.position_of(".finger-current")
    tablet.swipe({1: (x, y)}, {1: (60, y - 200)})
    on_tablet.wait_for_element('.finger-tools[data-side="left"][data-open="false"]')
    assert abs(tablet.position_of(".finger-current")[1] - (y - 200)) < 4
    tablet.open(tablet.evaluate("return location.href"))
    on_tablet.wait_for_element('.finger-tools[data-side="left"]')


#: The preview of composed text, and the upper edge of the extra keys, CSS px on the page.
PREVIEW = """
const shown = document.querySelector('.composing');
const keys = document.querySelector('.keys').getBoundingClientRect();
const at = shown.getBoundingClientRect();
const limit = keys.height > 0 ? keys.top : innerHeight;
return shown.hidden ? null : [shown.textContent, at.left, at.top, at.bottom, limit];
"""


@retry_slow_gestures
def test_composed_text_stands_at_the_last_tap_and_above_the_extra_keys(
    on_tablet: Viewer, probe: Probe, out: Path
) -> None:
    tablet = tablet_of(on_tablet)
    x, y = on_tablet.on_page(probe.entry)
    tablet.tap_at((x, y))
    tablet.tap_element(".handle")
    tablet.tap_element('[aria-label="On-screen keyboard"]')
    on_tablet.wait_for_element(".keys")
    tablet.evaluate("await new Promise((done) => setTimeout(done, 400))")  # the field follows the tap
    composition = {"text": "하", "selectionStart": 1, "selectionEnd": 1}
    tablet.run(lambda: tablet.cdp.send("Input.imeSetComposition", composition))
    text, left, top, bottom, keys = wait_for(
        lambda: tablet.evaluate(PREVIEW), timeout_s=PATIENCE_S, what="the preview"
    )
    x, y = on_tablet.on_page(probe.entry)
    tablet.screenshot(out / "tablet-composition.png")
    assert (text, abs(left - x) < 40) == ("하", True)
    assert y < top < bottom < min(keys, y + 90)
    tablet.soft_text("하")
    probe.wait_for_text("하")
