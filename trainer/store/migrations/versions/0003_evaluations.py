"""Evaluations keep answers, judgements, suites, votes and lessons; an override needs more than one signature"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    text, key = sa.String(length=255), sa.String(length=64)
    op.create_table(
        "given_answers",
        sa.Column("run", key, nullable=False),
        sa.Column("contestant", text, nullable=False),
        sa.Column("suite", text, nullable=False),
        sa.Column("case_id", text, nullable=False),
        sa.Column("answer", sa.JSON(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("run", "contestant", "suite", "case_id", name=op.f("pk_given_answers")),
    )
    op.create_table(
        "judgements",
        sa.Column("key", key, nullable=False),
        sa.Column("said", sa.JSON(), nullable=False),
        sa.Column("cost_usd", sa.Float(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_judgements")),
    )
    op.create_table(
        "suites",
        sa.Column("name", text, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("sha256", text, nullable=False),
        sa.Column("role", text, nullable=False),
        sa.Column("cases", sa.Integer(), nullable=False),
        sa.Column("owner", text, nullable=False),
        sa.Column("team", text, nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("name", "version", name=op.f("pk_suites")),
    )
    op.create_table(
        "polls",
        sa.Column("id", text, nullable=False),
        sa.Column("evaluation_id", text, nullable=False),
        sa.Column("kind", text, nullable=False),
        sa.Column("items", sa.JSON(), nullable=False),
        sa.Column("against", text, nullable=False),
        sa.Column("needed", sa.Integer(), nullable=False),
        sa.Column("origin", sa.JSON(), nullable=False),
        sa.Column("created_by", text, nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("closed_at", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_polls")),
    )
    op.create_index(op.f("ix_polls_evaluation_id"), "polls", ["evaluation_id"], unique=False)
    op.create_table(
        "votes",
        sa.Column("poll_id", text, nullable=False),
        sa.Column("item", sa.Integer(), nullable=False),
        sa.Column("voter", text, nullable=False),
        sa.Column("choice", text, nullable=False),
        sa.Column("first", text, nullable=False),
        sa.Column("ratings", sa.JSON(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("poll_id", "item", "voter", name=op.f("pk_votes")),
    )
    op.create_table(
        "lessons",
        sa.Column("id", text, nullable=False),
        sa.Column("key", key, nullable=False),
        sa.Column("lineage", text, nullable=False),
        sa.Column("side", text, nullable=False),
        sa.Column("cause", text, nullable=False),
        sa.Column("row", sa.JSON(), nullable=False),
        sa.Column("suite", text, nullable=False),
        sa.Column("case_id", text, nullable=False),
        sa.Column("evaluation_id", text, nullable=False),
        sa.Column("model_id", text, nullable=False),
        sa.Column("dataset_id", text, nullable=True),
        sa.Column("created_by", text, nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lessons")),
    )
    op.create_index(op.f("ix_lessons_key"), "lessons", ["key"], unique=False)
    op.create_index(op.f("ix_lessons_lineage"), "lessons", ["lineage"], unique=False)
    with op.batch_alter_table("approvals", schema=None) as batch_op:
        batch_op.add_column(sa.Column("signatures", sa.JSON(), nullable=False, server_default="[]"))


def downgrade() -> None:
    with op.batch_alter_table("approvals", schema=None) as batch_op:
        batch_op.drop_column("signatures")
    for name in ("lessons", "votes", "polls", "suites", "judgements", "given_answers"):
        op.drop_table(name)
