"""The strict shape of a policy document: every key known, every value of its own type.

YAML is generous where a policy must not be (`yes` is true, `1` is text where text is wanted); these
schemas are not. An unknown key is refused by name, together with the keys allowed there.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from marshmallow import Schema, ValidationError, fields, post_load, validate, validates_schema
from typing_extensions import override

from policies import clauses
from policies.clauses import Measure, NoResponse, Presence, Role
from policies.conditions import Condition, read_condition
from policies.errors import InvalidPolicyError
from policies.facts import GREATEST_DURATION, Action, IdentityKind, Provenance, Risk
from policies.separation import Selector, SodRule

_IDENTIFIER = validate.Regexp(
    r"[a-z0-9]+(-[a-z0-9]+)*\Z", error="lower-case letters, digits and single hyphens only"
)
_SENTENCE = validate.Length(min=1, max=1000)
_DAYS = validate.Range(min=1, max=GREATEST_DURATION)
_MINUTES = validate.Range(min=1, max=60 * 24 * 31)
_HOURS = validate.Range(min=1, max=24 * 365)
_REMOVALS = validate.Range(min=0, max=10**9)
# What cannot be suspended or deactivated there, a policy must not promise.
_MEASURES_BY_KIND: Mapping[str, tuple[Measure, ...]] = {
    "active_directory": (Measure.DISABLE,),
    "openldap": (Measure.DISABLE,),
    "okta": (Measure.SUSPEND, Measure.DEACTIVATE),
    "memory": tuple(Measure),
}


class Strict(Schema):
    """A schema that names the allowed keys when it refuses an unknown one."""

    def __init__(self, **options: Any) -> None:
        """Prepare the messages with the keys of this very schema.

        Args:
            options: As marshmallow passes them to nested schemas.
        """
        super().__init__(**options)
        keys = (field.data_key or name for name, field in self.load_fields.items())
        self.error_messages["unknown"] = f"unknown key; allowed: {', '.join(sorted(keys))}"
        self.error_messages["type"] = "an object with keys is expected"


class Flag(fields.Field[bool]):
    """True or false, and nothing that merely looks like it."""

    @override
    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> bool:
        if not isinstance(value, bool):
            raise ValidationError("true or false is expected")
        return value


class When(fields.Field[Condition]):
    """A condition in the closed language."""

    @override
    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> Condition:
        try:
            return read_condition(value)
        except InvalidPolicyError as error:
            raise ValidationError({p.field: [p.message] for p in error.problems}) from None


def _text(**options: Any) -> fields.String:
    return fields.String(validate=options.pop("validate", _SENTENCE), **options)


def _count(check: validate.Range, **options: Any) -> fields.Integer:
    return fields.Integer(strict=True, validate=check, **options)


def _word(words: type[Any], **options: Any) -> fields.Enum[Any]:
    return fields.Enum(words, by_value=True, **options)


def _many(inner: Any, **options: Any) -> fields.List[Any]:
    return fields.List(inner, **options)


class StepSchema(Strict):
    """One step of a flow."""

    step = _word(Role, required=True)
    fallback = _many(_word(Role))
    quorum = _count(validate.Range(min=1, max=20), load_default=1)

    @validates_schema
    def _check(self, data: Mapping[str, Any], **_: Any) -> None:
        role, chain = data["step"], data.get("fallback", [])
        if role in chain or len(set(chain)) < len(chain):
            raise ValidationError("each role once, and not the step's own", "fallback")
        if data["quorum"] > 1 and (role is not Role.ADMINISTRATORS or chain):
            message = "more than one only for administrators, and without a fallback"
            raise ValidationError(message, "quorum")

    @post_load
    def _make(self, data: dict[str, Any], **_: Any) -> clauses.StepSpec:
        fallback = data.get("fallback", clauses.DEFAULT_FALLBACK[data["step"]])
        return clauses.StepSpec(data["step"], tuple(fallback), data["quorum"])


class ApprovalSchema(Strict):
    """How requests are approved."""

    flow = _many(
        fields.Nested(StepSchema),
        required=True,
        validate=validate.Length(min=1, max=10, error="1 to 10 steps are expected"),
    )
    step_timeout_hours = _count(_HOURS)
    expires_after_days = _count(_DAYS)

    @post_load
    def _make(self, data: dict[str, Any], **_: Any) -> clauses.Approval:
        return clauses.Approval(**data | {"flow": tuple(data["flow"])})


class EffectsSchema(Strict):
    """What a rule does."""

    refuse = _text()
    require = _many(fields.Nested(StepSchema), load_default=tuple, validate=validate.Length(max=10))
    max_duration_days = _count(_DAYS)
    is_reason_required = Flag(data_key="reason_required")
    is_ticket_required = Flag(data_key="ticket_required")
    is_auto_approved = Flag(data_key="auto_approve")

    @post_load
    def _make(self, data: dict[str, Any], **_: Any) -> clauses.Effects:
        effects = clauses.Effects(**data | {"require": tuple(data["require"])})
        if effects == clauses.Effects():
            raise ValidationError("a rule must do something; leave it out if it does not")
        return effects


class RuleSchema(Strict):
    """One rule."""

    id = _text(required=True, validate=_IDENTIFIER)
    text = _text(required=True)
    when = When()
    effects = fields.Nested(EffectsSchema, required=True, data_key="then")

    @post_load
    def _make(self, data: dict[str, Any], **_: Any) -> clauses.Rule:
        return clauses.Rule(**data)


class SelectorSchema(Strict):
    """One entitlement: by id, or by source and name."""

    entitlement_id = _text(data_key="id")
    source = _text()
    name = _text()

    @post_load
    def _make(self, data: dict[str, Any], **_: Any) -> Selector:
        if set(data) not in ({"entitlement_id"}, {"source", "name"}):
            raise ValidationError("give either id, or source and name")
        return Selector(**data)


class SodRuleSchema(Strict):
    """One pair that excludes each other."""

    id = _text(required=True, validate=_IDENTIFIER)
    text = _text(required=True)
    first = _many(fields.Nested(SelectorSchema), required=True, validate=validate.Length(min=1))
    second = _many(fields.Nested(SelectorSchema), required=True, validate=validate.Length(min=1))

    @post_load
    def _make(self, data: dict[str, Any], **_: Any) -> SodRule:
        sides = {"first": tuple(data["first"]), "second": tuple(data["second"])}
        return SodRule(**data | sides)


class ProtectionSchema(Strict):
    """What protected identities and entitlements are spared besides removals."""

    also_refuse = _many(_word(Action), required=True)

    @post_load
    def _make(self, data: dict[str, Any], **_: Any) -> clauses.Protection:
        extra = (action for action in Action if action in data["also_refuse"])
        return clauses.Protection(tuple(dict.fromkeys((Action.REMOVE, *extra))))


class RemovalLimitsSchema(Strict):
    """How many removals may run unseen."""

    per_plan = _count(_REMOVALS)
    per_source_and_day = _count(_REMOVALS)

    @post_load
    def _make(self, data: dict[str, Any], **_: Any) -> clauses.RemovalLimits:
        return clauses.RemovalLimits(**data)


class LeaverSchema(Strict):
    """What happens to a leaver's accounts."""

    by_kind = fields.Dict(keys=_text(), values=_word(Measure), load_default=dict)
    by_source = fields.Dict(keys=_text(), values=_word(Measure), load_default=dict)
    is_session_clearing = Flag(data_key="clear_sessions")
    is_membership_removing = Flag(data_key="remove_memberships")
    limit_minutes = _count(_MINUTES)

    @validates_schema
    def _check(self, data: Mapping[str, Any], **_: Any) -> None:
        for kind, measure in data["by_kind"].items():
            allowed = _MEASURES_BY_KIND.get(kind, tuple(Measure))
            if measure not in allowed:
                message = f"{kind} cannot {measure} an account; allowed: {', '.join(allowed)}"
                raise ValidationError({"by_kind": {kind: [message]}})

    @post_load
    def _make(self, data: dict[str, Any], **_: Any) -> clauses.LeaverSettings:
        frozen = {key: MappingProxyType(data[key]) for key in ("by_kind", "by_source")}
        return clauses.LeaverSettings(**data | frozen)


