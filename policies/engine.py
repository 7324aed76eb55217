"""Judge one ask: `evaluate(policy, facts)` is total, deterministic and has no side effect.

Every rule whose condition is true has its say; none hides another, so the answer names everything
at once. Where rules differ, the stricter wins: a refusal beats everything, a required step beats
an auto-approval, the shortest duration counts.
"""

from dataclasses import dataclass

from policies import conditions, routing, separation
from policies.clauses import PolicySet, Rule, StepSpec
from policies.facts import Action, Facts
from policies.verdict import (
    Obligation,
    ObligationKind,
    Reason,
    ReasonEffect,
    Step,
    Verdict,
    VerdictOutcome,
)

_STANDING = "standing"


@dataclass(frozen=True, slots=True)
class _Placed:
    """A rule with its place in the policy."""

    rule: Rule
    source: str

    def reason(self, effect: ReasonEffect, text: str = "") -> Reason:
        return Reason(self.rule.id, effect, text or self.rule.text, self.source)


def evaluate(policy: PolicySet, facts: Facts) -> Verdict:
    """Return what a policy says of an ask.

    Args:
        policy: As `document.read_policy` returned it.
        facts: Well-formed facts. For any such facts there is a verdict; nothing is raised.
    """
    matching = _matching(policy, facts)
    limit = _limit(matching, facts)
    steps, stuck = _steps(policy, facts, matching)
    refusals = (
        *_standing(policy, facts),
        *_refusals(matching, facts),
        *_too_long(matching, facts, limit),
        *_conflicts(policy, facts),
        *stuck,
    )
    reasons = (*refusals, *_other_reasons(matching))
    if refusals:
        return Verdict(VerdictOutcome.REFUSE, policy.digest, (), reasons, limit)
    obligations = _obligations(facts, limit)
    return Verdict(VerdictOutcome.ALLOW, policy.digest, steps, reasons, limit, obligations)


def _matching(policy: PolicySet, facts: Facts) -> tuple[_Placed, ...]:
    return tuple(
        _Placed(rule, f"rules.{index}")
        for index, rule in enumerate(policy.rules)
        if rule.when is None or conditions.holds(rule.when, facts)
    )


def _standing(policy: PolicySet, facts: Facts) -> tuple[Reason, ...]:
    """Return the refusals no policy can switch off (a removal from what is protected is one)."""
    ask, gives = facts.ask, facts.ask.action is not Action.REMOVE
    guarded = ask.action in policy.protection.refused
    checks = {
        "beneficiary-inactive": (
            gives and not ask.beneficiary.is_active,
            "The beneficiary is not active; access can only be taken away.",
        ),
        "not-requestable": (
            gives and not ask.entitlement.is_requestable,
            "This entitlement cannot be asked for; its owner can open it.",
        ),
        "protected-identity": (
            guarded and ask.beneficiary.is_protected,
            "The beneficiary is protected; an administrator must end the protection first.",
        ),
        "protected-entitlement": (
            guarded and ask.entitlement.is_protected,
            "The entitlement is protected; an administrator must end the protection first.",
        ),
        "last-administrator": (
            not gives and ask.leaves_no_administrator,
            "This is the last member of an administrators' group; add another one first.",
        ),
    }
    return tuple(
        Reason(f"{_STANDING}.{name}", ReasonEffect.REFUSES, text, _STANDING)
        for name, (applies, text) in checks.items()
        if applies
    )


def _refusals(matching: tuple[_Placed, ...], facts: Facts) -> tuple[Reason, ...]:
    reasons: list[Reason] = []
    for placed in matching:
        effects = placed.rule.effects
        if effects.refuse is not None:
            reasons.append(placed.reason(ReasonEffect.REFUSES, effects.refuse))
        if effects.is_reason_required and not facts.ask.reason.strip():
            text = f"{placed.rule.text} Give a reason."
            reasons.append(placed.reason(ReasonEffect.REFUSES, text))
        if effects.is_ticket_required and not (facts.ask.ticket or "").strip():
            text = f"{placed.rule.text} Give the number of a ticket."
            reasons.append(placed.reason(ReasonEffect.REFUSES, text))
    return tuple(reasons)


