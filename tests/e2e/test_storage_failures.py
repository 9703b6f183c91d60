"""What people read when the account database is lost or damaged under a running server.

`tests/integration/test_storage_failures.py` has the other faults, `/healthz` and the log.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import pytest

from tests.e2e.browsers.chromium import Chromium
from tests.e2e.conftest import DESKTOP_PX, signed_in
from tests.e2e.gateway_client import TIMEOUT_S, unverified_tls_context
from tests.e2e.lightbox import Lightbox
from tests.e2e.processes import wait_for
from tests.e2e.viewer import PATIENCE_S, Viewer

#: The beginning of a SQLite file, which says how to read it, bytes.
HEADER_BYTES = 100
WORDS = {
    "en": ("The server cannot look up accounts and desktops at the moment.", "tell your administrator"),
    "ko": ("지금은 서버가 계정과 데스크톱을 조회할 수 없습니다.", "관리자에게 알려 주세요"),
}


@pytest.fixture
def own_lightbox(out: Path) -> Iterator[Lightbox]:
    """A demo that a test may damage."""
    with Lightbox(
        out / "storage.log", profile="blank", width_px=DESKTOP_PX[0], height_px=DESKTOP_PX[1]
    ) as running:
        yield running


def delete(database: Path) -> None:
    database.unlink()


def damage(database: Path) -> None:
    """Overwrites everything behind the header, as a failing disk may do."""
    with database.open("r+b") as file:
        size = file.seek(0, 2)
        file.seek(HEADER_BYTES)
        file.write(b"\xa5" * (size - HEADER_BYTES))


def faults(lightbox: Lightbox) -> list[str]:
    """Returns the reasons that `/healthz` names."""
    with httpx2.Client(verify=unverified_tls_context(), timeout=TIMEOUT_S, trust_env=False) as client:
        return [reason["code"] for reason in client.get(f"{lightbox.url}/healthz").json().get("reasons", [])]


def wait_for_words(viewer: Viewer, language: str) -> None:
    """Waits until the page says what happened and what to do, in plain words."""
    texts = [""]

    def shown() -> bool:
        texts[0] = viewer.browser.evaluate("return document.body.innerText")
        return all(part in texts[0] for part in WORDS[language])

    wait_for(shown, timeout_s=PATIENCE_S, what=viewer.situation)
    assert not any(word in texts[0].lower() for word in ("sqlite", "sqlalchemy", "traceback", "lightbox.db"))


@pytest.mark.parametrize(
    ("break_it", "fault"),
    [(delete, "database-missing"), (damage, "database-damaged")],
    ids=["deleted", "damaged"],
)
def test_a_lost_database_is_explained_and_open_desktops_keep_running(
    own_lightbox: Lightbox, chromium: Chromium, out: Path, break_it: Callable[[Path], None], fault: str
) -> None:
    viewer = signed_in(chromium, own_lightbox)
    viewer.open_desktop("blank")
    break_it(own_lightbox.state_folder / "lightbox.db")
    wait_for(
        lambda: faults(own_lightbox) == [fault],
        timeout_s=PATIENCE_S,
        what=lambda: f"the fault {fault}; there are {faults(own_lightbox)}",
    )
    assert viewer.badge() == "exact"
    for language in WORDS:
        chromium.evaluate(f"localStorage.setItem('lightbox.language', '{language}')")
        chromium.open(own_lightbox.url + "/")
        wait_for_words(viewer, language)
        chromium.screenshot(out / f"{fault}-list-{language}.png")
    chromium.run(lambda: chromium.page.context.clear_cookies())
    for language in reversed(WORDS):
        chromium.evaluate(f"localStorage.setItem('lightbox.language', '{language}')")
        chromium.open(own_lightbox.url + "/")
        viewer.fill_in(own_lightbox.username, own_lightbox.password)
        wait_for_words(viewer, language)
        chromium.screenshot(out / f"{fault}-sign-in-{language}.png")
