"""`/people/auditors`: letting an auditor in with limits."""

from flask import Response, url_for
from flask_babel import gettext as _

from app.audit import auditors, queries, schemas
from app.audit.controls import CONTROLS
from app.audit.routes import blp
from app.kernel.actor import Permission
from app.kernel.uow import Reading, UnitOfWork
from app.web import pages
from app.web.pages import Form


@pages.page(blp, "/people/auditors")
def admitting(reading: Reading, form: Form | None = None) -> str:
    """Say who is let in as an auditor, until when, and to what."""
    reading.actor.require(Permission.ROLE_WRITE)
    return pages.render(
        "audit/auditors.html",
        campaigns=queries.campaign_names(reading),
        controls=CONTROLS,
        form=form,
    )


@pages.action(blp, "/people/auditors", again=admitting)
def admit(uow: UnitOfWork, form: Form) -> Response:
    """Let an auditor in."""
    auditors.admit(uow, auditors.Admission(**form.load(schemas.AdmissionForm)))
    return pages.seen(url_for("signin_pages.people"), notice=_("The role is given."))
