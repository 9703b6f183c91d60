"""Requests and answers as RFC 4511 writes them, and bytes that are none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from display_server.broker.directory import ber
from display_server.broker.directory.filters import And, Equals, Matches, Or
from display_server.broker.directory.messages import (
    Abandon,
    Bind,
    Entry,
    Messages,
    Page,
    Reference,
    Result,
    Search,
    StartTls,
    Unbind,
    decode,
    encode,
)


def test_a_bind_has_these_bytes() -> None:
    assert encode(1, Bind("cn=a", b"pw")) == bytes.fromhex(
        "3012"  # a message of 18 bytes
        "020101"  # its number
        "600d"  # a bind of 13 bytes
        "020103"  # LDAP version 3
        "0404636e3d61"  # cn=a
        "80027077"  # the password, as itself
    )


def test_a_search_has_these_bytes() -> None:
    search = Search("dc=x", Equals("uid", b"kim"), ["cn"], size_limit=2)
    assert encode(2, search) == bytes.fromhex(
        "302c020102"
        "6327"
        "040464633d78"  # the base
        "0a0102"  # the whole tree below it
        "0a0100"  # no aliases
        "020102"  # at most two entries
        "020100"  # no limit of time
        "010100"  # attributes with their values
        "a30a0403756964 04036b696d"  # (uid=kim)
        "30040402636e"  # the attribute cn
    )


def test_small_requests_have_these_bytes() -> None:
    assert encode(3, Unbind()) == bytes.fromhex("30050201034200")
    assert encode(4, Abandon(3)) == bytes.fromhex("3006020104500103")
    assert encode(5, StartTls()).endswith(b"\x80\x161.3.6.1.4.1.1466.20037")


def test_a_page_is_asked_for_as_rfc_2696_says() -> None:
    control = Page(500, b"next").encode()
    assert control == ber.sequence(
        ber.sequence(
            ber.octets("1.2.840.113556.1.4.319"),
            ber.boolean(True),
            ber.octets(ber.sequence(ber.integer(500), ber.octets(b"next"))),
        ),
        tag=0xA0,
    )


def test_the_rule_for_members_of_members_is_encoded_as_an_extensible_match() -> None:
    found = Matches("member", "1.2.840.113556.1.4.1941", b"cn=kim").encode()
    assert found == ber.element(
        0xA9, b"\x81\x171.2.840.113556.1.4.1941" + b"\x82\x06member" + b"\x83\x06cn=kim"
    )


@pytest.mark.parametrize(("dn", "password"), [("cn=kim", b""), ("", b"secret"), ("  ", b"secret")])
def test_a_bind_that_a_server_would_take_for_an_anonymous_one_does_not_exist(
    dn: str, password: bytes
) -> None:
    with pytest.raises(ValueError, match="a bind needs"):
        Bind(dn, password)


def test_a_password_shows_in_no_description() -> None:
    assert "secret" not in repr(Bind("cn=kim", b"secret"))


def answer(tag: int, *parts: bytes, controls: bytes = b"") -> bytes:
    return ber.sequence(ber.integer(7), ber.sequence(*parts, tag=tag), controls)


def test_an_entry_is_read_with_names_in_lower_case() -> None:
    attributes = ber.sequence(
        ber.sequence(
            ber.octets("displayName"), ber.sequence(ber.octets("김민수"), ber.octets(b"\xff"), tag=ber.SET)
        )
    )
    number, entry = decode(answer(0x64, ber.octets("uid=kim,dc=x"), attributes))
    assert number == 7
    assert entry == Entry("uid=kim,dc=x", {"displayname": ("김민수".encode(), b"\xff")})
    assert entry.texts("displayName") == ["김민수", "\ufffd"]
    assert (entry.first("mail"), entry.text("mail")) == (None, "")


def test_results_are_read_with_the_cookie_of_the_next_page() -> None:
    cookie = ber.octets(ber.sequence(ber.integer(0), ber.octets(b"more")))
    for criticality in (b"", ber.boolean(False)):
        controls = ber.sequence(
            ber.sequence(ber.octets("1.2.840.113556.1.4.319"), criticality, cookie), tag=0xA0
        )
        done = answer(
            0x65, ber.integer(0, tag=ber.ENUMERATED), ber.octets(""), ber.octets(""), controls=controls
        )
        assert decode(done) == (7, Result(0, "", b"more"))
    refused = answer(0x61, ber.integer(49, tag=ber.ENUMERATED), ber.octets(""), ber.octets("data 52e"))
    assert decode(refused) == (7, Result(49, "data 52e"))
    assert decode(answer(0x73, ber.octets("ldap://other"))) == (7, Reference())


@given(st.binary(max_size=300), st.integers(0, 0x1E))
def test_elements_survive_encoding(content: bytes, tag: int) -> None:
    encoded = ber.element(tag, content)
    assert ber.first_element_end(encoded) == len(encoded)
    reader = ber.Elements(encoded)
    assert reader.read(tag) == content
    assert reader.at_end
    for cut in range(len(encoded)):
        end = ber.first_element_end(encoded[:cut])
        assert end is None or end > cut


@given(st.integers(-(2**40), 2**40))
def test_integers_survive_encoding(number: int) -> None:
    assert ber.Elements(ber.integer(number)).read_integer() == number


@given(st.binary(max_size=400))
def test_bytes_of_a_stranger_are_read_or_refused(data: bytes) -> None:
    try:
        for message in Messages().feed(data):
            decode(message)
    except ber.BerError:
        pass


@given(st.lists(st.integers(1, 40), max_size=10), st.data())
def test_messages_arrive_in_any_pieces(sizes: list[int], data: st.DataObject) -> None:
    sent = [encode(size, Search("dc=x", Equals("uid", b"k" * size), [])) for size in sizes]
    stream = b"".join(sent)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    messages, received = Messages(), []
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        received += messages.feed(stream[start:end])
    assert received == sent
    assert messages.waiting_bytes == 0


@pytest.mark.parametrize("data", [b"\x30\x80", b"\x30\x85\x01\x00\x00\x00\x00", b"\x30\x84\x7f\xff\xff\xff"])
def test_a_length_that_would_fill_the_memory_is_refused(data: bytes) -> None:
    with pytest.raises(ber.BerError):
        Messages().feed(data)


def test_filters_of_several_parts_are_nested() -> None:
    both = And((Equals("a", b"1"), Or((Equals("b", b"2"), Equals("c", b"3")))))
    parts = ber.Elements(both.encode()).inside(0xA0)
    assert parts.inside(0xA3).read_text() == "a"
    alternatives = parts.inside(0xA1)
    assert [tag for tag, _ in alternatives.each()] == [0xA3, 0xA3]
    assert parts.at_end
