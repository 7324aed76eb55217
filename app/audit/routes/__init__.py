"""Pages of evidence: bundles, samples, a file checked, the ledger."""

from app.web import pages

blp = pages.pages("audit", "app.audit")

from app.audit.routes import (  # noqa: E402 - they hang pages
    auditors,
    evidence,
    ledger,
    room,
    verifying,
)

__all__ = ["auditors", "blp", "evidence", "ledger", "room", "verifying"]
