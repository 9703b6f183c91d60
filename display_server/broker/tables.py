"""The tables of the broker's database. Times are in seconds since the epoch, UTC."""

from __future__ import annotations

from sqlalchemy import BigInteger, ForeignKey, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

#: Version of the schema, as the database records it. A database with a higher version is refused.
SCHEMA_VERSION = 10
#: Statements that upgrade a database from the version in the key to the next one. New tables need no
#: statement: SQLAlchemy creates those that are missing.
MIGRATIONS: dict[int, tuple[str, ...]] = {
    1: (
        "ALTER TABLE desktops ADD COLUMN share BOOLEAN NOT NULL DEFAULT 0",
        "ALTER TABLE desktops ADD COLUMN clipboard VARCHAR(256) NOT NULL DEFAULT '{}'",
    ),
    2: ("ALTER TABLE desktops ADD COLUMN video VARCHAR(16) NOT NULL DEFAULT 'adaptive'",),
    3: ("ALTER TABLE desktops ADD COLUMN fixed BOOLEAN NOT NULL DEFAULT 0",),
    4: ("ALTER TABLE desktops ADD COLUMN video_monitors VARCHAR(128) NOT NULL DEFAULT '{}'",),
    5: ("ALTER TABLE sessions ADD COLUMN ended_by VARCHAR(16)",),  # and the new table account_events
    6: (  # and the new table known_devices
        "ALTER TABLE web_sessions RENAME COLUMN seen_s TO input_s",
        "ALTER TABLE web_sessions ADD COLUMN proved_s FLOAT NOT NULL DEFAULT 0",
        "ALTER TABLE web_sessions ADD COLUMN locked_s FLOAT",
        "ALTER TABLE web_sessions ADD COLUMN lock_reason VARCHAR(16)",
    ),
    7: ("ALTER TABLE desktops ADD COLUMN network TEXT NOT NULL DEFAULT '[]'",),
    8: (  # and the new tables pool_states and leases
        "ALTER TABLE desktops ADD COLUMN pool TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE sessions ADD COLUMN place INTEGER",
        "ALTER TABLE sessions ADD COLUMN definition VARCHAR(32) NOT NULL DEFAULT ''",
        "ALTER TABLE sessions ADD COLUMN assigned_s FLOAT",
    ),
    # and the new tables of second factors
    9: ("ALTER TABLE web_sessions ADD COLUMN inside_only BOOLEAN NOT NULL DEFAULT 0",),
}


class Base(DeclarativeBase):
    pass


class Account(Base):
    """A person who can sign in."""

    __tablename__ = "accounts"

    id: Mapped[int] = mapped_column(primary_key=True)
    username: Mapped[str] = mapped_column(String(64), unique=True)
    display_name: Mapped[str] = mapped_column(String(128), default="")
    password_hash: Mapped[str] = mapped_column(String(256))
    disabled: Mapped[bool] = mapped_column(default=False)
    created_s: Mapped[float]


class AccountEvent(Base):
    """What was done to an account, by whom and when. Rows are never changed, and outlive the account."""

    __tablename__ = "account_events"

    id: Mapped[int] = mapped_column(primary_key=True)
    username: Mapped[str] = mapped_column(String(64), index=True)
    at_s: Mapped[float]
    action: Mapped[str] = mapped_column(String(32))  # an AccountAction
    operator: Mapped[str] = mapped_column(String(64))  # the Unix user who ran the command


class Desktop(Base):
    """A desktop of the configuration. Each person who opens it gets a session of their own."""

    __tablename__ = "desktops"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(64), unique=True)
    title: Mapped[str] = mapped_column(String(128))  # empty: the name of the profile applies
    profile: Mapped[str] = mapped_column(String(64))
    width_px: Mapped[int]
    height_px: Mapped[int]
    fixed: Mapped[bool] = mapped_column(default=False)
    attach: Mapped[str | None] = mapped_column(String(64))
    position: Mapped[int] = mapped_column(default=0)
    share: Mapped[bool] = mapped_column(default=False)
    clipboard: Mapped[str] = mapped_column(String(256), default="{}")  # ClipboardPolicy as JSON
    video: Mapped[str] = mapped_column(String(16), default="adaptive")
    video_monitors: Mapped[str] = mapped_column(String(128), default="{}")  # JSON: policy by number
    network: Mapped[str] = mapped_column(Text, default="[]")  # JSON: what programs may reach
    pool: Mapped[str] = mapped_column(Text, default="")  # PoolSettings as JSON; empty: no floating pool


