"""The window on ways of different kinds, with a clock of its own."""

from __future__ import annotations

from dataclasses import dataclass

from display_server.agent.update.send_window import (
    BUDGET_FIRST_BYTES,
    BUDGET_MIN_BYTES,
    WINDOW_MAX,
    WINDOW_MIN,
    SendWindow,
)


@dataclass
class LinkEstimate:
    """A way of so many bytes a second and so long a round trip, always with something to send."""

    rate: float
    round_trip_s: float
    held_s: float = 0.0

    def run(self, size_of: int | None, seconds: float) -> tuple[SendWindow, int, float]:
        """SendWindow, updates shown, longest time from sending to showing. Sizes None: the whole budget."""
        window, now_s, free_s, epoch = SendWindow(), 0.0, 0.0, 0
        arrivals: list[tuple[float, int, float]] = []  # acked at, epoch, sent at
        shown, worst_s = 0, 0.0
        while now_s < seconds:
            while window.is_open:
                epoch += 1
                size = window.budget_bytes if size_of is None else size_of
                window.on_sent(epoch, size, now_s)
                free_s = max(free_s, now_s) + size / self.rate
                arrivals.append((free_s + self.round_trip_s + self.held_s, epoch, now_s))
            now_s, acked, sent_s = arrivals.pop(0)
            window.on_acked(acked, self.held_s, now_s)
            shown += 1
            worst_s = max(worst_s, now_s - sent_s) if now_s > seconds / 2 else worst_s
        return window, shown, worst_s


def test_begins_small() -> None:
    window = SendWindow()
    assert window.is_open
    assert window.budget_bytes == BUDGET_FIRST_BYTES
    window.on_sent(1, 100, 0.0)
    assert window.is_open
    window.on_sent(2, 100, 0.0)
    assert not window.is_open
    window.on_acked(2, 0.0, 0.01)
    assert window.is_open
    assert window.in_flight_bytes == 0


def test_quick_way_has_room_for_whole_pictures() -> None:
    window, _, _ = LinkEstimate(rate=100e6, round_trip_s=0.001).run(200_000, 1.0)
    assert window.budget_bytes > 1_000_000
    assert window.limit == WINDOW_MIN


def test_slow_way_never_queues_long() -> None:
    window, _, worst_s = LinkEstimate(rate=1.25e6, round_trip_s=0.02).run(None, 10.0)
    assert worst_s < 0.6
    assert 60_000 < window.budget_bytes < 400_000


def test_very_slow_way_still_gets_something() -> None:
    window, shown, _ = LinkEstimate(rate=20e3, round_trip_s=0.2).run(None, 30.0)
    assert window.budget_bytes == BUDGET_MIN_BYTES
    assert shown > 10


def test_long_way_is_kept_busy() -> None:
    window, shown, _ = LinkEstimate(rate=50e6, round_trip_s=0.08).run(2000, 4.0)
    assert WINDOW_MIN < window.limit <= WINDOW_MAX
    assert shown / 4.0 > 50


def test_slow_viewer_is_no_slow_way() -> None:
    window, _, _ = LinkEstimate(rate=100e6, round_trip_s=0.001, held_s=0.2).run(200_000, 3.0)
    assert window.limit == WINDOW_MIN
    assert window.budget_bytes > 1_000_000


def test_acks_of_what_is_not_in_flight_change_nothing() -> None:
    window = SendWindow()
    window.on_sent(5, 1000, 0.0)
    assert window.on_acked(4, 0.0, 1.0) == []
    assert [sent.epoch for sent in window.on_acked(9, -5.0, 1.0)] == [5]
    assert window.on_acked(9, 1e9, 1.0) == []


def test_what_is_in_flight_takes_its_time_on_the_way() -> None:
    window = SendWindow()
    window.on_sent(1, 100_000, 0.0)
    assert window.backlog_s == 0.0, "nothing is known of the way yet"
    window.on_acked(1, 0.0, 0.1)
    assert window.rate_bytes_per_s is not None
    window.on_sent(2, int(window.rate_bytes_per_s / 4), 0.2)
    assert round(window.backlog_s, 3) == 0.25
    window.on_acked(2, 0.0, 0.5)
    assert window.backlog_s == 0.0
