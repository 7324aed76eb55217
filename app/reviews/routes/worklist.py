"""`/reviews`: a reviewer's campaigns, the list in one of them, and what is decided there.

Every page works by forms and links; the script of the list sends the same decisions as JSON.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, TypeVar

from flask import Response, make_response, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from marshmallow import Schema, ValidationError

from app.kernel.errors import FieldError, InvalidInputError
from app.kernel.uow import Reading, UnitOfWork
from app.reviews import closer, schemas, service
from app.reviews import worklist as reads
from app.reviews.domain import Answer, DecisionMove
from app.reviews.routes import blp
from app.reviews.routes import words as words_of
from app.reviews.service import Checked, Said
from app.reviews.worklist import By, Show
from app.web import guards, pages
from app.web.flatten import flatten
from app.web.pages import Form

Choice = TypeVar("Choice", bound=StrEnum)
MOST = 500


@pages.page(blp, "/reviews")
def campaigns(reading: Reading) -> str:
    """My campaigns: what is left in each, and what is finished."""
    found = reads.my_campaigns(reading)
    return pages.render(
        "reviews/mine.html",
        waiting=[each for each in found if each.is_waiting],
        done=[each for each in found if not each.is_waiting],
    )


@pages.page(blp, "/reviews/<campaign_id>")
def worklist(reading: Reading, campaign_id: str, form: Form | None = None) -> str:
    """My list in one campaign."""
    by, show = _chosen(By, "by", By.PERSON), _chosen(Show, "show", Show.ATTENTION)
    found = reads.worklist(reading, campaign_id, by=by, show=show)
    words = request.args.get("q", "").strip()
    visit = guards.visit()
    shown = _shown(found, words.casefold().split())
    return pages.render(
        "reviews/worklist.html",
        list=found,
        words=words,
        shown=set(shown),
        panel=closer.panel(reading, campaign_id, shown[0]) if shown else None,
        say=words_of.Words(),
        are_keys_on=visit is None or visit.are_keys_on,
        form=form,
    )


@pages.page(blp, "/reviews/<campaign_id>/state", is_poll=True)
def state(reading: Reading, campaign_id: str) -> Response:
    """Say where my items stand now; nothing, if that is what is shown already."""
    found = reads.standing(reading, campaign_id)
    if found.digest in request.if_none_match:
        answer = Response(status=304)
    else:
        answer = make_response({"items": [list(each) for each in found.items]})
    answer.set_etag(found.digest)
    return answer


@pages.page(blp, "/reviews/<campaign_id>/items/<item_id>")
def item(reading: Reading, campaign_id: str, item_id: str) -> str:
    """One of my items, with all there is to know of it; `?part=1` for the side of the list."""
    panel = closer.panel(reading, campaign_id, item_id)
    name = _part("reviews/panel.html", "reviews/item.html")
    return pages.render(name, panel=panel, say=words_of.Words())


@pages.page(blp, "/reviews/<campaign_id>/revoke")
def revoking(reading: Reading, campaign_id: str, form: Form | None = None) -> str:
    """Ask why some items are to be taken away."""
    return pages.render(
        "reviews/revoke.html",
        campaign=reads.worklist(reading, campaign_id),
        rows=closer.chosen(reading, campaign_id, _ids(form)),
        form=form,
    )


@pages.page(blp, "/reviews/<campaign_id>/hand-over")
def handing_over(reading: Reading, campaign_id: str, form: Form | None = None) -> str:
    """Ask who knows better."""
    words = request.args.get("q", "") or (form["q"] if form else "")
    return pages.render(
        _part("reviews/hand_over_form.html", "reviews/hand_over.html"),
        campaign=reads.worklist(reading, campaign_id),
        rows=closer.chosen(reading, campaign_id, _ids(form)),
        people=closer.colleagues(reading, words),
        words=words,
        form=form,
    )


@pages.page(blp, "/reviews/<campaign_id>/people")
def people(reading: Reading, campaign_id: str) -> str:
    """Find people who could decide instead, while somebody types."""
    words = request.args.get("q", "")
    found = closer.colleagues_for(reading, campaign_id, words)
    return pages.render("reviews/people.html", people=found, words=words, campaign_id=campaign_id)


@pages.page(blp, "/reviews/<campaign_id>/low-risk")
def low_risk(reading: Reading, campaign_id: str, form: Form | None = None) -> str:
    """Say what can be kept together, before anything is picked."""
    found = reads.worklist(reading, campaign_id)
    return pages.render("reviews/low_risk.html", list=found, form=form)


@pages.page(blp, "/reviews/<campaign_id>/low-risk/<sample_id>")
def checking(reading: Reading, campaign_id: str, sample_id: str, form: Form | None = None) -> str:
    """Ask to check what was picked."""
    check = closer.check(reading, campaign_id, sample_id)
    name = _part("reviews/check_form.html", "reviews/check.html")
    return pages.render(name, check=check, form=form)


@pages.page(blp, "/reviews/<campaign_id>/sign-off")
def ending(reading: Reading, campaign_id: str, form: Form | None = None) -> str:
    """Say what signing off will do."""
    found = closer.ending(reading, campaign_id)
    name = _part("reviews/sign_off_form.html", "reviews/sign_off.html")
    return pages.render(name, ending=found, form=form)


# --- forms ---------------------------------------------------------------------------------


@pages.action(blp, "/reviews/<campaign_id>", again=worklist)
def decide(uow: UnitOfWork, form: Form, campaign_id: str) -> Response:
    """Decide one item by its own button, or those that were ticked."""
    move, _colon, which = form["do"].partition(":")
    seen = [which] if which else form.all("item")
    if not seen:
        raise InvalidInputError({"item": _("Tick the items first.")})
    items = [_seen_item(each) for each in seen]
    ids = [each for each, _version in items]
    match move:
        case "hand-over":
            return _to("handing_over", campaign_id, items=",".join(ids))
        case "revoke":
            return _to("revoking", campaign_id, items=",".join(ids))
        case "keep" | "undo":
            chosen = DecisionMove(move)
            service.decide(uow, [Said(each, chosen, version) for each, version in items])
            return _back(campaign_id, _said(chosen, len(items)))
        case _:
            raise InvalidInputError({"do": _("Press one of the buttons.")})


@pages.action(blp, "/reviews/<campaign_id>/revoke", again=revoking)
def revoke(uow: UnitOfWork, form: Form, campaign_id: str) -> Response:
    """Revoke items, with the reason."""
    reason = form["reason"].strip() or form["offered"].strip()
    if not reason:
        raise InvalidInputError({"reason": _("Say why it is revoked.")})
    items = [_seen_item(each) for each in form.all("item")]
    service.decide(
        uow, [Said(each, DecisionMove.REVOKE, version, reason=reason) for each, version in items]
    )
    return _back(campaign_id, _said(DecisionMove.REVOKE, len(items)))


@pages.action(blp, "/reviews/<campaign_id>/hand-over", again=handing_over)
def hand_over(uow: UnitOfWork, form: Form, campaign_id: str) -> Response:
    """Put items to somebody who knows better."""
    ids = [_seen_item(each)[0] for each in form.all("item")]
    loaded = form.load(schemas.HandOverSchema)
    service.hand_over(uow, item_ids=ids, **loaded)
    told = ngettext("Handed over: one item.", "Handed over: %(num)s items.", len(ids))
    left = reads.left_in(uow, campaign_id)
    return pages.seen(
        url_for(f"{blp.name}.worklist", campaign_id=campaign_id) if left else _mine(), notice=told
    )


@pages.action(blp, "/reviews/<campaign_id>/low-risk", again=low_risk)
def pick(uow: UnitOfWork, _form: Form, campaign_id: str) -> Response:
    """Pick items to be checked."""
    sample = service.draw_sample(uow, campaign_id=campaign_id)
    return _to("checking", campaign_id, sample_id=sample.public_id)


@pages.action(blp, "/reviews/<campaign_id>/low-risk/<sample_id>", again=checking)
def keep_low_risk(uow: UnitOfWork, form: Form, campaign_id: str, sample_id: str) -> Response:
    """Keep what may be kept together, but what the reviewer is not sure of."""
    answers = {
        name.removeprefix("answer-"): Answer(form[name])
        for name in form.values
        if name.startswith("answer-") and form[name] in set(Answer)
    }
    unsure = {each for each, said in answers.items() if said is Answer.UNSURE}
    items = dict(_seen_item(each) for each in form.all("item"))
    checked = Checked(
        sample_id, answers, {each: items[each] for each in items if each not in unsure}
    )
    kept = service.keep_low_risk(uow, campaign_id=campaign_id, checked=checked)
    return _back(campaign_id, _said(DecisionMove.KEEP, len(kept)))


@pages.action(blp, "/reviews/<campaign_id>/sign-off", again=ending)
def sign_off(uow: UnitOfWork, _form: Form, campaign_id: str) -> Response:
    """Say that I am done."""
    signed = service.sign_off(uow, campaign_id=campaign_id)
    if not signed.revoked:
        return pages.seen(_mine(), notice=_("Signed off. Everything stays as it is."))
    told = ngettext(
        "Signed off. One access is being taken away now.",
        "Signed off. %(num)s accesses are being taken away now.",
        signed.revoked,
    )
    return pages.seen(_mine(), notice=told)


# --- what the script sends -----------------------------------------------------------------


@pages.json_action(blp, "/reviews/<campaign_id>/decisions")
def send_decisions(uow: UnitOfWork, body: dict[str, Any], campaign_id: str) -> dict[str, Any]:
    """Decide items of one list: all of them or none."""
    loaded = _load(schemas.DecisionsSchema, body)
    said = [Said(**each) for each in loaded["items"]]
    service.decide(uow, said)
    return _standing(uow, campaign_id, [each.id for each in said])


@pages.json_action(blp, "/reviews/<campaign_id>/samples")
def send_pick(uow: UnitOfWork, _body: dict[str, Any], campaign_id: str) -> dict[str, Any]:
    """Pick items to be checked."""
    sample = service.draw_sample(uow, campaign_id=campaign_id)
    return {"sample": sample.public_id}


@pages.json_action(blp, "/reviews/<campaign_id>/kept")
def send_kept(uow: UnitOfWork, body: dict[str, Any], campaign_id: str) -> dict[str, Any]:
    """Keep low-risk items together, with the answers to the sample."""
    loaded = _load(schemas.CheckedSchema, body)
    checked = Checked(
        sample=loaded["sample"],
        answers={each["id"]: each["answer"] for each in loaded["answers"]},
        items={each["id"]: each["version"] for each in loaded["items"]},
        dwell_ms=loaded["dwell_ms"],
    )
    service.keep_low_risk(uow, campaign_id=campaign_id, checked=checked)
    return _standing(uow, campaign_id, list(checked.items))


@pages.json_action(blp, "/reviews/<campaign_id>/handed-over")
def send_hand_over(uow: UnitOfWork, body: dict[str, Any], campaign_id: str) -> dict[str, Any]:
    """Put items to somebody who knows better."""
    loaded = _load(schemas.ReassignSchema, body)
    service.hand_over(
        uow, item_ids=loaded["items"], reviewer=loaded["reviewer"], reason=loaded["reason"]
    )
    return {"left": reads.left_in(uow, campaign_id)}


# --- parts ---------------------------------------------------------------------------------


def _standing(uow: UnitOfWork, campaign_id: str, ids: Sequence[str]) -> dict[str, Any]:
    uow.session.flush()
    found = reads.standing(uow, campaign_id)
    wanted = set(ids)
    return {
        "digest": found.digest,
        "items": [list(each) for each in found.items if each[0] in wanted],
    }


def _shown(found: reads.Worklist, words: Sequence[str]) -> list[str]:
    """Return which items are shown; by the script the list is filtered likewise."""
    return [
        row.id
        for section in found.sections
        for row in section.rows
        if row.fits(found.show) and _holds(section.name, row.shown, words)
    ]


def _holds(name: str, shown: Mapping[str, Any], words: Sequence[str]) -> bool:
    if not words:
        return True
    names = (name, shown["group_name"], shown["source"], shown["identity_name"] or "")
    text = " ".join(names).casefold()
    return all(word in text for word in words)


def _chosen(kind: type[Choice], name: str, otherwise: Choice) -> Choice:
    given = request.args.get(name, "")
    return kind(given) if given in set(kind) else otherwise


def _part(part: str, whole: str) -> str:
    return part if request.args.get("part") == "1" else whole


def _ids(form: Form | None) -> list[str]:
    given = request.args.get("items", "").split(",") if form is None else form.all("item")
    return [each.partition(":")[0] for each in given[:MOST] if each]


def _seen_item(text: str) -> tuple[str, int]:
    """Read `ID:VERSION`, as the buttons and boxes of the list carry it."""
    found, _colon, version = text.partition(":")
    if not version.isdecimal():
        raise InvalidInputError({"item": _("Open the list again and repeat it.")})
    return found, int(version)


def _load(schema: type[Schema], body: dict[str, Any]) -> dict[str, Any]:
    try:
        loaded: dict[str, Any] = schema().load(body)
    except ValidationError as error:
        wrong = [FieldError(name, text) for name, text in flatten(error.messages)]
        raise InvalidInputError(wrong) from None
    return loaded


def _to(view: str, campaign_id: str, **query: Any) -> Response:
    return pages.seen(url_for(f"{blp.name}.{view}", campaign_id=campaign_id, **query))


def _mine() -> str:
    return url_for(f"{blp.name}.campaigns")


def _back(campaign_id: str, notice: str) -> Response:
    query: dict[str, Any] = {
        name: request.args[name] for name in ("by", "show", "q") if name in request.args
    }
    address = url_for(f"{blp.name}.worklist", campaign_id=campaign_id, **query)
    return pages.seen(address, notice=notice)


def _said(move: DecisionMove, count: int) -> str:
    match move:
        case DecisionMove.KEEP:
            told = ngettext("Kept: one item.", "Kept: %(num)s items.", count)
        case DecisionMove.REVOKE:
            told = ngettext("To be revoked: one item.", "To be revoked: %(num)s items.", count)
        case _:
            told = ngettext(
                "One item is back on your list.", "%(num)s items are back on your list.", count
            )
    return str(told)
