"""`/campaigns/ID/not-removed`: what was revoked and is still there, and who follows it up."""

from datetime import datetime

from flask import Response, request, url_for
from flask_babel import gettext as _

from app.kernel.actor import Permission
from app.kernel.uow import Reading, UnitOfWork
from app.reviews import closer, follow_ups, queries, schemas, service
from app.reviews.routes import blp
from app.web import pages
from app.web.days import reader_zone
from app.web.pages import Form
from app.web.paging import Window


@pages.page(blp, "/campaigns/<campaign_id>/not-removed")
def not_removed(reading: Reading, campaign_id: str) -> str:
    """What was revoked in a campaign and is not gone, with who follows it up."""
    window = Window(cursor=request.args.get("cursor") or None)
    found = follow_ups.list_not_removed(reading, campaign_id, window)
    row = queries.campaign_row(reading, campaign_id)
    return pages.render("reviews/not_removed.html", row=row, page=found)


@pages.page(blp, "/campaigns/<campaign_id>/not-removed/<item_id>")
def follow_up(reading: Reading, campaign_id: str, item_id: str, form: Form | None = None) -> str:
    """One of them: say who answers for it, and see what was said before."""
    item = follow_ups.not_removed(reading, campaign_id, item_id)
    words = request.args.get("q", "") or (form["q"] if form else "")
    may = reading.actor.may(Permission.CAMPAIGN_WRITE)
    return pages.render(
        "reviews/follow_up.html",
        row=queries.campaign_row(reading, campaign_id),
        item=item,
        before=follow_ups.told_before(reading, item),
        people=closer.people_to_ask(reading, words, but=item.holder_id or "") if may else [],
        words=words,
        day=_day(item.follow_up.last_moment) if item.follow_up else "",
        today=_day(reading.now),
        form=form,
    )


@pages.action(blp, "/campaigns/<campaign_id>/not-removed/<item_id>", again=follow_up)
def charge(uow: UnitOfWork, form: Form, campaign_id: str, item_id: str) -> Response:
    """Say who answers for it, under which ticket, and until when."""
    wish = form.load(schemas.ChargeFormSchema)
    version = wish.pop("version")
    item = follow_ups.not_removed(uow, campaign_id, item_id).id
    service.follow_up(uow, item_id=item, charge=service.Charge(**wish), version=version)
    address = url_for(f"{blp.name}.not_removed", campaign_id=campaign_id)
    return pages.seen(address, notice=_("Noted: somebody follows it up."))


def _day(at: datetime) -> str:
    """Write a moment's day in the reader's zone, as a field of a form wants it."""
    return at.astimezone(reader_zone()).date().isoformat()
