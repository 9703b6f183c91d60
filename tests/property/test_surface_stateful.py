"""Whatever happens between agent and viewer, the surface becomes exact, and is called exact only while it is.

Hypothesis draws sequences of damage, acknowledgements, losses, resets, changes of the monitor's size and
video. The sender, the encodings, the digests and the proof are the real ones; the desktop, the link and the
viewer are models. Time is a number.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from display_codecs import encode_tiles
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from numpy.typing import NDArray

from display_server.agent.geometry import Rect
from display_server.agent.update.dirty import dirty_tiles
from display_server.agent.update.exactness import Exactness, SurfaceProof
from display_server.agent.update.moves import MoveFinder, TileMove
from display_server.agent.update.payloads import EncodedTile
from display_server.agent.update.send_window import SendWindow
from display_server.agent.update.sent_surface import SentSurface
from display_server.agent.update.shadow import Shadow
from display_server.protocol.wire import DigestReport
from tests.fakes.viewer_surface import ViewerSurface

SEED = 0x1234_5678_9ABC_DEF0
#: Sizes of the monitor in pixels. Only the first has enough tiles for moves; the last has cut-off tiles only.
SIZES = ((256, 320), (200, 150), (130, 70), (40, 50))
#: Bytes of the viewer's tile cache: none, less than a frame takes, and more than anything takes.
CACHE_SIZES = (0, 6_000, 1 << 20)
#: Rounds after which a quiet link must have made the surface exact.
ROUNDS_MAX = 40

size_numbers = st.integers(0, len(SIZES) - 1)
fractions = st.floats(0, 1)


@dataclass(frozen=True)
class Report:
    """A digest report on its way to the agent."""

    report: DigestReport
    #: How many corruptions of the surface it reveals: all that had happened, or those of the report before.
    corruptions_revealed: int


def text_page(height_px: int, width_px: int) -> NDArray[np.uint8]:
    """Returns lines of text-like marks. The lines differ, so that scrolling is recognised."""
    random = np.random.default_rng(1)
    page = np.full((height_px, width_px, 4), 255, np.uint8)
    for line in range(0, height_px - 10, 16):
        page[line : line + 10][random.random((10, width_px)) < 0.25] = 0
    page[:, :, 3] = 0
    return page


PAGE = text_page(2000, 256)


class Session(RuleBasedStateMachine):
    """One agent, one desktop, one viewer, and the messages between them."""

    @initialize(size=size_numbers, cache=st.sampled_from(CACHE_SIZES), reset_ends_video=st.booleans())
    def connect(self, size: int, cache: int, reset_ends_video: bool) -> None:
        width, height = SIZES[size]
        self.now_s = 100.0
        self.scroll_px = 0
        # the agent
        self.desktop = np.zeros((height, width, 4), np.uint8)
        self.damage: list[Rect] = []
        self.shadow = Shadow(width, height, SEED)
        self.moves = MoveFinder(self.shadow.grid)
        self.sent = SentSurface(self.shadow, 0, cache)
        self.window = SendWindow()
        self.proof = SurfaceProof(self.shadow.black_digests, SEED, self.now_s)
        self.acked_epoch = 0
        self.old_epoch = 0  # reports of this epoch and earlier ones are about a surface of another size
        # the viewer
        self.viewer = ViewerSurface(
            width, height, cache_bytes=cache, seed=SEED, reset_ends_video=reset_ends_video
        )
        self.awaits_reset = False
        # the link: actions that the receiver takes, in order
        self.to_viewer: deque[Callable[[], None]] = deque()
        self.to_agent: deque[int | Report | None] = deque()  # an acknowledged epoch; None: a refresh
        # pixels that were changed behind the viewer's back
        self.corruptions = self.corruptions_read = self.corruptions_revealed = 0

    # ── the desktop ──────────────────────────────────────────────────────────────────────────────────

    @rule(x=fractions, y=fractions, width=fractions, height=fractions, level=st.integers(0, 3))
    def draw_rectangle(self, x: float, y: float, width: float, height: float, level: int) -> None:
        """Few levels, so that tiles often look as they did before, or like another tile."""
        area = self.part(x, y, width, height)
        self.desktop[area.y : area.y + area.height, area.x : area.x + area.width, :3] = level * 60
        self.damage.append(area)

    @rule(x=fractions, y=fractions, width=fractions, height=fractions, seed=st.integers(0, 3))
    def draw_noise(self, x: float, y: float, width: float, height: float, seed: int) -> None:
        area = self.part(x, y, width, height)
        noise = np.random.default_rng(seed).integers(0, 256, (area.height, area.width, 3), np.uint8)
        self.desktop[area.y : area.y + area.height, area.x : area.x + area.width, :3] = noise
        self.damage.append(area)

    @rule(by_px=st.sampled_from((16, 48, 64, -32)))
    def scroll_text(self, by_px: int) -> None:
        height, width = self.desktop.shape[:2]
        self.scroll_px = (self.scroll_px + by_px) % (len(PAGE) - height)
        self.desktop[:] = PAGE[self.scroll_px : self.scroll_px + height, :width]
        self.damage.append(Rect(0, 0, width, height))

    # ── the agent ────────────────────────────────────────────────────────────────────────────────────

    @rule(budget_bytes=st.sampled_from((1, 20_000, 1 << 24)), interrupted=st.booleans())
    def capture_and_send(self, budget_bytes: int, interrupted: bool) -> None:
        """Does what the pipeline does. If `interrupted`, messages arrive while tiles are encoded."""
        move, contents_before = self.capture()
        self.rehash()
        if not (self.window.is_open and self.sent.update_due):
            return
        if move is not None and not self.sent.shows(contents_before, move.sources):
            move = None
        plan = self.sent.plan_update(move, None, budget_bytes, self.now_s)
        encoded = encode_tiles(self.shadow.pixels, self.shadow.grid, plan.tiles)
        numbers = encoded.encoding_numbers.tolist()
        payloads = {
            key: EncodedTile(encoded.payload(index), numbers[index]) for index, key in enumerate(plan.keys)
        }
        if interrupted:
            self.deliver_to_agent(3)
        if not (self.window.is_open and self.sent.is_current(plan)):
            return
        update = self.sent.compose(plan, payloads, 0)
        self.window.on_sent(update.epoch, len(update.data), self.now_s, reset=update.reset)
        self.proof.on_sent(update.epoch, update.tiles, update.digests, reset=update.reset, now_s=self.now_s)
        self.to_viewer.append(lambda: self.receive_update(update.data, reset=update.reset))

    @rule(x=fractions, y=fractions, width=fractions, height=fractions)
    def begin_video(self, x: float, y: float, width: float, height: float) -> None:
        """Video begins, or goes on in another region."""
        area, grid = self.part(x, y, width, height), self.shadow.grid
        tiles = [tile for tile in range(grid.count) if self.overlaps(area, Rect(*grid.rect(tile)))]
        self.sent.cover(np.array(tiles, np.int32))
        self.proof.cover(np.array(tiles, np.int32))
        self.to_viewer.append(lambda: self.viewer.cover(tiles))

    @precondition(lambda self: self.sent.covered.any())
    @rule()
    def end_video(self) -> None:
        self.sent.uncover()
        self.proof.uncover()
        self.to_viewer.append(self.viewer.uncover)

    @rule(size=size_numbers)
    def resize_monitor(self, size: int) -> None:
        width, height = SIZES[size]
        if self.desktop.shape[:2] == (height, width):
            return
        self.end_video()
        self.desktop = np.zeros((height, width, 4), np.uint8)
        self.damage = [Rect(0, 0, width, height)]
        self.shadow = Shadow(width, height, SEED)
        self.moves = MoveFinder(self.shadow.grid)
        self.old_epoch = self.sent.epoch
        self.acked_epoch = -1
        self.sent.replace_shadow(self.shadow)
        self.proof.on_resized(self.shadow.black_digests, self.now_s)
        self.to_viewer.append(lambda: self.viewer.open(width, height))

    @rule()
    def request_report(self) -> None:
        """Sends `verify` if it is due."""
        due_s = self.proof.verify_due_s()
        if due_s is not None and due_s <= self.now_s:
            full = self.proof.on_verify_sent(self.now_s)
            self.to_viewer.append(lambda: self.read_back(full=full))

    # ── the viewer ───────────────────────────────────────────────────────────────────────────────────

    @precondition(lambda self: self.viewer.covered)
    @rule(level=st.integers(0, 255))
    def show_video_frame(self, level: int) -> None:
        self.viewer.show_video(level)

    @rule(full=st.booleans())
    def sweep(self, full: bool) -> None:
        """The viewer reads its whole surface back by itself."""
        self.read_back(full=full, sweep=True)

    @rule()
    def lose_surface(self) -> None:
        """The viewer cannot apply an update, or the person asks for a new frame."""
        if not self.awaits_reset:
            self.awaits_reset = True
            self.to_agent.append(None)

    @rule(tile=st.integers(0, 100))
    def corrupt(self, tile: int) -> None:
        """A pixel changes behind the viewer's back. Only reading it back can reveal that."""
        tile %= self.viewer.grid.count
        if tile not in self.viewer.covered:
            self.viewer.corrupt(tile)
            self.corruptions += 1

    # ── the link ─────────────────────────────────────────────────────────────────────────────────────

    @rule(count=st.integers(1, 4))
    def deliver_to_viewer(self, count: int) -> None:
        for _ in range(min(count, len(self.to_viewer))):
            self.to_viewer.popleft()()

    @rule(count=st.integers(1, 4))
    def deliver_to_agent(self, count: int) -> None:
        for _ in range(min(count, len(self.to_agent))):
            message = self.to_agent.popleft()
            if message is None:
                self.receive_refresh()
            elif isinstance(message, Report):
                self.receive_report(message)
            else:
                self.proof.on_acked(message)
                if message > self.old_epoch:
                    self.acked_epoch = message
                self.window.on_acked(message, 0.0, self.now_s)

    @precondition(lambda self: self.to_agent and self.to_agent[0] is not None)
    @rule()
    def lose_message(self) -> None:
        """An acknowledgement or a report never comes."""
        self.to_agent.popleft()

    @rule(seconds=st.sampled_from((0.01, 0.1, 0.5, 2.0, 6.0)))
    def wait(self, seconds: float) -> None:
        self.now_s += seconds
        self.repair()

    @rule(altered=st.booleans())
    def check_readback(self, altered: bool) -> None:
        """The viewer tells the agent that its browser alters what it reads back, or no longer does."""
        self.proof.on_readback_checked(altered=altered, now_s=self.now_s)

    # ── what must hold ───────────────────────────────────────────────────────────────────────────────

    @invariant()
    def exact_is_true(self) -> None:
        if self.exactness() is Exactness.EXACT and self.corruptions == self.corruptions_revealed:
            assert self.viewer.shows(self.desktop)

    def teardown(self) -> None:
        """Once nothing changes and nothing is lost any more, the surface becomes exact."""
        if not hasattr(self, "viewer"):
            return
        self.end_video()
        self.proof.on_readback_checked(altered=False, now_s=self.now_s)
        if self.proof.unrepaired:
            # Only a RESET, or other content, helps a tile that was repaired in vain.
            assert self.exactness() is Exactness.UNVERIFIED
            self.lose_surface()
        for _ in range(ROUNDS_MAX):
            if self.viewer.epoch:
                self.to_agent.append(self.viewer.epoch)  # an acknowledgement that seemed lost comes late
            self.exchange_everything()
            self.exact_is_true()
            if self.exactness() is Exactness.EXACT and self.viewer.shows(self.desktop):
                return
            self.wait(0.5)
        raise AssertionError(f"the surface is not exact after {ROUNDS_MAX} rounds: {self.exactness()}")

    def exchange_everything(self) -> None:
        """Sends an update and a report, and delivers all that is on its way."""
        self.capture_and_send(1 << 24, interrupted=False)
        self.deliver_to_viewer(len(self.to_viewer))
        self.sweep(full=False)
        self.deliver_to_agent(len(self.to_agent))
        self.request_report()

    # ── parts of the rules ───────────────────────────────────────────────────────────────────────────

    def exactness(self) -> Exactness:
        complete = not self.damage and not self.sent.update_due
        return self.proof.state(complete=complete, now_s=self.now_s)

    def capture(self) -> tuple[TileMove | None, NDArray[np.int64]]:
        """Brings the shadow up to date. Returns the move in it, and the contents from before."""
        shadow, covered, damage = self.shadow, self.sent.covered, self.damage
        self.damage = []
        dirty = dirty_tiles(shadow.pixels, self.desktop, shadow.grid, damage)
        hidden, open_ = np.flatnonzero(dirty & covered), np.flatnonzero(dirty & ~covered)
        before = shadow.contents.copy()
        move = None
        if dirty.any() and not shadow.stale.any() and not len(hidden):
            move = self.moves.find(shadow.pixels, self.desktop, dirty)
        shadow.update_unhashed(self.desktop, hidden.astype(np.int32))
        shadow.update(self.desktop, open_.astype(np.int32))
        return move, before

    def rehash(self) -> None:
        stale = np.flatnonzero(self.shadow.stale & ~self.sent.covered).astype(np.int32)
        if len(stale):
            self.shadow.rehash(stale)

    def receive_update(self, data: bytes, *, reset: bool) -> None:
        if self.awaits_reset and not reset:
            return
        self.awaits_reset = False
        self.viewer.apply(data)
        self.to_agent.append(self.viewer.epoch)

    def read_back(self, *, full: bool = False, sweep: bool = False) -> None:
        report = self.viewer.report(full=full, sweep=sweep)
        if not self.viewer.unread_corruption:
            self.corruptions_read = self.corruptions
        self.to_agent.append(Report(report, self.corruptions_read))

    def receive_report(self, message: Report) -> None:
        if message.report.epoch > self.old_epoch:
            verdict = self.proof.on_report(message.report, self.now_s)
            if len(verdict.wrong):
                self.sent.distrust(verdict.wrong)
            self.repair()
            if message.report.epoch == self.acked_epoch:
                self.corruptions_revealed = message.corruptions_revealed

    def repair(self) -> None:
        """Sends the tiles again whose repair is due."""
        due = self.proof.take_due_repairs(self.now_s)
        if len(due):
            self.sent.invalidate(due)

    def receive_refresh(self) -> None:
        self.end_video()
        self.sent.reset()
        self.window.on_refresh()

    def part(self, x: float, y: float, width: float, height: float) -> Rect:
        """Returns a rectangle of the desktop, given in fractions of it."""
        screen_height, screen_width = self.desktop.shape[:2]
        left, top = int(x * (screen_width - 1)), int(y * (screen_height - 1))
        return Rect(
            left, top, 1 + int(width * (screen_width - 1 - left)), 1 + int(height * (screen_height - 1 - top))
        )

    @staticmethod
    def overlaps(one: Rect, other: Rect) -> bool:
        return (
            one.x < other.x + other.width
            and other.x < one.x + one.width
            and one.y < other.y + other.height
            and other.y < one.y + one.height
        )


