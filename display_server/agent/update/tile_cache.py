"""Mirrors the viewer's tile cache on the agent's side: which digest is in which slot.

The table is set-associative, like a processor's cache: a digest selects a set of eight slots, and replaces
the least recently used of them. A lookup is a few numpy calls for a whole update, and the memory is fixed. An
ordered dict was rejected: it needs 60 MB for the quarter of a million tiles that a large series of images
fills a cache with, and a call per tile.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

#: Slots of each set, in any of which a digest of that set may be.
SLOTS_PER_SET = 8
#: The cache has one slot for this many bytes. A tile of noisy grey takes about 800 bytes.
BYTES_PER_SLOT = 768
#: Upper limit of the number of slots.
SLOTS_MAX = 1 << 18
#: Shorter payloads are not cached, because a reference to a slot would be nearly as long.
PAYLOAD_MIN_BYTES = 24

Digests = NDArray[np.uint64]
Slots = NDArray[np.int32]


class TileCache:
    """At most `cache_bytes` of payloads are cached by the viewer. A digest of 0 is never cached.

    In the arrays `_keys`, `_used` and `_lengths`, the row is a set and the column is a slot of that set.
    """

    def __init__(self, cache_bytes: int) -> None:
        self._limit_bytes = cache_bytes
        slots = 1 << max(3, (cache_bytes // BYTES_PER_SLOT).bit_length() - 1)
        self._sets = min(slots, SLOTS_MAX) // SLOTS_PER_SET
        self._keys = np.zeros((self._sets, SLOTS_PER_SET), np.uint64)  # digests; 0: none
        self._used = np.zeros((self._sets, SLOTS_PER_SET), np.uint32)  # `_tick` of the last use
        self._lengths = np.zeros((self._sets, SLOTS_PER_SET), np.uint16)  # bytes that the viewer keeps
        self._tick = 0  # number of the present update
        #: Sum of the lengths of the payloads in the viewer's slots.
        self.total_bytes = 0

    def clear(self) -> None:
        """Empties the cache, as RESET does on the viewer's side."""
        self._keys.fill(0)
        self._used.fill(0)
        self._lengths.fill(0)
        self._tick = 0
        self.total_bytes = 0

    def begin_update(self) -> None:
        """Begins an update. No slot that it finds or stores is replaced before the next update."""
        self._tick += 1

    def find(self, digests: Digests) -> Slots:
        """Returns the slot of each digest, or −1 where the digest is not cached."""
        sets = self._set_of(digests)
        hits = self._keys[sets] == digests[:, None]
        columns = hits.argmax(axis=1)
        found = hits[np.arange(len(digests)), columns] & (digests != 0)
        self._used[sets[found], columns[found]] = self._tick
        return np.where(found, sets * SLOTS_PER_SET + columns, -1).astype(np.int32)

    def store(self, digests: Digests, lengths: NDArray[np.integer]) -> tuple[NDArray[np.int64], Slots]:
        """Decides which of these payloads are cached. The digests must differ, and none may be cached yet.

        Returns indices into `digests`, and the slot of each. The viewer must get the STORE operations in this
        order, so that its cache is never over its limit, not even between two operations.
        """
        indices: list[NDArray[np.int64]] = [np.empty(0, np.int64)]
        slots: list[Slots] = [np.empty(0, np.int32)]
        left = np.flatnonzero((lengths >= PAYLOAD_MIN_BYTES) & (digests != 0))
        sets = self._set_of(digests)
        # Each round stores at most one payload per set, so that a payload sees the ones stored in its set
        # before.
        while len(left):
            _, first = np.unique(sets[left], return_index=True)
            now = left[first]
            placed = self._place(sets[now], digests[now], lengths[now])
            indices.append(now[placed >= 0])
            slots.append(placed[placed >= 0])
            left = np.delete(left, first)
        return np.concatenate(indices), np.concatenate(slots)

    def forget(self, digests: Digests) -> None:
        """Makes these be sent anew. The viewer keeps their bytes until the slots are used again."""
        slots = self.find(digests)
        self._keys.reshape(-1)[slots[slots >= 0]] = 0

    def _set_of(self, digests: Digests) -> NDArray[np.int64]:
        return (digests & np.uint64(self._sets - 1)).astype(np.int64)

    def _place(self, sets: NDArray[np.int64], digests: Digests, lengths: NDArray[np.integer]) -> Slots:
        """Stores at most one payload per set. Returns the slot of each, or −1 where it is not stored."""
        used = self._used[sets]
        columns = used.argmin(axis=1)
        if self.total_bytes + int(lengths.sum()) > self._limit_bytes:
            # Replace the oldest payload rather than fill an unused slot, which would only add bytes.
            # Otherwise large payloads reach the limit while most slots are unused, and then nothing is stored
            # any more.
            replaceable = (self._lengths[sets] > 0) & (used < self._tick)
            oldest = np.where(replaceable, used, np.iinfo(np.uint32).max).argmin(axis=1)
            columns = np.where(replaceable.any(axis=1), oldest, columns)
        free = used[np.arange(len(sets)), columns] < self._tick
        old_lengths = self._lengths[sets, columns].astype(np.int64)
        # The viewer frees the replaced payload first, so only the growth counts; at the limit, only payloads
        # that are not longer than the ones that they replace are stored.
        growth = np.where(free, lengths - old_lengths, 0)
        over = self.total_bytes + np.cumsum(growth) > self._limit_bytes
        if over.any():
            free &= (growth <= 0) | ~np.maximum.accumulate(over)
            growth = np.where(free, growth, 0)
        places = sets[free], columns[free]
        self._keys[places] = digests[free]
        self._used[places] = self._tick
        self._lengths[places] = lengths[free]
        self.total_bytes += int(growth.sum())
        return np.where(free, sets * SLOTS_PER_SET + columns, -1).astype(np.int32)
