"""Commands of the register: a right is authorised, confirmed by read-back, extended, ended.

Nothing here reaches a directory. Authorising a right or an end records the event that provisioning
listens to; provisioning comes back with what it read.
"""

from datetime import datetime

import sqlalchemy as sa

from app import events
from app.directory.models import Account, Group, Membership
from app.grants.domain import EndCause, EndState, GrantCause, GrantState
from app.grants.models import End, Grant
from app.kernel.errors import ConflictError, NothingToChangeError
from app.kernel.phrases import phrase
from app.kernel.uow import Reading, UnitOfWork

LIVE_GRANT = (GrantState.AUTHORISED, GrantState.CONFIRMED)


def live_grant(reading: Reading, account_id: int, group_id: int) -> Grant | None:
    """Return the grant that holds for an account in a group now, if there is one."""
    return reading.session.scalar(
        sa.select(Grant)
        .where(
            Grant.account_id == account_id,
            Grant.group_id == group_id,
            Grant.state.in_(LIVE_GRANT),
        )
        .order_by(Grant.id.desc())
        .limit(1)
    )


def pending_end(reading: Reading, account_id: int, group_id: int) -> End | None:
    """Return the end that was decided for an account in a group and is not carried out yet."""
    return reading.session.scalar(
        sa.select(End)
        .where(
            End.account_id == account_id,
            End.group_id == group_id,
            End.state == EndState.AUTHORISED,
        )
        .limit(1)
    )


def is_member(reading: Reading, account_id: int, group_id: int) -> bool:
    """Say whether the source showed the account directly in the group when last read."""
    found = reading.session.scalar(
        sa.select(Membership.id).where(
            Membership.account_id == account_id,
            Membership.group_id == group_id,
            Membership.valid_to.is_(None),
        )
    )
    return found is not None


def authorise(
    uow: UnitOfWork,
    *,
    account_id: int,
    group_id: int,
    cause: GrantCause,
    cause_ref: str,
    until: datetime | None = None,
) -> Grant:
    """Decide that an account is to be in a group.

    Args:
        uow: The unit of work.
        account_id: Whose account.
        group_id: In which group.
        cause: What decided it.
        cause_ref: Public id of what decided it.
        until: When it ends by itself, or None.

    Raises:
        NothingToChangeError: It is decided or so already.
        ConflictError: Its end is being carried out.
    """
    if pending_end(uow, account_id, group_id) is not None:
        raise ConflictError(
            phrase("This access is being taken away; wait until that is confirmed.")
        )
    if live_grant(uow, account_id, group_id) is not None or is_member(uow, account_id, group_id):
        raise NothingToChangeError(phrase("The account has this access already."))
    grant = Grant(
        public_id=uow.ids.new(),
        account_id=account_id,
        group_id=group_id,
        state=GrantState.AUTHORISED,
        cause=cause,
        cause_ref=cause_ref,
        authorised_at=uow.now,
        until=until,
    )
    uow.session.add(grant)
    account, group = _names(uow, account_id, group_id)
    uow.record(
        events.GrantAuthorised(
            subject=grant.public_id,
            account=account,
            group=group,
            cause=cause,
            cause_ref=cause_ref,
            until=until,
        )
    )
    return grant


def extend(uow: UnitOfWork, *, grant: Grant, until: datetime | None, cause_ref: str) -> Grant:
    """Move the end of a right.

    Raises:
        NothingToChangeError: It has no end, or ends then or later already.
        ConflictError: It is over.
    """
    if grant.state not in LIVE_GRANT:
        raise ConflictError(phrase("This access is over; ask for it anew."))
    if grant.until is None or (until is not None and until <= grant.until):
        raise NothingToChangeError(phrase("This access lasts as long or longer already."))
    grant.until = until
    uow.record(events.GrantExtended(subject=grant.public_id, until=until, cause_ref=cause_ref))
    return grant


def end(uow: UnitOfWork, *, account_id: int, group_id: int, cause: EndCause, cause_ref: str) -> End:
    """Decide that an account is to leave a group, whether we put it there or not.

    Raises:
        NothingToChangeError: It is not there, or is being taken away already.
    """
    if pending_end(uow, account_id, group_id) is not None:
        raise NothingToChangeError(phrase("This access is being taken away already."))
    grant = _grant_to_end(uow, account_id, group_id)
    if grant is None and not is_member(uow, account_id, group_id):
        raise NothingToChangeError(phrase("The account does not have this access directly."))
    decided = End(
        public_id=uow.ids.new(),
        account_id=account_id,
        group_id=group_id,
        grant_id=grant.id if grant else None,
        state=EndState.AUTHORISED,
        cause=cause,
        cause_ref=cause_ref,
        decided_at=uow.now,
    )
    uow.session.add(decided)
    account, group = _names(uow, account_id, group_id)
    uow.record(
        events.EndAuthorised(
            subject=decided.public_id,
            account=account,
            group=group,
            grant=grant.public_id if grant else None,
            cause=cause,
            cause_ref=cause_ref,
        )
    )
    if grant is not None:
        _note_ending(uow, grant)
    return decided


