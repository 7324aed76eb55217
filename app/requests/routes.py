"""Pages of those who ask and those who answer: requests, approvals, who stands in for whom."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any

from flask import Response, request, url_for
from flask_babel import get_timezone
from flask_babel import gettext as _
from marshmallow import Schema, fields

from app.catalog import queries as catalog
from app.kernel.errors import AttestryError, InvalidInputError
from app.kernel.uow import Reading, UnitOfWork
from app.requests import asking, delegating, queries, schemas, service
from app.requests.domain import RequestState
from app.web import pages
from app.web.pages import Form
from app.web.paging import Window
from app.web.shapes import Sentence

blp = pages.pages("requests", __name__)

VIEWS: Mapping[str, tuple[RequestState, ...]] = {
    "open": (RequestState.SUBMITTED, RequestState.APPROVED),
    "done": (RequestState.DONE,),
    "not-done": (RequestState.REFUSED, RequestState.FAILED, RequestState.CANCELLED),
    "all": (),
}
DURATIONS = (1, 7, 30, 90, 365)
CHOICES = 20


@dataclass(frozen=True, slots=True)
class Checked:
    """What a wish would mean, or why it cannot be asked for.

    Attributes:
        verdict: Of the policy, or None.
        asked: Who would answer.
        plan: What would be run.
        refusal: Why it cannot be asked for, or None.
    """

    verdict: Any = None
    asked: tuple[asking.Asked, ...] = ()
    plan: tuple[Mapping[str, Any], ...] = ()
    refusal: AttestryError | None = None


@pages.page(blp, "/requests")
def requests(reading: Reading) -> str:
    """The requests one may see."""
    asked_for = request.args.get("view", "")
    view = asked_for if asked_for in VIEWS else "open"
    words = request.args.get("q", "").strip()[:200]
    found = queries.list_requests(reading, _window(), states=VIEWS[view], words=words)
    return pages.render(
        "requests/requests.html", page=found, view=view, views=tuple(VIEWS), typed_words=words
    )


@pages.page(blp, "/requests/new")
def new(reading: Reading, form: Form | None = None) -> str:
    """Ask for access: what, for whom, for how long, why; and what that would mean."""
    typed = form or Form(dict(request.args.lists()))
    chosen = None
    if typed["entitlement"]:
        chosen = catalog.show_entitlement(reading, typed["entitlement"])
    words = request.args.get("q", "").strip()[:200]
    offered = None
    if chosen is None:
        offered = catalog.list_entitlements(reading, Window(CHOICES), q=words or None)
    checked = _check(reading, typed) if chosen else None
    return pages.render(
        "requests/new.html",
        form=typed,
        chosen=chosen,
        offered=offered,
        typed_words=words,
        checked=checked,
        durations=[(each or "", each) for each in _durations(checked)],
        reports=[(each.id, each.name) for each in asking.beneficiaries(reading)],
        is_for_anybody=asking.may_ask_for_anybody(reading),
    )


@pages.page(blp, "/requests/check")
def check(reading: Reading) -> str:
    """What the wish in the form would mean, for the page that asks while it is filled in."""
    typed = Form(dict(request.args.lists()))
    return pages.render("requests/checked.html", checked=_check(reading, typed), form=typed)


@pages.action(blp, "/requests", again=new)
def submit(uow: UnitOfWork, form: Form) -> Response:
    """Send the request."""
    made = service.submit(uow, _wish(uow, form))
    uow.session.flush()
    address = url_for(f"{blp.name}.show", request_id=made.public_id)
    return pages.seen(address, notice=_("Sent. You are told at each step."))


@pages.page(blp, "/requests/<request_id>")
def show(reading: Reading, request_id: str, form: Form | None = None) -> str:
    """One request: where it stands, and everything that happened."""
    found = queries.request_detail(reading, request_id)
    me = reading.actor.identity_id is not None and reading.actor.public_id
    is_mine = me in (found.row.requester.id, found.row.beneficiary.id)
    return pages.render("requests/request.html", found=found, is_mine=is_mine, form=form)


@pages.action(blp, "/requests/<request_id>/cancel", again=show)
def cancel(uow: UnitOfWork, _form: Form, request_id: str) -> Response:
    """Take a request back."""
    service.cancel(uow, request_id=request_id)
    address = url_for(f"{blp.name}.show", request_id=request_id)
    return pages.seen(address, notice=_("Taken back."))


@pages.page(blp, "/approvals")
def approvals(reading: Reading) -> str:
    """What waits for one's answer, oldest first."""
    return pages.render("requests/approvals.html", page=queries.my_approvals(reading, _window()))


