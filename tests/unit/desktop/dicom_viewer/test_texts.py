"""The viewer's texts: both languages have the same ones, and every refusal has a sentence."""

from __future__ import annotations

import string

import pytest

from display_server.desktop.dicom_viewer.refusals import Reason, UnshowableError
from display_server.desktop.dicom_viewer.texts import ENGLISH, KOREAN, sentence, texts_for


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_both_languages_have_the_same_texts() -> None:
    assert list(ENGLISH) == list(KOREAN)
    assert {key: placeholders(text) for key, text in ENGLISH.items()} == {
        key: placeholders(text) for key, text in KOREAN.items()
    }


@pytest.mark.parametrize("texts", [ENGLISH, KOREAN])
@pytest.mark.parametrize("reason", list(Reason))
def test_every_refusal_is_a_sentence_with_its_detail(texts: dict[str, str], reason: Reason) -> None:
    text = sentence(texts, UnshowableError(reason, "x y z"))
    assert "x y z" in text
    assert "{" not in text


def test_the_language_is_that_of_the_desktop() -> None:
    assert texts_for({"LANG": "ko_KR.UTF-8"}) is KOREAN
    assert texts_for({"LANG": "ko_KR.UTF-8", "LC_ALL": "C.UTF-8"}) is ENGLISH
    assert texts_for({}) is ENGLISH
