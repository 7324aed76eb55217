"""`/tasks`, `/plans` and `/drift`."""

from typing import Any, TypeVar

from app.kernel.uow import Reading, UnitOfWork
from app.provisioning import drift, queries, schemas, service
from app.web import scope
from app.web.paging import Page
from app.web.shapes import EmptySchema, window

State = TypeVar("State")
blp = scope.api("provisioning", "What is being carried out, and what needs a person.")


@blp.route("/tasks", methods=["GET"])
@scope.query(blp, schemas.TaskPage, args=schemas.TaskArgs)
def list_tasks(reading: Reading, args: dict[str, Any]) -> Page[queries.TaskRow]:
    """Tasks, newest first."""
    return queries.list_tasks(reading, window(args), states=_only(args["state"]))


@blp.route("/tasks/<task_id>", methods=["GET"])
@scope.query(blp, schemas.TaskDetailSchema)
def show_task(reading: Reading, task_id: str) -> dict[str, Any]:
    """One task with its plan, tries and read-back."""
    return detail(queries.task_detail(reading, task_id))


@blp.route("/tasks/<task_id>/retry", methods=["POST"])
@scope.command(blp, schemas.TaskDetailSchema, body=EmptySchema)
def retry_task(uow: UnitOfWork, _body: dict[str, Any], task_id: str) -> dict[str, Any]:
    """Try a failed task again."""
    service.retry(uow, task_id=task_id)
    uow.session.flush()
    return detail(queries.task_detail(uow, task_id))


@blp.route("/plans", methods=["GET"])
@scope.query(blp, schemas.PlanPage, args=schemas.PlanArgs)
def list_plans(reading: Reading, args: dict[str, Any]) -> Page[queries.PlanRow]:
    """Plans, newest first; with `held=true` those that wait for a person."""
    return queries.list_plans(reading, window(args), held=args["held"])


@blp.route("/plans/<plan_id>", methods=["GET"])
@scope.query(blp, schemas.PlanSchema)
def show_plan(reading: Reading, plan_id: str) -> queries.PlanRow:
    """One plan."""
    return queries.plan_detail(reading, plan_id)


@blp.route("/plans/<plan_id>/release", methods=["POST"])
@scope.command(blp, schemas.PlanSchema, body=EmptySchema)
def release_plan(uow: UnitOfWork, _body: dict[str, Any], plan_id: str) -> queries.PlanRow:
    """Let the held removals of a plan run, as a second person."""
    service.release(uow, plan_id=plan_id)
    uow.session.flush()
    return queries.plan_detail(uow, plan_id)


@blp.route("/drift", methods=["GET"])
@scope.query(blp, schemas.FindingPage, args=schemas.FindingArgs)
def list_drift(reading: Reading, args: dict[str, Any]) -> Page[queries.FindingRow]:
    """Changes nobody decided here, newest first."""
    return queries.list_findings(
        reading,
        window(args),
        states=_only(args["state"]),
        q=args["q"],
        is_ticketed=args["ticketed"],
    )


@blp.route("/drift/<finding_id>", methods=["GET"])
@scope.query(blp, schemas.FindingSchema)
def show_drift(reading: Reading, finding_id: str) -> queries.FindingRow:
    """One change nobody decided here."""
    return queries.finding_row(reading, finding_id)


@blp.route("/drift/<finding_id>/adopt", methods=["POST"])
@scope.command(blp, schemas.FindingSchema, body=schemas.FindingDecisionSchema)
def adopt_drift(uow: UnitOfWork, body: dict[str, Any], finding_id: str) -> queries.FindingRow:
    """Make it the decided state, with a reason."""
    drift.adopt(uow, finding_id=finding_id, **body)
    uow.session.flush()
    return queries.finding_row(uow, finding_id)


@blp.route("/drift/<finding_id>/revert", methods=["POST"])
@scope.command(blp, schemas.FindingSchema, body=schemas.FindingDecisionSchema)
def revert_drift(uow: UnitOfWork, body: dict[str, Any], finding_id: str) -> queries.FindingRow:
    """Have it undone, with a reason; that is carried out and read back."""
    drift.revert(uow, finding_id=finding_id, **body)
    uow.session.flush()
    return queries.finding_row(uow, finding_id)


@blp.route("/drift/<finding_id>/ticket", methods=["POST"])
@scope.command(blp, schemas.FindingSchema, body=schemas.TicketSchema)
def ticket_drift(uow: UnitOfWork, body: dict[str, Any], finding_id: str) -> queries.FindingRow:
    """Note the ticket where it is looked into; it stays open."""
    drift.ticket(uow, finding_id=finding_id, **body)
    uow.session.flush()
    return queries.finding_row(uow, finding_id)


def _only(state: State | None) -> tuple[State, ...]:
    return () if state is None else (state,)


def detail(found: queries.TaskDetail) -> dict[str, Any]:
    """Return a task's detail as one flat object."""
    return {
        **{name: getattr(found.row, name) for name in found.row.__slots__},
        "operation": found.operation,
        "answer": found.answer,
        "effect": found.effect,
        "read_back": found.read_back,
        "attempts": found.attempts,
    }
