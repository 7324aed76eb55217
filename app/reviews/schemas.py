"""Templates, campaigns and items as they cross the wire."""

from marshmallow import Schema, fields, validate

from app.reviews.domain import CampaignState, DecisionMove
from app.web.shapes import Moment, PageArgs, PublicIdField, Sentence, page_of

MOST = 1000


class NewTemplateSchema(Schema):
    """A template to be made, or changed if there is one of that name."""

    name = fields.String(required=True, validate=validate.Length(1, 200))
    sources = fields.List(
        fields.String(validate=validate.Length(1, 200)),
        load_default=list,
        validate=validate.Length(max=100),
    )
    entitlements = fields.List(
        PublicIdField(), load_default=list, validate=validate.Length(max=MOST)
    )
    fallback = PublicIdField(load_default=None, allow_none=True)
    due_days = fields.Integer(strict=True, load_default=14, validate=validate.Range(1, 365))
    reason_required = fields.Boolean(load_default=True)


class TemplateSchema(Schema):
    """A template."""

    id = fields.String()
    name = fields.String()
    sources = fields.List(fields.String())
    entitlements = fields.List(fields.String())
    fallback = fields.String(allow_none=True)
    due_days = fields.Integer()
    reason_required = fields.Boolean()
    version = fields.Integer()


class LaunchArgs(Schema):
    """Whether to launch, or only to show what launching would mean."""

    preview = fields.Boolean(load_default=False)


class LaunchSchema(Schema):
    """Which template."""

    template = fields.String(required=True, validate=validate.Length(1, 200))
    name = fields.String(load_default=None, allow_none=True, validate=validate.Length(1, 200))


class ProgressSchema(Schema):
    """Where a campaign stands."""

    items = fields.Integer()
    open = fields.Integer()
    decided = fields.Integer()
    signed_off = fields.Integer()
    kept = fields.Integer()
    revoked = fields.Integer()
    abstained = fields.Integer()
    pending = fields.Integer()
    confirmed = fields.Integer()
    failed = fields.Integer()
    not_removable = fields.Integer()
    excluded = fields.Integer()


class ReviewerSchema(Schema):
    """How far one reviewer is."""

    id = fields.String()
    name = fields.String()
    total = fields.Integer()
    kept = fields.Integer()
    revoked = fields.Integer()
    abstained = fields.Integer()
    signed_at = Moment(allow_none=True)


class CampaignSchema(Schema):
    """A campaign."""

    id = fields.String()
    name = fields.String()
    template = fields.String()
    state = fields.String()
    population = fields.Integer()
    population_digest = fields.String(allow_none=True)
    snapshot = fields.List(fields.Dict())
    launched_at = Moment()
    due_at = Moment()
    closed_at = Moment(allow_none=True)
    version = fields.Integer()


class CampaignDetailSchema(CampaignSchema):
    """A campaign with its progress; as a preview, what launching would mean."""

    progress = fields.Nested(ProgressSchema)
    reviewers = fields.List(fields.Nested(ReviewerSchema))
    preview = fields.Dict(metadata={"description": "With `preview=true`: counts and worst case."})


class ItemSchema(Schema):
    """One membership to decide, as it was when the campaign was launched."""

    id = fields.String()
    campaign = fields.String()
    via = fields.String()
    state = fields.String()
    decision = fields.String(allow_none=True)
    reason = fields.String(allow_none=True)
    until = Moment(allow_none=True)
    replacement = fields.String(allow_none=True)
    decided_at = Moment(allow_none=True)
    remediation = fields.String()
    remediation_why = fields.String(allow_none=True)
    shown = fields.Dict()
    version = fields.Integer()


class ItemsSchema(Schema):
    """Items after a command."""

    items = fields.List(fields.Nested(ItemSchema))


class SaidSchema(Schema):
    """What is said of one item."""

    id = PublicIdField(required=True)
    decision = fields.Enum(DecisionMove, by_value=True, required=True)
    version = fields.Integer(required=True, strict=True)
    reason = Sentence(load_default=None, allow_none=True)
    until = Moment(load_default=None, allow_none=True)
    replacement = Sentence(load_default=None, allow_none=True)
    dwell_ms = fields.Integer(
        strict=True, load_default=None, allow_none=True, validate=validate.Range(0, 86_400_000)
    )


class DecisionsSchema(Schema):
    """Many decisions at once, all or nothing."""

    items = fields.List(fields.Nested(SaidSchema), required=True, validate=validate.Length(1, MOST))


class ReassignSchema(Schema):
    """Items for another reviewer."""

    items = fields.List(PublicIdField(), required=True, validate=validate.Length(1, MOST))
    reviewer = PublicIdField(required=True)
    reason = Sentence(required=True, validate=validate.Length(1, 2000))


class SignedSchema(Schema):
    """A sign-off."""

    signed_at = Moment()
    kept = fields.Integer()
    revoked = fields.Integer()
    abstained = fields.Integer()


class CampaignArgs(PageArgs):
    """Which campaigns."""

    state = fields.Enum(CampaignState, by_value=True, load_default=None)


class ItemArgs(PageArgs):
    """Which of my items."""

    campaign = PublicIdField(load_default=None)
    open = fields.Boolean(load_default=False)


TemplatePage = page_of(TemplateSchema)
CampaignPage = page_of(CampaignSchema)
ItemPage = page_of(ItemSchema)
