"""Commands on whose an account is, and what it is for: what a person says counts before rules."""

from typing import Any

import sqlalchemy as sa

from app import events
from app.directory import correlating
from app.directory.domain import (
    NOBODYS_TYPES,
    AccountType,
    CaseState,
    CorrelationRule,
    IdentityKind,
)
from app.directory.models import Account, AccountTyping, Case, HandTie, Identity
from app.kernel.actor import Permission
from app.kernel.errors import (
    ConflictError,
    InvalidInputError,
    NotFoundError,
    NothingToChangeError,
)
from app.kernel.uow import Reading, UnitOfWork


def link_account(uow: UnitOfWork, *, account: str, identity: str, reason: str) -> None:
    """Say whose account this is; no read and no rule changes it.

    Args:
        uow: The unit of work.
        account: Public id of the account.
        identity: Public id of the identity.
        reason: Why, for those who will ask.

    Raises:
        NotFoundError: There is no such account.
        InvalidInputError: The identity is not there, has another employee number, or this is no
            login of a person.
        NothingToChangeError: A person said so before.
    """
    uow.actor.require(Permission.ACCOUNT_WRITE)
    row = _account(uow, account)
    who = _identity(uow, identity, "identity")
    _refuse_service(uow, row)
    if who.kind is not IdentityKind.PERSON:
        raise InvalidInputError({"identity": "Only a person can be tied to an account by hand."})
    if row.employee_number and who.employee_number not in (None, row.employee_number):
        raise InvalidInputError(
            {"identity": "Their employee numbers differ: correct the number in its source first."}
        )
    _say(uow, row, who.id, reason, is_same=True)
    uow.record(events.AccountTied(subject=account, identity=identity, reason=reason))
    correlating.correlate_all(uow, subject=account, turned=set())


def separate_account(uow: UnitOfWork, *, account: str, reason: str) -> str:
    """Take an account away from its identity: it has one of its own from now on.

    Args:
        uow: The unit of work.
        account: Public id of the account.
        reason: Why.

    Returns:
        Public id of the identity it has now.

    Raises:
        NotFoundError: There is no such account.
        NothingToChangeError: A person said before that it has one of its own.
    """
    uow.actor.require(Permission.ACCOUNT_WRITE)
    row = _account(uow, account)
    _refuse_service(uow, row)
    had = None if row.identity_id is None else uow.session.get_one(Identity, row.identity_id)
    own = had if had is not None and _is_alone(uow, row) else _own_identity(uow, row)
    _say(uow, row, own.id, reason, is_same=True)
    if had is not None and had is not own:
        _note(uow, row, had.id, reason, is_same=False)
    uow.record(
        events.AccountSeparated(
            subject=account,
            identity=None if had is None or had is own else had.public_id,
            own=own.public_id,
            reason=reason,
        )
    )
    uow.session.flush()
    correlating.correlate_all(uow, subject=account, turned={row.id})
    return own.public_id


def settle_case(
    uow: UnitOfWork,
    *,
    case_id: str,
    version: int,
    outcome: CaseState,
    reason: str,
    identity: str | None = None,
) -> None:
    """Decide who an account in doubt is.

    Args:
        uow: The unit of work.
        case_id: Public id of the case.
        version: As looked at.
        outcome: `linked` (then `identity` says to whom), `own`, or `not_same` (as none of those
            it may be; the rules go on looking for others).
        reason: Why.
        identity: Public id of the identity, with `linked` only.

    Raises:
        NotFoundError: There is no such case.
        ConflictError: Somebody settled it, or it changed since.
        InvalidInputError: The outcome is none, or does not go with the identity.
    """
    uow.actor.require(Permission.ACCOUNT_WRITE)
    case = uow.session.scalar(sa.select(Case).where(Case.public_id == case_id).with_for_update())
    if case is None:
        raise NotFoundError(f"There is no case {case_id}.")
    if case.state is not CaseState.OPEN or case.version != version:
        raise ConflictError(
            "This case changed since you looked.", current={"version": case.version}
        )
    if (outcome is CaseState.LINKED) is not (identity is not None):
        raise InvalidInputError({"identity": "Say whose account it is, and only then."})
    row = uow.session.get_one(Account, case.account_id)
    case.state, case.settled_at, case.settled_by = outcome, uow.now, uow.actor.public_id
    case.reason = reason
    uow.session.flush()
    uow.record(
        events.CaseSettled(
            subject=case_id,
            account=row.public_id,
            outcome=outcome.value,
            identity=identity,
            reason=reason,
        )
    )
    match outcome:
        case CaseState.LINKED if identity is not None:
            link_account(uow, account=row.public_id, identity=identity, reason=reason)
        case CaseState.OWN:
            separate_account(uow, account=row.public_id, reason=reason)
        case CaseState.NOT_SAME:
            for each in case.candidates:
                _note(uow, row, each, reason, is_same=False)
            uow.session.flush()
            correlating.correlate_all(uow, subject=case_id, turned=set())
        case _:
            raise InvalidInputError({"outcome": "It is linked, own or not_same."})


