"""What one viewer keeps in its slots, by digest: the agent's twin of the viewer's tile cache.

A set-associative table like a processor's cache: a digest may stand in one of eight slots, the one used
longest ago gives way. Lookups are a few numpy calls for a whole update, and memory is fixed. Rejected: an
ordered dict, 60 MB for the quarter of a million tiles that a stack fills a cache with, and a call per tile.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

#: Slots that one digest may stand in.
WAYS = 8
#: A slot for so many bytes of cache: a noisy grey tile takes about 800 bytes.
BYTES_PER_SLOT = 768
SLOTS_MAX = 1 << 18
#: Payloads below this are sent again: a reference would take nearly as much.
WORTH_BYTES = 24

Digests = NDArray[np.uint64]
Slots = NDArray[np.int32]


class TileCache:
    """At most `cache_bytes` of payloads. Digests of 0 are never kept."""

    def __init__(self, cache_bytes: int) -> None:
        self._limit_bytes = cache_bytes
        slots = 1 << max(3, (cache_bytes // BYTES_PER_SLOT).bit_length() - 1)
        self._sets = min(slots, SLOTS_MAX) // WAYS
        self._keys = np.zeros((self._sets, WAYS), np.uint64)
        self._used = np.zeros((self._sets, WAYS), np.uint32)
        self._lengths = np.zeros((self._sets, WAYS), np.uint16)
        self._tick = 0
        #: Sum of the payloads in the viewer's slots.
        self.total_bytes = 0

    def clear(self) -> None:
        """After RESET."""
        self._keys.fill(0)
        self._used.fill(0)
        self._lengths.fill(0)
        self._tick = 0
        self.total_bytes = 0

    def begin(self) -> None:
        """A new update begins: what it looks up or stores will not be replaced by it."""
        self._tick += 1

    def find(self, digests: Digests) -> Slots:
        """The slot of each digest, −1 for those that no slot has."""
        sets = self._set_of(digests)
        hits = self._keys[sets] == digests[:, None]
        ways = hits.argmax(axis=1)
        found = hits[np.arange(len(digests)), ways] & (digests != 0)
        self._used[sets[found], ways[found]] = self._tick
        return np.where(found, sets * WAYS + ways, -1).astype(np.int32)

    def store(self, digests: Digests, lengths: NDArray[np.integer]) -> tuple[NDArray[np.int64], Slots]:
        """Which of these payloads shall be kept, and in which slots.

        Indices into `digests`, in the order in which the viewer must be told: its cache is never over its
        limit, not even between two operations. Digests differ, and none is kept yet.
        """
        indices: list[NDArray[np.int64]] = [np.empty(0, np.int64)]
        slots: list[Slots] = [np.empty(0, np.int32)]
        left = np.flatnonzero((lengths >= WORTH_BYTES) & (digests != 0))
        sets = self._set_of(digests)
        # Rounds of one payload per set: two of the same set must see each other.
        while len(left):
            _, first = np.unique(sets[left], return_index=True)
            now = left[first]
            placed = self._place(sets[now], digests[now], lengths[now])
            indices.append(now[placed >= 0])
            slots.append(placed[placed >= 0])
            left = np.delete(left, first)
        return np.concatenate(indices), np.concatenate(slots)

    def forget(self, digests: Digests) -> None:
        """These are to be sent anew. The viewer keeps the bytes until their slots are used again."""
        slots = self.find(digests)
        self._keys.reshape(-1)[slots[slots >= 0]] = 0

    def _set_of(self, digests: Digests) -> NDArray[np.int64]:
        return (digests & np.uint64(self._sets - 1)).astype(np.int64)

    def _place(self, sets: NDArray[np.int64], digests: Digests, lengths: NDArray[np.integer]) -> Slots:
        used = self._used[sets]
        ways = used.argmin(axis=1)
        if self.total_bytes + int(lengths.sum()) > self._limit_bytes:
            # An unused way would only add. Large payloads may fill the cache while most ways are unused: then
            # nothing would be kept any more.
            kept = (self._lengths[sets] > 0) & (used < self._tick)
            oldest = np.where(kept, used, np.iinfo(np.uint32).max).argmin(axis=1)
            ways = np.where(kept.any(axis=1), oldest, ways)
        free = used[np.arange(len(sets)), ways] < self._tick
        old = self._lengths[sets, ways].astype(np.int64)
        # A replaced payload is let go first: the growth counts, and at the limit only shorter ones fit.
        growth = np.where(free, lengths - old, 0)
        over = self.total_bytes + np.cumsum(growth) > self._limit_bytes
        if over.any():
            free &= (growth <= 0) | ~np.maximum.accumulate(over)
            growth = np.where(free, growth, 0)
        places = sets[free], ways[free]
        self._keys[places] = digests[free]
        self._used[places] = self._tick
        self._lengths[places] = lengths[free]
        self.total_bytes += int(growth.sum())
        return np.where(free, sets * WAYS + ways, -1).astype(np.int32)
