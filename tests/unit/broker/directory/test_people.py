"""Which entries are which people, and how groups in groups are followed."""

from __future__ import annotations

import uuid

from display_server.broker.directory import ber
from display_server.broker.directory.messages import Entry
from display_server.broker.directory.people import (
    GROUP_LEVELS_MAX,
    GROUPS_MAX,
    GROUPS_PER_SEARCH,
    IN_CHAIN,
    Group,
    GroupWalk,
    PeopleQueries,
)
from tests.unit.broker.directory.settings import directory_settings

NOW_S = 1_796_083_200.0


def entry(dn: str, **attributes: bytes) -> Entry:
    return Entry(dn, {name.lower(): (value,) for name, value in attributes.items()})


def test_entries_become_people_by_their_names_in_lower_case() -> None:
    queries = PeopleQueries(directory_settings())
    found = queries.by_username(
        [entry("uid=Kim", uid=b"Kim", cn="김민수".encode(), entryUUID=b"1234"), entry("uid=x", uid=b"x")],
        NOW_S,
    )
    assert set(found) == {"kim", "x"}
    [kim] = found["kim"]
    assert (kim.dn, kim.display_name, kim.directory_id) == ("uid=Kim", "김민수", "1234")
    assert found["x"][0].display_name == "x"
    assert found["x"][0].directory_id == ""


def test_the_id_of_active_directory_is_written_as_its_tools_do() -> None:
    queries = PeopleQueries(directory_settings(kind="active-directory"))
    guid = uuid.UUID("936da01f-9abd-4d9d-80c7-02af85c822a8")
    found = queries.by_username(
        [
            entry(
                "cn=kim",
                sAMAccountName=b"kim",
                objectGUID=guid.bytes_le,
                userAccountControl=b"512",
            )
        ],
        NOW_S,
    )
    assert found["kim"][0].directory_id == str(guid)


def test_a_person_whom_the_directory_finds_by_mistake_is_another_one() -> None:
    """Active Directory finds é for e."""
    queries = PeopleQueries(directory_settings())
    assert "jose" not in queries.by_username([entry("uid=josé", uid="josé".encode())], NOW_S)


def test_active_directory_follows_groups_itself() -> None:
    queries = PeopleQueries(directory_settings(kind="active-directory"))
    search = queries.search_of_groups(["cn=kim"])
    assert f"(member:{IN_CHAIN}:=cn=kim)" in str(search.filter)
    assert not queries.level_by_level
    direct = PeopleQueries(directory_settings(kind="active-directory", nested_groups=False))
    assert IN_CHAIN not in str(direct.search_of_groups(["cn=kim"]).filter)
    assert not direct.level_by_level


def test_a_dn_with_special_characters_is_compared_as_it_is() -> None:
    dn = r"cn=Kim \28Radiology\29*,dc=x"
    search = PeopleQueries(directory_settings()).search_of_groups([dn])
    parts = ber.Elements(search.filter.encode()).inside(0xA0)
    parts.read_any()
    comparison = parts.inside(0xA3)
    assert (comparison.read_text(), comparison.read_text()) == ("member", dn)


def walk_through(members: dict[str, list[str]], start: str = "kim") -> GroupWalk:
    """Walks through groups that are given by the groups of each member."""
    walk = GroupWalk(start)
    while (parts := walk.next_members()) and not walk.exceeded:
        walk.found(
            [
                Group(group, f"name of {group}")
                for part in parts
                for dn in part
                for group in members.get(dn, [])
            ]
        )
    return walk


def test_groups_in_groups_are_found() -> None:
    walk = walk_through({"kim": ["ward-3", "nurses"], "ward-3": ["wards"], "wards": ["everybody"]})
    assert walk.names == ("name of everybody", "name of nurses", "name of ward-3", "name of wards")


def test_a_circle_of_groups_ends() -> None:
    walk = walk_through({"kim": ["a"], "a": ["b"], "b": ["c", "A"], "c": ["a"]})
    assert walk.names == ("name of a", "name of b", "name of c")
    assert not walk.exceeded


def test_too_many_levels_and_groups_are_noticed() -> None:
    deep = {f"g{level}": [f"g{level + 1}"] for level in range(100)} | {"kim": ["g0"]}
    assert walk_through(deep).exceeded
    assert not walk_through(deep | {"kim": ["g95"]}).exceeded
    wide = {"kim": [f"g{number}" for number in range(GROUPS_MAX + 1)]}
    assert walk_through(wide).exceeded
    assert GROUP_LEVELS_MAX < 100


def test_many_groups_are_asked_about_in_parts() -> None:
    walk = GroupWalk("kim")
    walk.found([Group(f"g{number}", "g") for number in range(GROUPS_PER_SEARCH + 1)])
    assert [len(part) for part in walk.next_members()] == [GROUPS_PER_SEARCH, 1]
