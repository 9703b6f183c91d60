"""From where signed-in browsers were last seen. Pure.

A broker that has just started knows none of them. Their pages ask for the state of the lock every few
seconds, so that it does soon.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

#: Browsers that are remembered; the one without a request for longest is forgotten.
SEEN_MAX = 20_000


@dataclass(frozen=True, slots=True)
class SeenBrowser:
    """Who was signed in there, the address of the last request, and the tags of the device."""

    username: str
    address: str
    tags: frozenset[str]


class SeenBrowsers:
    """The browsers by the hash of their web session."""

    def __init__(self) -> None:
        self._seen: OrderedDict[bytes, SeenBrowser] = OrderedDict()

    def see(self, id_hash: bytes, browser: SeenBrowser) -> bool:
        """Takes note of a request. Returns whether the browser was somewhere else before."""
        moved = self._seen.get(id_hash, browser) != browser
        self._seen[id_hash] = browser
        self._seen.move_to_end(id_hash)
        while len(self._seen) > SEEN_MAX:
            self._seen.popitem(last=False)
        return moved

    def find(self, id_hash: bytes) -> SeenBrowser | None:
        return self._seen.get(id_hash)
