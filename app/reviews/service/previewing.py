"""What launching a template would mean: its reads, its population, who would be asked."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from app.directory.domain import SyncState
from app.directory.models import Group, Identity, Membership, Source, SyncRun
from app.kernel.actor import Permission
from app.kernel.errors import ConflictError, NotFoundError
from app.kernel.event import moment
from app.kernel.uow import Reading
from app.provisioning import guards
from app.reviews import population
from app.reviews.domain import LAUNCHED
from app.reviews.models import Campaign, Template
from app.reviews.population import Found

COMPLETE = (SyncState.COMPLETE, SyncState.ACCEPTED)
CHUNK = 10_000
OFTEN = 500


@dataclass(frozen=True, slots=True)
class Launch:
    """What launching a template would mean.

    Attributes:
        template: What is launched.
        runs: The complete reads it stands on.
        found: The population, items and excluded.
        people: The reviewers, by key.
        guarded: How many of the items automation would refuse to remove.
    """

    template: Template
    runs: Sequence[dict[str, Any]]
    found: Sequence[Found]
    people: Mapping[int, Identity]
    guarded: int

    @property
    def items(self) -> list[Found]:
        """What is to be decided."""
        return [each for each in self.found if each.rule is None]

    @property
    def excluded(self) -> list[Found]:
        """What is left out."""
        return [each for each in self.found if each.rule is not None]

    @property
    def reviewers(self) -> Counter[int]:
        """How many items each reviewer gets."""
        return Counter(each.reviewer_id for each in self.items if each.reviewer_id is not None)


@dataclass(frozen=True, slots=True)
class Scope:
    """What a template reaches now.

    Attributes:
        template: The template.
        runs: The complete reads it stands on, as they are told.
        source_ids: Keys of the sources.
        group_ids: Keys of the groups; none is all of those sources.
        read_at: When each source was read, by its key.
    """

    template: Template
    runs: Sequence[dict[str, Any]]
    source_ids: Sequence[int]
    group_ids: Sequence[int]
    read_at: Mapping[int, datetime]


def _nothing(_looked_at: int) -> None:
    """Tell nobody."""


def preview(reading: Reading, *, template_id: str) -> Launch:
    """Return what launching a template would mean, changing nothing.

    Raises:
        NotPermittedError: The actor may not.
        NotFoundError: There is no such template.
        ConflictError: No source is in scope, one that is named is disabled, or one has no
            complete read yet.
    """
    reading.actor.require(Permission.CAMPAIGN_WRITE)
    return look(reading, scope_of(reading, find_template(reading, template_id)))


def find_template(reading: Reading, template_id: str) -> Template:
    """Return a template by public id or name.

    Raises:
        NotFoundError: There is none.
    """
    found = reading.session.scalar(
        sa.select(Template).where(
            sa.or_(Template.public_id == template_id, Template.name == template_id)
        )
    )
    if found is None:
        raise NotFoundError("There is no such template.")
    return found


def scope_of(reading: Reading, template: Template) -> Scope:
    """Return what a template reaches now.

    Raises:
        ConflictError: No source is in scope, one that is named is disabled, or one has no
            complete read yet.
    """
    sources = _sources(reading, template)
    if not sources:
        raise ConflictError("No source of this template is connected and enabled.")
    reads = [_latest_run(reading, source) for source in sources]
    return Scope(
        template=template,
        runs=[
            {
                "source": source.name,
                "run": run.public_id,
                "begun_at": moment(run.begun_at),
                "digest": run.digest,
            }
            for source, run in zip(sources, reads, strict=True)
        ],
        source_ids=[each.id for each in sources],
        group_ids=reading.session.scalars(sa.select(Group.id).where(_chosen(template))).all(),
        read_at={run.source_id: run.begun_at for run in reads},
    )


def look(reading: Reading, scope: Scope, told: Callable[[int], None] = _nothing) -> Launch:
    """Look at every membership in scope.

    Args:
        reading: The store.
        scope: What is looked at.
        told: Is told how many were looked at, again and again.
    """
    wanted = population.Wanted(
        scope.source_ids,
        scope.group_ids,
        _active_fallback(reading, scope.template),
        read_at=scope.read_at,
        before=_launched_before(reading, scope.template),
    )
    found: list[Found] = []
    for each in population.gather(reading, wanted):
        found.append(each)
        if len(found) % OFTEN == 0:
            told(len(found))
    people = _people(reading, {each.reviewer_id for each in found if each.reviewer_id})
    return Launch(scope.template, scope.runs, found, people, _guarded(reading, found))


def size_of(reading: Reading, scope: Scope) -> int:
    """Return how many memberships are in scope."""
    statement = (
        sa.select(sa.func.count())
        .select_from(Membership)
        .join(Group, Group.id == Membership.group_id)
        .where(Membership.valid_to.is_(None), Group.source_id.in_(scope.source_ids))
    )
    if scope.group_ids:
        statement = statement.where(Group.id.in_(scope.group_ids))
    return reading.session.scalar(statement) or 0


def _chosen(template: Template) -> sa.ColumnElement[bool]:
    return Group.public_id.in_(template.scope.get("entitlements", []))


def _sources(reading: Reading, template: Template) -> Sequence[Source]:
    """The sources that have to be read: those named, or those of the groups named, or all.

    Raises:
        ConflictError: One that was named is disabled: it is not passed over in silence.
    """
    is_chosen = bool(template.scope.get("sources") or template.scope.get("entitlements"))
    statement = sa.select(Source).where(Source.removed_at.is_(None))
    if not is_chosen:
        statement = statement.where(Source.is_enabled)
    if template.scope.get("sources"):
        statement = statement.where(Source.name.in_(template.scope["sources"]))
    if template.scope.get("entitlements"):
        theirs = sa.select(Group.source_id).where(_chosen(template))
        statement = statement.where(Source.id.in_(theirs))
    found = reading.session.scalars(statement.order_by(Source.id)).all()
    asleep = [each.name for each in found if not each.is_enabled]
    if asleep:
        raise ConflictError(
            f"{', '.join(asleep)} is disabled: enable it, or take it out of the template."
        )
    return found


def _active_fallback(reading: Reading, template: Template) -> int | None:
    return reading.session.scalar(
        sa.select(Identity.id).where(Identity.id == template.fallback_id, Identity.is_active)
    )


def _people(reading: Reading, ids: set[int]) -> dict[int, Identity]:
    return {
        each.id: each
        for chunk in _chunks(sorted(ids))
        for each in reading.session.scalars(sa.select(Identity).where(Identity.id.in_(chunk)))
    }


def _guarded(reading: Reading, found: Sequence[Found]) -> int:
    """Count the items whose account or group is protected."""
    items = [each for each in found if each.rule is None]
    accounts: set[int] = set()
    groups: set[int] = set()
    for chunk in _chunks(sorted({each.account_id for each in items})):
        accounts |= guards.protected_accounts(reading, chunk).keys()
    for chunk in _chunks(sorted({each.group_id for each in items})):
        groups |= guards.protected_groups(reading, chunk).keys()
    return sum(each.account_id in accounts or each.group_id in groups for each in items)


def _chunks(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    """Cut a list of keys to what one statement takes as parameters."""
    for start in range(0, len(ids), CHUNK):
        yield ids[start : start + CHUNK]


def _launched_before(reading: Reading, template: Template) -> datetime | None:
    """Return when the last review of this kind began."""
    return reading.session.scalar(
        sa.select(sa.func.max(Campaign.launched_at)).where(
            Campaign.template_id == template.id, Campaign.state.in_(LAUNCHED)
        )
    )


def _latest_run(reading: Reading, source: Source) -> SyncRun:
    run = reading.session.scalar(
        sa.select(SyncRun)
        .where(SyncRun.source_id == source.id, SyncRun.state.in_(COMPLETE))
        .order_by(SyncRun.id.desc())
        .limit(1)
    )
    if run is None:
        raise ConflictError(f"{source.name} has not been read completely yet: sync it first.")
    return run
