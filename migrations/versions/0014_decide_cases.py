"""Decide cases: rules of correlation, ties made by hand, doubts, account types, tags."""

import sqlalchemy as sa
from alembic import op

from app.kernel.db import BigId, UtcDateTime

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

CASE_STATES = ("open", "linked", "own", "not_same", "gone")
TYPES = ("person", "privileged", "guest", "shared", "service")


def upgrade() -> None:
    """Go forward."""
    op.add_column(
        "directory_account", sa.Column("correlation_confidence", sa.Integer(), nullable=True)
    )
    op.add_column(
        "catalog_entitlement", sa.Column("tags", sa.JSON(), nullable=False, server_default="[]")
    )
    op.create_table(
        "directory_correlation_rules",
        *_named("directory_correlation_rules"),
        sa.Column("source_id", BigId, nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("rules", sa.JSON(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        _refers("directory_correlation_rules", "source_id", "directory_source"),
    )
    op.create_table(
        "directory_hand_tie",
        *_named("directory_hand_tie"),
        sa.Column("account_id", BigId, nullable=False),
        sa.Column("identity_id", BigId, nullable=False),
        sa.Column("is_same", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        _refers("directory_hand_tie", "account_id", "directory_account"),
        _refers("directory_hand_tie", "identity_id", "directory_identity"),
    )
    _open_only("directory_hand_tie", ["account_id", "identity_id"], "ended_at")
    op.create_table(
        "directory_case",
        *_named("directory_case"),
        sa.Column("account_id", BigId, nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("candidates", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("opened_at", UtcDateTime(), nullable=False),
        sa.Column("settled_at", UtcDateTime(), nullable=True),
        sa.Column("settled_by", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        _refers("directory_case", "account_id", "directory_account"),
        _one_of("directory_case", "state", "casestate", CASE_STATES),
    )
    _open_only("directory_case", ["account_id"], "settled_at")
    op.create_table(
        "directory_account_typing",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("account_id", BigId, nullable=False),
        sa.Column("type", sa.String(length=32), nullable=True),
        sa.Column("owner_id", BigId, nullable=True),
        sa.Column("said_at", UtcDateTime(), nullable=False),
        sa.Column("said_by", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_directory_account_typing")),
        sa.UniqueConstraint("account_id", name=op.f("uq_directory_account_typing_account_id")),
        _refers("directory_account_typing", "account_id", "directory_account"),
        _refers("directory_account_typing", "owner_id", "directory_identity"),
        _one_of("directory_account_typing", "type", "accounttype", TYPES),
    )
    op.create_index(
        op.f("ix_directory_account_typing_owner_id"), "directory_account_typing", ["owner_id"]
    )


def downgrade() -> None:
    """Go back; what people said of accounts and cases is lost."""
    for table in (
        "directory_account_typing",
        "directory_case",
        "directory_hand_tie",
        "directory_correlation_rules",
    ):
        op.drop_table(table)
    op.execute(
        "UPDATE directory_account SET correlation_rule = 'own' WHERE correlation_rule = 'hand'"
    )
    with op.batch_alter_table("catalog_entitlement") as altered:
        altered.drop_column("tags")
    with op.batch_alter_table("directory_account") as altered:
        altered.drop_column("correlation_confidence")


def _named(table: str) -> tuple[sa.Column[int] | sa.Column[str] | sa.Constraint, ...]:
    return (
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("public_id", sa.String(length=36), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        sa.UniqueConstraint("public_id", name=op.f(f"uq_{table}_public_id")),
    )


def _refers(table: str, column: str, other: str) -> sa.Constraint:
    return sa.ForeignKeyConstraint([column], [f"{other}.id"], name=op.f(f"fk_{table}_{column}"))


def _one_of(table: str, column: str, name: str, values: tuple[str, ...]) -> sa.Constraint:
    listed = ", ".join(f"'{each}'" for each in values)
    return sa.CheckConstraint(f"{column} IN ({listed})", name=op.f(f"ck_{table}_{name}"))


def _open_only(table: str, columns: list[str], until: str) -> None:
    word = table.removeprefix("directory_")
    op.create_index(
        f"uq_directory_{word}_open",
        table,
        columns,
        unique=True,
        sqlite_where=sa.text(f"{until} IS NULL"),
        postgresql_where=sa.text(f"{until} IS NULL"),
    )
