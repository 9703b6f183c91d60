"""Proves whether a viewer's surface shows exactly what was sent, from the digests that the viewer reads back.

See PROTOCOL.md, section 4. The memory used is one digest per tile of the surface as last acknowledged, plus
the digests of the updates in flight.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import Enum

import numpy as np
from display_codecs import root_digest
from numpy.typing import NDArray

from display_server.agent.update.repairs import TileRepairs
from display_server.protocol.errors import ProtocolError
from display_server.protocol.wire import DigestReport

Tiles = NDArray[np.int32]
Digests = NDArray[np.uint64]

#: After this many seconds without a report, the state is UNVERIFIED.
SILENCE_S = 5.0
#: Minimum interval between two `verify` messages, in seconds: slow motion looks like a series of short rests.
VERIFY_INTERVAL_S = 0.12
#: While the desktop is at rest, a report is requested this many seconds after the last update.
VERIFY_AT_REST_S = 0.03
#: In motion a report is requested at most this often, in seconds: reading a surface back costs the viewer
#: about as much as painting it.
VERIFY_IN_MOTION_S = 0.2
#: A slow viewer is asked less often: in motion after this many times the duration of its last report, so that
#: it reads for at most an eighth of its time, and at rest only when the rest outlasts the interval of frames.
MOTION_REPORTS = 8.0
REST_REPORTS = 2.0
#: Upper limits of these delays, in seconds.
VERIFY_IN_MOTION_MAX_S = 1.0
VERIFY_AT_REST_MAX_S = 0.25
#: A report that has not arrived after this many seconds is requested again.
REPORT_TIMEOUT_S = 1.0
#: Minimum interval between two requests for a full report, in seconds. It doubles with each full report that
#: does not explain the root, up to FULL_REPORT_INTERVAL_MAX_S.
FULL_REPORT_INTERVAL_S = 0.25
FULL_REPORT_INTERVAL_MAX_S = 8.0


class Exactness(Enum):
    """What the agent knows about a viewer's surface."""

    #: The surface was proven to show the newest update, and everything the desktop shows was sent.
    EXACT = "exact"
    #: Tiles, or the report that proves them, are under way.
    REFINING = "refining"
    #: Part of the surface shows video, or did and has not been replaced by tiles yet.
    LOSSY = "lossy"
    #: A mismatch has not been repaired, no report came for SILENCE_S, or the browser alters what it reads.
    UNVERIFIED = "unverified"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of a report."""

    #: Tiles that were found wrong for the first time. `SurfaceProof.take_due_repairs` says when to send them.
    wrong: Tiles
    #: Those of them that were sent again REPAIRS_MAX times in vain: they are not sent until they change.
    given_up: Tiles
    #: Whether the root differs although no listed digest explains that.
    root_differs: bool


_NO_TILES: Tiles = np.empty(0, np.int32)


@dataclass(frozen=True, slots=True)
class _Expected:
    """What the surface shows of an update in flight, once the viewer has applied it."""

    epoch: int
    #: For a RESET: a mask of the tiles that it makes black, because video does not cover them. Else None.
    blackened: NDArray[np.bool_] | None
    tiles: Tiles
    digests: Digests


class SurfaceProof:
    """The evidence about one viewer's surface. Call the `on_…` methods when the events happen."""

    def __init__(self, black_digests: Digests, seed: int, now_s: float) -> None:
        """`black_digests` are those of a black surface, `seed` is that of the root digest."""
        self._seed = seed
        self._in_flight: deque[_Expected] = deque()
        self._sent_epoch = 0
        self._acked_epoch = 0
        # When the last report came; until the first one, when it was requested. None before that.
        self._heard_s: float | None = None
        self._verified_s: float | None = None  # when the whole surface was last proven; None: never
        self._altered = False  # the viewer's browser alters what is read back: nothing can be proven
        self._last_verify_s = -np.inf  # when the last `verify` was sent
        self._verify_epoch = 0  # the acknowledged epoch at that moment
        self._report_s = 0.0  # how long the viewer took for its last report, without the link
        #: Tiles found wrong, since the beginning. A tile that stays wrong after it was sent again counts
        #: again.
        self.mismatches = 0
        #: Digests that were read back, since the beginning.
        self.verified_total = 0
        self._start(black_digests, now_s)

    def _start(self, black_digests: Digests, now_s: float) -> None:
        """Initialises what depends on the size of the surface, and forgets what was proven."""
        count = len(black_digests)
        self._black_digests = black_digests
        self._shown = black_digests.copy()  # the digests of the surface as last acknowledged
        self._reported_epoch = -1
        self._verified_epoch = -1
        self._sent_s = now_s
        self._unproven_s = now_s  # when the first update was sent of which no report is known
        self._verify_sent_s: float | None = None  # when the unanswered `verify` was sent
        self._full_wanted = False
        self._full_interval_s = FULL_REPORT_INTERVAL_S
        self._mismatch = False  # a mismatch was found and is not known to be repaired
        self._repairs = TileRepairs(count)
        self._suspect = np.zeros(count, np.bool_)  # tiles that were found wrong
        self._repair_epoch = np.zeros(count, np.uint32)  # the update that sends them again; 0: not sent yet
        self._proven = np.zeros(count, np.bool_)  # tiles whose digest was last read back as expected
        self._covered = np.zeros(count, np.bool_)  # tiles that video covers
        self._lossy = np.zeros(count, np.bool_)  # tiles that show video, or may
        self._lossy_since = np.zeros(count, np.uint32)  # the newest epoch that was sent before that

    @property
    def proven_tiles(self) -> int:
        """The number of tiles that are proven to show the newest acknowledged update."""
        return int(np.count_nonzero(self._proven))

    def on_resized(self, black_digests: Digests, now_s: float) -> None:
        """The surface has another size and is black. Updates for the old size may still be acknowledged."""
        self._in_flight.clear()
        self._acked_epoch = -1  # no update for this surface was acknowledged, so no report can be about it
        self._heard_s = None
        self._start(black_digests, now_s)

    def cover(self, tiles: Tiles) -> None:
        """Video covers exactly these tiles now.

        They are lossy until the viewer acknowledges an update that was sent later and repaints them. A RESET
        repaints all tiles that video does not cover when it is sent.
        """
        self._covered.fill(False)
        self._covered[tiles] = True
        self._lossy[tiles] = True
        self._lossy_since[tiles] = self._sent_epoch
        self._proven[tiles] = False

    def uncover(self) -> None:
        """Video ended. The tiles that it covered stay lossy until they are sent."""
        self._covered.fill(False)

    def on_sent(self, epoch: int, tiles: Tiles, digests: Digests, *, reset: bool, now_s: float) -> None:
        """An update was sent. `digests` are what `tiles` will show; the other tiles stay as they are."""
        if not self._in_flight and self._reported_epoch >= self._acked_epoch:
            self._unproven_s = now_s
        blackened = ~self._covered if reset else None
        self._in_flight.append(_Expected(epoch, blackened, tiles, digests))
        self._sent_epoch = epoch
        self._sent_s = now_s
        if reset:
            self._suspect.fill(False)
            self._repairs.start_over()
        self._repairs.on_sent(tiles, digests)
        repaired = tiles[self._suspect[tiles] & (self._repair_epoch[tiles] == 0)]
        self._repair_epoch[repaired] = epoch

    def on_acked(self, epoch: int) -> None:
        """The viewer's surface shows `epoch`. Raises ProtocolError for an epoch that was never sent."""
        if epoch > self._sent_epoch:
            raise ProtocolError(f"epoch {epoch} was acknowledged, but the newest sent is {self._sent_epoch}")
        while self._in_flight and self._in_flight[0].epoch <= epoch:
            expected = self._in_flight.popleft()
            if expected.blackened is not None:
                self._shown = self._black_digests.copy()
                self._proven.fill(False)
                self._lossy[expected.blackened & (self._lossy_since < expected.epoch)] = False
            self._shown[expected.tiles] = expected.digests
            self._proven[expected.tiles] = False
            self._lossy[expected.tiles] &= self._lossy_since[expected.tiles] >= expected.epoch
            self._acked_epoch = expected.epoch

    def on_report(self, report: DigestReport, now_s: float, round_trip_s: float = 0.0) -> Verdict:
        """Compares a report with what was sent. Raises ProtocolError for an epoch that was never sent.

        `round_trip_s` is the part of the report's delay that the link causes.
        """
        if report.epoch > self._sent_epoch:
            raise ProtocolError(
                f"epoch {report.epoch} was reported, but the newest sent is {self._sent_epoch}"
            )
        if self._verify_sent_s is not None and report.epoch >= self._verify_epoch:
            self._report_s = max(0.0, now_s - self._verify_sent_s - round_trip_s)
            self._verify_sent_s = None
        if report.epoch != self._acked_epoch or self._altered:
            # The digests of that epoch are no longer known, or the browser alters them. The report proves
            # nothing, so it is no sign of life.
            return Verdict(_NO_TILES, _NO_TILES, root_differs=False)
        self._heard_s = now_s
        self._reported_epoch = report.epoch
        self.verified_total += len(report.tiles)
        differs = (report.digests != self._shown[report.tiles]) & ~self._lossy[report.tiles]
        self._proven[report.tiles] = ~differs & ~self._lossy[report.tiles]
        # A tile that was found wrong is not reported as wrong again until the update that repairs it is
        # shown.
        known = self._suspect[report.tiles] & (
            (self._repair_epoch[report.tiles] == 0) | (self._repair_epoch[report.tiles] > report.epoch)
        )
        wrong = report.tiles[differs & ~known].astype(np.int32)
        given_up = _NO_TILES
        recovered = self._repairs.on_right(report.tiles[~differs].astype(np.int32))
        self._suspect[recovered] = False
        if len(wrong):
            given_up = self._repairs.on_wrong(wrong, self._shown[wrong], now_s)
            self.mismatches += len(wrong)
            self._suspect[wrong] = True
            self._repair_epoch[wrong] = 0
        if self._lossy.any():
            # The root covers the video as well, so only the digests of the other tiles count.
            self._mismatch = self._mismatch or bool(len(wrong))
            return Verdict(wrong, given_up, root_differs=False)
        root_matches = report.root == root_digest(self._shown, self._seed)
        if root_matches and not differs.any():
            self._mismatch = False
            self._full_wanted = False
            self._full_interval_s = FULL_REPORT_INTERVAL_S
            self._suspect.fill(False)
            self._repairs.cancel()
            self._verified_epoch = report.epoch
            self._verified_s = now_s
            # The root covers every tile as it was last read back: no tile is wrong.
            self._proven.fill(True)
            return Verdict(wrong, given_up, root_differs=False)
        unexplained = not len(wrong) and not self._repair_pending(report.epoch)
        if len(wrong) or report.full or unexplained:
            self._mismatch = True
        if report.full and unexplained:
            self._full_interval_s = min(2 * self._full_interval_s, FULL_REPORT_INTERVAL_MAX_S)
        self._full_wanted = unexplained
        return Verdict(wrong, given_up, root_differs=unexplained)

    def on_readback_checked(self, *, altered: bool, now_s: float) -> bool:
        """The viewer says whether its browser alters what it reads back. Returns whether that is news."""
        if altered == self._altered:
            return False
        self._altered = altered
        self._repairs.cancel()
        self._suspect.fill(False)
        self._proven.fill(False)
        self._verified_epoch = self._reported_epoch = -1
        self._verify_sent_s = None
        self._full_wanted = True  # once nothing is altered any more, the whole surface must be proven anew
        self._full_interval_s = FULL_REPORT_INTERVAL_S
        if self._heard_s is not None:
            self._heard_s = now_s
        return True

    def state(self, *, complete: bool, now_s: float) -> Exactness:
        """`complete` says that everything the desktop shows, as far as the agent knows, was sent."""
        silent = self._heard_s is not None and now_s - self._heard_s >= SILENCE_S
        if self._altered or self._mismatch or silent:
            return Exactness.UNVERIFIED
        if self._lossy.any():
            return Exactness.LOSSY
        if complete and self._sent_epoch and self._verified_epoch == self._sent_epoch:
            return Exactness.EXACT
        return Exactness.REFINING

    def age_s(self, now_s: float) -> float | None:
        """Returns how long ago the surface was last proven to show what was sent; None if it never was."""
        return None if self._verified_s is None else now_s - self._verified_s

    @property
    def unrepaired(self) -> int:
        """The number of tiles that stayed wrong although they were sent again as often as is allowed."""
        return self._repairs.unrepaired

    def repair_due_s(self) -> float | None:
        """Returns when the next wrong tile is to be sent again; None while none is."""
        return self._repairs.due_s()

    def take_due_repairs(self, now_s: float) -> Tiles:
        """Returns the wrong tiles to send again now, each once."""
        return self._repairs.take_due(now_s)

    def verify_due_s(self) -> float | None:
        """Returns when to send the next `verify`; None while there is nothing to verify."""
        if self._acked_epoch <= 0 or self._altered:
            return None
        if self._verify_sent_s is not None:
            return self._verify_sent_s + REPORT_TIMEOUT_S
        if self._full_wanted:
            return self._last_verify_s + self._full_interval_s
        if self._reported_epoch == self._acked_epoch:
            return None
        in_motion_s = min(max(VERIFY_IN_MOTION_S, MOTION_REPORTS * self._report_s), VERIFY_IN_MOTION_MAX_S)
        due_s = max(self._last_verify_s, self._unproven_s) + in_motion_s
        if not self._in_flight:
            at_rest_s = min(max(VERIFY_AT_REST_S, REST_REPORTS * self._report_s), VERIFY_AT_REST_MAX_S)
            due_s = min(due_s, self._sent_s + at_rest_s)
        return max(due_s, self._last_verify_s + VERIFY_INTERVAL_S)

    def on_verify_sent(self, now_s: float) -> bool:
        """A `verify` message is being sent. Returns whether it must request a full report."""
        self._verify_sent_s = self._last_verify_s = now_s
        if self._heard_s is None:
            self._heard_s = now_s
        self._verify_epoch = self._acked_epoch
        return self._full_wanted

    def _repair_pending(self, epoch: int) -> bool:
        """Returns whether, as of `epoch`, the surface lacks an update that repairs a wrong tile."""
        repairs = self._repair_epoch[self._suspect]
        return bool(len(repairs) and ((repairs == 0) | (repairs > epoch)).any())
