"""The sampling room: samples that an auditor draws, and anyone can draw again.

The seed is the auditor's; population, its digest, seed and what was drawn are recorded, so nobody
can have chosen what is looked at, neither before nor afterwards.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from app import events
from app.audit import reach
from app.audit.domain import SIZES, Frequency, Population, draw, population_digest
from app.audit.models import Draw
from app.audit.populations import SampleWish, keys_of_population
from app.audit.scope import SampleScope, campaign_scope
from app.directory.models import Account, Group, Identity
from app.kernel.actor import Permission
from app.kernel.errors import (
    FieldErrors,
    NotFoundError,
)
from app.kernel.event import moment
from app.kernel.phrases import phrase
from app.kernel.uow import Reading, UnitOfWork
from app.lifecycle.models import LifecycleEvent
from app.web.paging import Page, Window, page

LARGEST: Final = 250


WORD: Final = re.compile(r"[A-Za-z0-9._:+/=-]{1,128}")


PLAIN: Final = phrase("Use up to 128 letters, digits and . _ : + / = - without blanks.")


@dataclass(frozen=True, slots=True)
class SampleLine:
    """What was drawn, one of it: an access by account and group, or a leaver's event."""

    key: str
    account: str | None
    account_login: str | None
    identity_name: str | None
    group: str | None
    group_name: str | None
    event: str | None


@dataclass(frozen=True, slots=True)
class SampleRow:
    """A sample."""

    row: int
    id: str
    population: Population
    scope: Mapping[str, Any]
    frequency: Frequency | None
    size: int
    seed: str
    population_count: int
    population_digest: str
    drawn_by: str
    drawn_at: datetime
    lines: Sequence[SampleLine]


def draw_sample(uow: UnitOfWork, wish: SampleWish) -> SampleRow:
    """Draw a sample.

    Raises:
        NotPermittedError: The actor may not.
        InvalidInputError: Something is missing, too much, or cannot be.
        NotFoundError: There is no such campaign.
    """
    uow.actor.require(Permission.BUNDLE_BUILD)
    _refuse_unclear(wish, uow.now)
    scope = _scope(uow, wish)
    size = wish.size if wish.size is not None else SIZES[wish.frequency or Frequency.OFTEN]
    keys = dict(keys_of_population(uow, wish, scope))
    made = Draw(
        public_id=uow.ids.new(),
        population=wish.population,
        scope=scope,
        frequency=wish.frequency,
        size=size,
        seed=wish.seed,
        population_count=len(keys),
        population_digest=population_digest(keys),
        lines=[{"key": key, **keys[key]} for key in draw(wish.seed, keys, size)],
        drawn_by=uow.actor.public_id,
        drawn_at=uow.now,
    )
    uow.session.add(made)
    uow.record(
        events.AuditSampleDrawn(
            subject=made.public_id,
            population=wish.population,
            population_count=made.population_count,
            population_digest=made.population_digest,
            seed=wish.seed,
            size=len(made.lines),
        )
    )
    uow.session.flush()
    return _row(uow, made)


def list_samples(reading: Reading, window: Window) -> Page[SampleRow]:
    """Return the samples, newest first, without their lines.

    Raises:
        NotPermittedError: The actor may not read bundles.
    """
    reading.actor.require(Permission.BUNDLE_READ)
    statement = (
        sa.select(Draw).where(reach.draws(reading)).order_by(Draw.id.desc()).limit(window.limit + 1)
    )
    if window.cursor is not None:
        statement = statement.where(Draw.id < window.after_id())
    rows = [_row(reading, each, with_lines=False) for each in reading.session.scalars(statement)]
    return page(rows, window, lambda each: [each.row])


def find_sample(reading: Reading, public_id: str) -> SampleRow:
    """Return one sample with its lines.

    Raises:
        NotPermittedError: The actor may not read bundles.
        NotFoundError: There is no such sample.
    """
    reading.actor.require(Permission.BUNDLE_READ)
    return _row(reading, _find(reading, public_id))


def sample_scope(reading: Reading, public_id: str) -> SampleScope:
    """Return the scope of a bundle about a sample.

    Raises:
        NotFoundError: There is no such sample.
    """
    found = _find(reading, public_id)
    accounts = {each["account"] for each in found.lines if each.get("account")}
    groups = {each["group"] for each in found.lines if each.get("group")}
    of_accounts = _keys_of(reading, Account, accounts)
    of_groups = _keys_of(reading, Group, groups)
    drawn_events = [each["event"] for each in found.lines if each.get("event")]
    return SampleScope(
        id=found.public_id,
        start=datetime.fromisoformat(found.scope["from"]),
        end=reading.now,
        pairs=tuple(
            (of_accounts[each["account"]], of_groups[each["group"]])
            for each in found.lines
            if each.get("account") and each.get("group")
        ),
        events=tuple(_keys_of(reading, LifecycleEvent, drawn_events).values()),
        drawn={
            "population": found.population.value,
            "scope": found.scope,
            "count": found.population_count,
            "sha256": found.population_digest,
            "seed": found.seed,
            "size": found.size,
            "frequency": found.frequency.value if found.frequency else None,
            "by": found.drawn_by,
            "at": moment(found.drawn_at),
            "keys": [each["key"] for each in found.lines],
        },
    )


