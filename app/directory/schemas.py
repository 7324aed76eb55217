"""Shapes of the directory on the wire."""

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from app.directory.domain import AccountType, CaseState, IdentityKind, Provenance, SyncState
from app.directory.matching import LONGEST_PART, Field
from app.directory.queries.accounts import Only
from app.directory.scheduling import Waits
from app.web.shapes import AsOfArgs, Moment, PageArgs, PersonSchema, PublicIdField, Sentence

LONGEST_SEARCH = 200
MAX_NAME, MAX_REASON = 1000, 2000


class ThenArgs(AsOfArgs):
    """At which moment, and as known when."""

    known_at = Moment(
        load_default=None,
        metadata={"description": "as was known here at this moment; needs `as_of`"},
    )

    @validates_schema
    def _needs_as_of(self, data: Mapping[str, Any], **_: Any) -> None:
        if data.get("known_at") is not None and data.get("as_of") is None:
            raise ValidationError("Say as_of too: what was known of which moment?", "known_at")


class BetweenArgs(Schema):
    """Which two moments to compare."""

    since = Moment(required=True)
    until = Moment(load_default=None, metadata={"description": "default now"})

    @validates_schema
    def _in_order(self, data: Mapping[str, Any], **_: Any) -> None:
        until = data.get("until")
        if until is not None and until < data["since"]:
            raise ValidationError("This is before the first moment.", "until")


class FindArgs(PageArgs):
    """What to look for."""

    q = Sentence(load_default=None, validate=validate.Length(min=1, max=LONGEST_SEARCH))


class SearchArgs(FindArgs, ThenArgs):
    """What to look for, and when."""


class ListArgs(SearchArgs):
    """What to look for, and whether only what leads to administration."""

    privileged = fields.Boolean(
        load_default=False,
        metadata={"description": "only what is, or leads to, administration of a source now"},
    )

    @validates_schema
    def _is_of_now(self, data: Mapping[str, Any], **_: Any) -> None:
        if data.get("privileged") and data.get("as_of") is not None:
            raise ValidationError("This is kept for now only: leave out as_of.", "privileged")


class MembersArgs(PageArgs, ThenArgs):
    """Whose members, and when."""

    effective = fields.Boolean(
        load_default=False, metadata={"description": "also those in through nested groups"}
    )


class SyncBody(Schema):
    """How to read."""

    full = fields.Boolean(load_default=False, truthy={True}, falsy={False})
    dry_run = fields.Boolean(load_default=False, truthy={True}, falsy={False})


class SourceAnswer(Schema):
    """A connected source, without its secrets."""

    id = fields.String()
    name = fields.String()
    kind = fields.String()
    settings = fields.Dict(keys=fields.String(), values=fields.String())
    is_enabled = fields.Boolean()
    has_baseline = fields.Boolean()
    created_at = Moment()
    last_run = fields.String(allow_none=True)
    last_state = fields.Enum(SyncState, by_value=True, allow_none=True)
    last_ended_at = Moment(allow_none=True)
    delta_minutes = fields.Integer()
    full_hours = fields.Integer()
    most_accounts_percent = fields.Integer()
    most_memberships_percent = fields.Integer()
    most_of_group_percent = fields.Integer()
    large_group = fields.Integer()
    log_days = fields.Integer()
    version = fields.Integer()


class ReadingBody(Schema):
    """When a source is read by itself, and how much a read may end; only what changes."""

    delta_minutes = fields.Integer(
        metadata={"description": "between two reads of what changed; 0 is never by itself"}
    )
    full_hours = fields.Integer(metadata={"description": "between two reads of all of it"})
    most_accounts_percent = fields.Integer(
        metadata={"description": "a read that would end a greater share waits for a person"}
    )
    most_memberships_percent = fields.Integer(metadata={"description": "the same of memberships"})
    most_of_group_percent = fields.Integer(metadata={"description": "the same of one large group"})
    large_group = fields.Integer(metadata={"description": "a group of so many members is large"})
    log_days = fields.Integer(
        metadata={
            "description": "how long what its own log tells of who changed memberships is kept, "
            "if no finding needs it; 0: the log is not read"
        }
    )
    version = fields.Integer(metadata={"description": "as looked at"})


class ScheduleAnswer(Schema):
    """When a source is read next."""

    next_at = Moment(allow_none=True, attribute="at")
    next_mode = fields.Function(
        lambda plan: None if plan.at is None else ("full" if plan.is_full else "delta"),
        metadata={"type": "string", "enum": ["full", "delta", None], "nullable": True},
    )
    next_full_at = Moment(allow_none=True, attribute="full_at")
    last_full_at = Moment(allow_none=True, attribute="whole_at")
    waits = fields.Enum(Waits, by_value=True, allow_none=True)


