"""Create the house: every table of every stage."""

import sqlalchemy as sa
from alembic import op

from app.kernel.db import BigId, UtcDateTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:  # noqa: PLR0915 - one statement a table
    """Go forward."""
    op.create_table(
        "audit_bundle",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("public_id", sa.String(length=36), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "campaign",
                "period",
                "sample",
                name="bundlekind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("scope", sa.JSON(), nullable=False),
        sa.Column("controls", sa.JSON(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "queued",
                "building",
                "ready",
                "failed",
                name="bundlestate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("requested_by", sa.Text(), nullable=False),
        sa.Column("requested_at", UtcDateTime(), nullable=False),
        sa.Column("built_at", UtcDateTime(), nullable=True),
        sa.Column("sha256", sa.String(length=64), nullable=True),
        sa.Column("bytes_count", sa.BigInteger(), nullable=True),
        sa.Column("checks", sa.JSON(), nullable=False),
        sa.Column("tree_size", sa.BigInteger(), nullable=True),
        sa.Column("supersedes", sa.String(length=36), nullable=True),
        sa.Column("why", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_bundle")),
        sa.UniqueConstraint("public_id", name=op.f("uq_audit_bundle_public_id")),
    )
    op.create_table(
        "audit_signing_key",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("public_id", sa.String(length=36), nullable=False),
        sa.Column(
            "purpose",
            sa.Enum(
                "log",
                "document",
                name="keypurpose",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("public", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("retired_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_signing_key")),
        sa.UniqueConstraint("public_id", name=op.f("uq_audit_signing_key_public_id")),
    )
    op.create_table(
        "directory_identity",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("public_id", sa.String(length=36), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "person",
                "service",
                name="identitykind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("mail", sa.Text(), nullable=True),
        sa.Column("employee_number", sa.Text(), nullable=True),
        sa.Column("manager_id", BigId, nullable=True),
        sa.Column("department", sa.Text(), nullable=True),
        sa.Column("title", sa.Text(), nullable=True),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("correlation_rule", sa.Text(), nullable=False),
        sa.Column("first_seen_at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["manager_id"], ["directory_identity.id"], name=op.f("fk_directory_identity_manager_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_directory_identity")),
        sa.UniqueConstraint("public_id", name=op.f("uq_directory_identity_public_id")),
    )
    with op.batch_alter_table("directory_identity", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_directory_identity_display_name"), ["display_name"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_directory_identity_mail"), ["mail"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_directory_identity_manager_id"), ["manager_id"], unique=False
        )
        batch_op.create_index(
            "uq_directory_identity_employee_number",
            ["employee_number"],
            unique=True,
            sqlite_where=sa.text("employee_number IS NOT NULL"),
            postgresql_where=sa.text("employee_number IS NOT NULL"),
        )

    op.create_table(
        "directory_source",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("public_id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("settings", sa.JSON(), nullable=False),
        sa.Column("sealed_secrets", sa.LargeBinary(), nullable=True),
        sa.Column("is_enabled", sa.Boolean(), nullable=False),
        sa.Column("own_account_external_id", sa.Text(), nullable=True),
        sa.Column("baseline_run_id", sa.BigInteger(), nullable=True),
        sa.Column("scope_digest", sa.Text(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("removed_at", UtcDateTime(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_directory_source")),
        sa.UniqueConstraint("name", name=op.f("uq_directory_source_name")),
        sa.UniqueConstraint("public_id", name=op.f("uq_directory_source_public_id")),
    )
    op.create_table(
        "kernel_stored_answer",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("caller", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_kernel_stored_answer")),
        sa.UniqueConstraint("caller", "key", name=op.f("uq_kernel_stored_answer_caller_key")),
    )
    op.create_table(
        "kernel_worker",
        sa.Column("executor_id", sa.Text(), nullable=False),
        sa.Column("beat_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("executor_id", name=op.f("pk_kernel_worker")),
    )
    op.create_table(
        "ledger_checkpoint",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_checkpoint")),
        sa.UniqueConstraint("size", name=op.f("uq_ledger_checkpoint_size")),
    )
    op.create_table(
        "ledger_entry",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("public_id", sa.String(length=36), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("leaf", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_entry")),
        sa.UniqueConstraint("public_id", name=op.f("uq_ledger_entry_public_id")),
    )
    with op.batch_alter_table("ledger_entry", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_ledger_entry_kind"), ["kind"], unique=False)
        batch_op.create_index(batch_op.f("ix_ledger_entry_subject"), ["subject"], unique=False)

    op.create_table(
        "ledger_head",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_ledger_head")),
    )
    op.create_table(
        "ledger_tile",
        sa.Column("level", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("idx", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hashes", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("level", "idx", name=op.f("pk_ledger_tile")),
    )
    op.create_table(
        "provisioning_plan",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("public_id", sa.String(length=36), nullable=False),
        sa.Column(
            "cause",
            sa.Enum(
                "request",
                "leaver",
                "review",
                "expiry",
                "revert",
                name="plancause",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("cause_ref", sa.String(length=36), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("operations", sa.JSON(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "open",
                "held",
                "done",
                "failed",
                "cancelled",
                name="planstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("held_reason", sa.Text(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("released_by", sa.Text(), nullable=True),
        sa.Column("released_at", UtcDateTime(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_provisioning_plan")),
        sa.UniqueConstraint("public_id", name=op.f("uq_provisioning_plan_public_id")),
    )
    with op.batch_alter_table("provisioning_plan", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_provisioning_plan_cause_ref"), ["cause_ref"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_provisioning_plan_state"), ["state"], unique=False)

    op.create_table(
        "rulebook_policy",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("public_id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("in_force_from", UtcDateTime(), nullable=False),
        sa.Column("in_force_to", UtcDateTime(), nullable=True),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rulebook_policy")),
        sa.UniqueConstraint("public_id", name=op.f("uq_rulebook_policy_public_id")),
    )
    with op.batch_alter_table("rulebook_policy", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_rulebook_policy_digest"), ["digest"], unique=False)

    op.create_table(
        "directory_account",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("public_id", sa.String(length=36), nullable=False),
        sa.Column("source_id", BigId, nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("identity_id", BigId, nullable=True),
        sa.Column("correlation_rule", sa.Text(), nullable=True),
        sa.Column("login", sa.Text(), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("mail", sa.Text(), nullable=True),
        sa.Column("employee_number", sa.Text(), nullable=True),
        sa.Column("manager_external_id", sa.Text(), nullable=True),
        sa.Column("department", sa.Text(), nullable=True),
        sa.Column("title", sa.Text(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("is_enabled", sa.Boolean(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=True),
        sa.Column("last_sign_in_at", UtcDateTime(), nullable=True),
        sa.Column("attributes", sa.JSON(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("observed_at", UtcDateTime(), nullable=True),
        sa.Column("first_seen_at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["identity_id"],
            ["directory_identity.id"],
            name=op.f("fk_directory_account_identity_id"),
        ),
        sa.ForeignKeyConstraint(
            ["source_id"], ["directory_source.id"], name=op.f("fk_directory_account_source_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_directory_account")),
        sa.UniqueConstraint("public_id", name=op.f("uq_directory_account_public_id")),
        sa.UniqueConstraint(
            "source_id", "external_id", name=op.f("uq_directory_account_source_id_external_id")
        ),
    )
    with op.batch_alter_table("directory_account", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_directory_account_identity_id"), ["identity_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_directory_account_login"), ["login"], unique=False)

    op.create_table(
        "directory_group",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("public_id", sa.String(length=36), nullable=False),
        sa.Column("source_id", BigId, nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("owner_external_id", sa.Text(), nullable=True),
        sa.Column("is_writable", sa.Boolean(), nullable=False),
        sa.Column("is_administrative", sa.Boolean(), nullable=False),
        sa.Column("master_external_id", sa.Text(), nullable=True),
        sa.Column("rule", sa.Text(), nullable=True),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("attributes", sa.JSON(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("member_digest", sa.LargeBinary(), nullable=True),
        sa.Column("first_seen_at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["source_id"], ["directory_source.id"], name=op.f("fk_directory_group_source_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_directory_group")),
        sa.UniqueConstraint("public_id", name=op.f("uq_directory_group_public_id")),
        sa.UniqueConstraint(
            "source_id", "external_id", name=op.f("uq_directory_group_source_id_external_id")
        ),
    )
    with op.batch_alter_table("directory_group", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_directory_group_master_external_id"),
            ["master_external_id"],
            unique=False,
        )
        batch_op.create_index(batch_op.f("ix_directory_group_name"), ["name"], unique=False)

    op.create_table(
        "directory_sync_run",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("public_id", sa.String(length=36), nullable=False),
        sa.Column("source_id", BigId, nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "running",
                "complete",
                "incomplete",
                "parked",
                "accepted",
                "refused",
                "failed",
                name="syncstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("is_baseline", sa.Boolean(), nullable=False),
        sa.Column("begun_at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("endpoint", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("queries", sa.JSON(), nullable=False),
        sa.Column("problems", sa.JSON(), nullable=False),
        sa.Column("counts", sa.JSON(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=True),
        sa.Column("why", sa.Text(), nullable=True),
        sa.Column("cursor", sa.Text(), nullable=True),
        sa.Column("started_by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["source_id"], ["directory_source.id"], name=op.f("fk_directory_sync_run_source_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_directory_sync_run")),
        sa.UniqueConstraint("public_id", name=op.f("uq_directory_sync_run_public_id")),
    )
    with op.batch_alter_table("directory_sync_run", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_directory_sync_run_source_id"), ["source_id"], unique=False
        )

    op.create_table(
        "ledger_disclosure",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("entry_id", BigId, nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["entry_id"], ["ledger_entry.id"], name=op.f("fk_ledger_disclosure_entry_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_disclosure")),
    )
    with op.batch_alter_table("ledger_disclosure", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_ledger_disclosure_entry_id"), ["entry_id"], unique=False
        )

    op.create_table(
        "ledger_pending",
        sa.Column("entry_id", BigId, autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["entry_id"], ["ledger_entry.id"], name=op.f("fk_ledger_pending_entry_id")
        ),
        sa.PrimaryKeyConstraint("entry_id", name=op.f("pk_ledger_pending")),
    )
    op.create_table(
        "ledger_position",
        sa.Column("idx", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("entry_id", BigId, nullable=False),
        sa.ForeignKeyConstraint(
            ["entry_id"], ["ledger_entry.id"], name=op.f("fk_ledger_position_entry_id")
        ),
        sa.PrimaryKeyConstraint("idx", name=op.f("pk_ledger_position")),
        sa.UniqueConstraint("entry_id", name=op.f("uq_ledger_position_entry_id")),
    )
    op.create_table(
        "lifecycle_event",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("public_id", sa.String(length=36), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column(
            "type",
            sa.Enum(
                "joiner",
                "mover",
                "leaver",
                "rehire",
                "leave_of_absence",
                name="lifecycletype",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("employee_number", sa.Text(), nullable=False),
        sa.Column("identity_id", BigId, nullable=True),
        sa.Column("effective_at", UtcDateTime(), nullable=False),
        sa.Column("attributes", sa.JSON(), nullable=False),
        sa.Column("body_digest", sa.String(length=64), nullable=False),
        sa.Column("first_answer", sa.JSON(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "waiting",
                "running",
                "done",
                "failed",
                "cancelled",
                "recorded",
                name="lifecyclestate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("received_at", UtcDateTime(), nullable=False),
        sa.Column("received_by", sa.Text(), nullable=False),
        sa.Column("plan_id", BigId, nullable=True),
        sa.Column("started_at", UtcDateTime(), nullable=True),
        sa.Column("completed_at", UtcDateTime(), nullable=True),
        sa.Column("why", sa.Text(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["identity_id"], ["directory_identity.id"], name=op.f("fk_lifecycle_event_identity_id")
        ),
        sa.ForeignKeyConstraint(
            ["plan_id"], ["provisioning_plan.id"], name=op.f("fk_lifecycle_event_plan_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lifecycle_event")),
        sa.UniqueConstraint("event_id", name=op.f("uq_lifecycle_event_event_id")),
        sa.UniqueConstraint("public_id", name=op.f("uq_lifecycle_event_public_id")),
    )
    with op.batch_alter_table("lifecycle_event", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_lifecycle_event_employee_number"), ["employee_number"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_lifecycle_event_identity_id"), ["identity_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_lifecycle_event_plan_id"), ["plan_id"], unique=False)
        batch_op.create_index(
            "ix_lifecycle_event_state_effective", ["state", "effective_at"], unique=False
        )

    op.create_table(
        "notices_notice",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("public_id", sa.String(length=36), nullable=False),
        sa.Column("recipient_id", BigId, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("about", sa.String(length=36), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "queued",
                "sent",
                "failed",
                name="noticestate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("sent_at", UtcDateTime(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("read_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["recipient_id"], ["directory_identity.id"], name=op.f("fk_notices_notice_recipient_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notices_notice")),
        sa.UniqueConstraint("public_id", name=op.f("uq_notices_notice_public_id")),
    )
    with op.batch_alter_table("notices_notice", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_notices_notice_about"), ["about"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_notices_notice_recipient_id"), ["recipient_id"], unique=False
        )

    op.create_table(
        "requests_delegation",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("public_id", sa.String(length=36), nullable=False),
        sa.Column("delegator_id", BigId, nullable=False),
        sa.Column("delegate_id", BigId, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("valid_from", UtcDateTime(), nullable=False),
        sa.Column("valid_to", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["delegate_id"],
            ["directory_identity.id"],
            name=op.f("fk_requests_delegation_delegate_id"),
        ),
        sa.ForeignKeyConstraint(
            ["delegator_id"],
            ["directory_identity.id"],
            name=op.f("fk_requests_delegation_delegator_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_requests_delegation")),
        sa.UniqueConstraint("public_id", name=op.f("uq_requests_delegation_public_id")),
    )
    with op.batch_alter_table("requests_delegation", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_requests_delegation_delegate_id"), ["delegate_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_requests_delegation_delegator_id"), ["delegator_id"], unique=False
        )

    op.create_table(
        "reviews_template",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("public_id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("scope", sa.JSON(), nullable=False),
        sa.Column("fallback_id", BigId, nullable=True),
        sa.Column("grace_hours", sa.Integer(), nullable=False),
        sa.Column("due_days", sa.Integer(), nullable=False),
        sa.Column("reason_required", sa.Boolean(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["fallback_id"], ["directory_identity.id"], name=op.f("fk_reviews_template_fallback_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reviews_template")),
        sa.UniqueConstraint("name", name=op.f("uq_reviews_template_name")),
        sa.UniqueConstraint("public_id", name=op.f("uq_reviews_template_public_id")),
    )
    op.create_table(
        "rulebook_ruling",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("public_id", sa.String(length=36), nullable=False),
        sa.Column("policy_id", BigId, nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("verdict", sa.JSON(), nullable=False),
        sa.Column("judged_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["policy_id"], ["rulebook_policy.id"], name=op.f("fk_rulebook_ruling_policy_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rulebook_ruling")),
        sa.UniqueConstraint("public_id", name=op.f("uq_rulebook_ruling_public_id")),
    )
    with op.batch_alter_table("rulebook_ruling", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_rulebook_ruling_policy_id"), ["policy_id"], unique=False
        )

    op.create_table(
        "signin_role",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("public_id", sa.String(length=36), nullable=False),
        sa.Column("identity_id", BigId, nullable=False),
        sa.Column(
            "role",
            sa.Enum(
                "admin",
                "operator",
                "auditor",
                "hr",
                name="role",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("granted_by", sa.Text(), nullable=False),
        sa.Column("granted_at", UtcDateTime(), nullable=False),
        sa.Column("until", UtcDateTime(), nullable=True),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["identity_id"], ["directory_identity.id"], name=op.f("fk_signin_role_identity_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signin_role")),
        sa.UniqueConstraint("public_id", name=op.f("uq_signin_role_public_id")),
    )
    with op.batch_alter_table("signin_role", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_signin_role_identity_id"), ["identity_id"], unique=False
        )

    op.create_table(
        "signin_token",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("public_id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column(
            "role",
            sa.Enum(
                "admin",
                "operator",
                "auditor",
                "hr",
                name="role",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column("identity_id", BigId, nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=True),
        sa.Column("revoked_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["identity_id"], ["directory_identity.id"], name=op.f("fk_signin_token_identity_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signin_token")),
        sa.UniqueConstraint("digest", name=op.f("uq_signin_token_digest")),
        sa.UniqueConstraint("public_id", name=op.f("uq_signin_token_public_id")),
    )
    with op.batch_alter_table("signin_token", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_signin_token_identity_id"), ["identity_id"], unique=False
        )

    op.create_table(
        "catalog_entitlement",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("group_id", BigId, nullable=False),
        sa.Column("owner_id", BigId, nullable=True),
        sa.Column(
            "risk",
            sa.Enum(
                "low",
                "medium",
                "high",
                "privileged",
                name="risk",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("is_requestable", sa.Boolean(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["group_id"], ["directory_group.id"], name=op.f("fk_catalog_entitlement_group_id")
        ),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["directory_identity.id"], name=op.f("fk_catalog_entitlement_owner_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_catalog_entitlement")),
        sa.UniqueConstraint("group_id", name=op.f("uq_catalog_entitlement_group_id")),
    )
    op.create_table(
        "catalog_protection",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("public_id", sa.String(length=36), nullable=False),
        sa.Column("identity_id", BigId, nullable=True),
        sa.Column("account_id", BigId, nullable=True),
        sa.Column("group_id", BigId, nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"], ["directory_account.id"], name=op.f("fk_catalog_protection_account_id")
        ),
        sa.ForeignKeyConstraint(
            ["group_id"], ["directory_group.id"], name=op.f("fk_catalog_protection_group_id")
        ),
        sa.ForeignKeyConstraint(
            ["identity_id"],
            ["directory_identity.id"],
            name=op.f("fk_catalog_protection_identity_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_catalog_protection")),
        sa.UniqueConstraint("public_id", name=op.f("uq_catalog_protection_public_id")),
    )
    with op.batch_alter_table("catalog_protection", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_catalog_protection_account_id"), ["account_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_catalog_protection_group_id"), ["group_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_catalog_protection_identity_id"), ["identity_id"], unique=False
        )

    op.create_table(
        "directory_closure",
        sa.Column("ancestor_id", BigId, autoincrement=False, nullable=False),
        sa.Column("descendant_id", BigId, autoincrement=False, nullable=False),
        sa.Column("depth", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["ancestor_id"], ["directory_group.id"], name=op.f("fk_directory_closure_ancestor_id")
        ),
        sa.ForeignKeyConstraint(
            ["descendant_id"],
            ["directory_group.id"],
            name=op.f("fk_directory_closure_descendant_id"),
        ),
        sa.PrimaryKeyConstraint("ancestor_id", "descendant_id", name=op.f("pk_directory_closure")),
    )
    with op.batch_alter_table("directory_closure", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_directory_closure_descendant_id"), ["descendant_id"], unique=False
        )

    op.create_table(
        "directory_membership",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("group_id", BigId, nullable=False),
        sa.Column("account_id", BigId, nullable=False),
        sa.Column("is_primary", sa.Boolean(), nullable=False),
        sa.Column("valid_from", UtcDateTime(), nullable=False),
        sa.Column("valid_to", UtcDateTime(), nullable=True),
        sa.Column("run_from", BigId, nullable=True),
        sa.Column("run_to", BigId, nullable=True),
        sa.Column(
            "provenance",
            sa.Enum(
                "imported-at-start",
                "request",
                "rule",
                "drift-adopted",
                "observed",
                "mirrored",
                name="provenance",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("provenance_ref", sa.String(length=36), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["directory_account.id"],
            name=op.f("fk_directory_membership_account_id"),
        ),
        sa.ForeignKeyConstraint(
            ["group_id"], ["directory_group.id"], name=op.f("fk_directory_membership_group_id")
        ),
        sa.ForeignKeyConstraint(
            ["run_from"], ["directory_sync_run.id"], name=op.f("fk_directory_membership_run_from")
        ),
        sa.ForeignKeyConstraint(
            ["run_to"], ["directory_sync_run.id"], name=op.f("fk_directory_membership_run_to")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_directory_membership")),
    )
    with op.batch_alter_table("directory_membership", schema=None) as batch_op:
        batch_op.create_index(
            "ix_directory_membership_account_closed",
            ["account_id", "valid_to", "valid_from"],
            unique=False,
            sqlite_where=sa.text("valid_to IS NOT NULL"),
            postgresql_where=sa.text("valid_to IS NOT NULL"),
        )
        batch_op.create_index(
            "ix_directory_membership_account_open",
            ["account_id", "group_id"],
            unique=False,
            sqlite_where=sa.text("valid_to IS NULL"),
            postgresql_where=sa.text("valid_to IS NULL"),
        )
        batch_op.create_index(
            "ix_directory_membership_group_closed",
            ["group_id", "valid_to", "valid_from"],
            unique=False,
            sqlite_where=sa.text("valid_to IS NOT NULL"),
            postgresql_where=sa.text("valid_to IS NOT NULL"),
        )
        batch_op.create_index(
            "uq_directory_membership_open",
            ["group_id", "account_id"],
            unique=True,
            sqlite_where=sa.text("valid_to IS NULL"),
            postgresql_where=sa.text("valid_to IS NULL"),
        )

    op.create_table(
        "directory_nesting",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("parent_id", BigId, nullable=False),
        sa.Column("child_id", BigId, nullable=False),
        sa.Column("valid_from", UtcDateTime(), nullable=False),
        sa.Column("valid_to", UtcDateTime(), nullable=True),
        sa.Column("run_from", BigId, nullable=True),
        sa.Column("run_to", BigId, nullable=True),
        sa.ForeignKeyConstraint(
            ["child_id"], ["directory_group.id"], name=op.f("fk_directory_nesting_child_id")
        ),
        sa.ForeignKeyConstraint(
            ["parent_id"], ["directory_group.id"], name=op.f("fk_directory_nesting_parent_id")
        ),
        sa.ForeignKeyConstraint(
            ["run_from"], ["directory_sync_run.id"], name=op.f("fk_directory_nesting_run_from")
        ),
        sa.ForeignKeyConstraint(
            ["run_to"], ["directory_sync_run.id"], name=op.f("fk_directory_nesting_run_to")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_directory_nesting")),
    )
    with op.batch_alter_table("directory_nesting", schema=None) as batch_op:
        batch_op.create_index(
            "ix_directory_nesting_child_open",
            ["child_id"],
            unique=False,
            sqlite_where=sa.text("valid_to IS NULL"),
            postgresql_where=sa.text("valid_to IS NULL"),
        )
        batch_op.create_index(
            "uq_directory_nesting_open",
            ["parent_id", "child_id"],
            unique=True,
            sqlite_where=sa.text("valid_to IS NULL"),
            postgresql_where=sa.text("valid_to IS NULL"),
        )

    op.create_table(
        "directory_parked_read",
        sa.Column("run_id", BigId, autoincrement=False, nullable=False),
        sa.Column("scope_digest", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["run_id"], ["directory_sync_run.id"], name=op.f("fk_directory_parked_read_run_id")
        ),
        sa.PrimaryKeyConstraint("run_id", name=op.f("pk_directory_parked_read")),
    )
    op.create_table(
        "grants_grant",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("public_id", sa.String(length=36), nullable=False),
        sa.Column("account_id", BigId, nullable=False),
        sa.Column("group_id", BigId, nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "authorised",
                "confirmed",
                "ending",
                "ended",
                "failed",
                name="grantstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "cause",
            sa.Enum(
                "request",
                "drift",
                "lifecycle",
                name="grantcause",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("cause_ref", sa.String(length=36), nullable=False),
        sa.Column("authorised_at", UtcDateTime(), nullable=False),
        sa.Column("until", UtcDateTime(), nullable=True),
        sa.Column("confirmed_at", UtcDateTime(), nullable=True),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["directory_account.id"], name=op.f("fk_grants_grant_account_id")
        ),
        sa.ForeignKeyConstraint(
            ["group_id"], ["directory_group.id"], name=op.f("fk_grants_grant_group_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_grants_grant")),
        sa.UniqueConstraint("public_id", name=op.f("uq_grants_grant_public_id")),
    )
    with op.batch_alter_table("grants_grant", schema=None) as batch_op:
        batch_op.create_index(
            "ix_grants_grant_account_group", ["account_id", "group_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_grants_grant_cause_ref"), ["cause_ref"], unique=False)
        batch_op.create_index(batch_op.f("ix_grants_grant_group_id"), ["group_id"], unique=False)
        batch_op.create_index("ix_grants_grant_state_until", ["state", "until"], unique=False)

    op.create_table(
        "reviews_campaign",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("public_id", sa.String(length=36), nullable=False),
        sa.Column("template_id", BigId, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "open",
                "closed",
                name="campaignstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("snapshot", sa.JSON(), nullable=False),
        sa.Column("population_count", sa.Integer(), nullable=False),
        sa.Column("population_digest", sa.String(length=64), nullable=True),
        sa.Column("launched_at", UtcDateTime(), nullable=False),
        sa.Column("launched_by", sa.Text(), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=False),
        sa.Column("closed_at", UtcDateTime(), nullable=True),
        sa.Column("closed_by", sa.Text(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["template_id"], ["reviews_template.id"], name=op.f("fk_reviews_campaign_template_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reviews_campaign")),
        sa.UniqueConstraint("public_id", name=op.f("uq_reviews_campaign_public_id")),
    )
    with op.batch_alter_table("reviews_campaign", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_reviews_campaign_state"), ["state"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_reviews_campaign_template_id"), ["template_id"], unique=False
        )

    op.create_table(
        "grants_end",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("public_id", sa.String(length=36), nullable=False),
        sa.Column("account_id", BigId, nullable=False),
        sa.Column("group_id", BigId, nullable=False),
        sa.Column("grant_id", BigId, nullable=True),
        sa.Column(
            "state",
            sa.Enum(
                "authorised",
                "confirmed",
                "withdrawn",
                "failed",
                name="endstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "cause",
            sa.Enum(
                "request",
                "review",
                "leaver",
                "expiry",
                "drift",
                name="endcause",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("cause_ref", sa.String(length=36), nullable=False),
        sa.Column("decided_at", UtcDateTime(), nullable=False),
        sa.Column("confirmed_at", UtcDateTime(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["directory_account.id"], name=op.f("fk_grants_end_account_id")
        ),
        sa.ForeignKeyConstraint(
            ["grant_id"], ["grants_grant.id"], name=op.f("fk_grants_end_grant_id")
        ),
        sa.ForeignKeyConstraint(
            ["group_id"], ["directory_group.id"], name=op.f("fk_grants_end_group_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_grants_end")),
        sa.UniqueConstraint("public_id", name=op.f("uq_grants_end_public_id")),
    )
    with op.batch_alter_table("grants_end", schema=None) as batch_op:
        batch_op.create_index(
            "ix_grants_end_account_group", ["account_id", "group_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_grants_end_cause_ref"), ["cause_ref"], unique=False)
        batch_op.create_index(batch_op.f("ix_grants_end_grant_id"), ["grant_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_grants_end_group_id"), ["group_id"], unique=False)

    op.create_table(
        "reviews_excluded",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("campaign_id", BigId, nullable=False),
        sa.Column("membership_id", BigId, nullable=True),
        sa.Column("what", sa.JSON(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["reviews_campaign.id"], name=op.f("fk_reviews_excluded_campaign_id")
        ),
        sa.ForeignKeyConstraint(
            ["membership_id"],
            ["directory_membership.id"],
            name=op.f("fk_reviews_excluded_membership_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reviews_excluded")),
    )
    with op.batch_alter_table("reviews_excluded", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_reviews_excluded_campaign_id"), ["campaign_id"], unique=False
        )

    op.create_table(
        "reviews_signoff",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("campaign_id", BigId, nullable=False),
        sa.Column("reviewer_id", BigId, nullable=False),
        sa.Column("signed_at", UtcDateTime(), nullable=False),
        sa.Column("kept", sa.Integer(), nullable=False),
        sa.Column("revoked", sa.Integer(), nullable=False),
        sa.Column("abstained", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["reviews_campaign.id"], name=op.f("fk_reviews_signoff_campaign_id")
        ),
        sa.ForeignKeyConstraint(
            ["reviewer_id"], ["directory_identity.id"], name=op.f("fk_reviews_signoff_reviewer_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reviews_signoff")),
        sa.UniqueConstraint(
            "campaign_id", "reviewer_id", name=op.f("uq_reviews_signoff_campaign_id_reviewer_id")
        ),
    )
    op.create_table(
        "reviews_tally",
        sa.Column("campaign_id", BigId, autoincrement=False, nullable=False),
        sa.Column("reviewer_id", BigId, autoincrement=False, nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("kept", sa.Integer(), nullable=False),
        sa.Column("revoked", sa.Integer(), nullable=False),
        sa.Column("abstained", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["reviews_campaign.id"], name=op.f("fk_reviews_tally_campaign_id")
        ),
        sa.ForeignKeyConstraint(
            ["reviewer_id"], ["directory_identity.id"], name=op.f("fk_reviews_tally_reviewer_id")
        ),
        sa.PrimaryKeyConstraint("campaign_id", "reviewer_id", name=op.f("pk_reviews_tally")),
    )
    op.create_table(
        "provisioning_task",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("public_id", sa.String(length=36), nullable=False),
        sa.Column("plan_id", BigId, nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("source_id", BigId, nullable=False),
        sa.Column("verb", sa.Text(), nullable=False),
        sa.Column("account_id", BigId, nullable=False),
        sa.Column("group_id", BigId, nullable=True),
        sa.Column("grant_id", BigId, nullable=True),
        sa.Column("end_id", BigId, nullable=True),
        sa.Column(
            "state",
            sa.Enum(
                "waiting",
                "held",
                "queued",
                "running",
                "applied",
                "verified",
                "refuted",
                "failed",
                "waits_for_import",
                "cancelled",
                name="taskstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=True),
        sa.Column("claimed_at", UtcDateTime(), nullable=True),
        sa.Column("operation", sa.Text(), nullable=True),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("effect", sa.Text(), nullable=True),
        sa.Column("read_back", sa.JSON(), nullable=True),
        sa.Column("error_code", sa.Text(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("applied_at", UtcDateTime(), nullable=True),
        sa.Column("verified_at", UtcDateTime(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["directory_account.id"], name=op.f("fk_provisioning_task_account_id")
        ),
        sa.ForeignKeyConstraint(
            ["end_id"], ["grants_end.id"], name=op.f("fk_provisioning_task_end_id")
        ),
        sa.ForeignKeyConstraint(
            ["grant_id"], ["grants_grant.id"], name=op.f("fk_provisioning_task_grant_id")
        ),
        sa.ForeignKeyConstraint(
            ["group_id"], ["directory_group.id"], name=op.f("fk_provisioning_task_group_id")
        ),
        sa.ForeignKeyConstraint(
            ["plan_id"], ["provisioning_plan.id"], name=op.f("fk_provisioning_task_plan_id")
        ),
        sa.ForeignKeyConstraint(
            ["source_id"], ["directory_source.id"], name=op.f("fk_provisioning_task_source_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_provisioning_task")),
        sa.UniqueConstraint("public_id", name=op.f("uq_provisioning_task_public_id")),
    )
    with op.batch_alter_table("provisioning_task", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_provisioning_task_account_id"), ["account_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_provisioning_task_end_id"), ["end_id"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_provisioning_task_grant_id"), ["grant_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_provisioning_task_group_id"), ["group_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_provisioning_task_plan_id"), ["plan_id"], unique=False)
        batch_op.create_index(
            "ix_provisioning_task_source_created", ["source_id", "created_at"], unique=False
        )
        batch_op.create_index(
            "ix_provisioning_task_state_due_at", ["state", "due_at"], unique=False
        )

    op.create_table(
        "requests_request",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("public_id", sa.String(length=36), nullable=False),
        sa.Column("requester_id", BigId, nullable=False),
        sa.Column("beneficiary_id", BigId, nullable=False),
        sa.Column("account_id", BigId, nullable=False),
        sa.Column("group_id", BigId, nullable=False),
        sa.Column(
            "action",
            sa.Enum(
                "add",
                "remove",
                "extend",
                name="action",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("duration_days", sa.Integer(), nullable=True),
        sa.Column("ticket", sa.Text(), nullable=True),
        sa.Column(
            "state",
            sa.Enum(
                "submitted",
                "approved",
                "refused",
                "cancelled",
                "done",
                "failed",
                name="requeststate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("ruling_id", BigId, nullable=False),
        sa.Column("plan", sa.JSON(), nullable=False),
        sa.Column("plan_digest", sa.String(length=64), nullable=False),
        sa.Column("submitted_at", UtcDateTime(), nullable=False),
        sa.Column("decided_at", UtcDateTime(), nullable=True),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("why", sa.Text(), nullable=True),
        sa.Column("grant_id", BigId, nullable=True),
        sa.Column("end_id", BigId, nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["directory_account.id"], name=op.f("fk_requests_request_account_id")
        ),
        sa.ForeignKeyConstraint(
            ["beneficiary_id"],
            ["directory_identity.id"],
            name=op.f("fk_requests_request_beneficiary_id"),
        ),
        sa.ForeignKeyConstraint(
            ["end_id"], ["grants_end.id"], name=op.f("fk_requests_request_end_id")
        ),
        sa.ForeignKeyConstraint(
            ["grant_id"], ["grants_grant.id"], name=op.f("fk_requests_request_grant_id")
        ),
        sa.ForeignKeyConstraint(
            ["group_id"], ["directory_group.id"], name=op.f("fk_requests_request_group_id")
        ),
        sa.ForeignKeyConstraint(
            ["requester_id"],
            ["directory_identity.id"],
            name=op.f("fk_requests_request_requester_id"),
        ),
        sa.ForeignKeyConstraint(
            ["ruling_id"], ["rulebook_ruling.id"], name=op.f("fk_requests_request_ruling_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_requests_request")),
        sa.UniqueConstraint("public_id", name=op.f("uq_requests_request_public_id")),
    )
    with op.batch_alter_table("requests_request", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_requests_request_beneficiary_id"), ["beneficiary_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_requests_request_end_id"), ["end_id"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_requests_request_grant_id"), ["grant_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_requests_request_group_id"), ["group_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_requests_request_requester_id"), ["requester_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_requests_request_state"), ["state"], unique=False)

    op.create_table(
        "reviews_item",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("public_id", sa.String(length=36), nullable=False),
        sa.Column("campaign_id", BigId, nullable=False),
        sa.Column("membership_id", BigId, nullable=False),
        sa.Column("account_id", BigId, nullable=False),
        sa.Column("group_id", BigId, nullable=False),
        sa.Column("identity_id", BigId, nullable=True),
        sa.Column("reviewer_id", BigId, nullable=True),
        sa.Column("via", sa.Text(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "open",
                "decided",
                "signed_off",
                "closed",
                name="itemstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "decision",
            sa.Enum(
                "keep",
                "revoke",
                "abstain",
                name="decision",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("until", UtcDateTime(), nullable=True),
        sa.Column("replacement", sa.Text(), nullable=True),
        sa.Column("decided_at", UtcDateTime(), nullable=True),
        sa.Column("decided_by_id", BigId, nullable=True),
        sa.Column("signed_off_at", UtcDateTime(), nullable=True),
        sa.Column(
            "remediation",
            sa.Enum(
                "none",
                "pending",
                "confirmed",
                "failed",
                "not_removable",
                name="remediationstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("remediation_at", UtcDateTime(), nullable=True),
        sa.Column("remediation_why", sa.Text(), nullable=True),
        sa.Column("end_id", BigId, nullable=True),
        sa.Column("frozen", sa.JSON(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["directory_account.id"], name=op.f("fk_reviews_item_account_id")
        ),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["reviews_campaign.id"], name=op.f("fk_reviews_item_campaign_id")
        ),
        sa.ForeignKeyConstraint(
            ["decided_by_id"], ["directory_identity.id"], name=op.f("fk_reviews_item_decided_by_id")
        ),
        sa.ForeignKeyConstraint(["end_id"], ["grants_end.id"], name=op.f("fk_reviews_item_end_id")),
        sa.ForeignKeyConstraint(
            ["group_id"], ["directory_group.id"], name=op.f("fk_reviews_item_group_id")
        ),
        sa.ForeignKeyConstraint(
            ["identity_id"], ["directory_identity.id"], name=op.f("fk_reviews_item_identity_id")
        ),
        sa.ForeignKeyConstraint(
            ["membership_id"],
            ["directory_membership.id"],
            name=op.f("fk_reviews_item_membership_id"),
        ),
        sa.ForeignKeyConstraint(
            ["reviewer_id"], ["directory_identity.id"], name=op.f("fk_reviews_item_reviewer_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reviews_item")),
        sa.UniqueConstraint(
            "campaign_id",
            "account_id",
            "group_id",
            name=op.f("uq_reviews_item_campaign_id_account_id_group_id"),
        ),
        sa.UniqueConstraint("public_id", name=op.f("uq_reviews_item_public_id")),
    )
    with op.batch_alter_table("reviews_item", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_reviews_item_end_id"), ["end_id"], unique=False)
        batch_op.create_index(
            "ix_reviews_item_reviewer", ["reviewer_id", "campaign_id", "id"], unique=False
        )

    op.create_table(
        "provisioning_attempt",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("task_id", BigId, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("began_at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("result", sa.Text(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["task_id"], ["provisioning_task.id"], name=op.f("fk_provisioning_attempt_task_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_provisioning_attempt")),
        sa.UniqueConstraint(
            "task_id", "number", name=op.f("uq_provisioning_attempt_task_id_number")
        ),
    )
    op.create_table(
        "requests_step",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("public_id", sa.String(length=36), nullable=False),
        sa.Column("request_id", BigId, nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("quorum", sa.Integer(), nullable=False),
        sa.Column("how", sa.Text(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "waiting",
                "open",
                "approved",
                "refused",
                "skipped",
                name="stepstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("opened_at", UtcDateTime(), nullable=True),
        sa.Column("due_at", UtcDateTime(), nullable=True),
        sa.Column("decided_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["request_id"], ["requests_request.id"], name=op.f("fk_requests_step_request_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_requests_step")),
        sa.UniqueConstraint("public_id", name=op.f("uq_requests_step_public_id")),
        sa.UniqueConstraint(
            "request_id", "ordinal", name=op.f("uq_requests_step_request_id_ordinal")
        ),
    )
    op.create_table(
        "reviews_decision",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("item_id", BigId, nullable=False),
        sa.Column(
            "move",
            sa.Enum(
                "keep",
                "revoke",
                "abstain",
                "undo",
                name="decisionmove",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("until", UtcDateTime(), nullable=True),
        sa.Column("decided_at", UtcDateTime(), nullable=False),
        sa.Column("decided_by_id", BigId, nullable=False),
        sa.Column("batch_size", sa.Integer(), nullable=False),
        sa.Column("dwell_ms", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["decided_by_id"],
            ["directory_identity.id"],
            name=op.f("fk_reviews_decision_decided_by_id"),
        ),
        sa.ForeignKeyConstraint(
            ["item_id"], ["reviews_item.id"], name=op.f("fk_reviews_decision_item_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reviews_decision")),
    )
    with op.batch_alter_table("reviews_decision", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_reviews_decision_item_id"), ["item_id"], unique=False)

    op.create_table(
        "requests_approval",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("public_id", sa.String(length=36), nullable=False),
        sa.Column("step_id", BigId, nullable=False),
        sa.Column("approver_id", BigId, nullable=False),
        sa.Column("how", sa.Text(), nullable=False),
        sa.Column(
            "outcome",
            sa.Enum(
                "approve",
                "refuse",
                "superseded",
                name="approvaloutcome",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column("comment", sa.Text(), nullable=True),
        sa.Column("plan_digest", sa.String(length=64), nullable=True),
        sa.Column("decided_at", UtcDateTime(), nullable=True),
        sa.Column("decided_by_id", BigId, nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["approver_id"],
            ["directory_identity.id"],
            name=op.f("fk_requests_approval_approver_id"),
        ),
        sa.ForeignKeyConstraint(
            ["decided_by_id"],
            ["directory_identity.id"],
            name=op.f("fk_requests_approval_decided_by_id"),
        ),
        sa.ForeignKeyConstraint(
            ["step_id"], ["requests_step.id"], name=op.f("fk_requests_approval_step_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_requests_approval")),
        sa.UniqueConstraint("public_id", name=op.f("uq_requests_approval_public_id")),
        sa.UniqueConstraint(
            "step_id", "approver_id", name=op.f("uq_requests_approval_step_id_approver_id")
        ),
    )
    with op.batch_alter_table("requests_approval", schema=None) as batch_op:
        batch_op.create_index(
            "ix_requests_approval_open",
            ["approver_id"],
            unique=False,
            sqlite_where=sa.text("outcome IS NULL"),
            postgresql_where=sa.text("outcome IS NULL"),
        )


def downgrade() -> None:  # noqa: PLR0915 - the same backwards
    """Go back."""
    with op.batch_alter_table("requests_approval", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_requests_approval_open",
            sqlite_where=sa.text("outcome IS NULL"),
            postgresql_where=sa.text("outcome IS NULL"),
        )

    op.drop_table("requests_approval")
    with op.batch_alter_table("reviews_decision", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_reviews_decision_item_id"))

    op.drop_table("reviews_decision")
    op.drop_table("requests_step")
    op.drop_table("provisioning_attempt")
    with op.batch_alter_table("reviews_item", schema=None) as batch_op:
        batch_op.drop_index("ix_reviews_item_reviewer")
        batch_op.drop_index(batch_op.f("ix_reviews_item_end_id"))

    op.drop_table("reviews_item")
    with op.batch_alter_table("requests_request", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_requests_request_state"))
        batch_op.drop_index(batch_op.f("ix_requests_request_requester_id"))
        batch_op.drop_index(batch_op.f("ix_requests_request_group_id"))
        batch_op.drop_index(batch_op.f("ix_requests_request_grant_id"))
        batch_op.drop_index(batch_op.f("ix_requests_request_end_id"))
        batch_op.drop_index(batch_op.f("ix_requests_request_beneficiary_id"))

    op.drop_table("requests_request")
    with op.batch_alter_table("provisioning_task", schema=None) as batch_op:
        batch_op.drop_index("ix_provisioning_task_state_due_at")
        batch_op.drop_index("ix_provisioning_task_source_created")
        batch_op.drop_index(batch_op.f("ix_provisioning_task_plan_id"))
        batch_op.drop_index(batch_op.f("ix_provisioning_task_group_id"))
        batch_op.drop_index(batch_op.f("ix_provisioning_task_grant_id"))
        batch_op.drop_index(batch_op.f("ix_provisioning_task_end_id"))
        batch_op.drop_index(batch_op.f("ix_provisioning_task_account_id"))

    op.drop_table("provisioning_task")
    op.drop_table("reviews_tally")
    op.drop_table("reviews_signoff")
    with op.batch_alter_table("reviews_excluded", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_reviews_excluded_campaign_id"))

    op.drop_table("reviews_excluded")
    with op.batch_alter_table("grants_end", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_grants_end_group_id"))
        batch_op.drop_index(batch_op.f("ix_grants_end_grant_id"))
        batch_op.drop_index(batch_op.f("ix_grants_end_cause_ref"))
        batch_op.drop_index("ix_grants_end_account_group")

    op.drop_table("grants_end")
    with op.batch_alter_table("reviews_campaign", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_reviews_campaign_template_id"))
        batch_op.drop_index(batch_op.f("ix_reviews_campaign_state"))

    op.drop_table("reviews_campaign")
    with op.batch_alter_table("grants_grant", schema=None) as batch_op:
        batch_op.drop_index("ix_grants_grant_state_until")
        batch_op.drop_index(batch_op.f("ix_grants_grant_group_id"))
        batch_op.drop_index(batch_op.f("ix_grants_grant_cause_ref"))
        batch_op.drop_index("ix_grants_grant_account_group")

    op.drop_table("grants_grant")
    op.drop_table("directory_parked_read")
    with op.batch_alter_table("directory_nesting", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_directory_nesting_open",
            sqlite_where=sa.text("valid_to IS NULL"),
            postgresql_where=sa.text("valid_to IS NULL"),
        )
        batch_op.drop_index(
            "ix_directory_nesting_child_open",
            sqlite_where=sa.text("valid_to IS NULL"),
            postgresql_where=sa.text("valid_to IS NULL"),
        )

    op.drop_table("directory_nesting")
    with op.batch_alter_table("directory_membership", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_directory_membership_open",
            sqlite_where=sa.text("valid_to IS NULL"),
            postgresql_where=sa.text("valid_to IS NULL"),
        )
        batch_op.drop_index(
            "ix_directory_membership_group_closed",
            sqlite_where=sa.text("valid_to IS NOT NULL"),
            postgresql_where=sa.text("valid_to IS NOT NULL"),
        )
        batch_op.drop_index(
            "ix_directory_membership_account_open",
            sqlite_where=sa.text("valid_to IS NULL"),
            postgresql_where=sa.text("valid_to IS NULL"),
        )
        batch_op.drop_index(
            "ix_directory_membership_account_closed",
            sqlite_where=sa.text("valid_to IS NOT NULL"),
            postgresql_where=sa.text("valid_to IS NOT NULL"),
        )

    op.drop_table("directory_membership")
    with op.batch_alter_table("directory_closure", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_directory_closure_descendant_id"))

    op.drop_table("directory_closure")
    with op.batch_alter_table("catalog_protection", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_catalog_protection_identity_id"))
        batch_op.drop_index(batch_op.f("ix_catalog_protection_group_id"))
        batch_op.drop_index(batch_op.f("ix_catalog_protection_account_id"))

    op.drop_table("catalog_protection")
    op.drop_table("catalog_entitlement")
    with op.batch_alter_table("signin_token", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_signin_token_identity_id"))

    op.drop_table("signin_token")
    with op.batch_alter_table("signin_role", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_signin_role_identity_id"))

    op.drop_table("signin_role")
    with op.batch_alter_table("rulebook_ruling", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_rulebook_ruling_policy_id"))

    op.drop_table("rulebook_ruling")
    op.drop_table("reviews_template")
    with op.batch_alter_table("requests_delegation", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_requests_delegation_delegator_id"))
        batch_op.drop_index(batch_op.f("ix_requests_delegation_delegate_id"))

    op.drop_table("requests_delegation")
    with op.batch_alter_table("notices_notice", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_notices_notice_recipient_id"))
        batch_op.drop_index(batch_op.f("ix_notices_notice_about"))

    op.drop_table("notices_notice")
    with op.batch_alter_table("lifecycle_event", schema=None) as batch_op:
        batch_op.drop_index("ix_lifecycle_event_state_effective")
        batch_op.drop_index(batch_op.f("ix_lifecycle_event_plan_id"))
        batch_op.drop_index(batch_op.f("ix_lifecycle_event_identity_id"))
        batch_op.drop_index(batch_op.f("ix_lifecycle_event_employee_number"))

    op.drop_table("lifecycle_event")
    op.drop_table("ledger_position")
    op.drop_table("ledger_pending")
    with op.batch_alter_table("ledger_disclosure", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_ledger_disclosure_entry_id"))

    op.drop_table("ledger_disclosure")
    with op.batch_alter_table("directory_sync_run", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_directory_sync_run_source_id"))

    op.drop_table("directory_sync_run")
    with op.batch_alter_table("directory_group", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_directory_group_name"))
        batch_op.drop_index(batch_op.f("ix_directory_group_master_external_id"))

    op.drop_table("directory_group")
    with op.batch_alter_table("directory_account", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_directory_account_login"))
        batch_op.drop_index(batch_op.f("ix_directory_account_identity_id"))

    op.drop_table("directory_account")
    with op.batch_alter_table("rulebook_policy", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_rulebook_policy_digest"))

    op.drop_table("rulebook_policy")
    with op.batch_alter_table("provisioning_plan", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_provisioning_plan_state"))
        batch_op.drop_index(batch_op.f("ix_provisioning_plan_cause_ref"))

    op.drop_table("provisioning_plan")
    op.drop_table("ledger_tile")
    op.drop_table("ledger_head")
    with op.batch_alter_table("ledger_entry", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_ledger_entry_subject"))
        batch_op.drop_index(batch_op.f("ix_ledger_entry_kind"))

    op.drop_table("ledger_entry")
    op.drop_table("ledger_checkpoint")
    op.drop_table("kernel_worker")
    op.drop_table("kernel_stored_answer")
    op.drop_table("directory_source")
    with op.batch_alter_table("directory_identity", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_directory_identity_employee_number",
            sqlite_where=sa.text("employee_number IS NOT NULL"),
            postgresql_where=sa.text("employee_number IS NOT NULL"),
        )
        batch_op.drop_index(batch_op.f("ix_directory_identity_manager_id"))
        batch_op.drop_index(batch_op.f("ix_directory_identity_mail"))
        batch_op.drop_index(batch_op.f("ix_directory_identity_display_name"))

    op.drop_table("directory_identity")
    op.drop_table("audit_signing_key")
    op.drop_table("audit_bundle")
