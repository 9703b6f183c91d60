"""What the kernel says about its clock."""

from __future__ import annotations

import pytest

from display_server.server.doctor import _clock
from display_server.telemetry.clock import ClockState, read_clock


def test_reads_the_clock_of_this_host() -> None:
    state = read_clock()
    assert state is None or 0 <= state.error_s <= 3600


@pytest.mark.parametrize(
    ("state", "right", "found"),
    [
        (ClockState(True, 0.004), True, "kept right, at most 0.004 s off"),
        (ClockState(True, 2.5), False, "kept right, at most 2.500 s off"),
        (ClockState(False, 16.0), False, "nobody keeps it right"),
        (None, True, "the kernel does not say whether it is right"),
    ],
)
def test_the_doctor_advises_to_synchronise_it(state: ClockState | None, right: bool, found: str) -> None:
    finding = _clock(state)
    assert (finding.ok, finding.found, finding.mandatory) == (right, found, False)
    assert "chrony" in finding.hint or right
