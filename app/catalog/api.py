"""The catalogue, and what is protected."""

from typing import Any

from app.catalog import queries, service
from app.catalog.schemas import (
    CatalogueArgs,
    DescriptionBody,
    EntitlementAnswer,
    ProtectionAnswer,
    ProtectionBody,
)
from app.kernel.uow import Reading, UnitOfWork
from app.web import scope
from app.web.paging import Page
from app.web.shapes import PageArgs, page_of, window
from app.web.sheet_shapes import ConfirmedSheetBody, SheetAnswer, SheetBody
from app.web.sheets import MOST_SENT

blp = scope.api("catalog", "What may be asked for, what it means, and what is protected")


@blp.route("/entitlements", methods=["GET"])
@scope.query(blp, page_of(EntitlementAnswer), args=CatalogueArgs)
def list_entitlements(reading: Reading, args: dict[str, Any]) -> Page[queries.EntitlementRow]:
    """List the catalogue: what may be asked for; for directory readers, everything."""
    chosen = {name: args[name] for name in ("q", "risk", "tag", "unexplained")}
    return queries.list_entitlements(reading, window(args), **chosen)


@blp.route("/entitlements/<entitlement_id>", methods=["GET"])
@scope.query(blp, EntitlementAnswer)
def show_entitlement(reading: Reading, entitlement_id: str) -> queries.EntitlementRow:
    """Show one entitlement."""
    return queries.show_entitlement(reading, entitlement_id)


@blp.route("/entitlements/<entitlement_id>", methods=["PUT"])
@scope.command(blp, EntitlementAnswer, body=DescriptionBody)
def describe(uow: UnitOfWork, body: dict[str, Any], entitlement_id: str) -> queries.EntitlementRow:
    """Write down what an entitlement means, at the version that was looked at."""
    return service.describe(uow, entitlement=entitlement_id, **body)


@blp.route("/entitlements/sheet/preview", methods=["POST"])
@scope.command(blp, SheetAnswer, body=SheetBody, most_bytes=MOST_SENT)
def preview_sheet(uow: UnitOfWork, body: dict[str, Any]) -> service.Plan:
    """Say what a CSV sheet of owners, descriptions, risks and tags would do; nothing is stored.

    Its columns: `id`, or `source` and `name`; then any of `owner`, `description`, `risk`,
    `is_requestable`, `tags`.
    """
    return service.plan_sheet(uow, body["sheet"])


@blp.route("/entitlements/sheet", methods=["POST"])
@scope.command(blp, SheetAnswer, body=ConfirmedSheetBody, most_bytes=MOST_SENT)
def apply_sheet(uow: UnitOfWork, body: dict[str, Any]) -> service.Plan:
    """Store what a sheet says, as its preview showed it: all of it, or nothing."""
    return service.apply_sheet(uow, body["sheet"], body["digest"])


@blp.route("/protections", methods=["GET"])
@scope.query(blp, page_of(ProtectionAnswer), args=PageArgs)
def list_protections(reading: Reading, args: dict[str, Any]) -> Page[queries.ProtectionRow]:
    """List what automation may not touch."""
    return queries.list_protections(reading, window(args))


@blp.route("/protections", methods=["POST"])
@scope.command(blp, ProtectionAnswer, body=ProtectionBody, status=201)
def protect(uow: UnitOfWork, body: dict[str, Any]) -> queries.ProtectionRow:
    """Protect an identity, an account or a group from automation."""
    return service.protect(uow, **body)


@blp.route("/protections/<protection_id>", methods=["DELETE"])
@scope.command(blp, ProtectionAnswer)
def unprotect(uow: UnitOfWork, protection_id: str) -> queries.ProtectionRow:
    """Lift a protection."""
    return service.unprotect(uow, protection_id=protection_id)
