"""Opens desktops on emulated tablets, and reads clicks from the probe."""

from __future__ import annotations

from tests.e2e.browsers.tablet import Tablet
from tests.e2e.lightbox import Lightbox
from tests.e2e.viewer import Viewer
from tests.e2e.x_desktop.probe import Event, Probe

GDK_BUTTON1_MASK = 1 << 8


def open_on_tablet(tablet: Tablet, lightbox: Lightbox, desktop: str = "radiology") -> Viewer:
    """Opens a desktop with default preferences; signs in if necessary."""
    viewer = Viewer(tablet, lightbox.url)
    tablet.open(lightbox.url + "/")
    if tablet.evaluate("return (await fetch('/api/v1/me')).status") != 200:
        viewer.sign_in(lightbox.username, lightbox.password)
    tablet.evaluate(
        "const keys = Object.keys(localStorage).filter((key) => key.startsWith('lightbox.'));"
        "for (const key of keys) localStorage.removeItem(key)"
    )
    viewer.open_desktop(desktop)
    return viewer


def choose_touch_mode(viewer: Viewer, mode: str) -> None:
    """Chooses the touch mode in the toolbar's gesture help, as a person does."""
    tablet_of(viewer).tap_element(".handle")
    tablet_of(viewer).tap_element('[aria-label="Touch gestures"]')
    tablet_of(viewer).tap_element(f'[data-touch-mode="{mode}"]')
    tablet_of(viewer).tap_element('.gestures [aria-label="Close"]')


def choose_finger_tool(viewer: Viewer, tool: str) -> None:
    """Chooses what one moving finger does, with the control at the side of the screen."""
    tablet_of(viewer).tap_element(".finger-current")
    tablet_of(viewer).tap_element(f'[data-finger-tool="{tool}"]')


def tablet_of(viewer: Viewer) -> Tablet:
    assert isinstance(viewer.browser, Tablet)
    return viewer.browser


def clicks(probe: Probe) -> list[tuple[str, int, int, int]]:
    """Returns kind, button, x and y of the probe's button events."""
    kinds = ("button-down", "double-click", "button-up")
    return [(e["kind"], e["button"], e["x"], e["y"]) for e in probe.events(*kinds)]


def held_positions(events: list[Event]) -> set[tuple[int, int]]:
    """Returns where the pointer was moved while the left button was held."""
    return {(e["x"], e["y"]) for e in events if e["kind"] == "motion" and e["state"] & GDK_BUTTON1_MASK}


def wait_for_releases(probe: Probe, count: int) -> None:
    def released(events: list[Event]) -> bool:
        return len([e for e in events if e["kind"] == "button-up"]) >= count

    probe.wait_for(released, f"{count} releases")
