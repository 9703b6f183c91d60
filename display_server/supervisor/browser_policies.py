"""Writes the policies of a profile's browser where the browser reads them and no program can change them.

They are only for isolated desktops: elsewhere a browser reads the policies of the host.
"""

from __future__ import annotations

from pathlib import Path

from display_server.desktop.profiles.profile import PROFILES_FOLDER, Browser, substitute
from display_server.spawner import layout

#: Templates beside the profiles, and the files that are made of them.
TEMPLATES = {
    "settings/browser-policies/chromium.json": layout.CHROMIUM_POLICIES,
    "settings/browser-policies/firefox.json": layout.FIREFOX_POLICIES,
}


def write_policies(browser: Browser, home: Path, folder: Path = Path(layout.POLICIES_FOLDER)) -> None:
    """Replaces what is there. Raises OSError."""
    folder.mkdir(mode=0o755, exist_ok=True)
    folder.chmod(0o755)
    for template, name in TEMPLATES.items():
        text = (PROFILES_FOLDER / template).read_text("utf-8").replace("{home_page}", browser.home_page)
        new = folder / f"{name}.new"
        new.write_text(substitute(text, home), "utf-8")
        new.chmod(0o644)
        new.replace(folder / name)
