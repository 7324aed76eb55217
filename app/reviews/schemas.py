"""Shapes of reviews on the wire."""

from marshmallow import Schema, fields, validate

from app.reviews.domain import (
    Answer,
    CampaignState,
    Decision,
    DecisionMove,
    FollowUpState,
    ItemState,
    RemediationState,
)
from app.reviews.service import LONGEST_TICKET
from app.web.days import LastDay
from app.web.paging import MAX_LIMIT
from app.web.shapes import Moment, PageArgs, PersonSchema, PublicIdField, Sentence, page_of

LONGEST_NAME = 200
LONGEST_CAMPAIGN_DAYS = 366
A_DAY_IN_MS = 86_400_000


class NewTemplateSchema(Schema):
    """How a kind of campaign is to be made; one of the same name is changed."""

    name = Sentence(required=True, validate=validate.Length(1, LONGEST_NAME))
    sources = fields.List(
        fields.String(validate=validate.Length(1, LONGEST_NAME)),
        load_default=list,
        validate=validate.Length(max=100),
        metadata={"description": "Names of sources; none: all of them."},
    )
    entitlements = fields.List(
        PublicIdField(),
        load_default=list,
        validate=validate.Length(max=1000),
        metadata={"description": "Public ids of groups; none: all groups of those sources."},
    )
    fallback = PublicIdField(
        load_default=None,
        allow_none=True,
        metadata={"description": "Who decides where neither manager nor owner can."},
    )
    due_days = fields.Integer(
        strict=True, load_default=14, validate=validate.Range(1, LONGEST_CAMPAIGN_DAYS)
    )
    is_reason_required = fields.Boolean(load_default=True, truthy={True}, falsy={False})


class TemplateSchema(Schema):
    """How a kind of campaign is made."""

    id = fields.String()
    name = fields.String()
    sources = fields.List(fields.String())
    entitlements = fields.List(fields.String())
    fallback = fields.Nested(PersonSchema, allow_none=True)
    due_days = fields.Integer()
    grace_hours = fields.Integer()
    is_reason_required = fields.Boolean()
    created_at = Moment()
    created_by = fields.String()
    version = fields.Integer()


class LaunchArgs(Schema):
    """Whether to launch, or only to say what it would mean."""

    preview = fields.Boolean(load_default=False, truthy={"true"}, falsy={"false"})


class NewCampaignSchema(Schema):
    """What to launch."""

    template = Sentence(
        required=True,
        validate=validate.Length(1, LONGEST_NAME),
        metadata={"description": "Public id or name of the template."},
    )
    name = Sentence(load_default=None, allow_none=True, validate=validate.Length(1, LONGEST_NAME))


class ReadSchema(Schema):
    """A complete read of a source that the population stands on."""

    source = fields.String()
    run = fields.String()
    begun_at = fields.String()
    digest = fields.String(allow_none=True)
    mode = fields.String(validate=validate.OneOf(("full", "delta")))
    full_run = fields.String(allow_none=True)


class RuleSchema(Schema):
    """What one rule leaves out, and why."""

    rule = fields.String()
    reason = fields.String()
    memberships = fields.Integer()


class AddresseeSchema(PersonSchema):
    """Somebody who would be told."""

    items = fields.Integer()
    is_reachable = fields.Boolean(
        metadata={"description": "False: no mail address is known; only the app tells them."}
    )


class EffectSchema(Schema):
    """What an outcome would do to the directories."""

    removals = fields.Integer()
    not_removable = fields.Integer()
    unanswered = fields.Integer()


class PreviewSchema(Schema):
    """What a launch would mean; nothing is stored."""

    population = fields.Integer()
    items = fields.Integer()
    excluded = fields.List(fields.Nested(RuleSchema))
    snapshot = fields.List(fields.Nested(ReadSchema))
    reviewers = fields.List(fields.Nested(AddresseeSchema))
    if_all_revoked = fields.Nested(EffectSchema)
    if_nobody_answers = fields.Nested(EffectSchema)


class CampaignSchema(Schema):
    """A campaign."""

    id = fields.String()
    name = fields.String()
    state = fields.Enum(CampaignState, by_value=True)
    template = fields.Nested(PersonSchema)
    population = fields.Integer()
    launched_at = Moment()
    launched_by = fields.String()
    due_at = Moment()
    closed_at = Moment(allow_none=True)
    closed_by = fields.String(allow_none=True)
    why = fields.String(
        allow_none=True, metadata={"description": "Why it could not be launched, if it failed."}
    )
    version = fields.Integer()


class ReviewerSchema(PersonSchema):
    """One reviewer's progress."""

    items = fields.Integer()
    kept = fields.Integer()
    revoked = fields.Integer()
    abstained = fields.Integer()
    undecided = fields.Integer()
    signed_off_at = Moment(allow_none=True)


