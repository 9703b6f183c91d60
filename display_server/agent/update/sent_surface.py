"""What one viewer has been sent, what it needs, and the update that brings it there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from display_codecs import ENCODING_NAMES
from numpy.typing import NDArray

from display_server.agent.update.moves import TileMove
from display_server.agent.update.order import in_order
from display_server.agent.update.payloads import Coded
from display_server.agent.update.shadow import Shadow
from display_server.agent.update.tile_cache import TileCache
from display_server.protocol.wire import Payload, UpdateWriter

Mask = NDArray[np.bool_]
Tiles = NDArray[np.int32]
Digests = NDArray[np.uint64]

#: Of a tile before the viewer got any, to fill the first update: text and windows.
PAYLOAD_FIRST_BYTES = 800.0
#: How much the newest update counts in what a payload is expected to take.
PAYLOAD_WEIGHT = 0.3
#: Encodings of pictures in colour; text in few colours is `palette`.
COLOURS = ("colour", "raw")
#: An update holds at least so many coded tiles, however slow the way.
TILES_MIN = 8


@dataclass(slots=True)
class Counts:
    """Since the viewer connected."""

    tiles: int = 0
    updates: int = 0
    dropped: int = 0  # pictures that were replaced by newer ones before this viewer could take them
    bytes: int = 0
    raw_bytes: int = 0  # the same tiles at 3 bytes a pixel
    cached: int = 0
    moved: int = 0
    encodings: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class Choice:
    """What the next update is to hold. `digests[i]` is of `tiles[i]`: coded tiles, every digest once."""

    #: Of the state that chose; what was chosen before it started over is void.
    generation: int
    reset: bool
    partial: bool
    move: TileMove | None
    cached: Tiles
    slots: NDArray[np.int32]
    tiles: Tiles
    digests: list[int]
    #: Tiles that look like an earlier one of `tiles`, and its index.
    repeats: Tiles
    repeated: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Update:
    """An encoded update, and what the viewer's surface will be by it."""

    epoch: int
    data: bytes
    reset: bool
    partial: bool
    tiles: Tiles
    digests: Digests
    raw_bytes: int
    #: Tiles by encoding, and those that came out of the viewer's cache or were moved.
    encodings: dict[str, int]


