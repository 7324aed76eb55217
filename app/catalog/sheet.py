"""Which columns a sheet of what entitlements mean has; the catalogue as a file is one."""

from app.kernel.sheet import FIELD, MOST_BYTES, MOST_ROWS, Shape, SheetRow, decode
from app.kernel.sheet import read as read_sheet

__all__ = ["FIELD", "MOST_BYTES", "MOST_ROWS", "SHAPE", "WRITTEN", "SheetRow", "decode", "read"]

WRITTEN = ("owner", "description", "risk", "is_requestable", "tags")
SHAPE = Shape(
    pair=("source", "name"),
    written=WRITTEN,
    informing=(
        "owner_name",
        "owner_via",
        "description_via",
        "source_description",
        "source_owner_name",
        "is_administrative",
        "privileged_steps",
        "is_writable",
        "is_protected",
    ),
)


def read(text: str) -> list[SheetRow]:
    """Read the rows of a sheet; see `app.kernel.sheet.read`."""
    return read_sheet(text, SHAPE)
