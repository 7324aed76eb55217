"""Bundles: asked for, built by a job, checked by the verifier before anybody may take them away."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from app import events
from app.audit import reach, sampling
from app.audit.controls import CONTROLS, answered_by
from app.audit.domain import BundleKind, BundleState
from app.audit.models import Bundle
from app.audit.scope import campaign_scope
from app.kernel.actor import Permission
from app.kernel.errors import ConflictError, FieldErrors, NotFoundError
from app.kernel.event import moment
from app.kernel.jobs import Job, Queue
from app.kernel.phrases import phrase
from app.kernel.uow import Reading, UnitOfWork
from app.web.paging import Page, Window, page

BUILD = "build_bundle"


REDACTED = "redacted"


FOLDER = "bundles"


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody asks for: a campaign, or a stretch of time.

    Attributes:
        campaign: Public id of a campaign, or None.
        start: Begin of a period, or None.
        end: Its end, which does not belong to it; a later one than now is now.
        leavers: Of a period, only what was done about leavers.
        sample: Public id of a sample, or None.
        controls: Which controls it answers; none: all that its kind speaks to. A period with
            exactly one is a bundle of that control: only what speaks to it is in its data files.
        why_anew: Why a bundle of the same scope is asked for again.
        redacted: With ids only, and no commitment opened.
        lta: Its report's signature is to last (PAdES B-LTA): it can be judged when the
            certificates have ended. A time-stamping authority is needed.
    """

    campaign: str | None = None
    start: datetime | None = None
    end: datetime | None = None
    leavers: bool = False
    sample: str | None = None
    controls: Sequence[str] = ()
    redacted: bool = False
    why_anew: str | None = None
    lta: bool = False


@dataclass(frozen=True, slots=True)
class BundleRow:
    """A bundle as lists show it."""

    key: int
    id: str
    kind: BundleKind
    scope: Mapping[str, Any]
    controls: Sequence[str]
    state: BundleState
    requested_by: str
    requested_at: datetime
    built_at: datetime | None
    sha256: str | None
    bytes: int | None
    tree_size: int | None
    checks: Sequence[Mapping[str, Any]]
    supersedes: str | None
    why_anew: str | None
    lta: bool
    removed_at: datetime | None
    why: str | None


def request(uow: UnitOfWork, wish: Wish, *, is_built_here: bool = False) -> BundleRow:
    """Ask for a bundle; a job builds it.

    Args:
        uow: The unit of work.
        wish: What about.
        is_built_here: The caller builds it at once, with `run_build`; then there is no job.

    Raises:
        NotPermittedError: The actor may not.
        InvalidInputError: Neither or both of campaign and period, or an unknown control.
        NotFoundError: There is no such campaign.
    """
    uow.actor.require(Permission.BUNDLE_BUILD)
    _refuse_unclear(wish, uow.now)
    kind, scope = _kept_scope(uow, wish)
    if wish.redacted:
        scope[REDACTED] = "yes"
    bundle = Bundle(
        public_id=uow.ids.new(),
        kind=kind,
        scope=scope,
        controls=list(wish.controls) or answered_by(kind),
        state=BundleState.QUEUED,
        requested_by=uow.actor.public_id,
        requested_at=uow.now,
        checks=[],
        supersedes=_earlier(uow, kind, scope),
        why_anew=wish.why_anew,
        is_lasting=wish.lta,
    )
    uow.session.add(bundle)
    uow.record(
        events.BundleRequested(
            subject=bundle.public_id,
            bundle_kind=kind,
            scope=scope,
            supersedes=bundle.supersedes,
            why_anew=bundle.why_anew,
        )
    )
    if not is_built_here:
        payload = {"bundle": bundle.public_id}
        uow.enqueue(Job(Queue.BUILD, BUILD, bundle.public_id, payload))
    uow.session.flush()
    return _row(bundle)


def ask_again(uow: UnitOfWork, public_id: str) -> BundleRow:
    """Ask anew for what a bundle that failed was to be about; the failed one stays told of.

    Raises:
        NotPermittedError: The actor may not.
        NotFoundError: There is no such bundle.
        ConflictError: It did not fail.
    """
    uow.actor.require(Permission.BUNDLE_BUILD)
    failed = find(uow, public_id)
    if failed.state is not BundleState.FAILED:
        raise ConflictError(
            phrase(
                "The bundle is %(state)s: only a failed one is built again.",
                state=failed.state,
            ),
            {"state": failed.state.value},
        )
    start, end = (failed.scope.get(name) for name in ("from", "to"))
    wish = Wish(
        campaign=failed.scope.get("campaign"),
        start=datetime.fromisoformat(start) if start else None,
        end=datetime.fromisoformat(end) if end else None,
        leavers=failed.scope.get("about") == "leavers",
        sample=failed.scope.get("sample"),
        controls=failed.controls,
        redacted=REDACTED in failed.scope,
        why_anew=failed.why_anew,
        lta=failed.is_lasting,
    )
    return request(uow, wish)


def _earlier(reading: Reading, kind: BundleKind, scope: Mapping[str, str]) -> str | None:
    """Return the newest bundle of the same scope: the one that a new one replaces."""
    rows = reading.session.execute(
        sa.select(Bundle.public_id, Bundle.scope)
        .where(Bundle.kind == kind, Bundle.state == BundleState.READY)
        .order_by(Bundle.id.desc())
    )
    return next((row.public_id for row in rows if row.scope == scope), None)


