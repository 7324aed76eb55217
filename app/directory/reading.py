"""Take in a source: what changed since the last read, or all of it if that cannot be told."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import sqlalchemy as sa

from app.directory import delta, intake, population
from app.directory.delta import Told
from app.directory.models import Source, SyncRun
from app.directory.population import Completeness, Read
from app.directory.progress import Progress
from app.directory.scoping import scope_digest
from app.kernel.uow import Reading
from connectors.errors import CursorRefusedError, UnsupportedError
from connectors.port import Connector
from connectors.records import Problem, ReadReport

DRY_RUN = "dry_run"
FULL = "full"
YES = "yes"


@dataclass(frozen=True, slots=True)
class Taken:
    """What a run has read.

    Attributes:
        body: All of the source, or what changed in it.
        note: Why all of it was read though a delta was asked for, or None.
        log_note: What is to be said of its log, or None.
        started_from: The cursor it was to go on from, or None.
        scope: Digest of the settings it was read with, or None if that was told before.
    """

    body: Read | Told
    note: Problem | None = None
    started_from: str | None = None
    scope: str | None = None
    log_note: Problem | None = None

    @property
    def report(self) -> ReadReport | None:
        """The source's last word, or None if it never came."""
        return self.body.report

    @property
    def is_delta(self) -> bool:
        """Whether it tells only what changed."""
        return isinstance(self.body, Told)

    @property
    def lines(self) -> int:
        """How many members all lists of a whole read have together."""
        if isinstance(self.body, Told):
            return 0
        return sum(each.accounts + each.groups for each in self.body.lists)

    def counts(self) -> dict[str, int]:
        """Return how many accounts and groups came."""
        if isinstance(self.body, Told):
            return self.body.counts()
        return {"accounts": len(self.body.accounts), "groups": len(self.body.groups)}

    def judged(self) -> Completeness:
        """Say whether it is complete."""
        body = self.body
        if isinstance(body, Told):
            found = population.judge_part(body.lists, body.report, body.broken_by)
        else:
            found = population.judge(body)
        notes = tuple(each for each in (self.note, self.log_note) if each is not None)
        return replace(found, problems=(*notes, *found.problems)) if notes else found


def take(connector: Connector, cursor: str | None, progress: Progress) -> Taken:
    """Read what changed since a cursor; without one, or if the source refuses it, everything.

    Args:
        connector: The source.
        cursor: Where to go on from, or None to read it whole.
        progress: Is told what has been counted so far.

    Raises:
        ConnectorError: Nothing at all could be read.
    """
    note = None
    if cursor is not None:
        try:
            return Taken(delta.collect(connector, cursor, progress), started_from=cursor)
        except (CursorRefusedError, UnsupportedError) as error:
            note = Problem("read_whole", f"It was read whole: {error}")
    return Taken(intake.collect(connector, progress), note)


def start_from(reading: Reading, source: Source, payload: Mapping[str, str]) -> str | None:
    """Return the cursor that a run goes on from, or None if it has to read the source whole.

    It is the one of the last stored run. A first read, one after a change of scope, one that a
    person wants to look at first and one that compares everything are whole.
    """
    is_whole = YES in (payload.get(FULL), payload.get(DRY_RUN))
    if is_whole or source.baseline_run_id is None or source.scope_digest != scope_digest(source):
        return None
    return last_cursor(reading, source.id)


def last_cursor(reading: Reading, source_id: int) -> str | None:
    """Return where the next delta of a source starts, or None if it has to be read whole."""
    return reading.session.scalar(
        sa.select(SyncRun.cursor)
        .where(SyncRun.source_id == source_id, SyncRun.is_stored)
        .order_by(SyncRun.id.desc())
        .limit(1)
    )
