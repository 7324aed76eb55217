"""Tasks, plans and findings of drift as they cross the wire."""

from marshmallow import Schema, fields, validate

from app.provisioning.domain import FindingKind, FindingState, TaskState
from app.web.shapes import LONGEST_SENTENCE, Moment, PageArgs, Sentence, page_of

LONGEST_TICKET = 500


class TaskSchema(Schema):
    """One operation against one source."""

    id = fields.String()
    state = fields.Enum(TaskState, by_value=True)
    verb = fields.String()
    source = fields.String()
    account = fields.String()
    group = fields.String(allow_none=True)
    attempt = fields.Integer()
    due_at = Moment(allow_none=True)
    created_at = Moment()
    applied_at = Moment(allow_none=True)
    verified_at = Moment(allow_none=True)
    error_code = fields.String(allow_none=True)
    error = fields.String(allow_none=True)
    plan = fields.String()
    cause = fields.String()
    cause_ref = fields.String()
    version = fields.Integer()


class AttemptSchema(Schema):
    """One try."""

    number = fields.Integer()
    began_at = Moment()
    ended_at = Moment(allow_none=True)
    result = fields.String(allow_none=True)
    detail = fields.String(allow_none=True)


class ReadBackSchema(Schema):
    """What the source showed; `in_effect` is null if it has no way to show it."""

    in_effect = fields.Boolean(allow_none=True)
    shown = fields.String()
    query = fields.String()


class TaskDetailSchema(TaskSchema):
    """A task with its operation, the source's answer, the read-back and every try."""

    operation = fields.String(allow_none=True)
    answer = fields.String(allow_none=True)
    effect = fields.String(allow_none=True)
    read_back = fields.Nested(ReadBackSchema, allow_none=True)
    attempts = fields.List(fields.Nested(AttemptSchema))


class PlanSchema(Schema):
    """The exact operations of a decision."""

    id = fields.String()
    state = fields.String()
    cause = fields.String()
    cause_ref = fields.String()
    digest = fields.String()
    held_reason = fields.String(allow_none=True)
    operations = fields.List(fields.Dict())
    created_at = Moment()
    ended_at = Moment(allow_none=True)
    version = fields.Integer()


class TaskArgs(PageArgs):
    """Which tasks."""

    state = fields.Enum(TaskState, by_value=True, load_default=None)


class PlanArgs(PageArgs):
    """Which plans."""

    held = fields.Boolean(load_default=False)


class FindingSchema(Schema):
    """A difference between a source and what was decided."""

    id = fields.String()
    kind = fields.Enum(FindingKind, by_value=True)
    state = fields.Enum(FindingState, by_value=True)
    source = fields.String()
    account = fields.String()
    account_id = fields.String()
    holder = fields.String(allow_none=True)
    holder_name = fields.String(allow_none=True)
    group = fields.String()
    entitlement = fields.String()
    run = fields.String()
    found_at = Moment()
    decided_at = Moment(allow_none=True)
    decided_by = fields.String(allow_none=True)
    reason = fields.String(allow_none=True)
    ended_at = Moment(allow_none=True)
    version = fields.Integer()
    ticket = fields.String(
        allow_none=True, metadata={"description": "where it is looked into; it stays open"}
    )
    ticket_reason = fields.String(allow_none=True)
    ticketed_at = Moment(allow_none=True)
    ticketed_by = fields.String(allow_none=True)
    is_writable = fields.Boolean(
        metadata={"description": "whether it can be undone from here; else only in its source"}
    )
    done_at = Moment(
        allow_none=True,
        metadata={"description": "when it was done, by the source's own log; null: not told"},
    )
    actor = fields.String(
        allow_none=True, metadata={"description": "who did it, as that log names them"}
    )
    actor_account = fields.String(
        allow_none=True, metadata={"description": "the account that is, if it is known here"}
    )
    actor_holder = fields.String(allow_none=True)
    actor_holder_name = fields.String(allow_none=True)
    log_event = fields.String(
        allow_none=True, metadata={"description": "the log's own id of it, to look it up there"}
    )


class FindingArgs(PageArgs):
    """Which findings."""

    state = fields.Enum(FindingState, by_value=True, load_default=None)
    q = Sentence(load_default=None, validate=validate.Length(min=1, max=200))
    ticketed = fields.Boolean(load_default=None)


class TicketSchema(Schema):
    """Where a finding is looked into, and why it cannot be decided yet."""

    ticket = Sentence(required=True, validate=validate.Length(1, LONGEST_TICKET))
    reason = Sentence(required=True, validate=validate.Length(1, LONGEST_SENTENCE))
    version = fields.Integer(required=True)


class FindingDecisionSchema(Schema):
    """What is decided about a finding, as it was looked at."""

    reason = Sentence(required=True, validate=validate.Length(1, LONGEST_SENTENCE))
    version = fields.Integer(required=True)


FindingPage = page_of(FindingSchema)
TaskPage = page_of(TaskSchema)
PlanPage = page_of(PlanSchema)
