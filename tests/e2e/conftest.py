"""One demo and one browser of an engine at a time for each parallel worker, signed in."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Protocol

import pytest

from tests.e2e.browsers.browser import Browser, BrowserError
from tests.e2e.browsers.chromium import EXECUTABLE, HEADLESS_SHELL, Chromium, ChromiumProcess
from tests.e2e.browsers.firefox import Firefox
from tests.e2e.browsers.tablet import GALAXY_TAB, IPAD, Device, Tablet
from tests.e2e.browsers.webkit import WebKit
from tests.e2e.browsers.x_browser import XBrowser
from tests.e2e.device_clipboard import DeviceClipboard
from tests.e2e.lightbox import PATIENCE, Lightbox
from tests.e2e.relay import Relay
from tests.e2e.tablet_desktop import open_on_tablet
from tests.e2e.viewer import Viewer
from tests.e2e.x_desktop.display import XDisplay
from tests.e2e.x_desktop.probe import Probe

ENGINES: dict[str, type[Chromium] | type[Firefox] | type[WebKit]] = {
    "chromium": Chromium,
    "firefox": Firefox,
    "webkit": WebKit,
}
#: What tests of tablets run on.
TABLETS = [IPAD, pytest.param(GALAXY_TAB, marks=pytest.mark.nightly)]
#: Fixtures whose parameter is the engine of a test.
ENGINE_FIXTURES = ("browser", "typist")
#: Where screenshots and logs of this worker stay.
OUT = Path(__file__).resolve().parent / "out" / os.environ.get("PYTEST_XDIST_WORKER", "")
DESKTOP_PX = (1280, 800)
#: The page is a bit larger, so that the surface is shown 1:1.
PAGE_PX = (1320, 880)
#: Where the probe's window stands on the desktop.
PROBE_AT = (640, 380)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.e2e)
            if item.get_closest_marker("engines_alike") and engine_of(item) not in (None, "chromium"):
                item.add_marker(pytest.mark.nightly)


def engine_of(item: pytest.Item) -> object:
    """Returns the engine that a test is run with; None if it is not run with several."""
    if not isinstance(item, pytest.Function) or not hasattr(item, "callspec"):
        return None
    parameters = item.callspec.params
    return next((parameters[name] for name in ENGINE_FIXTURES if name in parameters), None)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """When a test fails, what its browsers showed and said is kept in `out/`."""
    report = yield
    if report.when == "call" and report.failed and isinstance(item, pytest.Function):  # type: ignore[attr-defined]
        for name, value in item.funcargs.items():
            viewer = getattr(value, "viewer", value)  # fixtures that hold a viewer
            browser = viewer.browser if isinstance(viewer, Viewer) else value
            if isinstance(browser, Browser):
                stem = "".join(c if c.isalnum() else "-" for c in item.name) + f"-{name}"
                with contextlib.suppress(BrowserError):  # the browser itself may be what failed
                    browser.screenshot(OUT / f"{stem}.png")
                (OUT / f"{stem}.log").write_text("\n".join(browser.console()))
    return report


@pytest.fixture(scope="session")
def out() -> Path:
    """The folder for screenshots and logs, which Git ignores."""
    OUT.mkdir(parents=True, exist_ok=True)
    return OUT


def radiology_demo(log: Path, *, patience: int = PATIENCE) -> Lightbox:
    """Starts the demo with its radiology desktop."""
    width_px, height_px = DESKTOP_PX
    # Tests of the clipboard copy in both directions; test_clipboard_policy.py has the default of the profile.
    return Lightbox(
        log, profile="radiology", width_px=width_px, height_px=height_px, patience=patience, copy_out=True
    )


@pytest.fixture(scope="session")
def shared_lightbox(out: Path) -> Iterator[Lightbox]:
    with radiology_demo(out / "lightbox.log") as running:
        yield running


@pytest.fixture(scope="module")
def lightbox(shared_lightbox: Lightbox) -> Lightbox:
    """The demo with its radiology desktop. A module that defines a demo of its own gets its `display` too."""
    return shared_lightbox


class ChromiumProcesses:
    """The Chromium processes of this worker, by their options. One that ended is started anew."""

    def __init__(self) -> None:
        self._running: dict[tuple[str, ...], ChromiumProcess] = {}
        self._network = network_namespace()

    def for_window(self, window: type[Chromium], executable: str = HEADLESS_SHELL) -> ChromiumProcess | None:
        """Returns the process for a new window; None if it needs one of its own in this network."""
        if network_namespace() != self._network:
            return None
        key = (executable, *window.process_flags)
        found = self._running.get(key)
        if found is None or not found.running:
            found = self._running[key] = ChromiumProcess(window.process_flags, executable=executable)
        return found

    def close(self) -> None:
        for process in self._running.values():
            process.close()


def network_namespace() -> str:
    """Identifies the network of this thread and of the programs that it starts."""
    return str(Path("/proc/thread-self/ns/net").readlink())


@pytest.fixture(scope="session")
def chromium_processes() -> Iterator[ChromiumProcesses]:
    processes = ChromiumProcesses()
    yield processes
    processes.close()


@pytest.fixture(scope="session")
def start_browser(out: Path, chromium_processes: ChromiumProcesses) -> Iterator[Callable[[str], Browser]]:
    """Opens browsers, and ends what is still open at the end."""
    started: list[Browser] = []

    def start(engine: str) -> Browser:
        width_px, height_px = PAGE_PX
        browser: Browser
        if engine == "chromium":
            process = chromium_processes.for_window(Chromium)
            browser = Chromium(out, width_px=width_px, height_px=height_px, process=process)
        else:
            browser = ENGINES[engine](out, width_px=width_px, height_px=height_px)
        started.append(browser)
        return browser

    yield start
    for browser in started:
        browser.close()


class StartTablet(Protocol):
    """Opens a browser that behaves as a tablet; one that can install pages if `installs` is true."""

    def __call__(
        self, device: Device, *, language: str = "en", dark: bool = False, installs: bool = False
    ) -> Tablet: ...


@pytest.fixture(scope="session")
def start_tablet(out: Path, chromium_processes: ChromiumProcesses) -> StartTablet:
    def start(device: Device, *, language: str = "en", dark: bool = False, installs: bool = False) -> Tablet:
        process = chromium_processes.for_window(Tablet, EXECUTABLE if installs else HEADLESS_SHELL)
        return Tablet(out, device, language=language, dark=dark, process=process)

    return start


@pytest.fixture(scope="session")
def shared_browsers() -> dict[str, Browser]:
    """The browsers that the tests of this worker share, by engine. They start when they are first used."""
    return {}


@pytest.fixture(scope="session", params=list(ENGINES))
def browser(
    request: pytest.FixtureRequest,
    start_browser: Callable[[str], Browser],
    shared_browsers: dict[str, Browser],
) -> Browser:
    """Each engine in turn; tests that use it run once per engine."""
    found = shared_browsers.get(request.param)
    if found is None or has_ended(found):
        found = shared_browsers[request.param] = start_browser(request.param)
    return found


def has_ended(browser: Browser) -> bool:
    """Returns whether a program of a browser ended by itself."""
    if isinstance(browser, XBrowser):
        return not all(program.running for program in browser._programs)
    assert isinstance(browser, Chromium)
    return not browser.running


@pytest.fixture(scope="module")
def module_browser(browser: Browser) -> Iterator[Browser]:
    """Leaves the desktop after the tests of a module: an open desktop costs a browser without a GPU much."""
    yield browser
    browser.open("about:blank")


@pytest.fixture
def viewer(module_browser: Browser, lightbox: Lightbox) -> Viewer:
    """Each engine in turn, signed in."""
    return signed_in(module_browser, lightbox)


@pytest.fixture(scope="module")
def chromium(start_browser: Callable[[str], Browser]) -> Iterator[Chromium]:
    """For tests whose matter does not depend on the engine."""
    running = start_browser("chromium")
    assert isinstance(running, Chromium)
    yield running
    running.close()


@pytest.fixture
def chromium_viewer(chromium: Chromium, lightbox: Lightbox) -> Viewer:
    """Chromium, signed in."""
    return signed_in(chromium, lightbox)


@pytest.fixture(scope="module")
def relay(lightbox: Lightbox) -> Iterator[Relay]:
    between = Relay(lightbox.port)
    yield between
    between.close()


@pytest.fixture(scope="module")
def relayed(start_browser: Callable[[str], Browser], relay: Relay, lightbox: Lightbox) -> Iterator[Viewer]:
    """Chromium behind a relay that can interrupt the connection, or stop to forward."""
    browser = start_browser("chromium")
    viewer = Viewer(browser, relay.url)
    viewer.sign_in(lightbox.username, lightbox.password)
    yield viewer
    browser.close()


@pytest.fixture(scope="module", params=TABLETS, ids=lambda device: device.name)
def tablet(request: pytest.FixtureRequest, start_tablet: StartTablet) -> Iterator[Tablet]:
    running = start_tablet(request.param)
    yield running
    running.close()


@pytest.fixture
def on_tablet(tablet: Tablet, lightbox: Lightbox) -> Viewer:
    """Signed in, the desktop open, direct touch, nothing enlarged."""
    return open_on_tablet(tablet, lightbox)


@pytest.fixture(scope="module")
def display(lightbox: Lightbox) -> Iterator[XDisplay]:
    """The desktop's own X server. Use it after a viewer has opened the desktop."""
    with closing(lightbox.display()) as reader:
        yield reader


