"""Payloads that more than one viewer may need: coded once, sent to many."""

from __future__ import annotations

from collections import OrderedDict
from typing import NamedTuple

from display_server.protocol.wire import Payload

#: What a digest and its places in dict and order take beside the payload.
ENTRY_BYTES = 250


class Coded(NamedTuple):
    """A tile's payload and the number of its encoding. A tuple: there are 15 000 a second of them."""

    payload: Payload
    encoding: int


class PayloadCache:
    """By digest, which tells the tile's size as well; least recently used out first, within `limit_bytes`."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._entries: OrderedDict[int, Coded] = OrderedDict()
        self.size_bytes = 0
        self.hits = 0

    def get(self, digest: int) -> Coded | None:
        coded = self._entries.get(digest)
        if coded is not None:
            self._entries.move_to_end(digest)
            self.hits += 1
        return coded

    def put(self, digest: int, coded: Coded) -> None:
        if digest in self._entries:
            return
        # A view would keep the whole batch alive.
        self._entries[digest] = Coded(bytes(coded.payload), coded.encoding)
        self.size_bytes += len(coded.payload) + ENTRY_BYTES
        while self.size_bytes > self._limit_bytes:
            _, old = self._entries.popitem(last=False)
            self.size_bytes -= len(old.payload) + ENTRY_BYTES

    def clear(self) -> None:
        self._entries.clear()
        self.size_bytes = 0
