"""Reads of what is in doubt about accounts, and of the rules by which they are tied."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from app.directory import ruling
from app.directory.domain import CaseState
from app.directory.matching import Rule
from app.directory.models import Account, Case, Identity, Source
from app.directory.queries.accounts import AccountLine, called, lines
from app.kernel.actor import Permission
from app.kernel.errors import NotFoundError
from app.kernel.uow import Reading
from app.web.paging import Page, Window, page


@dataclass(frozen=True, slots=True)
class PersonChoice:
    """Somebody an account may be."""

    id: str
    name: str
    mail: str | None
    employee_number: str | None
    is_active: bool


@dataclass(frozen=True, slots=True)
class CaseRow:
    """An account in doubt.

    Attributes:
        key: Internal key.
        id: Public id.
        code: What is in doubt.
        detail: Why, in a sentence.
        state: Where it stands.
        opened_at: Since when.
        settled_at: Or None.
        reason: Why it was settled so, or None.
        version: To settle it with.
        account: The account.
        candidates: Whom it may be; those who ended since are left out.
    """

    key: int
    id: str
    code: str
    detail: str
    state: CaseState
    opened_at: datetime
    settled_at: datetime | None
    reason: str | None
    version: int
    account: AccountLine
    candidates: Sequence[PersonChoice]


def list_cases(
    reading: Reading,
    window: Window,
    *,
    q: str | None = None,
    state: CaseState | None = CaseState.OPEN,
) -> Page[CaseRow]:
    """List the accounts in doubt, oldest first; three statements.

    Args:
        reading: Who looks.
        window: Which part.
        q: Part of the login or name of the account in any case.
        state: Where they stand; None is anywhere.
    """
    reading.actor.require(Permission.DIRECTORY_READ)
    found = sa.select(Case).where(Case.id > window.after_id())
    if state is not None:
        found = found.where(Case.state == state)
    if q:
        found = found.join(Account, Account.id == Case.account_id).where(called(reading, q))
    rows = reading.session.scalars(found.order_by(Case.id).limit(window.limit + 1)).all()
    return page(_cases(reading, rows), window, lambda row: [row.key])


def show_case(reading: Reading, case_id: str) -> CaseRow:
    """Return one case, settled or not.

    Raises:
        NotFoundError: There is none.
    """
    reading.actor.require(Permission.DIRECTORY_READ)
    found = reading.session.scalars(sa.select(Case).where(Case.public_id == case_id)).all()
    if not found:
        raise NotFoundError(f"There is no case {case_id}.")
    return _cases(reading, found)[0]


def _cases(reading: Reading, rows: Sequence[Case]) -> list[CaseRow]:
    accounts = {
        row[0]: AccountLine(*tuple(row))
        for row in reading.session.execute(
            lines().where(Account.id.in_([each.account_id for each in rows]))
        )
    }
    keys = {key for each in rows for key in each.candidates}
    people = {
        key: PersonChoice(public_id, name, mail, number, is_active=is_active)
        for key, public_id, name, mail, number, is_active in reading.session.execute(
            sa.select(
                Identity.id,
                Identity.public_id,
                Identity.display_name,
                Identity.mail,
                Identity.employee_number,
                Identity.is_active,
            ).where(Identity.id.in_(keys), Identity.ended_at.is_(None))
        )
    }
    return [
        CaseRow(
            key=each.id,
            id=each.public_id,
            code=each.code,
            detail=each.detail,
            state=each.state,
            opened_at=each.opened_at,
            settled_at=each.settled_at,
            reason=each.reason,
            version=each.version,
            account=accounts[each.account_id],
            candidates=[people[key] for key in each.candidates if key in people],
        )
        for each in rows
    ]


@dataclass(frozen=True, slots=True)
class Ruling:
    """The rules by which accounts are tied; those of single sources by the source's name."""

    version: int
    rules: Sequence[Rule]
    by_source: Mapping[str, Sequence[Rule]]


def show_rules(reading: Reading) -> Ruling:
    """Return the rules in force; two statements."""
    reading.actor.require(Permission.DIRECTORY_READ)
    ruled = ruling.in_force(reading)
    names = reading.session.execute(
        sa.select(Source.id, Source.name).where(Source.id.in_(tuple(ruled.by_source)))
    )
    by_source = {name: ruled.by_source[key] for key, name in names}
    return Ruling(ruled.version, ruled.rules, by_source)
