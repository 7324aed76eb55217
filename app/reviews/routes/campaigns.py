"""`/campaigns`: a campaign for those who run it, from its template to its end."""

from collections.abc import Sequence
from typing import Any

from flask import Response, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from app.directory import queries as directory
from app.kernel.errors import ConflictError, FieldErrors, InvalidInputError
from app.kernel.uow import Reading, UnitOfWork
from app.reviews import closer, naming, queries, running, schemas, service
from app.reviews.charting import chart
from app.reviews.documents import preview_document
from app.reviews.domain import LAUNCHED, CampaignState
from app.reviews.routes import blp
from app.reviews.second_look import count_second_looks, second_looks
from app.web import pages
from app.web.pages import Form
from app.web.paging import MAX_LIMIT, Page, Window, page

REVIEWER_VIEWS = ("behind", "all", "finished")


@pages.page(blp, "/campaigns")
def campaign_list(reading: Reading) -> str:
    """The campaigns, newest first, each with how far it is."""
    found = running.campaigns(reading, Window(cursor=request.args.get("cursor") or None))
    return pages.render("reviews/campaigns.html", page=found)


@pages.page(blp, "/campaigns/new")
def launching(reading: Reading, form: Form | None = None) -> str:
    """Choose a template, and say what launching it would mean before anything is launched."""
    templates = queries.list_templates(reading, Window(limit=MAX_LIMIT)).items
    asked = request.args.get("template") or (form["template"] if form else "")
    chosen = next((each for each in templates if asked in {each.id, each.name}), None)
    document, obstacle, is_waiting = _preview(reading, chosen, is_asked="look" in request.args)
    return pages.render(
        "reviews/launch.html",
        templates=templates,
        chosen=chosen,
        preview=document,
        obstacle=obstacle,
        is_waiting=is_waiting,
        form=form,
    )


def _preview(
    reading: Reading, chosen: queries.TemplateRow | None, *, is_asked: bool
) -> tuple[dict[str, Any] | None, str, bool]:
    """Return what a launch would mean, or why there can be none yet, or that it is to be awaited.

    Of a large population the page comes first, and asks for the rest of itself.
    """
    if chosen is None:
        return None, "", False
    try:
        if not is_asked and service.is_large(reading, template_id=chosen.id):
            return None, "", True
        return preview_document(service.preview(reading, template_id=chosen.id)), "", False
    except ConflictError as refusal:
        return None, refusal.detail, False


@pages.action(blp, "/campaigns/new", again=launching)
def launch(uow: UnitOfWork, form: Form) -> Response:
    """Freeze the population and put it to its reviewers."""
    wish = form.load(schemas.NewCampaignSchema)
    campaign = service.launch(uow, template_id=wish["template"], name=wish["name"])
    uow.session.flush()
    if campaign.state is CampaignState.LAUNCHING:
        return pages.seen(_address(campaign.public_id))
    return pages.seen(_address(campaign.public_id), notice=_("Launched. The reviewers are told."))


@pages.page(blp, "/campaign-templates/new")
def making(reading: Reading, form: Form | None = None) -> str:
    """Say how a kind of campaign is to be made."""
    return _template_form(reading, None, form)


@pages.page(blp, "/campaign-templates/<template_id>")
def changing(reading: Reading, template_id: str, form: Form | None = None) -> str:
    """Change how a kind of campaign is made."""
    return _template_form(reading, queries.template_row(reading, template_id), form)


def _template_form(
    reading: Reading, template: queries.TemplateRow | None, form: Form | None
) -> str:
    sources = directory.list_sources(reading, Window(limit=MAX_LIMIT)).items
    fallback = template.fallback if template else None
    return pages.render(
        "reviews/template.html",
        template=template,
        sources=[each.name for each in sources],
        chosen=form.all("sources") if form else template.sources if template else (),
        groups=naming.typed(reading, template.entitlements) if template else "",
        fallback=naming.mail_of(reading, fallback.id) if fallback else "",
        form=form,
    )


@pages.action(blp, "/campaign-templates/new", again=making)
def make(uow: UnitOfWork, form: Form) -> Response:
    """Make a template."""
    saved = service.save_template(uow, _shape(uow, form, name=form["name"]), is_new=True)
    return _to_launch(saved.public_id, _("Saved. Look at what launching it would mean."))


@pages.action(blp, "/campaign-templates/<template_id>", again=changing)
def change(uow: UnitOfWork, form: Form, template_id: str) -> Response:
    """Change a template; campaigns that were launched from it stay as they are."""
    template = queries.template_row(uow, template_id)
    service.save_template(uow, _shape(uow, form, name=template.name))
    return _to_launch(template_id, _("Saved. Campaigns under way stay as they are."))


def _shape(uow: UnitOfWork, form: Form, *, name: str) -> service.Shape:
    """Return what was typed as what the command takes, with every error at its field."""
    wrong = FieldErrors()
    found: dict[str, Any] = {}
    try:
        found = form.load(schemas.TemplateFormSchema)
    except InvalidInputError as error:
        wrong.found.extend(error.fields)
    fallback = naming.person(uow, form["fallback"], wrong)
    groups = naming.groups(uow, form["groups"], wrong)
    if not name.strip() and not any(each.field == "name" for each in wrong.found):
        wrong.add("name", _("Give it a name."))
    wrong.raise_if_any()
    return service.Shape(
        name=name.strip(),
        sources=found["sources"],
        entitlements=groups,
        fallback=fallback,
        due_days=found["due_days"],
        is_reason_required="is_reason_required" in form,
    )


