"""Password hashes: argon2id, computed in threads, a bounded number at a time."""

from __future__ import annotations

import asyncio
import base64
import functools
import secrets
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from argon2 import DEFAULT_HASH_LENGTH, DEFAULT_RANDOM_SALT_LENGTH, PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from display_server.errors import ConfigurationError, Malfunction

P = ParamSpec("P")
T = TypeVar("T")

#: RFC 9106's second choice: 64 MiB, 3 passes, 4 lanes.
TIME_COST = 3
MEMORY_KIB = 64 * 1024
LANES = 4
#: Hashes computed at once, and waiting at most: a flood of sign-ins takes 128 MiB and no more.
AT_ONCE = 2
WAITING = 64
PASSWORD_MIN_CHARACTERS = 10
PASSWORD_MAX_BYTES = 1024


class Busy(Malfunction):
    """Too many sign-ins at once; try again shortly."""


class Passwords:
    """Hashes and checks. The event loop never computes: argon2 lets go of the GIL."""

    def __init__(
        self, *, time_cost: int = TIME_COST, memory_kib: int = MEMORY_KIB, lanes: int = LANES
    ) -> None:
        self._hasher = PasswordHasher(time_cost=time_cost, memory_cost=memory_kib, parallelism=lanes)
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="argon2")
        self._under_way = 0
        self._nobody = _nobodys_hash(time_cost, memory_kib, lanes)

    async def hash(self, password: str) -> str:
        """Raises Busy."""
        return await self._compute(self._hash, password)

    async def check(self, stored: str | None, password: str) -> bool:
        """Whether it is right.

        With `stored` None (no such account) takes as long as with one, and is False. Raises Busy.
        """
        return await self._compute(self._check, stored, password)

    def outdated(self, stored: str) -> bool:
        """Whether the hash was made with other parameters than today's."""
        return self._hasher.check_needs_rehash(stored)

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _compute(self, function: Callable[P, T], *arguments: P.args, **options: P.kwargs) -> T:
        if self._under_way >= AT_ONCE + WAITING:
            raise Busy("Too many people sign in at this moment. Try again in a few seconds.")
        self._under_way += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(
                self._threads, functools.partial(function, *arguments, **options)
            )
        finally:
            self._under_way -= 1

    def _hash(self, password: str) -> str:
        return self._hasher.hash(prepared(password))

    def _check(self, stored: str | None, password: str) -> bool:
        try:
            return self._hasher.verify(stored or self._nobody, prepared(password)) and stored is not None
        except (VerificationError, InvalidHashError):
            return False


def _nobodys_hash(time_cost: int, memory_kib: int, lanes: int) -> str:
    """A hash that costs as much to check as any and that no password gives: its bytes are random."""
    salt, digest = (
        base64.b64encode(secrets.token_bytes(length)).decode().rstrip("=")
        for length in (DEFAULT_RANDOM_SALT_LENGTH, DEFAULT_HASH_LENGTH)
    )
    return f"$argon2id$v=19$m={memory_kib},t={time_cost},p={lanes}${salt}${digest}"


def prepared(password: str) -> bytes:
    """One form for what looks the same: a Mac sends Hangul decomposed, Windows composed."""
    return unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")


def check_new_password(password: str) -> None:
    """Raises ConfigurationError when it may not become anybody's password."""
    if len(password) < PASSWORD_MIN_CHARACTERS:
        raise ConfigurationError(
            f"The password is too short: {len(password)} characters.",
            hint=f"Choose one of {PASSWORD_MIN_CHARACTERS} characters or more.",
        )
    if len(prepared(password)) > PASSWORD_MAX_BYTES:
        raise ConfigurationError(
            "The password is too long.", hint=f"At most {PASSWORD_MAX_BYTES} bytes of UTF-8 are allowed."
        )