class ExclusionBody(Schema):
    """Which group to leave out, and why."""

    group = Sentence(required=True, validate=validate.Length(min=1, max=MAX_NAME))
    reason = Sentence(required=True, validate=validate.Length(min=3, max=MAX_REASON))


class ExclusionAnswer(Schema):
    """A group whose members are not expected to be read."""

    id = fields.String()
    source = fields.String()
    group = fields.String(allow_none=True)
    external_id = fields.String()
    name = fields.String()
    reason = fields.String()
    created_at = Moment()
    created_by = fields.String()
    ended_at = Moment(allow_none=True)
    unread_since = Moment(allow_none=True)


class QueryAnswer(Schema):
    """One question that was put to a source."""

    purpose = fields.String()
    text = fields.String()
    pages = fields.Integer()
    returned = fields.Integer()
    reported = fields.Integer(allow_none=True)


class ProblemAnswer(Schema):
    """Something that kept a read from being complete, or a record from being used."""

    code = fields.String()
    detail = fields.String()
    about = fields.String()


class UnreadAnswer(Schema):
    """A group whose members a run could not read."""

    external_id = fields.String()
    group = fields.String(allow_none=True)
    name = fields.String(allow_none=True)
    since = Moment(allow_none=True)
    is_excluded = fields.Boolean()


class SyncRunAnswer(Schema):
    """One read of a source."""

    id = fields.String()
    source = fields.String()
    state = fields.Enum(SyncState, by_value=True)
    is_baseline = fields.Boolean()
    begun_at = Moment()
    ended_at = Moment(allow_none=True)
    endpoint = fields.String()
    account = fields.String()
    queries = fields.List(fields.Nested(QueryAnswer))
    problems = fields.List(fields.Nested(ProblemAnswer))
    counts = fields.Dict(keys=fields.String(), values=fields.Integer())
    digest = fields.String(allow_none=True)
    why = fields.String(allow_none=True)
    started_by = fields.String()
    mode = fields.String(validate=validate.OneOf(("full", "delta")))
    is_stored = fields.Boolean()
    stored_at = Moment(allow_none=True)
    started_from = fields.String(allow_none=True)
    cursor = fields.String(allow_none=True)
    unread = fields.List(fields.Nested(UnreadAnswer))


class RunLineAnswer(Schema):
    """One read of a source, in a list."""

    id = fields.String()
    state = fields.Enum(SyncState, by_value=True)
    mode = fields.Function(
        lambda run: "delta" if run.is_delta else "full",
        metadata={"type": "string", "enum": ["full", "delta"]},
    )
    is_baseline = fields.Boolean()
    begun_at = Moment()
    ended_at = Moment(allow_none=True)
    counts = fields.Dict(keys=fields.String(), values=fields.Integer())
    why = fields.String(allow_none=True)


class ThingAnswer(Schema):
    """An account or a group of a difference; without an address it is not stored yet."""

    name = fields.String()
    href = fields.String(allow_none=True)


class DoingAnswer(Schema):
    """Who made a change in the source and when, as its own log tells; nobody if it names none."""

    at = Moment()
    by = fields.String(allow_none=True)
    account = fields.String(allow_none=True)
    holder = fields.String(allow_none=True)


class ChangeAnswer(Schema):
    """One line of what a read changed, or would change."""

    kind = fields.String()
    subject = fields.Nested(ThingAnswer)
    group = fields.Nested(ThingAnswer, allow_none=True)
    fields_ = fields.List(
        fields.String(), attribute="fields", data_key="fields", metadata={"readOnly": True}
    )
    done = fields.Nested(DoingAnswer, allow_none=True)


class IdentityAnswer(Schema):
    """A person or a service."""

    id = fields.String()
    kind = fields.Enum(IdentityKind, by_value=True)
    name = fields.String()
    mail = fields.String(allow_none=True)
    employee_number = fields.String(allow_none=True)
    department = fields.String(allow_none=True)
    title = fields.String(allow_none=True)
    is_active = fields.Boolean()
    manager = fields.String(allow_none=True)
    manager_name = fields.String(allow_none=True)
    first_seen_at = Moment()
    ended_at = Moment(allow_none=True)


class AccountAnswer(Schema):
    """A login object in a source."""

    id = fields.String()
    source = fields.String()
    external_id = fields.String()
    login = fields.String()
    name = fields.String()
    mail = fields.String(allow_none=True)
    kind = fields.String()
    status = fields.String()
    is_enabled = fields.Boolean()
    correlation_rule = fields.String(allow_none=True)
    address = fields.String()
    expires_at = Moment(allow_none=True)
    last_sign_in_at = Moment(allow_none=True)
    last_sign_in_from = fields.String(
        allow_none=True,
        metadata={"description": "by which word of the source it is told, and how late"},
    )
    first_seen_at = Moment()
    ended_at = Moment(allow_none=True)


