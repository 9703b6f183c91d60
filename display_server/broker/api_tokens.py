"""Tokens with which programs use the administration API: named, scoped, expiring, and stored hashed."""

from __future__ import annotations

import json
import re
import secrets
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import Row, Select, delete, func, or_, select, update
from sqlalchemy.exc import IntegrityError

from display_server.broker.accounts import existing_account
from display_server.broker.audit.actor import SERVER, Actor, operator_actor
from display_server.broker.audit.entry import Action
from display_server.broker.people.acts import record_act
from display_server.broker.scopes import FOR_PEOPLE, Scope
from display_server.broker.store import Store
from display_server.broker.tables import Account, ApiToken
from display_server.broker_link.cookies import hash_of
from display_server.errors import ConfigurationError

#: Begins the secret of every token, so that people and scanners for leaked secrets recognize one.
PREFIX = "lbt_"
#: Random bytes in a secret. Nobody guesses them, so that wrong tokens need no limit.
SECRET_BYTES = 32
#: Allowed names, in lower case.
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
#: Longest validity, days.
DAYS_MAX = 366
#: Largest number of tokens that are valid at a time.
TOKENS_MAX = 200
#: The last use is written at most once in this time, s.
USED_INTERVAL_S = 60.0
DAY_S = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class TokenInfo:
    """A token without its secret. Times are in seconds since the epoch."""

    id: int
    name: str
    scopes: frozenset[Scope]
    read_only: bool
    username: str | None  # the person whose roles limit it; None: an operator created it
    created_by: str
    created_s: float
    expires_s: float
    used_s: float | None

    def opens(self, scope: Scope | None, *, changes: bool) -> bool:
        """Returns whether it may be used for something of a scope; None is open to every token."""
        return scope is None or (scope in self.scopes and not (self.read_only and changes))

    @property
    def audit_name(self) -> str:
        """How the audit names it. No account has such a name."""
        return f"token:{self.name}"


