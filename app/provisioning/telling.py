"""Name who made the changes that a read found: what the drift inbox says, and of all the others.

Most of what a read finds that was done behind our back is a finding, and has it noted. The rest
makes none (an access that nobody had decided goes away again; a read that still waits to be
judged): of these the log is asked by the same rules, for as long as it is kept.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from app.directory.models import Account, Group, Identity, LogDeed, Membership, SyncRun
from app.directory.queries import Doing, Made
from app.kernel.actor import Permission
from app.kernel.uow import Reading
from app.provisioning.attributing import (
    IS_TOLD,
    JOINS,
    LATER_FIRST,
    WORD,
    Earlier,
    began,
    reads_before,
)
from app.provisioning.attribution import Difference, Try, Word, explains, last_word
from app.provisioning.domain import FindingKind
from app.provisioning.models import Attempt, Finding, Task

Pair = tuple[int, int]  # keys of an account and of a group
KINDS = {True: FindingKind.APPEARED, False: FindingKind.VANISHED}


@dataclass(frozen=True, slots=True)
class Said:
    """What a log says of one change: when, and by whom, as it names them."""

    at: datetime
    actor_ref: str | None
    actor_name: str | None


def doers(reading: Reading, run_id: str, wanted: Collection[Made]) -> Mapping[Made, Doing]:
    """Return who made the changes that a read found, those whom the source's log tells.

    Args:
        reading: Who looks; who may not read drift is told nobody.
        run_id: Public id of the read.
        wanted: Changes of it.
    """
    run = reading.session.scalar(sa.select(SyncRun).where(SyncRun.public_id == run_id))
    if run is None or run.ended_at is None or not reading.actor.may(Permission.DRIFT_READ):
        return {}
    said = _noted(reading, run, wanted)
    said |= _told(reading, run, run.ended_at, {each for each in wanted if each not in said})
    return _known_here(reading, run, said)


def _pairs(wanted: Collection[Made]) -> tuple[list[int], list[int]]:
    accounts, groups = {each.account for each in wanted}, {each.group for each in wanted}
    return sorted(accounts), sorted(groups)


def _noted(reading: Reading, run: SyncRun, wanted: Collection[Made]) -> dict[Made, Said]:
    """Return what the findings of a read have noted."""
    accounts, groups = _pairs(wanted)
    rows = reading.session.execute(
        sa.select(Finding).where(
            Finding.run_id == run.id,
            Finding.account_id.in_(accounts),
            Finding.group_id.in_(groups),
        )
    ).scalars()
    return {
        Made(each.account_id, each.group_id, each.kind is FindingKind.APPEARED): Said(
            each.done_at, each.actor_ref, each.actor_name
        )
        for each in rows
        if each.done_at is not None
    }


def _told(
    reading: Reading, run: SyncRun, until: datetime, wanted: Collection[Made]
) -> dict[Made, Said]:
    """Return what the log itself tells, where its last word explains the change."""
    words, names = _words(reading, wanted)
    asked = [each for each in wanted if (each.account, each.group) in words]
    if not asked:
        return {}
    earlier = list(reads_before(reading, run))
    tries, spans = _tries(reading, asked), _spans(reading, asked)
    said = {}
    for each in asked:
        pair = (each.account, each.group)
        since = _since(earlier, names[each.group], each, spans.get(pair, ()), run)
        if since is None:
            continue
        found = Difference(KINDS[each.is_joining], since, until)
        word = last_word(found, words[pair])
        if word is not None and explains(found, word, tries.get(pair, ())):
            said[each] = Said(word.at, word.actor_ref, word.actor_name)
    return said


def _words(
    reading: Reading, wanted: Collection[Made]
) -> tuple[dict[Pair, list[Word]], dict[int, str]]:
    accounts, groups = _pairs(wanted)
    rows = reading.session.execute(
        sa.select(Account.id, Group.id, Group.external_id, *WORD)
        .select_from(Group)
        .join(Account, Account.source_id == Group.source_id)
        .join(LogDeed, IS_TOLD)
        .where(Group.id.in_(groups), Account.id.in_(accounts))
        .order_by(LATER_FIRST)
    )
    words: dict[Pair, list[Word]] = defaultdict(list)
    names = {}
    for account, group, name, *word in rows:
        words[account, group].append(Word(*word))
        names[group] = name
    return words, names


def _tries(reading: Reading, wanted: Collection[Made]) -> dict[Pair, list[Try]]:
    accounts, groups = _pairs(wanted)
    rows = reading.session.execute(
        sa.select(Task.account_id, Task.group_id, Task.verb, Attempt.began_at, Attempt.ended_at)
        .join(Attempt, Attempt.task_id == Task.id)
        .where(Task.account_id.in_(accounts), Task.group_id.in_(groups))
    )
    found: dict[Pair, list[Try]] = defaultdict(list)
    for account, group, verb, began_at, ended_at in rows:
        if group is not None:
            found[account, group].append(Try(verb == JOINS, began_at, ended_at))
    return found


def _spans(reading: Reading, wanted: Collection[Made]) -> dict[Pair, list[Membership]]:
    accounts, groups = _pairs(wanted)
    rows = reading.session.scalars(
        sa.select(Membership).where(
            Membership.account_id.in_(accounts), Membership.group_id.in_(groups)
        )
    )
    found: dict[Pair, list[Membership]] = defaultdict(list)
    for row in rows:
        found[row.account_id, row.group_id].append(row)
    return found


def _since(
    earlier: Collection[Earlier],
    group: str,
    made: Made,
    spans: Collection[Membership],
    run: SyncRun,
) -> datetime | None:
    """Return from when on a change can have come about, or None if no read says.

    What we read back ourselves meanwhile is later than the read before.
    """
    since = began(earlier, group)
    if since is None or run.ended_at is None:
        return None
    if made.is_joining:
        seen = [
            each.valid_to
            for each in spans
            if each.run_to is None and each.valid_to is not None and each.valid_to <= run.ended_at
        ]
    else:
        seen = [
            each.valid_from
            for each in spans
            if each.run_from is None and (each.valid_to is None or each.run_to == run.id)
        ]
    return max(since, *seen) if seen else since


def _known_here(reading: Reading, run: SyncRun, said: Mapping[Made, Said]) -> dict[Made, Doing]:
    """Name the account that is, and whose it is, as far as it is known here."""
    refs = sorted({each.actor_ref for each in said.values() if each.actor_ref is not None})
    known: dict[str, tuple[str, str | None]] = {}
    if refs:
        rows = reading.session.execute(
            sa.select(Account.external_id, Account.public_id, Identity.public_id)
            .outerjoin(Identity, Identity.id == Account.identity_id)
            .where(Account.source_id == run.source_id, Account.external_id.in_(refs))
        )
        known = {ref: (account, holder) for ref, account, holder in rows}
    return {
        made: Doing(
            each.at,
            each.actor_name or each.actor_ref,
            *known.get(each.actor_ref or "", (None, None)),
        )
        for made, each in said.items()
    }
