"""Touch and pen input on emulated tablets: trusted touch events by CDP, against a real desktop."""

from __future__ import annotations

import time
from pathlib import Path

from tests.e2e.browsers.tablet import Tablet
from tests.e2e.browsers.touch import LONG_PRESS_LIMIT_S, TAP_S, within
from tests.e2e.gesture_retry import retry_slow_gestures
from tests.e2e.processes import wait_for
from tests.e2e.tablet_desktop import choose_touch_mode, clicks, held_positions, tablet_of, wait_for_releases
from tests.e2e.viewer import PATIENCE_S, Viewer
from tests.e2e.x_desktop.probe import Probe

GDK_BUTTON3_MASK = 1 << 10
#: Time in which a wrong click or scroll would follow, s.
SETTLES_S = 0.8
# Time limits of gestures: those of touch_core.ts, less some time that the events take to the page, s.
DOUBLE_TAP_LIMIT_S = 0.36
TRACKPAD_TAP_LIMIT_S = 0.2
TAP_DRAG_LIMIT_S = 0.16
SECOND_FINGER_LIMIT_S = 0.23
TWO_FINGER_TAP_LIMIT_S = 0.45
PEN_LIMIT_S = 0.55
# A fling continues for 1.2 s; see momentum.ts.
MOMENTUM_LIMIT_S = 1.1
#: Records whether the ring that announces a long press was shown.
RECORD_RING = """
window.ringShown = false;
const ring = document.querySelector('.hold-ring');
new MutationObserver(() => { ringShown ||= !ring.hidden; }).observe(ring, { attributes: true });
"""


def wait_for_magnifier(tablet: Tablet) -> None:
    """Waits until a finger that is held still has opened the magnifier."""
    wait_for(
        lambda: tablet.evaluate("return !document.querySelector('.loupe').hidden"),
        timeout_s=PATIENCE_S,
        what="the magnifier",
    )


def wait_until_handled(on_tablet: Viewer, probe: Probe, offset: tuple[int, int]) -> None:
    """Waits until the desktop has received all earlier input.

    Input keeps its order, so a mouse motion that arrives tells that everything before it has arrived.
    """
    position = probe.area[0] + offset[0], probe.area[1] + offset[1]
    tablet_of(on_tablet).mouse_to(on_tablet.on_page(position))
    probe.wait_for(
        lambda events: any(e["kind"] == "motion" and (e["x"], e["y"]) == position for e in events),
        f"the pointer at {position}",
    )


@retry_slow_gestures
def test_tap_clicks_the_pixel(on_tablet: Viewer, probe: Probe) -> None:
    probe.clear()
    tablet_of(on_tablet).tap_at(on_tablet.on_page(probe.area))
    wait_for_releases(probe, 1)
    x, y = probe.area
    assert clicks(probe) == [("button-down", 1, x, y), ("button-up", 1, x, y)]


@retry_slow_gestures
def test_double_tap_hits_one_pixel(on_tablet: Viewer, probe: Probe) -> None:
    tablet = tablet_of(on_tablet)
    probe.slow_down_double_clicks()
    probe.clear()
    x, y = on_tablet.on_page(probe.area)
    with within(LONG_PRESS_LIMIT_S):
        tablet.touch({1: (x, y)})
        time.sleep(TAP_S)
    with within(DOUBLE_TAP_LIMIT_S):
        tablet.touch({})
        time.sleep(0.1)
        tablet.touch({1: (x + 7, y - 6)})
    with within(LONG_PRESS_LIMIT_S):
        time.sleep(TAP_S)
        tablet.touch({})
    wait_for_releases(probe, 2)
    assert {(x, y) for _, _, x, y in clicks(probe)} == {probe.area}
    assert [kind for kind, *_ in clicks(probe)].count("double-click") == 1


@retry_slow_gestures
def test_long_press_is_announced_and_right_clicks(on_tablet: Viewer, probe: Probe, out: Path) -> None:
    tablet = tablet_of(on_tablet)
    probe.clear()
    tablet.evaluate(RECORD_RING)
    tablet.touch({1: on_tablet.on_page(probe.area)})
    wait_for_magnifier(tablet)
    assert tablet.evaluate("return ringShown")
    tablet.screenshot(out / "tablet-hold.png")
    assert clicks(probe) == []
    tablet.touch({})
    wait_for_releases(probe, 1)
    x, y = probe.area
    assert clicks(probe) == [("button-down", 3, x, y), ("button-up", 3, x, y)]
    assert tablet.evaluate("return document.querySelector('.loupe').hidden")


