"""Witnesses: people outside who cosign the log's head, so that its history cannot be rewritten.

Each is asked for every new head (c2sp.org/tlog-witness); what it answers is held against its key
and kept beside the head. Asking is network, and so is never done inside a transaction. A witness
that is away delays nothing: it is asked again with the next head, or ten minutes later.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import requests
import sqlalchemy as sa

from app import events
from app.audit import signing
from app.audit.models import Cosignature, Witness
from app.audit.tiles import StoredTiles
from app.kernel.actor import Permission
from app.kernel.errors import ConflictError, InvalidInputError, NotFoundError
from app.kernel.jobs import Job, Queue
from app.kernel.ledger import LedgerCheckpoint
from app.kernel.settings import is_safe_address
from app.kernel.uow import Reading, Transactions, UnitOfWork
from evidence.checkpoint import Checkpoint, cosigners, open_checkpoint
from evidence.errors import VerificationError
from evidence.keys import COSIGNATURE, VerifierKey, parse_vkey
from evidence.tiles import consistency
from evidence.witness import request_body

ASK = "ask_witnesses"
PATIENCE_SECONDS = 5
AGAIN_SECONDS = 600
LARGEST_ANSWER = 1 << 16
OK, CONFLICT = 200, 409

Post = Callable[[str, bytes], tuple[int, bytes]]
log = logging.getLogger(__name__)


class WitnessAwayError(Exception):
    """A witness did not answer, or not as one does."""


@dataclass(frozen=True, slots=True)
class WitnessRow:
    """A witness, and the last head it cosigned."""

    id: str
    name: str
    vkey: str
    url: str
    added_at: datetime
    size: int | None


@dataclass(frozen=True, slots=True)
class Cosigned:
    """What stands below a head: the lines, and whose they are."""

    lines: str
    keys: tuple[VerifierKey, ...]


def add(uow: UnitOfWork, *, vkey: str, url: str) -> WitnessRow:
    """Have a witness asked for each new head from now on.

    Args:
        uow: The unit of work.
        vkey: The witness's key, as `python -m evidence witness --print-key` prints it.
        url: Where it answers; `/add-checkpoint` is put behind it.

    Raises:
        NotPermittedError: The actor may not.
        InvalidInputError: No key of a witness, or an address that is not safe.
        ConflictError: It is asked already.
    """
    uow.actor.require(Permission.WITNESS_MANAGE)
    try:
        key = parse_vkey(vkey.strip(), COSIGNATURE)
    except VerificationError as error:
        raise InvalidInputError({"key": f"{error}."}) from None
    if not is_safe_address(url):
        raise InvalidInputError({"url": "Give an https address, or http on this machine."})
    if any(each.vkey == key.vkey for each in _active(uow)):
        raise ConflictError(f"{key.name} is asked already.")
    witness = Witness(
        public_id=uow.ids.new(),
        name=key.name,
        vkey=key.vkey,
        url=url.rstrip("/"),
        added_at=uow.now,
    )
    uow.session.add(witness)
    uow.record(
        events.WitnessAdded(
            subject=witness.public_id, witness=key.name, key_id=key.key_id.hex(), url=witness.url
        )
    )
    return _row(witness, None)


def remove(uow: UnitOfWork, name: str) -> None:
    """Ask a witness no longer; what it cosigned stays.

    Raises:
        NotPermittedError: The actor may not.
        NotFoundError: There is none of that name.
    """
    uow.actor.require(Permission.WITNESS_MANAGE)
    found = [each for each in _active(uow) if name in (each.name, each.public_id)]
    if not found:
        raise NotFoundError(f"There is no witness {name}.")
    for each in found:
        each.ended_at = uow.now
        key_id = parse_vkey(each.vkey, COSIGNATURE).key_id.hex()
        uow.record(events.WitnessRemoved(subject=each.public_id, witness=each.name, key_id=key_id))


def list_witnesses(reading: Reading) -> list[WitnessRow]:
    """Return those who are asked, with the last head each cosigned.

    Raises:
        NotPermittedError: The actor may not read the ledger.
    """
    reading.actor.require(Permission.LEDGER_READ)
    sizes = _sizes(reading)
    return [_row(each, sizes.get(each.id)) for each in _active(reading)]


def cosigned(reading: Reading, size: int) -> Cosigned:
    """Return what witnesses put below the head of a size."""
    rows = reading.session.execute(
        sa.select(Cosignature.line, Witness.vkey)
        .join(Witness, Witness.id == Cosignature.witness_id)
        .where(Cosignature.size == size)
        .order_by(Witness.id)
    ).all()
    keys = tuple(parse_vkey(row.vkey, COSIGNATURE) for row in rows)
    return Cosigned("".join(row.line for row in rows), keys)


def tick(tx: Transactions) -> None:
    """Ask, in a job, whoever has not cosigned the newest head; called once a minute."""
    with tx.write() as uow:
        head = _newest(uow)
        if head is None or not _missing(uow, head.size):
            return
        attempt = int(uow.now.timestamp()) // AGAIN_SECONDS
        uow.enqueue(Job(Queue.DELIVER, ASK, f"{head.size}:{attempt}"))


def run_ask(tx: Transactions, post: Post, _payload: Mapping[str, str]) -> None:
    """Ask every witness that has not cosigned the newest head; the runner of `ask_witnesses`."""
    with tx.read() as reading:
        head = _newest(reading)
        if head is None:
            return
        keys = signing.verifier_keys(reading)
        waiting, sizes = _missing(reading, head.size), _sizes(reading)
    for witness in waiting:
        try:
            line = _asked(tx, post, witness, sizes.get(witness.id, 0), head)
            _check(line, head, keys, witness.vkey)
        except (WitnessAwayError, VerificationError) as error:
            log.warning(
                "witness did not cosign", extra={"witness": witness.name, "why": str(error)}
            )
            continue
        _keep(tx, witness.id, head.size, line)


def post_by_http(url: str, body: bytes) -> tuple[int, bytes]:
    """Send a request to a witness; no redirects, a limited answer.

    Raises:
        WitnessAwayError: It did not answer in time.
    """
    headers = {"Content-Type": "text/plain; charset=utf-8"}
    try:
        with requests.post(
            f"{url}/add-checkpoint",
            body,
            headers=headers,
            timeout=PATIENCE_SECONDS,
            allow_redirects=False,
            stream=True,
        ) as answer:
            return answer.status_code, answer.raw.read(LARGEST_ANSWER, decode_content=True)
    except (requests.RequestException, OSError) as error:
        raise WitnessAwayError(f"{type(error).__name__}") from error


@dataclass(frozen=True, slots=True)
class _Head:
    size: int
    root: bytes
    note: bytes


def _asked(tx: Transactions, post: Post, witness: Witness, known: int, head: _Head) -> str:
    status, answer = post(witness.url, _request(tx, known, head))
    if status == CONFLICT:
        told = answer.decode("ascii", "replace").strip()
        if not (told.isascii() and told.isdigit() and int(told[:16]) <= head.size):
            raise WitnessAwayError(
                f"it cosigned a head of {told[:16]} entries, which this log has not: is this "
                "database older than that head?"
            )
        status, answer = post(witness.url, _request(tx, int(told), head))
    if status != OK:
        raise WitnessAwayError(f"it answered {status}: {answer[:200].decode('utf-8', 'replace')}")
    return answer.decode("utf-8", "replace")


def _request(tx: Transactions, known: int, head: _Head) -> bytes:
    with tx.read() as reading:
        path = consistency(StoredTiles(reading.session), known, head.size)
    return request_body(known, path, head.note)


def _check(line: str, head: _Head, keys: Sequence[VerifierKey], vkey: str) -> None:
    """One line, of that witness, over this head; all else is refused."""
    witness = parse_vkey(vkey, COSIGNATURE)
    note = head.note + line.encode("utf-8")
    found: Checkpoint = open_checkpoint(note, keys, [witness])
    if found.size != head.size or len(cosigners(note, [*keys, witness])) != 1:
        raise VerificationError("its answer is not one cosignature of this head")


def _keep(tx: Transactions, witness_id: int, size: int, line: str) -> None:
    with tx.write() as uow:
        is_there = uow.session.scalar(
            sa.select(Cosignature.id).where(
                Cosignature.witness_id == witness_id, Cosignature.size == size
            )
        )
        if is_there is None:
            uow.session.add(Cosignature(witness_id=witness_id, size=size, line=line, at=uow.now))


def _active(reading: Reading) -> Sequence[Witness]:
    return reading.session.scalars(
        sa.select(Witness).where(Witness.ended_at.is_(None)).order_by(Witness.id)
    ).all()


def _missing(reading: Reading, size: int) -> list[Witness]:
    sizes = _sizes(reading)
    return [each for each in _active(reading) if sizes.get(each.id) != size]


def _sizes(reading: Reading) -> dict[int, int]:
    """The largest head each witness cosigned."""
    rows = reading.session.execute(
        sa.select(Cosignature.witness_id, sa.func.max(Cosignature.size)).group_by(
            Cosignature.witness_id
        )
    )
    return {witness_id: size for witness_id, size in rows}  # noqa: C416 - rows are not pairs to mypy


def _newest(reading: Reading) -> _Head | None:
    row = reading.session.execute(
        sa.select(LedgerCheckpoint.size, LedgerCheckpoint.root, LedgerCheckpoint.note)
        .order_by(LedgerCheckpoint.size.desc())
        .limit(1)
    ).one_or_none()
    return None if row is None else _Head(row.size, row.root, row.note.encode("utf-8"))


def _row(witness: Witness, size: int | None) -> WitnessRow:
    return WitnessRow(
        witness.public_id, witness.name, witness.vkey, witness.url, witness.added_at, size
    )
