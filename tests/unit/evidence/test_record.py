"""Ledger entries: nothing personal in clear, and nothing that two readings could tell apart."""

import base64
import hashlib
from dataclasses import replace

import pytest

from evidence.canonical import canonical
from evidence.errors import CanonicalError, EvidenceError, VerificationError
from evidence.record import (
    Record,
    SealedRecord,
    check_disclosure,
    commitment,
    parse_record,
    seal_plain,
    seal_record,
)

RECORD = Record("e1", "2026-02-01T10:00:00.123Z", "request.approved", "p1", "r1", {"n": 1})
SALT = bytes(range(16))


def seal(**personal: str) -> SealedRecord:
    return seal_record(RECORD, personal=personal, salt=lambda: SALT)


def test_an_entry_reads_back_as_it_was_written() -> None:
    found = parse_record(seal(reason="because").body)
    assert replace(found, commitments={}) == RECORD


def test_the_leaf_hash_is_over_a_zero_byte_and_the_exact_bytes() -> None:
    sealed = seal()
    assert sealed.leaf_hash == hashlib.sha256(b"\0" + sealed.body).digest()


@pytest.mark.parametrize(
    ("data", "is_flat"),
    [
        ({}, True),
        ({"b": 1, "a": "x", "c": None, "d": True, "e": -(2**53), "f": 'quo"te\\ \n\x7f'}, True),
        ({"name": "Zoë"}, False),
        ({"list": [1, {"k": "v"}]}, False),
    ],
    ids=["none", "flat", "beyond ASCII", "deep"],
)
def test_an_entry_is_written_in_the_one_form_whichever_way_it_takes(
    data: dict[str, object], is_flat: bool
) -> None:
    record = replace(RECORD, data=data)
    whole = {"v": 1, "data": data, "commitments": {}}
    whole |= {name: getattr(record, name) for name in ("id", "at", "kind", "actor", "subject")}
    assert seal_record(record, personal={}, salt=lambda: SALT).body == canonical(whole)
    plain = seal_plain(record.id, record.at, record.kind, record.actor, record.subject, data)
    assert (plain is None) is not is_flat
    assert plain is None or plain == seal_record(record, personal={}, salt=lambda: SALT)


@pytest.mark.parametrize("value", [1.5, 2**53 + 1, "\ud800", b"x", {"é": 1}])
def test_what_has_no_one_form_is_in_no_entry(value: object) -> None:
    with pytest.raises(CanonicalError):
        seal_record(replace(RECORD, data={"a": value}), personal={}, salt=lambda: SALT)
    with pytest.raises(CanonicalError):
        seal_record(replace(RECORD, subject=value), personal={}, salt=lambda: SALT)  # type: ignore[arg-type]


def test_the_commitment_is_the_published_formula() -> None:
    expected = hashlib.sha256(b"\x02reason\x00" + SALT + "Zoë".encode()).digest()
    assert commitment("reason", SALT, "Zoë") == expected
    held = parse_record(seal(reason="Zoë").body).commitments["reason"]
    assert held == base64.b64encode(expected).decode()


def test_a_clear_value_is_neither_in_the_bytes_nor_in_a_repr() -> None:
    sealed = seal(reason="a secret reason")
    assert b"secret" not in sealed.body
    assert "secret" not in repr(sealed)


def test_a_disclosure_opens_its_own_commitment_and_no_other() -> None:
    sealed = seal(reason="because", name="Zoë")
    record = parse_record(sealed.body)
    name, reason = sealed.disclosures
    check_disclosure(record, name)
    check_disclosure(record, reason)
    for wrong in (
        replace(name, value="Zoe"),
        replace(name, salt=bytes(16)),
        replace(name, salt=b"short"),
        replace(name, field="reason"),
        replace(name, field="absent"),
        replace(name, entry="e2"),
    ):
        with pytest.raises(VerificationError):
            check_disclosure(record, wrong)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"v":1', b'"v":2'),
        (b'"v":1', b'"v":true'),
        (b".123Z", b".123+00:00"),
        (b'"actor":"p1"', b'"actor":null'),
        (b'{"n":1}', b"[]"),
        (b'"v":1}', b'"v":1,"x":0}'),
    ],
)
def test_an_entry_of_another_form_is_refused(old: bytes, new: bytes) -> None:
    body = seal().body
    assert old in body
    with pytest.raises(VerificationError):
        parse_record(body.replace(old, new))


def test_what_cannot_be_committed_to_is_refused_by_name() -> None:
    with pytest.raises(EvidenceError, match="salt"):
        seal_record(RECORD, personal={"a": "b"}, salt=lambda: b"x")
    with pytest.raises(EvidenceError, match="a b"):
        seal_record(RECORD, personal={"a b": "b"}, salt=lambda: SALT)
    with pytest.raises(EvidenceError, match="at:"):
        seal_record(replace(RECORD, at="yesterday"), personal={}, salt=lambda: SALT)
