"""People who sign in at OpenID Connect providers, and which provider decides on a group."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    with op.batch_alter_table("groups") as groups:
        groups.add_column(sa.Column("source", sa.String(40), nullable=False, server_default=""))
    op.create_table(
        "provider_accounts",
        sa.Column(
            "account_id",
            sa.Integer(),
            sa.ForeignKey("accounts.id", ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.Column("issuer", sa.String(2048), nullable=False),
        sa.Column("subject", sa.String(255), nullable=False),
        sa.UniqueConstraint("issuer", "subject"),
    )
    op.create_table(
        "provider_sign_ins",
        sa.Column("id_hash", sa.LargeBinary(32), primary_key=True),
        sa.Column("provider", sa.String(40), nullable=False),
        sa.Column("redirect", sa.String(2048), nullable=False),
        sa.Column("begun_s", sa.Double(), nullable=False),
        sa.Column("fresh", sa.Boolean(), nullable=False),
        sa.Column("unlocks", sa.LargeBinary(32), nullable=True),
    )
    op.create_index("ix_provider_sign_ins_begun_s", "provider_sign_ins", ["begun_s"])
    op.create_table(
        "provider_sessions",
        sa.Column("owner", sa.LargeBinary(32), primary_key=True),
        sa.Column(
            "account_id", sa.Integer(), sa.ForeignKey("accounts.id", ondelete="CASCADE"), nullable=False
        ),
        sa.Column("provider", sa.String(40), nullable=False),
        sa.Column("subject", sa.String(255), nullable=False),
        sa.Column("sid", sa.String(255), nullable=True),
        sa.Column("id_token", sa.Text(), nullable=False),
        sa.Column("begun_s", sa.Double(), nullable=False),
    )
    for column in ("account_id", "subject", "sid"):
        op.create_index(f"ix_provider_sessions_{column}", "provider_sessions", [column])


def downgrade() -> None:
    op.drop_table("provider_sessions")
    op.drop_table("provider_sign_ins")
    op.drop_table("provider_accounts")
    with op.batch_alter_table("groups") as groups:
        groups.drop_column("source")