class ProgressSchema(Schema):
    """What was decided, and, told apart from that, what was really removed."""

    items = fields.Integer()
    undecided = fields.Integer()
    kept = fields.Integer()
    revoked = fields.Integer()
    abstained = fields.Integer()
    signed_off = fields.Integer()
    awaiting_sign_off = fields.Integer()
    pending = fields.Integer()
    confirmed = fields.Integer()
    failed = fields.Integer()
    not_removable = fields.Integer()
    reviewers = fields.List(fields.Nested(ReviewerSchema))


class CampaignDetailSchema(CampaignSchema):
    """A campaign with the reads it stands on, its progress and what it left out."""

    snapshot = fields.List(fields.Nested(ReadSchema))
    population_digest = fields.String(allow_none=True)
    progress = fields.Nested(ProgressSchema)
    excluded = fields.List(fields.Nested(RuleSchema))


class ItemArgs(PageArgs):
    """Which items."""

    campaign = PublicIdField(load_default=None)
    state = fields.Enum(ItemState, by_value=True, load_default=None)
    everybodys = fields.Boolean(
        load_default=False,
        truthy={"true"},
        falsy={"false"},
        metadata={"description": "Items of all reviewers; needs a role that reads campaigns."},
    )


class PeersSchema(Schema):
    """People like the holder, and how many of them have it."""

    of = fields.String(
        metadata={"description": "What makes them alike: title, manager, department."}
    )
    size = fields.Integer()
    holders = fields.Integer()


class ClashSchema(Schema):
    """What it does not go together with, by a rule of the policy in force at the launch."""

    rule = fields.String()
    text = fields.String()
    with_name = fields.String()
    with_source = fields.String()


class BeforeSchema(Schema):
    """How it was decided the last time."""

    campaign = fields.String()
    name = fields.String()
    decision = fields.String()
    at = fields.String()
    by = fields.String()


class AdviceSchema(Schema):
    """What the product suggested, and why."""

    suggestion = fields.String()
    reasons = fields.List(fields.List(fields.Raw()))
    is_low_risk = fields.Boolean()


class ShownSchema(Schema):
    """What an item showed when the campaign was launched."""

    source = fields.String()
    account = fields.String()
    account_login = fields.String(allow_none=True)
    account_name = fields.String(allow_none=True)
    account_status = fields.String(allow_none=True)
    account_is_enabled = fields.Boolean(allow_none=True)
    account_expires_at = fields.String(allow_none=True)
    identity = fields.String(allow_none=True)
    identity_name = fields.String(allow_none=True)
    department = fields.String(allow_none=True)
    title = fields.String(allow_none=True)
    group = fields.String()
    group_name = fields.String()
    description = fields.String(allow_none=True)
    leads_to = fields.List(
        fields.String(), metadata={"description": "What else it gives by nesting, as paths."}
    )
    administers_by = fields.String(
        allow_none=True,
        metadata={"description": "The shortest way to what administers a source; null: to none."},
    )
    owner_name = fields.String(allow_none=True)
    risk = fields.String()
    provenance = fields.String()
    provenance_ref = fields.String(allow_none=True)
    since = fields.String()
    last_sign_in_at = fields.String(
        allow_none=True, metadata={"description": "null: the source does not tell."}
    )
    kind = fields.String(
        allow_none=True, metadata={"description": "What the source calls such a group."}
    )
    removal = fields.String(
        metadata={
            "description": "`automatic`; `read only` or `not automatic: RULE`: left to a person."
        }
    )
    read_at = fields.String(
        allow_none=True, metadata={"description": "When the source was read for the last sign-in."}
    )
    idle_days = fields.Integer(allow_none=True)
    peers = fields.Nested(PeersSchema, allow_none=True)
    conflicts = fields.List(fields.Nested(ClashSchema))
    last_review = fields.Nested(BeforeSchema, allow_none=True)
    team_before = fields.String(allow_none=True)
    new_since = fields.String(allow_none=True)
    advice = fields.Nested(AdviceSchema, allow_none=True)


class FollowUpSchema(Schema):
    """Who answers for a revoke that was not carried out, under which ticket, and until when."""

    owner = fields.Nested(PersonSchema)
    ticket = fields.String()
    due_at = Moment()
    state = fields.Enum(
        FollowUpState,
        by_value=True,
        metadata={"description": "`done`: the removal was confirmed since; `overdue`: it is late."},
    )
    set_at = Moment()
    set_by = fields.String()
    version = fields.Integer(metadata={"description": "How often something was said by then."})


