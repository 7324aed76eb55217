"""A witness: cosigns a log's head only if it grew out of the one cosigned before.

Somebody outside runs it (`python -m evidence witness`). An operator who rewrote the history of a
log would need this witness to sign two histories, which it never does: it remembers, on disk and
before it answers, the last head it signed for each log. The protocol is c2sp.org/tlog-witness.
"""

import base64
import fcntl
import json
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Final

from evidence.checkpoint import NUMBER, Checkpoint, cosign, open_note, parse_checkpoint
from evidence.errors import EvidenceError, VerificationError
from evidence.keys import Signer, VerifierKey
from evidence.merkle import verify_consistency
from evidence.record import read_base64

LARGEST_REQUEST: Final = 1 << 16
MOST_HASHES: Final = 63
SIZE_TYPE: Final = "text/x.tlog.size"
TEXT_TYPE: Final = "text/plain; charset=utf-8"
HASH_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Answer:
    """What the witness answers.

    Attributes:
        status: As HTTP says it.
        body: Signature lines, the size known, or one sentence.
        media_type: Of the body.
    """

    status: HTTPStatus
    body: str
    media_type: str = TEXT_TYPE


class WitnessFile:
    """The heads that were cosigned, by log, in a file that is replaced in one step.

    Args:
        path: Where it is; it is made at the first head.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep other processes and threads from looking or writing meanwhile."""
        with self._path.with_name(f"{self._path.name}.lock").open("a", encoding="ascii") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def get(self, origin: str) -> Checkpoint | None:
        """Give the last head cosigned for a log.

        Args:
            origin: Which log.

        Returns:
            The head, or None if there was none.

        Raises:
            EvidenceError: The file is not one of a witness: nothing is signed over it.
        """
        return self._read().get(origin)

    def put(self, head: Checkpoint) -> None:
        """Remember a head, on disk, before anybody is told.

        Args:
            head: The head about to be cosigned.
        """
        heads = self._read() | {head.origin: head}
        told = {
            each.origin: {"size": each.size, "root": base64.b64encode(each.root).decode("ascii")}
            for each in heads.values()
        }
        handle, name = tempfile.mkstemp(prefix=f".{self._path.name}-", dir=self._path.parent)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(told, file, indent=2, sort_keys=True)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(self._path)
        folder = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _read(self) -> dict[str, Checkpoint]:
        try:
            held = json.loads(self._path.read_text(encoding="utf-8"))
            return {
                origin: Checkpoint(origin, int(each["size"]), read_base64(each["root"]))
                for origin, each in held.items()
            }
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, TypeError, KeyError, AttributeError, EvidenceError) as error:
            raise EvidenceError(
                f"{self._path}: not the file of a witness; put the last good copy back. Without it "
                "a log could be cosigned with two histories"
            ) from error


@dataclass(frozen=True, slots=True)
class Witness:
    """Cosigns heads of logs it knows.

    Attributes:
        signer: Its key.
        state: What it signed.
        logs: The keys of the logs it watches, by their names.
        now: Seconds since 1970.
    """

    signer: Signer
    state: WitnessFile
    logs: Sequence[VerifierKey]
    now: Callable[[], int]

    def add_checkpoint(self, body: bytes) -> Answer:
        """Answer `POST add-checkpoint` (c2sp.org/tlog-witness).

        Args:
            body: `old SIZE`, proof lines, an empty line, the signed checkpoint.

        Returns:
            200 and the cosignature; 400 malformed; 403 not signed by the log; 404 a log that is
            not watched; 409 and the size known; 422 it did not grow out of the one known.

        Raises:
            EvidenceError: The file of heads cannot be read.
        """
        try:
            old, path, note = _parse(body)
            origin = note.partition(b"\n")[0].decode("utf-8", "replace")
            keys = [key for key in self.logs if key.name == origin]
        except VerificationError as error:
            return Answer(HTTPStatus.BAD_REQUEST, f"{error}\n")
        if not keys:
            return Answer(HTTPStatus.NOT_FOUND, "this log is not watched here\n")
        try:
            text = open_note(note, keys)
        except VerificationError as error:
            return Answer(HTTPStatus.FORBIDDEN, f"{error}\n")
        try:
            head = parse_checkpoint(text)
        except VerificationError as error:
            return Answer(HTTPStatus.BAD_REQUEST, f"{error}\n")
        return self._grown(head, old, path)

    def _grown(self, head: Checkpoint, old: int, path: Sequence[bytes]) -> Answer:
        if old > head.size:
            return Answer(HTTPStatus.BAD_REQUEST, "the old size is larger than the checkpoint's\n")
        with self.state.held():
            known = self.state.get(head.origin)
            if old != (known.size if known else 0):
                return _conflict(known)
            if known and head.size == known.size and head.root != known.root:
                return _conflict(known)
            try:
                _check_growth(known, head, path)
            except VerificationError as error:
                return Answer(HTTPStatus.UNPROCESSABLE_ENTITY, f"{error}\n")
            if head != known:
                self.state.put(head)
        return Answer(HTTPStatus.OK, cosign(head, self.signer, self.now()))


def request_body(old: int, path: Sequence[bytes], note: bytes) -> bytes:
    """Write what a log sends to a witness (c2sp.org/tlog-witness).

    Args:
        old: The size the witness knows.
        path: The consistency proof from there.
        note: The signed checkpoint.

    Returns:
        The body of `POST add-checkpoint`.
    """
    hashes = "".join(f"{base64.b64encode(each).decode('ascii')}\n" for each in path)
    return f"old {old}\n{hashes}\n".encode("ascii") + note


def _conflict(known: Checkpoint | None) -> Answer:
    return Answer(HTTPStatus.CONFLICT, f"{known.size if known else 0}\n", SIZE_TYPE)


def _check_growth(known: Checkpoint | None, head: Checkpoint, path: Sequence[bytes]) -> None:
    if known is not None:
        verify_consistency(known.size, known.root, head.size, head.root, path)
    elif path:
        raise VerificationError("a first checkpoint needs no proof, and none may come with it")


def _parse(body: bytes) -> tuple[int, tuple[bytes, ...], bytes]:
    proof, mark, note = body.partition(b"\n\n")
    lines = proof.decode("ascii", "replace").split("\n")
    number = lines[0].removeprefix("old ")
    if not mark or not lines[0].startswith("old ") or not NUMBER.fullmatch(number):
        raise VerificationError(
            "`old SIZE`, proof lines, an empty line and a checkpoint are wanted"
        )
    path = tuple(read_base64(line) for line in lines[1:])
    if len(path) > MOST_HASHES or any(len(each) != HASH_BYTES for each in path):
        raise VerificationError("the consistency proof is malformed")
    return int(number), path, note
