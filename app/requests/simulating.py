"""What a draft of a policy would change today: open requests judged anew, and what people hold.

Nothing is stored. A request is put before both texts with the facts of this moment; holdings are
looked at for the pairs that nobody should hold together.
"""

from dataclasses import dataclass

import sqlalchemy as sa

from app.kernel.actor import Permission
from app.kernel.uow import Reading
from app.requests.domain import RequestState
from app.requests.models import AccessRequest
from app.requests.plans import facts_now, present_plans
from app.rulebook import facts as rulebook_facts
from app.rulebook import service as rulebook
from policies.clauses import PolicySet
from policies.engine import evaluate
from policies.separation import existing_violations
from policies.verdict import ReasonEffect, Verdict


@dataclass(frozen=True, slots=True)
class Judged:
    """One open request before both texts.

    Attributes:
        request: Public id.
        before: What the policy in force says: `refuse`, or the steps that are needed.
        after: What the draft says.
        why: The draft's reasons for refusing, or empty.
    """

    request: str
    before: str
    after: str
    why: str


@dataclass(frozen=True, slots=True)
class Simulation:
    """What putting a draft in force would change today.

    Attributes:
        in_force: Digest of the policy in force.
        draft: Digest of the draft.
        open_requests: How many were judged.
        changed: Those whose verdict would be another one.
        people: How many identities hold anything.
        violations_before: Pairs held today that the policy in force excludes.
        violations_after: Pairs held today that the draft excludes.
    """

    in_force: str
    draft: str
    open_requests: int
    changed: tuple[Judged, ...]
    people: int
    violations_before: int
    violations_after: int


def simulate(reading: Reading, draft: PolicySet) -> Simulation:
    """Judge today's open requests and holdings by a draft.

    Args:
        reading: The store.
        draft: As read from its text.

    Raises:
        NotPermittedError: The actor may not read policies.
    """
    reading.actor.require(Permission.POLICY_READ)
    present = rulebook.policy_in_force(reading)
    judged = _judge(reading, present, draft)
    held = rulebook_facts.all_holdings(reading)
    return Simulation(
        in_force=present.digest,
        draft=draft.digest,
        open_requests=len(judged),
        changed=tuple(each for each in judged if each.before != each.after),
        people=len(held),
        violations_before=len(existing_violations(present.separation, held)),
        violations_after=len(existing_violations(draft.separation, held)),
    )


def _judge(reading: Reading, present: PolicySet, draft: PolicySet) -> list[Judged]:
    requests = reading.session.scalars(
        sa.select(AccessRequest)
        .where(AccessRequest.state == RequestState.SUBMITTED)
        .order_by(AccessRequest.id)
    ).all()
    plans = present_plans(reading, requests)
    found = []
    for request in requests:
        facts = facts_now(reading, request, plans[request.id])
        before, after = evaluate(present, facts), evaluate(draft, facts)
        found.append(Judged(request.public_id, _said(before), _said(after), _why(after)))
    return found


def _said(verdict: Verdict) -> str:
    if not verdict.is_allowed:
        return verdict.outcome.value
    return ", then ".join(step.how for step in verdict.steps) or "nobody is asked"


def _why(verdict: Verdict) -> str:
    refusals = [each.text for each in verdict.reasons if each.effect is ReasonEffect.REFUSES]
    return " ".join(refusals)