@retry_slow_gestures
def test_magnifier_shows_the_surface_and_aims(on_tablet: Viewer, probe: Probe) -> None:
    tablet = tablet_of(on_tablet)
    probe.clear()
    target = probe.area[0] + 31, probe.area[1] + 17
    tablet.touch({1: on_tablet.on_page(probe.area)})
    wait_for_magnifier(tablet)
    tablet.glide({1: on_tablet.on_page(probe.area)}, {1: on_tablet.on_page(target)}, steps=8)
    shown, wanted = tablet.evaluate(
        f"""
        await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
        const magnifier = document.querySelector('.loupe');
        const context = magnifier.getContext('2d');
        const middle = context.getImageData(magnifier.width / 2, magnifier.height / 2, 1, 1).data;
        const surface = document.querySelector('.surface');
        const wanted = surface.getContext('2d').getImageData({target[0]}, {target[1]}, 1, 1).data;
        return [[...middle], [...wanted]];
        """
    )
    assert shown == wanted
    tablet.touch({})
    wait_for_releases(probe, 1)
    assert clicks(probe) == [("button-down", 1, *target), ("button-up", 1, *target)]


@retry_slow_gestures
def test_drag(on_tablet: Viewer, probe: Probe) -> None:
    tablet = tablet_of(on_tablet)
    probe.clear()
    end = probe.area[0] + 150, probe.area[1] + 60
    tablet.swipe(
        {1: on_tablet.on_page(probe.area)},
        {1: on_tablet.on_page(end)},
        midway=lambda: probe.wait_for(held_positions, "a motion while the button is held"),
    )
    wait_for_releases(probe, 1)
    assert clicks(probe)[0] == ("button-down", 1, *probe.area)
    assert clicks(probe)[-1] == ("button-up", 1, *end)
    assert held_positions(probe.events()) - {probe.area, end}, "the drag must not be a jump"


@retry_slow_gestures
def test_two_finger_scroll_stops_at_a_touch(on_tablet: Viewer, probe: Probe) -> None:
    tablet = tablet_of(on_tablet)
    probe.clear()
    x, y = on_tablet.on_page(probe.area)
    start = {1: (x - 30, y + 40), 2: (x + 30, y + 40)}
    with within(MOMENTUM_LIMIT_S):
        tablet.fling(start, {n: (place[0], place[1] - 240) for n, place in start.items()})
        probe.wait_for(
            lambda events: len([e for e in events if e["kind"] == "scroll"]) >= 2, "notches of the scroll"
        )
        tablet.tap_at((x, y))
    assert {e["direction"] for e in probe.events("scroll")} == {"down"}
    wait_until_handled(on_tablet, probe, (-20, 0))
    stopped = len(probe.events("scroll"))
    time.sleep(SETTLES_S)
    wait_until_handled(on_tablet, probe, (20, 0))
    assert len(probe.events("scroll")) == stopped, "the scroll must not continue under a finger"
    assert clicks(probe) == []


@retry_slow_gestures
def test_two_finger_tap_right_clicks(on_tablet: Viewer, probe: Probe) -> None:
    tablet = tablet_of(on_tablet)
    probe.clear()
    x, y = on_tablet.on_page(probe.area)
    with within(TWO_FINGER_TAP_LIMIT_S):
        with within(SECOND_FINGER_LIMIT_S):
            tablet.touch({1: (x, y)})
            tablet.touch({1: (x, y), 2: (x + 50, y)})
        time.sleep(0.06)
        tablet.touch({2: (x + 50, y)})
        tablet.touch({})
    wait_for_releases(probe, 1)
    assert clicks(probe) == [("button-down", 3, *probe.area), ("button-up", 3, *probe.area)]


@retry_slow_gestures
def test_palm_third_finger_and_late_finger_do_not_click(on_tablet: Viewer, probe: Probe) -> None:
    tablet = tablet_of(on_tablet)
    probe.clear()
    x, y = on_tablet.on_page(probe.area)
    tablet.touch({1: (x, y)}, radius_px=70)
    time.sleep(0.05)
    tablet.touch({})
    for count in (3, 4):
        fingers = {n: (x + 40 * n - 80, y) for n in range(1, count + 1)}
        tablet.touch(fingers)
        time.sleep(0.05)
        tablet.touch({})
    tablet.touch({1: (x, y)})
    time.sleep(0.35)
    tablet.touch({1: (x, y), 2: (x + 50, y)})
    time.sleep(0.05)
    tablet.touch({1: (x, y)})
    tablet.touch({})
    wait_until_handled(on_tablet, probe, (-20, 0))
    time.sleep(SETTLES_S)
    wait_until_handled(on_tablet, probe, (20, 0))
    assert clicks(probe) == []


