"""Bundles as pages show them: what about, by whom, what their file says, who took them away."""

import hashlib
import mmap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa

from app import events
from app.audit import bundles, progress, reach
from app.audit.answers import WHERE, Answers, read_answers
from app.audit.controls import CONTROLS, Control
from app.audit.domain import BundleKind, BundleState
from app.audit.queries.people import Who, who_are
from app.kernel.actor import Permission
from app.kernel.ledger import LedgerCheckpoint, LedgerEntry
from app.kernel.uow import Reading
from app.reviews.domain import LAUNCHED, CampaignState
from app.reviews.models import Campaign
from app.web.paging import Page, Window
from evidence.container import Member, read_container
from evidence.errors import VerificationError
from evidence.manifest import ListedFile, Manifest, parse_manifest

MOST_TAKEN = 20


MOST_CAMPAIGNS = 200


@dataclass(frozen=True, slots=True)
class BundleLine:
    """A bundle as pages show it.

    Attributes:
        row: The bundle.
        by: Who asked for it.
        campaign: The name of its campaign, or None.
        start: Begin of its period, or None.
        end: Its end, or None.
    """

    row: bundles.BundleRow
    by: Who
    campaign: str | None
    start: datetime | None
    end: datetime | None

    @property
    def is_held(self) -> bool | None:
        """Say whether every check held when it was built; None if it was not checked."""
        checks = self.row.checks
        return all(each["status"] == "passed" for each in checks) if checks else None


@dataclass(frozen=True, slots=True)
class Taken:
    """That somebody took a bundle away."""

    at: datetime
    by: Who


@dataclass(frozen=True, slots=True)
class Contents:
    """What the file of a bundle holds, by its own manifest.

    Attributes:
        manifest: What its manifest says.
        is_as_built: Whether that manifest is the one that was built.
        answers: What it answers of the checklist; None if that part is not as its manifest says.
    """

    manifest: Manifest
    is_as_built: bool
    answers: Answers | None

    @property
    def files(self) -> Sequence[ListedFile]:
        """Return its files."""
        return list(self.manifest.files.values())


@dataclass(frozen=True, slots=True)
class BundlePage:
    """One bundle with all there is to tell of it.

    Attributes:
        line: The bundle.
        controls: Those it answers.
        contents: What its file holds; None if it is not ready, or its file is gone or unreadable.
        taken: Who took it away, the newest first.
        taken_count: How often it was.
        work: How far it is, while it is being built.
        head: The signed head it is held against: size, and root if it is still kept.
    """

    line: BundleLine
    controls: Mapping[str, Control]
    contents: Contents | None
    taken: Sequence[Taken]
    taken_count: int
    work: progress.UnderWay | None
    root: bytes | None

    @property
    def is_under_way(self) -> bool:
        """Say whether it is still to become something."""
        return self.line.row.state in {BundleState.QUEUED, BundleState.BUILDING}


@dataclass(frozen=True, slots=True)
class CampaignChoice:
    """A campaign that a bundle can be about."""

    id: str
    name: str
    launched_at: datetime
    closed_at: datetime | None


def list_lines(reading: Reading, window: Window) -> Page[BundleLine]:
    """Return the bundles, newest first.

    Raises:
        NotPermittedError: The actor may not read bundles.
    """
    found = bundles.list_bundles(reading, window)
    return Page(_lines(reading, found.items), found.next_cursor)


def bundle_page(reading: Reading, public_id: str, home: Path) -> BundlePage:
    """Return one bundle with all there is to tell of it.

    Args:
        reading: The reading.
        public_id: The bundle.
        home: Of the instance; its file is there.

    Raises:
        NotPermittedError: The actor may not read bundles.
        NotFoundError: There is no such bundle.
    """
    row = bundles.find_bundle(reading, public_id)
    taken, count = _taken(reading, public_id)
    is_ready = row.state is BundleState.READY
    return BundlePage(
        line=_lines(reading, [row])[0],
        controls={name: CONTROLS[name] for name in row.controls if name in CONTROLS},
        contents=_contents(bundles.bundle_path(home, public_id), row) if is_ready else None,
        taken=taken,
        taken_count=count,
        work=None if is_ready else progress.under_way(home / bundles.FOLDER, public_id),
        root=_root(reading, row.tree_size),
    )