@pages.page(blp, "/approvals/<approval_id>")
def approval(reading: Reading, approval_id: str, form: Form | None = None) -> str:
    """One question, with the plan as it would run now."""
    found = queries.one_approval(reading, approval_id)
    return pages.render("requests/approval.html", found=found, form=form)


@pages.action(blp, "/approvals/<approval_id>", again=approval)
def decide(uow: UnitOfWork, form: Form, approval_id: str) -> Response:
    """Say yes or no, on the plan that was shown."""
    said = form.load(schemas.DecisionSchema)
    service.decide(uow, approval_id=approval_id, **said)
    is_yes = said["outcome"] == "approve"
    notice = _("Approved.") if is_yes else _("Refused; the requester is told why.")
    return pages.seen(url_for(f"{blp.name}.approvals"), notice=notice)


class StandInSchema(Schema):
    """Who stands in, by day."""

    delegate = fields.String(required=True)
    first_on = fields.Date(required=True)
    last_on = fields.Date(required=True)
    reason = Sentence(required=True)


@pages.page(blp, "/delegations")
def delegations(reading: Reading, form: Form | None = None) -> str:
    """Who stands in for whom, until when."""
    found = queries.my_delegations(reading, _window())
    me = reading.actor.public_id
    return pages.render(
        "requests/delegations.html", page=found, form=form, now=reading.now, mine=me
    )


@pages.action(blp, "/delegations", again=delegations)
def delegate(uow: UnitOfWork, form: Form) -> Response:
    """Let somebody else answer in one's place for some days."""
    typed = form.load(StandInSchema)
    who = asking.somebody(uow, typed["delegate"], "delegate")
    try:
        delegating.delegate(
            uow,
            delegate_id=who,
            valid_from=_midnight(typed["first_on"]),
            valid_to=_midnight(typed["last_on"] + timedelta(days=1)),
            reason=typed["reason"],
        )
    except InvalidInputError as refusal:
        names = {"valid_from": "first_on", "valid_to": "last_on"}
        raise InvalidInputError(
            {names.get(each.field, each.field): each.message for each in refusal.fields}
        ) from None
    notice = _("From then on the questions put to you can be answered in your place.")
    return pages.seen(url_for(f"{blp.name}.delegations"), notice=notice)


@pages.action(blp, "/delegations/<delegation_id>/end", again=delegations)
def end_delegation(uow: UnitOfWork, _form: Form, delegation_id: str) -> Response:
    """End one of one's delegations now."""
    delegating.end(uow, delegation_id=delegation_id)
    return pages.seen(url_for(f"{blp.name}.delegations"), notice=_("Ended."))


def _check(reading: Reading, form: Form) -> Checked:
    """Say what a wish would mean; a refusal is an answer here."""
    try:
        considered, verdict = service.preview(reading, _wish(reading, form))
    except AttestryError as refusal:
        return Checked(refusal=refusal)
    return Checked(
        verdict=verdict,
        asked=tuple(asking.asked(reading, verdict.steps)),
        plan=tuple(each.shown() for each in considered.operations),
    )


def _wish(reading: Reading, form: Form) -> service.Wish:
    typed = form.load(schemas.WishSchema)
    if form["somebody"].strip():
        typed["beneficiary"] = asking.somebody(reading, form["somebody"], "somebody")
    return service.Wish(**typed)


def _durations(checked: Checked | None) -> list[int | None]:
    """Return how long may be asked for; no end only where the policy sets none."""
    most = checked.verdict.max_duration_days if checked and checked.verdict else None
    if most is None:
        return [*DURATIONS, None]
    fitting = [each for each in DURATIONS if each <= most]
    return [*fitting, most] if most not in fitting else list(fitting)


def _midnight(day: Any) -> datetime:
    """Return the beginning of a day where the reader is."""
    return datetime.combine(day, time(), get_timezone() or UTC)


def _window() -> Window:
    return Window(cursor=request.args.get("cursor") or None)
