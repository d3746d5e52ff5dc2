"""The first schema: clinics, clients, courses, events, reminders, attempts and what was decided."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql
from sqlmodel.sql import sqltypes

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "clinic",
        sa.Column("id", sqltypes.AutoString(), nullable=False),
        sa.Column("name", sqltypes.AutoString(), nullable=False),
        sa.Column("time_zone", sqltypes.AutoString(), nullable=False),
        sa.Column("locale", sqltypes.AutoString(), nullable=False),
        sa.Column("country", sqltypes.AutoString(), nullable=False),
        sa.Column("address", sqltypes.AutoString(), nullable=False),
        sa.Column("phone", sqltypes.AutoString(), nullable=False),
        sa.Column("urgent_phone", sqltypes.AutoString(), nullable=False),
        sa.Column("booking_url", sqltypes.AutoString(), nullable=False),
        sa.Column("alert_email", sqltypes.AutoString(), nullable=False),
        sa.Column("care_consent", sqltypes.AutoString(), nullable=False),
        sa.Column("quiet_start", sqltypes.AutoString(), nullable=False),
        sa.Column("quiet_end", sqltypes.AutoString(), nullable=False),
        sa.Column("quiet_email", sa.Boolean(), nullable=False),
        sa.Column(
            "brand", sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"), nullable=False
        ),
        sa.Column("created_at", sqltypes.UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clinic")),
    )
    op.create_table(
        "schema_info",
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("minimum_code", sqltypes.AutoString(), nullable=False),
        sa.Column("applied_at", sqltypes.UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("revision", name=op.f("pk_schema_info")),
    )
    op.create_table(
        "worker",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("started_at", sqltypes.UTCDateTime(), nullable=False),
        sa.Column("seen_at", sqltypes.UTCDateTime(), nullable=False),
        sa.Column("stopped_at", sqltypes.UTCDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_worker")),
    )
    op.create_table(
        "api_key",
        sa.Column("clinic", sqltypes.AutoString(), nullable=False),
        sa.Column("prefix", sqltypes.AutoString(), nullable=False),
        sa.Column("digest", sqltypes.AutoString(), nullable=False),
        sa.Column("scopes", sqltypes.AutoString(), nullable=False),
        sa.Column("created_at", sqltypes.UTCDateTime(), nullable=False),
        sa.Column("expires_at", sqltypes.UTCDateTime(), nullable=True),
        sa.Column("revoked_at", sqltypes.UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["clinic"], ["clinic.id"], name=op.f("fk_api_key_clinic")),
        sa.PrimaryKeyConstraint("clinic", "prefix", name=op.f("pk_api_key")),
        sa.UniqueConstraint("digest", name=op.f("uq_api_key_digest")),
    )
    op.create_table(
        "client",
        sa.Column("clinic", sqltypes.AutoString(), nullable=False),
        sa.Column("ref", sqltypes.AutoString(), nullable=False),
        sa.Column("first_name", sqltypes.AutoString(), nullable=False),
        sa.Column("phone", sqltypes.AutoString(), nullable=True),
        sa.Column("phone_given", sqltypes.AutoString(), nullable=False),
        sa.Column("phone_problem", sqltypes.AutoString(), nullable=False),
        sa.Column("email", sqltypes.AutoString(), nullable=True),
        sa.Column("email_given", sqltypes.AutoString(), nullable=False),
        sa.Column("email_problem", sqltypes.AutoString(), nullable=False),
        sa.Column("time_zone", sqltypes.AutoString(), nullable=False),
        sa.Column("locale", sqltypes.AutoString(), nullable=False),
        sa.Column("sms_stopped_at", sqltypes.UTCDateTime(), nullable=True),
        sa.Column("email_stopped_at", sqltypes.UTCDateTime(), nullable=True),
        sa.Column("as_of", sqltypes.UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["clinic"], ["clinic.id"], name=op.f("fk_client_clinic")),
        sa.PrimaryKeyConstraint("clinic", "ref", name=op.f("pk_client")),
    )
    with op.batch_alter_table("client", schema=None) as batch_op:
        batch_op.create_index(
            "ix_client_email",
            ["clinic", "email"],
            unique=False,
            sqlite_where=sa.text("email IS NOT NULL"),
            postgresql_where=sa.text("email IS NOT NULL"),
        )
        batch_op.create_index(
            "ix_client_phone",
            ["clinic", "phone"],
            unique=False,
            sqlite_where=sa.text("phone IS NOT NULL"),
            postgresql_where=sa.text("phone IS NOT NULL"),
        )

    op.create_table(
        "event",
        sa.Column("clinic", sqltypes.AutoString(), nullable=False),
        sa.Column("source", sqltypes.AutoString(), nullable=False),
        sa.Column("id", sqltypes.AutoString(), nullable=False),
        sa.Column("type", sqltypes.AutoString(), nullable=False),
        sa.Column("time", sqltypes.UTCDateTime(), nullable=False),
        sa.Column("received_at", sqltypes.UTCDateTime(), nullable=False),
        sa.Column("digest", sqltypes.AutoString(), nullable=False),
        sa.Column(
            "body", sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"), nullable=False
        ),
        sa.Column("treatment", sqltypes.AutoString(), nullable=False),
        sa.Column("state", sqltypes.AutoString(), nullable=False),
        sa.ForeignKeyConstraint(["clinic"], ["clinic.id"], name=op.f("fk_event_clinic")),
        sa.PrimaryKeyConstraint("clinic", "source", "id", name=op.f("pk_event")),
    )
    with op.batch_alter_table("event", schema=None) as batch_op:
        batch_op.create_index("ix_event_treatment", ["treatment", "clinic"], unique=False)
        batch_op.create_index(
            "ix_event_unmapped",
            ["clinic", "received_at"],
            unique=False,
            sqlite_where=sa.text("state = 'unmapped'"),
            postgresql_where=sa.text("state = 'unmapped'"),
        )

    op.create_table(
        "import_run",
        sa.Column("clinic", sqltypes.AutoString(), nullable=False),
        sa.Column("digest", sqltypes.AutoString(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("offset", sa.BigInteger(), nullable=False),
        sa.Column("taken", sa.Integer(), nullable=False),
        sa.Column("repeated", sa.Integer(), nullable=False),
        sa.Column("rejected", sa.Integer(), nullable=False),
        sa.Column("updated_at", sqltypes.UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["clinic"], ["clinic.id"], name=op.f("fk_import_run_clinic")),
        sa.PrimaryKeyConstraint("clinic", "digest", name=op.f("pk_import_run")),
    )
    op.create_table(
        "location",
        sa.Column("clinic", sqltypes.AutoString(), nullable=False),
        sa.Column("id", sqltypes.AutoString(), nullable=False),
        sa.Column("name", sqltypes.AutoString(), nullable=False),
        sa.Column("time_zone", sqltypes.AutoString(), nullable=False),
        sa.Column("address", sqltypes.AutoString(), nullable=False),
        sa.Column("phone", sqltypes.AutoString(), nullable=False),
        sa.Column("urgent_phone", sqltypes.AutoString(), nullable=False),
        sa.Column("booking_url", sqltypes.AutoString(), nullable=False),
        sa.ForeignKeyConstraint(["clinic"], ["clinic.id"], name=op.f("fk_location_clinic")),
        sa.PrimaryKeyConstraint("clinic", "id", name=op.f("pk_location")),
    )
    op.create_table(
        "recipient",
        sa.Column("clinic", sqltypes.AutoString(), nullable=False),
        sa.Column("medium", sqltypes.AutoString(), nullable=False),
        sa.Column("address", sqltypes.AutoString(), nullable=False),
        sa.Column("suppressed_at", sqltypes.UTCDateTime(), nullable=True),
        sa.Column("suppressed_reason", sqltypes.AutoString(), nullable=False),
        sa.Column("unusable_at", sqltypes.UTCDateTime(), nullable=True),
        sa.Column("unusable_reason", sqltypes.AutoString(), nullable=False),
        sa.Column("created_at", sqltypes.UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["clinic"], ["clinic.id"], name=op.f("fk_recipient_clinic")),
        sa.PrimaryKeyConstraint("clinic", "medium", "address", name=op.f("pk_recipient")),
    )
    op.create_table(
        "sender",
        sa.Column("clinic", sqltypes.AutoString(), nullable=False),
        sa.Column("id", sqltypes.AutoString(), nullable=False),
        sa.Column("medium", sqltypes.AutoString(), nullable=False),
        sa.Column("address", sqltypes.AutoString(), nullable=False),
        sa.Column("name", sqltypes.AutoString(), nullable=False),
        sa.Column("messaging_service", sqltypes.AutoString(), nullable=False),
        sa.Column("rate", sa.Float(), nullable=False),
        sa.Column("tokens", sa.Float(), nullable=False),
        sa.Column("tokens_at", sqltypes.UTCDateTime(), nullable=False),
        sa.Column("next_due_at", sqltypes.UTCDateTime(), nullable=True),
        sa.Column("open_at", sqltypes.UTCDateTime(), nullable=False),
        sa.Column("turn_at", sqltypes.UTCDateTime(), nullable=False),
        sa.Column("paused_at", sqltypes.UTCDateTime(), nullable=True),
        sa.Column("paused_reason", sqltypes.AutoString(), nullable=False),
        sa.ForeignKeyConstraint(["clinic"], ["clinic.id"], name=op.f("fk_sender_clinic")),
        sa.PrimaryKeyConstraint("clinic", "id", name=op.f("pk_sender")),
    )
    with op.batch_alter_table("sender", schema=None) as batch_op:
        batch_op.create_index(
            "ix_sender_open",
            ["next_due_at"],
            unique=False,
            sqlite_where=sa.text("paused_at IS NULL AND next_due_at IS NOT NULL"),
            postgresql_where=sa.text("paused_at IS NULL AND next_due_at IS NOT NULL"),
        )

    op.create_table(
        "staff",
        sa.Column("clinic", sqltypes.AutoString(), nullable=False),
        sa.Column("id", sqltypes.AutoString(), nullable=False),
        sa.Column("role", sqltypes.AutoString(), nullable=False),
        sa.Column("created_at", sqltypes.UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["clinic"], ["clinic.id"], name=op.f("fk_staff_clinic")),
        sa.PrimaryKeyConstraint("clinic", "id", name=op.f("pk_staff")),
    )
    op.create_table(
        "wording",
        sa.Column("clinic", sqltypes.AutoString(), nullable=False),
        sa.Column("version", sqltypes.AutoString(), nullable=False),
        sa.Column("protocol", sqltypes.AutoString(), nullable=False),
        sa.Column("step", sqltypes.AutoString(), nullable=False),
        sa.Column("medium", sqltypes.AutoString(), nullable=False),
        sa.Column("locale", sqltypes.AutoString(), nullable=False),
        sa.Column("source", sqltypes.AutoString(), nullable=False),
        sa.Column("first_used_at", sqltypes.UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["clinic"], ["clinic.id"], name=op.f("fk_wording_clinic")),
        sa.PrimaryKeyConstraint("clinic", "version", name=op.f("pk_wording")),
    )
    op.create_table(
        "consent",
        sa.Column("clinic", sqltypes.AutoString(), nullable=False),
        sa.Column("client", sqltypes.AutoString(), nullable=False),
        sa.Column("medium", sqltypes.AutoString(), nullable=False),
        sa.Column("purpose", sqltypes.AutoString(), nullable=False),
        sa.Column("granted", sa.Boolean(), nullable=False),
        sa.Column("source", sqltypes.AutoString(), nullable=False),
        sa.Column("at", sqltypes.UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["clinic", "client"], ["client.clinic", "client.ref"], name=op.f("fk_consent_client")),
        sa.PrimaryKeyConstraint("clinic", "client", "medium", "purpose", name=op.f("pk_consent")),
    )
    op.create_table(
        "course",
        sa.Column("clinic", sqltypes.AutoString(), nullable=False),
        sa.Column("id", sqltypes.AutoString(), nullable=False),
        sa.Column("client", sqltypes.AutoString(), nullable=False),
        sa.Column("protocol", sqltypes.AutoString(), nullable=False),
        sa.Column("area", sqltypes.AutoString(), nullable=False),
        sa.Column("created_at", sqltypes.UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["clinic", "client"], ["client.clinic", "client.ref"], name=op.f("fk_course_client")),
        sa.PrimaryKeyConstraint("clinic", "id", name=op.f("pk_course")),
    )
    with op.batch_alter_table("course", schema=None) as batch_op:
        batch_op.create_index("ix_course_client", ["client", "clinic"], unique=False)

    op.create_table(
        "sign_in",
        sa.Column("clinic", sqltypes.AutoString(), nullable=False),
        sa.Column("digest", sqltypes.AutoString(), nullable=False),
        sa.Column("staff", sqltypes.AutoString(), nullable=False),
        sa.Column("expires_at", sqltypes.UTCDateTime(), nullable=False),
        sa.Column("used_at", sqltypes.UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["clinic", "staff"], ["staff.clinic", "staff.id"], name=op.f("fk_sign_in_staff")),
        sa.PrimaryKeyConstraint("clinic", "digest", name=op.f("pk_sign_in")),
    )
    op.create_table(
        "treatment",
        sa.Column("clinic", sqltypes.AutoString(), nullable=False),
        sa.Column("id", sqltypes.AutoString(), nullable=False),
        sa.Column("client", sqltypes.AutoString(), nullable=False),
        sa.Column("course", sqltypes.AutoString(), nullable=False),
        sa.Column("protocol", sqltypes.AutoString(), nullable=False),
        sa.Column("kind", sqltypes.AutoString(), nullable=False),
        sa.Column("session", sa.Integer(), nullable=True),
        sa.Column("of", sa.Integer(), nullable=True),
        sa.Column("area", sqltypes.AutoString(), nullable=False),
        sa.Column("location", sqltypes.AutoString(), nullable=False),
        sa.Column("provider", sqltypes.AutoString(), nullable=False),
        sa.Column("note", sqltypes.AutoString(), nullable=False),
        sa.Column("ended_at", sqltypes.UTCDateTime(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=True),
        sa.Column("as_of", sqltypes.UTCDateTime(), nullable=False),
        sa.Column("event_source", sqltypes.AutoString(), nullable=False),
        sa.Column("event_id", sqltypes.AutoString(), nullable=False),
        sa.Column("state", sqltypes.AutoString(), nullable=False),
        sa.ForeignKeyConstraint(
            ["clinic", "client"], ["client.clinic", "client.ref"], name=op.f("fk_treatment_client")
        ),
        sa.ForeignKeyConstraint(["clinic", "course"], ["course.clinic", "course.id"], name=op.f("fk_treatment_course")),
        sa.PrimaryKeyConstraint("clinic", "id", name=op.f("pk_treatment")),
    )
    with op.batch_alter_table("treatment", schema=None) as batch_op:
        batch_op.create_index("ix_treatment_course", ["course", "clinic"], unique=False)
        batch_op.create_index(
            "ix_treatment_recent",
            ["clinic", "ended_at"],
            unique=False,
            sqlite_where=sa.text("state = 'planned'"),
            postgresql_where=sa.text("state = 'planned'"),
        )

    op.create_table(
        "reminder",
        sa.Column("clinic", sqltypes.AutoString(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("treatment", sqltypes.AutoString(), nullable=False),
        sa.Column("client", sqltypes.AutoString(), nullable=False),
        sa.Column("step", sqltypes.AutoString(), nullable=False),
        sa.Column("occurrence", sa.Integer(), nullable=False),
        sa.Column("protocol", sqltypes.AutoString(), nullable=False),
        sa.Column("purpose", sqltypes.AutoString(), nullable=False),
        sa.Column("topic", sqltypes.AutoString(), nullable=False),
        sa.Column("media", sqltypes.AutoString(), nullable=False),
        sa.Column("medium", sqltypes.AutoString(), nullable=False),
        sa.Column("sender", sqltypes.AutoString(), nullable=True),
        sa.Column("send_mode", sqltypes.AutoString(), nullable=False),
        sa.Column("quiet", sqltypes.AutoString(), nullable=False),
        sa.Column("if_unknown", sqltypes.AutoString(), nullable=False),
        sa.Column("asks", sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"), nullable=True),
        sa.Column("intended_at", sqltypes.UTCDateTime(), nullable=False),
        sa.Column("due_at", sqltypes.UTCDateTime(), nullable=False),
        sa.Column("expires_at", sqltypes.UTCDateTime(), nullable=False),
        sa.Column("zone", sqltypes.AutoString(), nullable=False),
        sa.Column("local_time", sqltypes.AutoString(), nullable=False),
        sa.Column("state", sqltypes.AutoString(), nullable=False),
        sa.Column("reason", sqltypes.AutoString(), nullable=False),
        sa.Column("by", sqltypes.AutoString(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("lease_until", sqltypes.UTCDateTime(), nullable=True),
        sa.Column("updated_at", sqltypes.UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["clinic", "treatment"], ["treatment.clinic", "treatment.id"], name=op.f("fk_reminder_treatment")
        ),
        sa.PrimaryKeyConstraint("clinic", "id", name=op.f("pk_reminder")),
        sa.UniqueConstraint("treatment", "step", "occurrence", "clinic", name="uq_reminder_once"),
    )
    with op.batch_alter_table("reminder", schema=None) as batch_op:
        batch_op.create_index("ix_reminder_client", ["client", "clinic", "due_at"], unique=False)
        batch_op.create_index(
            "ix_reminder_expiry",
            ["expires_at"],
            unique=False,
            sqlite_where=sa.text("state IN ('scheduled', 'sending')"),
            postgresql_where=sa.text("state IN ('scheduled', 'sending')"),
        )
        batch_op.create_index(
            "ix_reminder_lane",
            ["clinic", "sender", "due_at"],
            unique=False,
            sqlite_where=sa.text("state = 'scheduled'"),
            postgresql_where=sa.text("state = 'scheduled'"),
        )
        batch_op.create_index(
            "ix_reminder_lease",
            ["lease_until"],
            unique=False,
            sqlite_where=sa.text("state = 'sending'"),
            postgresql_where=sa.text("state = 'sending'"),
        )
        batch_op.create_index(
            "ix_reminder_trouble",
            ["clinic", "updated_at"],
            unique=False,
            sqlite_where=sa.text("state IN ('needs_review', 'failed', 'undelivered', 'expired')"),
            postgresql_where=sa.text("state IN ('needs_review', 'failed', 'undelivered', 'expired')"),
        )

    op.create_table(
        "attempt",
        sa.Column("clinic", sqltypes.AutoString(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("reminder", sa.Uuid(), nullable=False),
        sa.Column("token", sqltypes.AutoString(), nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("medium", sqltypes.AutoString(), nullable=False),
        sa.Column("sender", sqltypes.AutoString(), nullable=False),
        sa.Column("recipient", sqltypes.AutoString(), nullable=False),
        sa.Column("wording", sqltypes.AutoString(), nullable=False),
        sa.Column("locale", sqltypes.AutoString(), nullable=False),
        sa.Column(
            "pinned", sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"), nullable=False
        ),
        sa.Column("body_hash", sqltypes.AutoString(), nullable=False),
        sa.Column("segments", sa.Integer(), nullable=False),
        sa.Column("state", sqltypes.AutoString(), nullable=False),
        sa.Column("provider_id", sqltypes.AutoString(), nullable=True),
        sa.Column("failure", sqltypes.AutoString(), nullable=False),
        sa.Column("code", sqltypes.AutoString(), nullable=False),
        sa.Column("created_at", sqltypes.UTCDateTime(), nullable=False),
        sa.Column("lease_until", sqltypes.UTCDateTime(), nullable=False),
        sa.Column("settled_at", sqltypes.UTCDateTime(), nullable=True),
        sa.Column("receipt_at", sqltypes.UTCDateTime(), nullable=True),
        sa.Column("look_up_at", sqltypes.UTCDateTime(), nullable=True),
        sa.Column(
            "evidence", sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"), nullable=True
        ),
        sa.ForeignKeyConstraint(
            ["clinic", "reminder"], ["reminder.clinic", "reminder.id"], name=op.f("fk_attempt_reminder")
        ),
        sa.PrimaryKeyConstraint("clinic", "id", name=op.f("pk_attempt")),
        sa.UniqueConstraint("token", name=op.f("uq_attempt_token")),
    )
    with op.batch_alter_table("attempt", schema=None) as batch_op:
        batch_op.create_index(
            "ix_attempt_lease",
            ["lease_until"],
            unique=False,
            sqlite_where=sa.text("state = 'sending'"),
            postgresql_where=sa.text("state = 'sending'"),
        )
        batch_op.create_index(
            "ix_attempt_open",
            ["settled_at"],
            unique=False,
            sqlite_where=sa.text("state IN ('accepted', 'sent')"),
            postgresql_where=sa.text("state IN ('accepted', 'sent')"),
        )
        batch_op.create_index(
            "ix_attempt_provider",
            ["provider_id"],
            unique=False,
            sqlite_where=sa.text("provider_id IS NOT NULL"),
            postgresql_where=sa.text("provider_id IS NOT NULL"),
        )
        batch_op.create_index("ix_attempt_reminder", ["reminder", "clinic"], unique=False)
        batch_op.create_index(
            "ix_attempt_unknown",
            ["look_up_at"],
            unique=False,
            sqlite_where=sa.text("state = 'unknown'"),
            postgresql_where=sa.text("state = 'unknown'"),
        )

    op.create_table(
        "decision",
        sa.Column("clinic", sqltypes.AutoString(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("reminder", sa.Uuid(), nullable=False),
        sa.Column("at", sqltypes.UTCDateTime(), nullable=False),
        sa.Column("code", sqltypes.AutoString(), nullable=False),
        sa.Column("by", sqltypes.AutoString(), nullable=False),
        sa.Column(
            "detail", sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"), nullable=False
        ),
        sa.ForeignKeyConstraint(
            ["clinic", "reminder"], ["reminder.clinic", "reminder.id"], name=op.f("fk_decision_reminder")
        ),
        sa.PrimaryKeyConstraint("clinic", "id", name=op.f("pk_decision")),
    )
    with op.batch_alter_table("decision", schema=None) as batch_op:
        batch_op.create_index("ix_decision_reminder", ["reminder", "clinic", "at"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("decision", schema=None) as batch_op:
        batch_op.drop_index("ix_decision_reminder")

    op.drop_table("decision")
    with op.batch_alter_table("attempt", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_attempt_unknown",
            sqlite_where=sa.text("state = 'unknown'"),
            postgresql_where=sa.text("state = 'unknown'"),
        )
        batch_op.drop_index("ix_attempt_reminder")
        batch_op.drop_index(
            "ix_attempt_provider",
            sqlite_where=sa.text("provider_id IS NOT NULL"),
            postgresql_where=sa.text("provider_id IS NOT NULL"),
        )
        batch_op.drop_index(
            "ix_attempt_open",
            sqlite_where=sa.text("state IN ('accepted', 'sent')"),
            postgresql_where=sa.text("state IN ('accepted', 'sent')"),
        )
        batch_op.drop_index(
            "ix_attempt_lease", sqlite_where=sa.text("state = 'sending'"), postgresql_where=sa.text("state = 'sending'")
        )

    op.drop_table("attempt")
    with op.batch_alter_table("reminder", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_reminder_trouble",
            sqlite_where=sa.text("state IN ('needs_review', 'failed', 'undelivered', 'expired')"),
            postgresql_where=sa.text("state IN ('needs_review', 'failed', 'undelivered', 'expired')"),
        )
        batch_op.drop_index(
            "ix_reminder_lease",
            sqlite_where=sa.text("state = 'sending'"),
            postgresql_where=sa.text("state = 'sending'"),
        )
        batch_op.drop_index(
            "ix_reminder_lane",
            sqlite_where=sa.text("state = 'scheduled'"),
            postgresql_where=sa.text("state = 'scheduled'"),
        )
        batch_op.drop_index(
            "ix_reminder_expiry",
            sqlite_where=sa.text("state IN ('scheduled', 'sending')"),
            postgresql_where=sa.text("state IN ('scheduled', 'sending')"),
        )
        batch_op.drop_index("ix_reminder_client")

    op.drop_table("reminder")
    with op.batch_alter_table("treatment", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_treatment_recent",
            sqlite_where=sa.text("state = 'planned'"),
            postgresql_where=sa.text("state = 'planned'"),
        )
        batch_op.drop_index("ix_treatment_course")

    op.drop_table("treatment")
    op.drop_table("sign_in")
    with op.batch_alter_table("course", schema=None) as batch_op:
        batch_op.drop_index("ix_course_client")

    op.drop_table("course")
    op.drop_table("consent")
    op.drop_table("wording")
    op.drop_table("staff")
    with op.batch_alter_table("sender", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_sender_open",
            sqlite_where=sa.text("paused_at IS NULL AND next_due_at IS NOT NULL"),
            postgresql_where=sa.text("paused_at IS NULL AND next_due_at IS NOT NULL"),
        )

    op.drop_table("sender")
    op.drop_table("recipient")
    op.drop_table("location")
    op.drop_table("import_run")
    with op.batch_alter_table("event", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_event_unmapped",
            sqlite_where=sa.text("state = 'unmapped'"),
            postgresql_where=sa.text("state = 'unmapped'"),
        )
        batch_op.drop_index("ix_event_treatment")

    op.drop_table("event")
    with op.batch_alter_table("client", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_client_phone", sqlite_where=sa.text("phone IS NOT NULL"), postgresql_where=sa.text("phone IS NOT NULL")
        )
        batch_op.drop_index(
            "ix_client_email", sqlite_where=sa.text("email IS NOT NULL"), postgresql_where=sa.text("email IS NOT NULL")
        )

    op.drop_table("client")
    op.drop_table("api_key")
    op.drop_table("worker")
    op.drop_table("schema_info")
    op.drop_table("clinic")
