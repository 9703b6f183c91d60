"""The keys by which a provider signs: reading them, choosing one, and fetching them after a rotation."""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from display_server.broker.oidc.errors import AnswerRefusedError

#: The kind of key that an algorithm needs, by the beginning of its name.
_KINDS = {"RS": "RSA", "PS": "RSA", "ES": "EC"}
#: Members of a key that are read. Everything else is left out, above all a private part.
_PUBLIC = ("kty", "n", "e", "crv", "x", "y", "kid", "use", "alg")
#: Smallest RSA key, bits.
RSA_MIN_BITS = 2048
#: Keys beyond this number are left out.
KEYS_MAX = 100
#: Keys are fetched again after this time, s, so that one that was withdrawn is not trusted for ever.
VALID_S = 3600.0
#: After an unknown key they are fetched again at most this often, s: anybody can send a token with a made-up
#: key to the address for sign-outs.
REFETCH_S = 20.0

PublicKey = RSAKey | ECKey


def read_keys(document: Mapping[str, Any]) -> list[PublicKey]:
    """Returns the usable keys of a key set. Raises AnswerRefusedError when there is none. Pure."""
    listed = document.get("keys")
    keys = []
    for data in listed[:KEYS_MAX] if isinstance(listed, list) else []:
        if isinstance(data, dict) and (key := _read_key(data)) is not None:
            keys.append(key)
    if not keys:
        raise AnswerRefusedError("the provider's key set has no key that can be used")
    return keys


def choose(keys: Sequence[PublicKey], header: Mapping[str, Any]) -> PublicKey | None:
    """Returns the key that a token's header means, or None if there is no such key. Pure."""
    kid, algorithm = header.get("kid"), header.get("alg")
    if not isinstance(algorithm, str):
        return None
    fitting = [
        key
        for key in keys
        if key.key_type == _KINDS.get(algorithm[:2]) and key.get("alg") in (None, algorithm)
    ]
    if kid is not None:
        fitting = [key for key in fitting if key.get("kid") == kid]
    return fitting[0] if len(fitting) == 1 else None


class SigningKeys:
    """The keys of one provider. `fetch` returns its key set; `monotonic_s` is a clock in seconds."""

    def __init__(
        self, fetch: Callable[[], Awaitable[Mapping[str, Any]]], monotonic_s: Callable[[], float]
    ) -> None:
        self._fetch = fetch
        self._monotonic_s = monotonic_s
        self._keys: list[PublicKey] = []
        self._fetched_s = float("-inf")
        self._lock = asyncio.Lock()

    async def key_for(self, header: Mapping[str, Any]) -> PublicKey:
        """Returns the key of a token with this header.

        Raises AnswerRefusedError when the provider has no such key, and ProviderAway when it does not say.
        """
        async with self._lock:
            age_s = self._monotonic_s() - self._fetched_s
            if age_s < VALID_S:
                key = choose(self._keys, header)
                if key is None and age_s >= REFETCH_S:
                    key = choose(await self._renew(), header)
            else:
                key = choose(await self._renew(), header)
        if key is None:
            raise AnswerRefusedError("the token is signed with a key or an algorithm that is unknown")
        return key

    async def _renew(self) -> list[PublicKey]:
        self._keys = read_keys(await self._fetch())
        self._fetched_s = self._monotonic_s()
        return self._keys


def _read_key(data: Mapping[str, Any]) -> PublicKey | None:
    public = {name: data[name] for name in _PUBLIC if isinstance(data.get(name), str)}
    if public.get("use", "sig") != "sig":
        return None
    try:
        if public.get("kty") == "RSA" and _bits(public.get("n", "")) >= RSA_MIN_BITS:
            return RSAKey.import_key(public)
        if public.get("kty") == "EC":
            return ECKey.import_key(public)
    except (JoseError, ValueError, TypeError, KeyError):
        return None
    return None


def _bits(number: str) -> int:
    try:
        raw = base64.urlsafe_b64decode(number + "=" * (-len(number) % 4))
    except (binascii.Error, ValueError):
        return 0
    return int.from_bytes(raw).bit_length()