def type_account(
    uow: UnitOfWork, *, account: str, version: int, kind: AccountType | None, owner: str | None
) -> None:
    """Say what an account is for, and who answers for it; no read changes it.

    Args:
        uow: The unit of work.
        account: Public id of the account.
        version: As looked at; 0 where nobody said anything before.
        kind: What it is for, or None for what its source suggests.
        owner: Public id of an active person, or None.

    Raises:
        NotFoundError: There is no such account.
        InvalidInputError: The owner is not there, or not active.
        ConflictError: Somebody said something else since.
        NothingToChangeError: It says so already.
    """
    uow.actor.require(Permission.ACCOUNT_WRITE)
    row = _account(uow, account)
    owner_id = None if owner is None else _owner(uow, owner)
    said = uow.session.scalar(
        sa.select(AccountTyping).where(AccountTyping.account_id == row.id).with_for_update()
    )
    current = 0 if said is None else said.version
    if current != version:
        raise ConflictError("This changed since you looked.", current={"version": current})
    if (kind, owner_id) == ((None, None) if said is None else (said.type, said.owner_id)):
        raise NothingToChangeError("It says exactly this already.")
    if said is None:
        said = AccountTyping(account_id=row.id)
        uow.session.add(said)
    said.type, said.owner_id = kind, owner_id
    said.said_at, said.said_by = uow.now, uow.actor.public_id
    uow.record(
        events.AccountTyped(subject=account, type=None if kind is None else kind.value, owner=owner)
    )
    uow.session.flush()
    correlating.correlate_all(uow, subject=account, turned=set())


def _account(reading: Reading, account: str) -> Account:
    found = reading.session.scalar(
        sa.select(Account)
        .where(Account.public_id == account, Account.ended_at.is_(None))
        .with_for_update()
    )
    if found is None:
        raise NotFoundError(f"There is no account {account}.")
    return found


def _identity(reading: Reading, identity: str, field: str) -> Identity:
    found = reading.session.scalar(
        sa.select(Identity).where(Identity.public_id == identity, Identity.ended_at.is_(None))
    )
    if found is None:
        raise InvalidInputError({field: "There is no identity with this id."})
    return found


def _owner(reading: Reading, owner: str) -> int:
    found = _identity(reading, owner, "owner")
    if not found.is_active or found.kind is not IdentityKind.PERSON:
        raise InvalidInputError({"owner": "Name a person who is active and can answer for it."})
    return found.id


def _refuse_service(reading: Reading, row: Account) -> None:
    said = reading.session.scalar(
        sa.select(AccountTyping.type).where(AccountTyping.account_id == row.id)
    )
    kind = row.kind if said is None else said.value
    if kind in NOBODYS_TYPES:
        raise InvalidInputError(
            {"account": f"This is a {kind} account: it is nobody's own. Say who owns it instead."}
        )


def _is_alone(reading: Reading, row: Account) -> bool:
    others = sa.exists().where(
        Account.identity_id == row.identity_id,
        Account.id != row.id,
        Account.ended_at.is_(None),
    )
    return not reading.session.scalar(sa.select(others))


def _own_identity(uow: UnitOfWork, row: Account) -> Identity:
    own = Identity(
        public_id=uow.ids.new(),
        kind=IdentityKind.PERSON,
        display_name=row.display_name or row.login,
        mail=row.mail,
        employee_number=None,
        manager_id=None,
        department=row.department,
        title=row.title,
        is_active=row.is_enabled,
        correlation_rule=CorrelationRule.HAND.value,
        first_seen_at=uow.now,
        ended_at=None,
    )
    uow.session.add(own)
    uow.session.flush()
    return own


def _say(uow: UnitOfWork, row: Account, identity_id: int, reason: str, *, is_same: bool) -> None:
    """Note that an account is an identity; what was said before of who it is ends."""
    before = uow.session.scalars(
        sa.select(HandTie).where(HandTie.account_id == row.id, HandTie.ended_at.is_(None))
    ).all()
    if any(each.identity_id == identity_id and each.is_same is is_same for each in before):
        raise NothingToChangeError("A person said exactly this before.")
    for each in before:
        if each.is_same or each.identity_id == identity_id:
            each.ended_at = uow.now
    uow.session.flush()
    _note(uow, row, identity_id, reason, is_same=is_same)
    uow.session.flush()


def _note(uow: UnitOfWork, row: Account, identity_id: int, reason: str, *, is_same: bool) -> None:
    facts: dict[str, Any] = {"account_id": row.id, "identity_id": identity_id, "is_same": is_same}
    said_before = sa.exists().where(
        HandTie.account_id == row.id,
        HandTie.identity_id == identity_id,
        HandTie.ended_at.is_(None),
    )
    if uow.session.scalar(sa.select(said_before)):
        return
    uow.session.add(
        HandTie(
            public_id=uow.ids.new(),
            reason=reason,
            created_at=uow.now,
            created_by=uow.actor.public_id,
            ended_at=None,
            **facts,
        )
    )
