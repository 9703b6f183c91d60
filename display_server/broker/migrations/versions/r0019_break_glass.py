"""Entitlements that end at a time."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    with op.batch_alter_table("entitlements") as entitlements:
        entitlements.add_column(sa.Column("until_s", sa.Double(), nullable=True))


def downgrade() -> None:
    op.execute(sa.text("DELETE FROM entitlements WHERE until_s IS NOT NULL"))
    with op.batch_alter_table("entitlements") as entitlements:
        entitlements.drop_column("until_s")
