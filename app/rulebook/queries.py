"""Reads of the rulebook: which policy was in force when, and what one says."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from app.directory.models import Identity
from app.kernel.actor import Permission
from app.kernel.errors import NotFoundError
from app.kernel.phrases import phrase
from app.kernel.uow import Reading
from app.rulebook.models import Policy, Ruling
from app.web.paging import Page, Window, page
from policies.clauses import PolicySet
from policies.document import read_policy
from policies.examples import ExampleResult, run_examples


@dataclass(frozen=True, slots=True)
class PolicyRow:
    """A policy text, and from when to when it was in force.

    Attributes:
        by: Name of the person who put it in force, or None if it was no person.
        rulings: How many verdicts were given by it.
    """

    key: int
    id: str
    name: str
    digest: str
    in_force_from: datetime
    in_force_to: datetime | None
    by: str | None
    rulings: int


@dataclass(frozen=True, slots=True)
class PolicyDetail:
    """A policy with its exact text, what it stands for, and how its own examples come out."""

    row: PolicyRow
    text: str
    policy: PolicySet
    examples: Sequence[ExampleResult]


def list_policies(reading: Reading, window: Window) -> Page[PolicyRow]:
    """Return the policies that were ever in force, the present one first.

    Raises:
        NotPermittedError: The actor may not.
    """
    reading.actor.require(Permission.POLICY_READ)
    statement = _policies().order_by(Policy.id.desc()).limit(window.limit + 1)
    after = window.after_id()
    if after:
        statement = statement.where(Policy.id < after)
    rows = [PolicyRow(*row) for row in reading.session.execute(statement)]
    return page(rows, window, lambda row: [row.key])


def policy_detail(reading: Reading, policy_id: str) -> PolicyDetail:
    """Return one policy.

    Raises:
        NotPermittedError: The actor may not.
        NotFoundError: There is none.
    """
    reading.actor.require(Permission.POLICY_READ)
    found = reading.session.execute(
        _policies().add_columns(Policy.text).where(Policy.public_id == policy_id)
    ).first()
    if found is None:
        raise NotFoundError(phrase("There is no such policy."))
    *facts, text = found
    policy = read_policy(text)
    return PolicyDetail(PolicyRow(*facts), text, policy, run_examples(policy))


def text_in_force(reading: Reading) -> str:
    """Return the exact text of the policy in force.

    Raises:
        NotPermittedError: The actor may not.
    """
    reading.actor.require(Permission.POLICY_READ)
    return reading.session.scalars(
        sa.select(Policy.text)
        .where(Policy.in_force_to.is_(None))
        .order_by(Policy.id.desc())
        .limit(1)
    ).one()


def _policies() -> Any:
    given = (
        sa.select(sa.func.count())
        .where(Ruling.policy_id == Policy.id)
        .correlate(Policy)
        .scalar_subquery()
    )
    return sa.select(
        Policy.id,
        Policy.public_id,
        Policy.name,
        Policy.digest,
        Policy.in_force_from,
        Policy.in_force_to,
        Identity.display_name,
        given,
    ).outerjoin(Identity, Identity.public_id == Policy.created_by)