class SentSurface:
    """Surface as of the newest update sent, and the tile cache. Everything is told apart by digest."""

    def __init__(self, shadow: Shadow, monitor: int, cache_bytes: int) -> None:
        self._shadow = shadow
        self._monitor = monitor
        self.cache = TileCache(cache_bytes)
        self.counts = Counts()
        self.epoch = 0
        self._generation = 0
        self._reset = True
        self._surface: Digests = shadow.black.copy()
        self._unknown: Mask = np.zeros(shadow.grid.count, np.bool_)
        self._covered: Mask = np.zeros(shadow.grid.count, np.bool_)
        self._pending_since_s = np.full(shadow.grid.count, np.inf)
        self._payload_bytes = PAYLOAD_FIRST_BYTES
        self._coloured = 0.0
        self._seen_version = shadow.version

    @property
    def pending(self) -> Mask:
        """Tiles of the surface that are not as in the shadow, and are to be."""
        differs = (self._surface != self._shadow.digests) | self._shadow.stale | self._unknown
        pending: Mask = differs & ~self._covered
        return pending

    @property
    def covered(self) -> Mask:
        """Tiles that video shows."""
        return self._covered

    @property
    def payload_bytes(self) -> float:
        """Of a tile, as coded of late."""
        return self._payload_bytes

    @property
    def coloured(self) -> float:
        """Share of tiles in colour among those coded of late."""
        return self._coloured

    @property
    def wants(self) -> bool:
        """Whether an update is due. The first one is, even if everything is black."""
        return self._reset or bool(self.pending.any())

    def start_over(self) -> None:
        """The viewer's surface is lost: RESET comes next."""
        self._generation += 1
        self._reset = True
        self._surface = self._shadow.black.copy()
        self._unknown.fill(False)
        self._covered.fill(False)
        self.cache.clear()

    def show(self, shadow: Shadow) -> None:
        """The monitor has another size: RESET comes next, of this picture. Epochs go on."""
        self._shadow = shadow
        self._unknown = np.zeros(shadow.grid.count, np.bool_)
        self._covered = np.zeros(shadow.grid.count, np.bool_)
        self._pending_since_s = np.full(shadow.grid.count, np.inf)
        self._seen_version = shadow.version
        self.start_over()

    def distrust(self, tiles: Tiles) -> None:
        """These tiles do not show what was sent: they are sent again, and not out of the viewer's cache."""
        self._generation += 1
        self._unknown[tiles] = True
        self.cache.begin()
        self.cache.forget(self._shadow.digests[tiles])

    def cover(self, tiles: Tiles) -> None:
        """Video shows these from now on, and no others: none is sent until they are uncovered."""
        self._generation += 1
        self._covered.fill(False)
        self._covered[tiles] = True
        self._unknown[tiles] = True

    def uncover(self) -> None:
        """Video shows nothing more: what it showed is sent."""
        self._generation += 1
        self._covered.fill(False)

    def is_at(self, digests: Digests, tiles: Tiles) -> bool:
        """Whether the surface shows `digests[tiles]` there: then what stands there can be moved."""
        return bool((self._surface[tiles] == digests[tiles]).all() and not self._unknown[tiles].any())

    def choose(
        self, move: TileMove | None, pointer_tile: int | None, budget_bytes: int, now_s: float
    ) -> Choice:
        """What goes next, within about `budget_bytes`. `move` must be one whose sources the surface has."""
        self._note_versions()
        pending = self.pending
        if self._reset or self._covered.any():
            move = None  # it might reach under the video
        if move is not None:
            pending[move.tiles] = self._unknown[move.tiles]
        started = np.isinf(self._pending_since_s) & pending
        self._pending_since_s[started] = now_s
        self._pending_since_s[~pending] = np.inf

        digests = self._shadow.digests
        self.cache.begin()
        # What is stale has to wait for its digest.
        partial = bool((pending & self._shadow.stale).any())
        wanted = np.flatnonzero(pending & ~self._shadow.stale).astype(np.int32)
        slots = self.cache.find(digests[wanted])
        kept = slots >= 0
        room = max(TILES_MIN, int(budget_bytes / self._payload_bytes))
        coded = wanted[~kept]
        if len(coded) > room:
            mask = np.zeros(len(pending), np.bool_)
            mask[coded] = True
            waited_s = np.where(mask, now_s - self._pending_since_s, 0.0)
            coded = in_order(mask, self._shadow.grid.columns, pointer_tile, waited_s)[:room]
            partial = True
        _, first, inverse = np.unique(digests[coded], return_index=True, return_inverse=True)
        # `first` is by digest; the order of urgency is kept.
        order = np.argsort(first)
        rank = np.empty_like(order)
        rank[order] = np.arange(len(order))
        chosen = coded[first[order]]
        again = np.ones(len(coded), np.bool_)
        again[first] = False
        return Choice(
            generation=self._generation,
            reset=self._reset,
            partial=partial,
            move=move,
            cached=wanted[kept],
            slots=slots[kept],
            tiles=chosen,
            digests=digests[chosen].tolist(),
            repeats=coded[again],
            repeated=rank[inverse[again]],
        )

    def stands(self, choice: Choice) -> bool:
        """Whether nothing happened since that makes the choice wrong."""
        return choice.generation == self._generation

    def compose(self, choice: Choice, coded: Mapping[int, Coded], captured_us: int) -> Update:
        """Writes the update and takes it as sent. `coded` has every digest of the choice."""
        self.epoch += 1
        writer = UpdateWriter(self._monitor, self.epoch, captured_us, reset=choice.reset)
        touched = [choice.cached, choice.tiles, choice.repeats]
        if choice.move is not None:
            move = choice.move
            writer.move(move.x, move.y, move.width, move.height, move.dx, move.dy)
            touched.append(move.tiles)
        # 1. what the viewer keeps: before any slot is used anew
        if len(choice.cached):
            writer.cached(choice.cached, choice.slots)
        # 2. what was coded, to be kept where that is worth it
        entries = [coded[digest] for digest in choice.digests]
        payloads: list[Payload] = [entry.payload for entry in entries]
        kept = self._write_coded(writer, choice, payloads)
        # 3. tiles that look like one of these
        self._write_repeats(writer, choice, payloads, kept)
        data = writer.finish(partial=choice.partial)
        tiles = np.unique(np.concatenate(touched))
        encodings = self._count(choice, entries)
        raw_bytes = 3 * int(self._shadow.areas[tiles].sum())
        counts = self.counts
        counts.updates += 1
        counts.tiles += len(tiles)
        counts.bytes += len(data)
        counts.raw_bytes += raw_bytes
        counts.cached += encodings.get("cached", 0)
        counts.moved += encodings.get("moved", 0)
        self._reset = False
        self._surface[tiles] = self._shadow.digests[tiles]
        self._unknown[tiles] = False
        self._pending_since_s[tiles] = np.inf
        return Update(
            epoch=self.epoch,
            data=data,
            reset=choice.reset,
            partial=choice.partial,
            tiles=tiles,
            digests=self._surface[tiles],
            raw_bytes=raw_bytes,
            encodings=encodings,
        )

    def _write_coded(
        self, writer: UpdateWriter, choice: Choice, payloads: list[Payload]
    ) -> NDArray[np.int32]:
        """The slot of each coded tile, −1 for none."""
        slot_of = np.full(len(choice.tiles), -1, np.int32)
        if not len(choice.tiles):
            return slot_of
        lengths = np.array([len(payload) for payload in payloads])
        indices, slots = self.cache.store(np.array(choice.digests, np.uint64), lengths)
        slot_of[indices] = slots
        bare = np.flatnonzero(slot_of < 0).tolist()
        writer.tiles(choice.tiles[bare].tolist(), [payloads[index] for index in bare])
        writer.store(choice.tiles[indices], slots, [payloads[index] for index in indices.tolist()])
        new = float(lengths.sum()) / len(lengths)
        self._payload_bytes += (new - self._payload_bytes) * PAYLOAD_WEIGHT
        return slot_of

    @staticmethod
    def _write_repeats(
        writer: UpdateWriter, choice: Choice, payloads: list[Payload], slot_of: NDArray[np.int32]
    ) -> None:
        if not len(choice.repeats):
            return
        slots = slot_of[choice.repeated]
        kept = slots >= 0
        writer.cached(choice.repeats[kept], slots[kept])
        bare = choice.repeated[~kept].tolist()
        writer.tiles(choice.repeats[~kept].tolist(), [payloads[index] for index in bare])

    def _note_versions(self) -> None:
        """Pictures between the last update and this one never went to this viewer: latest wins."""
        self.counts.dropped += max(0, self._shadow.version - self._seen_version - 1)
        self._seen_version = self._shadow.version

    def _count(self, choice: Choice, entries: list[Coded]) -> dict[str, int]:
        numbers = [entry.encoding for entry in entries]
        numbers += [numbers[index] for index in choice.repeated.tolist()]
        by_number = np.bincount(np.array(numbers, np.int64), minlength=len(ENCODING_NAMES)).tolist()
        encodings = {name: count for name, count in zip(ENCODING_NAMES, by_number, strict=True) if count}
        if numbers:
            coloured = sum(encodings.get(name, 0) for name in COLOURS) / len(numbers)
            weight = max(PAYLOAD_WEIGHT, len(numbers) / self._shadow.grid.count)
            self._coloured += (coloured - self._coloured) * weight
        self.counts.encodings.update(encodings)
        if len(choice.cached):
            encodings["cached"] = len(choice.cached)
        if choice.move is not None:
            encodings["moved"] = len(choice.move.tiles)
        return encodings