def _to_launch(template_id: str, notice: str) -> Response:
    return pages.seen(url_for(f"{blp.name}.launching", template=template_id), notice=notice)


@pages.page(blp, "/campaigns/<campaign_id>")
def campaign(reading: Reading, campaign_id: str, form: Form | None = None) -> str:
    """One campaign: its pace, what comes next, who is behind and what to look at again."""
    row = queries.campaign_row(reading, campaign_id)
    if row.state not in LAUNCHED:
        work = queries.launch_under_way(reading, row)
        return pages.render("reviews/launching.html", row=row, work=work, form=form)
    found = running.running(reading, campaign_id)
    asked = request.args.get("view", "")
    view = asked if asked in REVIEWER_VIEWS else REVIEWER_VIEWS[0] if found.behind else "all"
    return pages.render(
        "reviews/campaign.html",
        run=found,
        chart=chart(found.pace),
        view=view,
        shown=_part(_of_view(found, view), Window(cursor=request.args.get("cursor") or None)),
        form=form,
    )


@pages.page(blp, "/campaigns/<campaign_id>/second-look")
def second_look(reading: Reading, campaign_id: str) -> str:
    """Every keep of a campaign that somebody may want to look at again."""
    row = queries.campaign_row(reading, campaign_id)
    window = Window(cursor=request.args.get("cursor") or None)
    return pages.render(
        "reviews/second_look.html",
        row=row,
        page=second_looks(reading, row.key, window),
        count=count_second_looks(reading, row.key),
    )


@pages.page(blp, "/campaigns/<campaign_id>/now", is_poll=True)
def campaign_now(reading: Reading, campaign_id: str) -> Response | str:
    """How far its launch is, for a page that waits; at its end the page comes anew."""
    row = queries.campaign_row(reading, campaign_id)
    work = queries.launch_under_way(reading, row)
    if row.state is CampaignState.LAUNCHING and work is not None:
        return pages.render("reviews/launching_now.html", row=row, work=work)
    return Response(headers={"HX-Refresh": "true"})


def _part(rows: Sequence[running.Reviewer], window: Window) -> Page[running.Reviewer]:
    """Return a part of a list that is made as a whole: who is behind is known only then."""
    begin = window.after_id()
    numbered = list(enumerate(rows, start=1))[begin : begin + window.limit + 1]
    shown = page(numbered, window, key=lambda each: [each[0]])
    return Page([each for _number, each in shown.items], shown.next_cursor)


def _of_view(found: running.Running, view: str) -> Sequence[running.Reviewer]:
    match view:
        case "behind":
            return found.behind
        case "finished":
            return [each for each in found.reviewers if each.is_done]
        case _:
            return found.reviewers


@pages.action(blp, "/campaigns/<campaign_id>/remind", again=campaign)
def remind(uow: UnitOfWork, form: Form, campaign_id: str) -> Response:
    """Remind reviewers who are behind: those named, or all of them."""
    told = service.remind(uow, campaign_id=campaign_id, reviewers=form.all("reviewer"))
    notice = ngettext("Reminded: one reviewer.", "Reminded: %(num)s reviewers.", told)
    return pages.seen(_address(campaign_id), notice=notice)


@pages.action(blp, "/campaigns/<campaign_id>/close", again=campaign)
def close(uow: UnitOfWork, _form: Form, campaign_id: str) -> Response:
    """End a campaign; what nobody answered is listed as unanswered."""
    service.close(uow, campaign_id=campaign_id)
    return pages.seen(_address(campaign_id), notice=_("Closed. Its evidence can be built now."))


@pages.page(blp, "/campaigns/<campaign_id>/reviewers/<reviewer_id>")
def reviewer(reading: Reading, campaign_id: str, reviewer_id: str, form: Form | None = None) -> str:
    """What one reviewer has left, and the way to put it to somebody else."""
    found = running.running(reading, campaign_id)
    words = request.args.get("q", "") or (form["q"] if form else "")
    return pages.render(
        "reviews/reviewer.html",
        run=found,
        who=running.one_of(found, reviewer_id),
        left=running.assigned(reading, campaign_id, reviewer_id),
        people=closer.people_to_ask(reading, words, but=reviewer_id),
        words=words,
        form=form,
    )


@pages.action(blp, "/campaigns/<campaign_id>/reviewers/<reviewer_id>", again=reviewer)
def reassign(uow: UnitOfWork, form: Form, campaign_id: str, reviewer_id: str) -> Response:
    """Put a reviewer's open items to somebody else."""
    wish = form.load(schemas.ReassignSchema)
    theirs = {each.id for each in running.assigned(uow, campaign_id, reviewer_id)}
    items = [each for each in wish["items"] if each in theirs]
    if not items:
        raise InvalidInputError({"items": _("Choose what goes to somebody else.")})
    service.reassign(uow, item_ids=items, reviewer=wish["reviewer"], reason=wish["reason"])
    notice = ngettext("Put to them: one item.", "Put to them: %(num)s items.", len(items))
    return pages.seen(_address(campaign_id), notice=notice)


def _address(campaign_id: str) -> str:
    return url_for(f"{blp.name}.campaign", campaign_id=campaign_id)
