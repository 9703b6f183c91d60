"""What each role may do: the whole matrix, generated from the table and from rules that it must keep."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from display_server.broker.roles import (
    READS,
    RIGHTS,
    SCOPED,
    Act,
    Assignment,
    Limits,
    Role,
    ScopeKind,
    Target,
    Whose,
    limits_of,
    may,
    role_for,
    whose,
)

MATRIX = list(itertools.product(Role, Act, Whose))
#: Acts that change something of others or of the system.
CHANGES = [
    act
    for act in Act
    if act.name.endswith(
        ("_CHANGE", "_RESET", "_END", "_MESSAGE", "_SIGN_OUT", "_SHADOW", "_RESTART_DISPLAY")
    )
]
#: Every right of the matrix, as one reads it in a policy. A change of the table has to change this as well.
EXPECTED = {
    (Role.USER, Whose.OWN): """
        DESKTOP_OPEN DESKTOP_END DESKTOP_RESTART_DISPLAY SESSION_LIST SESSION_SIGN_OUT ACCOUNT_READ
        PASSWORD_CHANGE_OWN ENTITLEMENT_READ ROLE_READ POLICY_RESOLVE CHECK_STORE CHECK_READ
    """,
    (Role.HELPDESK, Whose.IN_SCOPE): """
        DESKTOP_END DESKTOP_RESTART_DISPLAY SESSION_LIST SESSION_MESSAGE SESSION_SIGN_OUT SESSION_SHADOW
        ACCOUNT_READ FACTOR_RESET GROUP_READ ENTITLEMENT_READ POLICY_RESOLVE POOL_READ CHECK_READ
        HEALTH_READ
    """,
    (Role.ADMINISTRATOR, Whose.IN_SCOPE): """
        DESKTOP_END DESKTOP_RESTART_DISPLAY SESSION_LIST SESSION_MESSAGE SESSION_SIGN_OUT
        ACCOUNT_READ ACCOUNT_CHANGE FACTOR_RESET GROUP_READ GROUP_CHANGE ENTITLEMENT_READ
        ENTITLEMENT_CHANGE ROLE_READ ROLE_CHANGE CONFIGURATION_READ CONFIGURATION_CHANGE
        POLICY_READ POLICY_RESOLVE POLICY_CHANGE POOL_READ
        POOL_CHANGE DEVICE_READ DEVICE_CHANGE CHECK_READ HEALTH_READ AUDIT_READ AUDIT_VERIFY TOKEN_READ
        TOKEN_CHANGE
    """,
    (Role.AUDITOR, Whose.IN_SCOPE): """
        SESSION_LIST ACCOUNT_READ GROUP_READ ENTITLEMENT_READ ROLE_READ CONFIGURATION_READ
        POLICY_READ POLICY_RESOLVE POOL_READ CHECK_READ HEALTH_READ AUDIT_READ AUDIT_VERIFY AUDIT_EXPORT
        TOKEN_READ DEVICE_READ
    """,
}


def test_every_act_has_an_entry_in_the_table() -> None:
    assert set(RIGHTS) == set(Act)


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("whose_object", Whose)
def test_the_matrix(role: Role, whose_object: Whose) -> None:
    allowed = {act.name for act in Act if may(role, act, whose_object)}
    assert allowed == set(EXPECTED.get((role, whose_object), "").split())


def test_nobody_reaches_beyond_their_scope() -> None:
    assert not [row for row in MATRIX if row[2] is Whose.OUT_OF_SCOPE and may(*row)]


def test_auditors_change_nothing() -> None:
    assert len(CHANGES) > 10
    assert not [act for act in CHANGES for of in Whose if may(Role.AUDITOR, act, of)]


def test_nobody_alters_the_audit() -> None:
    """There is no act that does: what is not in the table cannot be asked for."""
    known = {act for act in Act if act.name.startswith("AUDIT_")}
    assert known == {Act.AUDIT_READ, Act.AUDIT_VERIFY, Act.AUDIT_EXPORT}


def test_nobody_gives_roles_to_themselves() -> None:
    assert not [role for role in Role if may(role, Act.ROLE_CHANGE, Whose.OWN)]


def test_the_helpdesk_is_limited_to_its_scope() -> None:
    ward = Assignment(Role.HELPDESK, ScopeKind.GROUP, "ward-3")
    reading = Assignment(Role.HELPDESK, ScopeKind.DESKTOP, "reading")
    session = Target("lee", {"ward-3", "staff"}, "office")
    assert role_for("kim", [ward], Act.DESKTOP_END, session) is Role.HELPDESK
    assert role_for("kim", [reading], Act.DESKTOP_END, session) is None
    assert role_for("kim", [reading], Act.DESKTOP_END, Target("lee", (), "reading")) is Role.HELPDESK
    assert role_for("kim", [], Act.DESKTOP_END, session) is None
    assert role_for("lee", [], Act.DESKTOP_END, session) is Role.USER
    assert role_for("kim", [ward], Act.HEALTH_READ, Target()) is None, "the system is in no ward"


@given(
    st.sampled_from(["kim", "lee"]),
    st.lists(
        st.builds(
            Assignment, st.sampled_from(Role), st.sampled_from(ScopeKind), st.sampled_from(["", "ward-3"])
        )
    ),
    st.sampled_from(Act),
    st.builds(
        Target,
        st.sampled_from([None, "kim", "lee"]),
        st.frozensets(st.sampled_from(["ward-3", "staff"])),
        st.sampled_from([None, "ward-3", "office"]),
    ),
)
def test_a_right_always_comes_from_one_row_of_the_table(
    actor: str, assignments: list[Assignment], act: Act, target: Target
) -> None:
    role = role_for(actor, assignments, act, target)
    held = [Assignment(Role.USER), *assignments]
    rights = {one.role for one in held if may(one.role, act, whose(actor, one, target))}
    assert (role is None) == (not rights)
    assert role is None or role in rights


def test_only_the_helpdesk_has_a_scope() -> None:
    assert frozenset({Role.HELPDESK}) == SCOPED


def test_the_helpdesk_only_reads_what_belongs_to_administrators() -> None:
    everything = Assignment(Role.HELPDESK)
    assert not READS.intersection(CHANGES)
    for act in Act:
        ordinary = role_for("kim", [everything], act, Target("lee"))
        privileged = role_for("kim", [everything], act, Target("lee", privileged=True))
        assert privileged is (ordinary if act in READS else None)
    administrator = Assignment(Role.ADMINISTRATOR)
    assert role_for("kim", [administrator], Act.FACTOR_RESET, Target("lee", privileged=True))


def test_limits_add_up() -> None:
    ward = Assignment(Role.HELPDESK, ScopeKind.GROUP, "ward-3")
    reading = Assignment(Role.HELPDESK, ScopeKind.DESKTOP, "reading")
    both = Limits(groups=frozenset({"ward-3"}), desktops=frozenset({"reading"}))
    assert limits_of([ward, reading], Act.SESSION_LIST) == both
    assert limits_of([ward, Assignment(Role.AUDITOR)], Act.SESSION_LIST) == Limits(
        True, frozenset({"ward-3"})
    )
    assert limits_of([ward], Act.AUDIT_READ) is None
    assert limits_of([], Act.SESSION_LIST) is None
