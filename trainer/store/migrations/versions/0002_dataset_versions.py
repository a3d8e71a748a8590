"""Datasets have versions: a parent, what was changed, where it came from, its licence and how long it is kept"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("datasets", schema=None) as batch_op:
        batch_op.alter_column("bytes", existing_type=sa.Integer(), type_=sa.BigInteger(), existing_nullable=False)
        batch_op.add_column(sa.Column("parent_id", sa.String(length=255), nullable=True))
        batch_op.add_column(sa.Column("version", sa.Integer(), nullable=False, server_default="1"))
        batch_op.add_column(sa.Column("change", sa.JSON(), nullable=False, server_default='{"kind": "upload"}'))
        batch_op.add_column(sa.Column("source", sa.String(length=255), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("license", sa.String(length=255), nullable=True))
        batch_op.add_column(sa.Column("format", sa.String(length=255), nullable=False, server_default="openai-chat"))
        batch_op.add_column(sa.Column("kind", sa.String(length=255), nullable=False, server_default="chat"))
        batch_op.add_column(sa.Column("retain_until", sa.Float(), nullable=True))
        batch_op.add_column(sa.Column("deleted_at", sa.Float(), nullable=True))
        batch_op.add_column(sa.Column("findings_sha256", sa.String(length=255), nullable=True))
        batch_op.create_index(batch_op.f("ix_datasets_parent_id"), ["parent_id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("datasets", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_datasets_parent_id"))
        for name in (
            "findings_sha256",
            "deleted_at",
            "retain_until",
            "kind",
            "format",
            "license",
            "source",
            "change",
            "version",
            "parent_id",
        ):
            batch_op.drop_column(name)
        batch_op.alter_column("bytes", existing_type=sa.BigInteger(), type_=sa.Integer(), existing_nullable=False)
