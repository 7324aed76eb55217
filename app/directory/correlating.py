"""Tie accounts to identities in the store: load, let `correlation.py` decide, write the rest."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from itertools import repeat
from typing import Any, cast

import sqlalchemy as sa

from app import events
from app.directory import casebook, correlation, past, ruling
from app.directory.candidates import Candidate, Hand, Person, Tie, Ties
from app.directory.domain import PEOPLE_KINDS, IdentityKind
from app.directory.models import Account, AccountTyping, HandTie, Identity, Source
from app.directory.portraits import Portrait, draw
from app.directory.ruling import Ruled
from app.kernel import bulk
from app.kernel.filling import filling
from app.kernel.uow import Reading, UnitOfWork


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
    found = _found(uow, accounts, people, ruled)
    ties = {each.account_id: each for each in found.ties}
    portraits, disagreed = draw(accounts, ties, found.numbers)
    keys = _keys_of_new(uow, portraits)
    roused = {_key(keys, ties[each].identity_id) for each in turned if each in ties}
    changed = _redraw(uow, people, portraits, keys, roused)
    linked = _link(uow, accounts, ties, keys)
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


def foresee(reading: Reading, ruled: Ruled) -> tuple[list[Candidate], Ties]:
    """Say what rules would tie, if they were in force; nothing is written.

    Args:
        reading: Who looks (no authorisation here).
        ruled: The rules.

    Returns:
        The live accounts, and what would become of them.
    """
    accounts = _accounts(reading)
    return accounts, _found(reading, accounts, _people(reading), ruled)


def _found(
    reading: Reading, accounts: Sequence[Candidate], people: Mapping[int, Person], ruled: Ruled
) -> Ties:
    return correlation.correlate(
        accounts,
        people.values(),
        rules=ruled.rules,
        by_source=ruled.by_source,
        hands=_hands(reading),
    )


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


def _accounts(uow: Reading) -> list[Candidate]:
    rows = bulk.fetch(
        uow.session,
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
        .where(Account.ended_at.is_(None)),
    )
    return [Candidate(*row) for row in rows]


def _hands(uow: Reading) -> list[Hand]:
    rows = uow.session.execute(
        sa.select(HandTie.account_id, HandTie.identity_id, HandTie.is_same)
        .where(HandTie.ended_at.is_(None))
        .order_by(HandTie.id)
    )
    return [Hand(account, identity, is_same=is_same) for account, identity, is_same in rows]


def _people(uow: Reading) -> dict[int, Person]:
    rows = bulk.fetch(
        uow.session,
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
        ),
    )
    kinds = {each.value: each for each in IdentityKind}
    found = {}
    for key, kind, name, mail, number, manager, department, title, active, ended in rows:
        found[key] = Person(
            id=key,
            kind=kinds[kind],
            display_name=name,
            mail=mail,
            employee_number=number,
            manager_id=manager,
            department=department,
            title=title,
            is_active=bool(active),
            is_ended=bool(ended),
        )
    return found


def _keys_of_new(uow: UnitOfWork, portraits: Mapping[int, Portrait]) -> dict[int, int]:
    """Return the keys of the identities that are to be made."""
    new = sorted((each for each in portraits if each < 0), reverse=True)
    table = cast("sa.Table", Identity.__table__)
    return dict(zip(new, bulk.next_keys(uow.session, table, len(new)), strict=True)) if new else {}


def _make(uow: UnitOfWork, portraits: Mapping[int, Portrait], keys: Mapping[int, int]) -> None:
    """Insert the identities that are to be made, their managers among them."""
    drawn = [portraits[each] for each in keys]
    uow.touch(Identity)
    table = cast("sa.Table", Identity.__table__)
    columns: dict[str, Iterable[Any]] = {
        "id": keys.values(),
        "public_id": uow.ids.many(len(keys)),
        "kind": [each.kind for each in drawn],
        "display_name": [each.display_name for each in drawn],
        "mail": [each.mail for each in drawn],
        "employee_number": [each.employee_number for each in drawn],
        "manager_id": [
            None if each.manager_id is None else _key(keys, each.manager_id) for each in drawn
        ],
        "department": [each.department for each in drawn],
        "title": [each.title for each in drawn],
        "is_active": [each.is_enabled for each in drawn],
        "correlation_rule": [each.rule for each in drawn],
        "first_seen_at": repeat(uow.now),
    }
    # Whoever comes is looked for among the managers of those who came before.
    with filling(uow.session, table, len(keys), keeping="manager_id"):
        bulk.insert(uow.session, table, columns, refers_to_itself=True)


def _key(keys: Mapping[int, int], identity_id: int) -> int:
    return keys.get(identity_id, identity_id)


def _link(
    uow: UnitOfWork,
    accounts: Sequence[Candidate],
    ties: Mapping[int, Tie],
    keys: Mapping[int, int],
) -> int:
    changed: list[int] = []
    identities: list[int] = []
    rules: list[str] = []
    confidences: list[int] = []
    moved = []
    for each in accounts:
        tie = ties[each.id]
        wanted = _key(keys, tie.identity_id)
        if each.identity_id not in (None, wanted):
            moved.append({"id": each.id, "identity_id": wanted})
        if (each.identity_id, each.rule, each.confidence) != (wanted, tie.rule, tie.confidence):
            changed.append(each.id)
            identities.append(wanted)
            rules.append(tie.rule)
            confidences.append(tie.confidence)
    past.keep(uow, Account, moved)
    if changed:
        uow.touch(Account)
        table = cast("sa.Table", Account.__table__)
        columns: dict[str, list[Any]] = {
            "identity_id": identities,
            "correlation_rule": rules,
            "correlation_confidence": confidences,
        }
        with filling(uow.session, table, len(changed), keeping="login"):
            bulk.update(uow.session, table, changed, columns)
    return len(changed)


def _redraw(
    uow: UnitOfWork,
    people: Mapping[int, Person],
    portraits: Mapping[int, Portrait],
    keys: Mapping[int, int],
    roused: set[int],
) -> int:
    """Make what is new, write what differs, end identities without accounts.

    Returns:
        How many old ones changed.
    """
    rows = []
    numbers = []
    for identity_id, drawn in portraits.items():
        was = people.get(identity_id)
        if was is None:
            continue
        wanted = _columns(drawn, keys)
        is_active = drawn.is_enabled and (was.is_active or identity_id in roused)
        wanted |= {"is_active": is_active, "is_ended": False}
        if _has(was) == wanted:
            continue
        if was.employee_number not in (None, drawn.employee_number):
            numbers.append({"id": identity_id, "employee_number": None})
        del wanted["is_ended"]
        rows.append({"id": identity_id, "ended_at": None, **wanted})
    ended = [
        {"id": each.id, "ended_at": uow.now, "is_active": False}
        for each in people.values()
        if not each.is_ended and each.id not in portraits
    ]
    past.keep(uow, Identity, rows)
    past.keep(uow, Identity, ended)
    # Numbers are unique: those that are given up go first, so that two identities can swap.
    if numbers:
        uow.session.execute(sa.update(Identity), numbers)
    if keys:
        _make(uow, portraits, keys)
    for some in (rows, ended):
        if some:
            uow.session.execute(sa.update(Identity), some)
    return len(rows) + len(ended)


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
