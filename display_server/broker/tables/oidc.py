"""What is known of people who sign in at an OpenID Connect provider, and of such sign-ins."""

from __future__ import annotations

from sqlalchemy import ForeignKey, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from display_server.broker.tables.base import Base


class ProviderAccount(Base):
    """Who the person of an account is at the provider. The name of the account says nothing about it."""

    __tablename__ = "provider_accounts"
    __table_args__ = (UniqueConstraint("issuer", "subject"),)

    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True)
    issuer: Mapped[str] = mapped_column(String(2048))
    subject: Mapped[str] = mapped_column(String(255))


class ProviderSignIn(Base):
    """A browser that was sent to a provider and has not come back. It opens nothing.

    `id_hash` is the SHA-256 of the value of a cookie of its own, from which state, nonce and verifier are
    derived.
    """

    __tablename__ = "provider_sign_ins"

    id_hash: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    provider: Mapped[str] = mapped_column(String(40))
    redirect: Mapped[str] = mapped_column(String(2048))  # where the provider sends the browser back to
    begun_s: Mapped[float] = mapped_column(index=True)
    fresh: Mapped[bool]  # the provider has to ask for the password
    #: The web session whose screen it unlocks; None: it signs in.
    unlocks: Mapped[bytes | None] = mapped_column(LargeBinary(32))


class ProviderSession(Base):
    """A web session, or a sign-in whose second factor is due, whose person signed in at a provider.

    `owner` is the hash of the browser's cookie. `id_token` shows the provider who signs out.
    """

    __tablename__ = "provider_sessions"

    owner: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), index=True)
    provider: Mapped[str] = mapped_column(String(40))
    subject: Mapped[str] = mapped_column(String(255), index=True)
    sid: Mapped[str | None] = mapped_column(String(255), index=True)  # the provider's id of its session
    id_token: Mapped[str] = mapped_column(Text)
    begun_s: Mapped[float]
