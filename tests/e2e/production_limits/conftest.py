"""The demo of these tests has the limits of production for what counts as silent or late.

All other browser tests multiply these limits, so that a busy host is not taken for a fault.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.browsers.browser import Browser
from tests.e2e.conftest import radiology_demo
from tests.e2e.lightbox import Lightbox
from tests.e2e.relay import Relay
from tests.e2e.viewer import Viewer
from tests.e2e.x_desktop.display import XDisplay


@pytest.fixture(scope="module")
def lightbox(out: Path, request: pytest.FixtureRequest) -> Iterator[Lightbox]:
    with radiology_demo(out / f"{request.path.stem}.log", patience=1) as running:
        yield running


@pytest.fixture(scope="module")
def display(lightbox: Lightbox) -> Iterator[XDisplay]:
    reader = lightbox.display()
    yield reader
    reader.close()


@pytest.fixture(scope="module")
def relay(lightbox: Lightbox) -> Iterator[Relay]:
    between = Relay(lightbox.port)
    yield between
    between.close()


@pytest.fixture(scope="module")
def relayed(start_browser: Callable[[str], Browser], relay: Relay, lightbox: Lightbox) -> Iterator[Viewer]:
    """Chromium behind a relay that can stop to forward."""
    browser = start_browser("chromium")
    viewer = Viewer(browser, relay.url)
    viewer.sign_in(lightbox.username, lightbox.password)
    yield viewer
    browser.close()