class Entitlement(Base):
    """The right of one person to open a desktop; the username `*` stands for everybody who has an account.

    The row holds a name instead of an account id, so that a configuration can name people before their
    accounts exist.
    """

    __tablename__ = "entitlements"
    __table_args__ = (UniqueConstraint("desktop_id", "username"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    desktop_id: Mapped[int] = mapped_column(ForeignKey("desktops.id", ondelete="CASCADE"))
    username: Mapped[str] = mapped_column(String(64), index=True)


class DesktopIds(Base):
    """The person's desktop to which a range of host ids belongs. The row's id is its number; rows stay."""

    __tablename__ = "desktop_ids"
    __table_args__ = (UniqueConstraint("username", "desktop"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    username: Mapped[str] = mapped_column(String(64))
    desktop: Mapped[str] = mapped_column(String(64))


class Session(Base):
    """One run of a desktop for one person. The row is kept as a record after the desktop has ended."""

    __tablename__ = "sessions"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    username: Mapped[str] = mapped_column(String(64), index=True)  # empty: it belongs to nobody yet
    desktop: Mapped[str] = mapped_column(String(64))
    instance: Mapped[str] = mapped_column(String(64))  # the server process that runs it
    state: Mapped[str] = mapped_column(String(16), index=True)
    error: Mapped[str | None] = mapped_column(String(1024))
    ended_by: Mapped[str | None] = mapped_column(String(16))  # an EndedBy; None while the session is live
    place: Mapped[int | None]  # in a floating pool
    definition: Mapped[str] = mapped_column(
        String(32), default=""
    )  # of the pool, at the start of the desktop
    assigned_s: Mapped[float | None]  # when a desktop of a pool was given to its person
    created_s: Mapped[float]
    changed_s: Mapped[float]


class PoolState(Base):
    """What outlasts the server of a floating pool. The row's key is the name of the desktop."""

    __tablename__ = "pool_states"

    desktop: Mapped[str] = mapped_column(String(64), primary_key=True)
    maintenance: Mapped[bool] = mapped_column(default=False)
    breaker: Mapped[str] = mapped_column(Text, default="{}")  # Breaker as JSON


class Lease(Base):
    """A task that one process at a time may do."""

    __tablename__ = "leases"

    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    owner: Mapped[str] = mapped_column(String(64))
    expires_s: Mapped[float]


class DisplayCheck(Base):
    """The result of a display check. Rows are never changed."""

    __tablename__ = "display_checks"

    id: Mapped[int] = mapped_column(primary_key=True)
    username: Mapped[str] = mapped_column(String(64), index=True)
    desktop: Mapped[str] = mapped_column(String(64))
    checked_s: Mapped[float] = mapped_column(index=True)
    passed: Mapped[bool]
    result: Mapped[str] = mapped_column(Text)  # CheckResult as JSON


class WebSession(Base):
    """A signed-in browser.

    `id_hash` is the SHA-256 of the cookie's value, so that nobody can sign in with the content of the
    database.
    """

    __tablename__ = "web_sessions"

    id_hash: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), index=True)
    created_s: Mapped[float]
    input_s: Mapped[float]  # the last input of the person
    proved_s: Mapped[float]  # when the password was last given
    locked_s: Mapped[float | None]  # since when the screen is locked; None while it is not
    lock_reason: Mapped[str | None] = mapped_column(String(16))  # a LockReason
    #: Whether no second factor was asked for because the address was in a listed network.
    inside_only: Mapped[bool] = mapped_column(default=False)


class KnownDevice(Base):
    """A browser in which a person has signed in before.

    `id_hash` is the SHA-256 of the value of the browser's long-lived cookie, which several people may share.
    """

    __tablename__ = "known_devices"

    id_hash: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True)
    signed_in_s: Mapped[float]  # the last sign-in


class PendingSignIn(Base):
    """A browser whose person gave the right password and has yet to give, or to set up, a second factor.

    It opens nothing. `id_hash` is the SHA-256 of the value of a cookie of its own.
    """

    __tablename__ = "pending_sign_ins"

    id_hash: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), index=True)
    state: Mapped[str] = mapped_column(String(16))  # a SignInState
    entered_s: Mapped[float]
    wrong: Mapped[int] = mapped_column(default=0)  # wrong codes and passkeys so far
    #: The web session whose screen the factor unlocks; None: the factor signs in.
    unlocks: Mapped[bytes | None] = mapped_column(LargeBinary(32))


class TotpSecret(Base):
    """The authenticator app of a person."""

    __tablename__ = "totp_secrets"

    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True)
    secret: Mapped[bytes] = mapped_column(LargeBinary(128))  # encrypted
    last_step: Mapped[int] = mapped_column(BigInteger)  # of the newest code that was accepted
    created_s: Mapped[float]
    used_s: Mapped[float | None]


class Passkey(Base):
    """A passkey of a person. `rp_id` is the name of the server for which it was made."""

    __tablename__ = "passkeys"

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), index=True)
    credential_id: Mapped[bytes] = mapped_column(LargeBinary(1023), unique=True)
    public_key: Mapped[bytes] = mapped_column(LargeBinary(4096))  # in the form of COSE
    sign_count: Mapped[int] = mapped_column(BigInteger)
    rp_id: Mapped[str] = mapped_column(String(255))
    name: Mapped[str] = mapped_column(String(64))
    transports: Mapped[str] = mapped_column(String(128))  # separated by commas
    created_s: Mapped[float]
    used_s: Mapped[float | None]


class RecoveryCode(Base):
    """A recovery code that was not used yet."""

    __tablename__ = "recovery_codes"

    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True)
    code_hash: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)


class FactorCeremony(Base):
    """What a server waits for from one browser: the answer to a challenge, or the first code of an app.

    `owner` is the hash of the browser's cookie. A browser has one at a time.
    """

    __tablename__ = "factor_ceremonies"

    owner: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), index=True)
    purpose: Mapped[str] = mapped_column(String(16))  # a Purpose
    payload: Mapped[bytes] = mapped_column(LargeBinary(512))  # a challenge, or an encrypted secret
    begun_s: Mapped[float]