@retry_slow_gestures
def test_pinch_enlarges_pixels_and_the_badge_says_scaled(on_tablet: Viewer, probe: Probe, out: Path) -> None:
    tablet = tablet_of(on_tablet)
    on_tablet.wait_exact()
    before = tablet.evaluate(SCALE)
    tablet.swipe({1: (560, 410), 2: (620, 410)}, {1: (500, 410), 2: (680, 410)}, steps=20)
    on_tablet.wait_for_badge("scaled")
    x, y = on_tablet.on_page(probe.area)
    tablet.swipe({1: (x - 20, y), 2: (x + 20, y)}, {1: (x - 50, y), 2: (x + 50, y)}, steps=20)
    scale, whole, smoothing = tablet.evaluate(SCALE)
    assert scale > before[0] * 3
    assert (smoothing == "pixelated") == (whole == "true")
    assert on_tablet.badge() == "scaled"
    # The same pixel is still under the fingers, and a tap hits it.
    assert abs(on_tablet.on_page(probe.area)[0] - x) < 12
    tablet.screenshot(out / f"tablet-pinch-{tablet.device.name}.png")
    probe.clear()
    tablet.tap_at(on_tablet.on_page(probe.area))
    wait_for_releases(probe, 1)
    assert clicks(probe)[0] == ("button-down", 1, *probe.area)
    # Two fingers now pan instead of turning the wheel.
    place = on_tablet.on_page(probe.area)
    tablet.swipe({1: (x - 30, y), 2: (x + 30, y)}, {1: (x - 90, y - 50), 2: (x - 30, y - 50)}, steps=12)
    moved = on_tablet.on_page(probe.area)
    assert moved[0] < place[0] - 20
    assert probe.events("scroll") == []
    time.sleep(0.6)  # directly after a two-finger gesture Chromium does not turn a tap into a click
    tablet.tap_element(".zoom-chip")
    wait_for(
        lambda: tablet.evaluate(SCALE) == before,
        timeout_s=PATIENCE_S,
        what=lambda: f"the scale {before}; it is {tablet.evaluate(SCALE)}",
    )


SCALE = """
await new Promise((done) => requestAnimationFrame(done));
const surface = document.querySelector('.surface');
const shown = surface.getBoundingClientRect();
return [Math.round(shown.width * devicePixelRatio / surface.width * 1000) / 1000,
  document.querySelector('.viewport').dataset.wholeScale, getComputedStyle(surface).imageRendering];
"""


@retry_slow_gestures
def test_trackpad_moves_clicks_and_drags(on_tablet: Viewer, probe: Probe) -> None:
    tablet = tablet_of(on_tablet)
    choose_touch_mode(on_tablet, "trackpad")
    # A mouse puts the pointer on the probe; from there only fingers move it.
    tablet.mouse_to(on_tablet.on_page(probe.area))
    probe.wait_for(lambda events: [e for e in events if e["kind"] == "motion"], "the pointer")
    probe.clear()
    corner = {1: (150.0, 500.0)}
    with within(TRACKPAD_TAP_LIMIT_S):
        tablet.tap_at(corner[1])
    wait_for_releases(probe, 1)
    assert clicks(probe) == [("button-down", 1, *probe.area), ("button-up", 1, *probe.area)]
    time.sleep(0.5)
    probe.clear()
    with within(TRACKPAD_TAP_LIMIT_S):
        tablet.touch({1: (150, 500), 2: (210, 500)})
        time.sleep(0.05)
        tablet.touch({})
    wait_for_releases(probe, 1)
    assert clicks(probe)[0] == ("button-down", 3, *probe.area)
    probe.clear()
    tablet.swipe(corner, {1: (190.0, 500.0)}, steps=10)
    moved = probe.wait_for(lambda events: [e for e in events if e["kind"] == "motion"], "a move")
    assert moved[-1]["x"] > probe.area[0]
    assert clicks(probe) == []
    with within(TRACKPAD_TAP_LIMIT_S):
        tablet.touch(corner)
        time.sleep(TAP_S)
        tablet.touch({})
    with within(TAP_DRAG_LIMIT_S):
        tablet.touch(corner)
    tablet.glide(corner, {1: (190.0, 520.0)}, steps=10)
    tablet.touch({})
    wait_for_releases(probe, 1)
    (down, up) = clicks(probe)
    assert (down[0], up[0]) == ("button-down", "button-up")
    assert up[2] > down[2], "a tap and a touch that moves must drag"
    # The page remembers the choice.
    tablet.open(tablet.evaluate("return location.href"))
    on_tablet.wait_exact()
    tablet.tap_element(".handle")
    tablet.tap_element('[aria-label="Touch gestures"]')
    on_tablet.wait_for_element('[data-touch-mode="trackpad"][aria-checked="true"]')


@retry_slow_gestures
def test_pen_hovers_and_draws_and_other_touches_are_ignored(on_tablet: Viewer, probe: Probe) -> None:
    tablet = tablet_of(on_tablet)
    probe.clear()
    x, y = on_tablet.on_page(probe.area)
    tablet.pen("mouseMoved", (x, y))
    probe.wait_for(lambda events: [e for e in events if e["kind"] == "motion"], "hover")
    tablet.pen("mousePressed", (x, y), force=0.3)
    with within(PEN_LIMIT_S):
        tablet.pen("mouseMoved", (x + 40, y), force=0.9)
        tablet.tap_at((x + 10, y + 30))  # the hand that holds the pen
    tablet.pen("mouseReleased", (x + 40, y))
    wait_for_releases(probe, 1)
    assert [kind for kind, *_ in clicks(probe)] == ["button-down", "button-up"]
    assert clicks(probe)[-1][2] > probe.area[0]