class ReviewSchema(Strict):
    """How access is looked at again."""

    reviewer = _word(Role, load_default=Role.MANAGER)
    fallback = _many(_word(Role))
    due_days = _count(_DAYS)
    grace_hours = _count(validate.Range(min=0, max=24 * 365))
    no_response = _word(NoResponse)
    is_reason_required_on_revoke = Flag(data_key="reason_required_on_revoke")

    @post_load
    def _make(self, data: dict[str, Any], **_: Any) -> clauses.ReviewSettings:
        chain = tuple(data.get("fallback", clauses.DEFAULT_FALLBACK[data["reviewer"]]))
        if data["reviewer"] in chain or len(set(chain)) < len(chain):
            raise ValidationError("each role once, and not the reviewer's own", "fallback")
        return clauses.ReviewSettings(**data | {"fallback": chain})


class ExampleAskSchema(Strict):
    """What an example asks."""

    action = _word(Action)
    is_for_self = Flag(data_key="for_self")
    reason = _text(validate=validate.Length(max=1000))
    ticket = _text()
    duration_days = _count(_DAYS)
    leaves_no_administrator = Flag()


class ExampleBeneficiarySchema(Strict):
    """What is particular about an example's beneficiary."""

    kind = _word(IdentityKind)
    is_active = Flag()
    department = _text()
    title = _text()
    is_protected = Flag()


