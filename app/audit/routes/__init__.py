"""Pages of evidence: bundles, a file checked, the ledger."""

from app.web import pages

blp = pages.pages("audit", "app.audit")

from app.audit.routes import evidence, ledger, verifying  # noqa: E402 - they hang pages on it

__all__ = ["blp", "evidence", "ledger", "verifying"]