TestSession = Session.TestCase
# A quarter of the profile's examples: each is a whole session of many steps.
TestSession.settings = settings(stateful_step_count=30, max_examples=max(25, settings().max_examples // 4))


def test_video_that_begins_while_a_reset_is_due_is_lossy() -> None:
    """The proof once took the RESET for the end of the video, and called what video showed exact."""
    session = Session()
    session.connect(size=0, cache=0, reset_ends_video=False)
    session.exchange_everything()
    assert session.exactness() is Exactness.EXACT
    session.lose_surface()
    session.deliver_to_agent(1)
    session.begin_video(x=0, y=0, width=0.5, height=0.5)
    session.draw_rectangle(x=0, y=0, width=0.1, height=0.1, level=3)
    session.exchange_everything()
    session.show_video_frame(level=90)
    assert session.exactness() is Exactness.LOSSY
    session.exact_is_true()
    session.teardown()


def test_a_reset_is_sent_although_the_window_was_closed() -> None:
    """A viewer that could not apply an update acknowledges neither it nor those behind it."""
    session = Session()
    session.connect(size=0, cache=0, reset_ends_video=False)
    for x in (0.0, 1.0):
        session.draw_rectangle(x=x, y=0, width=0, height=0, level=3)
        session.capture_and_send(1 << 24, interrupted=False)
    assert not session.window.is_open
    session.to_viewer.clear()
    session.lose_surface()
    session.teardown()
    assert session.window.is_open
