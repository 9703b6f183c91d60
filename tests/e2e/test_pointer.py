"""Wheel, pinch, buttons, drags and the cursor, between real browsers and a real program on the desktop."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from tests.e2e.browsers.browser import Browser, Button
from tests.e2e.browsers.chromium import Chromium
from tests.e2e.browsers.firefox import Firefox
from tests.e2e.browsers.webkit import WebKit
from tests.e2e.browsers.x_browser import XBrowser
from tests.e2e.conftest import signed_in
from tests.e2e.lightbox import Lightbox
from tests.e2e.processes import wait_for
from tests.e2e.viewer import PATIENCE_S, SURFACE, Viewer
from tests.e2e.x_desktop.display import XDisplay
from tests.e2e.x_desktop.probe import Event, Probe

GDK_CONTROL_MASK = 1 << 2
GDK_BUTTON1_MASK = 1 << 8
#: Replays wheel events of a pinch: small turns with the flag Ctrl although no key is down
#: (github.com/mdn/content/issues/36637). Chromium gives each of them a whole tick in `wheelDelta`.
PINCH = """
const surface = SURFACE;
const at = surface.getBoundingClientRect();
for (let step = 0; step < 10; step++)
  surface.dispatchEvent(new WheelEvent('wheel', {
    deltaY: DELTA, ctrlKey: true, bubbles: true, cancelable: true,
    clientX: at.left + X * at.width / surface.width, clientY: at.top + Y * at.height / surface.height,
  }));
"""
#: Replays the gesture events that Safari fires for a pinch which doubles the distance of the fingers.
GESTURE = """
const surface = SURFACE;
const fire = (type, scale) => {
  const event = new Event(type, { bubbles: true, cancelable: true });
  const at = surface.getBoundingClientRect();
  Object.assign(event, { scale, clientX: at.left + X, clientY: at.top + Y });
  surface.dispatchEvent(event);
  return event.defaultPrevented;
};
const prevented = [fire('gesturestart', 1)];
for (let step = 1; step <= 10; step++) prevented.push(fire('gesturechange', 2 ** (step / 10)));
prevented.push(fire('gestureend', 2));
return prevented.every((value) => value);
"""


#: The question whether to leave the desktop.
QUESTION = ".message-card.question"
#: Records every event by which a page could learn of a button of the mouse.
RECORD_BUTTONS = """
window.buttonEvents = [];
for (const type of ['pointerdown', 'pointerup', 'mousedown', 'mouseup', 'click', 'auxclick', 'contextmenu'])
  addEventListener(type, (event) => buttonEvents.push([type, event.button, event.buttons]), true);