class IdentityDetailAnswer(IdentityAnswer):
    """A person or a service, with its accounts."""

    accounts = fields.List(fields.Nested(AccountAnswer))


class GroupAnswer(Schema):
    """A container in a source that gives access."""

    id = fields.String()
    source = fields.String()
    external_id = fields.String()
    name = fields.String()
    kind = fields.String()
    description = fields.String()
    is_writable = fields.Boolean()
    is_administrative = fields.Boolean()
    rule = fields.String(allow_none=True)
    is_mirror = fields.Boolean()
    master = fields.String(allow_none=True)
    master_name = fields.String(allow_none=True)
    first_seen_at = Moment()
    ended_at = Moment(allow_none=True)
    unread_since = Moment(
        allow_none=True,
        metadata={
            "description": "since when its members could not be read; null if they are known"
        },
    )
    privileged_steps = fields.Integer(
        allow_none=True,
        metadata={
            "description": "in how few memberships whoever is in it is a member of a group that "
            "administers its source; 1 if it does itself, null if none does or of a past moment"
        },
    )


class PlaceAnswer(Schema):
    """A group on a path."""

    id = fields.String()
    name = fields.String()


class AccessAnswer(Schema):
    """A group somebody is in, and by which path."""

    group = fields.Nested(GroupAnswer)
    account = fields.String()
    login = fields.String()
    is_direct = fields.Boolean()
    path = fields.List(fields.Nested(PlaceAnswer))
    steps = fields.Integer(metadata={"description": "how many memberships lead there; 1 is direct"})
    is_privileged = fields.Boolean(
        metadata={"description": "whether the group administers its source"}
    )
    follows = fields.List(
        fields.Nested(PlaceAnswer),
        metadata={
            "description": "of a mirror, by which path the same person is in its master; "
            "empty if they are not in it"
        },
    )
    provenance = fields.Enum(Provenance, by_value=True)
    provenance_ref = fields.String(allow_none=True)
    since = Moment()


class AccessList(Schema):
    """All that somebody effectively has."""

    items = fields.List(fields.Nested(AccessAnswer))
    next_cursor = fields.String(allow_none=True)


class MemberAnswer(Schema):
    """An account in a group, and by which path."""

    account = fields.String()
    login = fields.String()
    name = fields.String()
    is_enabled = fields.Boolean()
    identity = fields.String(allow_none=True)
    identity_name = fields.String(allow_none=True)
    is_direct = fields.Boolean()
    path = fields.List(fields.Nested(PlaceAnswer))
    provenance = fields.Enum(Provenance, by_value=True)
    since = Moment()


class ValueAnswer(Schema):
    """One value at two moments; `of` is the login of the account it is about, or empty."""

    of = fields.String()
    field = fields.String()
    before = fields.Raw(allow_none=True)
    after = fields.Raw(allow_none=True)


class IntervalAnswer(Schema):
    """An account directly in a group, from and until."""

    login = fields.String()
    identity = fields.String(allow_none=True)
    identity_name = fields.String(allow_none=True)
    valid_from = Moment()
    valid_to = Moment(allow_none=True)
    provenance = fields.Enum(Provenance, by_value=True)
    run_from = fields.String(allow_none=True)
    run_to = fields.String(allow_none=True)


class IdentityDifferenceAnswer(Schema):
    """What became of somebody between two moments."""

    gained = fields.List(fields.Nested(AccessAnswer))
    lost = fields.List(fields.Nested(AccessAnswer))
    values = fields.List(fields.Nested(ValueAnswer))


class GroupDifferenceAnswer(Schema):
    """What became of a group between two moments."""

    joined = fields.List(fields.Nested(IntervalAnswer))
    left = fields.List(fields.Nested(IntervalAnswer))
    values = fields.List(fields.Nested(ValueAnswer))


SETTLED = (CaseState.LINKED, CaseState.OWN, CaseState.NOT_SAME)


class AccountArgs(SearchArgs):
    """Which accounts."""

    which = fields.Enum(Only, by_value=True, load_default=None)


class WholeAccountArgs(AccountArgs):
    """The same, of a list that is taken as a whole."""

    class Meta:
        """Leave out which part."""

        exclude = ("limit", "cursor")


class CaseArgs(FindArgs):
    """Which cases."""

    state = fields.Enum(CaseState, by_value=True, load_default=CaseState.OPEN)


