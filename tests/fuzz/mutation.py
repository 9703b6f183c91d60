"""Mutates inputs. Everything follows from the random numbers, so that a seed repeats a campaign exactly."""

from __future__ import annotations

import contextlib
import json
import random
import re
from typing import Any

#: Bytes that are special somewhere: ends of lines and strings, separators, and the ends of their ranges.
SPECIAL = b"\0\r\n\t \"'\\{}[]:,;=%/?#&.@-\x7f\x80\xc0\xff"
#: Values that a field may not expect.
VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 0.5, -0.0, 1e308, -1e308, 2**31, 2**32, 2**53, 2**63, 2**64, -(2**63)),
    *("", "..", "../x", "/etc/passwd", "a\0b", "\n", "\ud800", "ａ", "-rf", "%s", "x" * 300, "0" * 5000),
    *([], {}, [[]], {"": None}, [0] * 300),
)
#: How many mutations an input gets, each as likely as it is often here. Few keep what is behind the first
#: check in reach.
MUTATIONS = (1, 1, 1, 2, 4)
#: The header of an HTTP request that has to fit its body, and what is between head and body.
_LENGTH = re.compile(rb"content-length: \d+\r\n")
_HEAD_END = b"\r\n\r\n"


class Mutator:
    """Draws mutations from `draw`. `others` are inputs from which parts are taken."""

    def __init__(self, draw: random.Random, others: tuple[bytes, ...]) -> None:
        self._draw = draw
        self._others = others

    def mutate(self, data: bytes) -> bytes:
        """Returns a changed copy. JSON is sometimes changed as a value, and stays JSON, also as a body."""
        draw = self._draw
        head, body = b"", data
        if _LENGTH.search(data):
            head, end, body = data.partition(_HEAD_END)
            head += end
        if body[:1] in (b"{", b"[") and draw.random() < 0.7:
            with contextlib.suppress(ValueError):  # it was no JSON: its bytes are changed
                body = self._mutate_json(body)
                return _LENGTH.sub(b"content-length: %d\r\n" % len(body), head) + body
        changed = bytearray(data)
        for _ in range(draw.choice(MUTATIONS)):
            self._mutate_bytes(changed)
        return bytes(changed)

    def _mutate_bytes(self, data: bytearray) -> None:
        draw = self._draw
        at = draw.randrange(len(data) + 1)
        match draw.randrange(8):
            case 0 if at < len(data):
                data[at] ^= 1 << draw.randrange(8)
            case 1 if at < len(data):
                data[at] = draw.choice(SPECIAL)
            case 2:
                del data[at:]
            case 3:
                del data[at : at + draw.randint(1, 16)]
            case 4:
                data[at:at] = draw.randbytes(draw.randint(1, 16))
            case 5:
                other = draw.choice(self._others)
                start = draw.randrange(len(other) + 1)
                data[at:at] = other[start : start + draw.randint(1, 64)]
            case 6:
                data[at:at] = data[at : at + draw.randint(1, 64)] * draw.choice((1, 2, 100))
            case _:
                data[at : at + 4] = draw.choice((0, 1, 255, 256, 2**31, 2**32 - 1)).to_bytes(4, "little")

    def _mutate_json(self, data: bytes) -> bytes:
        value = json.loads(data)
        for _ in range(self._draw.choice(MUTATIONS)):
            value = self._changed(value)
        return json.dumps(value, ensure_ascii=self._draw.random() < 0.5).encode("utf-8", "surrogatepass")

    def _changed(self, value: Any) -> Any:
        """Returns the value with one part replaced, removed, doubled or renamed."""
        draw = self._draw
        if isinstance(value, dict) and value and draw.random() < 0.8:
            key = draw.choice(list(value))
            match draw.randrange(4):
                case 0:
                    return {name: one for name, one in value.items() if name != key}
                case 1:
                    return {**value, draw.choice(("x", "", "type", key * 2)): value[key]}
                case _:
                    return {**value, key: self._changed(value[key])}
        if isinstance(value, list) and value and draw.random() < 0.8:
            at = draw.randrange(len(value))
            match draw.randrange(3):
                case 0:
                    return value[:at] + value[at + 1 :]
                case 1:
                    return [*value, value[at]]
                case _:
                    return [*value[:at], self._changed(value[at]), *value[at + 1 :]]
        if isinstance(value, int) and not isinstance(value, bool) and draw.random() < 0.5:
            return value + draw.choice((-1, 1, 256, -65536))
        if isinstance(value, str) and value and draw.random() < 0.5:
            at = draw.randrange(len(value))
            return value[:at] + draw.choice(("", "a", "7", "-", ".", "/", "가", value)) + value[at + 1 :]
        return draw.choice(VALUES)