def choices(reading: Reading) -> Sequence[CampaignChoice]:
    """Return the campaigns that a bundle can be about, newest first.

    Raises:
        NotPermittedError: The actor may not build bundles.
    """
    reading.actor.require(Permission.BUNDLE_BUILD)
    found = reading.session.execute(
        sa.select(Campaign.public_id, Campaign.name, Campaign.launched_at, Campaign.closed_at)
        .where(Campaign.state.in_(LAUNCHED), reach.campaigns(reading))
        .order_by(Campaign.id.desc())
        .limit(MOST_CAMPAIGNS)
    )
    return [CampaignChoice(*row) for row in found]


def campaign_names(reading: Reading, *, only_open: bool = False) -> list[tuple[str, str]]:
    """Return campaigns that were launched, newest first: public id and name.

    Args:
        reading: The reading.
        only_open: Only those that are not closed.

    Raises:
        NotPermittedError: The actor may not read bundles.
    """
    reading.actor.require(Permission.BUNDLE_READ)
    found = reading.session.execute(
        sa.select(Campaign.public_id, Campaign.name)
        .where(
            Campaign.state.in_((CampaignState.OPEN,) if only_open else LAUNCHED),
            reach.campaigns(reading),
        )
        .order_by(Campaign.id.desc())
        .limit(MOST_CAMPAIGNS)
    )
    return [(row.public_id, row.name) for row in found]


def controls_of(reading: Reading, kind: BundleKind) -> Mapping[str, Control]:
    """Return the controls that a kind of bundle speaks to.

    Raises:
        NotPermittedError: The actor may not build bundles.
    """
    reading.actor.require(Permission.BUNDLE_BUILD)
    limits = reach.limits_of(reading)
    is_narrow = limits is not None and limits.controls and kind is not BundleKind.CAMPAIGN
    named = limits.controls if limits is not None and is_narrow else CONTROLS
    return {name: CONTROLS[name] for name in named if kind in CONTROLS[name].kinds}


def _lines(reading: Reading, rows: Sequence[bundles.BundleRow]) -> list[BundleLine]:
    people = who_are(reading, [row.requested_by for row in rows])
    asked = {row.scope["campaign"] for row in rows if "campaign" in row.scope}
    found = sa.select(Campaign.public_id, Campaign.name).where(Campaign.public_id.in_(asked))
    names = {row.public_id: row.name for row in reading.session.execute(found)} if asked else {}
    return [
        BundleLine(
            row,
            people[row.requested_by],
            names.get(row.scope.get("campaign", "")),
            _moment(row.scope.get("from")),
            _moment(row.scope.get("to")),
        )
        for row in rows
    ]


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _taken(reading: Reading, public_id: str) -> tuple[list[Taken], int]:
    is_taken = sa.and_(
        LedgerEntry.subject == public_id, LedgerEntry.kind == events.BundleDownloaded.kind
    )
    rows = reading.session.execute(
        sa.select(LedgerEntry.at, LedgerEntry.actor, sa.func.count().over())
        .where(is_taken)
        .order_by(LedgerEntry.id.desc())
        .limit(MOST_TAKEN)
    ).all()
    people = who_are(reading, [row.actor for row in rows])
    return [Taken(row.at, people[row.actor]) for row in rows], rows[0][2] if rows else 0


def _root(reading: Reading, size: int | None) -> bytes | None:
    if size is None:
        return None
    found = sa.select(LedgerCheckpoint.root).where(LedgerCheckpoint.size == size)
    return reading.session.scalar(found)


def _contents(path: Path, row: bundles.BundleRow) -> Contents | None:
    """Read two small members alone: what it costs does not grow with the bundle."""
    try:
        with (
            path.open("rb") as file,
            mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data,
            memoryview(data) as view,
        ):
            members = read_container(view)
            content, said = (_member(view, members.get(name)) for name in ("manifest.json", WHERE))
        manifest = parse_manifest(content)
    except (OSError, ValueError, VerificationError):
        return None
    is_as_built = hashlib.sha256(content).hexdigest() == row.sha256
    return Contents(manifest, is_as_built, _answers(manifest, said))


def _member(view: memoryview, member: Member | None) -> bytes:
    return b"" if member is None else bytes(view[member.start : member.start + member.size])


def _answers(manifest: Manifest, said: bytes) -> Answers | None:
    listed = manifest.files.get(WHERE)
    if listed is None or listed.sha256 != hashlib.sha256(said).hexdigest():
        return None
    try:
        return read_answers(said)
    except ValueError:  # made by a version that wrote it otherwise
        return None
