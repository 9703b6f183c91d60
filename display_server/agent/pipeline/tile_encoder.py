"""Encodes the tiles of one monitor: few at once on the event loop, many in worker threads."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor

from display_codecs import EncodedTiles, encode_tiles

from display_server.agent.update.payloads import EncodedTile, PayloadCache
from display_server.agent.update.shadow import Shadow
from display_server.telemetry.metrics import AgentMetrics

#: Up to this many tiles are encoded on the event loop: that takes 0.2 ms, or 0.8 ms if all of them are text.
#: Waking a thread takes longer while all cores are busy, and a click seldom changes more tiles.
INLINE_TILES = 16

#: From this many tiles on, two threads share the work.
SPLIT_TILES = 48

#: Payloads are kept up to this size while a monitor has several viewers, bytes.
CACHE_BYTES = 12 * 1024 * 1024


class TileEncoder:
    """Encodes each tile only once, however many viewers it is sent to.

    The shadow framebuffer must not change while `encode` runs. `viewer_count` returns the number of viewers
    that the monitor has at the moment.
    """

    def __init__(
        self, shadow: Shadow, executor: Executor, metrics: AgentMetrics, viewer_count: Callable[[], int]
    ) -> None:
        self._shadow = shadow
        self._executor = executor
        self._metrics = metrics
        self._viewer_count = viewer_count
        self._cache = PayloadCache(CACHE_BYTES)

    async def encode(self, tiles: Sequence[int], keys: Sequence[int]) -> dict[int, EncodedTile]:
        """Returns the encoded tiles by key. `keys[i]` is that of `tiles[i]` (`Shadow.keys`)."""
        encoded: dict[int, EncodedTile] = {}
        if self._viewer_count() <= 1:
            if self._cache.size_bytes:
                self._cache.clear()
            await self._encode(tiles, keys, encoded)
            return encoded
        missing_tiles, missing = [], []
        for tile, key in zip(tiles, keys, strict=True):
            cached = self._cache.get(key)
            if cached is None:
                missing_tiles.append(tile)
                missing.append(key)
            else:
                encoded[key] = cached
        self._metrics.shared += len(encoded)
        await self._encode(missing_tiles, missing, encoded)
        for key in missing:
            self._cache.put(key, encoded[key])
        return encoded

    async def _encode(self, tiles: Sequence[int], keys: Sequence[int], into: dict[int, EncodedTile]) -> None:
        if len(tiles) <= INLINE_TILES:
            if tiles:
                _collect(self._run_codec(tiles), keys, into)
            return
        loop = asyncio.get_running_loop()
        half = len(tiles) // 2 if len(tiles) >= SPLIT_TILES else 0
        first = loop.run_in_executor(self._executor, self._run_codec, tiles[half:])
        if half:
            second = loop.run_in_executor(self._executor, self._run_codec, tiles[:half])
            _collect(await second, keys[:half], into)
        _collect(await first, keys[half:], into)

    def _run_codec(self, tiles: Sequence[int]) -> EncodedTiles:
        return encode_tiles(self._shadow.pixels, self._shadow.grid, tiles)


def _collect(batch: EncodedTiles, keys: Sequence[int], into: dict[int, EncodedTile]) -> None:
    """Splits the data of a batch into one payload per tile."""
    data, start = batch.data, 0
    numbers = batch.encoding_numbers.tolist()
    for key, end, number in zip(keys, batch.ends.tolist(), numbers, strict=True):
        into[key] = EncodedTile(data[start:end], number)
        start = end
