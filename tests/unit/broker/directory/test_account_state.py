"""What a directory says of accounts and of wrong passwords."""

from __future__ import annotations

import pytest

from display_server.broker.directory.account_state import (
    AccountState,
    BindOutcome,
    account_state,
    bind_outcome,
    is_locked_out,
    password_changed_s,
    reason_code,
)
from display_server.broker.directory.messages import Entry, Result

#: 2026-12-01, in seconds since the epoch.
NOW_S = 1_796_083_200.0


def ticks(at_s: float) -> str:
    """Returns a time as Active Directory writes it."""
    return str(int((at_s + 11_644_473_600) * 10_000_000))


def entry(**attributes: str) -> Entry:
    return Entry("cn=kim", {name.lower(): (value.encode(),) for name, value in attributes.items()})


@pytest.mark.parametrize(
    ("attributes", "state"),
    [
        ({"userAccountControl": "512"}, AccountState.ACTIVE),
        ({"userAccountControl": "514"}, AccountState.DISABLED),
        ({"userAccountControl": "512", "accountExpires": "0"}, AccountState.ACTIVE),
        ({"userAccountControl": "512", "accountExpires": "9223372036854775807"}, AccountState.ACTIVE),
        ({"userAccountControl": "512", "accountExpires": ticks(NOW_S + 1)}, AccountState.ACTIVE),
        ({"userAccountControl": "512", "accountExpires": ticks(NOW_S - 1)}, AccountState.EXPIRED),
        ({"userAccountControl": "512", "pwdLastSet": "0"}, AccountState.MUST_CHANGE_PASSWORD),
        ({"userAccountControl": "66048", "pwdLastSet": "0"}, AccountState.ACTIVE),
        ({}, AccountState.UNKNOWN),
        ({"userAccountControl": "many"}, AccountState.UNKNOWN),
    ],
)
def test_states_of_active_directory(attributes: dict[str, str], state: AccountState) -> None:
    assert account_state(entry(**attributes), "active-directory", NOW_S) is state


@pytest.mark.parametrize(
    ("attributes", "state"),
    [
        ({}, AccountState.ACTIVE),
        ({"pwdAccountLockedTime": "000001010000Z"}, AccountState.DISABLED),
        ({"pwdAccountLockedTime": "20261201000000Z"}, AccountState.ACTIVE),
        ({"shadowExpire": "-1"}, AccountState.ACTIVE),
        ({"shadowExpire": str(int(NOW_S // 86_400) + 1)}, AccountState.ACTIVE),
        ({"shadowExpire": str(int(NOW_S // 86_400) - 1)}, AccountState.EXPIRED),
        ({"shadowExpire": "soon"}, AccountState.UNKNOWN),
        ({"pwdReset": "TRUE"}, AccountState.MUST_CHANGE_PASSWORD),
    ],
)
def test_states_of_openldap(attributes: dict[str, str], state: AccountState) -> None:
    assert account_state(entry(**attributes), "openldap", NOW_S) is state


def test_only_disabled_and_expired_accounts_have_left() -> None:
    assert {state for state in AccountState if state.has_left} == {
        AccountState.DISABLED,
        AccountState.EXPIRED,
    }


def refused(data: str) -> Result:
    return Result(
        49, f"80090308: LdapErr: DSID-0C09044E, comment: AcceptSecurityContext error, data {data}, v4563\0"
    )


@pytest.mark.parametrize(
    ("data", "outcome"),
    [
        ("52e", BindOutcome.WRONG),
        ("525", BindOutcome.WRONG),
        ("775", BindOutcome.WRONG),  # whoever guesses must not see that the account exists
        ("532", BindOutcome.PASSWORD_EXPIRED),
        ("773", BindOutcome.PASSWORD_EXPIRED),
        ("533", BindOutcome.DISABLED),
        ("701", BindOutcome.EXPIRED),
        ("530", BindOutcome.NOT_NOW),
        ("ffff", BindOutcome.WRONG),
    ],
)
def test_reasons_show_only_after_the_right_password(data: str, outcome: BindOutcome) -> None:
    assert bind_outcome(refused(data)) is outcome
    assert reason_code(refused(data)) == data


def test_other_results_of_a_bind() -> None:
    assert bind_outcome(Result(0)) is BindOutcome.RIGHT
    assert bind_outcome(Result(49)) is BindOutcome.WRONG
    assert bind_outcome(Result(52)) is None


def test_when_the_password_was_changed() -> None:
    assert password_changed_s(entry(pwdLastSet=ticks(NOW_S)), "active-directory") == NOW_S
    assert password_changed_s(entry(pwdLastSet="0"), "active-directory") is None
    assert password_changed_s(entry(pwdChangedTime="20261201000000.5Z"), "openldap") == NOW_S
    assert password_changed_s(entry(pwdChangedTime="yesterday"), "openldap") is None
    assert password_changed_s(entry(), "openldap") is None


def test_a_lock_after_wrong_passwords_is_shown_to_operators() -> None:
    assert is_locked_out(entry(lockoutTime=ticks(NOW_S)), "active-directory")
    assert not is_locked_out(entry(lockoutTime="0"), "active-directory")
    assert is_locked_out(entry(pwdAccountLockedTime="20261201000000Z"), "openldap")
    assert not is_locked_out(entry(), "openldap")
