"""Tie accounts to identities in the store: load, let `correlation.py` decide, write the rest."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from app import events
from app.directory import casebook, correlation, past, ruling
from app.directory.candidates import Candidate, Hand, Person, Tie
from app.directory.correlation import Portrait
from app.directory.domain import PEOPLE_KINDS
from app.directory.models import Account, AccountTyping, HandTie, Identity, Source
from app.kernel.uow import UnitOfWork


def correlate_all(uow: UnitOfWork, *, subject: str, turned: set[int]) -> list[dict[str, Any]]:
    """Bring ties and identities in line with the live accounts.

    Args:
        uow: The unit of work.
        subject: Public id of what caused this, for the ledger.
        turned: Accounts that appeared or whose being enabled changed: only these can make an
            identity active again, so that one who left by word of HR stays so.

    Returns:
        What sources disagree on, as problems of a run.
    """
    accounts = _accounts(uow)
    people = _people(uow)
    ruled = ruling.in_force(uow)
    found = correlation.correlate(
        accounts,
        people.values(),
        rules=ruled.rules,
        by_source=ruled.by_source,
        hands=_hands(uow),
    )
    ties = {each.account_id: each for each in found.ties}
    portraits, disagreed = correlation.portraits(accounts, ties, found.numbers)
    keys = _make(uow, portraits)
    linked = _link(uow, accounts, ties, keys)
    roused = {_key(keys, ties[each].identity_id) for each in turned if each in ties}
    changed = _redraw(uow, people, portraits, keys, roused)
    if keys or linked or changed:
        uow.record(
            events.IdentitiesCorrelated(
                subject=subject,
                appeared=len(keys),
                changed=changed,
                linked=linked,
                rules=ruled.version,
            )
        )
    casebook.keep(uow, subject, found.doubts, lambda each: keys.get(each, each))
    return [dataclasses.asdict(each) for each in (*found.conflicts, *disagreed)]


def refresh_activity(uow: UnitOfWork, identity_id: int) -> None:
    """Say whether an identity still has an enabled account, after one of them was read back."""
    enabled = uow.session.scalar(
        sa.select(sa.func.count())
        .select_from(Account)
        .join(Source, Source.id == Account.source_id)
        .where(
            Source.kind.not_in(PEOPLE_KINDS),
            Account.identity_id == identity_id,
            Account.ended_at.is_(None),
            Account.is_enabled,
        )
    )
    identity = uow.session.get_one(Identity, identity_id)
    if not enabled and identity.is_active:
        past.keep(uow, Identity, [{"id": identity_id, "is_active": False}])
        identity.is_active = False


def _accounts(uow: UnitOfWork) -> list[Candidate]:
    rows = uow.session.execute(
        sa.select(
            Account.id,
            Account.source_id,
            Account.external_id,
            Account.identity_id,
            Account.correlation_rule,
            sa.func.coalesce(sa.cast(AccountTyping.type, sa.String), Account.kind),
            Account.display_name,
            Account.mail,
            Account.employee_number,
            Account.manager_external_id,
            Account.department,
            Account.title,
            Account.is_enabled,
            Account.public_id,
            Account.login,
            Account.correlation_confidence,
            Source.kind.in_(PEOPLE_KINDS),
        )
        .join(Source, Source.id == Account.source_id)
        .outerjoin(AccountTyping, AccountTyping.account_id == Account.id)
        .where(Account.ended_at.is_(None))
    )
    return [Candidate(*tuple(row)) for row in rows]


def _hands(uow: UnitOfWork) -> list[Hand]:
    rows = uow.session.execute(
        sa.select(HandTie.account_id, HandTie.identity_id, HandTie.is_same)
        .where(HandTie.ended_at.is_(None))
        .order_by(HandTie.id)
    )
    return [Hand(account, identity, is_same=is_same) for account, identity, is_same in rows]


def _people(uow: UnitOfWork) -> dict[int, Person]:
    rows = uow.session.execute(
        sa.select(
            Identity.id,
            Identity.kind,
            Identity.display_name,
            Identity.mail,
            Identity.employee_number,
            Identity.manager_id,
            Identity.department,
            Identity.title,
            Identity.is_active,
            Identity.ended_at.is_not(None),
        )
    )
    return {row[0]: Person(*row[:9], is_ended=bool(row[9])) for row in rows}


def _make(uow: UnitOfWork, portraits: Mapping[int, Portrait]) -> dict[int, int]:
    """Insert the identities that are to be made; their managers follow when all have a key."""
    made: dict[str, int] = {
        uow.ids.new(): new for new in sorted(portraits, reverse=True) if new < 0
    }
    if not made:
        return {}
    rows = []
    for public_id, new in made.items():
        drawn = portraits[new]
        rows.append(
            {
                "public_id": public_id,
                "kind": drawn.kind,
                "display_name": drawn.display_name,
                "mail": drawn.mail,
                "employee_number": None,
                "manager_id": None,
                "department": drawn.department,
                "title": drawn.title,
                "is_active": drawn.is_enabled,
                "correlation_rule": drawn.rule,
                "first_seen_at": uow.now,
            }
        )
    newest = uow.session.scalar(sa.select(sa.func.coalesce(sa.func.max(Identity.id), 0)))
    uow.session.execute(sa.insert(Identity), rows)
    found = uow.session.execute(
        sa.select(Identity.public_id, Identity.id).where(Identity.id > newest)
    )
    return {made[public_id]: key for public_id, key in found if public_id in made}


def _key(keys: Mapping[int, int], identity_id: int) -> int:
    return keys.get(identity_id, identity_id)


def _link(
    uow: UnitOfWork,
    accounts: Sequence[Candidate],
    ties: Mapping[int, Tie],
    keys: Mapping[int, int],
) -> int:
    rows = []
    moved = []
    for each in accounts:
        tie = ties[each.id]
        wanted = _key(keys, tie.identity_id)
        if each.identity_id not in (None, wanted):
            moved.append({"id": each.id, "identity_id": wanted})
        if (each.identity_id, each.rule, each.confidence) != (wanted, tie.rule, tie.confidence):
            rows.append(
                {
                    "id": each.id,
                    "identity_id": wanted,
                    "correlation_rule": tie.rule,
                    "correlation_confidence": tie.confidence,
                }
            )
    past.keep(uow, Account, moved)
    if rows:
        uow.session.execute(sa.update(Account), rows)
    return len(rows)


def _redraw(
    uow: UnitOfWork,
    people: Mapping[int, Person],
    portraits: Mapping[int, Portrait],
    keys: Mapping[int, int],
    roused: set[int],
) -> int:
    """Write what differs, end identities without accounts; return how many old ones changed."""
    rows = []
    numbers = []
    old = 0
    for identity_id, drawn in portraits.items():
        was = people.get(identity_id)
        wanted = _columns(drawn, keys)
        has = {} if was is None else _has(was)
        key = _key(keys, identity_id)
        is_active = drawn.is_enabled and (was is None or was.is_active or key in roused)
        wanted |= {"is_active": is_active, "is_ended": False}
        if was is None:
            has = {**wanted, "employee_number": None, "manager_id": None}
        if has == wanted:
            continue
        old += was is not None
        if was is not None and was.employee_number not in (None, drawn.employee_number):
            numbers.append({"id": key, "employee_number": None})
        del wanted["is_ended"]
        rows.append({"id": key, "ended_at": None, **wanted})
    ended = [
        {"id": each.id, "ended_at": uow.now, "is_active": False}
        for each in people.values()
        if not each.is_ended and each.id not in portraits
    ]
    new = set(keys.values())
    past.keep(uow, Identity, [each for each in rows if each["id"] not in new])
    past.keep(uow, Identity, ended)
    # Numbers are unique: those that are given up go first, so that two identities can swap.
    for some in (numbers, rows, ended):
        if some:
            uow.session.execute(sa.update(Identity), some)
    return old + len(ended)


def _columns(drawn: Portrait, keys: Mapping[int, int]) -> dict[str, Any]:
    manager = drawn.manager_id
    return {
        "kind": drawn.kind,
        "display_name": drawn.display_name,
        "mail": drawn.mail,
        "employee_number": drawn.employee_number,
        "manager_id": None if manager is None else _key(keys, manager),
        "department": drawn.department,
        "title": drawn.title,
    }


def _has(person: Person) -> dict[str, Any]:
    return {
        "kind": person.kind,
        "display_name": person.display_name,
        "mail": person.mail,
        "employee_number": person.employee_number,
        "manager_id": person.manager_id,
        "department": person.department,
        "title": person.title,
        "is_active": person.is_active,
        "is_ended": person.is_ended,
    }
