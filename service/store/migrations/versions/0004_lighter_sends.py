"""Lighter sends: keys are compared byte by byte, and an index that nothing asks any more is gone.

By the rules of a language every step down an index costs several times as much, and indexes break when the system's
rules change. On PostgreSQL this builds the indexes of all tables anew.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_TABLES = (
    "alert", "api_key", "appointment", "attempt", "audit", "client", "clinic", "consent", "course", "decision", "event",
    "import_run", "kept_answer", "location", "number_block", "number_text", "parked_receipt", "platform_answer",
    "platform_key", "poll", "protocol_review", "recipient", "refusal", "refused_words", "reminder", "replan", "reply",
    "retention_mark", "schema_info", "sender", "sender_watch", "service_code", "sign_in", "staff", "staff_address",
    "staff_message", "template_current", "template_hold", "template_seen", "template_version", "treatment", "void",
    "wording", "worker", "zone_rules",
)  # fmt: skip
"""Ours: others may live in the same schema."""
_KEYS = sa.text(
    """
    SELECT relname,
           string_agg(format('ALTER COLUMN %I TYPE varchar COLLATE ' || :collation, attname), ', ' ORDER BY attnum)
    FROM pg_class keyed JOIN pg_attribute ON attrelid = keyed.oid
    WHERE relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema()) AND relname = ANY (:tables)
        AND atttypid = 'varchar'::regtype
        AND (EXISTS (SELECT FROM pg_index WHERE indrelid = keyed.oid AND attnum = ANY (indkey))
            OR EXISTS (SELECT FROM pg_constraint WHERE conrelid = keyed.oid AND attnum = ANY (conkey)))
    GROUP BY relname ORDER BY relname
    """
).bindparams(sa.bindparam("tables", list(_TABLES), sa.ARRAY(sa.Text)))
"""For each table, how its text columns that are keys, or lead to keys, get another collation."""


def upgrade() -> None:
    op.drop_index("ix_reminder_lease", table_name="reminder")
    _compare_keys_by('"C"')


def downgrade() -> None:
    where = sa.text("state = 'sending'")
    op.create_index("ix_reminder_lease", "reminder", ["lease_until"], sqlite_where=where, postgresql_where=where)
    _compare_keys_by('"default"')


def _compare_keys_by(collation: str) -> None:
    connection = op.get_bind()
    if connection.dialect.name != "postgresql":
        return  # SQLite compares by bytes
    op.execute(f"LOCK TABLE {', '.join(_TABLES)}")  # at once, before anybody at work holds one of them
    for table, changes in connection.execute(_KEYS, {"collation": collation}).all():
        op.execute(f"ALTER TABLE {table} {changes}")
