"""Groups, roles, entitlements of groups and of commands, and what a removed entitlement does."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

EVERYBODY = "*"


def upgrade() -> None:
    _create_groups()
    _create_roles()
    op.create_table(
        "removals",
        sa.Column("session", sa.String(32), primary_key=True),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("removed_s", sa.Double(), nullable=False),
        sa.Column("due_s", sa.Double(), nullable=True),
    )
    with op.batch_alter_table("desktops") as desktops:
        desktops.add_column(sa.Column("on_removal", sa.String(16), nullable=False, server_default="warning"))
        desktops.add_column(sa.Column("removal_s", sa.Double(), nullable=False, server_default="300"))
    _entitle_by_name()


def downgrade() -> None:
    _entitle_by_id()
    with op.batch_alter_table("desktops") as desktops:
        desktops.drop_column("removal_s")
        desktops.drop_column("on_removal")
    for table in ("removals", "role_assignments", "group_nestings", "group_members", "groups"):
        op.drop_table(table)


def _create_groups() -> None:
    op.create_table(
        "groups",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("name", sa.String(128), nullable=False, unique=True),
        sa.Column("origin", sa.String(16), nullable=False),
        sa.Column("created_s", sa.Double(), nullable=False),
    )
    op.create_table(
        "group_members",
        _reference("group_id", "groups"),
        _reference("account_id", "accounts"),
    )
    op.create_index("ix_group_members_account_id", "group_members", ["account_id"])
    op.create_table(
        "group_nestings",
        _reference("parent_id", "groups"),
        _reference("child_id", "groups"),
    )
    op.create_index("ix_group_nestings_child_id", "group_nestings", ["child_id"])


def _reference(name: str, table: str) -> sa.Column[int]:
    """Returns a column of a primary key that refers to another table."""
    return sa.Column(name, sa.Integer(), sa.ForeignKey(f"{table}.id", ondelete="CASCADE"), primary_key=True)


def _create_roles() -> None:
    op.create_table(
        "role_assignments",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("subject", sa.String(16), nullable=False),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("scope", sa.String(16), nullable=False),
        sa.Column("scope_name", sa.String(128), nullable=False),
        sa.UniqueConstraint("subject", "name", "role", "scope", "scope_name"),
    )
    op.create_index("ix_role_assignments_name", "role_assignments", ["name"])


def _entitle_by_name() -> None:
    """Replaces the table of entitlements, all of which come from the configuration."""
    connection = op.get_bind()
    found = connection.execute(
        sa.text(
            "SELECT desktops.name, username FROM entitlements JOIN desktops ON desktops.id = desktop_id "
            "ORDER BY entitlements.id"
        )
    ).all()
    op.drop_table("entitlements")
    table = op.create_table(
        "entitlements",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("desktop", sa.String(64), nullable=False),
        sa.Column("subject", sa.String(16), nullable=False),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("origin", sa.String(16), nullable=False),
        sa.UniqueConstraint("desktop", "subject", "name", "origin"),
    )
    op.create_index("ix_entitlements_name", "entitlements", ["name"])
    op.bulk_insert(
        table,
        [
            {
                "desktop": desktop,
                "subject": "everybody" if username == EVERYBODY else "user",
                "name": username,
                "origin": "configuration",
            }
            for desktop, username in found
        ],
    )


def _entitle_by_id() -> None:
    """Restores the former table. Entitlements of groups have no place in it, and are lost."""
    connection = op.get_bind()
    found = connection.execute(
        sa.text(
            "SELECT DISTINCT desktops.id, entitlements.name FROM entitlements "
            "JOIN desktops ON desktops.name = desktop WHERE subject <> 'group'"
        )
    ).all()
    op.drop_table("entitlements")
    table = op.create_table(
        "entitlements",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column(
            "desktop_id", sa.Integer(), sa.ForeignKey("desktops.id", ondelete="CASCADE"), nullable=False
        ),
        sa.Column("username", sa.String(64), nullable=False),
        sa.UniqueConstraint("desktop_id", "username"),
    )
    op.create_index("ix_entitlements_username", "entitlements", ["username"])
    op.bulk_insert(table, [{"desktop_id": desktop, "username": username} for desktop, username in found])
