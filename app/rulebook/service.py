"""Commands of the rulebook: put a policy in force, and judge by it, on the record."""

from functools import lru_cache

import sqlalchemy as sa

from app import events
from app.kernel.actor import Permission
from app.kernel.errors import InvalidInputError, NothingToChangeError
from app.kernel.phrases import phrase
from app.kernel.uow import Reading, UnitOfWork
from app.rulebook.models import Policy, Ruling
from policies.clauses import PolicySet
from policies.document import builtin_text, read_policy
from policies.engine import evaluate
from policies.errors import InvalidPolicyError
from policies.examples import run_examples
from policies.facts import Facts, facts_text
from policies.verdict import Verdict, verdict_document

STARTER = "standard"


@lru_cache(maxsize=8)
def _read(text: str) -> PolicySet:
    return read_policy(text)


def row_in_force(reading: Reading) -> Policy:
    """Return the row of the policy in force."""
    return reading.session.scalars(
        sa.select(Policy).where(Policy.in_force_to.is_(None)).order_by(Policy.id.desc()).limit(1)
    ).one()


def policy_in_force(reading: Reading) -> PolicySet:
    """Return the policy in force, read from its exact text."""
    return _read(row_in_force(reading).text)


def put_in_force(uow: UnitOfWork, *, text: str) -> Policy:
    """Put a policy text in force from now on.

    Args:
        uow: The unit of work.
        text: The exact text; it is kept and hashed as it is.

    Raises:
        NotPermittedError: The actor may not.
        InvalidInputError: It cannot be read, or one of its own examples fails.
        NothingToChangeError: It is in force already.
    """
    uow.actor.require(Permission.POLICY_WRITE)
    try:
        policy = _read(text)
    except InvalidPolicyError as error:
        raise InvalidInputError(
            {each.field or "text": each.message for each in error.problems}
        ) from error
    failed = [each.name for each in run_examples(policy) if not each.is_passed]
    if failed:
        raise InvalidInputError(
            {"examples": phrase("These fail: %(names)s.", names=", ".join(failed))}
        )
    replaced = uow.session.scalar(
        sa.select(Policy).where(Policy.in_force_to.is_(None)).with_for_update()
    )
    if replaced is not None:
        if replaced.digest == policy.digest:
            raise NothingToChangeError(phrase("This policy text is in force already."))
        replaced.in_force_to = uow.now
    row = Policy(
        public_id=uow.ids.new(),
        name=policy.name,
        digest=policy.digest,
        text=text,
        in_force_from=uow.now,
        created_by=uow.actor.public_id,
    )
    uow.session.add(row)
    uow.record(
        events.PolicyPutInForce(
            subject=row.public_id,
            digest=policy.digest,
            replaced=replaced.digest if replaced else None,
        )
    )
    return row


def put_starter_in_force(uow: UnitOfWork) -> Policy:
    """Put the starter policy in force; `init` does it once."""
    return put_in_force(uow, text=builtin_text(STARTER))


def judge(uow: UnitOfWork, facts: Facts) -> tuple[Ruling, Verdict]:
    """Judge facts by the policy in force and keep both, so that anyone can judge again."""
    row = row_in_force(uow)
    verdict = evaluate(_read(row.text), facts)
    text = facts_text(facts)
    ruling = Ruling(
        public_id=uow.ids.new(),
        policy_id=row.id,
        outcome=verdict.outcome.value,
        facts=text,
        verdict=verdict_document(verdict),
        judged_at=uow.now,
    )
    uow.session.add(ruling)
    uow.session.flush()
    uow.record(
        events.RulingMade(
            subject=ruling.public_id,
            policy_digest=row.digest,
            outcome=verdict.outcome.value,
            facts=text,
        )
    )
    return ruling, verdict


def preview(reading: Reading, facts: Facts) -> Verdict:
    """Judge facts by the policy in force, keeping nothing."""
    return evaluate(policy_in_force(reading), facts)
