"""Pages of the sheet that says what many accounts are for, and who answers for them."""

from flask import Response, request, url_for
from flask_babel import ngettext

from app.directory import service
from app.directory.routes import blp
from app.kernel import sheet
from app.kernel.actor import Permission
from app.kernel.errors import InvalidInputError
from app.kernel.phrases import phrase
from app.kernel.uow import Reading, UnitOfWork
from app.web import pages
from app.web.pages import Form

MOST_SHOWN = 200
MOST_BYTES = 2 * sheet.MOST_BYTES  # the rest of the form has room beside the sheet


@pages.page(blp, "/accounts/sheet")
def account_sheet(reading: Reading, form: Form | None = None) -> str:
    """Choose a sheet; after one that was refused, what it would do now."""
    reading.actor.require(Permission.ACCOUNT_WRITE)
    plan = None
    if form is not None and form[sheet.FIELD]:
        try:
            plan = service.plan_accounts(reading, form[sheet.FIELD])
        except InvalidInputError:
            plan = None  # what is wrong with it stands in the form
    return _shown(form, plan)


@pages.question(blp, "/accounts/sheet/preview", again=account_sheet, most_bytes=MOST_BYTES)
def preview_accounts(reading: Reading, form: Form) -> str:
    """Show what each row would do; nothing is written."""
    reading.actor.require(Permission.ACCOUNT_WRITE)
    sent = request.files.get(sheet.FIELD)
    if sent is None or not sent.filename:
        raise InvalidInputError({sheet.FIELD: phrase("Choose a file.")})
    text = sheet.decode(sent.stream.read(sheet.MOST_BYTES + 1))
    plan = service.plan_accounts(reading, text)
    form.values[sheet.FIELD] = [text]
    return _shown(form, plan)


@pages.action(blp, "/accounts/sheet", again=account_sheet, most_bytes=MOST_BYTES)
def apply_accounts(uow: UnitOfWork, form: Form) -> Response:
    """Store what was looked at: all of it, or nothing."""
    plan = service.apply_accounts(uow, form[sheet.FIELD], form["digest"])
    notice = ngettext("%(num)s account changed.", "%(num)s accounts changed.", plan.changed)
    return pages.seen(url_for(f"{blp.name}.accounts"), notice=notice)


def _shown(form: Form | None, plan: sheet.Plan | None) -> str:
    return pages.render(
        "directory/sheet.html",
        form=form,
        plan=plan,
        shown=[] if plan is None else plan.telling[:MOST_SHOWN],
        text=form[sheet.FIELD] if form and plan else "",
        columns=service.SHEET.named,
        most_mib=sheet.MOST_BYTES >> 20,
        most_rows=sheet.MOST_ROWS,
    )