def _limit(matching: tuple[_Placed, ...], facts: Facts) -> int | None:
    if facts.ask.action is Action.REMOVE:
        return None
    limits = [placed.rule.effects.max_duration_days for placed in matching]
    return min((days for days in limits if days is not None), default=None)


def _too_long(matching: tuple[_Placed, ...], facts: Facts, limit: int | None) -> tuple[Reason, ...]:
    asked = facts.ask.duration_days
    if limit is None or asked is None or asked <= limit:
        return ()
    return tuple(
        placed.reason(
            ReasonEffect.REFUSES,
            f"{placed.rule.text} {asked} days were asked for, at most {limit} are allowed.",
        )
        for placed in matching
        if placed.rule.effects.max_duration_days == limit
    )


def _conflicts(policy: PolicySet, facts: Facts) -> tuple[Reason, ...]:
    if facts.ask.action is Action.REMOVE:
        return ()
    found = separation.conflicts(policy.separation, facts.holdings, facts.ask.entitlement)
    places = {rule.id: f"separation.{index}" for index, rule in enumerate(policy.separation)}
    return tuple(
        Reason(
            each.rule_id,
            ReasonEffect.REFUSES,
            f"{each.text} The beneficiary holds {each.held.name} in {each.held.source}.",
            places[each.rule_id],
        )
        for each in found
    )


def _steps(
    policy: PolicySet, facts: Facts, matching: tuple[_Placed, ...]
) -> tuple[tuple[Step, ...], tuple[Reason, ...]]:
    """Return the steps, and a refusal for each that nobody can answer."""
    places = _flow(policy, matching)
    routed = routing.route_steps([spec for spec, _, _ in places], facts, facts.candidates)
    stuck = (
        Reason(places[dead.spec_index][1], ReasonEffect.REFUSES, dead.text, where)
        for dead in routed.deadlocks
        for where in [places[dead.spec_index][2]]
    )
    return routed.steps, tuple(stuck)


def _flow(policy: PolicySet, matching: tuple[_Placed, ...]) -> list[tuple[StepSpec, str, str]]:
    """Return each step that is wanted, with the id of what wants it and its place."""
    is_waived = any(placed.rule.effects.is_auto_approved for placed in matching)
    flow = [] if is_waived else list(enumerate(policy.approval.flow))
    return [(spec, "approval", f"approval.flow.{index}") for index, spec in flow] + [
        (spec, placed.rule.id, f"{placed.source}.then.require.{index}")
        for placed in matching
        for index, spec in enumerate(placed.rule.effects.require)
    ]


def _other_reasons(matching: tuple[_Placed, ...]) -> tuple[Reason, ...]:
    reasons: list[Reason] = []
    for placed in matching:
        effects = placed.rule.effects
        if effects.require or effects.is_reason_required or effects.is_ticket_required:
            reasons.append(placed.reason(ReasonEffect.REQUIRES))
        if effects.max_duration_days is not None:
            reasons.append(placed.reason(ReasonEffect.LIMITS))
        if effects.is_auto_approved:
            reasons.append(placed.reason(ReasonEffect.WAIVES))
    return tuple(reasons)


def _obligations(facts: Facts, limit: int | None) -> tuple[Obligation, ...]:
    ask, found = facts.ask, []
    days = ask.duration_days or limit
    if ask.action is not Action.REMOVE and days is not None:
        text = f"Ends {days} days after the last approval."
        found.append(Obligation(ObligationKind.ENDS_AFTER_DAYS, text, days))
    if ask.action is Action.REMOVE and not ask.entitlement.is_removal_automatic:
        text = "A rule of the source fills this group; the rule must be changed, too."
        found.append(Obligation(ObligationKind.REMOVAL_NOT_AUTOMATIC, text))
    if ask.entitlement.mastered_by is not None:
        text = f"Changed in {ask.entitlement.mastered_by}, where it is mastered."
        found.append(Obligation(ObligationKind.CHANGED_AT_MASTER, text))
    return tuple(found)
