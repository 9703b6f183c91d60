"""Which server is asked, and when a dead one is tried again."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from display_server.broker.directory.server_choice import RETRY_S, ServerChoice, ServerState


def test_the_first_server_is_preferred() -> None:
    assert ServerChoice(2).usable() == [0, 1]


def test_a_server_that_failed_is_left_out_until_a_probe_succeeds() -> None:
    choice = ServerChoice(2)
    assert choice.failed(0, 100.0)
    assert not choice.failed(0, 100.5), "it is known already"
    assert choice.usable() == [1]
    assert choice.due_probes(100.5 + RETRY_S - 0.1) == []
    assert choice.due_probes(100.5 + RETRY_S) == [0]
    assert choice.due_probes(1000.0) == [], "one probe at a time"
    assert choice.usable() == [1], "nobody has to wait for the probe"
    assert choice.succeeded(0)
    assert choice.usable() == [0, 1]


def test_a_probe_that_fails_is_repeated_later() -> None:
    choice = ServerChoice(1)
    choice.failed(0, 0.0)
    assert choice.all_down
    assert choice.due_probes(RETRY_S) == [0]
    choice.failed(0, RETRY_S + 3)
    assert choice.due_probes(2 * RETRY_S) == []
    assert choice.due_probes(2 * RETRY_S + 3) == [0]


def test_a_late_answer_does_not_bring_a_server_back() -> None:
    choice = ServerChoice(2)
    choice.failed(0, 0.0)
    assert not choice.succeeded(0)
    assert choice.state_of(0) is ServerState.DOWN


@given(
    st.lists(
        st.tuples(st.sampled_from(["failed", "succeeded", "probe"]), st.integers(0, 1), st.floats(0, 20))
    )
)
def test_a_server_that_stays_up_is_always_used(events: list[tuple[str, int, float]]) -> None:
    """Whatever happens to the first server, the second one is asked while it does not fail."""
    choice, now_s = ServerChoice(2), 0.0
    for event, _, passed_s in events:
        now_s += passed_s
        if event == "failed":
            choice.failed(0, now_s)
        elif event == "succeeded":
            choice.succeeded(0)
        else:
            choice.due_probes(now_s)
        assert choice.usable()[-1] == 1
        assert not choice.all_down