class ItemSchema(Schema):
    """One membership to decide."""

    id = fields.String()
    campaign = fields.Nested(PersonSchema)
    due_at = Moment()
    holder = fields.Nested(PersonSchema, allow_none=True)
    reviewer = fields.Nested(PersonSchema, allow_none=True)
    via = fields.String()
    shown = fields.Nested(ShownSchema)
    gone_at = Moment(
        allow_none=True, metadata={"description": "Since when the source no longer shows it."}
    )
    state = fields.Enum(ItemState, by_value=True)
    decision = fields.Enum(Decision, by_value=True, allow_none=True)
    reason = fields.String(allow_none=True)
    until = Moment(allow_none=True)
    replacement = fields.String(allow_none=True)
    decided_at = Moment(allow_none=True)
    is_late = fields.Boolean()
    signed_off_at = Moment(allow_none=True)
    remediation = fields.Enum(RemediationState, by_value=True)
    remediation_at = Moment(allow_none=True)
    remediation_why = fields.String(allow_none=True)
    follow_up = fields.Nested(
        FollowUpSchema,
        allow_none=True,
        metadata={"description": "Who follows up a revoke that was not carried out; null: nobody."},
    )
    version = fields.Integer()


class ItemsSchema(Schema):
    """The items a command has changed."""

    items = fields.List(fields.Nested(ItemSchema))


class SaidSchema(Schema):
    """What a reviewer says of one item."""

    id = PublicIdField(required=True)
    decision = fields.Enum(DecisionMove, by_value=True, required=True)
    version = fields.Integer(required=True, strict=True, validate=validate.Range(1, 2**31 - 1))
    reason = Sentence(load_default=None, allow_none=True)
    until = Moment(load_default=None, allow_none=True)
    replacement = Sentence(
        load_default=None, allow_none=True, validate=validate.Length(1, LONGEST_NAME)
    )
    dwell_ms = fields.Integer(
        strict=True,
        load_default=None,
        allow_none=True,
        validate=validate.Range(0, A_DAY_IN_MS),
        metadata={"description": "How long it was looked at, in milliseconds."},
    )
    is_viewed = fields.Boolean(
        load_default=None,
        allow_none=True,
        truthy={True},
        falsy={False},
        metadata={"description": "Whether its details were open."},
    )


class DecisionsSchema(Schema):
    """Decisions on many items: all of them or none."""

    items = fields.List(
        fields.Nested(SaidSchema), required=True, validate=validate.Length(1, MAX_LIMIT)
    )


class ReassignSchema(Schema):
    """Items for another reviewer."""

    items = fields.List(PublicIdField(), required=True, validate=validate.Length(1, MAX_LIMIT))
    reviewer = PublicIdField(required=True)
    reason = Sentence(required=True, validate=validate.Length(3, 2000))


class ChargeSchema(Schema):
    """Who is to answer for a revoke that was not carried out, under which ticket, until when."""

    owner = PublicIdField(required=True)
    ticket = Sentence(
        required=True,
        validate=validate.Length(1, LONGEST_TICKET),
        metadata={"description": "Its number or address, in one line."},
    )
    due_at = Moment(required=True, metadata={"description": "Until when; not past."})
    version = fields.Integer(
        required=True,
        strict=True,
        validate=validate.Range(0, 2**31 - 2),
        metadata={"description": "Of the follow-up that was looked at; 0: there was none."},
    )


TemplatePage = page_of(TemplateSchema)
CampaignPage = page_of(CampaignSchema)
ItemPage = page_of(ItemSchema)


class SeenItemSchema(Schema):
    """An item, at the version that was looked at."""

    id = PublicIdField(required=True)
    version = fields.Integer(required=True, strict=True, validate=validate.Range(1, 2**31 - 1))


class AnswerSchema(Schema):
    """What is said of an item that was picked to be checked."""

    id = PublicIdField(required=True)
    answer = fields.Enum(Answer, by_value=True, required=True)


class CheckedSchema(Schema):
    """The answers to a sample, and everything that is kept with what is right in it."""

    sample = PublicIdField(required=True)
    answers = fields.List(fields.Nested(AnswerSchema), required=True)
    items = fields.List(
        fields.Nested(SeenItemSchema), required=True, validate=validate.Length(max=MAX_LIMIT)
    )
    dwell_ms = fields.Integer(
        strict=True, load_default=None, allow_none=True, validate=validate.Range(0, A_DAY_IN_MS)
    )


class TemplateFormSchema(NewTemplateSchema):
    """The form of a template, but for the people and groups that are named in words."""

    class Meta:
        """Those are read apart."""

        exclude = ("name", "fallback", "entitlements", "is_reason_required")


class HandOverSchema(Schema):
    """Who decides instead, and why."""

    reviewer = PublicIdField(required=True)
    reason = Sentence(required=True, validate=validate.Length(3, 2000))


class ChargeFormSchema(Schema):
    """The form of a follow-up: its last day counts as a whole."""

    owner = PublicIdField(required=True)
    ticket = Sentence(required=True, validate=validate.Length(1, LONGEST_TICKET))
    due_at = LastDay(required=True)
    version = fields.Integer(required=True, validate=validate.Range(0, 2**31 - 2))
