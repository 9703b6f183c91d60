"""The tables of schema 10, in a database that is empty or that a version before Alembic has written."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = None

#: Statements that brought an SQLite database from the schema in the key to the next one, before Alembic. New
#: tables needed no statement.
BEFORE_ALEMBIC: dict[int, tuple[str, ...]] = {
    1: (
        "ALTER TABLE desktops ADD COLUMN share BOOLEAN NOT NULL DEFAULT 0",
        "ALTER TABLE desktops ADD COLUMN clipboard VARCHAR(256) NOT NULL DEFAULT '{}'",
    ),
    2: ("ALTER TABLE desktops ADD COLUMN video VARCHAR(16) NOT NULL DEFAULT 'adaptive'",),
    3: ("ALTER TABLE desktops ADD COLUMN fixed BOOLEAN NOT NULL DEFAULT 0",),
    4: ("ALTER TABLE desktops ADD COLUMN video_monitors TEXT NOT NULL DEFAULT '{}'",),
    5: ("ALTER TABLE sessions ADD COLUMN ended_by VARCHAR(16)",),
    6: (
        "ALTER TABLE web_sessions RENAME COLUMN seen_s TO input_s",
        "ALTER TABLE web_sessions ADD COLUMN proved_s DOUBLE NOT NULL DEFAULT 0",
        "ALTER TABLE web_sessions ADD COLUMN locked_s DOUBLE",
        "ALTER TABLE web_sessions ADD COLUMN lock_reason VARCHAR(16)",
    ),
    7: ("ALTER TABLE desktops ADD COLUMN network TEXT NOT NULL DEFAULT '[]'",),
    8: (
        "ALTER TABLE desktops ADD COLUMN pool TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE sessions ADD COLUMN place INTEGER",
        "ALTER TABLE sessions ADD COLUMN definition VARCHAR(32) NOT NULL DEFAULT ''",
        "ALTER TABLE sessions ADD COLUMN assigned_s DOUBLE",
    ),
    9: ("ALTER TABLE web_sessions ADD COLUMN inside_only BOOLEAN NOT NULL DEFAULT 0",),
}
#: In the order in which foreign keys allow to drop them.
TABLES = (
    "factor_ceremonies",
    "recovery_codes",
    "passkeys",
    "totp_secrets",
    "pending_sign_ins",
    "known_devices",
    "web_sessions",
    "entitlements",
    "display_checks",
    "leases",
    "pool_states",
    "sessions",
    "desktop_ids",
    "desktops",
    "account_events",
    "accounts",
)


def upgrade() -> None:
    _upgrade_old_tables()
    _create_people()
    _create_second_factors()
    _create_desktops()


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table)


def _upgrade_old_tables() -> None:
    """Adds to the tables of an old database what they lack. Tables that are missing follow afterwards."""
    connection = op.get_bind()
    if connection.dialect.name == "sqlite":
        found = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
        for schema in range(found, max(BEFORE_ALEMBIC) + 1) if found else ():
            for statement in BEFORE_ALEMBIC[schema]:
                op.execute(statement)


def _create_people() -> None:
    op.create_table(
        "accounts",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("username", sa.String(64), nullable=False, unique=True),
        sa.Column("display_name", sa.String(128), nullable=False),
        sa.Column("password_hash", sa.String(256), nullable=False),
        sa.Column("disabled", sa.Boolean(), nullable=False),
        sa.Column("created_s", sa.Double(), nullable=False),
        if_not_exists=True,
    )
    op.create_table(
        "account_events",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("username", sa.String(64), nullable=False),
        sa.Column("at_s", sa.Double(), nullable=False),
        sa.Column("action", sa.String(32), nullable=False),
        sa.Column("operator", sa.String(64), nullable=False),
        if_not_exists=True,
    )
    _create_index("account_events", "username")
    op.create_table(
        "web_sessions",
        sa.Column("id_hash", sa.LargeBinary(32), primary_key=True),
        _account(),
        sa.Column("created_s", sa.Double(), nullable=False),
        sa.Column("input_s", sa.Double(), nullable=False),
        sa.Column("proved_s", sa.Double(), nullable=False),
        sa.Column("locked_s", sa.Double(), nullable=True),
        sa.Column("lock_reason", sa.String(16), nullable=True),
        sa.Column("inside_only", sa.Boolean(), nullable=False),
        if_not_exists=True,
    )
    _create_index("web_sessions", "account_id")
    op.create_table(
        "known_devices",
        sa.Column("id_hash", sa.LargeBinary(32), primary_key=True),
        _account(primary_key=True),
        sa.Column("signed_in_s", sa.Double(), nullable=False),
        if_not_exists=True,
    )


def _create_second_factors() -> None:
    op.create_table(
        "pending_sign_ins",
        sa.Column("id_hash", sa.LargeBinary(32), primary_key=True),
        _account(),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("entered_s", sa.Double(), nullable=False),
        sa.Column("wrong", sa.Integer(), nullable=False),
        sa.Column("unlocks", sa.LargeBinary(32), nullable=True),
        if_not_exists=True,
    )
    _create_index("pending_sign_ins", "account_id")
    op.create_table(
        "totp_secrets",
        _account(primary_key=True),
        sa.Column("secret", sa.LargeBinary(128), nullable=False),
        sa.Column("last_step", sa.BigInteger(), nullable=False),
        sa.Column("created_s", sa.Double(), nullable=False),
        sa.Column("used_s", sa.Double(), nullable=True),
        if_not_exists=True,
    )
    op.create_table(
        "passkeys",
        sa.Column("id", sa.Integer(), primary_key=True),
        _account(),
        sa.Column("credential_id", sa.LargeBinary(1023), nullable=False, unique=True),
        sa.Column("public_key", sa.LargeBinary(4096), nullable=False),
        sa.Column("sign_count", sa.BigInteger(), nullable=False),
        sa.Column("rp_id", sa.String(255), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("transports", sa.String(128), nullable=False),
        sa.Column("created_s", sa.Double(), nullable=False),
        sa.Column("used_s", sa.Double(), nullable=True),
        if_not_exists=True,
    )
    _create_index("passkeys", "account_id")
    op.create_table(
        "recovery_codes",
        _account(primary_key=True),
        sa.Column("code_hash", sa.LargeBinary(32), primary_key=True),
        if_not_exists=True,
    )
    op.create_table(
        "factor_ceremonies",
        sa.Column("owner", sa.LargeBinary(32), primary_key=True),
        _account(),
        sa.Column("purpose", sa.String(16), nullable=False),
        sa.Column("payload", sa.LargeBinary(512), nullable=False),
        sa.Column("begun_s", sa.Double(), nullable=False),
        if_not_exists=True,
    )
    _create_index("factor_ceremonies", "account_id")


def _account(*, primary_key: bool = False) -> sa.Column[int]:
    """Returns the column of the account to which a row belongs, and with which it is deleted."""
    return sa.Column(
        "account_id",
        sa.Integer(),
        sa.ForeignKey("accounts.id", ondelete="CASCADE"),
        nullable=False,
        primary_key=primary_key,
    )


def _create_desktops() -> None:
    op.create_table(
        "desktops",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("name", sa.String(64), nullable=False, unique=True),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("profile", sa.String(64), nullable=False),
        sa.Column("width_px", sa.Integer(), nullable=False),
        sa.Column("height_px", sa.Integer(), nullable=False),
        sa.Column("fixed", sa.Boolean(), nullable=False),
        sa.Column("attach", sa.String(64), nullable=True),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("share", sa.Boolean(), nullable=False),
        sa.Column("clipboard", sa.String(256), nullable=False),
        sa.Column("video", sa.String(16), nullable=False),
        sa.Column("video_monitors", sa.Text(), nullable=False),
        sa.Column("network", sa.Text(), nullable=False),
        sa.Column("pool", sa.Text(), nullable=False),
        if_not_exists=True,
    )
    op.create_table(
        "entitlements",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column(
            "desktop_id", sa.Integer(), sa.ForeignKey("desktops.id", ondelete="CASCADE"), nullable=False
        ),
        sa.Column("username", sa.String(64), nullable=False),
        sa.UniqueConstraint("desktop_id", "username"),
        if_not_exists=True,
    )
    _create_index("entitlements", "username")
    op.create_table(
        "desktop_ids",
        sa.Column("id", sa.Integer(), primary_key=True, autoincrement=True),
        sa.Column("username", sa.String(64), nullable=False),
        sa.Column("desktop", sa.String(64), nullable=False),
        sa.UniqueConstraint("username", "desktop"),
        sqlite_autoincrement=True,
        if_not_exists=True,
    )
    op.create_table(
        "sessions",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("username", sa.String(64), nullable=False),
        sa.Column("desktop", sa.String(64), nullable=False),
        sa.Column("instance", sa.String(64), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("error", sa.String(1024), nullable=True),
        sa.Column("ended_by", sa.String(16), nullable=True),
        sa.Column("place", sa.Integer(), nullable=True),
        sa.Column("definition", sa.String(32), nullable=False),
        sa.Column("assigned_s", sa.Double(), nullable=True),
        sa.Column("created_s", sa.Double(), nullable=False),
        sa.Column("changed_s", sa.Double(), nullable=False),
        if_not_exists=True,
    )
    _create_index("sessions", "username")
    _create_index("sessions", "state")
    op.create_table(
        "pool_states",
        sa.Column("desktop", sa.String(64), primary_key=True),
        sa.Column("maintenance", sa.Boolean(), nullable=False),
        sa.Column("breaker", sa.Text(), nullable=False),
        if_not_exists=True,
    )
    op.create_table(
        "leases",
        sa.Column("name", sa.String(32), primary_key=True),
        sa.Column("owner", sa.String(64), nullable=False),
        sa.Column("expires_s", sa.Double(), nullable=False),
        if_not_exists=True,
    )
    op.create_table(
        "display_checks",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("username", sa.String(64), nullable=False),
        sa.Column("desktop", sa.String(64), nullable=False),
        sa.Column("checked_s", sa.Double(), nullable=False),
        sa.Column("passed", sa.Boolean(), nullable=False),
        sa.Column("result", sa.Text(), nullable=False),
        if_not_exists=True,
    )
    _create_index("display_checks", "username")
    _create_index("display_checks", "checked_s")


def _create_index(table: str, column: str) -> None:
    op.create_index(f"ix_{table}_{column}", table, [column], if_not_exists=True)