class ExampleEntitlementSchema(Strict):
    """What is particular about an example's entitlement."""

    id = _text()
    name = _text()
    source = _text()
    group_kind = _text()
    risk = _word(Risk)
    is_requestable = Flag()
    mastered_by = _text()
    is_removal_automatic = Flag()
    is_protected = Flag()
    is_administrative = Flag()


class ExpectationSchema(Strict):
    """What an example must come to."""

    outcome = _text(required=True, validate=validate.OneOf(["allow", "refuse"]))
    steps = _many(_text())
    refused_by = _many(_text())
    max_duration_days = _count(_DAYS)

    @post_load
    def _make(self, data: dict[str, Any], **_: Any) -> clauses.Expectation:
        lists: dict[str, Any] = {
            key: tuple(data[key]) for key in ("steps", "refused_by") if key in data
        }
        return clauses.Expectation(**data | lists)


class ExamplePeopleSchema(Strict):
    """Who stands where in an example."""

    manager = _word(Presence)
    upper_manager = _word(Presence)
    owner = _word(Presence)
    administrators = _many(_word(Presence))


class ExampleHoldingSchema(SelectorSchema):
    """A right the beneficiary of an example has."""

    provenance = _word(Provenance)

    @post_load
    @override
    def _make(self, data: dict[str, Any], **_: Any) -> Any:
        because = {"provenance": data.pop("provenance")} if "provenance" in data else {}
        return clauses.ExampleHolding(super()._make(data), **because)


class ExampleSchema(Strict):
    """One example."""

    name = _text(required=True)
    ask = fields.Nested(ExampleAskSchema, load_default=dict)
    beneficiary = fields.Nested(ExampleBeneficiarySchema, load_default=dict)
    entitlement = fields.Nested(ExampleEntitlementSchema, load_default=dict)
    people = fields.Nested(ExamplePeopleSchema, load_default=dict)
    holdings = _many(fields.Nested(ExampleHoldingSchema), load_default=tuple)
    expect = fields.Nested(ExpectationSchema, required=True)

    @post_load
    def _make(self, data: dict[str, Any], **_: Any) -> clauses.Example:
        people = dict(data["people"])
        if "administrators" in people:
            people["administrators"] = tuple(people["administrators"])
        return clauses.Example(
            name=data["name"],
            expect=data["expect"],
            beneficiary=MappingProxyType(data["beneficiary"]),
            entitlement=MappingProxyType(data["entitlement"]),
            holdings=tuple(data["holdings"]),
            **data["ask"],
            **people,
        )


class PolicySchema(Strict):
    """The whole document; what it loads are the arguments of `clauses.PolicySet`."""

    schema = _count(validate.Range(min=1, max=1, error="only 1 is known"), required=True)
    name = _text(required=True, validate=_IDENTIFIER)
    description = _text()
    approval = fields.Nested(ApprovalSchema, required=True)
    rules = _many(fields.Nested(RuleSchema), load_default=tuple)
    separation = _many(fields.Nested(SodRuleSchema), load_default=tuple)
    protection = fields.Nested(ProtectionSchema, data_key="protected")
    removal_limits = fields.Nested(RemovalLimitsSchema)
    leaver = fields.Nested(LeaverSchema)
    review = fields.Nested(ReviewSchema)
    examples = _many(fields.Nested(ExampleSchema), load_default=tuple)

    @validates_schema
    def _check(self, data: Mapping[str, Any], **_: Any) -> None:
        _refuse_repeats([*data["rules"], *data["separation"]])

    @post_load
    def _make(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        lists = {key: tuple(data[key]) for key in ("rules", "separation", "examples")}
        return {key: value for key, value in data.items() if key != "schema"} | lists


def _refuse_repeats(rules: Sequence[clauses.Rule | SodRule]) -> None:
    """A reason names its rule by id: two of the same name would leave open which one spoke."""
    ids = [rule.id for rule in rules] + ["approval"]
    repeated = sorted({each for each in ids if ids.count(each) > 1})
    if repeated:
        message = f"taken more than once (or reserved): {', '.join(repeated)}"
        raise ValidationError(message, "rules")
