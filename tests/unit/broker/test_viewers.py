"""The registry of open viewers: who is disconnected, by which gateway."""

from __future__ import annotations

from display_server.broker.viewers import Viewers
from display_server.broker_link.messages import OpenViewer

KIM, LEE = bytes(32), bytes([1] * 32)


def viewers_of_two_gateways() -> tuple[Viewers, list[tuple[str, list[str]]]]:
    viewers = Viewers()
    asked: list[tuple[str, list[str]]] = []

    def first(names: list[str]) -> None:
        asked.append(("first", names))

    def second(names: list[str]) -> None:
        asked.append(("second", names))

    viewers.add(OpenViewer("a", "kim", KIM.hex(), "s1"), first)
    viewers.add(OpenViewer("b", "kim", KIM.hex(), "s2"), second)
    viewers.add(OpenViewer("c", "lee", LEE.hex(), "s3"), first)
    return viewers, asked


def test_a_person_is_disconnected_at_all_gateways() -> None:
    viewers, asked = viewers_of_two_gateways()
    assert viewers.disconnect_person("kim") == 2
    assert asked == [("first", ["a"]), ("second", ["b"])]
    assert [viewer.viewer for viewer in viewers.open] == ["c"]
    assert viewers.disconnect_person("kim") == 0, "they count as disconnected at once"


def test_a_web_session_and_a_desktop_are_disconnected_alone() -> None:
    viewers, asked = viewers_of_two_gateways()
    viewers.disconnect_web_session(LEE)
    viewers.disconnect_session("s2")
    viewers.disconnect_session("unknown")
    assert asked == [("first", ["c"]), ("second", ["b"])]
    assert [viewer.viewer for viewer in viewers.open] == ["a"]


def test_a_viewer_that_left_is_forgotten() -> None:
    viewers, asked = viewers_of_two_gateways()
    viewers.remove("a")
    viewers.remove("a")
    viewers.disconnect_web_session(KIM)
    assert asked == [("second", ["b"])]
