"""Recovery codes can be read from paper and typed."""

from __future__ import annotations

import re

import pytest

from display_server.broker.second_factor import recovery_codes


def test_ten_codes_that_differ() -> None:
    codes = recovery_codes.new_codes()
    assert len(set(codes)) == 10
    assert all(re.fullmatch(r"[0-9A-HJKMNP-TV-Z]{4}(-[0-9A-HJKMNP-TV-Z]{4}){2}", code) for code in codes)


@pytest.mark.parametrize(
    "typed", ["7K2M-P4XD-91QZ", "7k2m p4xd 91qz", "7K2MP4XD91QZ", " 7k2m-p4xd-9lqz ", "7K2M-P4XD-9IQZ"]
)
def test_reads_what_people_type(typed: str) -> None:
    assert recovery_codes.normalise(typed) == "7K2MP4XD91QZ"


@pytest.mark.parametrize(
    "typed", ["", "123456", "7K2M-P4XD-91Q", "7K2M-P4XD-91QZ0", "7K2M-P4XD-91Q!", "ㄱ" * 12]
)
def test_what_is_no_code_is_refused(typed: str) -> None:
    assert recovery_codes.normalise(typed) is None
