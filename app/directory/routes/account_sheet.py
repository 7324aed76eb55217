"""Pages of the sheet that says what many accounts are for, and who answers for them."""

from flask import Response, url_for
from flask_babel import ngettext

from app.directory import service
from app.directory.routes import blp
from app.kernel.actor import Permission
from app.kernel.sheet import FIELD, Plan
from app.kernel.uow import Reading, UnitOfWork
from app.web import pages, sheets
from app.web.pages import Form


@pages.page(blp, "/accounts/sheet")
def account_sheet(reading: Reading, form: Form | None = None) -> str:
    """Choose a sheet; after one that was refused, what it would do now."""
    reading.actor.require(Permission.ACCOUNT_WRITE)
    return _shown(form, sheets.anew(form, lambda text: service.plan_accounts(reading, text)))


@pages.question(blp, "/accounts/sheet/preview", again=account_sheet, most_bytes=sheets.MOST_SENT)
def preview_accounts(reading: Reading, form: Form) -> str:
    """Show what each row would do; nothing is written."""
    reading.actor.require(Permission.ACCOUNT_WRITE)
    return _shown(form, service.plan_accounts(reading, sheets.sent(form)))


@pages.action(blp, "/accounts/sheet", again=account_sheet, most_bytes=sheets.MOST_SENT)
def apply_accounts(uow: UnitOfWork, form: Form) -> Response:
    """Store what was looked at: all of it, or nothing."""
    plan = service.apply_accounts(uow, form[FIELD], form["digest"])
    notice = ngettext("%(num)s account changed.", "%(num)s accounts changed.", plan.changed)
    return pages.seen(url_for(f"{blp.name}.accounts"), notice=notice)


def _shown(form: Form | None, plan: Plan | None) -> str:
    return sheets.show("directory/sheet.html", form, plan, service.SHEET)
