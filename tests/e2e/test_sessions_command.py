"""`lightbox sessions` finds the desktops of a running demo and reports the sizes that they have now."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.browsers.chromium import Chromium
from tests.e2e.conftest import signed_in
from tests.e2e.lightbox import COMMAND, COMMAND_TIMEOUT_S, ROOT, Lightbox
from tests.e2e.processes import wait_for
from tests.e2e.viewer import PATIENCE_S


@pytest.fixture
def demo(out: Path) -> Iterator[Lightbox]:
    """A demo whose desktop takes the size of its window."""
    with Lightbox(out / "sessions.log", profile="blank") as running:
        yield running


def listed(demo: Lightbox) -> dict[str, Any]:
    """Runs the command as a person does who does not know the demo's state folder."""
    environment = {name: value for name, value in demo.environment.items() if name != "LIGHTBOX_STATE"}
    done = subprocess.run(
        [*COMMAND, "sessions", "--json"],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=COMMAND_TIMEOUT_S,
        check=True,
    )
    own = demo.session().id
    (found,) = [entry for entry in json.loads(done.stdout) if entry["id"] == own]  # tests run side by side
    return dict(found)


def test_the_list_has_the_demos_desktop_with_its_present_size(demo: Lightbox, chromium: Chromium) -> None:
    viewer = signed_in(chromium, demo)
    viewer.open_desktop("blank")
    for width, height in ((1100, 780), (1300, 820)):
        chromium.resize(width, height)
        wait_for(
            lambda: listed(demo)["size"] == f"{width}x{height}",  # noqa: B023
            timeout_s=PATIENCE_S,
            what=lambda: f"{width}x{height}; the list has {listed(demo)}",  # noqa: B023
        )
    found = listed(demo)
    assert (found["user"], found["desktop"], found["state"]) == (demo.username, "blank", "ready")
    assert found["url"].rstrip("/") == demo.url
