from __future__ import annotations

import pytest

from display_server.broker.sign_in_limiter import (
    ACCOUNT_WAIT_S,
    ADDRESS_WAIT_S,
    FORGET_AFTER_S,
    FailureCount,
    SignInLimit,
    network_of,
)


def fail(
    limit: SignInLimit, times: int, *, account: str = "kim", address: str = "192.0.2.1", now_s: float = 0
) -> float:
    """Fails as often as it may; returns the wait that stopped it, or 0."""
    for _ in range(times):
        if wait := limit.begin(account, address, now_s):
            return wait
    return 0.0


def test_a_few_mistakes_are_free() -> None:
    assert fail(SignInLimit(), 4) == 0


def test_waits_grow_as_the_table_says() -> None:
    limit, now, waits = SignInLimit(), 0.0, []
    for _ in range(len(ACCOUNT_WAIT_S) + 2):
        wait = limit.begin("kim", "192.0.2.1", now)
        waits.append(wait)
        if wait:
            now += wait
            assert limit.begin("kim", "192.0.2.1", now) == 0
    grown = [wait for wait in waits if wait]
    assert grown == sorted(grown)
    assert grown[0] == ACCOUNT_WAIT_S[5]
    assert grown[-1] == ACCOUNT_WAIT_S[-1]


def test_success_clears_the_account() -> None:
    limit = SignInLimit()
    fail(limit, 5)
    limit.succeeded("kim", "192.0.2.1")
    assert fail(limit, 4) == 0


def test_many_at_once_count_each() -> None:
    limit = SignInLimit()
    begun = [limit.begin("kim", f"192.0.2.{number}", 0) for number in range(100)]
    assert begun.count(0.0) == 5


def test_other_accounts_are_not_touched_but_the_address_is_in_the_end() -> None:
    limit = SignInLimit()
    assert fail(limit, 10) > 0
    assert limit.begin("lee", "192.0.2.1", 0) == 0
    for number in range(len(ADDRESS_WAIT_S)):
        limit.begin(f"guess{number}", "192.0.2.1", 0)
    assert limit.begin("park", "192.0.2.1", 0) > 0
    assert limit.begin("park", "192.0.2.2", 0) == 0


def test_one_good_account_does_not_clear_an_address() -> None:
    limit = SignInLimit()
    for number in range(20):
        limit.begin(f"guess{number}", "192.0.2.1", 0)
    limit.begin("kim", "192.0.2.1", 10)
    limit.succeeded("kim", "192.0.2.1")
    assert limit.begin("guess", "192.0.2.1", 0) > 0


def test_undecided_attempts_do_not_count() -> None:
    limit = SignInLimit()
    for _ in range(50):
        assert limit.begin("kim", "192.0.2.1", 0) == 0
        limit.withdrawn("kim", "192.0.2.1")


def test_forgotten_after_an_hour() -> None:
    limit = SignInLimit()
    assert fail(limit, 10) > 0
    assert fail(limit, 4, now_s=FORGET_AFTER_S) == 0


def test_memory_is_bounded_and_the_quiet_go_first() -> None:
    count = FailureCount((0, 60), remembered=3)
    for key in "abcab":
        count.add(key, 0)
    count.add("d", 1)
    assert len(count) == 3
    assert count.wait_s("c", 1) == 0
    assert count.wait_s("a", 1) > 0


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("testclient", "testclient"),
    ],
)
def test_network_of(address: str, network: str) -> None:
    assert network_of(address) == network
