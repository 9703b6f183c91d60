from __future__ import annotations

from typing import Any

import msgspec
import pytest

from display_server.spawner.messages import (
    HEADER,
    VERSION,
    Answer,
    ExecSupervisor,
    Limits,
    ListDesktops,
    Request,
    StartDesktop,
    StopDesktop,
    decode_answer,
    decode_request,
    encode,
)

START = StartDesktop("bcd234", "kim@hospital.example", "radiology", 0x7000_0000, "{}", Limits(memory_mb=512))


@pytest.mark.parametrize("message", [START, ExecSupervisor("bcd"), StopDesktop("bcd"), ListDesktops()])
def test_requests_survive_the_wire(message: Request) -> None:
    encoded = encode(message)
    assert HEADER.unpack(encoded[: HEADER.size]) == (VERSION, len(encoded) - HEADER.size)
    assert decode_request(encoded[HEADER.size :]) == message


def test_answers_survive_the_wire() -> None:
    answer = Answer("It failed.", "Try again.")
    assert decode_answer(encode(answer)[HEADER.size :]) == answer


def start_with(**changes: Any) -> bytes:
    fields = msgspec.json.decode(msgspec.json.encode(START))
    return msgspec.json.encode(fields | changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"session": ".."},
        {"session": "a/b"},
        {"session": "a\n"},
        {"session": ""},
        {"username": "../root"},
        {"username": ".ssh"},
        {"username": "kim\0"},
        {"desktop": "a/../b"},
        {"desktop": "radiology\n"},
        {"desktop": "-rf"},
        {"first_id": 0},
        {"first_id": -1},
        {"first_id": 2**31},
        {"limits": {"memory_mb": 1}},
        {"nested_namespaces": 1},
        {"nested_namespaces": "yes"},
        {"limits": {"processes": 10**9}},
        {"limits": {"unknown": 1}},
        {"spec": "x" * (64 * 1024 + 1)},
        {"spec": 7},
        {"command": ["/bin/sh"]},
        {"home": "/root"},
        {"type": "shell"},
    ],
    ids=repr,
)
def test_refuses_what_is_no_request(changes: dict[str, Any]) -> None:
    with pytest.raises(msgspec.MsgspecError):
        decode_request(start_with(**changes))
