"""The messages of LDAP that a client of ours sends and receives (RFC 4511). Pure.

Only what signing in needs: bind, search in pages (RFC 2696), StartTLS, abandon and unbind.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum

from display_server.broker.directory import ber
from display_server.broker.directory.filters import Filter

START_TLS = "1.3.6.1.4.1.1466.20037"
PAGED_RESULTS = "1.2.840.113556.1.4.319"

#: Tags of the messages' kinds.
_BIND, _BIND_DONE, _UNBIND = 0x60, 0x61, 0x42
_SEARCH, _ENTRY, _REFERENCE, _SEARCH_DONE = 0x63, 0x64, 0x73, 0x65
_ABANDON, _EXTENDED, _EXTENDED_DONE = 0x50, 0x77, 0x78
_CONTROLS = 0xA0


class ResultCode(IntEnum):
    """The results that matter here. Others are kept as numbers."""

    SUCCESS = 0
    OPERATIONS_ERROR = 1
    TIME_LIMIT_EXCEEDED = 3
    SIZE_LIMIT_EXCEEDED = 4
    STRONGER_AUTHENTICATION_REQUIRED = 8
    ADMIN_LIMIT_EXCEEDED = 11
    CONFIDENTIALITY_REQUIRED = 13
    NO_SUCH_OBJECT = 32
    INVALID_CREDENTIALS = 49
    INSUFFICIENT_ACCESS = 50
    BUSY = 51
    UNAVAILABLE = 52
    UNWILLING_TO_PERFORM = 53


class Scope(IntEnum):
    BASE = 0
    SUBTREE = 2


@dataclass(frozen=True, slots=True)
class Bind:
    """Proves who somebody is by a password.

    Raises ValueError for an empty name or password: a server takes either for an anonymous bind, which
    succeeds and proves nothing (RFC 4513, sections 5.1.2 and 6.3.1).
    """

    dn: str
    password: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if not self.dn.strip() or not self.password:
            raise ValueError("a bind needs a name and a password")

    def encode(self) -> bytes:
        return ber.sequence(
            ber.integer(3), ber.octets(self.dn), ber.octets(self.password, tag=0x80), tag=_BIND
        )


@dataclass(frozen=True, slots=True)
class Search:
    """Asks for the entries below `base` that match a filter, and for some of their attributes."""

    base: str
    filter: Filter
    attributes: Sequence[str]
    scope: Scope = Scope.SUBTREE
    size_limit: int = 0  # entries; 0 sets none
    time_limit_s: int = 0

    def encode(self) -> bytes:
        return ber.sequence(
            ber.octets(self.base),
            ber.integer(self.scope, tag=ber.ENUMERATED),
            ber.integer(0, tag=ber.ENUMERATED),  # aliases are never followed
            ber.integer(self.size_limit),
            ber.integer(self.time_limit_s),
            ber.boolean(False),
            self.filter.encode(),
            ber.sequence(*(ber.octets(name) for name in self.attributes)),
            tag=_SEARCH,
        )


@dataclass(frozen=True, slots=True)
class StartTls:
    """Asks to continue with TLS."""

    def encode(self) -> bytes:
        return ber.sequence(ber.octets(START_TLS, tag=0x80), tag=_EXTENDED)


@dataclass(frozen=True, slots=True)
class Abandon:
    """Asks the server to stop working on an earlier message."""

    message_id: int

    def encode(self) -> bytes:
        return ber.integer(self.message_id, tag=_ABANDON)


@dataclass(frozen=True, slots=True)
class Unbind:
    """Says that the client closes the connection."""

    def encode(self) -> bytes:
        return ber.element(_UNBIND, b"")


Request = Bind | Search | StartTls | Abandon | Unbind


@dataclass(frozen=True, slots=True)
class Page:
    """A control that asks for at most `size` entries, behind those that `cookie` stands for."""

    size: int
    cookie: bytes = b""

    def encode(self) -> bytes:
        value = ber.sequence(ber.integer(self.size), ber.octets(self.cookie))
        control = ber.sequence(ber.octets(PAGED_RESULTS), ber.boolean(True), ber.octets(value))
        return ber.sequence(control, tag=_CONTROLS)


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry. The names of its attributes are in lower case."""

    dn: str
    attributes: Mapping[str, tuple[bytes, ...]]

    def first(self, name: str) -> bytes | None:
        values = self.attributes.get(name.lower(), ())
        return values[0] if values else None

    def text(self, name: str) -> str:
        """Returns the first value of an attribute as text; an empty one if there is none."""
        return (self.first(name) or b"").decode("utf-8", "replace")

    def texts(self, name: str) -> list[str]:
        return [value.decode("utf-8", "replace") for value in self.attributes.get(name.lower(), ())]


