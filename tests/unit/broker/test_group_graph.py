"""Groups in groups: which groups a person belongs to, and by which paths."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from display_server.broker.people.group_graph import (
    GROUP_NAME_MAX,
    PATHS_MAX,
    cycle,
    effective_groups,
    members_below,
    normalise_group_name,
    paths_to,
)
from display_server.errors import ConfigurationError

NAMES = st.sampled_from("abcdef")
#: Any relation, also with cycles, which the database should never have.
PARENTS = st.dictionaries(NAMES, st.frozensets(NAMES))
WARDS = {"ward-3": ["radiology"], "ward-4": ["radiology"], "radiology": ["staff"], "nurses": ["staff"]}


def test_a_member_of_a_group_belongs_to_all_groups_that_contain_it() -> None:
    assert effective_groups(["ward-3"], WARDS) == {
        "ward-3": ("ward-3",),
        "radiology": ("ward-3", "radiology"),
        "staff": ("ward-3", "radiology", "staff"),
    }
    assert effective_groups([], WARDS) == {}


def test_the_path_is_a_shortest_one() -> None:
    assert effective_groups(["ward-3", "nurses"], WARDS)["staff"] == ("nurses", "staff")


def test_every_path_to_a_group_is_found_the_shortest_first() -> None:
    assert paths_to("staff", ["ward-3", "ward-4", "nurses"], WARDS) == [
        ("nurses", "staff"),
        ("ward-3", "radiology", "staff"),
        ("ward-4", "radiology", "staff"),
    ]
    assert paths_to("staff", ["staff"], WARDS) == [("staff",)]
    assert paths_to("nurses", ["ward-3"], WARDS) == []


def test_the_number_of_paths_is_bounded() -> None:
    layers = [[f"{layer}-{number}" for number in range(3)] for layer in range(12)]
    parents = {name: above for below, above in itertools.pairwise(layers) for name in below}
    found = paths_to("11-0", layers[0], parents)
    assert len(found) == PATHS_MAX


def test_a_cycle_is_found_with_its_path() -> None:
    assert cycle("ward-3", "staff", WARDS) == ("staff", "ward-3", "radiology", "staff")
    assert cycle("staff", "staff", WARDS) == ("staff", "staff")
    assert cycle("staff", "ward-3", WARDS) is None, "a second path is no cycle"


def test_the_groups_below_a_group() -> None:
    assert list(members_below("staff", WARDS)) == ["nurses", "radiology", "ward-3", "ward-4"]
    assert list(members_below("ward-3", WARDS)) == []


@given(st.frozensets(NAMES), PARENTS)
def test_effective_groups_are_the_closure(direct: frozenset[str], parents: dict[str, frozenset[str]]) -> None:
    found = effective_groups(direct, parents)
    closure = set(direct)
    while more := {above for name in closure for above in parents.get(name, ())} - closure:
        closure |= more
    assert set(found) == closure
    for group, path in found.items():
        assert path[0] in direct
        assert path[-1] == group
        assert all(above in parents[below] for below, above in itertools.pairwise(path))


@given(st.frozensets(NAMES), PARENTS, NAMES)
def test_there_is_a_path_to_each_effective_group_and_to_no_other(
    direct: frozenset[str], parents: dict[str, frozenset[str]], group: str
) -> None:
    found = paths_to(group, direct, parents)
    assert len(set(found)) == len(found)
    shortest = effective_groups(direct, parents).get(group)
    assert (found[0] if found else None) is None or len(found[0]) == len(shortest or ())
    assert bool(found) == (shortest is not None)


@given(PARENTS, NAMES, NAMES)
def test_without_the_refused_nestings_no_group_ever_contains_itself(
    parents: dict[str, frozenset[str]], parent: str, child: str
) -> None:
    built: dict[str, set[str]] = {}
    wanted = [(above, below) for below, containing in parents.items() for above in sorted(containing)]
    for above, below in [*wanted, (parent, child)]:
        if cycle(above, below, built) is None:
            built.setdefault(below, set()).add(above)
    for name in "abcdef":
        above_it = {group for above in built.get(name, ()) for group in effective_groups([above], built)}
        assert name not in above_it


def test_names_that_differ_only_in_case_are_one_group() -> None:
    assert normalise_group_name(" Ward 3 ") == "ward 3"
    assert normalise_group_name("영상의학과") == "영상의학과"


@pytest.mark.parametrize("name", ["", "  ", "*", "-x", "a\nb", "x" * (GROUP_NAME_MAX + 1)])
def test_names_that_would_confuse_people_or_commands_are_refused(name: str) -> None:
    with pytest.raises(ConfigurationError, match="cannot be the name"):
        normalise_group_name(name)
