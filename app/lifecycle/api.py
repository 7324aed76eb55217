"""`/hr/events`."""

import hashlib
from typing import Any

from app.kernel.uow import Reading, UnitOfWork
from app.lifecycle import queries, schemas, service
from app.provisioning import planning
from app.web import scope
from app.web.paging import Page
from app.web.shapes import EmptySchema, PageArgs, window
from evidence.canonical import canonical

blp = scope.api("lifecycle", "What HR tells: joiners, movers, leavers, and their receipts.")


@blp.route("/hr/events", methods=["POST"])
@scope.command(
    blp,
    schemas.AnswerSchema,
    args=schemas.EventArgs,
    body=schemas.NewEventSchema,
    status=202,
)
def receive(uow: UnitOfWork, args: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
    """Tell of a joiner, mover, leaver, rehire or leave of absence; repeatable by `event_id`."""
    told = service.Told(**body)
    if args["dry_run"]:
        planned = service.preview(uow, told)
        return {
            "event_id": told.event_id,
            "type": told.type.value,
            "employee_number": told.employee_number,
            "dry_run": True,
            "accounts": planned.accounts,
            "plan": [each.shown() for each in planned.operations],
            "plan_digest": planning.digest(planned.operations),
        }
    return service.receive(uow, told).first_answer


@blp.route("/hr/events", methods=["GET"])
@scope.query(blp, schemas.EventPage, args=PageArgs)
def list_events(reading: Reading, args: dict[str, Any]) -> Page[queries.EventRow]:
    """The events, newest first."""
    return queries.list_events(reading, window(args))


@blp.route("/hr/events/<event_id>", methods=["GET"])
@scope.query(blp, schemas.EventSchema)
def show_event(reading: Reading, event_id: str) -> queries.EventRow:
    """One event, by HR's own id."""
    return queries.find_event(reading, event_id)


@blp.route("/hr/events/<event_id>/receipt", methods=["GET"])
@scope.query(blp, schemas.ReceiptSchema)
def show_receipt(reading: Reading, event_id: str) -> dict[str, Any]:
    """The signed receipt: when each system was read back."""
    receipt = queries.receipt(reading, event_id)
    digest = hashlib.sha256(canonical(receipt)).hexdigest()
    note = scope.doors().ports.sign_note(reading, f"attestry-leaver-receipt/1\n{digest}\n")
    return {"receipt": receipt, "note": note}


@blp.route("/hr/events/<event_id>/cancel", methods=["POST"])
@scope.command(blp, schemas.EventSchema, body=EmptySchema)
def cancel(uow: UnitOfWork, _body: dict[str, Any], event_id: str) -> queries.EventRow:
    """Take an event back before it takes effect."""
    service.cancel(uow, event_id=event_id)
    uow.session.flush()
    return queries.find_event(uow, event_id)
