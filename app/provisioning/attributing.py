"""Name who made what was found, as far as the log of the source tells; once it tells, also later.

A finding is looked at when a read opens it, and again when the log tells of its time. What is
named stays named until a later word of the log contradicts it. Each change is told by
`drift.attributed`, in the same transaction.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from app import events
from app.directory import service as directory
from app.directory.models import Account, Group, Identity, LogDeed, Membership, Source, SyncRun
from app.kernel.delivery import Delivery
from app.kernel.uow import Reading, Transactions, UnitOfWork
from app.provisioning.attribution import Difference, Try, Word, explains, last_word
from app.provisioning.domain import FindingKind
from app.provisioning.models import Attempt, Finding, Task
from connectors.records import Verb

MOST_READS_BACK = 50
AT_ONCE = 500
JOINS = Verb.ADD_MEMBER.value
Condition = sa.ColumnElement[bool]
# What a log tells, as the fields of a `Word`; of which group and account; in which order.
WORD: tuple[Any, ...] = (
    LogDeed.event_id,
    LogDeed.at,
    LogDeed.is_joining,
    LogDeed.is_ours,
    LogDeed.actor_ref,
    LogDeed.actor_name,
)
IS_TOLD = sa.and_(
    LogDeed.source_id == Group.source_id,
    LogDeed.group_external_id == Group.external_id,
    LogDeed.account_external_id == Account.external_id,
)
LATER_FIRST = LogDeed.id.desc()  # of two at the same moment, the one told later is the last


def on_log_told(tx: Transactions, delivery: Delivery) -> None:
    """Look again at the findings that what the log told may be about."""
    since = datetime.fromisoformat(delivery.data["since"])
    with tx.write() as uow:
        source = sa.select(Source.id).where(Source.public_id == delivery.subject)
        runs = sa.select(SyncRun.id).where(
            SyncRun.source_id == source.scalar_subquery(), SyncRun.ended_at >= since
        )
        attribute(uow, Finding.run_id.in_(runs))


def look(uow: UnitOfWork, run: SyncRun) -> int:
    """Name who made what a read found; also of the read before, whose words may have come since.

    Args:
        uow: The unit of work.
        run: The read.

    Returns:
        How many findings were changed.
    """
    before = (
        sa.select(sa.func.max(SyncRun.id))
        .where(SyncRun.source_id == run.source_id, SyncRun.is_stored, SyncRun.id < run.id)
        .scalar_subquery()
    )
    return attribute(uow, sa.or_(Finding.run_id == run.id, Finding.run_id == before))


def attribute(uow: UnitOfWork, which: Condition) -> int:
    """Name who made the differences of some findings, where a log tells so and it is not noted yet.

    Args:
        uow: The unit of work.
        which: Which findings.

    Returns:
        How many findings were changed.
    """
    words = _words(uow, which)
    if not words:
        return 0
    chosen = Finding.id.in_(words)
    tries = _tries(uow, chosen)
    changed = 0
    for finding, found in _differences(uow, chosen):
        last = last_word(found, words[finding.id])
        if last is None or last.event == finding.log_event:
            continue
        if finding.done_at is not None and last.at < finding.done_at:
            continue  # what is noted is a later word; this one comes late
        told = last if explains(found, last, tries.get(finding.id, ())) else None
        if told is None and finding.done_at is None:
            continue
        _note(uow, finding, told)
        changed += 1
    return changed


def _note(uow: UnitOfWork, finding: Finding, told: Word | None) -> None:
    finding.log_event = told.event if told else None
    finding.done_at = told.at if told else None
    finding.actor_ref = told.actor_ref if told else None
    finding.actor_name = told.actor_name if told else None
    account, person = _who(uow, finding)
    uow.record(
        events.DriftAttributed(
            subject=finding.public_id,
            done_at=finding.done_at,
            actor=account,
            person=person,
            log_event=finding.log_event,
            actor_ref=finding.actor_ref,
            actor_name=finding.actor_name,
        )
    )


def _who(reading: Reading, finding: Finding) -> tuple[str | None, str | None]:
    """Return the account that did it and whose it is, by their public ids, as far as known here."""
    if finding.actor_ref is None:
        return None, None
    found = reading.session.execute(
        sa.select(Account.public_id, Identity.public_id)
        .outerjoin(Identity, Identity.id == Account.identity_id)
        .join(Group, Group.source_id == Account.source_id)
        .where(Group.id == finding.group_id, Account.external_id == finding.actor_ref)
    ).first()
    return (found[0], found[1]) if found is not None else (None, None)


def is_by(reading: Reading, finding: Finding, identity_id: int | None) -> bool:
    """Say whether the log of the source names somebody as who made what was found."""
    if finding.actor_ref is None or identity_id is None:
        return False
    found = reading.session.scalar(
        sa.select(Account.id)
        .join(Group, Group.source_id == Account.source_id)
        .where(
            Group.id == finding.group_id,
            Account.external_id == finding.actor_ref,
            Account.identity_id == identity_id,
        )
    )
    return found is not None


def _words(reading: Reading, which: Condition) -> dict[int, list[Word]]:
    """Return what logs tell of the accounts and groups of findings, by finding, in their order."""
    rows = reading.session.execute(
        sa.select(Finding.id, *WORD)
        .join(Account, Account.id == Finding.account_id)
        .join(Group, Group.id == Finding.group_id)
        .join(LogDeed, IS_TOLD)
        .where(which)
        .order_by(LATER_FIRST)
    )
    found: dict[int, list[Word]] = defaultdict(list)
    for key, *word in rows:
        found[key].append(Word(*word))
    return dict(found)


def _tries(reading: Reading, which: Condition) -> dict[int, list[Try]]:
    rows = reading.session.execute(
        sa.select(Finding.id, Task.verb, Attempt.began_at, Attempt.ended_at)
        .join(
            Task,
            sa.and_(Task.account_id == Finding.account_id, Task.group_id == Finding.group_id),
        )
        .join(Attempt, Attempt.task_id == Task.id)
        .where(which)
    )
    found: dict[int, list[Try]] = defaultdict(list)
    for key, verb, began_at, ended_at in rows:
        found[key].append(Try(verb == JOINS, began_at, ended_at))
    return found


def _differences(uow: UnitOfWork, which: Condition) -> Iterator[tuple[Finding, Difference]]:
    """Say of findings from when to when what they found can have come about."""
    rows = uow.session.execute(
        sa.select(Finding, SyncRun, Group.external_id, Membership, _read_back_gone())
        .join(SyncRun, SyncRun.id == Finding.run_id)
        .join(Group, Group.id == Finding.group_id)
        .join(Membership, Membership.id == Finding.membership_id)
        .where(which)
        .order_by(Finding.id)
        .with_for_update(of=Finding)
    ).all()
    earlier: dict[int, Sequence[Earlier]] = {}
    for finding, run, group, membership, gone_at in rows:
        if run.id not in earlier:
            earlier[run.id] = list(reads_before(uow, run))
        since = began(earlier[run.id], group)
        if finding.kind is FindingKind.APPEARED:
            seen_at = gone_at
        else:
            seen_at = membership.valid_from if membership.run_from is None else None
        if since is None or run.ended_at is None:
            continue
        yield finding, Difference(finding.kind, max(since, seen_at or since), run.ended_at)


def _read_back_gone() -> sa.ScalarSelect[Any]:
    """Select when we last read back ourselves that the account was not in the group."""
    before = aliased(Membership)
    return (
        sa.select(sa.func.max(before.valid_to))
        .where(
            before.account_id == Finding.account_id,
            before.group_id == Finding.group_id,
            before.run_to.is_(None),
            before.valid_to <= SyncRun.ended_at,
        )
        .correlate(Finding, SyncRun)
        .scalar_subquery()
    )


@dataclass(frozen=True, slots=True)
class Earlier:
    """A stored read before the one that found something.

    Attributes:
        begun_at: When it began.
        unread: What its problems are about: the members of these groups it may not have read.
    """

    begun_at: datetime
    unread: frozenset[str]


def reads_before(reading: Reading, run: SyncRun) -> Iterator[Earlier]:
    """Return the stored reads before one, the newest first, as far back as it makes sense."""
    rows = reading.session.execute(
        sa.select(SyncRun.begun_at, SyncRun.problems)
        .where(SyncRun.source_id == run.source_id, SyncRun.is_stored, SyncRun.id < run.id)
        .order_by(SyncRun.id.desc())
        .limit(MOST_READS_BACK)
    )
    for begun_at, problems in rows:
        yield Earlier(begun_at, _about(problems))


def _about(problems: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    return frozenset(each["about"] for each in problems if each["about"])


def began(earlier: Iterable[Earlier], group: str) -> datetime | None:
    """Return when the last read before began that had read the members of a group."""
    for each in earlier:
        if group not in each.unread:
            return each.begun_at
    return None


def forget(uow: UnitOfWork, subject: str, findings: Iterable[str]) -> None:
    """Forget who is told to have done things: what stays is that it was done, and when.

    Args:
        uow: The unit of work.
        subject: Public id of an account or a person: whatever they are told to have done.
        findings: Public ids of findings: whoever is named in them.
    """
    keys, also = iter(findings), []
    while part := list(islice(keys, AT_ONCE)):
        named = Finding.public_id.in_(part)
        also += [
            (row.source_id, row.log_event)
            for row in uow.session.execute(
                sa.select(Group.source_id, Finding.log_event)
                .join(Group, Group.id == Finding.group_id)
                .where(named, Finding.log_event.is_not(None))
            )
        ]
        uow.session.execute(
            sa.update(Finding)
            .where(named)
            .values(actor_ref=None, actor_name=None)
            .execution_options(synchronize_session=False)
        )
    directory.forget_actor(uow, subject, also)
