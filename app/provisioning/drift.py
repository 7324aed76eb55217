"""Drift: what a source shows and nobody decided, in either direction. It waits for a person.

A *finding* is opened after a complete read, never after another: an account in a group without a
grant (`appeared`), or one that is not there any more although it stood there before us or was
granted (`vanished`). Groups that follow a master or a rule make none of their own. A finding whose
difference has gone by itself is closed as gone; everything else is decided: *adopted*, so that it
becomes the decided state, or *reverted*, which is carried out and read back like any decision.
"""

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from app import events
from app.directory import service as directory
from app.directory.domain import Provenance
from app.directory.models import Account, Group, Membership, SyncRun
from app.grants import service as grants
from app.grants.domain import EndCause, EndState, GrantCause
from app.grants.models import End, Grant
from app.kernel.actor import Permission
from app.kernel.delivery import Delivery
from app.kernel.errors import (
    ConflictError,
    NotFoundError,
    NothingToChangeError,
    NotPermittedError,
)
from app.kernel.phrases import phrase
from app.kernel.uow import Transactions, UnitOfWork
from app.provisioning import attributing
from app.provisioning.domain import FindingKind, FindingState
from app.provisioning.models import Finding

DECIDED_WORD = {
    FindingState.ADOPTED: "was adopted",
    FindingState.REVERTING: "is being reverted",
    FindingState.REVERTED: "was reverted",
    FindingState.GONE: "has gone by itself",
}
_OWN = (Provenance.IMPORTED_AT_START, Provenance.REQUEST, Provenance.DRIFT_ADOPTED)


def look(uow: UnitOfWork, run: SyncRun) -> int:
    """Open a finding for each difference that a stored read brought, and close what has gone.

    Args:
        uow: The unit of work.
        run: The read; looking at the same one again finds nothing more.

    Returns:
        How many findings were opened.
    """
    if run.is_baseline or not run.is_stored:
        return 0
    _close_gone(uow, run)
    opened = 0
    for kind, statement in ((FindingKind.APPEARED, _appeared), (FindingKind.VANISHED, _vanished)):
        for row in uow.session.execute(statement(run)).all():
            _open(uow, run, kind, row)
            opened += 1
    uow.session.flush()
    attributing.look(uow, run)
    return opened


def _open(
    uow: UnitOfWork, run: SyncRun, kind: FindingKind, row: sa.Row[*tuple[object, ...]]
) -> None:
    membership_id, account_id, account, group_id, group = row
    finding = Finding(
        public_id=uow.ids.new(),
        kind=kind,
        membership_id=membership_id,
        account_id=account_id,
        group_id=group_id,
        run_id=run.id,
        state=FindingState.OPEN,
        found_at=uow.now,
    )
    uow.session.add(finding)
    uow.record(
        events.DriftFound(
            subject=finding.public_id,
            what=kind.value,
            account=str(account),
            group=str(group),
            run=run.public_id,
        )
    )


def _appeared(run: SyncRun) -> sa.Select[*tuple[object, ...]]:
    """Select what this read found for the first time, and no grant is behind."""
    granted = sa.exists().where(
        Grant.account_id == Membership.account_id,
        Grant.group_id == Membership.group_id,
        Grant.state.in_(grants.LIVE_GRANT),
    )
    return _new(FindingKind.APPEARED).where(
        Membership.run_from == run.id,
        Membership.valid_to.is_(None),
        Membership.provenance == Provenance.OBSERVED,
        ~granted,
    )


def _vanished(run: SyncRun) -> sa.Select[*tuple[object, ...]]:
    """Select what this read did not find any more, though it was decided or stood before us."""
    again = aliased(Membership)
    is_back = sa.exists().where(
        again.account_id == Membership.account_id,
        again.group_id == Membership.group_id,
        again.valid_to.is_(None),
    )
    was_decided = sa.exists().where(
        End.account_id == Membership.account_id,
        End.group_id == Membership.group_id,
        End.state != EndState.WITHDRAWN,  # one that failed here may have been done by hand
        End.decided_at >= Membership.valid_from,
    )
    return _new(FindingKind.VANISHED).where(
        Membership.run_to == run.id,
        Membership.provenance.in_(_OWN),
        Account.ended_at.is_(None),
        Group.ended_at.is_(None),
        ~is_back,
        ~was_decided,
        # What cannot be changed from here was never promised to stay, unless a person adopted it.
        sa.or_(Group.is_writable, Membership.provenance != Provenance.IMPORTED_AT_START),
    )


