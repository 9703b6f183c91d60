from __future__ import annotations

import pytest

from display_server.broker.adoption import RecordedSession, compare
from display_server.desktop.spec import DesktopSpec


def row(
    session: str, username: str = "kim", desktop: str = "office", created_s: float = 1
) -> RecordedSession:
    return RecordedSession(session, username, desktop, created_s)


def running(session: str, username: str = "kim", desktop: str = "office") -> DesktopSpec:
    return DesktopSpec(session, username, desktop, "office", 800, 600, "/h", "/d", "/l")


@pytest.mark.parametrize(
    ("rows", "desktops", "adopted", "ended", "recorded"),
    [
        pytest.param([], [], "", "", "", id="nothing"),
        pytest.param([row("a")], [running("a")], "a", "", "", id="the same"),
        pytest.param([row("a")], [], "", "", "a", id="a session without a desktop"),
        pytest.param([], [running("a")], "", "a", "", id="a desktop without a session"),
        pytest.param([row("a")], [running("b")], "", "b", "a", id="another session of the same desktop"),
        pytest.param([row("a")], [running("a", "lee")], "", "a", "a", id="the desktop of somebody else"),
        pytest.param([row("a")], [running("a", desktop="ct")], "", "a", "a", id="another desktop"),
        pytest.param(
            [row("a"), row("b", "lee"), row("c", desktop="ct"), row("d", "park")],
            [running("a"), running("b", "lee"), running("c", desktop="ct"), running("e")],
            "abc",
            "e",
            "d",
            id="several",
        ),
        pytest.param(
            [row("a", created_s=2), row("b", created_s=3), row("c", created_s=1)],
            [running("a"), running("b"), running("c")],
            "b",
            "ac",
            "ac",
            id="of several sessions of one desktop the newest",
        ),
        pytest.param(
            [
                RecordedSession("a", "kim", "office", 1, place=2),
                RecordedSession("b", "kim", "ct", 1, place=2),
            ],
            [running("a", "kim"), running("b", "place.2", "ct")],
            "ab",
            "",
            "",
            id="dedicated and floating",
        ),
        pytest.param(
            [RecordedSession("a", "", "office", 1, place=2), RecordedSession("b", "kim", "ct", 1)],
            [running("a", "kim"), running("b", "place.2", "ct")],
            "",
            "ab",
            "ab",
            id="a person or a place that the row does not name",
        ),
        pytest.param(
            [row("a", created_s=1), row("b", created_s=2)],
            [running("a")],
            "a",
            "",
            "b",
            id="a newer session without a desktop does not hide an older one that runs",
        ),
    ],
)
def test_rows_and_desktops_are_compared(
    rows: list[RecordedSession], desktops: list[DesktopSpec], adopted: str, ended: str, recorded: str
) -> None:
    comparison = compare(rows, desktops)
    assert [spec.session for spec in comparison.adopt] == list(adopted)
    assert [spec.session for spec in comparison.end] == list(ended)
    assert [session.id for session in comparison.record] == list(recorded)
