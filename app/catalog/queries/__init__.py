"""Reads of the catalogue: what a group means, who owns it, and what automation must not touch."""

from app.catalog.queries.entitlements import (
    Catalogue,
    EntitlementRow,
    entitlement,
    entitlement_of,
    entitlements_where,
    list_entitlements,
    show_catalogue,
    show_entitlement,
)
from app.catalog.queries.protections import (
    OWN_ACCOUNT,
    ProtectionRow,
    is_protected,
    list_protections,
    protection_row,
)
from app.directory.queries import Owner, find_owners

__all__ = [
    "OWN_ACCOUNT",
    "Catalogue",
    "EntitlementRow",
    "Owner",
    "ProtectionRow",
    "entitlement",
    "entitlement_of",
    "entitlements_where",
    "find_owners",
    "is_protected",
    "list_entitlements",
    "list_protections",
    "protection_row",
    "show_catalogue",
    "show_entitlement",
]
