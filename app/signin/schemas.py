"""Shapes of tokens and roles on the wire."""

from marshmallow import Schema, fields, validate

from app.kernel.actor import Role
from app.signin.domain import LONGEST_SUBJECT, MAX_DAYS
from app.web.days import LastDay
from app.web.shapes import Moment, Sentence

MAX_NAME = 200
MAX_ZONE = 64
MAX_LANGUAGE = 8


class NewTokenBody(Schema):
    """What token is asked for: `role`, or `who`."""

    role = fields.Enum(Role, by_value=True, load_default=None)
    who = Sentence(load_default=None, validate=validate.Length(min=1, max=MAX_NAME))
    name = Sentence(load_default="", validate=validate.Length(max=MAX_NAME))
    expires_days = fields.Integer(
        strict=True, load_default=None, validate=validate.Range(min=1, max=MAX_DAYS)
    )


class TokenAnswer(Schema):
    """A token, without its secret."""

    id = fields.String(required=True)
    name = fields.String(required=True)
    role = fields.Enum(Role, by_value=True, allow_none=True)
    identity = fields.String(allow_none=True)
    identity_name = fields.String(allow_none=True)
    created_at = Moment()
    created_by = fields.String()
    expires_at = Moment(allow_none=True)
    revoked_at = Moment(allow_none=True)


class NewTokenAnswer(Schema):
    """A token just made, with its secret, this once."""

    id = fields.String(required=True)
    name = fields.String(required=True)
    role = fields.Enum(Role, by_value=True, allow_none=True)
    identity = fields.String(allow_none=True)
    token = fields.String(required=True, metadata={"description": "Shown only now."})
    expires_at = Moment(allow_none=True)


class TokenForm(Schema):
    """The form that makes a token."""

    acts_as = fields.String(required=True, validate=validate.OneOf(["role", "person"]))
    role = fields.Enum(Role, by_value=True, load_default=None)
    who = Sentence(load_default=None, validate=validate.Length(max=MAX_NAME))
    name = Sentence(load_default="", validate=validate.Length(max=MAX_NAME))
    expires_days = fields.Integer(load_default=None, validate=validate.Range(min=1, max=MAX_DAYS))


class RoleForm(Schema):
    """The form that gives somebody a role."""

    who = Sentence(required=True, validate=validate.Length(min=1, max=MAX_NAME))
    role = fields.Enum(Role, by_value=True, required=True)
    until = LastDay(load_default=None)


class TieForm(Schema):
    """The form that ties somebody to their account at the provider."""

    who = Sentence(required=True, validate=validate.Length(min=1, max=MAX_NAME))
    subject = Sentence(required=True, validate=validate.Length(min=1, max=LONGEST_SUBJECT))


class PreferencesForm(Schema):
    """The form that says how somebody likes the pages."""

    zone = fields.String(required=True, validate=validate.Length(max=MAX_ZONE))
    language = fields.String(required=True, validate=validate.Length(max=MAX_LANGUAGE))
    are_keys_on = fields.Boolean(load_default=False)


class LimitsAnswer(Schema):
    """To what an auditor is limited."""

    campaigns = fields.List(fields.String())
    start = fields.String(data_key="from", attribute="from", allow_none=True)
    end = fields.String(data_key="to", attribute="to", allow_none=True)
    controls = fields.List(fields.String())


class NewRoleBody(Schema):
    """Who is to hold which role, until when."""

    who = Sentence(required=True, validate=validate.Length(min=1, max=MAX_NAME))
    role = fields.Enum(Role, by_value=True, required=True)
    until = Moment(load_default=None, allow_none=True)


class RoleAnswer(Schema):
    """A role of a person."""

    id = fields.String(required=True)
    identity = fields.String(required=True)
    identity_name = fields.String()
    role = fields.Enum(Role, by_value=True, required=True)
    granted_by = fields.String()
    granted_at = Moment()
    until = Moment(allow_none=True)
    ended_at = Moment(allow_none=True)
    limits = fields.Nested(LimitsAnswer, allow_none=True)
