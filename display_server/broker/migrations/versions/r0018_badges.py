"""Badges, and when a web session was last opened with one."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    op.create_table(
        "badges",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column(
            "account_id", sa.Integer(), sa.ForeignKey("accounts.id", ondelete="CASCADE"), nullable=False
        ),
        sa.Column("number_hash", sa.LargeBinary(32), nullable=False, unique=True),
        sa.Column("label", sa.String(64), nullable=False),
        sa.Column("added_by", sa.String(128), nullable=False),
        sa.Column("added_s", sa.Double(), nullable=False),
        sa.Column("pin_hash", sa.String(256), nullable=False),
        sa.Column("wrong", sa.Integer(), nullable=False),
        sa.Column("proved_s", sa.Double(), nullable=True),
        sa.Column("used_s", sa.Double(), nullable=True),
        sa.Column("revoked_s", sa.Double(), nullable=True),
    )
    op.create_index("ix_badges_account_id", "badges", ["account_id"])
    with op.batch_alter_table("web_sessions") as web_sessions:
        web_sessions.add_column(sa.Column("badge_s", sa.Double(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("web_sessions") as web_sessions:
        web_sessions.drop_column("badge_s")
    op.drop_table("badges")