@pytest.fixture
def device() -> Iterator[DeviceClipboard]:
    """The clipboard of the device on which the browser runs."""
    with closing(DeviceClipboard()) as clipboard:
        yield clipboard


@pytest.fixture(scope="session")
def probes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Probe]]:
    """The probes that run on the desktops of this worker, by display."""
    running: dict[str, Probe] = {}
    yield running
    for probe in running.values():
        probe.stop()


@pytest.fixture
def probe(
    display: XDisplay, probes: dict[str, Probe], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Probe]:
    """A GTK3 program on the desktop that writes down what it is given."""
    found = probes.get(display.name)
    if found is None or not found.running:
        found = Probe(display, tmp_path_factory.mktemp("probe"), x=PROBE_AT[0], y=PROBE_AT[1])
        probes[display.name] = found
    else:
        found.display = display
        found.reset()
    yield found
    if found.running:
        found.hide()


def signed_in(browser: Browser, lightbox: Lightbox) -> Viewer:
    """Signs in if this browser is not yet. Its page is then any page of this Lightbox."""
    viewer = Viewer(browser, lightbox.url)
    if browser.evaluate("return location.origin") != lightbox.url:
        browser.open(lightbox.url + "/")
    if browser.evaluate("return (await fetch('/api/v1/me')).status") != 200:
        viewer.sign_in(lightbox.username, lightbox.password)
    return viewer
