"""Search filters of LDAP, as values. Pure.

A filter is a tree and never a text: what a person types becomes the value of an `Equals`, whose encoding
carries its length. There is nothing to escape and nothing to inject. Text exists only in the configuration
(`parse`, RFC 4515) and in logs (`str`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from display_server.broker.directory import ber

#: Deepest nesting of a filter in the configuration.
DEPTH_MAX: Final = 20
#: An attribute's name with options such as `;binary` (RFC 4512), or a number in dots.
_ATTRIBUTE = re.compile(r"[A-Za-z0-9][A-Za-z0-9.;-]*")
#: Characters that RFC 4515 wants escaped, and those that a log should not contain as they are.
_UNSAFE = re.compile(rb"[^\x20-\x27\x2b-\x5b\x5d-\x7e]")
_ESCAPE = re.compile(rb"\\([0-9a-fA-F]{2})")


class FilterError(ValueError):
    """A text is no filter. The message says why."""


@dataclass(frozen=True, slots=True)
class And:
    parts: tuple[Filter, ...]

    def __str__(self) -> str:
        return f"(&{''.join(map(str, self.parts))})"

    def encode(self) -> bytes:
        return ber.sequence(*(part.encode() for part in self.parts), tag=0xA0)


@dataclass(frozen=True, slots=True)
class Or:
    parts: tuple[Filter, ...]

    def __str__(self) -> str:
        return f"(|{''.join(map(str, self.parts))})"

    def encode(self) -> bytes:
        return ber.sequence(*(part.encode() for part in self.parts), tag=0xA1)


@dataclass(frozen=True, slots=True)
class Not:
    part: Filter

    def __str__(self) -> str:
        return f"(!{self.part})"

    def encode(self) -> bytes:
        return ber.sequence(self.part.encode(), tag=0xA2)


@dataclass(frozen=True, slots=True)
class Equals:
    attribute: str
    value: bytes

    def __str__(self) -> str:
        return f"({self.attribute}={escape(self.value)})"

    def encode(self) -> bytes:
        return ber.sequence(ber.octets(self.attribute), ber.octets(self.value), tag=0xA3)


@dataclass(frozen=True, slots=True)
class Compare:
    """An attribute that is at least (`>=`), at most (`<=`) or approximately (`~=`) a value."""

    attribute: str
    relation: str
    value: bytes

    def __str__(self) -> str:
        return f"({self.attribute}{self.relation}{escape(self.value)})"

    def encode(self) -> bytes:
        tag = {">=": 0xA5, "<=": 0xA6, "~=": 0xA8}[self.relation]
        return ber.sequence(ber.octets(self.attribute), ber.octets(self.value), tag=tag)


@dataclass(frozen=True, slots=True)
class Present:
    attribute: str

    def __str__(self) -> str:
        return f"({self.attribute}=*)"

    def encode(self) -> bytes:
        return ber.octets(self.attribute, tag=0x87)


@dataclass(frozen=True, slots=True)
class Substrings:
    """An attribute with these pieces in their order; the first and the last may be empty."""

    attribute: str
    pieces: tuple[bytes, ...]

    def __str__(self) -> str:
        return f"({self.attribute}={'*'.join(map(escape, self.pieces))})"

    def encode(self) -> bytes:
        first, *middle, last = self.pieces
        found = [ber.octets(first, tag=0x80)] if first else []
        found += [ber.octets(piece, tag=0x81) for piece in middle]
        found += [ber.octets(last, tag=0x82)] if last else []
        return ber.sequence(ber.octets(self.attribute), ber.sequence(*found), tag=0xA4)


@dataclass(frozen=True, slots=True)
class Matches:
    """An attribute compared by another rule than its own, for example by Active Directory's chain."""

    attribute: str
    rule: str
    value: bytes

    def __str__(self) -> str:
        return f"({self.attribute}:{self.rule}:={escape(self.value)})"

    def encode(self) -> bytes:
        return ber.sequence(
            ber.octets(self.rule, tag=0x81),
            ber.octets(self.attribute, tag=0x82),
            ber.octets(self.value, tag=0x83),
            tag=0xA9,
        )


Filter = And | Or | Not | Equals | Compare | Present | Substrings | Matches


def escape(value: bytes) -> str:
    r"""Returns a value as text for a filter, with `\XX` for what RFC 4515 does not allow as it is."""
    return _UNSAFE.sub(lambda match: b"\\%02x" % match[0][0], value).decode("ascii")


def parse(text: str) -> Filter:
    """Returns the filter that the configuration writes as text. Raises FilterError."""
    found, rest = _parse(text.strip(), 0)
    if rest:
        raise FilterError(f"there is more behind its last bracket: {rest!r}")
    return found


def _parse(text: str, depth: int) -> tuple[Filter, str]:
    """Returns the filter at the beginning of a text, and the text behind it."""
    if depth > DEPTH_MAX:
        raise FilterError("it is nested too deeply")
    if not text.startswith("("):
        raise FilterError(f"it needs a bracket before {text[:20]!r}")
    kind = text[1:2]
    if kind in ("&", "|"):
        parts: list[Filter] = []
        rest = text[2:].lstrip()
        while rest.startswith("("):
            part, rest = _parse(rest, depth + 1)
            rest = rest.lstrip()
            parts.append(part)
        if not parts:
            raise FilterError(f"nothing follows {kind!r}")
        return (And if kind == "&" else Or)(tuple(parts)), _closed(rest)
    if kind == "!":
        inner, rest = _parse(text[2:].lstrip(), depth + 1)
        return Not(inner), _closed(rest.lstrip())
    end = text.find(")")
    if end < 0:
        raise FilterError("a bracket is not closed")
    return _comparison(text[1:end]), text[end + 1 :]


def _closed(rest: str) -> str:
    if not rest.startswith(")"):
        raise FilterError("a bracket is not closed")
    return rest[1:]


def _comparison(text: str) -> Filter:
    left, equals, right = text.partition("=")
    if not equals:
        raise FilterError(f"{text!r} compares nothing")
    if left.endswith(":"):
        attribute, _, rule = left[:-1].partition(":")
        return Matches(_attribute(attribute), _attribute(rule), _value(right))
    if left.endswith((">", "<", "~")):
        return Compare(_attribute(left[:-1]), f"{left[-1]}=", _value(right))
    attribute = _attribute(left)
    if right == "*":
        return Present(attribute)
    if "*" in right:
        first, *middle, last = (_value(piece) for piece in right.split("*"))
        return Substrings(attribute, (first, *filter(None, middle), last))
    return Equals(attribute, _value(right))


def _attribute(text: str) -> str:
    if not _ATTRIBUTE.fullmatch(text):
        raise FilterError(f"{text!r} is no name of an attribute")
    return text


def _value(text: str) -> bytes:
    raw = text.encode()
    if b"(" in raw or b"*" in raw or len(_ESCAPE.findall(raw)) != raw.count(b"\\"):
        raise FilterError(rf"in {text!r} the characters ( ) * \ must be written as \28 \29 \2a \5c")
    return _ESCAPE.sub(lambda match: bytes((int(match[1], 16),)), raw)
