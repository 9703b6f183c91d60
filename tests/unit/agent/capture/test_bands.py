"""The bands of rows that XshmSource reads."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from display_server.agent.capture.xshm import bands
from display_server.agent.geometry import Rect

rectangles = st.builds(Rect, st.integers(0, 199), st.integers(0, 149), st.integers(1, 60), st.integers(1, 60))


@given(st.lists(rectangles, max_size=20))
def test_bands_are_separate_and_contain_every_damaged_row(damage: list[Rect]) -> None:
    rows = {row for top, count in bands(damage) for row in range(top, top + count)}
    assert {row for r in damage for row in range(r.y, r.y + r.height)} <= rows
    starts_and_ends = [edge for top, count in bands(damage) for edge in (top, top + count)]
    assert starts_and_ends == sorted(set(starts_and_ends))
