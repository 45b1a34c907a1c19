"""When a record was first seen, and when its system says it was made."""

from alembic import op
from sqlalchemy import Column, Integer, Text

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Two columns that may be empty: nothing has to be read anew for them."""
    op.add_column("inbox", Column("born", Integer))
    op.add_column("member", Column("created", Text))
