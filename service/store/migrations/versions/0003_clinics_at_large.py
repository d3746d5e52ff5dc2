"""What clinics allow and what is counted of them, beyond revision 2."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql
from sqlmodel.sql import sqltypes

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "platform_answer",
        sa.Column("key", sqltypes.AutoString(), nullable=False),
        sa.Column("idempotency_key", sqltypes.AutoString(), nullable=False),
        sa.Column("request", sqltypes.AutoString(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column(
            "headers", sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"), nullable=False
        ),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column(
            "begun_at", sqltypes.UTCDateTime().with_variant(sa.TIMESTAMP(timezone=True), "postgresql"), nullable=False
        ),
        sa.PrimaryKeyConstraint("key", "idempotency_key", name=op.f("pk_platform_answer")),
    )
    with op.batch_alter_table("platform_answer", schema=None) as batch_op:
        batch_op.create_index("ix_platform_answer_begun_at", ["begun_at"], unique=False)

    op.create_table(
        "platform_key",
        sa.Column("prefix", sqltypes.AutoString(), nullable=False),
        sa.Column("digest", sqltypes.AutoString(), nullable=False),
        sa.Column("scopes", sqltypes.AutoString(), nullable=False),
        sa.Column(
            "created_at", sqltypes.UTCDateTime().with_variant(sa.TIMESTAMP(timezone=True), "postgresql"), nullable=False
        ),
        sa.Column(
            "expires_at", sqltypes.UTCDateTime().with_variant(sa.TIMESTAMP(timezone=True), "postgresql"), nullable=True
        ),
        sa.Column(
            "revoked_at", sqltypes.UTCDateTime().with_variant(sa.TIMESTAMP(timezone=True), "postgresql"), nullable=True
        ),
        sa.Column(
            "last_used_at",
            sqltypes.UTCDateTime().with_variant(sa.TIMESTAMP(timezone=True), "postgresql"),
            nullable=True,
        ),
        sa.Column("successor", sqltypes.AutoString(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("prefix", name=op.f("pk_platform_key")),
        sa.UniqueConstraint("digest", name=op.f("uq_platform_key_digest")),
    )
    op.create_table(
        "number_text",
        sa.Column("clinic", sqltypes.AutoString(), nullable=False),
        sa.Column("digest", sqltypes.AutoString(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("at", sqltypes.UTCDateTime().with_variant(sa.TIMESTAMP(timezone=True), "postgresql"), nullable=False),
        sa.ForeignKeyConstraint(["clinic"], ["clinic.id"], name=op.f("fk_number_text_clinic")),
        sa.PrimaryKeyConstraint("clinic", "digest", "id", name=op.f("pk_number_text")),
    )
    with op.batch_alter_table("api_key", schema=None) as batch_op:
        batch_op.add_column(sa.Column("successor", sqltypes.AutoString(), server_default="", nullable=False))

    with op.batch_alter_table("clinic", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column(
                "caps",
                sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"),
                server_default="{}",
                nullable=False,
            )
        )
        batch_op.add_column(sa.Column("forget_after_months", sa.Integer(), server_default="0", nullable=False))

    with op.batch_alter_table("consent", schema=None) as batch_op:
        batch_op.add_column(sa.Column("by_owner", sa.Boolean(), server_default="0", nullable=False))


def downgrade() -> None:
    with op.batch_alter_table("consent", schema=None) as batch_op:
        batch_op.drop_column("by_owner")

    with op.batch_alter_table("clinic", schema=None) as batch_op:
        batch_op.drop_column("forget_after_months")
        batch_op.drop_column("caps")

    with op.batch_alter_table("api_key", schema=None) as batch_op:
        batch_op.drop_column("successor")

    op.drop_table("number_text")
    op.drop_table("platform_key")
    with op.batch_alter_table("platform_answer", schema=None) as batch_op:
        batch_op.drop_index("ix_platform_answer_begun_at")

    op.drop_table("platform_answer")
