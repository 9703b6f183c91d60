"""Whether one viewer's surface shows what it was sent, judged by the digests it reads back (PROTOCOL.md §4).

Time comes in. Memory: a digest per tile of the surface as last acknowledged, and of the updates in flight.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import Enum

import numpy as np
from display_codecs import root_digest
from numpy.typing import NDArray

from display_server.errors import ProtocolError
from display_server.protocol.wire import DigestReport

Tiles = NDArray[np.int32]
Digests = NDArray[np.uint64]

#: After this silence nothing is known any more, s.
SILENCE_S = 5.0
#: Between two reports at least: slow motion is a row of short rests, s.
PAUSE_S = 0.12
#: At rest a report is asked for this long after the last update, s.
REST_S = 0.03
#: In motion at most every so often: reading a surface back costs the viewer about as much as showing it, s.
MOTION_S = 0.2
#: A report that did not come within this time is asked for again, s.
ANSWER_S = 1.0
#: Between two full reports, s.
FULL_S = 0.25


class Exactness(Enum):
    """`lossy`: video is, or was and has not been replaced, on the surface."""

    EXACT = "exact"
    REFINING = "refining"
    LOSSY = "lossy"
    UNVERIFIED = "unverified"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a report showed. `wrong` tiles are to be sent again; `root_differs`: although none of these."""

    wrong: Tiles
    root_differs: bool


@dataclass(frozen=True, slots=True)
class _Expected:
    epoch: int
    reset: bool
    tiles: Tiles
    digests: Digests


