"""Datagrams that are sent in one call arrive one by one."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from display_server.agent.transport.webrtc.segments import BYTES_MAX, SEGMENTS_MAX, SegmentedSender, runs


@pytest.fixture(params=[socket.AF_INET, socket.AF_INET6], ids=["IPv4", "IPv6"])
def ends(request: pytest.FixtureRequest) -> Iterator[tuple[socket.socket, socket.socket]]:
    """A bound socket that sends, and one that receives."""
    host = "127.0.0.1" if request.param is socket.AF_INET else "::1"
    with (
        socket.socket(request.param, socket.SOCK_DGRAM) as here,
        socket.socket(request.param, socket.SOCK_DGRAM) as there,
    ):
        for end in (here, there):
            end.bind((host, 0))
        here.setblocking(False)
        there.settimeout(5)
        yield here, there


def frame(sizes: list[int]) -> list[bytes]:
    return [bytes([number % 256]) * size for number, size in enumerate(sizes)]


@given(st.lists(st.integers(1, 1300), max_size=200))
def test_runs_obey_the_limits_of_the_kernel(sizes: list[int]) -> None:
    datagrams = frame(sizes)
    together = list(runs(datagrams))
    assert [datagram for run in together for datagram in run] == datagrams
    for run in together:
        assert len(run) <= SEGMENTS_MAX
        assert sum(map(len, run)) <= BYTES_MAX
        assert {len(datagram) for datagram in run[:-1]} <= {len(run[0])}
        assert len(run[-1]) <= len(run[0])


def test_a_frame_is_one_run() -> None:
    assert len(list(runs(frame([1200] * 11 + [300])))) == 1


def test_datagrams_of_one_call_arrive_one_by_one(ends: tuple[socket.socket, socket.socket]) -> None:
    here, there = ends
    datagrams = frame([1200] * 40 + [7, 900, 900, 1])
    sender = SegmentedSender(here.fileno(), here.family)
    sender.send(datagrams, there.getsockname()[:2])
    assert [there.recv(2000) for _ in datagrams] == datagrams
    sender.close()
    here.sendto(b"still open", there.getsockname())
    assert there.recv(2000) == b"still open"


def test_datagrams_are_sent_one_by_one_on_an_old_kernel(
    ends: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = ends
    monkeypatch.setattr("display_server.agent.transport.webrtc.segments.UDP_SEGMENT", 9999)
    datagrams = frame([500, 500, 500])
    sender = SegmentedSender(here.fileno(), here.family)
    for _ in range(2):
        sender.send(datagrams, there.getsockname()[:2])
        assert [there.recv(2000) for _ in datagrams] == datagrams
    sender.close()


def test_datagrams_that_cannot_be_sent_are_lost() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as here:
        here.bind(("127.0.0.1", 0))
        sender = SegmentedSender(here.fileno(), here.family)
        sender.send(frame([10, 10]), ("127.0.0.1", 0))  # no port
        sender.close()
