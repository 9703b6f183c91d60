"""SendWindow on links of different kinds, in simulated time."""

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
class Link:
    """A simulated link, with a sender that always has something to send.

    `held_s` is how long the viewer takes from receiving an update to showing it.
    """

    rate_bytes_per_s: float
    round_trip_s: float
    held_s: float = 0.0

    def run(self, size_bytes: int | None, seconds: float) -> tuple[SendWindow, int, float]:
        """Returns the window, the number of updates shown, and the longest time from sending to showing.

        `size_bytes` is the size of each update; None makes each as large as the budget permits. The longest
        time is taken over the second half, when the estimates have settled.
        """
        window, now_s, free_s, epoch = SendWindow(), 0.0, 0.0, 0
        arrivals: list[tuple[float, int, float]] = []  # acked at, epoch, sent at
        shown, worst_s = 0, 0.0
        while now_s < seconds:
            while window.is_open:
                epoch += 1
                size = window.budget_bytes if size_bytes is None else size_bytes
                window.on_sent(epoch, size, now_s)
                free_s = max(free_s, now_s) + size / self.rate_bytes_per_s
                arrivals.append((free_s + self.round_trip_s + self.held_s, epoch, now_s))
            now_s, acked, sent_s = arrivals.pop(0)
            window.on_acked(acked, self.held_s, now_s)
            shown += 1
            worst_s = max(worst_s, now_s - sent_s) if now_s > seconds / 2 else worst_s
        return window, shown, worst_s


def test_a_new_window_permits_two_updates() -> None:
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


def test_a_fast_link_gets_whole_frames() -> None:
    window, _, _ = Link(rate_bytes_per_s=100e6, round_trip_s=0.001).run(200_000, 1.0)
    assert window.budget_bytes > 1_000_000
    assert window.limit == WINDOW_MIN


def test_a_slow_link_never_queues_long() -> None:
    window, _, worst_s = Link(rate_bytes_per_s=1.25e6, round_trip_s=0.02).run(None, 10.0)
    assert worst_s < 0.6
    assert 60_000 < window.budget_bytes < 400_000


def test_a_very_slow_link_still_gets_updates() -> None:
    window, shown, _ = Link(rate_bytes_per_s=20e3, round_trip_s=0.2).run(None, 30.0)
    assert window.budget_bytes == BUDGET_MIN_BYTES
    assert shown > 10


def test_a_link_with_a_long_round_trip_is_kept_busy() -> None:
    window, shown, _ = Link(rate_bytes_per_s=50e6, round_trip_s=0.08).run(2000, 4.0)
    assert WINDOW_MIN < window.limit <= WINDOW_MAX
    assert shown / 4.0 > 50


def test_a_slow_viewer_is_not_taken_for_a_slow_link() -> None:
    window, _, _ = Link(rate_bytes_per_s=100e6, round_trip_s=0.001, held_s=0.2).run(200_000, 3.0)
    assert window.limit == WINDOW_MIN
    assert window.budget_bytes > 1_000_000


def test_acknowledgements_of_other_epochs_change_nothing() -> None:
    window = SendWindow()
    window.on_sent(5, 1000, 0.0)
    assert window.on_acked(4, 0.0, 1.0) == []
    assert [update.epoch for update in window.on_acked(9, -5.0, 1.0)] == [5]
    assert window.on_acked(9, 1e9, 1.0) == []


def test_the_backlog_is_the_time_that_the_bytes_in_flight_take() -> None:
    window = SendWindow()
    window.on_sent(1, 100_000, 0.0)
    assert window.backlog_s == 0.0, "the rate is not known yet"
    window.on_acked(1, 0.0, 0.1)
    assert window.rate_bytes_per_s is not None
    window.on_sent(2, int(window.rate_bytes_per_s / 4), 0.2)
    assert round(window.backlog_s, 3) == 0.25
    window.on_acked(2, 0.0, 0.5)
    assert window.backlog_s == 0.0


def test_after_a_refresh_only_resets_count_as_in_flight() -> None:
    window = SendWindow()
    window.on_sent(1, 1000, 0.0, reset=True)
    window.on_sent(2, 500, 0.0)
    assert not window.is_open
    window.on_refresh()
    assert window.is_open
    assert window.in_flight_bytes == 1000
    window.on_sent(3, 2000, 0.1, reset=True)
    assert not window.is_open
    window.on_refresh()
    assert not window.is_open, "a viewer that only asks for RESETs gets no more than the window permits"
    assert [update.epoch for update in window.on_acked(3, 0.0, 0.2)] == [1, 3]
    assert window.in_flight_bytes == 0
