"""Counts the documented reverse proxies through which a person signs in and reaches *Exact*.

`python -m tests.acceptance.proxies` runs each configuration of deploy/proxies in front of one demo.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.acceptance.command import exit_with, note, report
from tests.e2e.browsers.chromium import Chromium
from tests.e2e.conftest import PAGE_PX
from tests.e2e.lightbox import Lightbox
from tests.e2e.reverse_proxy import DOCUMENTED, TRUSTED, Proxy, reach_exact


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="acceptance-") as name:
        folder = Path(name)
        settings = {"LIGHTBOX_TRUSTED_PROXIES": TRUSTED}
        lightbox = Lightbox(folder / "lightbox.log", profile="radiology", settings=settings)
        try:
            browser = Chromium(folder, width_px=PAGE_PX[0], height_px=PAGE_PX[1])
            try:
                reached = [reaches_exact(document, browser, lightbox, folder) for document in DOCUMENTED]
            finally:
                browser.close()
        finally:
            lightbox.stop()
    return report("proxies", sum(reached))


def reaches_exact(document: str, browser: Chromium, lightbox: Lightbox, folder: Path) -> bool:
    """Returns whether a person reaches *Exact* through the proxy with this configuration."""
    proxy = Proxy(document, lightbox, folder / document)
    try:
        reach_exact(browser, proxy, lightbox)
    except AssertionError as error:
        note(f"{document}: {error}")
        return False
    finally:
        browser.open("about:blank")
        proxy.stop()
    note(f"{document}: exact")
    return True


if __name__ == "__main__":
    exit_with(main)
