"""The desktops of dedicated pools that are assigned to people, and the image versions of pools."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    op.create_table(
        "pool_assignments",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("desktop", sa.String(64), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("username", sa.String(64), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("error", sa.String(1024), nullable=True),
        sa.Column("assigned_s", sa.Double(), nullable=False),
        sa.Column("changed_s", sa.Double(), nullable=False),
        sa.UniqueConstraint("desktop", "place"),
        sa.UniqueConstraint("desktop", "username"),
    )
    op.create_index("ix_pool_assignments_username", "pool_assignments", ["username"])
    with op.batch_alter_table("pool_states") as pools:
        pools.add_column(sa.Column("rollout", sa.Text(), nullable=False, server_default="{}"))


def downgrade() -> None:
    with op.batch_alter_table("pool_states") as pools:
        pools.drop_column("rollout")
    op.drop_table("pool_assignments")