def _refuse_unclear(wish: SampleWish, now: datetime) -> None:
    wrong = FieldErrors()
    is_of_items = wish.population is Population.ITEMS
    if not WORD.fullmatch(wish.seed):
        wrong.add("seed", PLAIN)
    if is_of_items and wish.campaign is None:
        wrong.add("campaign", "Say of which campaign.")
    if not is_of_items and wish.campaign is not None:
        wrong.add("campaign", "Only items are drawn from a campaign.")
    if not is_of_items and wish.start is None:
        wrong.add("from", "Say from when.")
    if not is_of_items and wish.end is None:
        wrong.add("to", "Say up to when.")
    if wish.start and wish.end and wish.start >= min(wish.end, now):
        wrong.add("from", "The period must begin before it ends, and before now.")
    if wish.size is None and wish.frequency is None:
        wrong.add("frequency", "Say how often the control is performed, or how many to draw.")
    if wish.size is not None and not 1 <= wish.size <= LARGEST:
        wrong.add("size", f"Draw 1 to {LARGEST}.")
    wrong.raise_if_any()


def _scope(reading: Reading, wish: SampleWish) -> dict[str, str]:
    if wish.campaign is not None:
        if not reach.reaches_campaign(reading, wish.campaign):
            raise NotFoundError(
                phrase("There is no campaign %(public_id)s.", public_id=wish.campaign)
            )
        scope = campaign_scope(reading, wish.campaign)
        return {
            "campaign": scope.id,
            "from": moment(scope.start),
            "to": moment(min(scope.end, reading.now)),
        }
    assert wish.start is not None  # noqa: S101 - refused above
    assert wish.end is not None  # noqa: S101
    end = min(wish.end, reading.now)
    reach.require_period(reading, wish.start, end, population=wish.population)
    return {"from": moment(wish.start), "to": moment(end)}


def _find(reading: Reading, public_id: str) -> Draw:
    found = reading.session.scalar(
        sa.select(Draw).where(Draw.public_id == public_id, reach.draws(reading))
    )
    if found is None:
        raise NotFoundError(f"There is no sample {public_id}.")
    return found


def _keys_of(reading: Reading, table: Any, ids: Any) -> dict[str, int]:
    found = reading.session.execute(
        sa.select(table.public_id, table.id).where(table.public_id.in_(ids))
    )
    return {row.public_id: row.id for row in found}


def _row(reading: Reading, drawn: Draw, *, with_lines: bool = True) -> SampleRow:
    return SampleRow(
        row=drawn.id,
        id=drawn.public_id,
        population=drawn.population,
        scope=drawn.scope,
        frequency=drawn.frequency,
        size=drawn.size,
        seed=drawn.seed,
        population_count=drawn.population_count,
        population_digest=drawn.population_digest,
        drawn_by=drawn.drawn_by,
        drawn_at=drawn.drawn_at,
        lines=_lines(reading, drawn.lines) if with_lines else (),
    )


def _lines(reading: Reading, drawn: Sequence[Mapping[str, Any]]) -> list[SampleLine]:
    """Give what was drawn the names that people know it by."""
    accounts = {
        row.public_id: row
        for row in reading.session.execute(
            sa.select(Account.public_id, Account.login, Identity.display_name)
            .outerjoin(Identity, Identity.id == Account.identity_id)
            .where(Account.public_id.in_({each.get("account") for each in drawn}))
        )
    }
    groups = {
        row.public_id: row.name
        for row in reading.session.execute(
            sa.select(Group.public_id, Group.name).where(
                Group.public_id.in_({each.get("group") for each in drawn})
            )
        )
    }
    people = {
        row.public_id: row.display_name
        for row in reading.session.execute(
            sa.select(LifecycleEvent.public_id, Identity.display_name)
            .join(Identity, Identity.id == LifecycleEvent.identity_id)
            .where(LifecycleEvent.public_id.in_({each.get("event") for each in drawn}))
        )
    }
    made = []
    for each in drawn:
        account = accounts.get(each.get("account", ""))
        made.append(
            SampleLine(
                key=each["key"],
                account=each.get("account"),
                account_login=account.login if account else None,
                identity_name=account.display_name if account else people.get(each.get("event")),
                group=each.get("group"),
                group_name=groups.get(each.get("group", "")),
                event=each.get("event"),
            )
        )
    return made
