"""What launching a template would mean: its reads, its population, who would be asked."""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from app.directory import unread
from app.directory.models import Group, Identity, Membership, Source, SyncRun
from app.kernel.actor import Permission
from app.kernel.errors import ConflictError, NotFoundError
from app.kernel.event import moment
from app.kernel.phrases import phrase
from app.kernel.uow import Reading
from app.provisioning import guards
from app.reviews import population
from app.reviews.domain import LAUNCHED
from app.reviews.models import Campaign, Template
from app.reviews.population import Found

CHUNK = 10_000
OFTEN = 500
# Looking at so many, and freezing them, is done while somebody waits; more is left to a job.
AT_ONCE = 15_000


@dataclass(frozen=True, slots=True)
class Preview:
    """What launching a template would mean.

    Attributes:
        template: What is launched.
        runs: The complete reads it stands on.
        population: How many memberships are in scope.
        excluded: How many of them each rule leaves out.
        reviewers: How many items each reviewer would get, by key.
        people: The reviewers, by key.
        guarded: How many of the items automation would refuse to remove.
    """

    template: Template
    runs: Sequence[dict[str, Any]]
    population: int
    excluded: Counter[str]
    reviewers: Counter[int]
    people: Mapping[int, Identity]
    guarded: int

    @property
    def items(self) -> int:
        """How many are to be decided."""
        return self.population - self.excluded.total()


@dataclass(frozen=True, slots=True)
class Launch:
    """A population as it is frozen.

    Attributes:
        template: What is launched.
        runs: The complete reads it stands on.
        found: The population, items and excluded.
    """

    template: Template
    runs: Sequence[dict[str, Any]]
    found: Sequence[Found]

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


def preview(reading: Reading, *, template_id: str) -> Preview:
    """Return what launching a template would mean, changing nothing; a few statements.

    Raises:
        NotPermittedError: The actor may not.
        NotFoundError: There is no such template.
        ConflictError: No source is in scope, one that is named is disabled, or one has no
            complete read yet.
    """
    reading.actor.require(Permission.CAMPAIGN_WRITE)
    scope = scope_of(reading, find_template(reading, template_id))
    excluded: Counter[str] = Counter()
    reviewers: Counter[int] = Counter()
    places: list[tuple[int, int]] = []
    population_count = 0
    for each in population.ask(reading, _wanted(reading, scope)):
        population_count += 1
        if each.rule is not None:
            excluded[each.rule] += 1
        elif each.reviewer_id is not None:
            reviewers[each.reviewer_id] += 1
            places.append((each.account_id, each.group_id))
    return Preview(
        template=scope.template,
        runs=scope.runs,
        population=population_count,
        excluded=excluded,
        reviewers=reviewers,
        people=_people(reading, set(reviewers)),
        guarded=_guarded(reading, places),
    )


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
        raise NotFoundError(phrase("There is no such template."))
    return found


def scope_of(reading: Reading, template: Template) -> Scope:
    """Return what a template reaches now.

    Raises:
        ConflictError: No source is in scope, one that is named is disabled, or one has no
            complete read yet.
    """
    sources = _sources(reading, template)
    if not sources:
        raise ConflictError(phrase("No source of this template is connected and enabled."))
    reads = [_latest_run(reading, source) for source in sources]
    return Scope(
        template=template,
        runs=[
            {
                "source": source.name,
                "run": run.public_id,
                "begun_at": moment(run.begun_at),
                "digest": run.digest,
                "mode": "delta" if run.is_delta else "full",
                "full_run": _last_whole(reading, run),
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
    found: list[Found] = []
    for each in population.gather(reading, _wanted(reading, scope)):
        found.append(each)
        if len(found) % OFTEN == 0:
            told(len(found))
    return Launch(scope.template, scope.runs, found)


def _wanted(reading: Reading, scope: Scope) -> population.Wanted:
    return population.Wanted(
        scope.source_ids,
        scope.group_ids,
        _active_fallback(reading, scope.template),
        read_at=scope.read_at,
        before=_launched_before(reading, scope.template),
    )


def is_large(reading: Reading, *, template_id: str) -> bool:
    """Say whether looking at a template's population takes longer than a page may.

    Raises:
        NotPermittedError: The actor may not.
        NotFoundError: There is no such template.
        ConflictError: As for `preview`.
    """
    reading.actor.require(Permission.CAMPAIGN_WRITE)
    scope = scope_of(reading, find_template(reading, template_id))
    return size_of(reading, scope, most=AT_ONCE + 1) > AT_ONCE


def size_of(reading: Reading, scope: Scope, most: int | None = None) -> int:
    """Return how many memberships are in scope; `most` is as far as they are counted."""
    statement = (
        sa.select(sa.literal(1))
        .select_from(Membership)
        .join(Group, Group.id == Membership.group_id)
        .where(Membership.valid_to.is_(None), Group.source_id.in_(scope.source_ids))
    )
    if scope.group_ids:
        statement = statement.where(Group.id.in_(scope.group_ids))
    counted = statement.limit(most).subquery()
    return reading.session.scalar(sa.select(sa.func.count()).select_from(counted)) or 0


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
            phrase(
                "%(names)s is disabled: enable it, or take it out of the template.",
                names=", ".join(asleep),
            )
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


def _guarded(reading: Reading, places: Collection[tuple[int, int]]) -> int:
    """Count the items, by account and group, that are protected or left to a person."""
    accounts: set[int] = set()
    groups: set[int] = set()
    for chunk in _chunks(sorted({account for account, _ in places})):
        accounts |= guards.protected_accounts(reading, chunk).keys()
    for chunk in _chunks(sorted({group for _, group in places})):
        groups |= guards.protected_groups(reading, chunk).keys()
        groups |= guards.not_automatic(reading, chunk).keys()
    return sum(account in accounts or group in groups for account, group in places)


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
    """Return the run that the store shows, if it left nothing unknown.

    Raises:
        ConflictError: There is none, or members of a group are not known: what a campaign froze
            then would be no population.
    """
    run = reading.session.scalar(
        sa.select(SyncRun)
        .where(SyncRun.source_id == source.id, SyncRun.is_stored)
        .order_by(SyncRun.id.desc())
        .limit(1)
    )
    if run is None:
        raise ConflictError(
            phrase(
                "%(source)s has not been read completely yet: sync it first.", source=source.name
            )
        )
    missing = unread.still(reading, source)
    if missing:
        raise ConflictError(
            phrase(
                "%(source)s is not known completely. %(tell)s Read it again, or leave the "
                "group out by name, with a reason.",
                source=source.name,
                tell=unread.tell(missing),
            )
        )
    return run


def _last_whole(reading: Reading, run: SyncRun) -> str | None:
    """Return the last run that read the whole source, up to this one."""
    return reading.session.scalar(
        sa.select(SyncRun.public_id)
        .where(
            SyncRun.source_id == run.source_id,
            SyncRun.is_stored,
            ~SyncRun.is_delta,
            SyncRun.id <= run.id,
        )
        .order_by(SyncRun.id.desc())
        .limit(1)
    )
