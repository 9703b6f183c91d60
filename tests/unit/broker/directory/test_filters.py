"""Filters of the configuration, and that nothing a person types can change one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from display_server.broker.directory import ber
from display_server.broker.directory.filters import (
    And,
    Compare,
    Equals,
    Filter,
    FilterError,
    Matches,
    Not,
    Or,
    Present,
    Substrings,
    parse,
)
from display_server.broker.directory.people import PeopleQueries
from display_server.broker.directory.settings import PRESETS
from tests.unit.broker.directory.settings import directory_settings

NAMES = st.from_regex(r"[A-Za-z][A-Za-z0-9-]{0,10}", fullmatch=True)
VALUES = st.binary(max_size=12)
LEAVES: st.SearchStrategy[Filter] = st.one_of(
    st.builds(Equals, NAMES, VALUES),
    st.builds(Present, NAMES),
    st.builds(Compare, NAMES, st.sampled_from([">=", "<=", "~="]), VALUES),
    st.builds(Matches, NAMES, NAMES, VALUES),
    st.builds(
        lambda name, first, middle, last: Substrings(name, (first, *middle, last)),
        NAMES,
        VALUES,
        st.lists(st.binary(min_size=1, max_size=5), min_size=1, max_size=2),
        VALUES,
    ),
)
FILTERS: st.SearchStrategy[Filter] = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(And, st.lists(inner, min_size=1, max_size=3).map(tuple)),
        st.builds(Or, st.lists(inner, min_size=1, max_size=3).map(tuple)),
        st.builds(Not, inner),
    ),
    max_leaves=8,
)


@given(FILTERS)
def test_a_filter_survives_as_text(found: Filter) -> None:
    assert parse(str(found)) == found


@pytest.mark.parametrize(
    "text",
    [
        "(&(objectCategory=person)(!(userAccountControl:1.2.840.113556.1.4.803:=2)))",
        "(|(cn=a*b*)(cn=*)(n>=5)(n<=6)(cn~=kim))",
        r"(cn=R\28adiology\29 \5c)",
        *(preset[key] for preset in PRESETS.values() for key in ("people_filter", "groups_filter")),
    ],
)
def test_usual_filters_are_understood(text: str) -> None:
    assert str(parse(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "cn=kim",
        "(cn=kim",
        "(cn=kim))",
        "(&)",
        "(cn)",
        "(c n=kim)",
        r"(cn=\2)",
        r"(cn=\zz)",
        "(cn=a(b)",
        "(" * 30 + "!" + ")" * 30,
        "(!" * 30 + "(a=b)" + ")" * 30,
        "(cn=a)(cn=b)",
    ],
)
def test_other_texts_are_refused_with_a_reason(text: str) -> None:
    with pytest.raises(FilterError, match=r"."):
        parse(text)


@given(st.text(max_size=40))
def test_a_typed_name_is_compared_and_nothing_else(typed: str) -> None:
    settings = directory_settings()
    try:
        value = typed.encode()
    except UnicodeEncodeError:
        return  # such a name is refused before anything is searched for
    search = PeopleQueries(settings).search_of([typed])
    # What the server reads: the filter of the configuration, and one comparison with these very bytes.
    parts = ber.Elements(search.filter.encode()).inside(0xA0)
    assert parts.read_any()[1] == ber.Elements(settings.people_filter.encode()).read_any()[1]
    comparison = parts.inside(0xA3)
    assert comparison.read_text() == settings.username_attribute
    assert comparison.read(ber.OCTET_STRING) == value
    assert comparison.at_end
    assert parts.at_end
    # The same as text, as RFC 4515 writes it: the name cannot close a bracket or add a star.
    assert parse(str(search.filter)) == search.filter
