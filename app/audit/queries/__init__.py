"""What the pages of this stage show: bundles and ledger entries, with the names behind the ids."""

from app.audit.queries.bundles import (
    BundleLine,
    BundlePage,
    CampaignChoice,
    Contents,
    Taken,
    bundle_page,
    campaign_names,
    choices,
    controls_of,
    list_lines,
)
from app.audit.queries.ledger import (
    EntryLine,
    EntryPage,
    Head,
    Wanted,
    entry_page,
    head,
    kinds,
    list_entries,
)
from app.audit.queries.people import Who, WhoKind

__all__ = [
    "BundleLine",
    "BundlePage",
    "CampaignChoice",
    "Contents",
    "EntryLine",
    "EntryPage",
    "Head",
    "Taken",
    "Wanted",
    "Who",
    "WhoKind",
    "bundle_page",
    "campaign_names",
    "choices",
    "controls_of",
    "entry_page",
    "head",
    "kinds",
    "list_entries",
    "list_lines",
]
