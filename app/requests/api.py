"""`/requests`, `/approvals`, `/delegations`."""

from typing import Any

from app.kernel.uow import Reading, UnitOfWork
from app.requests import asking, delegating, queries, schemas, service
from app.web import scope
from app.web.paging import Page
from app.web.shapes import EmptySchema, PageArgs, window
from policies.verdict import verdict_document

blp = scope.api("requests", "Ask for access, and say yes or no.")


@blp.route("/requests/preview", methods=["POST"])
@scope.command(blp, schemas.RequestPreviewSchema, body=schemas.WishSchema)
def preview(uow: UnitOfWork, body: dict[str, Any]) -> dict[str, Any]:
    """What a request would mean: verdict, approvers, plan. Nothing is stored."""
    considered, verdict = service.preview(uow, service.Wish(**body))
    return {
        "verdict": verdict_document(verdict),
        "approvers": asking.asked(uow, verdict.steps),
        "plan": [each.shown() for each in considered.operations],
        "plan_digest": considered.plan_digest,
    }


@blp.route("/requests", methods=["POST"])
@scope.command(blp, schemas.RequestDetailSchema, body=schemas.WishSchema, status=201)
def submit(uow: UnitOfWork, body: dict[str, Any]) -> dict[str, Any]:
    """Ask for a change of access."""
    request = service.submit(uow, service.Wish(**body))
    uow.session.flush()
    return _detail(queries.request_detail(uow, request.public_id))


@blp.route("/requests", methods=["GET"])
@scope.query(blp, schemas.RequestPage, args=schemas.RequestArgs)
def list_requests(reading: Reading, args: dict[str, Any]) -> Page[queries.RequestRow]:
    """The requests you may see, newest first."""
    return queries.list_requests(
        reading, window(args), states=() if args["state"] is None else (args["state"],)
    )


@blp.route("/requests/<request_id>", methods=["GET"])
@scope.query(blp, schemas.RequestDetailSchema)
def show_request(reading: Reading, request_id: str) -> dict[str, Any]:
    """One request with its plan, verdict and timeline."""
    return _detail(queries.request_detail(reading, request_id))


@blp.route("/requests/<request_id>/cancel", methods=["POST"])
@scope.command(blp, schemas.RequestDetailSchema, body=EmptySchema)
def cancel(uow: UnitOfWork, _body: dict[str, Any], request_id: str) -> dict[str, Any]:
    """Take a request back before it is decided."""
    service.cancel(uow, request_id=request_id)
    uow.session.flush()
    return _detail(queries.request_detail(uow, request_id))


@blp.route("/approvals", methods=["GET"])
@scope.query(blp, schemas.ApprovalPage, args=PageArgs)
def list_approvals(reading: Reading, args: dict[str, Any]) -> Page[queries.ApprovalRow]:
    """The questions that wait for you, oldest first."""
    return queries.my_approvals(reading, window(args))


@blp.route("/approvals/<approval_id>", methods=["GET"])
@scope.query(blp, schemas.ApprovalSchema)
def show_approval(reading: Reading, approval_id: str) -> queries.ApprovalRow:
    """One question put to you, with the plan as it would run now."""
    return queries.one_approval(reading, approval_id)


@blp.route("/approvals/<approval_id>/decision", methods=["POST"])
@scope.command(blp, schemas.ApprovalSchema, body=schemas.DecisionSchema)
def decide(uow: UnitOfWork, body: dict[str, Any], approval_id: str) -> queries.ApprovalRow:
    """Approve or refuse, on the digest of the plan you were shown."""
    service.decide(uow, approval_id=approval_id, **body)
    uow.session.flush()
    return queries.one_approval(uow, approval_id)


@blp.route("/delegations", methods=["POST"])
@scope.command(blp, schemas.DelegationSchema, body=schemas.NewDelegationSchema, status=201)
def make_delegation(uow: UnitOfWork, body: dict[str, Any]) -> queries.DelegationRow:
    """Let somebody else answer in your place for a time."""
    made = delegating.delegate(
        uow,
        delegate_id=body["delegate"],
        valid_from=body["valid_from"],
        valid_to=body["valid_to"],
        reason=body["reason"],
    )
    uow.session.flush()
    return queries.delegation(uow, made.public_id)


@blp.route("/delegations", methods=["GET"])
@scope.query(blp, schemas.DelegationPage, args=PageArgs)
def list_delegations(reading: Reading, args: dict[str, Any]) -> Page[queries.DelegationRow]:
    """The delegations you gave or got."""
    return queries.my_delegations(reading, window(args))


@blp.route("/delegations/<delegation_id>/end", methods=["POST"])
@scope.command(blp, schemas.DelegationSchema, body=EmptySchema)
def end_delegation(
    uow: UnitOfWork, _body: dict[str, Any], delegation_id: str
) -> queries.DelegationRow:
    """End one of your delegations now."""
    delegating.end(uow, delegation_id=delegation_id)
    uow.session.flush()
    return queries.delegation(uow, delegation_id)


def _detail(found: queries.RequestDetail) -> dict[str, Any]:
    return {
        **{name: getattr(found.row, name) for name in found.row.__slots__},
        "plan": found.plan,
        "plan_digest": found.plan_digest,
        "policy_digest": found.policy_digest,
        "verdict": found.verdict,
        "timeline": found.timeline,
        "answer_due_at": found.answer_due_at,
        "expires_at": found.expires_at,
    }
