"""Separation of duties: pairs of rights nobody should hold together.

A rule is symmetrical: holding the first and asking for the second is the same conflict as the other
way round. Effective holdings count, by whatever path.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from policies.facts import Entitlement, EntitlementId, Holding, IdentityId


@dataclass(frozen=True, slots=True)
class Selector:
    """Points at one entitlement: by id (which never changes) or by source and name.

    Attributes:
        entitlement_id: The id, or None.
        source: The source's name, or None.
        name: The entitlement's name in it, or None.
    """

    entitlement_id: EntitlementId | None = None
    source: str | None = None
    name: str | None = None

    def covers(self, right: Entitlement | Holding) -> bool:
        """Return whether this points at a right.

        Args:
            right: One that is wanted or held.
        """
        identifier = right.id if isinstance(right, Entitlement) else right.entitlement_id
        if self.entitlement_id is not None:
            return identifier == self.entitlement_id
        return (self.source, self.name) == (right.source, right.name)


@dataclass(frozen=True, slots=True)
class SodRule:
    """Two sides that exclude each other.

    Attributes:
        id: Unique in the policy.
        text: Why, for the person who is refused.
        first: Any of these ...
        second: ... together with any of these is a conflict.
    """

    id: str
    text: str
    first: tuple[Selector, ...]
    second: tuple[Selector, ...]


@dataclass(frozen=True, slots=True)
class Conflict:
    """What is wanted does not go together with what is held.

    Attributes:
        rule_id: The rule that says so.
        text: The rule's text.
        held: The right held already.
        wanted_id: The right asked for.
    """

    rule_id: str
    text: str
    held: Holding
    wanted_id: EntitlementId


@dataclass(frozen=True, slots=True)
class SodViolation:
    """One identity holds both sides of a rule now.

    Attributes:
        rule_id: The rule.
        identity_id: Who.
        first: What is held of one side.
        second: What is held of the other.
    """

    rule_id: str
    identity_id: IdentityId
    first: Holding
    second: Holding


def conflicts(
    rules: Sequence[SodRule], holdings: Sequence[Holding], wanted: Entitlement
) -> tuple[Conflict, ...]:
    """Return what a wanted right conflicts with, in the order of the rules, then of the holdings.

    Args:
        rules: The policy's pairs.
        holdings: What the beneficiary has, effective. The wanted right itself is passed over.
        wanted: The right asked for.
    """
    return tuple(
        Conflict(rule.id, rule.text, held, wanted.id)
        for rule in rules
        for held in holdings
        if held.entitlement_id != wanted.id and _exclude(rule, held, wanted)
    )


def existing_violations(
    rules: Sequence[SodRule], holdings: Mapping[IdentityId, Sequence[Holding]]
) -> tuple[SodViolation, ...]:
    """Return who breaks a rule already: the what-if list for a rule that is being drafted.

    Args:
        rules: Rules in force or in draft.
        holdings: Effective holdings of each identity.
    """
    return tuple(
        SodViolation(rule.id, identity_id, first, second)
        for rule in rules
        for identity_id, held in holdings.items()
        for first in held
        if _covered(rule.first, first)
        for second in held
        if _covered(rule.second, second) and first.entitlement_id != second.entitlement_id
    )


def _exclude(rule: SodRule, held: Holding, wanted: Entitlement) -> bool:
    return (_covered(rule.first, held) and _covered(rule.second, wanted)) or (
        _covered(rule.second, held) and _covered(rule.first, wanted)
    )


def _covered(side: Sequence[Selector], right: Entitlement | Holding) -> bool:
    return any(selector.covers(right) for selector in side)
