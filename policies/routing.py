"""Who must say yes: the one answer for requests and reviews, used by pages, mail and API alike.

Nobody approves for themselves: requester and beneficiary are taken out of every step before anyone
is chosen. Whoever is missing, inactive or taken out is replaced along the fallback chain of the
step, and the step says why (`owner (no manager)`).

If two consecutive steps come down to the same persons, they are asked once and their answer counts
for both: asking the same manager twice in a row proves nothing and teaches people to click. The
merged step keeps both explanations and the greater quorum.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import assert_never

from policies import codec
from policies.clauses import PolicySet, Role, StepSpec
from policies.facts import Candidate, Candidates, Facts, IdentityId
from policies.verdict import Step

_TITLES = {
    Role.MANAGER: "manager",
    Role.UPPER_MANAGER: "manager's manager",
    Role.OWNER: "owner",
    Role.ADMINISTRATORS: "administrator",
}


@dataclass(frozen=True, slots=True)
class Deadlock:
    """A step nobody can answer.

    Attributes:
        spec_index: Which of the specifications given, from 0.
        text: Why, and what would help.
    """

    spec_index: int
    text: str


@dataclass(frozen=True, slots=True)
class Routing:
    """The steps of one ask.

    Attributes:
        steps: In order, numbered from 1.
        deadlocks: The steps nobody can answer; if there is one, the ask cannot be approved.
    """

    steps: tuple[Step, ...]
    deadlocks: tuple[Deadlock, ...]


@dataclass(frozen=True, slots=True)
class Reviewers:
    """Who must decide on one review item.

    Attributes:
        ids: Any one of these; empty if nobody can.
        how: Why these, or why nobody.
    """

    ids: tuple[IdentityId, ...]
    how: str


@dataclass(frozen=True, slots=True)
class Delegation:
    """A time-bound hand-over of the duty to answer.

    Attributes:
        delegator_id: Whose duty.
        delegate_id: Who acts.
        valid_from: From this moment, aware.
        valid_to: Up to, but not including, this moment, aware.
        is_delegate_active: Whether the delegate is there to answer.
    """

    delegator_id: IdentityId
    delegate_id: IdentityId
    valid_from: datetime
    valid_to: datetime
    is_delegate_active: bool = True

    def __post_init__(self) -> None:
        """Refuse times without a zone.

        Raises:
            InvalidFactsError: Naming the field.
        """
        codec.require_aware(self.valid_from, "valid_from")
        codec.require_aware(self.valid_to, "valid_to")


@dataclass(frozen=True, slots=True)
class Acting:
    """One person who may answer a step, and for whom; evidence keeps both names.

    Attributes:
        actor_id: Who answers.
        approver_id: Whose answer it counts as; the same person if nobody is stood in for.
    """

    actor_id: IdentityId
    approver_id: IdentityId


def route(policy: PolicySet, facts: Facts, candidates: Candidates | None = None) -> Routing:
    """Return who must say yes by the policy's flow alone, before any rule adds or waives steps.

    Args:
        policy: The policy.
        facts: Whose ask it is.
        candidates: Who might answer; those of the facts if not given.
    """
    return route_steps(policy.approval.flow, facts, candidates or facts.candidates)


def route_steps(specs: Sequence[StepSpec], facts: Facts, candidates: Candidates) -> Routing:
    """Return who must say yes for a sequence of steps.

    Args:
        specs: The steps as the policy words them, in order.
        facts: Whose ask it is.
        candidates: Who might answer.
    """
    barred = {facts.ask.requester_id: "requester", facts.ask.beneficiary.id: "beneficiary"}
    steps: list[Step] = []
    deadlocks: list[Deadlock] = []
    for index, spec in enumerate(specs):
        chosen = _choose(spec, candidates, barred)
        if isinstance(chosen, Step):
            _append(steps, chosen)
        else:
            deadlocks.append(Deadlock(index, chosen))
    return Routing(tuple(steps), tuple(deadlocks))


def reviewers(policy: PolicySet, subject_id: IdentityId, candidates: Candidates) -> Reviewers:
    """Return who must decide whether a subject keeps an entitlement; never the subject.

    Args:
        policy: The policy, for its review settings.
        subject_id: Whose access is looked at.
        candidates: Who might decide.
    """
    spec = StepSpec(policy.review.reviewer, policy.review.fallback)
    chosen = _choose(spec, candidates, {subject_id: "subject"})
    if isinstance(chosen, Step):
        return Reviewers(chosen.approvers, chosen.how)
    return Reviewers((), chosen)


def acting_for(
    step: Step,
    delegations: Sequence[Delegation],
    now: datetime,
    barred: Collection[IdentityId],
) -> tuple[Acting, ...]:
    """Return everybody who may answer a step now: the approvers, then those who stand in.

    A duty is handed over once: a delegate's own delegate gains nothing. A delegate who is an
    approver of the step is left out, since one person would answer twice. Who stands in for
    several still counts as one person towards the quorum.

    Args:
        step: The step.
        delegations: Those in force or not; the time is compared here.
        now: The time, aware.
        barred: The requester and the beneficiary, who may not stand in for anybody.
    """
    standing_in = {
        Acting(each.delegate_id, each.delegator_id)
        for each in delegations
        if each.valid_from <= now < each.valid_to
        and each.is_delegate_active
        and each.delegator_id in step.approvers
        and each.delegate_id not in step.approvers
        and each.delegate_id not in barred
    }
    own = tuple(Acting(approver, approver) for approver in step.approvers)
    return own + tuple(sorted(standing_in, key=lambda each: (each.approver_id, each.actor_id)))


def is_approved(step: Step, approvals: Collection[Acting]) -> bool:
    """Return whether enough different persons have said yes to a step.

    One answer counts for each approver, and one for each person who acts: neither a delegate of
    several approvers nor an approver together with a delegate makes two.

    Args:
        step: The step.
        approvals: Who said yes, and for whom; the first for an approver counts.
    """
    first: dict[IdentityId, IdentityId] = {}
    for each in approvals:
        if each.approver_id in step.approvers:
            first.setdefault(each.approver_id, each.actor_id)
    return len(set(first.values())) >= step.quorum


def _choose(spec: StepSpec, candidates: Candidates, barred: dict[IdentityId, str]) -> Step | str:
    """Return the step, or the sentence that says why nobody can answer it."""
    missed: list[str] = []
    for role in (spec.role, *spec.fallback):
        eligible, obstacle = _eligible(role, spec.quorum, candidates, barred)
        if not obstacle:
            how = _TITLES[role] + (f" ({'; '.join(missed)})" if missed else "")
            return Step(1, spec.role, eligible, spec.quorum, how)
        missed.append(obstacle)
    return f"Nobody can answer the step of the {_TITLES[spec.role]}: {'; '.join(missed)}."


def _eligible(
    role: Role, quorum: int, candidates: Candidates, barred: dict[IdentityId, str]
) -> tuple[tuple[IdentityId, ...], str]:
    """Return who can answer in a role, or what stands in the way."""
    stand = _in_role(role, candidates)
    free = [each for each in stand if each.is_active and each.identity_id not in barred]
    ids = tuple(sorted({each.identity_id for each in free}))
    return (ids, "") if len(ids) >= quorum else ((), _obstacle(role, stand, quorum, barred))


def _obstacle(
    role: Role, stand: Sequence[Candidate], quorum: int, barred: dict[IdentityId, str]
) -> str:
    title = _TITLES[role]
    if not stand:
        return f"no {title}"
    if quorum > 1:
        return f"fewer than {quorum} {title}s are free to answer"
    if role is Role.ADMINISTRATORS:
        return f"no {title} is free to answer"
    part = barred.get(stand[0].identity_id)
    return f"{title} is the {part}" if part else f"{title} is inactive"


def _in_role(role: Role, candidates: Candidates) -> tuple[Candidate, ...]:
    match role:
        case Role.MANAGER:
            return candidates.managers[:1]
        case Role.UPPER_MANAGER:
            return candidates.managers[1:2]
        case Role.OWNER:
            return () if candidates.owner is None else (candidates.owner,)
        case Role.ADMINISTRATORS:
            return candidates.administrators
        case _ as never:  # pragma: no cover  # mypy proves it
            assert_never(never)


def _append(steps: list[Step], step: Step) -> None:
    if steps and steps[-1].approvers == step.approvers:
        last = steps[-1]
        quorum = max(last.quorum, step.quorum)
        steps[-1] = replace(last, quorum=quorum, how=f"{last.how}; {step.how}")
    else:
        steps.append(replace(step, order=len(steps) + 1))
