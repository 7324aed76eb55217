"""Pages of those who operate: how things stand, tasks, held plans and drift."""

from flask import Response, request, url_for
from flask_babel import gettext as _

from app.kernel.uow import Reading, UnitOfWork
from app.provisioning import drift, queries, schemas, service
from app.provisioning.domain import FindingState, TaskState
from app.provisioning.overview import NEEDS_A_PERSON, UNDECIDED, UNDER_WAY, WAITING, overview
from app.web import health, pages, panels
from app.web.pages import Form
from app.web.paging import Window

blp = pages.pages("provisioning", __name__)

TASK_VIEWS: dict[str, tuple[TaskState, ...]] = {
    "needs-you": NEEDS_A_PERSON,
    "under-way": (*WAITING, *UNDER_WAY),
    "done": (TaskState.VERIFIED, TaskState.APPLIED),
    "all": (),
}
DRIFT_VIEWS: dict[str, tuple[FindingState, ...]] = {
    "open": UNDECIDED,
    "decided": (FindingState.ADOPTED, FindingState.REVERTING, FindingState.REVERTED),
    "gone": (FindingState.GONE,),
    "all": (),
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
def findings(reading: Reading) -> str:
    """Changes that nobody decided here."""
    view = _view(DRIFT_VIEWS)
    found = queries.list_findings(reading, _window(), states=DRIFT_VIEWS[view])
    return pages.render("provisioning/drift.html", page=found, view=view, views=tuple(DRIFT_VIEWS))


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
