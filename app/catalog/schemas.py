"""Shapes of the catalogue on the wire."""

from marshmallow import Schema, fields, validate

from app.catalog.domain import LONGEST_TAG, MOST_TAGS, Kind, Risk
from app.web.shapes import Moment, PageArgs, PublicIdField, Sentence

MAX_REASON = 500


class CatalogueArgs(PageArgs):
    """What to look for."""

    q = Sentence(load_default=None, validate=validate.Length(min=1, max=200))
    risk = fields.Enum(Risk, by_value=True, load_default=None)
    tag = Sentence(load_default=None, validate=validate.Length(min=1, max=LONGEST_TAG))
    unexplained = fields.Boolean(
        load_default=False,
        metadata={
            "description": "only what has neither description nor owner, here or in the source"
        },
    )


class EntitlementAnswer(Schema):
    """What can be asked for, and what it means."""

    id = fields.String(required=True)
    name = fields.String(required=True)
    source = fields.String(required=True)
    description = fields.String()
    description_via = fields.String(
        allow_none=True, metadata={"description": "catalogue, source, or null without one"}
    )
    source_description = fields.String(metadata={"description": "whatever was written here"})
    tags = fields.List(fields.String())
    owner = fields.String(allow_none=True)
    owner_name = fields.String(allow_none=True)
    owner_via = fields.String(
        allow_none=True, metadata={"description": "catalogue, source, or null without an owner"}
    )
    source_owner = fields.String(
        allow_none=True, metadata={"description": "whom the source names, whoever was set here"}
    )
    source_owner_name = fields.String(allow_none=True)
    source_owner_login = fields.String(allow_none=True)
    risk = fields.Enum(Risk, by_value=True)
    is_requestable = fields.Boolean()
    is_protected = fields.Boolean()
    is_writable = fields.Boolean()
    is_administrative = fields.Boolean()
    privileged_steps = fields.Integer(
        allow_none=True,
        metadata={
            "description": "in how few memberships whoever is in it is a member of a group that "
            "administers its source; 1 if it does itself, null if none does"
        },
    )
    is_mirror = fields.Boolean()
    version = fields.Integer()
    ended_at = Moment(allow_none=True)


class DescriptionBody(Schema):
    """What an entitlement means; what is left out is left to the source."""

    version = fields.Integer(required=True, strict=True, validate=validate.Range(0, 2**31))
    risk = fields.Enum(Risk, by_value=True, required=True)
    is_requestable = fields.Boolean(required=True, truthy={True}, falsy={False})
    owner = PublicIdField(load_default=None, allow_none=True)
    description = Sentence(load_default=None, allow_none=True)
    tags = fields.List(
        Sentence(validate=validate.Length(min=1, max=LONGEST_TAG)),
        load_default=None,
        allow_none=True,
        validate=validate.Length(max=MOST_TAGS),
        metadata={"description": "left out, they stay as they are"},
    )


class DescriptionForm(Schema):
    """The same as a person types it."""

    version = fields.Integer(required=True, strict=True, validate=validate.Range(0, 2**31))
    risk = fields.Enum(Risk, by_value=True, required=True)
    is_requestable = fields.Boolean(load_default=False)
    description = Sentence(load_default=None)


class TakingForm(Schema):
    """For which field the source is to speak again."""

    version = fields.Integer(required=True, strict=True, validate=validate.Range(0, 2**31))
    field = Sentence(required=True)


class ProtectionBody(Schema):
    """What to protect, and why."""

    what = fields.Enum(Kind, by_value=True, required=True)
    ref = PublicIdField(required=True)
    reason = Sentence(required=True, validate=validate.Length(min=3, max=MAX_REASON))


class ProtectionAnswer(Schema):
    """Something automation may not touch."""

    id = fields.String(required=True)
    what = fields.Enum(Kind, by_value=True)
    ref = fields.String()
    name = fields.String()
    reason = fields.String()
    created_at = Moment()
    created_by = fields.String()
    ended_at = Moment(allow_none=True)
