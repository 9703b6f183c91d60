"""Passkeys (WebAuthn) as second factors."""

from __future__ import annotations

import ipaddress
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlsplit

import structlog
from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError
from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import base64url_to_bytes, options_to_json_dict
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from display_server.broker.audit.actor import Actor
from display_server.broker.audit.entry import Action
from display_server.broker.second_factor import ceremonies
from display_server.broker.second_factor.ceremonies import Purpose
from display_server.broker.second_factor.events import record
from display_server.broker.second_factor.factor_key import FactorKey
from display_server.broker.second_factor.factors import ISSUER, owner_of
from display_server.broker.second_factor.pending_sign_ins import claim
from display_server.broker.second_factor.policy import UserVerification
from display_server.broker.store import Store
from display_server.broker.tables import Account, Passkey
from display_server.errors import PolicyError

log = structlog.get_logger(__name__)

#: Random bytes of a challenge.
CHALLENGE_BYTES = 32
#: How long a browser waits for the person, ms. It is a hint.
TIMEOUT_MS = 120_000
#: Largest number of passkeys per account.
PER_ACCOUNT_MAX = 20
#: Longest name of a passkey, characters.
NAME_MAX = 64
#: How a passkey can be reached; other names, of later editions of the standard, are not stored.
_TRANSPORTS = frozenset(transport.value for transport in AuthenticatorTransport)


class PasskeyRefusedError(PolicyError):
    """The answer of a browser is wrong. The text is for the audit and the log."""


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """The server as a browser knows it: the origin of the page, and the name that passkeys belong to."""

    origin: str  # https://NAME, or https://NAME:PORT
    rp_id: str

    @classmethod
    def of(cls, origin: str) -> Self | None:
        """Returns it for the origin of a page; None where there can be no passkey.

        Passkeys belong to names: a page whose address is an IP address has none.
        """
        try:
            name = urlsplit(origin).hostname or ""
        except ValueError:
            return None
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return cls(origin, name) if name and origin.startswith("https://") else None
        return None


