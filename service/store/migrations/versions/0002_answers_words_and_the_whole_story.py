"""Answers of clients, words of clinics, all kinds of events: what revision 1 had no place for."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql
from sqlmodel.sql import sqltypes

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "parked_receipt",
        sa.Column("id", sqltypes.AutoString(), nullable=False),
        sa.Column("token", sqltypes.AutoString(), nullable=False),
        sa.Column("provider_id", sqltypes.AutoString(), nullable=False),
        sa.Column("state", sqltypes.AutoString(), nullable=False),
        sa.Column("failure", sqltypes.AutoString(), nullable=False),
        sa.Column("code", sqltypes.AutoString(), nullable=False),
        sa.Column("at", sqltypes.UTCDateTime(), nullable=True),
        sa.Column("parked_at", sqltypes.UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_parked_receipt")),
    )
    with op.batch_alter_table("parked_receipt", schema=None) as batch_op:
        batch_op.create_index("ix_parked_receipt_age", ["parked_at"], unique=False)

    op.create_table(
        "poll",
        sa.Column("age", sa.Integer(), nullable=False),
        sa.Column("settled_at", sqltypes.UTCDateTime(), nullable=False),
        sa.Column("attempt", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("age", name=op.f("pk_poll")),
    )
    op.create_table(
        "zone_rules",
        sa.Column("zone", sqltypes.AutoString(), nullable=False),
        sa.Column("digest", sqltypes.AutoString(), nullable=False),
        sa.PrimaryKeyConstraint("zone", name=op.f("pk_zone_rules")),
    )
    op.create_table(
        "alert",
        sa.Column("clinic", sqltypes.AutoString(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sqltypes.AutoString(), nullable=False),
        sa.Column("about", sqltypes.AutoString(), nullable=False),
        sa.Column(
            "detail", sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"), nullable=False
        ),
        sa.Column("created_at", sqltypes.UTCDateTime(), nullable=False),
        sa.Column("due_at", sqltypes.UTCDateTime(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("code", sqltypes.AutoString(), nullable=False),
        sa.Column("sent_at", sqltypes.UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["clinic"], ["clinic.id"], name=op.f("fk_alert_clinic")),
        sa.PrimaryKeyConstraint("clinic", "id", name=op.f("pk_alert")),
    )
    with op.batch_alter_table("alert", schema=None) as batch_op:
        batch_op.create_index("ix_alert_about", ["about", "kind", "clinic"], unique=False)
        batch_op.create_index(
            "ix_alert_due",
            ["due_at"],
            unique=False,
            sqlite_where=sa.text("sent_at IS NULL"),
            postgresql_where=sa.text("sent_at IS NULL"),
        )
        batch_op.create_index(
            "uq_alert_waiting",
            ["clinic", "kind", "about"],
            unique=True,
            sqlite_where=sa.text("sent_at IS NULL"),
            postgresql_where=sa.text("sent_at IS NULL"),
        )

    op.create_table(
        "audit",
        sa.Column("clinic", sqltypes.AutoString(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("at", sqltypes.UTCDateTime(), nullable=False),
        sa.Column("who", sqltypes.AutoString(), nullable=False),
        sa.Column("act", sqltypes.AutoString(), nullable=False),
        sa.Column("about", sqltypes.AutoString(), nullable=False),
        sa.Column("client", sqltypes.AutoString(), nullable=False),
        sa.ForeignKeyConstraint(["clinic"], ["clinic.id"], name=op.f("fk_audit_clinic")),
        sa.PrimaryKeyConstraint("clinic", "id", name=op.f("pk_audit")),
    )
    with op.batch_alter_table("audit", schema=None) as batch_op:
        batch_op.create_index("ix_audit_client", ["client", "clinic", "id"], unique=False)

    op.create_table(
        "kept_answer",
        sa.Column("clinic", sqltypes.AutoString(), nullable=False),
        sa.Column("key", sqltypes.AutoString(), nullable=False),
        sa.Column("idempotency_key", sqltypes.AutoString(), nullable=False),
        sa.Column("request", sqltypes.AutoString(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column(
            "headers", sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"), nullable=False
        ),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("begun_at", sqltypes.UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["clinic"], ["clinic.id"], name=op.f("fk_kept_answer_clinic")),
        sa.PrimaryKeyConstraint("clinic", "key", "idempotency_key", name=op.f("pk_kept_answer")),
    )
    with op.batch_alter_table("kept_answer", schema=None) as batch_op:
        batch_op.create_index("ix_kept_answer_begun_at", ["begun_at"], unique=False)

    op.create_table(
        "number_block",
        sa.Column("clinic", sqltypes.AutoString(), nullable=False),
        sa.Column("block", sqltypes.AutoString(), nullable=False),
        sa.Column("since", sqltypes.UTCDateTime(), nullable=False),
        sa.Column("numbers", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["clinic"], ["clinic.id"], name=op.f("fk_number_block_clinic")),
        sa.PrimaryKeyConstraint("clinic", "block", name=op.f("pk_number_block")),
    )
    op.create_table(
        "protocol_review",
        sa.Column("clinic", sqltypes.AutoString(), nullable=False),
        sa.Column("protocol", sqltypes.AutoString(), nullable=False),
        sa.Column("locale", sqltypes.AutoString(), nullable=False),
        sa.Column("clinician", sqltypes.AutoString(), nullable=False),
        sa.Column("reader", sqltypes.AutoString(), nullable=False),
        sa.Column(
            "confirmed_at",
            sqltypes.UTCDateTime(),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(["clinic"], ["clinic.id"], name=op.f("fk_protocol_review_clinic")),
        sa.PrimaryKeyConstraint("clinic", "protocol", "locale", name=op.f("pk_protocol_review")),
    )
    op.create_table(
        "refusal",
        sa.Column("clinic", sqltypes.AutoString(), nullable=False),
        sa.Column("digest", sqltypes.AutoString(), nullable=False),
        sa.Column("source", sqltypes.AutoString(), nullable=False),
        sa.Column("event", sqltypes.AutoString(), nullable=False),
        sa.Column("type", sqltypes.AutoString(), nullable=False),
        sa.Column(
            "problems", sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"), nullable=False
        ),
        sa.Column("first_at", sqltypes.UTCDateTime(), nullable=False),
        sa.Column("last_at", sqltypes.UTCDateTime(), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["clinic"], ["clinic.id"], name=op.f("fk_refusal_clinic")),
        sa.PrimaryKeyConstraint("clinic", "digest", name=op.f("pk_refusal")),
    )
    with op.batch_alter_table("refusal", schema=None) as batch_op:
        batch_op.create_index("ix_refusal_last_at", ["last_at"], unique=False)

    op.create_table(
        "refused_words",
        sa.Column("clinic", sqltypes.AutoString(), nullable=False),
        sa.Column("wording", sqltypes.AutoString(), nullable=False),
        sa.Column("attempt", sa.Uuid(), nullable=False),
        sa.Column("at", sqltypes.UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["clinic"], ["clinic.id"], name=op.f("fk_refused_words_clinic")),
        sa.PrimaryKeyConstraint("clinic", "wording", "attempt", name=op.f("pk_refused_words")),
    )
    with op.batch_alter_table("refused_words", schema=None) as batch_op:
        batch_op.create_index("ix_refused_words_age", ["at"], unique=False)

    op.create_table(
        "retention_mark",
        sa.Column("clinic", sqltypes.AutoString(), nullable=False),
        sa.Column("kind", sqltypes.AutoString(), nullable=False),
        sa.Column(
            "reached", sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"), nullable=False
        ),
        sa.Column("look_at", sqltypes.UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["clinic"], ["clinic.id"], name=op.f("fk_retention_mark_clinic")),
        sa.PrimaryKeyConstraint("clinic", "kind", name=op.f("pk_retention_mark")),
    )
    with op.batch_alter_table("retention_mark", schema=None) as batch_op:
        batch_op.create_index("ix_retention_mark_due", ["look_at"], unique=False)

    op.create_table(
        "service_code",
        sa.Column("clinic", sqltypes.AutoString(), nullable=False),
        sa.Column("code", sqltypes.AutoString(), nullable=False),
        sa.Column("protocol", sqltypes.AutoString(), nullable=False),
        sa.ForeignKeyConstraint(["clinic"], ["clinic.id"], name=op.f("fk_service_code_clinic")),
        sa.PrimaryKeyConstraint("clinic", "code", name=op.f("pk_service_code")),
    )
    op.create_table(
        "staff_message",
        sa.Column("clinic", sqltypes.AutoString(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("staff", sqltypes.AutoString(), nullable=False),
        sa.Column("medium", sqltypes.AutoString(), nullable=False),
        sa.Column("kind", sqltypes.AutoString(), nullable=False),
        sa.Column("recipient", sqltypes.AutoString(), nullable=False),
        sa.Column("subject", sqltypes.AutoString(), nullable=False),
        sa.Column("text", sqltypes.AutoString(), nullable=False),
        sa.Column("html", sqltypes.AutoString(), nullable=False),
        sa.Column(
            "about", sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"), nullable=False
        ),
        sa.Column("asked_by", sqltypes.AutoString(), nullable=False),
        sa.Column("created_at", sqltypes.UTCDateTime(), nullable=False),
        sa.Column("due_at", sqltypes.UTCDateTime(), nullable=False),
        sa.Column("expires_at", sqltypes.UTCDateTime(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("state", sqltypes.AutoString(), nullable=False),
        sa.Column("code", sqltypes.AutoString(), nullable=False),
        sa.Column("settled_at", sqltypes.UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["clinic"], ["clinic.id"], name=op.f("fk_staff_message_clinic")),
        sa.PrimaryKeyConstraint("clinic", "id", name=op.f("pk_staff_message")),
    )
    with op.batch_alter_table("staff_message", schema=None) as batch_op:
        batch_op.create_index(
            "ix_staff_message_due",
            ["due_at"],
            unique=False,
            sqlite_where=sa.text("settled_at IS NULL"),
            postgresql_where=sa.text("settled_at IS NULL"),
        )
        batch_op.create_index("ix_staff_message_staff", ["staff", "clinic", "created_at"], unique=False)

    op.create_table(
        "template_current",
        sa.Column("clinic", sqltypes.AutoString(), nullable=False),
        sa.Column("protocol", sqltypes.AutoString(), nullable=False),
        sa.Column("step", sqltypes.AutoString(), nullable=False),
        sa.Column("medium", sqltypes.AutoString(), nullable=False),
        sa.Column("locale", sqltypes.AutoString(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("before", sa.Integer(), nullable=False),
        sa.Column("changed_at", sqltypes.UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["clinic"], ["clinic.id"], name=op.f("fk_template_current_clinic")),
        sa.PrimaryKeyConstraint("clinic", "protocol", "step", "medium", "locale", name=op.f("pk_template_current")),
    )
    op.create_table(
        "template_hold",
        sa.Column("clinic", sqltypes.AutoString(), nullable=False),
        sa.Column("protocol", sqltypes.AutoString(), nullable=False),
        sa.Column("step", sqltypes.AutoString(), nullable=False),
        sa.Column("medium", sqltypes.AutoString(), nullable=False),
        sa.Column("locale", sqltypes.AutoString(), nullable=False),
        sa.Column("author", sqltypes.AutoString(), nullable=False),
        sa.Column("note", sqltypes.AutoString(), nullable=False),
        sa.Column("held_at", sqltypes.UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["clinic"], ["clinic.id"], name=op.f("fk_template_hold_clinic")),
        sa.PrimaryKeyConstraint("clinic", "protocol", "step", "medium", "locale", name=op.f("pk_template_hold")),
    )
    op.create_table(
        "template_seen",
        sa.Column("clinic", sqltypes.AutoString(), nullable=False),
        sa.Column("protocol", sqltypes.AutoString(), nullable=False),
        sa.Column("step", sqltypes.AutoString(), nullable=False),
        sa.Column("medium", sqltypes.AutoString(), nullable=False),
        sa.Column("locale", sqltypes.AutoString(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("seen_at", sqltypes.UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["clinic"], ["clinic.id"], name=op.f("fk_template_seen_clinic")),
        sa.PrimaryKeyConstraint(
            "clinic", "protocol", "step", "medium", "locale", "number", name=op.f("pk_template_seen")
        ),
    )
    op.create_table(
        "template_version",
        sa.Column("clinic", sqltypes.AutoString(), nullable=False),
        sa.Column("protocol", sqltypes.AutoString(), nullable=False),
        sa.Column("step", sqltypes.AutoString(), nullable=False),
        sa.Column("medium", sqltypes.AutoString(), nullable=False),
        sa.Column("locale", sqltypes.AutoString(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", sqltypes.AutoString(), nullable=False),
        sa.Column("based_on", sa.Integer(), nullable=False),
        sa.Column("version", sqltypes.AutoString(), nullable=False),
        sa.Column("source", sqltypes.AutoString(), nullable=False),
        sa.Column(
            "accepted", sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"), nullable=False
        ),
        sa.Column("author", sqltypes.AutoString(), nullable=False),
        sa.Column("note", sqltypes.AutoString(), nullable=False),
        sa.Column("created_at", sqltypes.UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["clinic"], ["clinic.id"], name=op.f("fk_template_version_clinic")),
        sa.PrimaryKeyConstraint(
            "clinic", "protocol", "step", "medium", "locale", "number", name=op.f("pk_template_version")
        ),
    )
    op.create_table(
        "void",
        sa.Column("clinic", sqltypes.AutoString(), nullable=False),
        sa.Column("treatment", sqltypes.AutoString(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=True),
        sa.Column("as_of", sqltypes.UTCDateTime(), nullable=False),
        sa.Column("event_id", sqltypes.AutoString(), nullable=False),
        sa.ForeignKeyConstraint(["clinic"], ["clinic.id"], name=op.f("fk_void_clinic")),
        sa.PrimaryKeyConstraint("clinic", "treatment", name=op.f("pk_void")),
    )
    op.create_table(
        "appointment",
        sa.Column("clinic", sqltypes.AutoString(), nullable=False),
        sa.Column("id", sqltypes.AutoString(), nullable=False),
        sa.Column("client", sqltypes.AutoString(), nullable=True),
        sa.Column("course", sqltypes.AutoString(), nullable=False),
        sa.Column("protocol", sqltypes.AutoString(), nullable=False),
        sa.Column("area", sqltypes.AutoString(), nullable=False),
        sa.Column("starts_at", sqltypes.UTCDateTime(), nullable=True),
        sa.Column("booked_version", sa.BigInteger(), nullable=True),
        sa.Column("booked_at", sqltypes.UTCDateTime(), nullable=True),
        sa.Column("booked_by", sqltypes.AutoString(), nullable=False),
        sa.Column("cancelled_version", sa.BigInteger(), nullable=True),
        sa.Column(
            "cancelled_at",
            sqltypes.UTCDateTime(),
            nullable=True,
        ),
        sa.Column("cancelled_by", sqltypes.AutoString(), nullable=False),
        sa.ForeignKeyConstraint(
            ["clinic", "client"], ["client.clinic", "client.ref"], name=op.f("fk_appointment_client")
        ),
        sa.ForeignKeyConstraint(["clinic"], ["clinic.id"], name=op.f("fk_appointment_clinic")),
        sa.PrimaryKeyConstraint("clinic", "id", name=op.f("pk_appointment")),
    )
    with op.batch_alter_table("appointment", schema=None) as batch_op:
        batch_op.create_index("ix_appointment_client", ["client", "clinic"], unique=False)

    op.create_table(
        "replan",
        sa.Column("clinic", sqltypes.AutoString(), nullable=False),
        sa.Column("client", sqltypes.AutoString(), nullable=False),
        sa.Column("since", sqltypes.UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["clinic", "client"], ["client.clinic", "client.ref"], name=op.f("fk_replan_client")),
        sa.PrimaryKeyConstraint("clinic", "client", name=op.f("pk_replan")),
    )
    op.create_table(
        "sender_watch",
        sa.Column("clinic", sqltypes.AutoString(), nullable=False),
        sa.Column("sender", sqltypes.AutoString(), nullable=False),
        sa.Column("heard_at", sqltypes.UTCDateTime(), nullable=True),
        sa.Column("trouble", sqltypes.AutoString(), nullable=False),
        sa.Column(
            "trouble_since",
            sqltypes.UTCDateTime(),
            nullable=True,
        ),
        sa.Column("probes", sa.Integer(), nullable=False),
        sa.Column("look_at", sqltypes.UTCDateTime(), nullable=True),
        sa.Column("check_since", sqltypes.UTCDateTime(), nullable=True),
        sa.Column("texts_until", sqltypes.UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["clinic", "sender"], ["sender.clinic", "sender.id"], name=op.f("fk_sender_watch_sender")
        ),
        sa.PrimaryKeyConstraint("clinic", "sender", name=op.f("pk_sender_watch")),
    )
    with op.batch_alter_table("sender_watch", schema=None) as batch_op:
        batch_op.create_index(
            "ix_sender_watch_check",
            ["check_since"],
            unique=False,
            sqlite_where=sa.text("check_since IS NOT NULL"),
            postgresql_where=sa.text("check_since IS NOT NULL"),
        )
        batch_op.create_index(
            "ix_sender_watch_trouble",
            ["look_at"],
            unique=False,
            sqlite_where=sa.text("trouble != ''"),
            postgresql_where=sa.text("trouble != ''"),
        )

    op.create_table(
        "staff_address",
        sa.Column("clinic", sqltypes.AutoString(), nullable=False),
        sa.Column("staff", sqltypes.AutoString(), nullable=False),
        sa.Column("medium", sqltypes.AutoString(), nullable=False),
        sa.Column("address", sqltypes.AutoString(), nullable=False),
        sa.Column(
            "confirmed_at",
            sqltypes.UTCDateTime(),
            nullable=True,
        ),
        sa.Column("proof", sqltypes.AutoString(), nullable=False),
        sa.Column("code_digest", sqltypes.AutoString(), nullable=False),
        sa.Column(
            "code_expires_at",
            sqltypes.UTCDateTime(),
            nullable=True,
        ),
        sa.Column("code_tries", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["clinic", "staff"], ["staff.clinic", "staff.id"], name=op.f("fk_staff_address_staff")),
        sa.ForeignKeyConstraint(["clinic"], ["clinic.id"], name=op.f("fk_staff_address_clinic")),
        sa.PrimaryKeyConstraint("clinic", "staff", "medium", name=op.f("pk_staff_address")),
    )
    op.create_table(
        "reply",
        sa.Column("clinic", sqltypes.AutoString(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("provider_id", sqltypes.AutoString(), nullable=False),
        sa.Column("sender", sqltypes.AutoString(), nullable=False),
        sa.Column("address", sqltypes.AutoString(), nullable=False),
        sa.Column("text", sqltypes.AutoString(), nullable=False),
        sa.Column("media", sa.Integer(), nullable=False),
        sa.Column("kind", sqltypes.AutoString(), nullable=False),
        sa.Column("more", sa.Boolean(), nullable=False),
        sa.Column("client", sqltypes.AutoString(), nullable=True),
        sa.Column("reminder", sa.Uuid(), nullable=True),
        sa.Column(
            "received_at",
            sqltypes.UTCDateTime(),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(["clinic", "client"], ["client.clinic", "client.ref"], name=op.f("fk_reply_client")),
        sa.ForeignKeyConstraint(
            ["clinic", "reminder"], ["reminder.clinic", "reminder.id"], name=op.f("fk_reply_reminder")
        ),
        sa.ForeignKeyConstraint(["clinic"], ["clinic.id"], name=op.f("fk_reply_clinic")),
        sa.PrimaryKeyConstraint("clinic", "id", name=op.f("pk_reply")),
        sa.UniqueConstraint("provider_id", "clinic", name="uq_reply_once"),
    )
    with op.batch_alter_table("reply", schema=None) as batch_op:
        batch_op.create_index("ix_reply_address", ["address", "clinic"], unique=False)
        batch_op.create_index("ix_reply_client", ["client", "clinic", "received_at"], unique=False)

    with op.batch_alter_table("api_key", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column(
                "last_used_at",
                sqltypes.UTCDateTime(),
                nullable=True,
            )
        )

    with op.batch_alter_table("client", schema=None) as batch_op:
        batch_op.add_column(sa.Column("locale_chosen", sqltypes.AutoString(), server_default="", nullable=False))
        batch_op.add_column(
            sa.Column(
                "paused_until",
                sqltypes.UTCDateTime(),
                nullable=True,
            )
        )
        batch_op.add_column(sa.Column("as_of_event", sqltypes.AutoString(), server_default="", nullable=False))
        batch_op.add_column(
            sa.Column(
                "told",
                sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"),
                server_default="{}",
                nullable=False,
            )
        )
        batch_op.add_column(sa.Column("has_booked", sa.Boolean(), server_default="0", nullable=False))
        batch_op.add_column(
            sa.Column(
                "erased_at",
                sqltypes.UTCDateTime(),
                nullable=True,
            )
        )

    with op.batch_alter_table("clinic", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column(
                "sms_countries",
                sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"),
                server_default="[]",
                nullable=False,
            )
        )
        batch_op.add_column(sa.Column("words_stamp", sa.Integer(), server_default="0", nullable=False))
        batch_op.add_column(
            sa.Column(
                "paused_at",
                sqltypes.UTCDateTime(),
                nullable=True,
            )
        )

    with op.batch_alter_table("decision", schema=None) as batch_op:
        batch_op.add_column(sa.Column("event", sqltypes.AutoString(), nullable=True))
        batch_op.create_index(
            "ix_decision_event",
            ["event", "clinic"],
            unique=False,
            sqlite_where=sa.text("event IS NOT NULL"),
            postgresql_where=sa.text("event IS NOT NULL"),
        )

    with op.batch_alter_table("event", schema=None) as batch_op:
        batch_op.add_column(sa.Column("client", sqltypes.AutoString(), server_default="", nullable=False))
        batch_op.create_index("ix_event_client", ["client", "clinic"], unique=False)

    with op.batch_alter_table("recipient", schema=None) as batch_op:
        batch_op.add_column(sa.Column("shared", sa.Boolean(), server_default="0", nullable=False))

    with op.batch_alter_table("reminder", schema=None) as batch_op:
        batch_op.add_column(sa.Column("called_off", sqltypes.AutoString(), server_default="", nullable=False))
        batch_op.create_index(
            "ix_reminder_urgent",
            ["clinic", "sender", "expires_at", "due_at"],
            unique=False,
            sqlite_where=sa.text("state = 'scheduled'"),
            postgresql_where=sa.text("state = 'scheduled'"),
        )

    with op.batch_alter_table("sender", schema=None) as batch_op:
        batch_op.add_column(sa.Column("daily_cap", sa.Integer(), nullable=True))
        batch_op.add_column(
            sa.Column(
                "day_began_at",
                sqltypes.UTCDateTime(),
                nullable=True,
            )
        )
        batch_op.add_column(sa.Column("day_spent", sa.Integer(), server_default="0", nullable=False))

    with op.batch_alter_table("staff", schema=None) as batch_op:
        batch_op.add_column(sa.Column("name", sqltypes.AutoString(), server_default="", nullable=False))
        batch_op.add_column(
            sa.Column(
                "signed_out_at",
                sqltypes.UTCDateTime(),
                nullable=True,
            )
        )

    with op.batch_alter_table("treatment", schema=None) as batch_op:
        batch_op.create_index("ix_treatment_client", ["client", "clinic", "ended_at"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("treatment", schema=None) as batch_op:
        batch_op.drop_index("ix_treatment_client")

    with op.batch_alter_table("staff", schema=None) as batch_op:
        batch_op.drop_column("signed_out_at")
        batch_op.drop_column("name")

    with op.batch_alter_table("sender", schema=None) as batch_op:
        batch_op.drop_column("day_spent")
        batch_op.drop_column("day_began_at")
        batch_op.drop_column("daily_cap")

    with op.batch_alter_table("reminder", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_reminder_urgent",
            sqlite_where=sa.text("state = 'scheduled'"),
            postgresql_where=sa.text("state = 'scheduled'"),
        )
        batch_op.drop_column("called_off")

    with op.batch_alter_table("recipient", schema=None) as batch_op:
        batch_op.drop_column("shared")

    with op.batch_alter_table("event", schema=None) as batch_op:
        batch_op.drop_index("ix_event_client")
        batch_op.drop_column("client")

    with op.batch_alter_table("decision", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_decision_event",
            sqlite_where=sa.text("event IS NOT NULL"),
            postgresql_where=sa.text("event IS NOT NULL"),
        )
        batch_op.drop_column("event")

    with op.batch_alter_table("clinic", schema=None) as batch_op:
        batch_op.drop_column("paused_at")
        batch_op.drop_column("words_stamp")
        batch_op.drop_column("sms_countries")

    with op.batch_alter_table("client", schema=None) as batch_op:
        batch_op.drop_column("erased_at")
        batch_op.drop_column("has_booked")
        batch_op.drop_column("told")
        batch_op.drop_column("as_of_event")
        batch_op.drop_column("paused_until")
        batch_op.drop_column("locale_chosen")

    with op.batch_alter_table("api_key", schema=None) as batch_op:
        batch_op.drop_column("last_used_at")

    with op.batch_alter_table("reply", schema=None) as batch_op:
        batch_op.drop_index("ix_reply_client")
        batch_op.drop_index("ix_reply_address")

    op.drop_table("reply")
    op.drop_table("staff_address")
    with op.batch_alter_table("sender_watch", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_sender_watch_trouble", sqlite_where=sa.text("trouble != ''"), postgresql_where=sa.text("trouble != ''")
        )
        batch_op.drop_index(
            "ix_sender_watch_check",
            sqlite_where=sa.text("check_since IS NOT NULL"),
            postgresql_where=sa.text("check_since IS NOT NULL"),
        )

    op.drop_table("sender_watch")
    op.drop_table("replan")
    with op.batch_alter_table("appointment", schema=None) as batch_op:
        batch_op.drop_index("ix_appointment_client")

    op.drop_table("appointment")
    op.drop_table("void")
    op.drop_table("template_version")
    op.drop_table("template_seen")
    op.drop_table("template_hold")
    op.drop_table("template_current")
    with op.batch_alter_table("staff_message", schema=None) as batch_op:
        batch_op.drop_index("ix_staff_message_staff")
        batch_op.drop_index(
            "ix_staff_message_due",
            sqlite_where=sa.text("settled_at IS NULL"),
            postgresql_where=sa.text("settled_at IS NULL"),
        )

    op.drop_table("staff_message")
    op.drop_table("service_code")
    with op.batch_alter_table("retention_mark", schema=None) as batch_op:
        batch_op.drop_index("ix_retention_mark_due")

    op.drop_table("retention_mark")
    with op.batch_alter_table("refused_words", schema=None) as batch_op:
        batch_op.drop_index("ix_refused_words_age")

    op.drop_table("refused_words")
    with op.batch_alter_table("refusal", schema=None) as batch_op:
        batch_op.drop_index("ix_refusal_last_at")

    op.drop_table("refusal")
    op.drop_table("protocol_review")
    op.drop_table("number_block")
    with op.batch_alter_table("kept_answer", schema=None) as batch_op:
        batch_op.drop_index("ix_kept_answer_begun_at")

    op.drop_table("kept_answer")
    with op.batch_alter_table("audit", schema=None) as batch_op:
        batch_op.drop_index("ix_audit_client")

    op.drop_table("audit")
    with op.batch_alter_table("alert", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_alert_waiting", sqlite_where=sa.text("sent_at IS NULL"), postgresql_where=sa.text("sent_at IS NULL")
        )
        batch_op.drop_index(
            "ix_alert_due", sqlite_where=sa.text("sent_at IS NULL"), postgresql_where=sa.text("sent_at IS NULL")
        )
        batch_op.drop_index("ix_alert_about")

    op.drop_table("alert")
    op.drop_table("zone_rules")
    op.drop_table("poll")
    with op.batch_alter_table("parked_receipt", schema=None) as batch_op:
        batch_op.drop_index("ix_parked_receipt_age")

    op.drop_table("parked_receipt")
