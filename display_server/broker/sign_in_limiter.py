"""Rate limits for attempts to sign in. Pure: time is an argument, and nothing is awaited.

Failures are counted in two ways, because either one alone is easily evaded: failures in a row per account
(one account attacked from many addresses), and failures per address (many accounts attacked from one
address). An attempt counts as failed when it begins, and the failure is removed when the attempt succeeds.
One hundred simultaneous attempts therefore count as one hundred failures.

A device in which the person has signed in before has a budget of its own instead of both: what strangers do
to the account, or from the same address, delays nobody there.

A lock-out that only an administrator can lift was rejected: anybody in the ward's network could lock a
physician out.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from display_server.broker_link.client_network import network_of

#: Wait after the n-th failure in a row for one account, s; the last entry applies to all later failures. The
#: first five attempts are free because people often mistype a password three or four times.
ACCOUNT_WAIT_S: Sequence[float] = (0, 0, 0, 0, 0, 5, 10, 20, 30, 60)
#: Wait after the n-th failure from one address, s. The first twenty attempts are free because network address
#: translation may give a whole ward the same address.
ADDRESS_WAIT_S: Sequence[float] = (0,) * 20 + (2, 5, 10, 30, 60, 120, 300, 600)
#: The same for an address that many people share: it belongs to a listed network, or to a reverse proxy that
#: does not say for whom it asks.
SHARED_ADDRESS_WAIT_S: Sequence[float] = (0,) * 400 + (2, 5, 10, 30, 60)
#: Wait after the n-th failure in a row of one person at one known device, s.
DEVICE_WAIT_S: Sequence[float] = ACCOUNT_WAIT_S
#: Wait after the n-th wrong code of a second factor in a row, s. Whoever gives codes knows the password, so
#: this may be slow: about nine guesses per hour. A known device has a budget of its own here, too.
FACTOR_WAIT_S: Sequence[float] = (0, 0, 0, 0, 0, 30, 60, 300, 900, 3600)
#: Failures are forgotten when no further one follows within this time, s.
FORGET_AFTER_S = 3600.0
#: Largest number of accounts, and of addresses, whose failures are remembered. Beyond it, the key with the
#: oldest last failure is dropped.
KEYS_MAX = 10_000


@dataclass(slots=True)
class Failures:
    """The failures in a row of one account or address."""

    count: int
    last_s: float


class FailureCounter:
    """Counts failures per key (an account or an address) and says how long each key has to wait."""

    def __init__(self, waits_s: Sequence[float], *, keys_max: int = KEYS_MAX) -> None:
        self._waits_s = waits_s
        self._keys_max = keys_max
        self._failures: OrderedDict[str, Failures] = OrderedDict()

    def wait_s(self, key: str, now_s: float) -> float:
        """Returns the seconds until `key` may try again; 0 when it may try now."""
        failures = self._failures.get(key)
        if failures is None:
            return 0.0
        if now_s - failures.last_s >= FORGET_AFTER_S:
            del self._failures[key]
            return 0.0
        wait = self._waits_s[min(failures.count, len(self._waits_s) - 1)]
        return max(0.0, failures.last_s + wait - now_s)

    def increment(self, key: str, now_s: float) -> None:
        failures = self._failures.setdefault(key, Failures(0, now_s))
        failures.count += 1
        failures.last_s = now_s
        self._failures.move_to_end(key)
        while len(self._failures) > self._keys_max:
            self._failures.popitem(last=False)

    def decrement(self, key: str) -> None:
        """Removes one failure of `key`: an attempt that was counted in advance did not fail."""
        failures = self._failures.get(key)
        if failures is not None:
            failures.count -= 1
            if failures.count <= 0:
                del self._failures[key]

    def reset(self, key: str) -> None:
        self._failures.pop(key, None)

    def __len__(self) -> int:
        return len(self._failures)


class SignInLimiter:
    """Limits attempts per account and per address, or per known device.

    Call `begin_attempt`. When it returns 0, check the password, then call `record_success` if the password
    was right, or `cancel_attempt` if it could not be checked. `device` names a device in which the same
    person has signed in before, and is None for any other. `is_shared` returns whether many people share an
    address.
    """

    def __init__(
        self,
        *,
        is_shared: Callable[[str], bool] = lambda _address: False,
        account_wait_s: Sequence[float] = ACCOUNT_WAIT_S,
    ) -> None:
        self.is_shared = is_shared
        self._accounts = FailureCounter(account_wait_s)
        self._addresses = FailureCounter(ADDRESS_WAIT_S)
        self._shared_addresses = FailureCounter(SHARED_ADDRESS_WAIT_S)
        self._devices = FailureCounter(DEVICE_WAIT_S)

    def begin_attempt(self, account: str, address: str, now_s: float, device: str | None = None) -> float:
        """Returns the seconds until the attempt is allowed; 0 if it is allowed now and counted as failed."""
        counters = self._counters(account, address, device)
        wait = max(counter.wait_s(key, now_s) for counter, key in counters)
        if wait > 0:
            return wait
        for counter, key in counters:
            counter.increment(key, now_s)
        return 0.0

    def record_success(self, account: str, address: str, device: str | None = None) -> None:
        """Clears the failures of the account, and removes this one attempt from those of the address.

        The other failures of the address stay. Otherwise an attacker could clear them by signing in to an
        account of their own. For the same reason a known device clears only its own failures.
        """
        first, *others = self._counters(account, address, device)
        first[0].reset(first[1])
        for counter, key in others:
            counter.decrement(key)

    def cancel_attempt(self, account: str, address: str, device: str | None = None) -> None:
        """Removes an attempt whose password was not checked because the server was too busy."""
        for counter, key in self._counters(account, address, device):
            counter.decrement(key)

    def _counters(self, account: str, address: str, device: str | None) -> list[tuple[FailureCounter, str]]:
        """Returns what counts an attempt, with its key: first the person, then where they are."""
        if device is not None:
            return [(self._devices, f"{device} {account}")]
        addresses = self._shared_addresses if self.is_shared(address) else self._addresses
        return [(self._accounts, account), (addresses, network_of(address))]
