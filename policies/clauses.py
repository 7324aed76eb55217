"""What a policy set says, once it has been read and found well formed.

`document.read_policy` is the way to get one; the defaults stand here, next to what they mean.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from policies.conditions import Condition
from policies.facts import Action, Provenance, Risk
from policies.separation import Selector, SodRule


class Role(StrEnum):
    """Whose answer a step asks for."""

    MANAGER = "manager"
    UPPER_MANAGER = "upper_manager"
    OWNER = "owner"
    ADMINISTRATORS = "administrators"


class Measure(StrEnum):
    """How an account of a leaver is closed."""

    DISABLE = "disable"
    SUSPEND = "suspend"
    DEACTIVATE = "deactivate"


class NoResponse(StrEnum):
    """What becomes of a review item nobody answered in time."""

    STAYS_OPEN = "stays_open"
    REVOKE = "revoke"
    KEEP = "keep"


DEFAULT_FALLBACK: Mapping[Role, tuple[Role, ...]] = MappingProxyType(
    {
        Role.MANAGER: (Role.OWNER, Role.ADMINISTRATORS),
        Role.UPPER_MANAGER: (Role.OWNER, Role.ADMINISTRATORS),
        Role.OWNER: (Role.ADMINISTRATORS,),
        Role.ADMINISTRATORS: (),
    }
)


@dataclass(frozen=True, slots=True)
class StepSpec:
    """One step of an approval flow, as the policy words it.

    Attributes:
        role: Whose answer is asked for.
        fallback: Whose instead, in this order, if that role cannot answer.
        quorum: How many of them must say yes (more than one only for administrators).
    """

    role: Role
    fallback: tuple[Role, ...]
    quorum: int = 1


@dataclass(frozen=True, slots=True)
class Approval:
    """How requests are approved unless a rule says otherwise.

    Attributes:
        flow: The steps, in order; at least one.
        step_timeout_hours: How long one step may stay open.
        expires_after_days: How long a whole request may stay open.
    """

    flow: tuple[StepSpec, ...]
    step_timeout_hours: int = 120
    expires_after_days: int = 30


@dataclass(frozen=True, slots=True)
class Effects:
    """What a rule does when its condition is true; at least one of these is set.

    Attributes:
        refuse: Refuse, with this sentence; or None.
        require: Further steps after the flow; they are kept even if another rule auto-approves.
        max_duration_days: The longest access allowed, or None. Of several rules the shortest wins.
        is_reason_required: Whether an ask without a reason is refused.
        is_ticket_required: Whether an ask without a ticket is refused.
        is_auto_approved: Whether the flow is left out.
    """

    refuse: str | None = None
    require: tuple[StepSpec, ...] = ()
    max_duration_days: int | None = None
    is_reason_required: bool = False
    is_ticket_required: bool = False
    is_auto_approved: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of a policy.

    Attributes:
        id: Unique in the policy.
        text: Why, for the person it meets.
        effects: What it does.
        when: When it does so; None is always.
    """

    id: str
    text: str
    effects: Effects
    when: Condition | None = None


@dataclass(frozen=True, slots=True)
class RemovalLimits:
    """How many removals may run before a person has looked.

    Attributes:
        per_plan: In one plan.
        per_source_and_day: In one source within one day (UTC).
    """

    per_plan: int = 50
    per_source_and_day: int = 500


@dataclass(frozen=True, slots=True)
class LeaverSettings:
    """What happens to the accounts of somebody who leaves.

    Attributes:
        by_kind: Kind of source to measure; `okta` is suspended and everything else disabled unless
            this says otherwise (deactivation in Okta cannot be undone for application data).
        by_source: Name of a source to measure; stronger than `by_kind`.
        is_session_clearing: Whether open sessions are ended, too.
        is_membership_removing: Whether memberships are removed, too.
        limit_minutes: How long it may take, from when HR's word takes effect, until every account
            was read back as closed.
    """

    by_kind: Mapping[str, Measure] = field(default_factory=lambda: MappingProxyType({}))
    by_source: Mapping[str, Measure] = field(default_factory=lambda: MappingProxyType({}))
    is_session_clearing: bool = True
    is_membership_removing: bool = True
    limit_minutes: int = 240


