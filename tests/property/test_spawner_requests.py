"""Whatever arrives on the spawner's socket is either refused or a request whose every value is harmless."""

from __future__ import annotations

import json
from pathlib import PurePosixPath
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from display_server.spawner.messages import (
    HEADER,
    ExecSupervisor,
    ListDesktops,
    Request,
    SetHomesAside,
    StartDesktop,
    StopDesktop,
    WipeDeletedHomes,
    WipeHome,
    WipeHomes,
    decode_request,
    encode,
)

#: How many inputs each test tries. `tests/fuzz` feeds 10,000 others to the socket.
EXAMPLES = 1000
#: Values that an attacker would try in every field.
VALUES = st.one_of(
    st.sampled_from(
        ["..", "../x", "/etc", "a/b", "", "-rf", ".ssh", "a\0b", "a\n", "kim", "bcd", "ａ", "x" * 70, "%s"]
    ),
    st.integers(),
    st.text(),
    st.none(),
    st.booleans(),
    st.floats(),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(
        st.sampled_from(["memory_mb", "processes", "cpu_percent", "x"]), st.integers(), max_size=3
    ),
)
START: dict[str, Any] = {
    "type": "start",
    "session": "bcd",
    "username": "kim",
    "desktop": "office",
    "first_id": 0x7000_0000,
    "spec": "{}",
}


def assert_harmless(request: Request) -> None:
    if isinstance(request, ListDesktops):
        return
    names = []
    if isinstance(request, SetHomesAside | WipeHomes):
        names.append(request.username)
    elif isinstance(request, WipeHome):
        names += [request.username, request.desktop]
    elif isinstance(request, WipeDeletedHomes):
        names.append(request.folder)
    else:
        names.append(request.session)
    if isinstance(request, StartDesktop):
        names += [request.username, request.desktop]
        assert 0 < request.first_id < 2**31
        assert len(request.spec) <= 64 * 1024
        assert 256 <= request.limits.memory_mb <= 1_048_576
        assert 64 <= request.limits.processes <= 100_000
        assert 0 <= request.limits.home_mb < 2**24
    for name in names:
        assert PurePosixPath("/homes", name).parent == PurePosixPath("/homes")
        assert name.isascii()
        assert name.isprintable()
        assert name[0].isalnum()


def decode(body: bytes) -> None:
    try:
        request = decode_request(body)
    except msgspec.MsgspecError:
        return
    assert_harmless(request)
    assert decode_request(encode(request)[HEADER.size :]) == request


@settings(max_examples=EXAMPLES)
@given(st.binary(max_size=300))
def test_arbitrary_bytes(body: bytes) -> None:
    decode(body)


@settings(max_examples=EXAMPLES)
@given(st.dictionaries(st.sampled_from([*START, "limits", "home", "command"]), VALUES, max_size=4))
def test_requests_with_arbitrary_values(changes: dict[str, Any]) -> None:
    decode(json.dumps({**START, **changes}).encode())


@settings(max_examples=EXAMPLES)
@given(st.data())
def test_requests_with_changed_bytes(data: st.DataObject) -> None:
    requests: list[Request] = [
        StopDesktop("bcd"),
        ExecSupervisor("bcd"),
        ListDesktops(),
        SetHomesAside("kim"),
        WipeHomes("kim"),
        WipeHome("kim", "office"),
        WipeDeletedHomes("kim-20260101-120000"),
    ]
    request = data.draw(st.sampled_from(requests))
    body = bytearray(data.draw(st.sampled_from([json.dumps(START).encode(), encode(request)[HEADER.size :]])))
    for _ in range(data.draw(st.integers(1, 4))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    decode(bytes(body))
