"""The lists of the directory as files: all of a list, as it is filtered."""

from datetime import datetime
from typing import Any

from flask import Response

from app.directory import doers, queries, schemas, sheets
from app.directory.routes import blp
from app.directory.routes.looking import group, groups, identities, identity
from app.directory.routes.people import accounts, cases
from app.directory.routes.sources import run, source, sources
from app.directory.sheets import (
    ACCESS,
    CASES,
    CHANGES,
    GROUPS,
    HISTORY,
    IDENTITIES,
    MEMBERS,
    RUNS,
    SOURCES,
    said,
)
from app.kernel.uow import UnitOfWork
from app.web import pages
from app.web.pages import Form
from app.web.scope import doors
from app.web.sheets import answer, take, whole

ASKED = ("q", "privileged", "as_of", "known_at")


@pages.handover(blp, "/accounts/file", again=accounts)
def accounts_file(uow: UnitOfWork, form: Form) -> Response:
    """The accounts of the list, as a file."""
    args = form.load(schemas.AccountArgs)
    found = sheets.accounts(
        uow, doors().transactions, q=args["q"], only=args["which"], **_then(form)
    )
    return answer("accounts", found)


@pages.handover(blp, "/cases/file", again=cases)
def cases_file(uow: UnitOfWork, form: Form) -> Response:
    """The cases of the list, as a file."""
    args = form.load(schemas.CaseArgs)
    q, state = args["q"], args["state"]
    return take(
        uow,
        "cases",
        CASES,
        lambda reading, part: queries.list_cases(reading, part, q=q, state=state),
        filtered=said(q, state.value),
    )


@pages.handover(blp, "/identities/file", again=identities)
def identities_file(uow: UnitOfWork, form: Form) -> Response:
    """The people of the list, as a file."""
    typed = form.load(schemas.ListArgs)
    asked = {name: typed[name] for name in ASKED}
    return take(
        uow,
        "people",
        IDENTITIES,
        lambda reading, part: queries.list_identities(reading, part, **asked),
        filtered=_narrowed(typed),
    )


@pages.handover(blp, "/groups/file", again=groups)
def groups_file(uow: UnitOfWork, form: Form) -> Response:
    """The groups of the list, as a file."""
    typed = form.load(schemas.ListArgs)
    asked = {name: typed[name] for name in ASKED}
    columns = dict(GROUPS)
    if typed["as_of"] is None:
        inside = queries.effective_counts(uow)
        columns["effective_members"] = lambda row: inside.get(row.key, 0)
    return take(
        uow,
        "groups",
        columns,
        lambda reading, part: queries.list_groups(reading, part, **asked),
        filtered=_narrowed(typed),
    )


@pages.handover(blp, "/identities/<identity_id>/file", again=identity)
def access_file(uow: UnitOfWork, form: Form, identity_id: str) -> Response:
    """What somebody effectively has, as a file."""
    then = _then(form)
    return take(
        uow,
        "access",
        ACCESS,
        lambda reading, _part: whole(queries.show_access(reading, identity_id, **then)),
        filtered=said(identity_id, *then.values()),
    )


@pages.handover(blp, "/groups/<group_id>/file", again=group)
def members_file(uow: UnitOfWork, form: Form, group_id: str) -> Response:
    """Who is in a group, directly or by nesting, as a file."""
    then, is_effective = _then(form), form["view"] == "effective"
    return take(
        uow,
        "members",
        MEMBERS,
        lambda reading, part: queries.show_members(
            reading, group_id, part, is_effective=is_effective, **then
        ),
        filtered=said(group_id, *then.values(), "effective" if is_effective else "direct"),
    )


@pages.handover(blp, "/identities/<identity_id>/history/file", again=identity)
def identity_history_file(uow: UnitOfWork, _form: Form, identity_id: str) -> Response:
    """Every membership somebody ever had, as a file."""
    return take(
        uow,
        "memberships",
        HISTORY,
        lambda reading, part: queries.identity_history(reading, identity_id, part),
        filtered=identity_id,
    )


@pages.handover(blp, "/groups/<group_id>/history/file", again=group)
def group_history_file(uow: UnitOfWork, _form: Form, group_id: str) -> Response:
    """Every direct membership there ever was in a group, as a file."""
    return take(
        uow,
        "memberships",
        HISTORY,
        lambda reading, part: queries.group_history(reading, group_id, part),
        filtered=group_id,
    )


@pages.handover(blp, "/sources/file", again=sources)
def sources_file(uow: UnitOfWork, form: Form) -> Response:
    """The sources of the list, as a file; no setting is in it."""
    q = form.load(schemas.FindArgs)["q"]
    return take(
        uow,
        "sources",
        SOURCES,
        lambda reading, part: queries.list_sources(reading, part, q=q),
        filtered=said(q),
    )


@pages.handover(blp, "/sources/<name>/file", again=source)
def runs_file(uow: UnitOfWork, _form: Form, name: str) -> Response:
    """The reads of a source, as a file."""
    found = queries.show_source(uow, name)
    return take(
        uow,
        "reads",
        RUNS,
        lambda reading, part: queries.recent_runs(reading, found, part),
        filtered=name,
    )


@pages.handover(blp, "/sync-runs/<run_id>/file", again=run)
def changes_file(uow: UnitOfWork, form: Form, run_id: str) -> Response:
    """What a read changed, or would change, as a file."""
    q = form.load(schemas.FindArgs)["q"]
    changes = doers.naming(run_id, queries.changes_of(uow, run_id, q))
    return take(uow, "changes", CHANGES, changes, filtered=said(run_id, q))


def _then(form: Form) -> dict[str, datetime | None]:
    """Return the moment of a list, and by when it is to have been known."""
    typed = form.load(schemas.ThenArgs)
    return {name: typed[name] for name in ("as_of", "known_at")}


def _narrowed(typed: dict[str, Any]) -> str:
    """Return what a list is narrowed to, for the record that it was taken."""
    word = "privileged" if typed["privileged"] else None
    return said(typed["q"], word, typed["as_of"], typed["known_at"])
