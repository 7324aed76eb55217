"""Pages of the catalogue: what groups mean, one by one or by a sheet of many."""

from typing import Any

from flask import Response, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from app.catalog import queries, service, sheet
from app.catalog.domain import LONGEST_DESCRIPTION, LONGEST_TAG, MOST_TAGS, Risk
from app.catalog.queries import EntitlementRow
from app.catalog.schemas import (
    CatalogueArgs,
    DescriptionForm,
    TakingForm,
)
from app.kernel.actor import Permission
from app.kernel.errors import InvalidInputError
from app.kernel.phrases import phrase
from app.kernel.uow import Reading, UnitOfWork
from app.web import pages, sheets
from app.web.pages import Form
from app.web.paging import Page
from app.web.shapes import window
from app.web.sheet_shapes import ConfirmedSheetBody
from app.web.sheets import Columns, take

blp = pages.pages("catalog", __name__)

FILTERS = ("q", "risk", "tag", "unexplained")
COLUMNS: Columns[EntitlementRow] = {
    "id": lambda row: row.id,
    "source": lambda row: row.source,
    "name": lambda row: row.name,
    "owner": lambda row: row.owner,
    "owner_name": lambda row: row.owner_name,
    "owner_via": lambda row: row.owner_via,
    "description": lambda row: row.description,
    "description_via": lambda row: row.description_via,
    "source_description": lambda row: row.source_description,
    "source_owner_name": lambda row: row.source_owner_name,
    "risk": lambda row: row.risk,
    "is_requestable": lambda row: row.is_requestable,
    "tags": lambda row: "; ".join(row.tags),
    "is_administrative": lambda row: row.is_administrative,
    "privileged_steps": lambda row: row.privileged_steps,
    "is_writable": lambda row: row.is_writable,
    "is_protected": lambda row: row.is_protected,
}


@pages.page(blp, "/entitlements")
def entitlements(reading: Reading, form: Form | None = None) -> str:
    """The catalogue, found by name, risk and tag; what nobody can explain is one step away."""
    typed = {name: list(each) for name, each in request.args.lists()} if form is None else {}
    args = Form(typed).load(CatalogueArgs)
    chosen = {name: args[name] for name in FILTERS}
    found = queries.show_catalogue(reading, window(args), **chosen)
    return pages.render(
        "catalog/entitlements.html", found=found, page=found.page, risks=tuple(Risk), **chosen
    )


@pages.handover(blp, "/entitlements/file", again=entitlements)
def entitlements_file(uow: UnitOfWork, form: Form) -> Response:
    """The catalogue of the list, as a file that can be filled in and sent back."""
    args = form.load(CatalogueArgs)
    chosen: dict[str, Any] = {name: args[name] for name in FILTERS}

    def look(reading: Reading, part: Any) -> Page[EntitlementRow]:
        return queries.show_catalogue(reading, part, **chosen).page

    said = [f"{name}={form[name]}" for name in FILTERS if form[name]]
    return take(uow, "catalogue", COLUMNS, look, filtered=" ".join(said))


@pages.page(blp, "/entitlements/sheet")
def sheet_page(reading: Reading, form: Form | None = None) -> str:
    """Choose a sheet; after one that was refused, what it would do now."""
    reading.actor.require(Permission.CATALOG_WRITE)
    return _sheet(form, sheets.anew(form, lambda text: service.plan_sheet(reading, text)))


@pages.question(blp, "/entitlements/sheet/preview", again=sheet_page, most_bytes=sheets.MOST_SENT)
def preview_sheet(reading: Reading, form: Form) -> str:
    """Show what each row would do; nothing is written."""
    reading.actor.require(Permission.CATALOG_WRITE)
    return _sheet(form, service.plan_sheet(reading, sheets.sent(form)))


@pages.action(blp, "/entitlements/sheet", again=sheet_page, most_bytes=sheets.MOST_SENT)
def apply_sheet(uow: UnitOfWork, form: Form) -> Response:
    """Write down what was looked at: all of it, or nothing."""
    typed = form.load(ConfirmedSheetBody)
    plan = service.apply_sheet(uow, typed["sheet"], typed["digest"])
    notice = ngettext("%(num)s entry changed.", "%(num)s entries changed.", plan.changed)
    return pages.seen(url_for(f"{blp.name}.entitlements"), notice=notice)


@pages.page(blp, "/entitlements/<entitlement_id>")
def entitlement(reading: Reading, entitlement_id: str, form: Form | None = None) -> str:
    """What one group means here, and what its source says beside it."""
    found = queries.show_entitlement(reading, entitlement_id)
    return pages.render(
        "catalog/entitlement.html",
        it=found,
        form=form,
        risks=tuple(Risk),
        longest=LONGEST_DESCRIPTION,
        is_stale=bool(form and form.current),
    )


@pages.action(blp, "/entitlements/<entitlement_id>", again=entitlement)
def describe(uow: UnitOfWork, form: Form, entitlement_id: str) -> Response:
    """Write down what it means."""
    uow.actor.require(Permission.CATALOG_WRITE)
    typed = form.load(DescriptionForm)
    said = typed["description"] and typed["description"].strip()
    service.describe(
        uow,
        entitlement=entitlement_id,
        owner=_owner(uow, form),
        tags=_tags(form),
        **{**typed, "description": said or None},
    )
    return _seen(entitlement_id, _("Changed."))


@pages.action(blp, "/entitlements/<entitlement_id>/from-source", again=entitlement)
def take_from_source(uow: UnitOfWork, form: Form, entitlement_id: str) -> Response:
    """Let the source speak again."""
    service.take_from_source(uow, entitlement=entitlement_id, **form.load(TakingForm))
    return _seen(entitlement_id, _("The source speaks for it again."))


def _seen(entitlement_id: str, notice: str) -> Response:
    address = url_for(f"{blp.name}.entitlement", entitlement_id=entitlement_id)
    return pages.seen(address, notice=notice)


def _sheet(form: Form | None, plan: service.Plan | None) -> str:
    return sheets.show("catalog/sheet.html", form, plan, sheet.SHAPE)


def _owner(reading: Reading, form: Form) -> str | None:
    """Return the identity that was typed for an owner."""
    typed = form["owner"].strip()
    if not typed:
        return None
    meant = queries.find_owners(reading, {typed})[typed]
    if not meant:
        told = phrase("Nobody has this id, mail, employee number or login.")
        raise InvalidInputError({"owner": told})
    if len(meant) > 1:
        raise InvalidInputError({"owner": phrase("This may mean several people: give the id.")})
    return meant[0].id


def _tags(form: Form) -> list[str]:
    """Return the tags of a field: words parted by commas or semicolons."""
    words = form["tags"].replace(";", ",").split(",")
    tags = [each.strip() for each in words if each.strip()]
    if len(tags) > MOST_TAGS:
        raise InvalidInputError({"tags": phrase("At most %(most)s tags.", most=MOST_TAGS)})
    if any(len(each) > LONGEST_TAG for each in tags):
        told = phrase("A tag has at most %(most)s characters.", most=LONGEST_TAG)
        raise InvalidInputError({"tags": told})
    return tags
