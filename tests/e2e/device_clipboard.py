"""The clipboard of the device on which the browser runs, as other programs of the device use it."""

from __future__ import annotations

import base64
from collections.abc import Mapping

from tests.e2e.browsers.browser import Browser
from tests.e2e.browsers.chromium import Chromium
from tests.e2e.browsers.x_browser import XBrowser
from tests.e2e.x_desktop.display import XDisplay
from tests.fakes.x_programs import LARGE_CHUNK_BYTES, ClipboardOwner, ClipboardRequestor

#: X targets by MIME type, where they differ.
TARGETS = {"text/plain": "UTF8_STRING"}
#: How long a program of the device waits for content that the page promised, s.
PASTE_TIMEOUT_S = 10.0
WRITE = """
const contents = CONTENTS;
const items = {};
for (const [type, data] of Object.entries(contents)) {
  const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
  items[type] = new Blob([bytes], { type });
}
await navigator.clipboard.write([new ClipboardItem(items)]);
"""
READ = """
const [item] = await navigator.clipboard.read();
if (!item?.types.includes(TYPE)) return null;
const blob = await item.getType(TYPE).catch((error) => {
  if (error.name === 'InvalidStateError') return null; // the page has just written something else
  throw error;
});
if (blob === null) return null;
const bytes = new Uint8Array(await blob.arrayBuffer());
let binary = '';
for (let start = 0; start < bytes.length; start += 32768)
  binary += String.fromCharCode(...bytes.subarray(start, start + 32768));
return btoa(binary);
"""


class DeviceClipboard:
    """Copies and pastes beside the browser, which loses the focus meanwhile.

    Chromium runs headless, where another page stands for the other program.
    """

    def __init__(self) -> None:
        self._owners: list[ClipboardOwner] = []

    def copy(self, browser: Browser, content: str | Mapping[str, bytes], *, refusing: bool = False) -> None:
        """Copies text, or content by MIME type. A `refusing` program does not deliver what it copied."""
        contents = {"text/plain": content.encode()} if isinstance(content, str) else dict(content)
        browser.lose_focus()
        if isinstance(browser, Chromium):
            assert not refusing, "headless Chromium has no other programs"
            allow(browser)
            packed = {kind: base64.b64encode(data).decode() for kind, data in contents.items()}
            browser.evaluate(WRITE.replace("CONTENTS", str(packed)))
        else:
            assert isinstance(browser, XBrowser)
            targets = {TARGETS.get(kind, kind): data for kind, data in contents.items()}
            connection = XDisplay(browser.display, None).connect()
            owner = ClipboardOwner(connection, targets, refusing=refusing, chunk_bytes=LARGE_CHUNK_BYTES)
            self._owners.append(owner)
        browser.regain_focus()

    def paste(self, browser: Browser, kind: str = "text/plain") -> bytes | None:
        """Returns what another program of the device would paste; None if there is no such content."""
        if isinstance(browser, Chromium):
            packed: str | None = browser.evaluate(READ.replace("TYPE", repr(kind)))
            return None if packed is None else base64.b64decode(packed)
        assert isinstance(browser, XBrowser)
        program = ClipboardRequestor(XDisplay(browser.display, None).connect())
        try:
            return program.paste(TARGETS.get(kind, kind), timeout_s=PASTE_TIMEOUT_S)
        except TimeoutError:
            return None
        finally:
            program.close()

    def text(self, browser: Browser) -> str | None:
        """Returns the text that another program of the device would paste."""
        data = self.paste(browser)
        return None if data is None else data.decode()

    def close(self) -> None:
        for owner in self._owners:
            owner.close()


def allow(browser: Chromium) -> None:
    """Grants the clipboard permissions that Chrome asks a person for."""
    browser.run(lambda: browser.page.context.grant_permissions(["clipboard-read", "clipboard-write"]))