def adopt(uow: UnitOfWork, *, account_id: int, group_id: int, cause_ref: str) -> Grant:
    """Decide, afterwards, that a membership found in a source is to be there.

    Args:
        uow: The unit of work.
        account_id: Whose account.
        group_id: In which group.
        cause_ref: Public id of the finding.

    Raises:
        ConflictError: Its end was decided and is being carried out, or a grant holds already.
    """
    if pending_end(uow, account_id, group_id) is not None:
        raise ConflictError(
            phrase("This access is being taken away; wait until that is confirmed.")
        )
    if live_grant(uow, account_id, group_id) is not None:
        raise ConflictError(phrase("A grant for this access holds already; look at it anew."))
    grant = Grant(
        public_id=uow.ids.new(),
        account_id=account_id,
        group_id=group_id,
        state=GrantState.CONFIRMED,
        cause=GrantCause.DRIFT,
        cause_ref=cause_ref,
        authorised_at=uow.now,
        until=None,
        confirmed_at=uow.now,
    )
    uow.session.add(grant)
    account, group = _names(uow, account_id, group_id)
    told = {"subject": grant.public_id, "cause": grant.cause, "cause_ref": cause_ref}
    uow.record(events.GrantAuthorised(account=account, group=group, until=None, **told))
    uow.record(events.GrantConfirmed(**told))
    return grant


def note_gone(uow: UnitOfWork, *, account_id: int, group_id: int, cause_ref: str) -> Grant | None:
    """Decide, afterwards, that a membership which has gone from a source is over.

    Args:
        uow: The unit of work.
        account_id: Whose account.
        group_id: From which group.
        cause_ref: Public id of the finding.

    Returns:
        The grant that ended with it, or None if it stood before us.
    """
    grant = _grant_to_end(uow, account_id, group_id)
    decided = End(
        public_id=uow.ids.new(),
        account_id=account_id,
        group_id=group_id,
        grant_id=grant.id if grant else None,
        state=EndState.CONFIRMED,
        cause=EndCause.DRIFT,
        cause_ref=cause_ref,
        decided_at=uow.now,
        confirmed_at=uow.now,
    )
    uow.session.add(decided)
    account, group = _names(uow, account_id, group_id)
    told = {"subject": decided.public_id, "cause": decided.cause, "cause_ref": cause_ref}
    uow.record(
        events.EndAuthorised(
            account=account, group=group, grant=grant.public_id if grant else None, **told
        )
    )
    uow.record(events.EndConfirmed(**told))
    if grant is not None:
        grant.state = GrantState.ENDED
        grant.ended_at = uow.now
        uow.record(
            events.GrantEnded(subject=grant.public_id, cause=decided.cause, cause_ref=cause_ref)
        )
    return grant


def confirm(uow: UnitOfWork, *, grant_id: int) -> None:
    """Note that a right was read back. Telling it twice changes nothing."""
    grant = uow.session.get_one(Grant, grant_id)
    if grant.state is not GrantState.AUTHORISED:
        return
    grant.state = GrantState.CONFIRMED
    grant.confirmed_at = uow.now
    uow.record(
        events.GrantConfirmed(subject=grant.public_id, cause=grant.cause, cause_ref=grant.cause_ref)
    )


def fail(uow: UnitOfWork, *, grant_id: int, code: str) -> None:
    """Note that a right could not be brought about."""
    grant = uow.session.get_one(Grant, grant_id)
    if grant.state is not GrantState.AUTHORISED:
        return
    grant.state = GrantState.FAILED
    grant.ended_at = uow.now
    uow.record(
        events.GrantFailed(
            subject=grant.public_id, cause=grant.cause, cause_ref=grant.cause_ref, code=code
        )
    )


