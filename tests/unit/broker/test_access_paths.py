"""Why a person may open a desktop, or what is missing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from display_server.broker.desktop_definition import EVERYBODY
from display_server.broker.people.access_paths import (
    AccessPath,
    EntitlementOrigin,
    Explanation,
    Grant,
    Lack,
    Subject,
    explain,
    is_entitled,
)

CONFIGURED, GIVEN = EntitlementOrigin.CONFIGURATION, EntitlementOrigin.COMMAND
PARENTS = {"ward-3": ["radiology"]}
EVERYONE = Grant(Subject.EVERYBODY, EVERYBODY, CONFIGURED)
KIM = Grant(Subject.USER, "kim", GIVEN)
LEE = Grant(Subject.USER, "lee", GIVEN)
RADIOLOGY = Grant(Subject.GROUP, "radiology", CONFIGURED)
WARD = Grant(Subject.GROUP, "ward-3", GIVEN)
GRANTS = st.lists(st.sampled_from([EVERYONE, KIM, LEE, RADIOLOGY, WARD]), unique=True)


def explanation(*grants: Grant, direct: tuple[str, ...] = (), enabled: bool | None = True) -> Explanation:
    return explain("kim", enabled=enabled, desktop_exists=True, direct=direct, parents=PARENTS, grants=grants)


def test_nobody_may_open_a_desktop_by_default() -> None:
    found = explanation(LEE, RADIOLOGY)
    assert not found.may_open
    assert found.lacks == (Lack.ENTITLEMENT,)
    assert found.entitled_groups == ("radiology",)


def test_every_path_is_named() -> None:
    found = explanation(RADIOLOGY, WARD, KIM, EVERYONE, direct=("ward-3",))
    assert found.may_open
    assert found.paths == (
        AccessPath(EVERYONE),
        AccessPath(KIM),
        AccessPath(RADIOLOGY, ("ward-3", "radiology")),
        AccessPath(WARD, ("ward-3",)),
    )


@pytest.mark.parametrize(("enabled", "lack"), [(None, Lack.ACCOUNT), (False, Lack.ENABLED_ACCOUNT)])
def test_an_entitlement_is_not_enough(enabled: bool | None, lack: Lack) -> None:
    found = explanation(KIM, enabled=enabled)
    assert (found.may_open, found.lacks) == (False, (lack,))
    assert found.paths == (AccessPath(KIM),)


def test_a_desktop_that_is_not_configured_opens_for_nobody() -> None:
    found = explain("kim", enabled=True, desktop_exists=False, direct=(), parents={}, grants=[KIM])
    assert (found.may_open, found.lacks) == (False, (Lack.DESKTOP,))


@given(GRANTS, st.frozensets(st.sampled_from(["ward-3", "radiology", "nurses"])))
def test_whoever_is_entitled_has_a_path_and_nobody_else_does(
    grants: list[Grant], direct: frozenset[str]
) -> None:
    found = explain("kim", enabled=True, desktop_exists=True, direct=direct, parents=PARENTS, grants=grants)
    assert is_entitled("kim", direct, PARENTS, grants) == bool(found.paths) == found.may_open
