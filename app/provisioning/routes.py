"""Pages of those who operate: how things stand, tasks, held plans and drift."""

from flask import Response, request, url_for
from flask_babel import gettext as _

from app.kernel.errors import InvalidInputError
from app.kernel.phrases import phrase
from app.kernel.uow import Reading, UnitOfWork
from app.provisioning import drift, queries, schemas, service
from app.provisioning.domain import FindingState, TaskState
from app.provisioning.overview import NEEDS_A_PERSON, UNDECIDED, UNDER_WAY, WAITING, overview
from app.web import health, pages, panels
from app.web.pages import Form
from app.web.paging import Page, Window
from app.web.sheets import Columns, take

blp = pages.pages("provisioning", __name__)

TASK_VIEWS: dict[str, tuple[TaskState, ...]] = {
    "needs-you": NEEDS_A_PERSON,
    "under-way": (*WAITING, *UNDER_WAY),
    "done": (TaskState.VERIFIED, TaskState.APPLIED),
    "all": (),
}
DRIFT_VIEWS: dict[str, tuple[FindingState, ...]] = {
    "open": UNDECIDED,
    "ticketed": UNDECIDED,
    "decided": (FindingState.ADOPTED, FindingState.REVERTING, FindingState.REVERTED),
    "gone": (FindingState.GONE,),
    "all": (),
}


LONGEST_SEARCH = 200
FINDINGS: Columns[queries.FindingRow] = {
    "id": lambda row: row.id,
    "kind": lambda row: row.kind,
    "state": lambda row: row.state,
    "source": lambda row: row.source,
    "account": lambda row: row.account,
    "account_id": lambda row: row.account_id,
    "holder": lambda row: row.holder,
    "holder_name": lambda row: row.holder_name,
    "group": lambda row: row.group,
    "entitlement": lambda row: row.entitlement,
    "done_at": lambda row: row.done_at,
    "actor": lambda row: row.actor,
    "actor_account": lambda row: row.actor_account,
    "actor_holder": lambda row: row.actor_holder,
    "actor_holder_name": lambda row: row.actor_holder_name,
    "log_event": lambda row: row.log_event,
    "found_at": lambda row: row.found_at,
    "run": lambda row: row.run,
    "ticket": lambda row: row.ticket,
    "ticket_reason": lambda row: row.ticket_reason,
    "ticketed_at": lambda row: row.ticketed_at,
    "decided_at": lambda row: row.decided_at,
    "decided_by": lambda row: row.decided_by,
    "reason": lambda row: row.reason,
    "ended_at": lambda row: row.ended_at,
}


@pages.page(blp, "/operations")
def operations(reading: Reading) -> str:
    """How things stand: what is wrong now comes first."""
    return _operations(reading, "provisioning/operations.html")


@pages.page(blp, "/operations/now", is_poll=True)
def operations_now(reading: Reading) -> str:
    """The same without its frame, for a page that refreshes itself."""
    return _operations(reading, "provisioning/operations_now.html")


def _operations(reading: Reading, template: str) -> str:
    return pages.render(
        template,
        view=overview(reading),
        panels=panels.panels(reading, "operations"),
        unwell=[each for each in health.checks() if not each.is_ok],
        now=reading.now,
    )


@pages.page(blp, "/tasks")
def tasks(reading: Reading) -> str:
    """What is being carried out."""
    view = _view(TASK_VIEWS)
    found = queries.list_tasks(reading, _window(), states=TASK_VIEWS[view])
    return pages.render("provisioning/tasks.html", page=found, view=view, views=tuple(TASK_VIEWS))


@pages.page(blp, "/tasks/<task_id>")
def task(reading: Reading, task_id: str, form: Form | None = None) -> str:
    """One operation: its plan, tries and read-back."""
    found = queries.task_detail(reading, task_id)
    plan = queries.plan_detail(reading, found.row.plan)
    return pages.render("provisioning/task.html", task=found, plan=plan, form=form)


@pages.action(blp, "/tasks/<task_id>/retry", again=task)
def retry(uow: UnitOfWork, _form: Form, task_id: str) -> Response:
    """Try a failed task again."""
    service.retry(uow, task_id=task_id)
    return pages.seen(url_for(f"{blp.name}.task", task_id=task_id), notice=_("It is tried again."))


