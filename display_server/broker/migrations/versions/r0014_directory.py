"""Accounts of a directory, and who keeps the password of an account."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    with op.batch_alter_table("accounts") as accounts:
        accounts.add_column(sa.Column("origin", sa.String(16), nullable=False, server_default="local"))
    op.create_table(
        "directory_accounts",
        sa.Column(
            "account_id",
            sa.Integer(),
            sa.ForeignKey("accounts.id", ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.Column("directory_id", sa.String(128), nullable=False),
        sa.Column("password_hash", sa.String(256), nullable=True),
        sa.Column("hashed_s", sa.Double(), nullable=True),
        sa.Column("proved_s", sa.Double(), nullable=True),
    )


def downgrade() -> None:
    op.drop_table("directory_accounts")
    with op.batch_alter_table("accounts") as accounts:
        accounts.drop_column("origin")
