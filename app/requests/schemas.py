"""Requests, approvals and delegations as they cross the wire."""

from marshmallow import Schema, fields, validate

from app.requests.domain import Action, RequestState
from app.web.shapes import Moment, PageArgs, PersonSchema, PublicIdField, Sentence, page_of


class WishSchema(Schema):
    """What is asked for."""

    beneficiary = PublicIdField(
        load_default=None,
        allow_none=True,
        metadata={"description": "Public id of the identity it is for; left out: for yourself."},
    )
    entitlement = PublicIdField(
        required=True, metadata={"description": "Public id of the entitlement (a group)."}
    )
    action = fields.Enum(Action, by_value=True, load_default=Action.ADD)
    reason = Sentence(load_default="")
    duration_days = fields.Integer(
        strict=True, load_default=None, allow_none=True, validate=validate.Range(1, 3650)
    )
    ticket = fields.String(load_default=None, allow_none=True, validate=validate.Length(1, 100))


class ReasonSchema(Schema):
    """One reason of a verdict."""

    rule = fields.String()
    effect = fields.String()
    text = fields.String()
    source = fields.String()


class StepSchema(Schema):
    """One answer that is needed."""

    order = fields.Integer()
    role = fields.String()
    approvers = fields.List(fields.String())
    quorum = fields.Integer()
    how = fields.String()


class VerdictSchema(Schema):
    """What the policy says."""

    outcome = fields.String()
    policy_digest = fields.String()
    steps = fields.List(fields.Nested(StepSchema))
    reasons = fields.List(fields.Nested(ReasonSchema))
    max_duration_days = fields.Integer(allow_none=True)
    obligations = fields.List(fields.Dict())


class OperationSchema(Schema):
    """One exact operation of a plan."""

    verb = fields.String()
    way = fields.String()
    source = fields.String()
    source_name = fields.String()
    account = fields.String()
    account_name = fields.String()
    group = fields.String(allow_none=True)
    group_name = fields.String(allow_none=True)
    text = fields.String()


class ApproverSchema(Schema):
    """Who will be asked."""

    step = fields.Integer()
    how = fields.String()
    people = fields.List(fields.Nested(PersonSchema))
    usual_seconds = fields.Integer(
        allow_none=True,
        metadata={
            "description": "Median time to the answer of the one who is asked, within half a year; "
            "null if several are asked, or they answered fewer than three times."
        },
    )


class RequestPreviewSchema(Schema):
    """What a request would mean; nothing is stored."""

    verdict = fields.Nested(VerdictSchema)
    approvers = fields.List(fields.Nested(ApproverSchema))
    plan = fields.List(fields.Nested(OperationSchema))
    plan_digest = fields.String()


class RequestSchema(Schema):
    """A request."""

    id = fields.String()
    state = fields.Enum(RequestState, by_value=True)
    action = fields.String()
    requester = fields.Nested(PersonSchema)
    beneficiary = fields.Nested(PersonSchema)
    entitlement = fields.Nested(PersonSchema)
    source = fields.String()
    reason = fields.String()
    duration_days = fields.Integer(allow_none=True)
    ticket = fields.String(allow_none=True)
    submitted_at = Moment()
    ended_at = Moment(allow_none=True)
    why = fields.String(allow_none=True)
    version = fields.Integer()


class HappenedSchema(Schema):
    """One line of a timeline; without a time it has not happened yet."""

    at = Moment(allow_none=True)
    what = fields.String()
    who = fields.String(allow_none=True)
    detail = fields.String(allow_none=True)


class RequestDetailSchema(RequestSchema):
    """A request with its plan, verdict and timeline."""

    plan = fields.List(fields.Nested(OperationSchema))
    plan_digest = fields.String()
    policy_digest = fields.String()
    verdict = fields.Nested(VerdictSchema)
    answer_due_at = Moment(allow_none=True)
    expires_at = Moment(allow_none=True)
    timeline = fields.List(fields.Nested(HappenedSchema))


class ApprovalSchema(Schema):
    """A question, with the plan as it would run now."""

    id = fields.String()
    request = fields.Nested(RequestSchema)
    step = fields.Integer()
    role = fields.String()
    how = fields.String()
    due_at = Moment(allow_none=True)
    plan = fields.List(fields.Nested(OperationSchema))
    plan_digest = fields.String()
    verdict = fields.Nested(VerdictSchema)
    outcome = fields.String(allow_none=True)
    version = fields.Integer()


class DecisionSchema(Schema):
    """An answer."""

    outcome = fields.String(required=True, validate=validate.OneOf(["approve", "refuse"]))
    comment = Sentence(load_default=None, allow_none=True)
    plan_digest = fields.String(
        required=True,
        validate=validate.Regexp(
            r"^[0-9a-f]{64}$(?!\n)", error="Give the plan_digest you were shown."
        ),
    )


class NewDelegationSchema(Schema):
    """Who stands in for you."""

    delegate = PublicIdField(required=True)
    valid_from = Moment(required=True)
    valid_to = Moment(required=True)
    reason = Sentence(required=True, validate=validate.Length(1, 2000))


class DelegationSchema(Schema):
    """Who stands in for whom."""

    id = fields.String()
    delegator = fields.Nested(PersonSchema)
    delegate = fields.Nested(PersonSchema)
    reason = fields.String()
    valid_from = Moment()
    valid_to = Moment()
    ended_at = Moment(allow_none=True)


class RequestArgs(PageArgs):
    """Which requests."""

    state = fields.Enum(RequestState, by_value=True, load_default=None)


RequestPage = page_of(RequestSchema)
ApprovalPage = page_of(ApprovalSchema)
DelegationPage = page_of(DelegationSchema)
