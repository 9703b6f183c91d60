"""Records what one viewer's surface shows after everything sent, and composes its next update."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from display_codecs import ENCODING_NAMES
from numpy.typing import NDArray

from display_server.agent.update.moves import TileMove
from display_server.agent.update.payloads import EncodedTile
from display_server.agent.update.priority import prioritize
from display_server.agent.update.shadow import Shadow
from display_server.agent.update.tile_cache import TileCache
from display_server.protocol.wire import Payload, UpdateWriter

Mask = NDArray[np.bool_]
Tiles = NDArray[np.int32]
Digests = NDArray[np.uint64]
Contents = NDArray[np.int64]

#: Expected size of a payload before any was encoded for this viewer: that of text and windows.
PAYLOAD_FIRST_BYTES = 800.0
#: Weight of the newest update in the moving averages of payload size and colour.
AVERAGE_WEIGHT = 0.3
#: Encodings of tiles in full colour. Text in few colours is encoded as `palette`.
COLOUR_ENCODINGS = ("colour", "raw")
#: An update may hold this many encoded tiles on any link, however slow it is.
TILES_MIN = 8


@dataclass(slots=True)
class SentCounts:
    """Totals since the viewer connected."""

    tiles: int = 0
    updates: int = 0
    #: Frames that were replaced by newer ones before this viewer could take them.
    dropped: int = 0
    bytes: int = 0
    #: What the same tiles take at 3 bytes per pixel.
    raw_bytes: int = 0
    #: Tiles that came out of the viewer's cache.
    cached: int = 0
    #: Tiles that were moved.
    moved: int = 0
    #: Encoded tiles by the name of their encoding.
    encodings: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class UpdatePlan:
    """The content of the next update, before its tiles are encoded."""

    #: The plan is void when the surface has another generation by now.
    generation: int
    reset: bool
    #: Whether tiles remain for later updates.
    partial: bool
    move: TileMove | None
    #: Tiles that the viewer has in its cache, and their slots.
    cached: Tiles
    slots: NDArray[np.int32]
    #: Tiles to encode, most urgent first, and their keys. No key occurs twice.
    tiles: Tiles
    keys: list[int]
    #: Further tiles with the key of one in `tiles`, and the index of that tile.
    repeats: Tiles
    repeated: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Update:
    """An encoded update."""

    epoch: int
    #: The binary frame to send.
    data: bytes
    reset: bool
    partial: bool
    #: The tiles that the update changes, and the digests that they have afterwards.
    tiles: Tiles
    digests: Digests
    #: What these tiles take at 3 bytes per pixel.
    raw_bytes: int
    #: Number of tiles by encoding, and under `cached` and `moved`.
    encodings: dict[str, int]


class SentSurface:
    """One viewer's surface and tile cache as they are once it has applied everything sent.

    A tile is pending while the surface does not show the shadow's content there. Contents have numbers, which
    change with the bytes of a tile: an equal digest does not make a tile unchanged.
    """

    def __init__(self, shadow: Shadow, monitor: int, cache_bytes: int) -> None:
        self._shadow = shadow
        self._monitor = monitor
        self.cache = TileCache(cache_bytes)
        self.counts = SentCounts()
        #: The epoch of the newest update; 0 before the first.
        self.epoch = 0
        self._generation = 0
        self._reset_due = True
        self._mean_payload_bytes = PAYLOAD_FIRST_BYTES
        self._colour_ratio = 0.0
        self._start(shadow)

    def _start(self, shadow: Shadow) -> None:
        """Initialises what depends on the size of the surface."""
        count = shadow.grid.count
        self._shadow = shadow
        # Numbers of the contents that the surface shows, except where `_unknown`; 0 is black.
        self._shown: Contents = np.zeros(count, np.int64)
        self._unknown: Mask = np.zeros(count, np.bool_)
        # Tiles that were read back wrong and were not sent since: nothing may be copied from them.
        self._distrusted: Mask = np.zeros(count, np.bool_)
        self._covered: Mask = np.zeros(count, np.bool_)
        self._pending_since_s = np.full(count, np.inf)  # infinite for tiles that are not pending
        self._seen_version = shadow.version  # the version of the shadow at the last plan

    @property
    def pending(self) -> Mask:
        """(tiles,) whether a tile must be sent. Tiles that video covers need not."""
        differs = (self._shown != self._shadow.contents) | self._unknown
        pending: Mask = differs & ~self._covered
        return pending

    @property
    def covered(self) -> Mask:
        """(tiles,) whether video covers a tile."""
        return self._covered

    @property
    def mean_payload_bytes(self) -> float:
        """The size of an encoded tile, as a moving average."""
        return self._mean_payload_bytes

    @property
    def colour_ratio(self) -> float:
        """The fraction of encoded tiles that are in full colour, as a moving average."""
        return self._colour_ratio

    @property
    def update_due(self) -> bool:
        """Whether there is something to send. The first update is due even if the screen is black."""
        return self._reset_due or bool(self.pending.any())

    def reset(self) -> None:
        """The viewer's surface and cache are lost, or useless: the next update is a RESET."""
        self._generation += 1
        self._reset_due = True
        self._shown.fill(0)
        self._unknown.fill(False)
        self._distrusted.fill(False)
        self._covered.fill(False)
        self.cache.clear()

    def replace_shadow(self, shadow: Shadow) -> None:
        """The monitor has another size: the next update is a RESET for the new shadow. Epochs continue."""
        self._start(shadow)
        self.reset()

    def distrust(self, tiles: Tiles) -> None:
        """The viewer shows these tiles wrong. No move copies from them until they are sent."""
        self._generation += 1
        self._distrusted[tiles] = True

    def invalidate(self, tiles: Tiles) -> None:
        """Makes tiles that the surface shows wrong be sent again, and not from the viewer's cache."""
        self._generation += 1
        self._unknown[tiles] = True
        self.cache.begin_update()
        self.cache.forget(self._shadow.keys[tiles])

    def cover(self, tiles: Tiles) -> None:
        """Video covers exactly these tiles from now on. None of them is sent until `uncover`."""
        self._generation += 1
        self._covered.fill(False)
        self._covered[tiles] = True
        self._unknown[tiles] = True

    def uncover(self) -> None:
        """Video ended. The tiles that it covered become pending."""
        self._generation += 1
        self._covered.fill(False)

    def shows(self, contents: Contents, tiles: Tiles) -> bool:
        """Returns whether the surface shows `contents[tiles]`, so that a move may copy from these tiles."""
        doubtful = self._unknown[tiles] | self._distrusted[tiles]
        return bool((self._shown[tiles] == contents[tiles]).all() and not doubtful.any())

    def plan_update(
        self, move: TileMove | None, pointer_tile: int | None, budget_bytes: int, now_s: float
    ) -> UpdatePlan:
        """Chooses what the next update holds, so that it takes about `budget_bytes`.

        `move` is used only if the surface shows what it copies: ask `shows` before. `pointer_tile` is the
        tile under the pointer.
        """
        self._count_dropped_frames()
        pending = self.pending
        if self._reset_due or self._covered.any():
            move = None  # it might copy from below the video
        if move is not None:
            pending[move.tiles] = self._unknown[move.tiles]
        started = np.isinf(self._pending_since_s) & pending
        self._pending_since_s[started] = now_s
        self._pending_since_s[~pending] = np.inf

        keys = self._shadow.keys
        self.cache.begin_update()
        # A stale tile has to wait for its digest and its key.
        partial = bool((pending & self._shadow.stale).any())
        wanted = np.flatnonzero(pending & ~self._shadow.stale).astype(np.int32)
        slots = self.cache.find(keys[wanted])
        is_cached = slots >= 0
        tiles_max = max(TILES_MIN, int(budget_bytes / self._mean_payload_bytes))
        to_encode = wanted[~is_cached]
        if len(to_encode) > tiles_max:
            mask = np.zeros(len(pending), np.bool_)
            mask[to_encode] = True
            waited_s = np.where(mask, now_s - self._pending_since_s, 0.0)
            to_encode = prioritize(mask, self._shadow.grid.columns, pointer_tile, waited_s)[:tiles_max]
            partial = True
        _, first, inverse = np.unique(keys[to_encode], return_index=True, return_inverse=True)
        # `first` is ordered by key: restore the order of urgency.
        order = np.argsort(first)
        rank = np.empty_like(order)
        rank[order] = np.arange(len(order))
        chosen = to_encode[first[order]]
        is_repeat = np.ones(len(to_encode), np.bool_)
        is_repeat[first] = False
        return UpdatePlan(
            generation=self._generation,
            reset=self._reset_due,
            partial=partial,
            move=move,
            cached=wanted[is_cached],
            slots=slots[is_cached],
            tiles=chosen,
            keys=keys[chosen].tolist(),
            repeats=to_encode[is_repeat],
            repeated=rank[inverse[is_repeat]],
        )

    def is_current(self, plan: UpdatePlan) -> bool:
        """Returns whether nothing was reset, invalidated, covered or uncovered since the plan was made."""
        return plan.generation == self._generation

    def compose(self, plan: UpdatePlan, encoded: Mapping[int, EncodedTile], captured_us: int) -> Update:
        """Composes the update and records it as sent. `encoded` has an entry for every key of the plan."""
        self.epoch += 1
        writer = UpdateWriter(self._monitor, self.epoch, captured_us, reset=plan.reset)
        touched = [plan.cached, plan.tiles, plan.repeats]
        if plan.move is not None:
            move = plan.move
            writer.move(move.x, move.y, move.width, move.height, move.dx, move.dy)
            touched.append(move.tiles)
        # 1. Tiles from the viewer's cache, before any slot is used again.
        if len(plan.cached):
            writer.cached(plan.cached, plan.slots)
        # 2. Encoded tiles, which are cached where that is worth it.
        entries = [encoded[key] for key in plan.keys]
        payloads: list[Payload] = [entry.payload for entry in entries]
        slot_of = self._write_encoded(writer, plan, payloads)
        # 3. Tiles that look like one of these.
        self._write_repeats(writer, plan, payloads, slot_of)
        data = writer.finish(partial=plan.partial)
        tiles = np.unique(np.concatenate(touched))
        encodings = self._count_encodings(plan, entries)
        raw_bytes = 3 * int(self._shadow.tile_areas_px[tiles].sum())
        counts = self.counts
        counts.updates += 1
        counts.tiles += len(tiles)
        counts.bytes += len(data)
        counts.raw_bytes += raw_bytes
        counts.cached += encodings.get("cached", 0)
        counts.moved += encodings.get("moved", 0)
        self._reset_due = False
        self._shown[tiles] = self._shadow.contents[tiles]
        self._unknown[tiles] = False
        self._distrusted[tiles] = False
        self._pending_since_s[tiles] = np.inf
        return Update(
            epoch=self.epoch,
            data=data,
            reset=plan.reset,
            partial=plan.partial,
            tiles=tiles,
            digests=self._shadow.digests[tiles],
            raw_bytes=raw_bytes,
            encodings=encodings,
        )

    def _write_encoded(
        self, writer: UpdateWriter, plan: UpdatePlan, payloads: list[Payload]
    ) -> NDArray[np.int32]:
        """Writes the tiles of the plan. Returns the slot in which the viewer caches each, or −1."""
        slot_of = np.full(len(plan.tiles), -1, np.int32)
        if not len(plan.tiles):
            return slot_of
        lengths = np.array([len(payload) for payload in payloads])
        indices, slots = self.cache.store(np.array(plan.keys, np.uint64), lengths)
        slot_of[indices] = slots
        uncached = np.flatnonzero(slot_of < 0).tolist()
        writer.tiles(plan.tiles[uncached].tolist(), [payloads[index] for index in uncached])
        writer.store(plan.tiles[indices], slots, [payloads[index] for index in indices.tolist()])
        mean = float(lengths.sum()) / len(lengths)
        self._mean_payload_bytes += (mean - self._mean_payload_bytes) * AVERAGE_WEIGHT
        return slot_of

    @staticmethod
    def _write_repeats(
        writer: UpdateWriter, plan: UpdatePlan, payloads: list[Payload], slot_of: NDArray[np.int32]
    ) -> None:
        if not len(plan.repeats):
            return
        slots = slot_of[plan.repeated]
        is_cached = slots >= 0
        writer.cached(plan.repeats[is_cached], slots[is_cached])
        uncached = plan.repeated[~is_cached].tolist()
        writer.tiles(plan.repeats[~is_cached].tolist(), [payloads[index] for index in uncached])

    def _count_dropped_frames(self) -> None:
        """Counts the versions of the shadow between the last plan and this one: they are never sent."""
        self.counts.dropped += max(0, self._shadow.version - self._seen_version - 1)
        self._seen_version = self._shadow.version

    def _count_encodings(self, plan: UpdatePlan, entries: list[EncodedTile]) -> dict[str, int]:
        """Returns the number of tiles by encoding, and updates the totals and the ratio of colour."""
        numbers = [entry.encoding for entry in entries]
        numbers += [numbers[index] for index in plan.repeated.tolist()]
        by_number = np.bincount(np.array(numbers, np.int64), minlength=len(ENCODING_NAMES)).tolist()
        encodings = {name: count for name, count in zip(ENCODING_NAMES, by_number, strict=True) if count}
        if numbers:
            ratio = sum(encodings.get(name, 0) for name in COLOUR_ENCODINGS) / len(numbers)
            weight = max(AVERAGE_WEIGHT, len(numbers) / self._shadow.grid.count)
            self._colour_ratio += (ratio - self._colour_ratio) * weight
        self.counts.encodings.update(encodings)
        if len(plan.cached):
            encodings["cached"] = len(plan.cached)
        if plan.move is not None:
            encodings["moved"] = len(plan.move.tiles)
        return encodings
