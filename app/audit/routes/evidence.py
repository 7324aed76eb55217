"""`/evidence`: bundles, from asking for one to taking it away."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from flask import Response, request, send_file, url_for
from flask_babel import gettext as _

from app.audit import bundles, inspecting, queries, schemas, signing
from app.audit.domain import BundleKind, BundleState
from app.audit.routes import blp
from app.kernel.errors import ConflictError, InvalidInputError, NotFoundError
from app.kernel.uow import Reading, UnitOfWork
from app.web import pages
from app.web.pages import Form
from app.web.paging import Window
from app.web.scope import doors
from evidence.errors import VerificationError
from evidence.said import from_json
from evidence.verify import Report, verify_bundle


@pages.page(blp, "/evidence")
def bundle_list(reading: Reading) -> str:
    """The bundles, newest first, each with where it stands."""
    found = queries.list_lines(reading, Window(cursor=request.args.get("cursor") or None))
    return pages.render("audit/bundles.html", page=found)


@pages.page(blp, "/evidence/new")
def asking(reading: Reading, form: Form | None = None) -> str:
    """Say what a bundle is to be about: a campaign, or a stretch of time."""
    kind = _kind(form)
    return pages.render(
        "audit/ask.html",
        kind=kind,
        campaigns=queries.choices(reading),
        chosen=request.args.get("campaign", ""),
        first=_day(request.args.get("from", "")),
        last=_day(request.args.get("to", "")),
        controls=queries.controls_of(reading, kind),
        today=reading.now.date(),
        has_authority=doors().settings.tsa_url is not None,
        form=form,
    )


@pages.action(blp, "/evidence/new", again=asking)
def ask(uow: UnitOfWork, form: Form) -> Response:
    """Ask for a bundle; a worker builds it."""
    is_campaign = _kind(form) is BundleKind.CAMPAIGN
    schema = schemas.CampaignBundleForm if is_campaign else schemas.PeriodBundleForm
    wish = bundles.Wish(**form.load(schema))
    if is_campaign and wish.campaign is None:
        raise InvalidInputError({"campaign": _("Choose a campaign.")})
    try:
        made = bundles.request(uow, wish)
    except NotFoundError:
        raise InvalidInputError({"campaign": _("There is no such campaign.")}) from None
    return pages.seen(_address(made.id))


@pages.page(blp, "/evidence/<bundle_id>")
def bundle(reading: Reading, bundle_id: str, form: Form | None = None) -> str:
    """One bundle: the verdict first, then what it answers, holds, and how it was checked."""
    return _bundle(reading, bundle_id, form=form)


@pages.page(blp, "/evidence/<bundle_id>/now", is_poll=True)
def bundle_now(reading: Reading, bundle_id: str) -> Response | str:
    """How far it is, for a page that waits; at its end the page comes anew."""
    found = queries.bundle_page(reading, bundle_id, doors().settings.home)
    if found.is_under_way:
        return pages.render("audit/building.html", bundle=found)
    return Response(headers={"HX-Refresh": "true"})


@pages.question(blp, "/evidence/<bundle_id>/check", again=bundle)
def check_again(reading: Reading, _form: Form, bundle_id: str) -> str:
    """Check the stored file as it is now, with the verifier that is published."""
    found = bundles.find_bundle(reading, bundle_id)
    if found.state is not BundleState.READY:
        raise ConflictError(_("It is not ready yet."), {"state": found.state.value})
    path = bundles.bundle_path(doors().settings.home, bundle_id)
    keys, anchors = signing.verifier_keys(reading), signing.anchors(reading)
    with inspecting.turn():
        try:
            report = verify_bundle(path, keys, anchors)
        except VerificationError as error:
            raise ConflictError(
                _("The file of this bundle cannot be read as one any more: build it anew."),
                {"why": str(error)},
            ) from None
    return _bundle(reading, bundle_id, report=report)


@pages.action(blp, "/evidence/<bundle_id>/again", again=bundle)
def again(uow: UnitOfWork, _form: Form, bundle_id: str) -> Response:
    """Build anew what failed."""
    made = bundles.ask_again(uow, bundle_id)
    return pages.seen(_address(made.id), notice=_("It is built anew, as a bundle of its own."))


@pages.handover(blp, "/evidence/<bundle_id>/download", again=bundle)
def download(uow: UnitOfWork, _form: Form, bundle_id: str) -> Response:
    """The file; that somebody took it away is recorded."""
    path = bundles.take_away(uow, bundle_id, doors().settings.home)
    name = f"attestry-{bundle_id}.zip"
    return send_file(path, "application/zip", as_attachment=True, download_name=name)


def _bundle(
    reading: Reading, bundle_id: str, *, form: Form | None = None, report: Report | None = None
) -> str:
    found = queries.bundle_page(reading, bundle_id, doors().settings.home)
    return pages.render(
        "audit/bundle.html",
        bundle=found,
        report=report,
        checks=report.checks if report else [_kept(each) for each in found.line.row.checks],
        key=signing.verifier_keys(reading)[0],
        now=reading.now,
        form=form,
    )


def _kept(check: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a check that was kept, such that it can be said in the reader's language."""
    return {**check, "detail": from_json(check["said"])} if "said" in check else check


def _kind(form: Form | None) -> BundleKind:
    """Return what the form is about: what was sent, else what the address says."""
    about = form["about"] if form else request.args.get("about", "")
    has_period = not form and ("from" in request.args or "to" in request.args)
    return BundleKind.PERIOD if about == "period" or has_period else BundleKind.CAMPAIGN


def _day(text: str) -> str:
    """Return a day of the address as a field of days holds it, empty if it is none."""
    try:
        return date.fromisoformat(text[:10]).isoformat()
    except ValueError:
        return ""


def _address(bundle_id: str) -> str:
    return url_for(f"{blp.name}.bundle", bundle_id=bundle_id)
