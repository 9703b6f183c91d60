"""Tables of second factors, and of sign-ins that wait for one."""

from __future__ import annotations

from sqlalchemy import BigInteger, ForeignKey, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from display_server.broker.tables.base import Base


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