@dataclass(frozen=True, slots=True)
class ReviewSettings:
    """How access is looked at again.

    Attributes:
        reviewer: Who decides on an item.
        fallback: Who instead, in this order.
        due_days: How long a campaign is open.
        grace_hours: How long a revoke can be undone before it is carried out.
        no_response: What becomes of an item without an answer at the end.
        is_reason_required_on_revoke: Whether a revoke needs a reason.
    """

    reviewer: Role = Role.MANAGER
    fallback: tuple[Role, ...] = DEFAULT_FALLBACK[Role.MANAGER]
    due_days: int = 14
    grace_hours: int = 0
    no_response: NoResponse = NoResponse.STAYS_OPEN
    is_reason_required_on_revoke: bool = True


@dataclass(frozen=True, slots=True)
class Protection:
    """What may not be asked for where identity or entitlement is protected.

    Attributes:
        refused: The actions refused; a removal always is one of them.
    """

    refused: tuple[Action, ...] = (Action.REMOVE,)


@dataclass(frozen=True, slots=True)
class ExampleHolding:
    """A right the beneficiary of an example has already.

    Attributes:
        selector: Which.
        provenance: Why it is there.
    """

    selector: Selector
    provenance: Provenance = Provenance.IMPORTED_AT_START


class Presence(StrEnum):
    """Who stands in a place of an example."""

    ACTIVE = "active"
    INACTIVE = "inactive"
    MISSING = "missing"
    REQUESTER = "requester"
    BENEFICIARY = "beneficiary"
    MANAGER = "manager"


@dataclass(frozen=True, slots=True)
class Expectation:
    """What an example must come to; what is None is not compared.

    Attributes:
        outcome: `allow` or `refuse`.
        steps: The `how` of each step, in order (`manager`, `owner (no manager)`).
        refused_by: The ids of the rules that refuse, in order.
        max_duration_days: The longest access allowed.
    """

    outcome: str
    steps: tuple[str, ...] | None = None
    refused_by: tuple[str, ...] | None = None
    max_duration_days: int | None = None


@dataclass(frozen=True, slots=True)
class Example:
    """One test of a policy, kept inside it.

    Attributes:
        name: A sentence.
        expect: What must come out.
        action: What is asked for.
        is_for_self: Whether the beneficiary asks.
        reason: As in `facts.Ask`.
        ticket: As in `facts.Ask`.
        duration_days: As in `facts.Ask`.
        leaves_no_administrator: As in `facts.Ask`.
        beneficiary: Attributes of the beneficiary (`facts.Identity`) other than the defaults.
        entitlement: Attributes of the entitlement (`facts.Entitlement`) other than the defaults.
        manager: Who stands as the beneficiary's manager.
        upper_manager: Who stands as the manager's manager.
        owner: Who stands as the entitlement's owner.
        administrators: Who stand as administrators.
        holdings: What the beneficiary has.
    """

    name: str
    expect: Expectation
    action: Action = Action.ADD
    is_for_self: bool = True
    reason: str = "Needed for work"
    ticket: str | None = None
    duration_days: int | None = None
    leaves_no_administrator: bool = False
    beneficiary: Mapping[str, str | bool] = field(default_factory=lambda: MappingProxyType({}))
    entitlement: Mapping[str, str | bool | Risk] = field(
        default_factory=lambda: MappingProxyType({})
    )
    manager: Presence = Presence.ACTIVE
    upper_manager: Presence = Presence.MISSING
    owner: Presence = Presence.ACTIVE
    administrators: tuple[Presence, ...] = (Presence.ACTIVE,)
    holdings: tuple[ExampleHolding, ...] = ()


@dataclass(frozen=True, slots=True)
class PolicySet:
    """A policy set: all the rules and settings in one text.

    Attributes:
        name: What people call it.
        digest: SHA-256 (lower-case hex) of the exact text, as UTF-8.
        text: The exact text.
        description: For people; or empty.
        approval: How requests are approved.
        rules: In the order of the document.
        separation: Pairs that exclude each other.
        protection: What protected identities and entitlements are spared.
        removal_limits: How many removals may run unseen.
        leaver: What happens when somebody leaves.
        review: How access is looked at again.
        examples: The policy's own tests.
    """

    name: str
    digest: str
    text: str
    approval: Approval
    description: str = ""
    rules: tuple[Rule, ...] = ()
    separation: tuple[SodRule, ...] = ()
    protection: Protection = field(default_factory=Protection)
    removal_limits: RemovalLimits = field(default_factory=RemovalLimits)
    leaver: LeaverSettings = field(default_factory=LeaverSettings)
    review: ReviewSettings = field(default_factory=ReviewSettings)
    examples: tuple[Example, ...] = ()
