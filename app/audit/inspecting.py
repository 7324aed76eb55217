"""Checking a file somebody brings, as the command line does, with the keys of this instance.

The file is held in memory for as long as this lasts and kept nowhere. What a bundle holds is stored
as it is, never deflated, so nothing in it unfolds to more than the file's own size. Keys are
public: everybody who is signed in may check.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from threading import BoundedSemaphore

from app.audit import signing
from app.kernel.errors import InvalidInputError, TooManyRequestsError
from app.kernel.phrases import phrase
from app.kernel.uow import Reading
from evidence.errors import VerificationError
from evidence.keys import VerifierKey, parse_vkey
from evidence.verify import Report, verify_bytes

MOST_AT_ONCE = 2
PATIENCE_SECONDS = 20
MOST_KEYS = 50
_turns = BoundedSemaphore(MOST_AT_ONCE)


class Trust(StrEnum):
    """By whose word the signer is known."""

    OURS = "ours"
    GIVEN = "given"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class Inspection:
    """What became of a file that was brought.

    Attributes:
        report: Of the verifier.
        trust: By whose word the signer is known.
        size: The file's, in bytes.
    """

    report: Report
    trust: Trust
    size: int


def inspect(reading: Reading, content: bytes, given: str = "") -> Inspection:
    """Check a file.

    Args:
        reading: The reading.
        content: All of its bytes.
        given: Keys the reader has from elsewhere, one a line; none: those of this instance, and if
            it is another's, its own, which proves only that it is whole.

    Raises:
        InvalidInputError: It is no bundle at all, or what was given is no key.
        TooManyRequestsError: Others' files are being checked.
    """
    if not content:
        raise InvalidInputError({"file": phrase("The file is empty.")})
    keys, anchors = _given(given), list[bytes]()
    trust = Trust.GIVEN if keys else Trust.OURS
    ours = signing.verifier_keys(reading)
    if not keys:
        keys = list(ours)
    if set(keys) & set(ours):
        anchors = list(signing.anchors(reading))
    with turn():
        report = _checked(content, keys, anchors)
        is_foreign = bool(report.vkey) and report.vkey not in {each.vkey for each in ours}
        if trust is Trust.OURS and is_foreign:
            trust, report = Trust.NOBODY, _checked(content, (), ())
    return Inspection(report, trust, len(content))


@contextmanager
def turn() -> Iterator[None]:
    """Wait for a turn: checking is work, and pages have to be answered meanwhile.

    Raises:
        TooManyRequestsError: Others' files are being checked.
    """
    if not _turns.acquire(timeout=PATIENCE_SECONDS):
        raise TooManyRequestsError(
            phrase("Other files are being checked. Try again in a moment."), 10
        )
    try:
        yield
    finally:
        _turns.release()


def _checked(content: bytes, keys: Sequence[VerifierKey], anchors: Sequence[bytes]) -> Report:
    try:
        with memoryview(content) as view:
            return verify_bytes(view, keys, anchors)
    except VerificationError:
        words = phrase("This is not a bundle: a bundle is a ZIP file.")
        raise InvalidInputError({"file": words}) from None


def _given(text: str) -> list[VerifierKey]:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if len(lines) > MOST_KEYS:
        raise InvalidInputError(
            {"key": phrase("Give %(most)s keys at most, one a line.", most=MOST_KEYS)}
        )
    try:
        return [parse_vkey(line) for line in lines]
    except VerificationError:
        message = "Not a key: paste the line that the signer's `attestry ledger key` prints."
        raise InvalidInputError({"key": message}) from None