class Passkeys:
    """The passkeys in the store. `now_s` returns wall-clock time, in seconds since the epoch."""

    def __init__(self, store: Store, key: FactorKey, *, now_s: Callable[[], float] = time.time) -> None:
        self._store = store
        self._key = key
        self._now_s = now_s

    async def begin_registration(
        self, owner: bytes, account: Account, party: RelyingParty, verification: UserVerification
    ) -> dict[str, Any]:
        """Returns the options with which a browser makes a passkey. The challenge belongs to `owner`."""
        challenge = secrets.token_bytes(CHALLENGE_BYTES)
        present = await self._of(account.id, party.rp_id)
        async with self._store.begin() as db:
            await ceremonies.begin(db, owner, account.id, Purpose.REGISTRATION, challenge, self._now_s())
        options = generate_registration_options(
            rp_id=party.rp_id,
            rp_name=ISSUER,
            user_name=account.username,
            user_display_name=account.display_name,
            user_id=self._key.hash_code("passkeys", owner_of(account.id)),  # says nothing about the person
            challenge=challenge,
            timeout=TIMEOUT_MS,
            authenticator_selection=AuthenticatorSelectionCriteria(
                # The person types their name first, so that no space on a security key is needed.
                resident_key=ResidentKeyRequirement.DISCOURAGED,
                user_verification=UserVerificationRequirement(verification),
            ),
            exclude_credentials=_descriptors(present),
        )
        return options_to_json_dict(options)

    async def register(
        self,
        owner: bytes,
        account: Account,
        party: RelyingParty,
        name: str,
        credential: dict[str, Any],
        *,
        verification: UserVerification,
        actor: Actor,
    ) -> None:
        """Stores a new passkey. Raises PasskeyRefusedError."""
        now = self._now_s()
        challenge = await self._take(owner, account.id, Purpose.REGISTRATION)
        try:
            verified = verify_registration_response(
                credential=credential,
                expected_challenge=challenge,
                expected_rp_id=party.rp_id,
                expected_origin=party.origin,
                require_user_verification=verification == "required",
            )
        except (WebAuthnException, ValueError) as error:
            raise PasskeyRefusedError(str(error)) from error
        passkey = Passkey(
            account_id=account.id,
            credential_id=verified.credential_id,
            public_key=verified.credential_public_key,
            sign_count=verified.sign_count,
            rp_id=party.rp_id,
            name=name,
            transports=",".join(_transports(credential)),
            created_s=now,
            used_s=None,
        )
        try:
            async with self._store.begin() as db:
                db.add(passkey)
                await db.flush()
                count = len(
                    (await db.scalars(select(Passkey.id).where(Passkey.account_id == account.id))).all()
                )
                if count > PER_ACCOUNT_MAX:
                    raise PasskeyRefusedError(f"the account has {PER_ACCOUNT_MAX} passkeys already")
                await record(db, Action.SECOND_FACTOR_ADDED, now, actor, named(name))
        except IntegrityError as error:
            raise PasskeyRefusedError("this passkey is stored already") from error
        await self._store.save_copy()

    async def begin_use(
        self, owner: bytes, account_id: int, party: RelyingParty, verification: UserVerification
    ) -> dict[str, Any] | None:
        """Returns the options with which a browser uses a passkey; None if the person has none here."""
        present = await self._of(account_id, party.rp_id)
        if not present:
            return None
        challenge = secrets.token_bytes(CHALLENGE_BYTES)
        async with self._store.begin() as db:
            await ceremonies.begin(db, owner, account_id, Purpose.ASSERTION, challenge, self._now_s())
        options = generate_authentication_options(
            rp_id=party.rp_id,
            challenge=challenge,
            timeout=TIMEOUT_MS,
            allow_credentials=_descriptors(present),
            user_verification=UserVerificationRequirement(verification),
        )
        return options_to_json_dict(options)

    async def accept(
        self,
        pending_id: bytes,
        account: Account,
        party: RelyingParty,
        credential: dict[str, Any],
        *,
        verification: UserVerification,
        actor: Actor,
    ) -> None:
        """Ends a pending sign-in with a passkey. Raises PasskeyRefusedError, and has changed nothing then."""
        now = self._now_s()
        challenge = await self._take(pending_id, account.id, Purpose.ASSERTION)
        async with self._store.begin() as db:
            passkey = await db.scalar(
                select(Passkey).where(
                    Passkey.account_id == account.id,
                    Passkey.rp_id == party.rp_id,
                    Passkey.credential_id == _id_of(credential),
                )
            )
        if passkey is None:
            raise PasskeyRefusedError("the passkey is not one of this person's")
        try:
            verified = verify_authentication_response(
                credential=credential,
                expected_challenge=challenge,
                expected_rp_id=party.rp_id,
                expected_origin=party.origin,
                credential_public_key=passkey.public_key,
                credential_current_sign_count=0,  # compared below, with a reason of its own
                require_user_verification=verification == "required",
            )
        except (WebAuthnException, ValueError) as error:
            raise PasskeyRefusedError(str(error)) from error
        if not counter_advanced(passkey.sign_count, verified.new_sign_count):
            raise PasskeyRefusedError(
                f"{named(passkey.name)} may have been copied: its counter went from {passkey.sign_count} to "
                f"{verified.new_sign_count}"
            )
        async with self._store.begin() as db:
            if not await claim(db, pending_id):
                raise PasskeyRefusedError("the sign-in has ended")
            used = await db.scalar(
                update(Passkey)
                .where(Passkey.id == passkey.id, Passkey.sign_count == passkey.sign_count)
                .values(sign_count=verified.new_sign_count, used_s=now)
                .returning(Passkey.id)
            )
            if used is None:
                raise PasskeyRefusedError("the passkey was used or removed at the same time")
            await record(db, Action.SECOND_FACTOR_USED, now, actor, named(passkey.name))

    async def rename(self, account: Account, passkey_id: int, name: str, actor: Actor) -> bool:
        """Gives a passkey another name. Returns False if the person has no such passkey."""
        async with self._store.begin() as db:
            renamed = await db.scalar(
                update(Passkey)
                .where(Passkey.id == passkey_id, Passkey.account_id == account.id)
                .values(name=name)
                .returning(Passkey.id)
            )
            if renamed is not None:
                await record(db, Action.SECOND_FACTOR_RENAMED, self._now_s(), actor, named(name))
        return renamed is not None

    async def remove(self, account: Account, passkey_id: int, actor: Actor) -> bool:
        """Removes a passkey. Returns False if the person has no such passkey."""
        async with self._store.begin() as db:
            removed = await db.scalar(
                delete(Passkey)
                .where(Passkey.id == passkey_id, Passkey.account_id == account.id)
                .returning(Passkey.name)
            )
            if removed is not None:
                await record(db, Action.SECOND_FACTOR_REMOVED, self._now_s(), actor, named(removed))
        await self._store.save_copy()
        return removed is not None

    async def _of(self, account_id: int, rp_id: str) -> Sequence[Passkey]:
        async with self._store.begin() as db:
            return (
                await db.scalars(
                    select(Passkey).where(Passkey.account_id == account_id, Passkey.rp_id == rp_id)
                )
            ).all()

    async def _take(self, owner: bytes, account_id: int, purpose: Purpose) -> bytes:
        """Returns the challenge of a browser and forgets it. Raises PasskeyRefusedError if there is none."""
        async with self._store.begin() as db:
            challenge = await ceremonies.take(db, owner, account_id, purpose, self._now_s())
        if challenge is None:
            raise PasskeyRefusedError("there is no challenge for this browser, or it has expired")
        return challenge


def named(name: str) -> str:
    """Returns what the audit calls a passkey."""
    return f"second-factor:passkey/{name}"


def counter_advanced(stored: int, new: int) -> bool:
    """Returns whether a passkey's counter is plausible. Passkeys without a counter always say 0."""
    return new > stored or (stored == 0 and new == 0)


def _descriptors(passkeys: Sequence[Passkey]) -> list[PublicKeyCredentialDescriptor]:
    return [
        PublicKeyCredentialDescriptor(
            id=passkey.credential_id,
            transports=[AuthenticatorTransport(name) for name in passkey.transports.split(",") if name],
        )
        for passkey in passkeys
    ]


def _transports(credential: Mapping[str, Any]) -> list[str]:
    response = credential.get("response")
    named = response.get("transports") if isinstance(response, dict) else None
    return sorted(_TRANSPORTS & {name for name in named or () if isinstance(name, str)})


def _id_of(credential: Mapping[str, Any]) -> bytes:
    """Returns the id of the passkey that a browser has used. Raises PasskeyRefusedError."""
    named = credential.get("id")
    try:
        return base64url_to_bytes(named if isinstance(named, str) else "")
    except ValueError as error:
        raise PasskeyRefusedError("the id of the passkey is malformed") from error
