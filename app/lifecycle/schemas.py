"""HR events as they cross the wire."""

from marshmallow import Schema, fields, validate

from app.lifecycle.domain import LifecycleType
from app.web.shapes import Moment, page_of

# Python's `$` also stands before a last line break; `(?!\n)` shuts that out, here and in OpenAPI.
_NAME = validate.Regexp(
    r"^[A-Za-z0-9_.-]{1,64}$(?!\n)", error="Use 1 to 64 letters, digits, _, . and -."
)


class NewEventSchema(Schema):
    """What HR tells."""

    event_id = fields.String(
        required=True,
        validate=validate.Regexp(
            r"^[\x21-\x7e]{1,200}$(?!\n)", error="1 to 200 printable ASCII characters, no blanks."
        ),
        metadata={"description": "HR's own id for this event; it makes the call repeatable."},
    )
    type = fields.Enum(LifecycleType, by_value=True, required=True)
    employee_number = fields.String(required=True, validate=validate.Length(1, 100))
    effective_at = Moment(required=True)
    attributes = fields.Dict(
        keys=fields.String(validate=_NAME),
        values=fields.String(validate=validate.Length(max=1000)),
        load_default=dict,
        validate=validate.Length(max=50),
    )


class EventArgs(Schema):
    """How an event is to be taken."""

    dry_run = fields.Boolean(load_default=False)


class AnswerSchema(Schema):
    """The first answer to an event; with `dry_run` the plan, and nothing stored."""

    id = fields.String()
    event_id = fields.String()
    type = fields.String()
    employee_number = fields.String()
    effective_at = fields.String()
    received_at = fields.String()
    state = fields.String()
    note = fields.String()
    dry_run = fields.Boolean()
    accounts = fields.Integer()
    plan = fields.List(fields.Dict())
    plan_digest = fields.String()


class EventSchema(Schema):
    """An event and where it stands."""

    id = fields.String()
    event_id = fields.String()
    type = fields.String()
    employee_number = fields.String()
    identity = fields.String(allow_none=True)
    effective_at = Moment()
    received_at = Moment()
    started_at = Moment(allow_none=True)
    completed_at = Moment(allow_none=True)
    state = fields.String()
    why = fields.String(allow_none=True)
    plan = fields.String(allow_none=True)


class ReceiptSchema(Schema):
    """A receipt and the signed note over its canonical bytes."""

    receipt = fields.Dict()
    note = fields.String(
        metadata={"description": "C2SP signed note whose body names the receipt's SHA-256."}
    )


EventPage = page_of(EventSchema)