def _new(kind: FindingKind) -> sa.Select[*tuple[object, ...]]:
    known = sa.exists().where(Finding.kind == kind, Finding.membership_id == Membership.id)
    return (
        sa.select(Membership.id, Account.id, Account.public_id, Group.id, Group.public_id)
        .join(Account, Account.id == Membership.account_id)
        .join(Group, Group.id == Membership.group_id)
        .where(~known, Group.master_external_id.is_(None), Group.rule.is_(None))
        .order_by(Membership.id)
    )


def _close_gone(uow: UnitOfWork, run: SyncRun) -> None:
    """Close the open findings of this source whose difference is no more."""
    present = aliased(Membership)
    is_there = sa.exists().where(
        present.account_id == Finding.account_id,
        present.group_id == Finding.group_id,
        present.valid_to.is_(None),
    )
    is_explained = sa.exists().where(
        present.id == Finding.membership_id, present.provenance != Provenance.OBSERVED
    )
    gone = uow.session.scalars(
        sa.select(Finding)
        .join(Group, Group.id == Finding.group_id)
        .where(
            Group.source_id == run.source_id,
            Finding.state.in_((FindingState.OPEN, FindingState.FAILED)),
            sa.or_(
                sa.and_(Finding.kind == FindingKind.APPEARED, sa.or_(~is_there, is_explained)),
                sa.and_(Finding.kind == FindingKind.VANISHED, is_there),
            ),
        )
        .with_for_update(of=Finding)
    ).all()
    for finding in gone:
        _end(uow, finding, FindingState.GONE)


def adopt(uow: UnitOfWork, *, finding_id: str, reason: str, version: int) -> Finding:
    """Make what was found the decided state.

    Args:
        uow: The unit of work.
        finding_id: Public id of the finding.
        reason: Why it is right as it is.
        version: Of the finding, as it was looked at.

    Raises:
        NotPermittedError: The actor may not, would decide about their own access, or made the
            change in the source themselves.
        NotFoundError: There is no such finding.
        ConflictError: Somebody decided it, it has gone, or something else was decided about it.
    """
    finding = _to_decide(uow, finding_id, version)
    if attributing.is_by(uow, finding, uow.actor.identity_id):
        raise NotPermittedError(
            phrase("You made this change in the source yourself: somebody else adopts it.")
        )
    where = {"account_id": finding.account_id, "group_id": finding.group_id}
    if finding.kind is FindingKind.APPEARED:
        grant = grants.adopt(uow, cause_ref=finding.public_id, **where)
        directory.explain_membership(
            uow,
            membership_id=finding.membership_id,
            provenance=Provenance.DRIFT_ADOPTED,
            ref=grant.public_id,
        )
        made: str | None = grant.public_id
    else:
        grants.note_gone(uow, cause_ref=finding.public_id, **where)
        made = None
    _decide(uow, finding, FindingState.ADOPTED, reason)
    finding.ended_at = uow.now
    uow.record(events.DriftAdopted(subject=finding.public_id, grant=made, reason=reason))
    return finding


def revert(uow: UnitOfWork, *, finding_id: str, reason: str, version: int) -> Finding:
    """Order what was found to be undone; provisioning carries it out and reads it back.

    Args:
        uow: The unit of work.
        finding_id: Public id of the finding.
        reason: Why it is wrong.
        version: Of the finding, as it was looked at.

    Raises:
        NotPermittedError: The actor may not, or would decide about their own access.
        NotFoundError: There is no such finding.
        ConflictError: It was decided, has gone, or its source cannot be changed from here.
    """
    finding = _to_decide(uow, finding_id, version)
    group = uow.session.get_one(Group, finding.group_id)
    if not group.is_writable:
        raise ConflictError(phrase("Its source does not let members be changed; change it there."))
    where = {"account_id": finding.account_id, "group_id": finding.group_id}
    if finding.kind is FindingKind.APPEARED:
        grants.end(uow, cause=EndCause.DRIFT, cause_ref=finding.public_id, **where)
    else:
        over = grants.note_gone(uow, cause_ref=finding.public_id, **where)
        uow.session.flush()
        grants.authorise(
            uow,
            cause=GrantCause.DRIFT,
            cause_ref=finding.public_id,
            until=over.until if over else None,
            **where,
        )
    _decide(uow, finding, FindingState.REVERTING, reason)
    uow.record(events.DriftRevertOrdered(subject=finding.public_id, reason=reason))
    return finding


