"""Password hashing with argon2id, in a bounded number of threads."""

from __future__ import annotations

import asyncio
import base64
import functools
import secrets
import unicodedata
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from argon2 import DEFAULT_HASH_LENGTH, DEFAULT_RANDOM_SALT_LENGTH, PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from display_server.errors import ConfigurationError, Malfunction

P = ParamSpec("P")
T = TypeVar("T")

#: Passes of argon2id. This and the next two values are the second recommended option of RFC 9106.
TIME_COST = 3
#: Memory of one hash computation, KiB.
MEMORY_KIB = 64 * 1024
#: Lanes of argon2id.
LANES = 4
#: Hash computations that run at the same time. They take WORKERS × MEMORY_KIB = 128 MiB together.
WORKERS = 2
#: Hash computations that may wait for a worker, of known devices and of all others; further ones are refused.
QUEUE_MAX = 64
#: Shortest acceptable new password, characters.
PASSWORD_MIN_CHARACTERS = 10
#: Longest acceptable password, bytes of UTF-8.
PASSWORD_MAX_BYTES = 1024


class TooManySignIns(Malfunction):
    """The queue of hash computations is full. The caller should try again after a few seconds."""


class Passwords:
    """Hashes and checks passwords in threads. argon2 releases the GIL, so the event loop is never blocked.

    Checks for known devices have a queue of their own, which is served first: strangers who fill the other
    one keep nobody waiting who works here.
    """

    def __init__(
        self, *, time_cost: int = TIME_COST, memory_kib: int = MEMORY_KIB, lanes: int = LANES
    ) -> None:
        self._hasher = PasswordHasher(time_cost=time_cost, memory_cost=memory_kib, parallelism=lanes)
        self._threads = ThreadPoolExecutor(WORKERS, thread_name_prefix="argon2")
        self._running = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._waiting_known: deque[asyncio.Future[None]] = deque()  # those of known devices
        self._dummy_hash = _make_dummy_hash(time_cost, memory_kib, lanes)

    async def hash(self, password: str) -> str:
        """Returns the hash in argon2's text form. Raises TooManySignIns."""
        return await self._compute(self._waiting, self._hash, password)

    async def check(self, stored: str | None, password: str, *, known_device: bool = False) -> bool:
        """Returns whether the password matches the stored hash.

        With `stored` None (no such account) the check takes the same time and returns False. Raises
        TooManySignIns.
        """
        queue = self._waiting_known if known_device else self._waiting
        return await self._compute(queue, self._check, stored, password)

    def needs_rehash(self, stored: str) -> bool:
        """Returns whether the hash was made with other parameters than the current ones."""
        return self._hasher.check_needs_rehash(stored)

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _compute(
        self,
        queue: deque[asyncio.Future[None]],
        function: Callable[P, T],
        *arguments: P.args,
        **options: P.kwargs,
    ) -> T:
        await self._wait_for_worker(queue)
        try:
            return await asyncio.get_running_loop().run_in_executor(
                self._threads, functools.partial(function, *arguments, **options)
            )
        finally:
            self._release_worker()

    async def _wait_for_worker(self, queue: deque[asyncio.Future[None]]) -> None:
        """Returns when a worker is free for the caller, who releases it afterwards. Raises TooManySignIns."""
        if self._running < WORKERS:
            self._running += 1
            return
        if len(queue) >= QUEUE_MAX:
            raise TooManySignIns(
                "Too many people are signing in right now.", next_step="Try again in a few seconds."
            )
        turn = asyncio.get_running_loop().create_future()
        queue.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn in queue:
                queue.remove(turn)
            else:  # the worker was given to this caller already
                self._release_worker()
            raise

    def _release_worker(self) -> None:
        """Gives the worker to whoever waits for it."""
        queue = self._waiting_known or self._waiting
        if queue:
            turn = queue.popleft()
            if not turn.done():
                turn.set_result(None)
        else:
            self._running -= 1

    def _hash(self, password: str) -> str:
        return self._hasher.hash(normalise_password(password))

    def _check(self, stored: str | None, password: str) -> bool:
        try:
            matches = self._hasher.verify(stored or self._dummy_hash, normalise_password(password))
        except (VerificationError, InvalidHashError):
            return False
        return matches and stored is not None


def _make_dummy_hash(time_cost: int, memory_kib: int, lanes: int) -> str:
    """Returns a hash of random bytes: it matches no password and takes as long to check as a real hash."""
    salt, digest = (
        base64.b64encode(secrets.token_bytes(length)).decode().rstrip("=")
        for length in (DEFAULT_RANDOM_SALT_LENGTH, DEFAULT_HASH_LENGTH)
    )
    return f"$argon2id$v=19$m={memory_kib},t={time_cost},p={lanes}${salt}${digest}"


def normalise_password(password: str) -> bytes:
    """Returns the bytes to hash: NFC in UTF-8, because macOS sends decomposed Hangul and Windows composed."""
    return unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")


def check_new_password(password: str) -> None:
    """Raises ConfigurationError when the password is too short or too long for a new account."""
    if len(password) < PASSWORD_MIN_CHARACTERS:
        raise ConfigurationError(
            f"The password is too short: it has {len(password)} characters.",
            hint=f"Choose a password of at least {PASSWORD_MIN_CHARACTERS} characters.",
        )
    if len(normalise_password(password)) > PASSWORD_MAX_BYTES:
        raise ConfigurationError(
            "The password is too long.",
            hint=f"Choose a password of at most {PASSWORD_MAX_BYTES} bytes in UTF-8.",
        )
