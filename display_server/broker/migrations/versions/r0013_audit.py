"""The audit: a chain of entries that the database refuses to change.

`account_events` stays as it is: it has what was done to accounts before. A later revision that lets Alembic
copy `audit_entries` has to create the triggers again.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"

#: Rows may be deleted only up to the one that a purge has noted in `audit_head` before.
SQLITE_GUARDS = (
    "CREATE TRIGGER audit_entries_keep_content BEFORE UPDATE ON audit_entries "
    "BEGIN SELECT RAISE(ABORT, 'audit_entries is append-only'); END",
    "CREATE TRIGGER audit_entries_keep_rows BEFORE DELETE ON audit_entries "
    "WHEN OLD.seq > (SELECT coalesce(max(purged_seq), 0) FROM audit_head) "
    "BEGIN SELECT RAISE(ABORT, 'audit_entries is append-only'); END",
)
POSTGRESQL_GUARDS = (
    "CREATE FUNCTION audit_entries_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
    "IF TG_OP = 'DELETE' THEN "
    "IF OLD.seq <= (SELECT coalesce(max(purged_seq), 0) FROM audit_head) THEN RETURN OLD; END IF; "
    "END IF; RAISE EXCEPTION 'audit_entries is append-only'; END $$",
    "CREATE TRIGGER audit_entries_keep_content BEFORE UPDATE ON audit_entries "
    "FOR EACH ROW EXECUTE FUNCTION audit_entries_refuse()",
    "CREATE TRIGGER audit_entries_keep_rows BEFORE DELETE ON audit_entries "
    "FOR EACH ROW EXECUTE FUNCTION audit_entries_refuse()",
)


def upgrade() -> None:
    op.create_table(
        "audit_entries",
        sa.Column("seq", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("form", sa.Integer(), nullable=False),
        sa.Column("previous", sa.String(64), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.Column("account", sa.String(128), nullable=True),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("address", sa.String(64), nullable=True),
        sa.Column("device", sa.String(64), nullable=True),
        sa.Column("subject", sa.String(128), nullable=True),
        sa.Column("action", sa.String(48), nullable=False),
        sa.Column("object", sa.String(160), nullable=True),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("reason", sa.String(500), nullable=True),
        sa.Column("spool_id", sa.String(32), nullable=True, unique=True),
        sa.Column("hash", sa.String(64), nullable=False),
        if_not_exists=True,
    )
    for column in ("at_us", "account", "action", "object"):
        op.create_index(f"ix_audit_entries_{column}", "audit_entries", [column], if_not_exists=True)
    op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("chain", sa.String(32), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("purged_seq", sa.BigInteger(), nullable=False),
        if_not_exists=True,
    )
    op.create_table(
        "audit_checkpoints",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("statement", sa.String(1024), nullable=False),
    )
    op.create_index("ix_audit_checkpoints_seq", "audit_checkpoints", ["seq"])
    postgresql = op.get_bind().dialect.name == "postgresql"
    for statement in POSTGRESQL_GUARDS if postgresql else SQLITE_GUARDS:
        op.execute(statement)


def downgrade() -> None:
    for table in ("audit_checkpoints", "audit_entries", "audit_head"):
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION audit_entries_refuse()")
