"""Reads of accounts as such: whose they are, what they are for, now or at a moment."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from app.directory import past
from app.directory.domain import (
    NOBODYS_TYPES,
    PEOPLE_KINDS,
    SERVICE_TYPES,
    AccountType,
    CorrelationRule,
)
from app.directory.models import Account, AccountTyping, Identity, Source
from app.directory.queries.matching import holds
from app.directory.queries.moment import there
from app.directory.queries.people import reaching_accounts, sign_in_from
from app.kernel.actor import Permission
from app.kernel.errors import InvalidInputError, NotFoundError
from app.kernel.phrases import phrase
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
        rule: By which rule it is theirs, or None if that is not known.
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


def list_accounts(
    reading: Reading,
    window: Window,
    *,
    q: str | None = None,
    only: Only | None = None,
    as_of: datetime | None = None,
    known_at: datetime | None = None,
) -> Page[AccountLine]:
    """List accounts; one statement, of the past at most five.

    Args:
        reading: Who looks.
        window: Which part.
        q: Part of a login or name in any case, as they are now.
        only: Those of one sort; sorts are kept for now only.
        as_of: Those there were at this moment, as they were; default those there are now.
        known_at: As was known at this moment; default as is known by now.

    Raises:
        InvalidInputError: A sort was asked for of the past.
    """
    reading.actor.require(Permission.DIRECTORY_READ)
    if only is not None and as_of is not None:
        raise InvalidInputError({"which": phrase("This is kept for now only: leave out as_of.")})
    found = lines().where(there(Account, as_of, known_at), Account.id > window.after_id())
    if q:
        found = found.where(called(reading, q))
    if only is not None:
        found = found.where(*_chosen(only))
    rows = reading.session.execute(found.order_by(Account.id).limit(window.limit + 1))
    shown = [AccountLine(*tuple(row)) for row in rows]
    return page(_as_they_were(reading, shown, as_of, known_at), window, lambda row: [row.key])


def accounts_where(reading: Reading, *conditions: Any) -> list[AccountLine]:
    """Return the accounts there are now that fit (no authorisation)."""
    rows = reading.session.execute(lines().where(Account.ended_at.is_(None), *conditions))
    return [AccountLine(*tuple(row)) for row in rows]


def show_account(
    reading: Reading,
    account: str,
    *,
    as_of: datetime | None = None,
    known_at: datetime | None = None,
) -> AccountLine:
    """Return one account; now also one that ended.

    Raises:
        NotFoundError: There is none, or was none then.
    """
    reading.actor.require(Permission.DIRECTORY_READ)
    is_there = sa.true() if as_of is None else there(Account, as_of, known_at)
    row = reading.session.execute(
        lines().add_columns(is_there).where(Account.public_id == account)
    ).first()
    if row is None:
        raise NotFoundError(phrase("There is no account %(account)s.", account=account))
    if not row[-1]:
        raise NotFoundError(phrase("There was no account %(account)s then.", account=account))
    return _as_they_were(reading, [AccountLine(*row[:-1])], as_of, known_at)[0]


# What is kept of the past, by the names it has in a line.
FIELDS = {
    "login": "login",
    "display_name": "name",
    "mail": "mail",
    "status": "status",
    "is_enabled": "is_enabled",
    "kind": "suggested",
}


def _as_they_were(
    reading: Reading,
    rows: Sequence[AccountLine],
    as_of: datetime | None,
    known_at: datetime | None,
) -> list[AccountLine]:
    """Return accounts as they were at a moment.

    What a person said of one, and who answers for it, is as known now. No sign-in is told: the last
    one then is not kept.
    """
    if as_of is None:
        return list(rows)
    keys = [each.key for each in rows]
    were = past.then(reading, Account, keys, as_of, known_at)
    tied = sa.select(Account.id, Account.identity_id).where(Account.id.in_(keys))
    whose: dict[int, int | None] = {
        row.id: row.identity_id for row in reading.session.execute(tied)
    }
    was_whose = whose | {
        key: had["identity_id"] for key, had in were.items() if "identity_id" in had
    }
    names = _names(reading, was_whose.values(), as_of, known_at)
    found = []
    for row in rows:
        had = were.get(row.key, {})
        identity, identity_name = names[was_whose[row.key]]
        is_same = was_whose[row.key] == whose[row.key]
        found.append(
            replace(
                row,
                **{FIELDS[name]: value for name, value in had.items() if name in FIELDS},
                identity=identity,
                identity_name=identity_name,
                rule=row.rule if is_same else None,
                confidence=row.confidence if is_same else None,
                last_sign_in_at=None,
                last_sign_in_from=None,
            )
        )
    return found


def _names(
    reading: Reading,
    identities: Iterable[int | None],
    as_of: datetime,
    known_at: datetime | None,
) -> Mapping[int | None, tuple[str | None, str | None]]:
    """Return public id and name of identities, as they were called then."""
    keys = sorted({each for each in identities if each is not None})
    were = past.then(reading, Identity, keys, as_of, known_at)
    chosen = sa.select(Identity.id, Identity.public_id, Identity.display_name)
    found: dict[int | None, tuple[str | None, str | None]] = {None: (None, None)}
    for key, public_id, name in reading.session.execute(chosen.where(Identity.id.in_(keys))):
        found[key] = (public_id, were.get(key, {}).get("display_name", name))
    return found


def called(reading: Reading, q: str) -> sa.ColumnElement[bool]:
    return sa.or_(holds(reading, Account.login, q), holds(reading, Account.display_name, q))


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
def lines() -> sa.Select[*tuple[Any, ...]]:
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
