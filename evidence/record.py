"""The ledger entry: canonical bytes, commitments to personal fields, leaf hash.

An entry tells nothing personal in clear. For each personal field it holds a salted commitment,
which a disclosure opens; destroying salt and value erases the fact and breaks no proof. The bytes
are made once, hashed and kept; whoever verifies hashes those bytes and never makes them anew.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from dataclasses import field as declared
from functools import lru_cache
from typing import Any, Final, NamedTuple

from evidence.canonical import canonical, is_flat, parse_canonical, rewrite
from evidence.errors import EvidenceError, VerificationError
from evidence.said import said

VERSION: Final = 1
SALT_BYTES: Final = 16
KEYS: Final = frozenset({"v", "id", "at", "kind", "actor", "subject", "data", "commitments"})
TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3}|\.\d{6})?Z")
ONLY_TEXT: Final = frozenset({str})
TEXTS: Final = ("id", "at", "kind", "actor", "subject")
FIELD: Final = re.compile(r"[A-Za-z0-9_.-]{1,100}")


@dataclass(frozen=True, slots=True)
class Record:
    """What an entry tells.

    Attributes:
        id: Its public id (a UUID as text).
        at: RFC 3339 in UTC with `Z`, milli- or microseconds.
        kind: The event's name, as `request.approved`.
        actor: Opaque id of who did it.
        subject: Opaque id of what it is about.
        data: Nothing personal: ids, states, counts, digests, times.
        commitments: Field to base64 of its commitment; `seal_record` fills it.
    """

    id: str
    at: str
    kind: str
    actor: str
    subject: str
    data: Mapping[str, Any]
    commitments: Mapping[str, str] = declared(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Disclosure:
    """The clear value behind one commitment.

    Attributes:
        entry: The entry's id.
        field: The field's name.
        salt: 16 random bytes.
        value: The clear value; kept out of the repr.
    """

    entry: str
    field: str
    salt: bytes = declared(repr=False)
    value: str = declared(repr=False)


class SealedRecord(NamedTuple):
    """The exact bytes of an entry, its leaf hash and what opens its commitments."""

    body: bytes
    leaf_hash: bytes
    disclosures: tuple[Disclosure, ...]


def seal_record(
    record: Record, *, personal: Mapping[str, str], salt: Callable[[], bytes]
) -> SealedRecord:
    """Make an entry's bytes.

    Args:
        record: What it tells; its `commitments` must be empty.
        personal: Field to clear value; each is committed to under a salt of its own.
        salt: Gives 16 fresh random bytes at each call.

    Returns:
        The bytes, the RFC 6962 leaf hash of them, and the disclosures, sorted by field.

    Raises:
        EvidenceError: A field name, a salt or the data has no place in an entry.
    """
    if record.commitments:
        raise EvidenceError("commitments: they are made here, from `personal`; leave them empty")
    disclosures = tuple(
        Disclosure(record.id, name, salt(), value) for name, value in sorted(personal.items())
    )
    commitments = {
        each.field: base64.b64encode(commitment(each.field, each.salt, each.value)).decode("ascii")
        for each in disclosures
    }
    content = _content(record, commitments)
    texts = (record.id, record.kind, record.actor, record.subject)
    # The names of commitments were looked at, and their values are ASCII.
    write = rewrite if _is_plain(texts, record.data) else canonical
    return _sealed(write(content), disclosures)


def seal_plain(
    entry: str, at: str, kind: str, actor: str, subject: str, data: Mapping[str, Any]
) -> SealedRecord | None:
    """Make the bytes of an entry that tells nothing personal and holds only flat data.

    The same bytes as `seal_record` makes, at less than half of the work: much is told by the ten
    thousand.

    Args:
        entry: Its public id.
        at: As in `Record`, like all that follows.
        kind: The event's name.
        actor: Who did it.
        subject: What it is about.
        data: Nothing personal.

    Returns:
        None if something in it needs the closer look of `seal_record`.

    Raises:
        EvidenceError: The moment is not of the one form.
    """
    if not _is_time(at):
        raise _no_time(at)
    if not _is_plain((entry, kind, actor, subject), data):
        return None
    return _sealed(
        rewrite(
            {
                "actor": actor,
                "at": at,
                "commitments": {},
                "data": dict(data),
                "id": entry,
                "kind": kind,
                "subject": subject,
                "v": VERSION,
            }
        ),
        (),
    )


def _is_plain(texts: tuple[str, ...], data: Mapping[str, Any]) -> bool:
    """Say whether nothing in an entry needs a closer look before it is written."""
    return set(map(type, texts)) == ONLY_TEXT and "".join(texts).isascii() and is_flat(data)


def _sealed(body: bytes, disclosures: tuple[Disclosure, ...]) -> SealedRecord:
    return SealedRecord(body, hashlib.sha256(b"\0" + body).digest(), disclosures)


def commitment(name: str, salt: bytes, value: str) -> bytes:
    """Commit to one field: SHA-256 of `0x02 | field | 0x00 | salt | value`.

    Args:
        name: The field: letters, digits and `_ . -`.
        salt: 16 bytes.
        value: The clear value.

    Returns:
        32 bytes.

    Raises:
        EvidenceError: The name, the salt's length or the value cannot be committed to.
    """
    if not FIELD.fullmatch(name):
        raise EvidenceError(f"personal: {name!r} is no field name; use letters, digits and _ . -")
    if len(salt) != SALT_BYTES:
        raise EvidenceError(f"salt: {SALT_BYTES} bytes are needed for {name}, not {len(salt)}")
    try:
        clear = value.encode("utf-8")
    except UnicodeEncodeError as error:
        raise EvidenceError(f"personal: {name} is not text that UTF-8 can hold") from error
    return hashlib.sha256(b"\2" + name.encode("ascii") + b"\0" + salt + clear).digest()


def parse_record(body: bytes) -> Record:
    """Read an entry, strictly.

    Args:
        body: Its exact bytes.

    Returns:
        What it tells.

    Raises:
        VerificationError: It is not canonical, or not of the form of an entry.
    """
    value = parse_canonical(body)
    if not isinstance(value, dict) or value.keys() != KEYS or value["v"] is not VERSION:
        raise VerificationError("not a ledger entry of version 1")
    texts = [value[key] for key in TEXTS]
    if not all(isinstance(each, str) for each in texts) or not TIME.fullmatch(value["at"]):
        raise VerificationError("a ledger entry's id, at, kind, actor or subject is malformed")
    sums = value["commitments"]
    if not isinstance(value["data"], dict) or not isinstance(sums, dict):
        raise VerificationError("a ledger entry's data or commitments is no object")
    for name, each in sums.items():
        if not FIELD.fullmatch(name) or len(read_base64(each)) != hashlib.sha256().digest_size:
            raise VerificationError("a ledger entry's commitment is malformed")
    identifier, at, kind, actor, subject = texts
    return Record(identifier, at, kind, actor, subject, value["data"], sums)


def check_disclosure(record: Record, disclosure: Disclosure) -> None:
    """Check that a disclosure opens a commitment of an entry.

    Args:
        record: The entry.
        disclosure: What is said to be behind one of its commitments.

    Raises:
        VerificationError: Another entry, no such commitment, or another value or salt.
    """
    held = record.commitments.get(disclosure.field)
    if disclosure.entry != record.id or held is None:
        raise VerificationError(
            said(
                "entry %(entry)s holds no commitment to %(field)s",
                entry=disclosure.entry,
                field=f"{disclosure.field!r}",
            )
        )
    try:
        opened = commitment(disclosure.field, disclosure.salt, disclosure.value)
    except EvidenceError as error:
        raise VerificationError(str(error)) from error
    if not hmac.compare_digest(opened, read_base64(held)):
        raise VerificationError(
            said(
                "the value disclosed for %(field)s of entry %(id)s is not the one committed to",
                field=f"{disclosure.field!r}",
                id=record.id,
            )
        )


def read_base64(text: object) -> bytes:
    """Read base64 in its one form (RFC 4648, section 4, padded).

    Args:
        text: What should be such a string.

    Returns:
        The bytes.

    Raises:
        VerificationError: It is not.
    """
    if isinstance(text, str) and text.isascii():
        try:
            found = base64.b64decode(text, validate=True)
        except binascii.Error:
            found = b""
        if base64.b64encode(found).decode("ascii") == text:
            return found
    raise VerificationError("not base64 in its one form")


@lru_cache(maxsize=8)  # many entries in a row are of one moment
def _is_time(text: str) -> bool:
    return TIME.fullmatch(text) is not None


def _no_time(at: str) -> EvidenceError:
    return EvidenceError(f"at: {at!r} is not RFC 3339 in UTC with milli- or microseconds")


def _content(record: Record, commitments: Mapping[str, str]) -> dict[str, Any]:
    if not _is_time(record.at):
        raise _no_time(record.at)
    return {
        "v": VERSION,
        "id": record.id,
        "at": record.at,
        "kind": record.kind,
        "actor": record.actor,
        "subject": record.subject,
        "data": dict(record.data),
        "commitments": dict(commitments),
    }
