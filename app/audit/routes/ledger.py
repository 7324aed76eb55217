"""`/ledger`: what was recorded, newest first, each entry with its proof."""

from dataclasses import dataclass

from flask import request
from flask_babel import gettext as _

from app.audit import queries, schemas
from app.audit.routes import blp
from app.kernel.errors import InvalidInputError
from app.kernel.uow import Reading
from app.web import bodies, pages
from app.web.pages import Form
from app.web.paging import Window


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address asks for, and what of it cannot be meant."""

    form: Form
    wanted: queries.Wanted


@pages.page(blp, "/ledger")
def entries(reading: Reading) -> str:
    """The entries, newest first, by kind, subject and days."""
    asked = _asked()
    window = Window(cursor=request.args.get("cursor") or None)
    found = None
    if not asked.form.errors:
        found = queries.list_entries(reading, window, asked.wanted)
    return pages.render(
        "audit/ledger.html",
        page=found,
        head=queries.head(reading),
        kinds=queries.kinds(),
        form=asked.form,
        is_filtered=asked.wanted != queries.Wanted(),
    )


@pages.page(blp, "/ledger/<entry_id>")
def entry(reading: Reading, entry_id: str) -> str:
    """One entry: what it says, exactly, and the proof that it is in the log."""
    found = queries.entry_page(reading, entry_id)
    return pages.render("audit/entry.html", entry=found, kinds=queries.kinds())


def _asked() -> Asked:
    form = Form({name: values for name, values in request.args.lists() if name != "cursor"})
    bodies.check(form.values)
    try:
        wanted = queries.Wanted(**form.load(schemas.LedgerForm))
    except InvalidInputError as refusal:
        form.refuse(refusal, 200)
        return Asked(form, queries.Wanted())
    if wanted.start is not None and wanted.end is not None and wanted.start >= wanted.end:
        form.errors["to"] = _("The last day comes before the first one.")
    return Asked(form, wanted)
