"""Pages of leavers: who leaves, how far it is, and the receipt of one."""

from flask import Response, url_for
from flask_babel import gettext as _

from app.kernel.actor import Permission
from app.kernel.uow import Reading, UnitOfWork
from app.lifecycle import leavers as reads
from app.lifecycle import queries, service
from app.web import pages
from app.web.pages import Form
from app.web.panels import Panel, Trouble

blp = pages.pages("lifecycle", __name__)


@pages.page(blp, "/leavers")
def leavers(reading: Reading) -> str:
    """Leavers against the clock."""
    return pages.render("lifecycle/leavers.html", clock=reads.clock(reading), now=reading.now)


@pages.page(blp, "/leavers/<event_id>")
def leaver(reading: Reading, event_id: str, form: Form | None = None) -> str:
    """One leaver: what was done in which system, and what is left."""
    receipt = queries.receipt(reading, event_id)
    event = queries.find_event(reading, event_id)
    line = reads.one(reading, event_id)
    return pages.render(
        "lifecycle/leaver.html", event=event, receipt=receipt, leaver=line, form=form
    )


@pages.action(blp, "/leavers/<event_id>/cancel", again=leaver)
def cancel(uow: UnitOfWork, _form: Form, event_id: str) -> Response:
    """Take an event back before it takes effect."""
    service.cancel(uow, event_id=event_id)
    address = url_for(f"{blp.name}.leaver", event_id=event_id)
    return pages.seen(address, notice=_("It was taken back before it took effect."))


def on_operations(reading: Reading) -> Panel | None:
    """Put the leavers on the operator's home."""
    if not reading.actor.may(Permission.HR_READ):
        return None
    clock = reads.clock(reading)
    troubles = [
        Trouble(
            "leaver_late",
            url_for(f"{blp.name}.leaver", event_id=each.event_id),
            {"leaver": each, "limit": clock.limit_minutes},
        )
        for each in clock.late
    ]
    return Panel("lifecycle/operations_panel.html", {"clock": clock}, troubles)