class SurfaceProof:
    """One viewer's evidence. Call `sent`, `acked` and `reported` as it happens."""

    def __init__(self, black: Digests, seed: int, now_s: float) -> None:
        self._black = black
        self._seed = seed
        self._shown = black.copy()
        self._flight: deque[_Expected] = deque()
        self._sent_epoch = 0
        self._acked_epoch = 0
        self._reported_epoch = -1
        self._verified_epoch = -1
        self._sent_s = now_s
        self._unproven_s = now_s  # when motion began of which nothing is proven yet
        self._heard_s = now_s
        self._verified_s = now_s
        self._asked_s: float | None = None
        self._asked_epoch = 0
        self._last_asked_s = -np.inf
        self._full_wanted = False
        self._stands = False
        # Wrong tiles, and the epoch that brings them anew; 0 while it was not sent.
        self._suspect = np.zeros(len(black), np.bool_)
        self._mend_epoch = np.zeros(len(black), np.uint32)
        #: Tiles whose digest was last read back as what is there.
        self._proven = np.zeros(len(black), np.bool_)
        # Tiles that video shows or showed last, and the newest epoch sent before it did.
        self._lossy = np.zeros(len(black), np.bool_)
        self._lossy_since = np.zeros(len(black), np.uint32)
        self.mismatches = 0
        #: Digests that were read back, of all pictures so far.
        self.verified_total = 0
        self.reports = 0

    @property
    def proven_tiles(self) -> int:
        """Of the picture as last acknowledged."""
        return int(np.count_nonzero(self._proven))

    def start_over(self, black: Digests, now_s: float) -> None:
        """The surface has another size, and is black. Updates of the old one may still be acknowledged."""
        self._black = black
        self._shown = black.copy()
        self._flight.clear()
        self._acked_epoch = -1  # none of this picture; no report can be of it
        self._reported_epoch = self._verified_epoch = -1
        self._sent_s = self._unproven_s = now_s
        self._asked_s = None
        self._full_wanted = self._stands = False
        self._suspect = np.zeros(len(black), np.bool_)
        self._mend_epoch = np.zeros(len(black), np.uint32)
        self._proven = np.zeros(len(black), np.bool_)
        self._lossy = np.zeros(len(black), np.bool_)
        self._lossy_since = np.zeros(len(black), np.uint32)

    def cover(self, tiles: Tiles) -> None:
        """Video shows these from now on. What they show is unknown until an update sent later was shown."""
        self._lossy[tiles] = True
        self._lossy_since[tiles] = self._sent_epoch
        self._proven[tiles] = False

    def sent(self, epoch: int, tiles: Tiles, digests: Digests, *, reset: bool, now_s: float) -> None:
        if not self._flight and self._reported_epoch >= self._acked_epoch:
            self._unproven_s = now_s
        self._flight.append(_Expected(epoch, reset, tiles, digests))
        self._sent_epoch = epoch
        self._sent_s = now_s
        if reset:
            self._suspect.fill(False)
        mended = tiles[self._suspect[tiles] & (self._mend_epoch[tiles] == 0)]
        self._mend_epoch[mended] = epoch

    def acked(self, epoch: int) -> None:
        """The surface shows `epoch`. Raises ProtocolError for one that was never sent."""
        if epoch > self._sent_epoch:
            raise ProtocolError(f"epoch {epoch} was acknowledged, but the newest sent is {self._sent_epoch}")
        while self._flight and self._flight[0].epoch <= epoch:
            expected = self._flight.popleft()
            if expected.reset:
                self._shown = self._black.copy()
                self._proven.fill(False)
                self._lossy &= self._lossy_since >= expected.epoch
            self._shown[expected.tiles] = expected.digests
            self._proven[expected.tiles] = False
            self._lossy[expected.tiles] &= self._lossy_since[expected.tiles] >= expected.epoch
            self._acked_epoch = expected.epoch

    def reported(self, report: DigestReport, now_s: float) -> Verdict:
        """Raises ProtocolError for an epoch that was never sent."""
        if report.epoch > self._sent_epoch:
            raise ProtocolError(
                f"epoch {report.epoch} was reported, but the newest sent is {self._sent_epoch}"
            )
        if self._asked_s is not None and report.epoch >= self._asked_epoch:
            self._asked_s = None
        if report.epoch != self._acked_epoch:
            # Of a picture that we no longer know. It proves nothing, so it does not count as heard either.
            return Verdict(np.empty(0, np.int32), root_differs=False)
        self.reports += 1
        self._heard_s = now_s
        self._reported_epoch = report.epoch
        self.verified_total += len(report.tiles)
        differs = (report.digests != self._shown[report.tiles]) & ~self._lossy[report.tiles]
        self._proven[report.tiles] = ~differs & ~self._lossy[report.tiles]
        # A tile that was found wrong is known to be so until the update that mends it is shown.
        known = self._suspect[report.tiles] & (
            (self._mend_epoch[report.tiles] == 0) | (self._mend_epoch[report.tiles] > report.epoch)
        )
        wrong = report.tiles[differs & ~known].astype(np.int32)
        if len(wrong):
            self.mismatches += len(wrong)
            self._suspect[wrong] = True
            self._mend_epoch[wrong] = 0
        if self._lossy.any():
            # The root speaks of video as well; of the other tiles the digests told.
            self._stands = self._stands or bool(len(wrong))
            return Verdict(wrong, root_differs=False)
        matched = report.root == root_digest(self._shown, self._seed)
        if matched and not differs.any():
            self._stands = False
            self._full_wanted = False
            self._suspect.fill(False)
            self._verified_epoch = report.epoch
            self._verified_s = now_s
            # The root speaks of every tile, as last read back: none is other than it should be.
            self._proven.fill(True)
            return Verdict(wrong, root_differs=False)
        unexplained = not len(wrong) and not self._mending(report.epoch)
        if len(wrong) or report.full or unexplained:
            self._stands = True
        self._full_wanted = unexplained
        return Verdict(wrong, root_differs=unexplained)

    def state(self, *, complete: bool, now_s: float) -> Exactness:
        """`complete`: everything the desktop shows, as far as known, was sent."""
        if self._stands or now_s - self._heard_s >= SILENCE_S:
            return Exactness.UNVERIFIED
        if self._lossy.any():
            return Exactness.LOSSY
        if complete and self._sent_epoch and self._verified_epoch == self._sent_epoch:
            return Exactness.EXACT
        return Exactness.REFINING

    def age_s(self, now_s: float) -> float:
        """Since the surface was last proven to show what was sent."""
        return now_s - self._verified_s

    def ask_at_s(self) -> float | None:
        """When a report is to be asked for; None while there is nothing to ask about."""
        if self._acked_epoch <= 0:
            return None
        if self._asked_s is not None:
            return self._asked_s + ANSWER_S
        if self._full_wanted:
            return self._last_asked_s + FULL_S
        if self._reported_epoch == self._acked_epoch:
            return None
        due_s = max(self._last_asked_s, self._unproven_s) + MOTION_S
        if not self._flight:
            due_s = min(due_s, self._sent_s + REST_S)
        return max(due_s, self._last_asked_s + PAUSE_S)

    def asked(self, now_s: float) -> bool:
        """A report was asked for; whether it must be a full one."""
        self._asked_s = self._last_asked_s = now_s
        self._asked_epoch = self._acked_epoch
        return self._full_wanted

    def _mending(self, epoch: int) -> bool:
        """Whether the epoch still lacks an update that mends what was found wrong."""
        mends = self._mend_epoch[self._suspect]
        return bool(len(mends) and ((mends == 0) | (mends > epoch)).any())