def ticket(uow: UnitOfWork, *, finding_id: str, ticket: str, reason: str, version: int) -> Finding:
    """Note where a finding is looked into; it stays open, and waits for a decision as before.

    Args:
        uow: The unit of work.
        finding_id: Public id of the finding.
        ticket: A reference or an address of the ticket.
        reason: Why it cannot be decided yet.
        version: Of the finding, as it was looked at.

    Raises:
        NotPermittedError: The actor may not, or it is about their own access.
        NotFoundError: There is no such finding.
        ConflictError: It was decided, has gone, or changed since it was looked at.
        NothingToChangeError: This ticket is noted already, with this reason.
    """
    finding = _to_decide(uow, finding_id, version)
    if (finding.ticket, finding.ticket_reason) == (ticket, reason):
        raise NothingToChangeError(phrase("This ticket is noted already."))
    finding.ticket, finding.ticket_reason = ticket, reason
    finding.ticketed_at, finding.ticketed_by = uow.now, uow.actor.public_id
    uow.record(events.DriftTicketed(subject=finding.public_id, ticket=ticket, reason=reason))
    return finding


def _to_decide(uow: UnitOfWork, finding_id: str, version: int) -> Finding:
    uow.actor.require(Permission.DRIFT_DECIDE)
    finding = uow.session.scalar(
        sa.select(Finding).where(Finding.public_id == finding_id).with_for_update()
    )
    if finding is None:
        raise NotFoundError(phrase("There is no such finding."))
    if finding.state not in (FindingState.OPEN, FindingState.FAILED):
        raise ConflictError(
            phrase("This finding %(DECIDED_WORD)s.", DECIDED_WORD=DECIDED_WORD[finding.state])
        )
    if finding.version != version:
        raise ConflictError(phrase("This finding has changed since you looked; look again."))
    holder = uow.session.get_one(Account, finding.account_id).identity_id
    if holder is not None and holder == uow.actor.identity_id:
        raise NotPermittedError(phrase("This is about your own access: somebody else decides it."))
    return finding


def _decide(uow: UnitOfWork, finding: Finding, state: FindingState, reason: str) -> None:
    finding.state = state
    finding.reason = reason
    finding.decided_at = uow.now
    finding.decided_by = uow.actor.public_id


def _end(uow: UnitOfWork, finding: Finding, state: FindingState) -> None:
    finding.state = state
    finding.ended_at = uow.now
    uow.record(events.DriftEnded(subject=finding.public_id, state=state.value))


# What appeared is undone by an end, what vanished by a grant; the end that a revert of the latter
# notes on the way is not its outcome.
UNDONE = {
    "end.confirmed": (FindingKind.APPEARED, FindingState.REVERTED),
    "end.failed": (FindingKind.APPEARED, FindingState.FAILED),
    "grant.confirmed": (FindingKind.VANISHED, FindingState.REVERTED),
    "grant.failed": (FindingKind.VANISHED, FindingState.FAILED),
}


def follow(tx: Transactions, delivery: Delivery) -> None:
    """Close a finding whose undoing was read back; show one again whose undoing has failed."""
    kind, state = UNDONE[delivery.kind]
    if delivery.data["cause"] != EndCause.DRIFT:
        return
    with tx.write() as uow:
        finding = uow.session.scalar(
            sa.select(Finding)
            .where(Finding.public_id == delivery.data["cause_ref"])
            .with_for_update()
        )
        follows = (FindingState.REVERTING, FindingState.FAILED)
        if finding is None or finding.kind is not kind or finding.state not in follows:
            return
        if finding.state is state:
            return
        _end(uow, finding, state)