class AccountLineAnswer(Schema):
    """An account, whose it is and what it is for."""

    id = fields.String()
    source = fields.String()
    login = fields.String()
    name = fields.String()
    mail = fields.String(allow_none=True)
    status = fields.String()
    is_enabled = fields.Boolean()
    type = fields.String(metadata={"description": "as a person said, else as its source suggests"})
    suggested = fields.String()
    said = fields.Enum(AccountType, by_value=True, allow_none=True)
    owner = fields.String(allow_none=True)
    owner_name = fields.String(allow_none=True)
    owner_is_active = fields.Boolean(allow_none=True)
    identity = fields.String(allow_none=True)
    identity_name = fields.String(allow_none=True)
    rule = fields.String(allow_none=True)
    confidence = fields.Integer(allow_none=True)
    last_sign_in_at = Moment(allow_none=True)
    last_sign_in_from = fields.String(
        allow_none=True,
        metadata={"description": "by which word of the source it is told, and how late"},
    )
    version = fields.Integer()


class PersonChoiceAnswer(PersonSchema):
    """Somebody an account may be."""

    mail = fields.String(allow_none=True)
    employee_number = fields.String(allow_none=True)
    is_active = fields.Boolean()


class CaseAnswer(Schema):
    """An account in doubt."""

    id = fields.String()
    code = fields.String()
    detail = fields.String()
    state = fields.Enum(CaseState, by_value=True)
    opened_at = Moment()
    settled_at = Moment(allow_none=True)
    reason = fields.String(allow_none=True)
    version = fields.Integer()
    account = fields.Nested(AccountLineAnswer)
    candidates = fields.List(fields.Nested(PersonChoiceAnswer))


class TyingBody(Schema):
    """Whose an account is, and why."""

    identity = PublicIdField(required=True)
    reason = Sentence(required=True, validate=validate.Length(min=3, max=MAX_REASON))


class SeparationBody(Schema):
    """Why an account is nobody else's."""

    reason = Sentence(required=True, validate=validate.Length(min=3, max=MAX_REASON))


class SettlementBody(Schema):
    """Who an account in doubt is."""

    version = fields.Integer(required=True, strict=True)
    outcome = fields.Enum(
        CaseState,
        by_value=True,
        required=True,
        validate=validate.OneOf(SETTLED, error="It is linked, own or not_same."),
    )
    identity = PublicIdField(load_default=None, allow_none=True)
    reason = Sentence(required=True, validate=validate.Length(min=3, max=MAX_REASON))


class TypingBody(Schema):
    """What an account is for, and who answers for it."""

    version = fields.Integer(required=True, strict=True, validate=validate.Range(0, 2**31))
    type = fields.Enum(AccountType, by_value=True, load_default=None, allow_none=True)
    owner = PublicIdField(load_default=None, allow_none=True)


class RuleBody(Schema):
    """One rule by which an account is tied to an identity."""

    match = fields.Enum(Field, by_value=True, required=True)
    against = fields.Enum(Field, by_value=True, load_default=None, allow_none=True)
    confidence = fields.Integer(required=True, strict=True, validate=validate.Range(1, 100))
    strip_prefix = Sentence(load_default="", validate=validate.Length(max=LONGEST_PART))
    strip_suffix = Sentence(load_default="", validate=validate.Length(max=LONGEST_PART))
    strip_domain = fields.Boolean(load_default=False, truthy={True}, falsy={False})


class RulesBody(Schema):
    """The rules, in their order."""

    version = fields.Integer(required=True, strict=True, validate=validate.Range(0, 2**31))
    rules = fields.List(fields.Nested(RuleBody), required=True)
    source = Sentence(load_default=None, allow_none=True)


class RuledAnswer(Schema):
    """The rules in force."""

    version = fields.Integer()
    rules = fields.List(fields.Nested(RuleBody))
    by_source = fields.Dict(keys=fields.String(), values=fields.List(fields.Nested(RuleBody)))


class ForeseenAccountAnswer(Schema):
    """An account that rules would treat otherwise than those in force."""

    account = fields.String()
    login = fields.String()
    source = fields.String()
    becomes = fields.String(
        metadata={
            "description": "tied to somebody else, doubted (a case opens or names others), or "
            "settled (its case ends by itself)"
        }
    )
    names = fields.List(fields.String())


class ForeseenAnswer(Schema):
    """What rules would do, if they were put in force now."""

    digest = fields.String()
    accounts = fields.Integer()
    tied = fields.Integer()
    doubted = fields.Integer()
    settled = fields.Integer()
    shown = fields.List(
        fields.Nested(ForeseenAccountAnswer), metadata={"description": "the first of them"}
    )
