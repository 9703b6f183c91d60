from __future__ import annotations

import pytest

from display_server.broker.sign_in_limiter import (
    ACCOUNT_WAIT_S,
    ADDRESS_WAIT_S,
    DEVICE_WAIT_S,
    FORGET_AFTER_S,
    SHARED_ADDRESS_WAIT_S,
    FailureCounter,
    SignInLimiter,
)
from display_server.broker_link.client_network import network_of


def fail(
    limiter: SignInLimiter, times: int, *, account: str = "kim", address: str = "192.0.2.1", now_s: float = 0
) -> float:
    """Fails up to `times` times. Returns the wait that the limiter demanded before that, or 0."""
    for _ in range(times):
        if wait := limiter.begin_attempt(account, address, now_s):
            return wait
    return 0.0


def test_the_first_failures_cause_no_wait() -> None:
    assert fail(SignInLimiter(), 4) == 0


def test_waits_follow_the_table() -> None:
    limiter, now, waits = SignInLimiter(), 0.0, []
    for _ in range(len(ACCOUNT_WAIT_S) + 2):
        wait = limiter.begin_attempt("kim", "192.0.2.1", now)
        waits.append(wait)
        if wait:
            now += wait
            assert limiter.begin_attempt("kim", "192.0.2.1", now) == 0
    grown = [wait for wait in waits if wait]
    assert grown == sorted(grown)
    assert grown[0] == ACCOUNT_WAIT_S[5]
    assert grown[-1] == ACCOUNT_WAIT_S[-1]


def test_a_success_clears_the_failures_of_the_account() -> None:
    limiter = SignInLimiter()
    fail(limiter, 5)
    limiter.record_success("kim", "192.0.2.1")
    assert fail(limiter, 4) == 0


def test_simultaneous_attempts_are_counted_individually() -> None:
    limiter = SignInLimiter()
    begun = [limiter.begin_attempt("kim", f"192.0.2.{number}", 0) for number in range(100)]
    assert begun.count(0.0) == 5


def test_failures_affect_other_accounts_only_through_the_address() -> None:
    limiter = SignInLimiter()
    assert fail(limiter, 10) > 0
    assert limiter.begin_attempt("lee", "192.0.2.1", 0) == 0
    for number in range(len(ADDRESS_WAIT_S)):
        limiter.begin_attempt(f"guess{number}", "192.0.2.1", 0)
    assert limiter.begin_attempt("park", "192.0.2.1", 0) > 0
    assert limiter.begin_attempt("park", "192.0.2.2", 0) == 0


def test_a_success_does_not_clear_the_failures_of_the_address() -> None:
    limiter = SignInLimiter()
    for number in range(20):
        limiter.begin_attempt(f"guess{number}", "192.0.2.1", 0)
    limiter.begin_attempt("kim", "192.0.2.1", 10)
    limiter.record_success("kim", "192.0.2.1")
    assert limiter.begin_attempt("guess", "192.0.2.1", 0) > 0


def test_cancelled_attempts_do_not_count() -> None:
    limiter = SignInLimiter()
    for _ in range(50):
        assert limiter.begin_attempt("kim", "192.0.2.1", 0) == 0
        limiter.cancel_attempt("kim", "192.0.2.1")


def test_failures_are_forgotten_after_an_hour() -> None:
    limiter = SignInLimiter()
    assert fail(limiter, 10) > 0
    assert fail(limiter, 4, now_s=FORGET_AFTER_S) == 0


def test_drops_the_key_with_the_oldest_failure() -> None:
    counter = FailureCounter((0, 60), keys_max=3)
    for key in "abcab":
        counter.increment(key, 0)
    counter.increment("d", 1)
    assert len(counter) == 3
    assert counter.wait_s("c", 1) == 0
    assert counter.wait_s("a", 1) > 0


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


def test_strangers_cannot_lock_out_a_known_device() -> None:
    """Ten hostile addresses guess one person's password all the time. The person signs in 100 times."""
    limiter, refused, now_s = SignInLimiter(), 0, 0.0
    for _ in range(100):
        for number in range(10):
            fail(limiter, 30, address=f"192.0.2.{number}", now_s=now_s)
        assert limiter.begin_attempt("kim", "198.51.100.1", now_s) > 0, "an unknown device has to wait"
        refused += limiter.begin_attempt("kim", "192.0.2.1", now_s, "tablet 7") > 0
        limiter.record_success("kim", "192.0.2.1", "tablet 7")
        now_s += 1.2
    assert refused == 0


def test_a_known_device_has_a_budget_of_its_own() -> None:
    limiter = SignInLimiter()
    waits = [limiter.begin_attempt("kim", "192.0.2.1", 0, "tablet 7") for _ in range(len(DEVICE_WAIT_S))]
    assert waits[5] == DEVICE_WAIT_S[5]
    assert limiter.begin_attempt("kim", "192.0.2.1", 0) == 0
    assert limiter.begin_attempt("kim", "192.0.2.1", 0, "tablet 8") == 0
    assert limiter.begin_attempt("lee", "192.0.2.1", 0, "tablet 7") == 0


def test_a_known_device_does_not_clear_what_strangers_did() -> None:
    limiter = SignInLimiter()
    fail(limiter, 5)
    limiter.begin_attempt("kim", "192.0.2.1", 0, "tablet 7")
    limiter.record_success("kim", "192.0.2.1", "tablet 7")
    assert limiter.begin_attempt("kim", "192.0.2.1", 0) > 0


def test_a_shared_address_stops_nobody_else_early() -> None:
    """A whole ward is behind one address: many people mistype in one hour."""
    limiter = SignInLimiter(is_shared=lambda address: address == "192.0.2.1")
    waits = [limiter.begin_attempt(f"person{n}", "192.0.2.1", 0) for n in range(len(SHARED_ADDRESS_WAIT_S))]
    assert not any(waits[:400])
    assert waits[400] > 0
    waits = [limiter.begin_attempt(f"person{n}", "192.0.2.2", 0) for n in range(30)]
    assert any(waits)