@dataclass(frozen=True, slots=True)
class Reference:
    """Entries that another server has. They are left out."""


@dataclass(frozen=True, slots=True)
class Result:
    """The end of an operation. `cookie` stands for the next page, and is empty on the last one."""

    code: int
    diagnostic: str = ""
    cookie: bytes = b""

    @property
    def successful(self) -> bool:
        return self.code == ResultCode.SUCCESS


Response = Entry | Reference | Result


def encode(message_id: int, request: Request, page: Page | None = None) -> bytes:
    """Returns the bytes of a request."""
    return ber.sequence(ber.integer(message_id), request.encode(), page.encode() if page else b"")


def decode(message: bytes) -> tuple[int, Response]:
    """Returns the number of the request that is answered, and the answer. Raises BerError.

    The number 0 is that of a notice, after which the server closes the connection.
    """
    envelope = ber.Elements(message).inside()
    message_id = envelope.read_integer()
    tag, content = envelope.read_any()
    body = ber.Elements(content)
    if tag == _ENTRY:
        return message_id, _entry(body)
    if tag == _REFERENCE:
        return message_id, Reference()
    if tag not in (_BIND_DONE, _SEARCH_DONE, _EXTENDED_DONE):
        raise ber.BerError(f"an answer with the tag {tag:#04x}")
    code = body.read_integer(ber.ENUMERATED)
    body.read(ber.OCTET_STRING)  # the part of the DN that exists
    diagnostic = body.read_text()
    cookie = b""
    if envelope.next_tag() == _CONTROLS:
        cookie = _page_cookie(envelope.inside(_CONTROLS))
    return message_id, Result(code, diagnostic, cookie)


class Messages:
    """Divides the bytes of a connection into messages."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    @property
    def waiting_bytes(self) -> int:
        """How many bytes of an incomplete message have arrived."""
        return len(self._buffer)

    def feed(self, data: bytes) -> list[bytes]:
        """Returns the messages that are complete now. Raises BerError."""
        self._buffer += data
        found = []
        while (end := ber.first_element_end(self._buffer)) is not None and end <= len(self._buffer):
            found.append(bytes(self._buffer[:end]))
            del self._buffer[:end]
        return found


def _entry(body: ber.Elements) -> Entry:
    dn = body.read_text()
    attributes: dict[str, tuple[bytes, ...]] = {}
    for _, content in body.inside().each():
        attribute = ber.Elements(content)
        name = attribute.read_text().lower()
        values = tuple(value for _, value in attribute.inside(ber.SET).each())
        attributes[name] = attributes.get(name, ()) + values
    return Entry(dn, attributes)


def _page_cookie(controls: ber.Elements) -> bytes:
    for _, content in controls.each():
        control = ber.Elements(content)
        oid = control.read_text()
        if control.next_tag() == ber.BOOLEAN:
            control.read(ber.BOOLEAN)
        if oid == PAGED_RESULTS:
            value = ber.Elements(control.read(ber.OCTET_STRING)).inside()
            value.read_integer()  # an estimate of how many entries there are
            return value.read(ber.OCTET_STRING)
    return b""