"""


@pytest.fixture(scope="module")
def firefox(start_browser: Callable[[str], Browser]) -> Iterator[Firefox]:
    running = start_browser("firefox")
    assert isinstance(running, Firefox)
    yield running
    running.close()


@pytest.fixture(scope="module")
def webkit(start_browser: Callable[[str], Browser]) -> Iterator[WebKit]:
    running = start_browser("webkit")
    assert isinstance(running, WebKit)
    yield running
    running.close()


def scrolls(events: list[Event]) -> list[Event]:
    return [event for event in events if event["kind"] == "scroll"]


def wait_for_scrolls(probe: Probe, count: int) -> list[Event]:
    probe.wait_for(lambda events: len(scrolls(events)) >= count, f"{count} notches")
    time.sleep(0.5)  # a superfluous notch would arrive late
    return scrolls(probe.events())


@pytest.mark.parametrize(("delta", "direction"), [(-4, "up"), (4, "down")])
def test_a_pinch_is_a_zoom_and_never_pages(
    viewer: Viewer, probe: Probe, display: XDisplay, delta: int, direction: str
) -> None:
    viewer.open_desktop("radiology")
    viewer.move(probe.area)
    probe.clear()
    x, y = probe.area
    script = PINCH.replace("SURFACE", SURFACE).replace("DELTA", str(delta))
    viewer.browser.evaluate(script.replace("X *", f"{x} *").replace("Y *", f"{y} *"))
    found = wait_for_scrolls(probe, 4)
    assert [event["direction"] for event in found] == [direction] * 4
    assert all(event["state"] & GDK_CONTROL_MASK for event in found), "a pinch must not page"
    assert display.held() == ([], 0), "Ctrl must be released after the pinch"


def test_gesture_events_of_safari_zoom(viewer: Viewer, probe: Probe) -> None:
    viewer.open_desktop("radiology")
    viewer.move(probe.area)
    probe.clear()
    x, y = probe.area
    script = GESTURE.replace("SURFACE", SURFACE)
    assert viewer.browser.evaluate(script.replace("+ X", f"+ {x}").replace("+ Y", f"+ {y}")), (
        "the page must not be enlarged by the browser"
    )
    found = wait_for_scrolls(probe, 6)
    assert {event["direction"] for event in found} == {"up"}
    assert all(event["state"] & GDK_CONTROL_MASK for event in found)


@pytest.mark.parametrize("engine", ["chromium", "firefox"])
def test_ctrl_and_wheel_zoom_by_one_notch_per_detent(
    engine: str, request: pytest.FixtureRequest, lightbox: Lightbox, probe: Probe
) -> None:
    """WebKitGTK is not tried: its MiniBrowser enlarges the page itself."""
    viewer = signed_in(request.getfixturevalue(engine), lightbox)
    viewer.open_desktop("radiology")
    viewer.click(probe.area)
    probe.clear()
    viewer.browser.key_down("Control")
    viewer.wheel(probe.area, 3)
    found = wait_for_scrolls(probe, 3)
    viewer.browser.key_up("Control")
    assert [event["direction"] for event in found] == ["down"] * 3
    assert all(event["state"] & GDK_CONTROL_MASK for event in found)
    viewer.wheel(probe.area, -1)
    last = wait_for_scrolls(probe, 4)[-1]
    assert (last["direction"], last["state"] & GDK_CONTROL_MASK) == ("up", 0)


@pytest.mark.parametrize(("button", "number"), [(Button.BACK, 8), (Button.FORWARD, 9)])
def test_back_and_forward_buttons_reach_the_desktop(
    chromium_viewer: Viewer, probe: Probe, button: Button, number: int
) -> None:
    viewer = chromium_viewer
    viewer.open_desktop("radiology")
    address = viewer.browser.evaluate("return location.href")
    probe.clear()
    viewer.click(probe.area, button)
    probe.wait_for(
        lambda events: [e for e in events if (e["kind"], e.get("button")) == ("button-up", number)],
        f"a click of button {number}",
    )
    kinds = [(e["kind"], e["button"]) for e in probe.events("button-down", "button-up")]
    assert kinds == [("button-down", number), ("button-up", number)]
    assert viewer.browser.evaluate("return location.href") == address, "the page must not navigate"


def test_firefox_asks_before_its_back_button_leaves_the_desktop(
    firefox: Firefox, lightbox: Lightbox, probe: Probe
) -> None:
    """Firefox on X11 goes back by itself and sends the page no event of the button (nsWindow.cpp)."""
    viewer = signed_in(firefox, lightbox)
    viewer.open_desktop("radiology")
    viewer.click(probe.area)  # Firefox skips entries of pages that nobody used
    probe.wait_for(lambda events: [e for e in events if e["kind"] == "button-up"], "the end of the click")
    probe.clear()
    viewer.browser.evaluate(RECORD_BUTTONS)
    viewer.click(probe.area, Button.BACK)
    viewer.wait_for_element(QUESTION)
    assert viewer.browser.evaluate("return location.pathname") == "/desktop/radiology"
    assert viewer.browser.evaluate("return buttonEvents") == [], "docs/browsers.md says that there is none"
    assert not probe.events("button-down", "button-up")
    viewer.click_element(f"{QUESTION} button")
    wait_for(
        lambda: viewer.browser.evaluate(f"return document.querySelector('{QUESTION}').hidden"),
        timeout_s=PATIENCE_S,
        what=viewer.situation,
    )
    assert viewer.badge() == "exact"


def test_side_buttons_that_webkitgtk_cannot_distinguish_have_no_effect(
    webkit: WebKit, lightbox: Lightbox, probe: Probe, display: XDisplay
) -> None:
    """WebKitGTK reports both as button 0 without a pressed button, so they must have no effect."""
    viewer = signed_in(webkit, lightbox)
    viewer.open_desktop("radiology")
    viewer.move(probe.area)
    probe.clear()
    viewer.browser.evaluate(RECORD_BUTTONS)
    for button in (Button.BACK, Button.FORWARD):
        viewer.click(probe.area, button)
    wait_for(
        lambda: (
            len(viewer.browser.evaluate("return buttonEvents.filter(([type]) => type === 'pointerup')")) == 2
        ),
        timeout_s=PATIENCE_S,
        what=viewer.situation,
    )
    assert {tuple(event[1:]) for event in viewer.browser.evaluate("return buttonEvents")} == {(0, 0)}
    viewer.click(probe.area)
    probe.wait_for(
        lambda events: [e for e in events if (e["kind"], e.get("button")) == ("button-up", 1)], "a left click"
    )
    assert [e["button"] for e in probe.events("button-down")] == [1]
    assert display.held() == ([], 0)
    assert viewer.browser.evaluate("return location.pathname") == "/desktop/radiology"


def test_the_desktop_decides_what_a_double_click_is(viewer: Viewer, probe: Probe) -> None:
    """The desktop allows seconds between the clicks; the browser's system takes them for two clicks."""
    viewer.open_desktop("radiology")
    probe.slow_down_double_clicks()
    probe.clear()
    viewer.click(probe.area)
    time.sleep(1.2)
    viewer.click(probe.area)
    probe.wait_for(
        lambda events: len([e for e in events if e["kind"] == "button-up"]) == 2, "the end of both clicks"
    )
    assert len(probe.events("double-click")) == 1


def test_a_drag_can_leave_the_window_and_end_there(viewer: Viewer, probe: Probe, display: XDisplay) -> None:
    viewer.open_desktop("radiology")
    viewer.move(probe.area)
    probe.clear()
    viewer.browser.press()
    probe.wait_for(lambda events: [e for e in events if e["kind"] == "button-down"], "the press")
    width, height = viewer.browser.evaluate("return [innerWidth, innerHeight]")
    if isinstance(viewer.browser, XBrowser):
        outside = (width + 60, height + 60)  # on the browser's own display, beside its window
    else:
        assert isinstance(viewer.browser, Chromium)
        outside = (-40, -40)
    for step in range(1, 6):
        x, y = viewer.on_page(probe.area)
        viewer.browser.move(x + (outside[0] - x) * step / 5, y + (outside[1] - y) * step / 5)
        time.sleep(0.02)
    probe.wait_for(
        lambda events: [e for e in events if e["kind"] == "motion" and e["state"] & GDK_BUTTON1_MASK],
        "the drag",
    )
    assert not probe.events("button-up"), "the button is still held"
    viewer.browser.release()
    probe.wait_for(lambda events: [e for e in events if e["kind"] == "button-up"], "the release outside")
    wait_for(lambda: display.held() == ([], 0), timeout_s=PATIENCE_S, what="no button to be held")
    viewer.move(probe.area)
