"""What waits for somebody on their home page: a list from each stage, in words.

No stage sees the others, and the page sees none; here they meet.
"""

from flask_babel import gettext as _
from flask_babel import ngettext

from app.kernel.uow import Reading
from app.requests import desk
from app.requests.domain import RequestState
from app.reviews import worklist
from app.web.home import Item, Waiting
from app.web.rail import lines

FEW = 5


def reviews(reading: Reading) -> Waiting | None:
    """Campaigns with items left to decide."""
    if reading.actor.identity_id is None or not _has("/reviews"):
        return None
    found = [each for each in worklist.my_campaigns(reading) if each.is_waiting]
    items = [
        Item(
            title=each.name,
            detail=ngettext("%(num)s item to decide", "%(num)s items to decide", each.undecided)
            if each.undecided
            else _("All decided: sign off"),
            href=f"/reviews/{each.id}",
            due_at=each.due_at,
            is_late=each.is_late,
        )
        for each in found[:FEW]
    ]
    return Waiting(_("Reviews"), items, len(found), "/reviews", _("No review waits for you"))


def approvals(reading: Reading) -> Waiting | None:
    """Questions to answer."""
    if reading.actor.identity_id is None or not _has("/approvals"):
        return None
    found, total = desk.questions(reading, FEW)
    items = [
        Item(
            title=each.entitlement,
            detail=_("for %(who)s in %(source)s", who=each.beneficiary, source=each.source)
            if each.delegator is None
            else _(
                "for %(who)s in %(source)s, in place of %(delegator)s",
                who=each.beneficiary,
                source=each.source,
                delegator=each.delegator,
            ),
            href=f"/approvals/{each.id}",
            due_at=each.due_at,
            is_late=each.is_late,
        )
        for each in found
    ]
    return Waiting(_("Approvals"), items, total, "/approvals", _("No approval waits for you"))


def requests(reading: Reading) -> Waiting | None:
    """One's own requests that are under way."""
    if reading.actor.identity_id is None or not _has("/requests"):
        return None
    found, total = desk.under_way(reading, FEW)
    states = {
        RequestState.SUBMITTED: _("waits for approval"),
        RequestState.APPROVED: _("being carried out"),
    }
    items = [
        Item(
            title=each.entitlement,
            detail=_("for %(who)s in %(source)s", who=each.beneficiary, source=each.source),
            href=f"/requests/{each.id}",
            badge=states[each.state],
            since=each.submitted_at,
        )
        for each in found
    ]
    title, nothing = _("Your requests under way"), _("You wait for nothing")
    return Waiting(title, items, total, "/requests", nothing, is_asking=False)


def _has(path: str) -> bool:
    return any(line.path == path for line in lines())


MAKERS = (reviews, approvals, requests)
