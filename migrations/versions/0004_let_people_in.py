"""Let people in: sessions, sign-in links, preferences, and forms kept over a sign-in."""

import sqlalchemy as sa
from alembic import op

from app.kernel.db import BigId, UtcDateTime

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def _enum(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=32)


def _role() -> sa.Enum:
    return _enum("role", "admin", "operator", "auditor", "hr")


def upgrade() -> None:
    """Go forward."""
    _make_sessions()
    _make_links()
    op.create_table(
        "signin_preference",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("identity_id", BigId, nullable=False),
        sa.Column("zone", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("are_keys_on", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["identity_id"],
            ["directory_identity.id"],
            name=op.f("fk_signin_preference_identity_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signin_preference")),
        sa.UniqueConstraint("identity_id", name=op.f("uq_signin_preference_identity_id")),
    )
    op.create_table(
        "kernel_kept_form",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_kernel_kept_form")),
        sa.UniqueConstraint("digest", name=op.f("uq_kernel_kept_form_digest")),
    )
    op.create_index(op.f("ix_kernel_kept_form_owner"), "kernel_kept_form", ["owner"])
    op.create_index(op.f("ix_kernel_kept_form_expires_at"), "kernel_kept_form", ["expires_at"])


def _make_sessions() -> None:
    op.create_table(
        "signin_session",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("public_id", sa.String(length=36), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("identity_id", BigId, nullable=True),
        sa.Column("role", _role(), nullable=True),
        sa.Column("mail", sa.Text(), nullable=True),
        sa.Column("how", _enum("signedinby", "link", "provider"), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=True),
        sa.Column("subject", sa.Text(), nullable=True),
        sa.Column("agent", sa.Text(), nullable=False),
        sa.Column("began_at", UtcDateTime(), nullable=False),
        sa.Column("last_seen_at", UtcDateTime(), nullable=False),
        sa.Column("ends_at", UtcDateTime(), nullable=False),
        sa.Column("fresh_at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["identity_id"], ["directory_identity.id"], name=op.f("fk_signin_session_identity_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signin_session")),
        sa.UniqueConstraint("digest", name=op.f("uq_signin_session_digest")),
        sa.UniqueConstraint("public_id", name=op.f("uq_signin_session_public_id")),
    )
    op.create_index(op.f("ix_signin_session_identity_id"), "signin_session", ["identity_id"])
    op.create_index(op.f("ix_signin_session_ended_at"), "signin_session", ["ended_at"])


def _make_links() -> None:
    op.create_table(
        "signin_link",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("public_id", sa.String(length=36), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("identity_id", BigId, nullable=True),
        sa.Column("role", _role(), nullable=True),
        sa.Column("mail", sa.Text(), nullable=True),
        sa.Column("is_reusable", sa.Boolean(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("used_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["identity_id"], ["directory_identity.id"], name=op.f("fk_signin_link_identity_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signin_link")),
        sa.UniqueConstraint("digest", name=op.f("uq_signin_link_digest")),
        sa.UniqueConstraint("public_id", name=op.f("uq_signin_link_public_id")),
    )
    op.create_index(op.f("ix_signin_link_identity_id"), "signin_link", ["identity_id"])


def downgrade() -> None:
    """Go back."""
    for table in ("kernel_kept_form", "signin_preference", "signin_link", "signin_session"):
        op.drop_table(table)
