"""The lists of encodings and faults agree in C and Python. TypeScript's are generated from Python's."""

from __future__ import annotations

import re

from display_codecs import PROPERTIES, Encoding
from display_codecs.compile import native_folder
from display_codecs.native import FAULTS, READ_AHEAD

HEADER = (native_folder() / "tile.h").read_text(encoding="utf-8")


def test_encodings_are_those_of_the_c_header() -> None:
    in_c = re.findall(r"X\((\d+), (\w+), (\w+)\)", HEADER)
    assert [(int(number), upper, lower) for number, upper, lower in in_c] == [
        (encoding.value, encoding.name, encoding.name.lower()) for encoding in Encoding
    ]
    assert list(PROPERTIES) == list(Encoding)


def test_all_encodings_are_lossless() -> None:
    assert all(properties.lossless for properties in PROPERTIES.values())


def test_faults_are_those_of_the_c_header() -> None:
    in_c = dict(re.findall(r"(FAULT_\w+) = (\d+)", HEADER))
    assert in_c.pop("FAULT_NONE") == "0"
    assert sorted(map(int, in_c.values())) == list(FAULTS)


def test_the_read_ahead_is_that_of_the_c_header() -> None:
    assert re.findall(r"#define READ_AHEAD (\d+)", HEADER) == [str(READ_AHEAD)]