class ApiTokens:
    """The tokens in the store.

    `operator` is the Unix user on whose behalf they are changed, unless an `actor` is given. `now_s` returns
    wall-clock time, in seconds since the epoch.
    """

    def __init__(
        self,
        store: Store,
        *,
        operator: str = SERVER,
        actor: Actor | None = None,
        now_s: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._actor = actor or operator_actor(operator)
        self._now_s = now_s

    async def create(
        self,
        name: str,
        scopes: Collection[Scope],
        *,
        expires_days: float,
        read_only: bool = False,
        owner: str | None = None,
    ) -> tuple[TokenInfo, str]:
        """Creates a token, and returns it with its secret, which is stored nowhere.

        `owner` is the person who creates it: it never may more than they. Raises ConfigurationError.
        """
        normal = name.strip().lower()
        _check(normal, scopes, expires_days, read_only)
        secret, now_s = PREFIX + secrets.token_urlsafe(SECRET_BYTES), self._now_s()
        try:
            async with self._store.begin() as db:
                await db.execute(delete(ApiToken).where(ApiToken.expires_s <= now_s))
                if (await db.scalar(select(func.count()).select_from(ApiToken)) or 0) >= TOKENS_MAX:
                    raise ConfigurationError(
                        f"There are {TOKENS_MAX} tokens already.", hint="Revoke those that nobody uses."
                    )
                account = await existing_account(db, owner) if owner is not None else None
                row = ApiToken(
                    name=normal,
                    secret_hash=hash_of(secret),
                    scopes=json.dumps(sorted(scope.value for scope in scopes)),
                    read_only=read_only,
                    account_id=account.id if account is not None else None,
                    created_by=self._actor.name,
                    created_s=now_s,
                    expires_s=now_s + expires_days * DAY_S,
                )
                db.add(row)
                await db.flush()
                info = _described(row, account.username if account is not None else None)
                await record_act(
                    db,
                    Action.TOKEN_CREATED,
                    info.audit_name,
                    actor=self._actor,
                    at_s=now_s,
                    reason=_in_words(info, expires_days),
                )
        except IntegrityError as error:
            raise ConfigurationError(
                f"There is a token named {normal!r} already.",
                hint="Choose another name, or revoke that one first.",
            ) from error
        await self._store.save_copy()
        return info, secret

    async def list_all(self) -> Sequence[TokenInfo]:
        """Returns all tokens that have not expired, sorted by name."""
        async with self._store.reading() as db:
            rows = await db.execute(self._unexpired().order_by(ApiToken.name))
            return [_info(row) for row in rows]

    async def by_id(self, token: int) -> TokenInfo | None:
        async with self._store.reading() as db:
            found = (await db.execute(self._unexpired().where(ApiToken.id == token))).one_or_none()
        return None if found is None else _info(found)

    async def revoke(self, name: str) -> None:
        """Makes a token useless, at once. Raises ConfigurationError when there is none of this name."""
        async with self._store.begin() as db:
            revoked = await db.scalar(
                delete(ApiToken).where(ApiToken.name == name.strip().lower()).returning(ApiToken.name)
            )
            if revoked is None:
                raise ConfigurationError(
                    f"There is no token named {name!r}.", hint="To see all tokens, run `lightbox token list`."
                )
            await record_act(
                db, Action.TOKEN_REVOKED, f"token:{revoked}", actor=self._actor, at_s=self._now_s()
            )
        await self._store.save_copy()

    async def find(self, secret: str) -> TokenInfo | None:
        """Returns the token with this secret, and notes its use.

        None if it is wrong, expired or revoked, or if the account of its person is disabled.
        """
        if not secret.startswith(PREFIX):
            return None
        now_s = self._now_s()
        async with self._store.reading() as db:
            wanted = self._unexpired().where(
                ApiToken.secret_hash == hash_of(secret),
                or_(ApiToken.account_id.is_(None), Account.disabled.is_(False)),
            )
            found = (await db.execute(wanted)).one_or_none()
        if found is None:
            return None
        info = _info(found)
        if info.used_s is None or now_s - info.used_s >= USED_INTERVAL_S:
            async with self._store.begin() as db:
                await db.execute(update(ApiToken).where(ApiToken.id == info.id).values(used_s=now_s))
        return info

    def _unexpired(self) -> Select[ApiToken, str | None]:
        """Selects tokens that have not expired, each with the username of its person."""
        return (
            select(ApiToken, Account.username)
            .outerjoin(Account, Account.id == ApiToken.account_id)
            .where(ApiToken.expires_s > self._now_s())
        )


def scopes_named(names: Collection[str]) -> frozenset[Scope]:
    """Returns the scopes of these names. Raises ConfigurationError for one that does not exist."""
    known = {scope.value: scope for scope in Scope if scope not in FOR_PEOPLE}
    for name in names:
        if name not in known:
            raise ConfigurationError(
                f"A token cannot have the scope {name!r}.", hint=f"These exist: {', '.join(known)}."
            )
    return frozenset(known[name] for name in names)


def _check(name: str, scopes: Collection[Scope], expires_days: float, read_only: bool) -> None:
    if not NAME.fullmatch(name):
        raise ConfigurationError(
            f"{name!r} cannot be the name of a token.",
            hint="Use 1 to 64 of the characters a-z 0-9 . _ - and begin with a letter or digit.",
        )
    if not 0 < expires_days <= DAYS_MAX:
        raise ConfigurationError(
            "A token has to expire.", hint=f"Let it be valid for at most {DAYS_MAX} days."
        )
    changing = sorted(scope.value for scope in scopes if not scope.reads)
    if read_only and changing:
        raise ConfigurationError(
            f"A token that only reads cannot have the scopes {', '.join(changing)}.",
            hint="Leave them out, or let the token change things.",
        )


def _in_words(info: TokenInfo, expires_days: float) -> str:
    scopes = " ".join(sorted(scope.value for scope in info.scopes)) or "no scope"
    return f"{scopes}; {'only reads; ' if info.read_only else ''}{expires_days:g} days"


def _info(found: Row[ApiToken, str | None]) -> TokenInfo:
    """Makes a token of a row of `_unexpired`."""
    return _described(*found)


def _described(row: ApiToken, username: str | None) -> TokenInfo:
    known = {scope.value: scope for scope in Scope}
    return TokenInfo(
        id=row.id,
        name=row.name,
        # A scope that this version does not know, as after an upgrade and its reversal, gives no right.
        scopes=frozenset(known[name] for name in json.loads(row.scopes) if name in known),
        read_only=row.read_only,
        username=username,
        created_by=row.created_by,
        created_s=row.created_s,
        expires_s=row.expires_s,
        used_s=row.used_s,
    )
