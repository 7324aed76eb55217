"""Commands of the catalogue: write down what groups mean; protect, and lift the protection."""

from app.catalog.service.describing import describe, take_from_source
from app.catalog.service.protecting import protect, unprotect
from app.catalog.service.sheet import apply_sheet, plan_sheet
from app.kernel.sheet import Plan, PlannedRow

__all__ = [
    "Plan",
    "PlannedRow",
    "apply_sheet",
    "describe",
    "plan_sheet",
    "protect",
    "take_from_source",
    "unprotect",
]
