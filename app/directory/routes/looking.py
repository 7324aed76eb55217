"""Pages of what the sources show: people and groups, now and as they were."""

from flask import Response, request

from app.directory import queries, schemas
from app.directory.routes import blp
from app.directory.routes.moments import answered, ask, then
from app.kernel.uow import Reading
from app.web import pages
from app.web.pages import Form
from app.web.paging import Page
from app.web.reasons import reasons_of
from app.web.shapes import PageArgs, window

ACCESS, DIRECT, EFFECTIVE, HISTORY = "access", "direct", "effective", "history"
GROUP_VIEWS = (DIRECT, EFFECTIVE, HISTORY)


@pages.page(blp, "/identities")
def identities(reading: Reading, form: Form | None = None) -> Response:  # noqa: ARG001 - a refused file leads back here
    """People and services, found by name, mail or employee number."""
    asked = ask(reading, schemas.ListArgs)
    found = queries.list_identities(
        reading,
        window(asked.args),
        q=asked.args["q"],
        privileged=asked.is_privileged,
        as_of=asked.as_of,
        known_at=asked.known_at,
    )
    return answered(
        "directory/identities.html",
        asked,
        page=found,
        q=asked.args["q"],
        privileged=asked.is_privileged,
    )


@pages.page(blp, "/identities/<identity_id>")
def identity(reading: Reading, identity_id: str, form: Form | None = None) -> Response:  # noqa: ARG001 - a refused file leads back here
    """One of them: accounts, what they effectively have by which path, and how it came to be."""
    asked = ask(reading, PageArgs)
    found = then(
        asked,
        lambda as_of, known_at: queries.show_identity(
            reading, identity_id, as_of=as_of, known_at=known_at
        ),
    )
    if request.args.get("view") == HISTORY:
        history = queries.identity_history(reading, identity_id, window(asked.args))
        behind = reasons_of(reading, (each.provenance_ref for each in history.items))
        return answered(
            "directory/identity.html",
            asked,
            who=found,
            view=HISTORY,
            page=history,
            behind=behind,
            past=queries.identity_past(reading, identity_id),
        )
    access = queries.access_of(reading, found.accounts, as_of=asked.as_of, known_at=asked.known_at)
    changed = None
    if asked.as_of is not None:
        changed = queries.difference_to(reading, found, access, asked.until)
    behind = reasons_of(reading, (each.provenance_ref for each in access))
    return answered(
        "directory/identity.html",
        asked,
        who=found,
        view=ACCESS,
        access=access,
        changed=changed,
        behind=behind,
    )


@pages.page(blp, "/groups")
def groups(reading: Reading, form: Form | None = None) -> Response:  # noqa: ARG001 - a refused file leads back here
    """Groups, found by name."""
    asked = ask(reading, schemas.ListArgs)
    found = queries.list_groups(
        reading,
        window(asked.args),
        q=asked.args["q"],
        privileged=asked.is_privileged,
        as_of=asked.as_of,
        known_at=asked.known_at,
    )
    return answered(
        "directory/groups.html",
        asked,
        page=found,
        q=asked.args["q"],
        privileged=asked.is_privileged,
    )


@pages.page(blp, "/groups/<group_id>")
def group(reading: Reading, group_id: str, form: Form | None = None) -> Response:  # noqa: ARG001 - a refused file leads back here
    """One group: who is in it, directly or by which path, what it is in, how it came to be."""
    asked = ask(reading, PageArgs)
    view = request.args.get("view")
    view = view if view in GROUP_VIEWS else DIRECT
    found = then(
        asked,
        lambda as_of, known_at: queries.show_group(
            reading, group_id, as_of=as_of, known_at=known_at
        ),
    )
    part = window(asked.args)
    page: Page[queries.MemberRow] | Page[queries.Interval]
    if view == HISTORY:
        page = queries.group_history(reading, group_id, part)
    else:
        page = queries.show_members(
            reading,
            group_id,
            part,
            is_effective=view == EFFECTIVE,
            as_of=asked.as_of,
            known_at=asked.known_at,
        )
    changed = None
    if asked.as_of is not None and view != HISTORY:
        changed = queries.group_difference(reading, group_id, asked.as_of, asked.until)
    return answered(
        "directory/group.html",
        asked,
        group=found,
        around=queries.surroundings(reading, found, as_of=asked.as_of, known_at=asked.known_at),
        changed=changed,
        leads=queries.leads_of(reading, found, as_of=asked.as_of, known_at=asked.known_at),
        past=queries.group_past(reading, group_id) if view == HISTORY else [],
        page=page,
        behind=reasons_of(reading, (each.provenance_ref for each in page.items)),
        view=view,
        views=GROUP_VIEWS,
    )
