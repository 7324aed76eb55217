"""Pages of what the sources show: people, groups, the sources themselves and their reads."""

from datetime import UTC, datetime
from typing import Any

from flask import Response, request, url_for
from flask_babel import gettext as _
from marshmallow import Schema

from app.directory import queries, schemas, service
from app.directory.domain import SyncState
from app.kernel.uow import Reading, UnitOfWork
from app.web import pages
from app.web.pages import Form
from app.web.shapes import AsOfArgs, PageArgs, window

blp = pages.pages("directory", __name__)

DIRECT, EFFECTIVE = "direct", "effective"


@pages.page(blp, "/identities")
def identities(reading: Reading) -> str:
    """People and services, found by name, mail or employee number."""
    args = _asked(schemas.SearchArgs)
    found = queries.list_identities(reading, window(args), q=args["q"], as_of=args["as_of"])
    return pages.render("directory/identities.html", page=found, q=args["q"], as_of=args["as_of"])


@pages.page(blp, "/identities/<identity_id>")
def identity(reading: Reading, identity_id: str) -> str:
    """One of them: accounts, and what they effectively have by which path."""
    as_of = _asked(AsOfArgs)["as_of"]
    found = queries.show_identity(reading, identity_id, as_of=as_of)
    access = queries.show_access(reading, identity_id, as_of=as_of)
    return pages.render("directory/identity.html", who=found, access=access, as_of=as_of)


@pages.page(blp, "/groups")
def groups(reading: Reading) -> str:
    """Groups, found by name."""
    args = _asked(schemas.SearchArgs)
    found = queries.list_groups(reading, window(args), q=args["q"], as_of=args["as_of"])
    return pages.render("directory/groups.html", page=found, q=args["q"], as_of=args["as_of"])


@pages.page(blp, "/groups/<group_id>")
def group(reading: Reading, group_id: str) -> str:
    """One group, with those who are in it, directly or by which path."""
    args = _asked(schemas.MembersArgs)
    view = EFFECTIVE if request.args.get("view") == EFFECTIVE else DIRECT
    as_of = args["as_of"]
    found = queries.show_group(reading, group_id, as_of=as_of)
    members = queries.show_members(
        reading, group_id, window(args), is_effective=view == EFFECTIVE, as_of=as_of
    )
    return pages.render(
        "directory/group.html",
        group=found,
        page=members,
        view=view,
        views=(DIRECT, EFFECTIVE),
        as_of=as_of,
    )


@pages.page(blp, "/sources")
def sources(reading: Reading) -> str:
    """The connected sources, each with how its last read went."""
    found = queries.list_sources(reading, window(_asked(PageArgs)))
    return pages.render("directory/sources.html", page=found)


@pages.page(blp, "/sources/<name>")
def source(reading: Reading, name: str, form: Form | None = None) -> str:
    """One source: its settings without secrets, and its last read."""
    found = queries.show_source(reading, name)
    run = None if found.last_run is None else queries.show_run(reading, found.last_run)
    return pages.render("directory/source.html", source=found, run=run, form=form)


@pages.action(blp, "/sources/<name>/sync", again=source)
def sync(uow: UnitOfWork, _form: Form, name: str) -> Response:
    """Start a read of it."""
    run = service.request_sync(uow, source_name=name)
    return pages.seen(url_for(f"{blp.name}.run", run_id=run.public_id))


@pages.action(blp, "/sources/<name>/disable", again=source)
def disable(uow: UnitOfWork, _form: Form, name: str) -> Response:
    """Stop reading and writing it."""
    service.disable_source(uow, name=name)
    notice = _("It is neither read nor written any more. What it showed stays.")
    return pages.seen(url_for(f"{blp.name}.source", name=name), notice=notice)


@pages.page(blp, "/sync-runs/<run_id>")
def run(reading: Reading, run_id: str, form: Form | None = None) -> str:
    """One read: what was asked, counted and changed, and why it waits if it does."""
    found = queries.show_run(reading, run_id)
    return pages.render("directory/run.html", run=found, form=form)


@pages.page(blp, "/sync-runs/<run_id>/now", is_poll=True)
def run_now(reading: Reading, run_id: str) -> Response | str:
    """Whether it is still under way, for a page that waits; at its end the page comes anew."""
    found = queries.show_run(reading, run_id)
    if found.state is SyncState.RUNNING:
        return pages.render("directory/run_now.html", run=found)
    return Response(headers={"HX-Refresh": "true"})


@pages.action(blp, "/sync-runs/<run_id>/accept", again=run)
def accept(uow: UnitOfWork, _form: Form, run_id: str) -> Response:
    """Store exactly what it has read."""
    service.accept_run(uow, run_id=run_id)
    address = url_for(f"{blp.name}.run", run_id=run_id)
    return pages.seen(address, notice=_("Stored exactly as it was read."))


@pages.action(blp, "/sync-runs/<run_id>/refuse", again=run)
def refuse(uow: UnitOfWork, _form: Form, run_id: str) -> Response:
    """Forget what it has read, or give it up."""
    service.refuse_run(uow, run_id=run_id)
    address = url_for(f"{blp.name}.run", run_id=run_id)
    return pages.seen(address, notice=_("Nothing of this read is stored."))


def _asked(schema: type[Schema]) -> dict[str, Any]:
    """Return what an address asks for; a moment typed without an offset is in UTC."""
    values = {name: list(each) for name, each in request.args.lists()}
    values["as_of"] = [_with_offset(each) for each in values.get("as_of", [])]
    return Form(values).load(schema)


def _with_offset(text: str) -> str:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return text
    return text if moment.tzinfo else moment.replace(tzinfo=UTC).isoformat()