def confirm_end(uow: UnitOfWork, *, end_id: int) -> None:
    """Note that an end was read back; the grant it ended is over. Twice changes nothing."""
    decided = uow.session.get_one(End, end_id)
    if decided.state not in (EndState.AUTHORISED, EndState.FAILED):
        return
    decided.state = EndState.CONFIRMED
    decided.confirmed_at = uow.now
    uow.record(
        events.EndConfirmed(
            subject=decided.public_id, cause=decided.cause, cause_ref=decided.cause_ref
        )
    )
    if decided.grant_id is None:
        return
    grant = uow.session.get_one(Grant, decided.grant_id)
    grant.state = GrantState.ENDED
    grant.ended_at = uow.now
    uow.record(
        events.GrantEnded(subject=grant.public_id, cause=decided.cause, cause_ref=decided.cause_ref)
    )


def fail_end(uow: UnitOfWork, *, end_id: int, code: str) -> None:
    """Note that an end could not be brought about; the access is still there, and shown so."""
    decided = uow.session.get_one(End, end_id)
    if decided.state is not EndState.AUTHORISED:
        return
    decided.state = EndState.FAILED
    uow.record(
        events.EndFailed(
            subject=decided.public_id,
            cause=decided.cause,
            cause_ref=decided.cause_ref,
            code=code,
        )
    )


def reopen(uow: UnitOfWork, *, grant_id: int | None, end_id: int | None) -> None:
    """A person tries a failed operation again: what it decides is wanted once more.

    The task's own event tells the ledger of it; a right that is open already stays as it is.

    Raises:
        ConflictError: Something else was decided about the same access since.
    """
    if end_id is not None:
        decided = uow.session.get_one(End, end_id)
        if decided.state is EndState.FAILED:
            _refuse_if_decided_anew(uow, decided.account_id, decided.group_id)
            decided.state = EndState.AUTHORISED
    elif grant_id is not None:
        grant = uow.session.get_one(Grant, grant_id)
        if grant.state is GrantState.FAILED:
            _refuse_if_decided_anew(uow, grant.account_id, grant.group_id)
            grant.state = GrantState.AUTHORISED
            grant.ended_at = None


def is_wanted(reading: Reading, *, grant_id: int | None, end_id: int | None) -> bool:
    """Say whether what an operation was decided for still holds.

    A right that was ended before it came about is not to come about; an end is void once the same
    access was decided anew.
    """
    if end_id is not None:
        decided = reading.session.get_one(End, end_id)
        is_given_anew = live_grant(reading, decided.account_id, decided.group_id) is not None
        return decided.state is not EndState.WITHDRAWN and not is_given_anew
    if grant_id is not None:
        return reading.session.get_one(Grant, grant_id).state in LIVE_GRANT
    return True


def due_to_end(reading: Reading, limit: int = 500) -> list[Grant]:
    """Return confirmed rights whose time has run out, the longest overdue first."""
    return list(
        reading.session.scalars(
            sa.select(Grant)
            .where(Grant.state == GrantState.CONFIRMED, Grant.until <= reading.now)
            .order_by(Grant.until, Grant.id)
            .limit(limit)
        )
    )


def _grant_to_end(reading: Reading, account_id: int, group_id: int) -> Grant | None:
    """Return the grant an end is about: one that holds, or one whose earlier end failed."""
    return live_grant(reading, account_id, group_id) or reading.session.scalar(
        sa.select(Grant)
        .where(
            Grant.account_id == account_id,
            Grant.group_id == group_id,
            Grant.state == GrantState.ENDING,
        )
        .order_by(Grant.id.desc())
        .limit(1)
    )


def _note_ending(uow: UnitOfWork, grant: Grant) -> None:
    """A grant begins to end; one that never came about has failed, and is told so."""
    if grant.state is GrantState.AUTHORISED:
        uow.record(
            events.GrantFailed(
                subject=grant.public_id,
                cause=grant.cause,
                cause_ref=grant.cause_ref,
                code="ended_first",
            )
        )
    grant.state = GrantState.ENDING


def _refuse_if_decided_anew(reading: Reading, account_id: int, group_id: int) -> None:
    if (
        live_grant(reading, account_id, group_id) is not None
        or pending_end(reading, account_id, group_id) is not None
    ):
        raise ConflictError(phrase("This access was decided anew since; this try would undo that."))


def _names(reading: Reading, account_id: int, group_id: int) -> tuple[str, str]:
    row = reading.session.execute(
        sa.select(Account.public_id, Group.public_id)
        .join(Group, Group.source_id == Account.source_id)
        .where(Account.id == account_id, Group.id == group_id)
    ).one()
    return row[0], row[1]
