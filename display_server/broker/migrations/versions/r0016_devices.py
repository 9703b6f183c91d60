"""Enrolled devices, the codes that enrol them, and the device of each web session."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    op.create_table(
        "enrolled_devices",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("place", sa.String(128), nullable=False),
        sa.Column("tags", sa.String(700), nullable=False),
        sa.Column("enrolled_by", sa.String(128), nullable=False),
        sa.Column("enrolled_s", sa.Double(), nullable=False),
        sa.Column("seen_s", sa.Double(), nullable=True),
        sa.Column("revoked_s", sa.Double(), nullable=True),
    )
    op.create_index("ix_enrolled_devices_name", "enrolled_devices", ["name"])
    op.create_table(
        "device_enrolments",
        sa.Column("code_hash", sa.LargeBinary(32), primary_key=True),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("place", sa.String(128), nullable=False),
        sa.Column("tags", sa.String(700), nullable=False),
        sa.Column("made_by", sa.String(128), nullable=False),
        sa.Column("expires_s", sa.Double(), nullable=False),
    )
    with op.batch_alter_table("web_sessions") as web_sessions:
        web_sessions.add_column(sa.Column("device_id", sa.String(32), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("web_sessions") as web_sessions:
        web_sessions.drop_column("device_id")
    op.drop_table("device_enrolments")
    op.drop_table("enrolled_devices")
