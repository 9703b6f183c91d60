"""The rules of policies."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    op.create_table(
        "policies",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("desktop", sa.String(64), nullable=True),
        sa.Column("group_name", sa.String(128), nullable=True),
        sa.Column("network", sa.String(64), nullable=True),
        sa.Column("tag", sa.String(64), nullable=True),
        sa.Column("settings", sa.Text(), nullable=False),
        sa.Column("changed_s", sa.Double(), nullable=False),
        sa.Column("changed_by", sa.String(128), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("policies")
