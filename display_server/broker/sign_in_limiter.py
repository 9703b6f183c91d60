"""How often somebody may try to sign in. Pure: time is an argument, nothing is awaited.

Two counts are kept, because either alone is easily walked around: failures in a row per account (one
account, many addresses), and failures per address (one address, many accounts). An attempt counts as failed
when it begins and is forgiven when it succeeds, so that a hundred attempts made at the same moment are a
hundred failures and not one.

A lock-out that needs an administrator was rejected: anybody on the ward's network could lock a physician out.
"""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

#: Wait after the n-th failure in a row for one account, in seconds; the last entry goes on for ever. People
#: mistype three or four times.
ACCOUNT_WAIT_S: Sequence[float] = (0, 0, 0, 0, 0, 5, 10, 20, 30, 60)
#: The same for one address. A hospital's network address translation may put a whole ward behind one, hence
#: the longer run-up.
ADDRESS_WAIT_S: Sequence[float] = (0,) * 20 + (2, 5, 10, 30, 60, 120, 300, 600)
#: Failures are forgotten after this long without another one.
FORGET_AFTER_S = 3600.0
#: Names and addresses remembered at most, each; the ones that were quiet for longest go first.
REMEMBERED = 10_000


@dataclass(slots=True)
class Failures:
    """A run of failures of one account or address."""

    count: int
    last_s: float


class FailureCount:
    """Runs of failures by key, and how long each key has to wait."""

    def __init__(self, waits_s: Sequence[float], *, remembered: int = REMEMBERED) -> None:
        self._waits_s = waits_s
        self._remembered = remembered
        self._failures: OrderedDict[str, Failures] = OrderedDict()

    def wait_s(self, key: str, now_s: float) -> float:
        """Seconds until `key` may try again, 0 when it may now."""
        failures = self._failures.get(key)
        if failures is None:
            return 0.0
        if now_s - failures.last_s >= FORGET_AFTER_S:
            del self._failures[key]
            return 0.0
        wait = self._waits_s[min(failures.count, len(self._waits_s) - 1)]
        return max(0.0, failures.last_s + wait - now_s)

    def add(self, key: str, now_s: float) -> None:
        failures = self._failures.setdefault(key, Failures(0, now_s))
        failures.count += 1
        failures.last_s = now_s
        self._failures.move_to_end(key)
        while len(self._failures) > self._remembered:
            self._failures.popitem(last=False)

    def take_back(self, key: str) -> None:
        """One failure less: the attempt that `add` counted was none."""
        failures = self._failures.get(key)
        if failures is not None:
            failures.count -= 1
            if failures.count <= 0:
                del self._failures[key]

    def forget(self, key: str) -> None:
        self._failures.pop(key, None)

    def __len__(self) -> int:
        return len(self._failures)


class SignInLimit:
    """Both counts together.

    Call `begin`; when it gives 0, check the password, then `succeeded` if it was right.
    """

    def __init__(self) -> None:
        self._accounts = FailureCount(ACCOUNT_WAIT_S)
        self._addresses = FailureCount(ADDRESS_WAIT_S)

    def begin(self, account: str, address: str, now_s: float) -> float:
        """Seconds to wait before this may be tried; 0 when it may, and then it already counts as failed."""
        network = network_of(address)
        wait = max(self._accounts.wait_s(account, now_s), self._addresses.wait_s(network, now_s))
        if wait > 0:
            return wait
        self._accounts.add(account, now_s)
        self._addresses.add(network, now_s)
        return 0.0

    def succeeded(self, account: str, address: str) -> None:
        """The account starts afresh; the address only gets this one attempt back, or one good account would
        clear it.
        """
        self._accounts.forget(account)
        self._addresses.take_back(network_of(address))

    def withdrawn(self, account: str, address: str) -> None:
        """The attempt was never decided (the host was too busy)."""
        self._accounts.take_back(account)
        self._addresses.take_back(network_of(address))


def network_of(address: str) -> str:
    """What counts as one address: an IPv4 address, or the /64 of an IPv6 one, which is one host's."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if parsed.version == 6:
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)
