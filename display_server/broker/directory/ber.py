"""Encodes and decodes the part of ASN.1's basic encoding rules that LDAP uses (RFC 4511, section 5.1). Pure.

LDAP allows only definite lengths, and all of its tags have one byte.
"""

from __future__ import annotations

from collections.abc import Iterator

BOOLEAN = 0x01
INTEGER = 0x02
OCTET_STRING = 0x04
ENUMERATED = 0x0A
SEQUENCE = 0x30
SET = 0x31

#: Longest message that is accepted, bytes. Entries without photographs have a few kilobytes.
MESSAGE_MAX_BYTES = 4 * 1024 * 1024
#: Bytes of a length field behind its first one. Four are enough for 4 GiB.
LENGTH_BYTES_MAX = 4


class BerError(ValueError):
    """The bytes are no valid encoding."""


def element(tag: int, content: bytes) -> bytes:
    """Returns one encoded element."""
    length = len(content)
    if length < 0x80:
        return bytes((tag, length)) + content
    size = (length.bit_length() + 7) // 8
    return bytes((tag, 0x80 | size)) + length.to_bytes(size, "big") + content


def sequence(*parts: bytes, tag: int = SEQUENCE) -> bytes:
    return element(tag, b"".join(parts))


def octets(value: bytes | str, tag: int = OCTET_STRING) -> bytes:
    return element(tag, value.encode() if isinstance(value, str) else value)


def integer(value: int, tag: int = INTEGER) -> bytes:
    # One bit more than the number has: the first one is the sign.
    return element(tag, value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True))


def boolean(value: bool, tag: int = BOOLEAN) -> bytes:
    return element(tag, b"\xff" if value else b"\x00")


def first_element_end(data: bytes | bytearray) -> int | None:
    """Returns where the first element ends, or None while its header is incomplete.

    Raises BerError when the element would be longer than MESSAGE_MAX_BYTES, or has an indefinite length.
    """
    header = _header(data, 0)
    if header is None:
        return None
    start, length = header
    if length > MESSAGE_MAX_BYTES:
        raise BerError(f"a message of {length} bytes")
    return start + length


class Elements:
    """Reads the elements inside of another one, in their order. All methods raise BerError."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def at_end(self) -> bool:
        return self._at >= len(self._data)

    def next_tag(self) -> int | None:
        """Returns the tag of the next element, or None at the end."""
        return None if self.at_end else self._data[self._at]

    def read(self, tag: int) -> bytes:
        """Returns the content of the next element, which must have this tag."""
        found, content = self.read_any()
        if found != tag:
            raise BerError(f"tag {found:#04x} in the place of {tag:#04x}")
        return content

    def read_any(self) -> tuple[int, bytes]:
        """Returns tag and content of the next element."""
        header = _header(self._data, self._at)
        if header is None:
            raise BerError("an element ends early")
        start, length = header
        end = start + length
        if end > len(self._data):
            raise BerError("an element is longer than the one around it")
        tag = self._data[self._at]
        self._at = end
        return tag, self._data[start:end]

    def read_integer(self, tag: int = INTEGER) -> int:
        content = self.read(tag)
        if not 1 <= len(content) <= 8:
            raise BerError(f"an integer of {len(content)} bytes")
        return int.from_bytes(content, "big", signed=True)

    def read_text(self, tag: int = OCTET_STRING) -> str:
        return self.read(tag).decode("utf-8", "replace")

    def inside(self, tag: int = SEQUENCE) -> Elements:
        """Returns the elements of the next element."""
        return Elements(self.read(tag))

    def each(self) -> Iterator[tuple[int, bytes]]:
        """Yields tag and content of all that are left."""
        while not self.at_end:
            yield self.read_any()


def _header(data: bytes | bytearray, at: int) -> tuple[int, int] | None:
    """Returns where the content of an element starts, and its length; None if the header is incomplete."""
    if len(data) < at + 2:
        return None
    if data[at] & 0x1F == 0x1F:
        raise BerError("a tag of several bytes")
    first = data[at + 1]
    if first < 0x80:
        return at + 2, first
    size = first & 0x7F
    if not 1 <= size <= LENGTH_BYTES_MAX:
        raise BerError("a length that LDAP does not allow")
    if len(data) < at + 2 + size:
        return None
    return at + 2 + size, int.from_bytes(data[at + 2 : at + 2 + size], "big")
