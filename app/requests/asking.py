"""What somebody needs to see to ask: for whom they may, who would answer, and who is meant."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa

from app.directory.models import Identity
from app.kernel.actor import Permission
from app.kernel.errors import InvalidInputError
from app.kernel.uow import Reading
from app.requests.queries import Person
from app.requests.usual import usual_times
from policies.verdict import Step


@dataclass(frozen=True, slots=True)
class Asked:
    """Who will be asked in one step.

    Attributes:
        step: Its place in the flow.
        role: In which role.
        how: How they were found, in words.
        people: Who.
        usual: How long the one who is asked usually takes, or None: not known, or several are.
    """

    step: int
    role: str
    how: str
    people: Sequence[Person]
    usual: timedelta | None = None

    @property
    def usual_seconds(self) -> int | None:
        """Say it in whole seconds."""
        return None if self.usual is None else round(self.usual.total_seconds())


def asked(reading: Reading, steps: Iterable[Step]) -> list[Asked]:
    """Return who the steps of a verdict ask, by name, in two statements."""
    wanted = list(steps)
    ids = [each for step in wanted for each in step.approvers]
    rows = reading.session.execute(
        sa.select(Identity.public_id, Identity.display_name).where(Identity.public_id.in_(ids))
    )
    names = {row.public_id: row.display_name for row in rows}
    usual = usual_times(reading, ids)
    return [
        Asked(
            step.order,
            step.role.value,
            step.how,
            [Person(each, names[each]) for each in step.approvers],
            usual.get(step.approvers[0]) if len(step.approvers) == 1 else None,
        )
        for step in wanted
    ]


def beneficiaries(reading: Reading) -> list[Person]:
    """Return the people who report to the actor: for them they may ask, too."""
    rows = reading.session.execute(
        sa.select(Identity.public_id, Identity.display_name)
        .where(
            Identity.manager_id == reading.actor.require_identity(),
            Identity.is_active,
            Identity.ended_at.is_(None),
        )
        .order_by(Identity.display_name, Identity.id)
        .limit(500)
    )
    return [Person(row.public_id, row.display_name) for row in rows]


def may_ask_for_anybody(reading: Reading) -> bool:
    """Say whether the actor may ask for whoever they name."""
    return reading.actor.may(Permission.REQUEST_ON_BEHALF)


def somebody(reading: Reading, who: str, field: str) -> str:
    """Return the public id of the one active person that a mail or employee number means.

    Args:
        reading: The store.
        who: As typed.
        field: Where it was typed.

    Raises:
        InvalidInputError: Nobody is meant, or more than one.
    """
    typed = who.strip()
    found = reading.session.scalars(
        sa.select(Identity.public_id)
        .where(
            sa.or_(
                sa.func.lower(Identity.mail) == typed.lower(),
                Identity.employee_number == typed,
                Identity.public_id == typed,
            ),
            Identity.is_active,
            Identity.ended_at.is_(None),
        )
        .limit(2)
    ).all()
    if len(found) != 1:
        told = "More than one person has this mail; give the employee number."
        raise InvalidInputError(
            {field: told if found else "Nobody has this mail or employee number."}
        )
    return found[0]
