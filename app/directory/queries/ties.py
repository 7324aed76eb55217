"""Reads of accounts as such: whose they are, what they are for, and what is in doubt."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from app.directory import ruling
from app.directory.domain import (
    NOBODYS_TYPES,
    PEOPLE_KINDS,
    SERVICE_TYPES,
    AccountType,
    CaseState,
    CorrelationRule,
)
from app.directory.matching import Rule
from app.directory.models import Account, AccountTyping, Case, Identity, Source
from app.directory.queries.matching import holds
from app.directory.queries.people import reaching_accounts, sign_in_from
from app.kernel.actor import Permission
from app.kernel.errors import NotFoundError
from app.kernel.uow import Reading
from app.web.paging import Page, Window, page
from connectors.records import AccountKind


class Only(StrEnum):
    """Which accounts to list."""

    ORPHAN = "orphan"
    UNOWNED = "unowned"
    SERVICE = "service"
    PRIVILEGED = "privileged"
    REACHING = "reaching"
    GUEST = "guest"
    COMPUTER = "computer"
    CONTACT = "contact"
    FOREIGN = "foreign"
    BY_HAND = "by_hand"
    LEFT = "left"
    NOT_IN_HR = "not_in_hr"
    HR_ONLY = "hr_only"


@dataclass(frozen=True, slots=True)
class AccountLine:
    """An account, whose it is and what it is for.

    Attributes:
        key: Internal key.
        id: Public id.
        source: Name of its source.
        login: What its holder types.
        name: As its source shows it.
        mail: Or None.
        status: The source's own word.
        is_enabled: Whether somebody could use it.
        suggested: What its source says it is for.
        said: What a person said it is for, or None.
        owner: Public id of who answers for it, or None.
        owner_name: Their name.
        owner_is_active: Whether they still can.
        identity: Public id of whose it is, or None.
        identity_name: Their name.
        rule: By which rule it is theirs.
        confidence: How sure that is, 1 to 100.
        last_sign_in_at: Or None if not known.
        last_sign_in_from: By which word of the source, and how late, or None.
        version: Of what a person said; 0 if nobody did.
    """

    key: int
    id: str
    source: str
    login: str
    name: str
    mail: str | None
    status: str
    is_enabled: bool
    suggested: str
    said: AccountType | None
    owner: str | None
    owner_name: str | None
    owner_is_active: bool | None
    identity: str | None
    identity_name: str | None
    rule: str | None
    confidence: int | None
    last_sign_in_at: datetime | None
    last_sign_in_from: str | None
    version: int

    @property
    def type(self) -> str:
        """What it is for."""
        return self.suggested if self.said is None else self.said.value


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


def list_accounts(
    reading: Reading, window: Window, *, q: str | None = None, only: Only | None = None
) -> Page[AccountLine]:
    """List accounts there are now; one statement.

    Args:
        reading: Who looks.
        window: Which part.
        q: Part of a login or name in any case.
        only: Those of one sort.
    """
    reading.actor.require(Permission.DIRECTORY_READ)
    found = _lines().where(Account.ended_at.is_(None), Account.id > window.after_id())
    if q:
        found = found.where(_called(reading, q))
    if only is not None:
        found = found.where(*_chosen(only))
    rows = reading.session.execute(found.order_by(Account.id).limit(window.limit + 1))
    return page([AccountLine(*tuple(row)) for row in rows], window, lambda row: [row.key])


def accounts_where(reading: Reading, *conditions: Any) -> list[AccountLine]:
    """Return the accounts there are now that fit (no authorisation)."""
    rows = reading.session.execute(_lines().where(Account.ended_at.is_(None), *conditions))
    return [AccountLine(*tuple(row)) for row in rows]


def show_account(reading: Reading, account: str) -> AccountLine:
    """Return one account.

    Raises:
        NotFoundError: There is none.
    """
    reading.actor.require(Permission.DIRECTORY_READ)
    row = reading.session.execute(_lines().where(Account.public_id == account)).first()
    if row is None:
        raise NotFoundError(f"There is no account {account}.")
    return AccountLine(*tuple(row))


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
        found = found.join(Account, Account.id == Case.account_id).where(_called(reading, q))
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


def _called(reading: Reading, q: str) -> sa.ColumnElement[bool]:
    return sa.or_(holds(reading, Account.login, q), holds(reading, Account.display_name, q))


def _cases(reading: Reading, rows: Sequence[Case]) -> list[CaseRow]:
    accounts = {
        row[0]: AccountLine(*tuple(row))
        for row in reading.session.execute(
            _lines().where(Account.id.in_([each.account_id for each in rows]))
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


def _chosen(only: Only) -> tuple[Any, ...]:
    kind = sa.func.coalesce(sa.cast(AccountTyping.type, sa.String), Account.kind)
    is_login = sa.and_(Source.kind.not_in(PEOPLE_KINDS), kind.not_in(NOBODYS_TYPES))
    # Somebody whom only this account tells of: nothing says which person that is.
    is_alone = sa.or_(
        Account.identity_id.is_(None),
        sa.and_(
            Account.correlation_rule == CorrelationRule.OWN.value,
            Identity.employee_number.is_(None),
        ),
    )
    owner = aliased(Identity)
    answers = sa.exists().where(owner.id == AccountTyping.owner_id, owner.is_active)
    is_owned_kind = kind.in_((*SERVICE_TYPES, AccountType.PRIVILEGED.value))
    is_people = Source.kind.in_(PEOPLE_KINDS)
    chosen: dict[Only, tuple[Any, ...]] = {
        Only.ORPHAN: (is_login, is_alone),
        Only.UNOWNED: (is_owned_kind, sa.not_(answers)),
        Only.SERVICE: (kind.in_(SERVICE_TYPES),),
        Only.PRIVILEGED: (kind == AccountType.PRIVILEGED.value,),
        Only.REACHING: (Account.id.in_(reaching_accounts()),),
        Only.GUEST: (kind == AccountType.GUEST.value,),
        Only.COMPUTER: (kind == AccountKind.COMPUTER.value,),
        Only.CONTACT: (kind == AccountKind.CONTACT.value,),
        Only.FOREIGN: (kind == AccountKind.FOREIGN.value,),
        Only.BY_HAND: (Account.correlation_rule == CorrelationRule.HAND.value,),
        Only.LEFT: (is_login, Account.is_enabled, _told_by_hr(is_enabled=False)),
        Only.NOT_IN_HR: (is_login, Account.is_enabled, sa.not_(_told_by_hr(is_enabled=None))),
        Only.HR_ONLY: (is_people, Account.is_enabled, sa.not_(_has_login())),
    }
    return chosen[only]


def _told_by_hr(*, is_enabled: bool | None) -> Any:
    """Whether HR tells of whoever an account is, and that they are there or have left."""
    told, people = aliased(Account), aliased(Source)
    found = (
        sa.exists()
        .where(
            told.identity_id == Account.identity_id,
            told.ended_at.is_(None),
            people.id == told.source_id,
            people.kind.in_(PEOPLE_KINDS),
        )
        .correlate(Account)
    )
    return found if is_enabled is None else found.where(told.is_enabled.is_(is_enabled))


def _has_login() -> Any:
    other, source = aliased(Account), aliased(Source)
    return (
        sa.exists()
        .where(
            other.identity_id == Account.identity_id,
            other.ended_at.is_(None),
            source.id == other.source_id,
            source.kind.not_in(PEOPLE_KINDS),
        )
        .correlate(Account)
    )


@cache  # made once: building it costs more than asking
def _lines() -> sa.Select[*tuple[Any, ...]]:
    owner = aliased(Identity)
    return (
        sa.select(
            Account.id,
            Account.public_id,
            Source.name,
            Account.login,
            Account.display_name,
            Account.mail,
            Account.status,
            Account.is_enabled,
            Account.kind,
            AccountTyping.type,
            owner.public_id,
            owner.display_name,
            owner.is_active,
            Identity.public_id,
            Identity.display_name,
            Account.correlation_rule,
            Account.correlation_confidence,
            Account.last_sign_in_at,
            sign_in_from(),
            sa.func.coalesce(AccountTyping.version, 0),
        )
        .join(Source, Source.id == Account.source_id)
        .outerjoin(AccountTyping, AccountTyping.account_id == Account.id)
        .outerjoin(owner, owner.id == AccountTyping.owner_id)
        .outerjoin(Identity, Identity.id == Account.identity_id)
    )


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
