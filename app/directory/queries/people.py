"""Reads of identities and their accounts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from app.directory import past
from app.directory.domain import IdentityKind
from app.directory.models import MOVED, Account, Identity, Membership, PastValue, Reach, Source
from app.directory.queries.matching import holds
from app.directory.queries.moment import there
from app.kernel.actor import Permission
from app.kernel.errors import NotFoundError
from app.kernel.phrases import phrase
from app.kernel.uow import Reading
from app.web.paging import Page, Window, page


@dataclass(frozen=True, slots=True)
class IdentityRow:
    """An identity."""

    key: int
    id: str
    kind: IdentityKind
    name: str
    mail: str | None
    employee_number: str | None
    department: str | None
    title: str | None
    is_active: bool
    manager: str | None
    manager_name: str | None
    first_seen_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class AccountRow:
    """An account."""

    key: int
    id: str
    source: str
    external_id: str
    login: str
    name: str
    mail: str | None
    kind: str
    status: str
    is_enabled: bool
    correlation_rule: str | None
    address: str
    expires_at: datetime | None
    last_sign_in_at: datetime | None
    last_sign_in_from: str | None
    first_seen_at: datetime
    ended_at: datetime | None


# What is kept of the past, by the names it has in the rows that are shown.
IDENTITY_FIELDS = {
    "display_name": "name",
    **{name: name for name in ("mail", "employee_number", "department", "title", "is_active")},
}
ACCOUNT_FIELDS = {
    "display_name": "name",
    **{name: name for name in ("login", "mail", "kind", "status", "is_enabled")},
}
Row = TypeVar("Row", IdentityRow, AccountRow)


@dataclass(frozen=True, slots=True)
class IdentityDetail:
    """An identity with its accounts."""

    row: IdentityRow
    accounts: Sequence[AccountRow]


def find_identity(reading: Reading, who: str) -> IdentityRow:
    """Return the identity that a public id, mail, employee number or login means.

    Raises:
        NotFoundError: Nobody is meant, or several are.
    """
    logins = sa.select(Account.identity_id).where(Account.login == who, Account.ended_at.is_(None))
    wanted = sa.or_(
        Identity.public_id == who,
        Identity.employee_number == who,
        sa.func.lower(Identity.mail) == who.lower(),
        Identity.id.in_(logins),
    )
    rows = [_identity(row) for row in reading.session.execute(_identities().where(wanted).limit(9))]
    exact = [row for row in rows if who in (row.id, row.employee_number)]
    found = exact or [row for row in rows if row.ended_at is None] or rows
    if not found:
        raise NotFoundError(
            phrase("Nobody has the id, mail, employee number or login %(who)s.", who=who)
        )
    if len(found) > 1:
        several = ", ".join(row.id for row in found)
        raise NotFoundError(
            phrase(
                "%(who)s may mean several identities; say which id: %(several)s.",
                who=who,
                several=several,
            )
        )
    return found[0]


def list_identities(
    reading: Reading,
    window: Window,
    *,
    q: str | None = None,
    privileged: bool = False,
    as_of: datetime | None = None,
    known_at: datetime | None = None,
) -> Page[IdentityRow]:
    """List identities.

    Args:
        reading: Who looks.
        window: Which part.
        q: Part of a name or mail in any case, or a whole employee number, as they are now.
        privileged: Only those in a group that administers its source now, by however many steps.
        as_of: Those there were at this moment, as they were; default those there are now.
        known_at: As was known at this moment; default as is known by now.
    """
    reading.actor.require(Permission.DIRECTORY_READ)
    found = _identities().where(there(Identity, as_of, known_at), Identity.id > window.after_id())
    if q:
        found = found.where(
            sa.or_(
                holds(reading, Identity.display_name, q),
                holds(reading, Identity.mail, q),
                Identity.employee_number == q,
            )
        )
    if privileged:
        reaching = sa.select(Account.identity_id).where(
            Account.id.in_(reaching_accounts()), Account.ended_at.is_(None)
        )
        found = found.where(Identity.id.in_(reaching))
    rows = reading.session.execute(found.order_by(Identity.id).limit(window.limit + 1))
    found_rows = _as_they_were(reading, [_identity(row) for row in rows], as_of, known_at)
    return page(found_rows, window, lambda row: [row.key])


def show_identity(
    reading: Reading,
    identity_id: str,
    *,
    as_of: datetime | None = None,
    known_at: datetime | None = None,
) -> IdentityDetail:
    """Return an identity with its accounts, to itself or to those who may read the directory.

    Raises:
        NotFoundError: There is none, was none then, or it is not theirs to see.
    """
    row = visible_identity(reading, identity_id, as_of, known_at)
    return IdentityDetail(row, accounts_of(reading, row.key, as_of=as_of, known_at=known_at))


def accounts_of(
    reading: Reading,
    identity_id: int,
    *,
    as_of: datetime | None = None,
    known_at: datetime | None = None,
) -> list[AccountRow]:
    """Return the accounts of an identity that there are, or that were theirs (no authorisation)."""
    asked = {"whose": identity_id, "said": str(identity_id), "as_of": as_of, "known_at": known_at}
    rows = reading.session.execute(_theirs(*past.bound(as_of, known_at)), asked)
    found = [AccountRow(*tuple(row)) for row in rows]
    were = past.then(reading, Account, (each.key for each in found), as_of, known_at)
    return [
        _changed_back(each, were.get(each.key, {}), ACCOUNT_FIELDS)
        for each in found
        if were.get(each.key, {}).get("identity_id", identity_id) == identity_id
    ]


@cache
def _theirs(as_of: Any, known_at: Any) -> Any:
    theirs: Any = Account.identity_id == sa.bindparam("whose", type_=sa.BigInteger)
    if as_of is not None:
        # Two indexes, not every account: those that are theirs, and those that once were.
        once = sa.select(PastValue.account_id).where(
            MOVED, sa.cast(PastValue.was, sa.Text) == sa.bindparam("said")
        )
        theirs = Account.id.in_(sa.select(Account.id).where(theirs).union_all(once))
    found = _accounts().where(theirs, there(Account, as_of, known_at))
    return found.order_by(Account.source_id, Account.id)


def reaching_accounts() -> Any:
    """Choose the accounts in a group that administers its source, by however many steps."""
    return (
        sa.select(Membership.account_id)
        .join(Reach, Reach.group_id == Membership.group_id)
        .where(Membership.valid_to.is_(None))
    )


def _as_they_were(
    reading: Reading,
    rows: Sequence[IdentityRow],
    as_of: datetime | None,
    known_at: datetime | None,
) -> list[IdentityRow]:
    """Return identities as they were at a moment; at most two statements."""
    were = past.then(reading, Identity, (each.key for each in rows), as_of, known_at)
    if not were:
        return list(rows)
    wanted = {each["manager_id"] for each in were.values() if each.get("manager_id")}
    managers: dict[Any, tuple[str | None, str | None]] = {None: (None, None)}
    if wanted:
        above = sa.select(Identity.id, Identity.public_id, Identity.display_name)
        for key, public_id, name in reading.session.execute(
            above.where(Identity.id.in_(sorted(wanted)))
        ):
            managers[key] = (public_id, name)
    found = []
    for row in rows:
        had = were.get(row.key, {})
        shown = _changed_back(row, had, IDENTITY_FIELDS)
        if "manager_id" in had:
            manager, manager_name = managers[had["manager_id"]]
            shown = replace(shown, manager=manager, manager_name=manager_name)
        found.append(shown)
    return found


def _changed_back(row: Row, had: Mapping[str, Any], names: Mapping[str, str]) -> Row:
    """Return a row with the values it had, each under the name it has there."""
    values = {names[name]: value for name, value in had.items() if name in names}
    return replace(row, **values) if values else row


def account_row(reading: Reading, account_id: int) -> AccountRow:
    """Return an account by its internal key (no authorisation)."""
    row = reading.session.execute(_accounts().where(Account.id == account_id)).one()
    return AccountRow(*tuple(row))


def name_of(reading: Reading, identity_id: str) -> str | None:
    """Return what an identity is called, or None if this is the id of none (no authorisation)."""
    return reading.session.scalar(
        sa.select(Identity.display_name).where(Identity.public_id == identity_id)
    )


@cache
def _visible(as_of: Any, known_at: Any) -> Any:
    was = sa.true() if as_of is None else there(Identity, as_of, known_at)
    which = Identity.public_id == sa.bindparam("which")
    return _identities().add_columns(was).where(which)


def visible_identity(
    reading: Reading,
    identity_id: str,
    as_of: datetime | None,
    known_at: datetime | None = None,
) -> IdentityRow:
    asked = {"which": identity_id, "as_of": as_of, "known_at": known_at}
    row = reading.session.execute(_visible(*past.bound(as_of, known_at)), asked).first()
    found = None if row is None else _identity(row[:-1])
    is_theirs = found is not None and (
        found.key == reading.actor.identity_id or reading.actor.may(Permission.DIRECTORY_READ)
    )
    if row is None or found is None or not is_theirs:
        raise NotFoundError(
            phrase("There is no identity %(identity_id)s.", identity_id=identity_id)
        )
    if not row[-1]:
        raise NotFoundError(
            phrase("There was no identity %(identity_id)s then.", identity_id=identity_id)
        )
    return _as_they_were(reading, [found], as_of, known_at)[0]


@cache  # made once: building it costs more than asking
def _identities() -> sa.Select[*tuple[Any, ...]]:
    manager = aliased(Identity)
    return sa.select(
        Identity.id,
        Identity.public_id,
        Identity.kind,
        Identity.display_name,
        Identity.mail,
        Identity.employee_number,
        Identity.department,
        Identity.title,
        Identity.is_active,
        manager.public_id,
        manager.display_name,
        Identity.first_seen_at,
        Identity.ended_at,
    ).outerjoin(manager, manager.id == Identity.manager_id)


def _identity(row: Any) -> IdentityRow:
    return IdentityRow(*tuple(row))


def sign_in_from() -> sa.ColumnElement[str | None]:
    """By which word of its source, and how late, a last sign-in is told; None if none is told."""
    told = sa.func.coalesce(
        Account.attributes["lastSignInFrom"].as_string(),
        sa.case((Source.kind == "okta", "lastLogin"), else_=None),
    )
    return sa.case((Account.last_sign_in_at.is_not(None), told), else_=None)


@cache  # made once: building it costs more than asking
def _accounts() -> sa.Select[*tuple[Any, ...]]:
    return sa.select(
        Account.id,
        Account.public_id,
        Source.name,
        Account.external_id,
        Account.login,
        Account.display_name,
        Account.mail,
        Account.kind,
        Account.status,
        Account.is_enabled,
        Account.correlation_rule,
        Account.address,
        Account.expires_at,
        Account.last_sign_in_at,
        sign_in_from(),
        Account.first_seen_at,
        Account.ended_at,
    ).join(Source, Source.id == Account.source_id)
