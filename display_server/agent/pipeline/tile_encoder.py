"""Tiles to payloads: few at once on the loop, many in threads, each only once for all viewers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor

from display_codecs import EncodedTiles, encode_tiles

from display_server.agent.update.payloads import EncodedTile, PayloadCache
from display_server.agent.update.shadow import Shadow
from display_server.telemetry.metrics import AgentMetrics

#: So many tiles take 0.2 ms, or 0.8 if they are all text: less than a thread's wake-up where every core is at
#: work, and what a click changes is seldom more.
INLINE_TILES = 16
#: From so many tiles on two threads share the work.
SPLIT_TILES = 48
#: Kept while several viewers look, bytes.
SHARED_BYTES = 12 * 1024 * 1024


class TileEncoder:
    """Reads the shadow, which must not change until `payloads` returned."""

    def __init__(
        self, shadow: Shadow, executor: Executor, metrics: AgentMetrics, viewers: Callable[[], int]
    ) -> None:
        self._shadow = shadow
        self._executor = executor
        self._metrics = metrics
        self._viewers = viewers
        self._shared = PayloadCache(SHARED_BYTES)

    async def payloads(self, tiles: Sequence[int], digests: Sequence[int]) -> dict[int, EncodedTile]:
        """By digest. `digests[i]` is that of tile `tiles[i]` in the shadow."""
        coded: dict[int, EncodedTile] = {}
        shared = self._viewers() > 1
        if not shared:
            if self._shared.size_bytes:
                self._shared.clear()
            await self._encode(tiles, digests, coded)
            return coded
        missing_tiles, missing = [], []
        for tile, digest in zip(tiles, digests, strict=True):
            known = self._shared.get(digest)
            if known is None:
                missing_tiles.append(tile)
                missing.append(digest)
            else:
                coded[digest] = known
        self._metrics.shared += len(coded)
        await self._encode(missing_tiles, missing, coded)
        for digest in missing:
            self._shared.put(digest, coded[digest])
        return coded

    async def _encode(
        self, tiles: Sequence[int], digests: Sequence[int], coded: dict[int, EncodedTile]
    ) -> None:
        if len(tiles) <= INLINE_TILES:
            if tiles:
                _collect(self._run(tiles), digests, coded)
            return
        loop = asyncio.get_running_loop()
        half = len(tiles) // 2 if len(tiles) >= SPLIT_TILES else 0
        first = loop.run_in_executor(self._executor, self._run, tiles[half:])
        if half:
            second = loop.run_in_executor(self._executor, self._run, tiles[:half])
            _collect(await second, digests[:half], coded)
        _collect(await first, digests[half:], coded)

    def _run(self, tiles: Sequence[int]) -> EncodedTiles:
        return encode_tiles(self._shadow.pixels, self._shadow.grid, tiles)


def _collect(encoded: EncodedTiles, digests: Sequence[int], coded: dict[int, EncodedTile]) -> None:
    data, start = encoded.data, 0
    numbers = encoded.encoding_numbers.tolist()
    for digest, end, number in zip(digests, encoded.ends.tolist(), numbers, strict=True):
        coded[digest] = EncodedTile(data[start:end], number)
        start = end
