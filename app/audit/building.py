"""Building a bundle: one consistent reading of the store, put into the format of `evidence.bundle`.

Nothing here writes to the store. What is told is cut by the closed rule of the scope; the proof,
the consistency with the bundle before and the keys come from the same moment.
"""

import base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

import sqlalchemy as sa
from cryptography.x509 import load_pem_x509_certificate
from sqlalchemy.orm import Session

from app.audit import gathering, reports, signing
from app.audit.circumstances import Custody, circumstances
from app.audit.domain import BundleKind, BundleState
from app.audit.evaluating import Evaluation, Told
from app.audit.evaluating.checklist import Line, checklist
from app.audit.models import Bundle
from app.audit.oscal import assessment_results
from app.audit.proving import proofs_of
from app.audit.redacting import redacted
from app.audit.scope import PeriodScope, Scope, period
from app.audit.stamping import Stamping
from app.audit.tiles import StoredTiles
from app.kernel.errors import ConflictError
from app.kernel.event import moment
from app.kernel.ledger import LedgerCheckpoint, LedgerDisclosure, LedgerEntry, LedgerPosition
from app.kernel.phrases import phrase
from app.kernel.sealed import SealKey
from app.kernel.uow import Reading
from app.requests.models import AccessRequest
from app.rulebook.models import Policy, Ruling
from evidence import tiles
from evidence.bundle import (
    BundleParts,
    BundleSigners,
    BundleSummary,
    PolicyFile,
    Records,
    Table,
    write_bundle,
)
from evidence.cades import sign_detached
from evidence.checkpoint import Checkpoint, sign_checkpoint
from evidence.keys import Signer, verifier_key
from evidence.pdf.render import render_to
from evidence.pdf.seal import ToLast, seal_file
from evidence.record import Disclosure
from evidence.revocation import read_lists

