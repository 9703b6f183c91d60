"""The names that people type."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from display_server.broker.accounts import USERNAME
from display_server.broker.directory.names import account_name

DOMAINS = frozenset({"hospital", "hospital.example"})


@pytest.mark.parametrize(
    "typed",
    [
        "kim",
        "KIM",
        "  Kim ",
        r"HOSPITAL\kim",
        r"hospital\Kim",
        "kim@hospital.example",
        "Kim@Hospital.Example",
        r"hospital.example\kim",
    ],
)
def test_one_person_has_one_name(typed: str) -> None:
    assert account_name(typed, DOMAINS) == "kim"


@pytest.mark.parametrize("typed", [r"OTHER\kim", "kim@other.example", "kim@", r"\kim", "@hospital.example"])
def test_the_name_of_another_domain_is_nobody_of_this_one(typed: str) -> None:
    assert account_name(typed, DOMAINS) != "kim"


@given(st.text(max_size=30))
def test_any_text_gives_a_name_in_lower_case(typed: str) -> None:
    name = account_name(typed, DOMAINS)
    assert name == name.lower()
    if USERNAME.fullmatch(name):
        assert "\\" not in name
