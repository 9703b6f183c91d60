"""Repeats tests whose gestures a busy host could not make in time.

What a gesture means depends on its duration: a tap that takes too long is a long press. A test whose input
came too late says nothing about the product, so it is repeated from its start.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import ParamSpec

from tests.e2e.browsers.touch import GestureTooSlowError, TouchInput
from tests.e2e.viewer import Viewer
from tests.e2e.x_desktop.probe import Probe

P = ParamSpec("P")

#: Attempts before the test fails.
ATTEMPTS = 12


def retry_slow_gestures(test: Callable[P, None]) -> Callable[P, None]:
    """Decorates a test so that it is repeated after GestureTooSlowError."""

    @functools.wraps(test)
    def repeated(*args: P.args, **kwargs: P.kwargs) -> None:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                test(*args, **kwargs)
            except GestureTooSlowError as error:
                print(f"attempt {attempt}: {error}")
                if attempt == ATTEMPTS:
                    raise
                for fixture in kwargs.values():
                    _reset(fixture)
            else:
                return

    return repeated


def _reset(fixture: object) -> None:
    """Brings viewer and probe back into the state in which the test received them."""
    if isinstance(fixture, Viewer) and isinstance(fixture.browser, TouchInput):
        browser = fixture.browser
        browser.touch({})
        browser.evaluate(
            "const keys = Object.keys(localStorage).filter((key) => key.startsWith('lightbox.'));"
            "for (const key of keys) localStorage.removeItem(key)"
        )
        browser.open(fixture.opened)
        fixture.wait_for_badge("exact", "scaled")
    if isinstance(fixture, Probe):
        fixture.reset()
