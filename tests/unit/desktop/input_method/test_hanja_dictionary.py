"""Meanings of Hanja by the dictionary of libhangul."""

from __future__ import annotations

from pathlib import Path

import pytest

from display_server.desktop.input_method.hanja_dictionary import HanjaDictionary

DICTIONARY = """\
# reading:hanja:meaning
하:下:아래 하
한:韓:나라 이름 한, 한나라 한
한:漢:한수 한
한한:寒汗:
할:割:나눌 할
"""


@pytest.fixture
def dictionary(tmp_path: Path) -> Path:
    path = tmp_path / "hanja.txt"
    path.write_text(DICTIONARY, "utf-8")
    return path


def test_all_meanings_of_the_reading_are_found(dictionary: Path) -> None:
    assert HanjaDictionary(dictionary).meanings("漢", "한수 한") == {
        "韓": "나라 이름 한, 한나라 한",
        "漢": "한수 한",
    }


def test_unknown_words_keep_the_meaning_that_ibus_sends(dictionary: Path, tmp_path: Path) -> None:
    assert HanjaDictionary(dictionary).meanings("寒汗", "") == {}
    assert HanjaDictionary(dictionary).meanings("漢", "another") == {"漢": "another"}
    assert HanjaDictionary(tmp_path / "missing").meanings("漢", "한수 한") == {"漢": "한수 한"}
