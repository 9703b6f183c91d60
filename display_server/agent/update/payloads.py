"""Keeps the payloads that more than one viewer may need, so that each tile is encoded only once."""

from __future__ import annotations

from collections import OrderedDict
from typing import NamedTuple

from display_server.protocol.wire import Payload

#: Memory that an entry takes beside its payload (the digest, the tuple, the links of the OrderedDict), in
#: bytes.
ENTRY_BYTES = 250


class EncodedTile(NamedTuple):
    """A tile's payload and the number of its encoding.

    This is a tuple, not a dataclass, because up to 15 000 are made per second.
    """

    payload: Payload
    encoding: int


class PayloadCache:
    """A least-recently-used cache of at most `limit_bytes`, keyed by the digest of the tile.

    A digest depends on the size of its tile as well, so tiles of different sizes never share a payload.
    """

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._entries: OrderedDict[int, EncodedTile] = OrderedDict()
        self.size_bytes = 0
        self.hits = 0

    def get(self, digest: int) -> EncodedTile | None:
        encoded = self._entries.get(digest)
        if encoded is not None:
            self._entries.move_to_end(digest)
            self.hits += 1
        return encoded

    def put(self, digest: int, encoded: EncodedTile) -> None:
        if digest in self._entries:
            return
        # A payload may be a view of the whole batch that was encoded with it: keep a copy, not the batch.
        self._entries[digest] = EncodedTile(bytes(encoded.payload), encoded.encoding)
        self.size_bytes += len(encoded.payload) + ENTRY_BYTES
        while self.size_bytes > self._limit_bytes:
            _, oldest = self._entries.popitem(last=False)
            self.size_bytes -= len(oldest.payload) + ENTRY_BYTES

    def clear(self) -> None:
        self._entries.clear()
        self.size_bytes = 0
