"""The web client's generated types agree with the protocol's definitions."""

from __future__ import annotations

import json

import display_codecs
import pytest

from display_server.protocol.close_codes import CloseCode
from display_server.protocol.generate_typescript import FOLDER, MESSAGES, WIRE_FACTS, render


@pytest.fixture(scope="module")
def generated() -> dict[str, str]:
    return render()


@pytest.fixture
def facts(generated: dict[str, str]) -> str:
    return generated[WIRE_FACTS]


@pytest.fixture
def messages(generated: dict[str, str]) -> str:
    return generated[MESSAGES]


def test_the_committed_files_are_up_to_date(generated: dict[str, str]) -> None:
    assert {path.name: path.read_text(encoding="utf-8") for path in FOLDER.iterdir()} == generated, (
        "run `python -m display_server.protocol.generate_typescript` and commit the result"
    )


def test_constants_keep_their_comments(facts: str) -> None:
    assert (
        "/** Monitors of one desktop; they are numbered from 0. */\nexport const MONITORS_MAX = 6;\n" in facts
    )


def test_every_close_code_is_generated(facts: str) -> None:
    for code in CloseCode:
        assert f"  {code.name}: {code.value},\n" in facts


def test_encodings_are_those_of_the_codec(facts: str) -> None:
    names = ", ".join(map(json.dumps, display_codecs.ENCODING_NAMES))
    assert f"export const ENCODINGS = [{names}] as const;\n" in facts


def test_a_viewer_may_leave_out_fields_with_a_default(messages: str) -> None:
    hello = messages.partition("export interface HelloMessage {")[2].partition("}")[0]
    assert "readonly monitor: number;" in hello
    assert "readonly resume?: boolean;" in hello


def test_an_agent_writes_fields_with_a_default(messages: str) -> None:
    welcome = messages.partition("export interface WelcomeMessage {")[2].partition("}")[0]
    assert "readonly protocol: number;" in welcome
