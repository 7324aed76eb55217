"""Pages of evidence: bundles, samples, a file checked, the ledger."""

from app.web import pages

blp = pages.pages("audit", "app.audit")

from app.audit.routes import evidence, ledger, room, verifying  # noqa: E402 - they hang pages

__all__ = ["blp", "evidence", "ledger", "room", "verifying"]