@pages.page(blp, "/plans/<plan_id>")
def plan(reading: Reading, plan_id: str, form: Form | None = None) -> str:
    """The exact operations of a decision, and why it waits if it does."""
    found = queries.plan_detail(reading, plan_id)
    run = queries.tasks_of(reading, plan_id)
    return pages.render("provisioning/plan.html", plan=found, tasks=run, form=form)


@pages.action(blp, "/plans/<plan_id>/release", again=plan)
def release(uow: UnitOfWork, _form: Form, plan_id: str) -> Response:
    """Let the held removals of a plan run, as a second person."""
    service.release(uow, plan_id=plan_id)
    address = url_for(f"{blp.name}.plan", plan_id=plan_id)
    return pages.seen(address, notice=_("The plan goes on."))


@pages.page(blp, "/drift")
def findings(reading: Reading, form: Form | None = None) -> str:
    """Changes that nobody decided here, found by names and tickets."""
    view = _view(DRIFT_VIEWS)
    q = None if form is not None else _searched(request.args.get("q", ""))
    found = _findings(reading, _window(), view, q)
    return pages.render(
        "provisioning/drift.html", page=found, view=view, views=tuple(DRIFT_VIEWS), q=q
    )


@pages.handover(blp, "/drift/file", again=findings)
def findings_file(uow: UnitOfWork, form: Form) -> Response:
    """The findings of the list, as a file."""
    view = form["view"] if form["view"] in DRIFT_VIEWS else next(iter(DRIFT_VIEWS))
    q = _searched(form["q"])
    return take(
        uow,
        "drift",
        FINDINGS,
        lambda reading, part: _findings(reading, part, view, q),
        filtered=" ".join(each for each in (view, q) if each),
    )


def _findings(reading: Reading, part: Window, view: str, q: str | None) -> Page[queries.FindingRow]:
    is_ticketed = True if view == "ticketed" else None
    return queries.list_findings(
        reading, part, states=DRIFT_VIEWS[view], q=q, is_ticketed=is_ticketed
    )


def _searched(typed: str) -> str | None:
    """Return what a list is searched for.

    Raises:
        InvalidInputError: It is longer than any name.
    """
    words = typed.strip()
    if len(words) > LONGEST_SEARCH:
        told = phrase("At most %(most)s characters.", most=LONGEST_SEARCH)
        raise InvalidInputError({"q": told})
    return words or None


@pages.page(blp, "/drift/<finding_id>")
def finding(reading: Reading, finding_id: str, form: Form | None = None) -> str:
    """One change that nobody decided: adopt it or have it undone."""
    found = queries.finding_row(reading, finding_id)
    return pages.render("provisioning/finding.html", finding=found, form=form)


@pages.action(blp, "/drift/<finding_id>/adopt", again=finding)
def adopt(uow: UnitOfWork, form: Form, finding_id: str) -> Response:
    """Make it the decided state."""
    drift.adopt(uow, finding_id=finding_id, **form.load(schemas.FindingDecisionSchema))
    return pages.seen(url_for(f"{blp.name}.findings"), notice=_("Adopted: it is decided now."))


@pages.action(blp, "/drift/<finding_id>/ticket", again=finding)
def ticket(uow: UnitOfWork, form: Form, finding_id: str) -> Response:
    """Note where it is looked into; it stays open."""
    drift.ticket(uow, finding_id=finding_id, **form.load(schemas.TicketSchema))
    address = url_for(f"{blp.name}.finding", finding_id=finding_id)
    return pages.seen(address, notice=_("The ticket is noted. It stays open until it is decided."))


@pages.action(blp, "/drift/<finding_id>/revert", again=finding)
def revert(uow: UnitOfWork, form: Form, finding_id: str) -> Response:
    """Have it undone."""
    drift.revert(uow, finding_id=finding_id, **form.load(schemas.FindingDecisionSchema))
    notice = _("It is being undone, and read back.")
    return pages.seen(url_for(f"{blp.name}.findings"), notice=notice)


def _view(known: dict[str, tuple[TaskState, ...]] | dict[str, tuple[FindingState, ...]]) -> str:
    """Return which of its views a list is asked for; the first one unless one is named."""
    asked = request.args.get("view", "")
    return asked if asked in known else next(iter(known))


def _window() -> Window:
    return Window(cursor=request.args.get("cursor") or None)
