"""Control messages. The tests of the web client read the same vectors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from display_server.protocol import messages as m
from display_server.protocol.close_codes import CloseCode
from display_server.protocol.errors import ProtocolError
from display_server.protocol.limits import VIEWER_TEXT_MAX_BYTES

VECTORS: dict[str, Any] = json.loads((Path(__file__).parents[2] / "vectors" / "protocol.json").read_text())


@pytest.mark.parametrize("vector", VECTORS["from_viewer"], ids=lambda vector: vector["name"])
def test_viewer_messages_are_parsed(vector: dict[str, Any]) -> None:
    message = m.parse_viewer_message(json.dumps(vector["message"]))
    assert msgspec.to_builtins(message) == vector["message"]


@pytest.mark.parametrize("vector", VECTORS["refused_by_agent"], ids=lambda vector: vector["name"])
def test_malformed_viewer_messages_are_refused(vector: dict[str, Any]) -> None:
    with pytest.raises(ProtocolError) as caught:
        m.parse_viewer_message(vector["text"])
    assert caught.value.close_code == CloseCode.PROTOCOL_VIOLATION


@pytest.mark.parametrize("vector", VECTORS["from_agent"], ids=lambda vector: vector["name"])
def test_agent_messages_are_serialized(vector: dict[str, Any]) -> None:
    classes = {cls.__struct_config__.tag: cls for cls in m.AgentMessage.__args__}
    message = msgspec.convert(vector["message"], classes[vector["message"]["type"]])
    assert json.loads(m.encode_agent_message(message)) == vector["message"]


def test_unknown_fields_are_ignored() -> None:
    assert m.parse_viewer_message('{"type":"release","future":[1]}') == m.Release()


def test_the_frame_limit_counts_bytes() -> None:
    padding = "한" * (VIEWER_TEXT_MAX_BYTES // 3 + 1)
    with pytest.raises(ProtocolError, match="at most"):
        m.parse_viewer_message(json.dumps({"type": "release", "x": padding}, ensure_ascii=False))


def test_the_text_limit_counts_code_points() -> None:
    message = m.parse_viewer_message(json.dumps({"type": "text", "text": "😀" * 1024}))
    assert isinstance(message, m.Text)
    with pytest.raises(ProtocolError, match="text"):
        m.parse_viewer_message(json.dumps({"type": "text", "text": "😀" * 1025}))