def take_away(uow: UnitOfWork, public_id: str, home: Path) -> Path:
    """Return the file of a bundle, and record that somebody took it away.

    Raises:
        NotPermittedError: The actor may not read bundles.
        NotFoundError: There is no such bundle.
        ConflictError: It is not ready.
    """
    uow.actor.require(Permission.BUNDLE_READ)
    bundle = find(uow, public_id)
    if bundle.state is not BundleState.READY or bundle.sha256 is None:
        raise ConflictError(
            phrase("The bundle is %(state)s: wait until it is ready.", state=bundle.state),
            {"state": bundle.state.value},
        )
    if bundle.removed_at is not None:
        raise NotFoundError(
            f"The file was removed on {bundle.removed_at:%Y-%m-%d}, when its time was over: ask "
            "for the bundle again."
        )
    path = bundle_path(home, public_id)
    if not path.is_file():
        raise NotFoundError(
            phrase("The bundle's file is gone from this instance's home: build it anew.")
        )
    uow.record(events.BundleDownloaded(subject=public_id, sha256=bundle.sha256))
    return path


def list_bundles(reading: Reading, window: Window) -> Page[BundleRow]:
    """Return the bundles, newest first.

    Raises:
        NotPermittedError: The actor may not read bundles.
    """
    reading.actor.require(Permission.BUNDLE_READ)
    statement = (
        sa.select(Bundle)
        .where(reach.bundles(reading))
        .order_by(Bundle.id.desc())
        .limit(window.limit + 1)
    )
    if window.cursor is not None:
        statement = statement.where(Bundle.id < window.after_id())
    rows = [_row(each) for each in reading.session.scalars(statement)]
    return page(rows, window, lambda row: [row.key])


def find_bundle(reading: Reading, public_id: str) -> BundleRow:
    """Return one bundle.

    Raises:
        NotPermittedError: The actor may not read bundles.
        NotFoundError: There is no such bundle.
    """
    reading.actor.require(Permission.BUNDLE_READ)
    return _row(find(reading, public_id))


def bundle_path(home: Path, public_id: str) -> Path:
    """Say where a bundle's file is."""
    return home / FOLDER / f"{public_id}.zip"


def _refuse_unclear(wish: Wish, now: datetime) -> None:
    wrong = FieldErrors()
    has_period = wish.start is not None or wish.end is not None
    asked = [name for name in ("campaign", "sample") if getattr(wish, name) is not None]
    if not asked and not has_period:
        wrong.add("campaign", phrase("Give a campaign, or a period by from and to; or a sample."))
    if asked and (has_period or wish.leavers or len(asked) > 1):
        wrong.add(asked[0], phrase("Give one of a campaign, a sample or a period."))
    if has_period and wish.start is None:
        wrong.add("from", phrase("Say when the period begins."))
    if has_period and wish.end is None:
        wrong.add("to", phrase("Say when the period ends."))
    if wish.start and wish.end and wish.start >= min(wish.end, now):
        wrong.add("from", phrase("The period must begin before it ends, and before now."))
    for at, name in enumerate(wish.controls):
        if name not in CONTROLS:
            wrong.add(
                f"controls.{at}", phrase("Unknown; one of %(names)s.", names=", ".join(CONTROLS))
            )
    wrong.raise_if_any()


def _kept_scope(uow: UnitOfWork, wish: Wish) -> tuple[BundleKind, dict[str, str]]:
    if wish.campaign is not None:
        if not reach.reaches_campaign(uow, wish.campaign):
            raise NotFoundError(
                phrase("There is no campaign %(public_id)s.", public_id=wish.campaign)
            )
        return BundleKind.CAMPAIGN, {"campaign": campaign_scope(uow, wish.campaign).id}
    if wish.sample is not None:
        return BundleKind.SAMPLE, {"sample": sampling.sample_scope(uow, wish.sample).id}
    assert wish.start is not None  # noqa: S101 - refused above
    assert wish.end is not None  # noqa: S101
    about = "leavers" if wish.leavers else "all"
    is_of_one = len(wish.controls) == 1 and not wish.leavers
    end = min(wish.end, uow.now)
    reach.require_period(uow, wish.start, end, control=wish.controls[0] if is_of_one else None)
    span = {"from": moment(wish.start), "to": moment(end)}
    if is_of_one:
        return BundleKind.CONTROL, {**span, "about": "control", "control": wish.controls[0]}
    return BundleKind.PERIOD, {**span, "about": about}


def find(reading: Reading, public_id: str) -> Bundle:
    """Return the row of one bundle, if the actor reaches it.

    Raises:
        NotFoundError: There is no such bundle.
    """
    found = reading.session.scalar(
        sa.select(Bundle).where(Bundle.public_id == public_id, reach.bundles(reading))
    )
    if found is None:
        raise NotFoundError(phrase("There is no bundle %(public_id)s.", public_id=public_id))
    return found


def _row(bundle: Bundle) -> BundleRow:
    return BundleRow(
        key=bundle.id,
        id=bundle.public_id,
        kind=bundle.kind,
        scope=bundle.scope,
        controls=bundle.controls,
        state=bundle.state,
        requested_by=bundle.requested_by,
        requested_at=bundle.requested_at,
        built_at=bundle.built_at,
        sha256=bundle.sha256,
        bytes=bundle.bytes_count,
        tree_size=bundle.tree_size,
        checks=bundle.checks,
        supersedes=bundle.supersedes,
        why_anew=bundle.why_anew,
        lta=bundle.is_lasting,
        removed_at=bundle.removed_at,
        why=bundle.why,
    )
