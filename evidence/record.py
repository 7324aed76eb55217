"""The ledger entry: canonical bytes, salted commitments to personal fields, and its leaf hash.

An entry is made once. Its bytes are stored and hashed as they are; nobody ever makes them anew to
check them. What is personal is only committed to: SHA-256 over `0x02 ‖ field ‖ 0x00 ‖ salt ‖ value`
with 16 random bytes of salt for each field and entry. Erasing salt and value later leaves every
proof intact.
"""

import base64
import binascii
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from evidence.canonical import canonical, parse_canonical
from evidence.errors import EvidenceError, VerificationError
from evidence.merkle import leaf_hash

VERSION = 1
SALT_BYTES = 16
_KEYS = frozenset({"v", "id", "at", "kind", "actor", "subject", "data", "commitments"})


@dataclass(frozen=True, slots=True)
class Record:
    """What an entry tells.

    Attributes:
        id: The entry's own id, a UUID.
        at: When, RFC 3339 in UTC.
        kind: Dotted name of what happened, past tense.
        actor: Opaque id of who did it.
        subject: Opaque id of what it happened to.
        data: Nothing personal: ids, states, counts, digests, times.
        commitments: Field to the base64 of its commitment.
    """

    id: str
    at: str
    kind: str
    actor: str
    subject: str
    data: Mapping[str, Any] = field(default_factory=dict)
    commitments: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Disclosure:
    """The clear value behind one commitment.

    Attributes:
        entry: The entry's id.
        field: The committed field.
        salt: 16 bytes.
        value: The clear value.
    """

    entry: str
    field: str
    salt: bytes
    value: str


@dataclass(frozen=True, slots=True)
class SealedRecord:
    """An entry as it is stored.

    Attributes:
        body: Its exact bytes.
        leaf_hash: RFC 6962 leaf hash of them.
        disclosures: What opens its commitments.
    """

    body: bytes
    leaf_hash: bytes
    disclosures: tuple[Disclosure, ...]


def commitment(name: str, salt: bytes, value: str) -> str:
    """Return the base64 commitment to one value.

    Args:
        name: The field, ASCII.
        salt: 16 random bytes, of this field and entry alone.
        value: The clear value.

    Raises:
        EvidenceError: The salt has another length.
    """
    if len(salt) != SALT_BYTES:
        raise EvidenceError(f"A salt is {SALT_BYTES} bytes, not {len(salt)}.")
    material = b"\x02" + name.encode("ascii") + b"\x00" + salt + value.encode()
    return base64.b64encode(hashlib.sha256(material).digest()).decode()


def seal_record(
    record: Record, *, personal: Mapping[str, str], salt: Callable[[], bytes]
) -> SealedRecord:
    """Make an entry's exact bytes, commit to what is personal, and hash the bytes.

    Args:
        record: What to tell, without commitments.
        personal: Field to clear value.
        salt: Gives 16 fresh random bytes at each call.

    Raises:
        CanonicalError: `data` holds something that has no canonical form.
    """
    disclosures = tuple(
        Disclosure(record.id, name, salt(), personal[name]) for name in sorted(personal)
    )
    commitments = {
        each.field: commitment(each.field, each.salt, each.value) for each in disclosures
    }
    body = canonical(
        {
            "v": VERSION,
            "id": record.id,
            "at": record.at,
            "kind": record.kind,
            "actor": record.actor,
            "subject": record.subject,
            "data": record.data,
            "commitments": commitments,
        }
    )
    return SealedRecord(body, leaf_hash(body), disclosures)


def parse_record(body: bytes) -> Record:
    """Return what an entry's bytes tell.

    Raises:
        VerificationError: The bytes are not canonical, or not an entry.
    """
    value = parse_canonical(body)
    if not isinstance(value, dict) or value.keys() != _KEYS or value["v"] != VERSION:
        raise VerificationError("not a ledger entry of version 1")
    texts = ("id", "at", "kind", "actor", "subject")
    maps = isinstance(value["data"], dict) and isinstance(value["commitments"], dict)
    if not maps or not all(isinstance(value[name], str) for name in texts):
        raise VerificationError("a ledger entry with a field of the wrong type")
    return Record(**{name: each for name, each in value.items() if name != "v"})


def opens(disclosure: Disclosure, record: Record) -> bool:
    """Say whether a disclosure opens the commitment of an entry.

    Args:
        disclosure: Salt and clear value.
        record: The entry.
    """
    found = record.commitments.get(disclosure.field)
    try:
        made = commitment(disclosure.field, disclosure.salt, disclosure.value)
    except (EvidenceError, UnicodeEncodeError, binascii.Error):
        return False
    return found == made