AT_ONCE = 1_000
UNSTAMPED = Stamping()


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be built.

    Attributes:
        id: The bundle's public id.
        created_at: Its time.
        kind: Its kind.
        scope: What it is about.
        controls: Which controls it answers.
        custody: Who asked for it, and which bundle it replaces.
        is_redacted: With ids only, and no commitment opened.
        is_lasting: The report's signature is to last (PAdES B-LTA).
    """

    id: str
    created_at: datetime
    kind: BundleKind
    scope: Scope
    controls: Sequence[str]
    custody: Custody
    is_redacted: bool = False
    is_lasting: bool = False


@dataclass(frozen=True, slots=True)
class Built:
    """What was built.

    Attributes:
        summary: Size, digest and counts.
        tree_size: The log's size it is held against.
        closing: Memberships at the end of a period; None in other kinds.
    """

    summary: BundleSummary
    tree_size: int
    closing: int | None


def build(
    reading: Reading,
    seal: SealKey,
    order: Order,
    out: Path,
    stamping: Stamping = UNSTAMPED,
    held: signing.HeldKey | None = None,
) -> Built:
    """Write a bundle.

    Args:
        reading: One consistent look at the store, at a moment when all it is about is sealed.
        seal: Opens the signing keys.
        order: What is to be built.
        out: The file to make.
        stamping: Who stamps the signatures, if anybody.
        held: The key of documents, if it is held elsewhere.

    Raises:
        ConflictError: The ledger was never sealed, or something is missing that would make a
            signature last.
        EvidenceError: Something cannot be put into the format.
    """
    signer = signing.log_signer(reading, seal)
    documents = signing.document_key(reading, seal, held)
    head = _head(reading.session, signer)
    files = gathering.data_files(order.scope)
    if order.is_lasting and held is None and not documents.revocations:
        raise ConflictError(
            phrase(
                "The key of documents was made when keys had no revocation list yet: run `attestry "
                "key rotate --purpose document`, then ask again."
            )
        )
    level, to_last = stamping.level(documents.revocations, is_lasting=order.is_lasting)
    custody = replace(order.custody, time_stamp=stamping.told, level=level)
    told = circumstances(reading, order.scope, custody)
    consistency = _consistency(reading.session, head, signer)
    seen = Evaluation(
        Told(order.kind.value, told, order.scope.start, order.scope.end, order.created_at)
    )
    subject = reports.Subject(
        order.id, order.controls, head, verifier_key(signer), _subject(documents.signer)
    )

    def lines() -> Sequence[Line]:
        return checklist(seen, has_earlier=consistency is not None)

    def assess(records: Records) -> bytes:
        return assessment_results(order.id, seen, order.controls, lines(), records.counts)

    def draw(records: Records, out: BinaryIO) -> None:
        render_to(reports.report(subject, seen, lines(), records.counts, records.rows), out)

    session, proofs = reading.session, proofs_of(reading, order.id, head, signer)
    parts = BundleParts(
        id=order.id,
        created_at=moment(order.created_at),
        kind=order.kind.value,
        period=period(order.scope),
        scope=told,
        controls=order.controls,
        supersedes=order.custody.supersedes,
        tables={
            name: Table(tuple(file.columns), _seen(order, name, file, reading.session, seen))
            for name, file in files.items()
        },
        entries=_entries(reading.session, order.scope, head.size),
        disclosures=None if order.is_redacted else _disclosures(session, order.scope, head.size),
        policies=_policies(session, order.scope, is_redacted=order.is_redacted),
        checkpoint=proofs.note,
        proof=proofs.prove,
        render=draw,
        assess=assess,
        trust={"ca.pem": documents.anchor, "signer.pem": documents.signer}
        | ({"tsa.pem": stamping.anchor} if stamping.stamp else {})
        | _lists(documents.revocations, to_last),
        consistency=consistency,
        samples=proofs.samples,
        witnesses=proofs.witnesses,
    )

    def sealed(path: Path) -> None:
        session.rollback()  # all is read: an authority is not asked inside a transaction
        seal_file(path, documents.credential, stamping.stamp, to_last)

    signers = BundleSigners(
        note=signer,
        seal=sealed,
        cms=lambda content: sign_detached(
            content, documents.credential, order.created_at, stamping.stamp
        ),
    )
    summary = write_bundle(out, parts, signers)
    closing = seen.numbers["closing"] if order.kind is BundleKind.PERIOD else None
    return Built(summary, head.size, closing)


def _subject(certificate: bytes) -> str:
    """Say whose certificate it is, as it says itself."""
    return load_pem_x509_certificate(certificate).subject.rfc4514_string()


def _lists(own: bytes, to_last: ToLast | None) -> dict[str, bytes]:
    """The revocation lists that travel in a bundle: those of a lasting one, else our own."""
    found = to_last.lists if to_last else read_lists(own)
    return {f"revocations-{number}.crl": each for number, each in enumerate(found, 1)}


def _head(session: Session, signer: Signer) -> Checkpoint:
    row = session.execute(
        sa.select(LedgerCheckpoint.size, LedgerCheckpoint.root)
        .order_by(LedgerCheckpoint.size.desc())
        .limit(1)
    ).one_or_none()
    if row is None:
        raise ConflictError(
            phrase("The ledger has no signed head yet: run `attestry ledger checkpoint`.")
        )
    return Checkpoint(signer.name, row.size, row.root)


def _seen(
    order: Order, name: str, file: gathering.DataFile, session: Session, seen: Evaluation
) -> Iterator[Mapping[str, Any]]:
    """The rows of a file, counted as they pass; what is left out of them is not counted either."""
    rows = file.rows(session)
    for row in redacted(name, rows) if order.is_redacted else rows:
        seen.take(name, row)
        yield row


def _entries(session: Session, scope: Scope, size: int) -> Iterator[tuple[int, bytes]]:
    found = session.execute(
        sa.select(LedgerPosition.idx, LedgerEntry.body)
        .join(LedgerEntry, LedgerEntry.id == LedgerPosition.entry_id)
        .where(LedgerPosition.idx < size, scope.entries())
        .order_by(LedgerPosition.idx)
        .execution_options(yield_per=AT_ONCE)
    )
    for row in found:
        yield row.idx, row.body


def _disclosures(session: Session, scope: Scope, size: int) -> Iterator[Disclosure]:
    found = session.execute(
        sa.select(
            LedgerEntry.public_id,
            LedgerDisclosure.field,
            LedgerDisclosure.salt,
            LedgerDisclosure.value,
        )
        .join(LedgerEntry, LedgerEntry.id == LedgerDisclosure.entry_id)
        .join(LedgerPosition, LedgerPosition.entry_id == LedgerEntry.id)
        .where(LedgerPosition.idx < size, scope.entries())
        .order_by(LedgerPosition.idx, LedgerDisclosure.field)
        .execution_options(yield_per=AT_ONCE)
    )
    for entry, field, salt, value in found:
        yield Disclosure(entry, field, salt, value)


def _policies(session: Session, scope: Scope, *, is_redacted: bool) -> list[PolicyFile]:
    """The texts in force at any moment of the scope or judged by, and the facts of its verdicts.

    Facts name people: a redacted bundle is without them.
    """
    rulings = sa.select(AccessRequest.ruling_id).where(scope.requests())
    belongs: sa.ColumnElement[bool] = Ruling.id.in_(rulings)
    if isinstance(scope, PeriodScope):
        belongs = sa.or_(belongs, scope.holds(Ruling.judged_at))
    in_force = sa.and_(
        Policy.in_force_from < scope.end,
        sa.or_(Policy.in_force_to.is_(None), Policy.in_force_to >= scope.start),
    )
    judged_by = Policy.id.in_(sa.select(Ruling.policy_id).where(belongs))
    texts = session.scalars(sa.select(Policy.text).where(sa.or_(in_force, judged_by)))
    files = [PolicyFile(text.encode()) for text in texts]
    if is_redacted:
        return files
    facts = session.scalars(sa.select(Ruling.facts).where(belongs).order_by(Ruling.id))
    return files + [PolicyFile(each.encode(), "application/json") for each in facts]


def _consistency(session: Session, head: Checkpoint, signer: Signer) -> bytes | None:
    """Prove that the log grew out of the one that the bundle before was held against.

    The earlier head is signed anew: the same bytes as long as the key is the same, and after a
    change of keys one that today's key vouches for.
    """
    old = session.scalar(
        sa.select(sa.func.max(Bundle.tree_size)).where(
            Bundle.state == BundleState.READY, Bundle.tree_size <= head.size
        )
    )
    if not old:
        return None
    stored = StoredTiles(session)
    path = tiles.consistency(stored, old, head.size)
    earlier = Checkpoint(head.origin, old, tiles.root(stored, old))
    lines = [f"old {old}", *(base64.b64encode(each).decode("ascii") for each in path)]
    return "\n".join(lines).encode("ascii") + b"\n\n" + sign_checkpoint(earlier, signer)
