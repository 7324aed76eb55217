"""The container's CAdES signature: made here, checked here and by others, refused when touched."""

import asyncio
import hashlib
import os
import shutil
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from asn1crypto import cms as asn1  # type: ignore[import-untyped]
from asn1crypto import core, tsp
from hypothesis import given, settings
from hypothesis import strategies as st

from evidence.cades import sign_detached
from evidence.certificates import (
    KeyedCertificate,
    SigningCredential,
    create_authority,
    issue_signer,
    load_credential,
)
from evidence.cms import SignatureStatus, verify_detached, verify_pdf
from evidence.der import check_der, value_end
from evidence.errors import VerificationError

NOW = datetime(2026, 3, 1, 9, 30, 15, tzinfo=UTC)
CONTENT = b"<the list of files>"


def _authority() -> KeyedCertificate:
    return create_authority(
        "Authority", "Example", now=NOW, valid_for=timedelta(days=3650), random=os.urandom
    )


def _credential(root: KeyedCertificate) -> SigningCredential:
    signer = issue_signer(
        root, "Signer", "Example", now=NOW, valid_for=timedelta(days=365), random=os.urandom
    )
    return load_credential(signer, [root.certificate])


ROOT = _authority()
CREDENTIAL = _credential(ROOT)
SIGNATURE = sign_detached(CONTENT, CREDENTIAL, NOW)


def checked(p7s: bytes, content: bytes = CONTENT) -> SignatureStatus:
    return verify_detached(content, p7s, [ROOT.certificate], NOW)


def test_a_signature_made_here_holds_and_names_its_signer() -> None:
    status = checked(SIGNATURE)
    assert status.ok, status.detail
    assert status.signer == "CN=Signer,O=Example"
    assert "the signer's own word" in status.detail


def test_openssl_says_the_same(tmp_path: Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    for name, data in (("c", CONTENT), ("s", SIGNATURE), ("ca", ROOT.certificate)):
        (tmp_path / name).write_bytes(data)
    command = ["openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", "s"]
    rest = ["-content", "c", "-CAfile", "ca", "-purpose", "any", "-cades"]
    at = ["-attime", str(int(NOW.timestamp()) + 60)]
    good = subprocess.run(
        [*command, *rest, *at], cwd=tmp_path, check=False, capture_output=True, timeout=30
    )
    assert good.returncode == 0, good.stderr
    (tmp_path / "c").write_bytes(CONTENT + b" ")
    bad = subprocess.run(
        [*command, *rest, *at], cwd=tmp_path, check=False, capture_output=True, timeout=30
    )
    assert bad.returncode != 0


def test_pyhanko_says_the_same() -> None:
    from pyhanko.keys import load_certs_from_pemder_data
    from pyhanko.sign.validation import async_validate_detached_cms
    from pyhanko_certvalidator import ValidationContext

    signed = asn1.ContentInfo.load(SIGNATURE)["content"]
    anchors = list(load_certs_from_pemder_data(ROOT.certificate))
    context = ValidationContext(trust_roots=anchors, moment=NOW, best_signature_time=NOW)
    status = asyncio.run(
        async_validate_detached_cms(CONTENT, signed, signer_validation_context=context)
    )
    assert status.bottom_line


def test_every_changed_byte_of_the_signature_is_refused() -> None:
    accepted = []
    for at in range(len(SIGNATURE)):
        changed = bytearray(SIGNATURE)
        changed[at] ^= 1 << (at % 8)
        if checked(bytes(changed)).ok:
            accepted.append(at)
    assert accepted == []


@pytest.mark.parametrize("content", [b"", CONTENT + b"\n", CONTENT[:-1], CONTENT.upper()])
def test_other_content_is_refused(content: bytes) -> None:
    status = checked(SIGNATURE, content)
    assert (status.ok, status.signer) == (False, "")
    assert "digest" in status.detail


def test_another_anchor_is_refused() -> None:
    status = verify_detached(CONTENT, SIGNATURE, [_authority().certificate], NOW)
    assert not status.ok
    assert "no trusted anchor" in status.detail


def test_no_anchor_or_a_broken_one_is_refused() -> None:
    assert not verify_detached(CONTENT, SIGNATURE, [], NOW).ok
    assert "anchors" in verify_detached(CONTENT, SIGNATURE, [b"x"], NOW).detail


def test_a_time_after_the_certificate_ended_is_refused() -> None:
    late = NOW + timedelta(days=366)
    assert "is valid from" in verify_detached(CONTENT, SIGNATURE, [ROOT.certificate], late).detail


def test_a_time_without_zone_is_refused_by_name() -> None:
    status = verify_detached(CONTENT, SIGNATURE, [ROOT.certificate], NOW.replace(tzinfo=None))
    assert "at: give a time with its zone" in status.detail


@pytest.mark.parametrize("year", [2049, 2050])
def test_the_time_claimed_is_right_on_both_sides_of_2050(year: int) -> None:
    at = NOW.replace(year=year)
    p7s = sign_detached(CONTENT, CREDENTIAL, at)
    info = asn1.ContentInfo.load(p7s)["content"]["signer_infos"][0]
    values = {each["type"].native: each["values"][0].native for each in info["signed_attrs"]}
    assert values["signing_time"] == at
    assert checked(p7s).ok


@pytest.mark.parametrize("cut", [0, 1, 2, 40, -1])
def test_a_signature_cut_short_is_refused(cut: int) -> None:
    assert not checked(SIGNATURE[:cut]).ok


def test_bytes_after_the_signature_are_refused() -> None:
    assert "follow the end" in checked(SIGNATURE + b"\0").detail


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400))
def test_noise_is_refused_and_never_raises(noise: bytes) -> None:
    assert not checked(noise).ok
    assert not verify_pdf(noise, [ROOT.certificate], NOW).ok


def test_deep_nesting_is_refused_and_never_raises() -> None:
    deep = b"\x30\x00"
    while len(deep) < 60_000:
        length = len(deep).to_bytes(3, "big").lstrip(b"\0")
        short = len(deep) < 128
        head = bytes([len(deep)]) if short else bytes([0x80 | len(length)]) + length
        deep = b"\x30" + head + deep
    assert "nested too deep" in checked(deep).detail


def test_a_signature_of_a_megabyte_is_refused_unread() -> None:
    assert "too large" in checked(b"\x30" * (1 << 20) + b"\0").detail


def _changed(change: Any) -> bytes:
    outer = asn1.ContentInfo.load(SIGNATURE)
    again = asn1.ContentInfo({"content_type": "signed_data", "content": outer["content"].copy()})
    signed = again["content"]
    change(signed, signed["signer_infos"][0])
    signed["signer_infos"] = [signed["signer_infos"][0].copy()]
    return bytes(again.dump(force=True))


def _resigned(keep: Any) -> bytes:
    """The same signature with other attributes, signed again with the right key."""

    def change(_signed: Any, info: Any) -> None:
        attributes = asn1.CMSAttributes([each.copy() for each in keep(list(info["signed_attrs"]))])
        info["signed_attrs"] = attributes
        info["signature"] = CREDENTIAL.sign(attributes.dump())

    return _changed(change)


def test_rebuilding_the_signature_without_a_change_still_holds() -> None:
    assert checked(_resigned(lambda attributes: attributes)).ok


@pytest.mark.parametrize(
    ("missing", "says"),
    [
        ("content_type", "over data"),
        ("message_digest", "no digest"),
        ("signing_time", "time is not where"),
        ("signing_certificate_v2", "does not bind"),
    ],
)
def test_each_signed_attribute_is_needed(missing: str, says: str) -> None:
    p7s = _resigned(lambda all_: [each for each in all_ if each["type"].native != missing])
    status = checked(p7s)
    assert not status.ok
    assert says in status.detail


def test_an_attribute_that_comes_twice_is_refused() -> None:
    assert "twice" in checked(_resigned(lambda all_: [*all_, all_[0]])).detail


def test_a_certificate_that_is_not_on_the_path_is_refused() -> None:
    from asn1crypto import pem

    other = asn1.Certificate.load(pem.unarmor(_authority().certificate)[2])

    def change(signed: Any, _info: Any) -> None:
        signed["certificates"] = [*(each.chosen for each in signed["certificates"]), other]

    assert "not on its path" in checked(_changed(change)).detail


def test_unsigned_attributes_are_refused() -> None:
    def change(_signed: Any, info: Any) -> None:
        info["unsigned_attrs"] = asn1.CMSAttributes(
            [asn1.CMSAttribute({"type": "content_type", "values": ["data"]})]
        )

    assert "does not sign" in checked(_changed(change)).detail


def test_content_inside_the_signature_is_refused() -> None:
    def change(signed: Any, _info: Any) -> None:
        signed["encap_content_info"] = {"content_type": "data", "content": CONTENT}

    assert "detached" in checked(_changed(change)).detail


def test_a_weak_digest_is_refused() -> None:
    def change(signed: Any, info: Any) -> None:
        info["digest_algorithm"] = {"algorithm": "sha1"}
        signed["digest_algorithms"] = [{"algorithm": "sha1"}]

    assert "not accepted" in checked(_changed(change)).detail


def test_the_algorithm_named_must_be_that_of_the_key() -> None:
    def change(_signed: Any, info: Any) -> None:
        info["signature_algorithm"] = {"algorithm": "sha256_rsa"}

    assert "not accepted" in checked(_changed(change)).detail


def test_parameters_that_the_algorithm_does_not_need_are_refused() -> None:
    def change(_signed: Any, info: Any) -> None:
        info["signature_algorithm"] = {
            "algorithm": "sha256_ecdsa",
            "parameters": core.Any(core.Integer(1)),
        }

    assert "one form" in checked(_changed(change)).detail


def test_a_version_other_than_one_is_refused() -> None:
    def change(signed: Any, _info: Any) -> None:
        signed["version"] = "v3"

    assert "version 1" in checked(_changed(change)).detail


def test_a_second_digest_algorithm_is_refused() -> None:
    def change(signed: Any, _info: Any) -> None:
        signed["digest_algorithms"] = [{"algorithm": "sha256"}, {"algorithm": "sha512"}]

    assert "one form" in checked(_changed(change)).detail


def test_something_else_than_signed_data_is_refused() -> None:
    other = asn1.ContentInfo({"content_type": "data", "content": b"x"}).dump()
    assert "not a CMS signature" in checked(bytes(other)).detail


def test_a_signer_named_by_key_instead_of_issuer_and_serial_is_refused() -> None:
    def change(_signed: Any, info: Any) -> None:
        info["sid"] = asn1.SignerIdentifier({"subject_key_identifier": core.OctetString(b"x")})

    assert "issuer and serial" in checked(_changed(change)).detail


def test_a_signature_without_any_certificate_is_refused() -> None:
    def change(signed: Any, _info: Any) -> None:
        del signed["certificates"]

    assert "does not carry its signer" in checked(_changed(change)).detail


def test_a_certificate_that_comes_twice_is_refused() -> None:
    def change(signed: Any, _info: Any) -> None:
        all_ = [each.chosen for each in signed["certificates"]]
        signed["certificates"] = [*all_, all_[0].copy()]

    assert "set in order" in checked(_changed(change)).detail


def test_a_certificate_that_is_none_is_refused() -> None:
    def change(signed: Any, _info: Any) -> None:
        other = asn1.OtherCertificateFormat(
            {"other_cert_format": "1.2.3", "other_cert": core.Integer(1)}
        )
        all_ = [each.chosen for each in signed["certificates"]]
        choice = asn1.CertificateChoices("other", other)
        signed["certificates"] = [*all_, choice]

    assert "no X.509 certificate" in checked(_changed(change)).detail


def test_a_certificate_numbered_zero_is_refused() -> None:
    def change(signed: Any, _info: Any) -> None:
        copy = signed["certificates"][0].chosen.copy()
        copy["tbs_certificate"]["serial_number"] = 0
        signed["certificates"] = [copy]

    assert "positive number" in checked(_changed(change)).detail


def test_a_signature_without_signed_attributes_is_refused() -> None:
    def change(_signed: Any, info: Any) -> None:
        del info["signed_attrs"]

    assert "no signed attributes" in checked(_changed(change)).detail


def _bound(identifier: Mapping[str, object]) -> bytes:
    """The same signature, bound to its certificate by another value, signed with the right key."""
    value = tsp.SigningCertificateV2({"certs": [tsp.ESSCertIDv2(dict(identifier))]})
    attribute = asn1.CMSAttribute({"type": "signing_certificate_v2", "values": [value]})
    return _resigned(
        lambda all_: [
            attribute if each["type"].native == "signing_certificate_v2" else each for each in all_
        ]
    )


def test_a_signature_bound_to_another_certificate_is_refused() -> None:
    assert "another certificate" in checked(_bound({"cert_hash": bytes(32)})).detail
    weak = {"hash_algorithm": {"algorithm": "sha1"}, "cert_hash": bytes(20)}
    assert "hash not accepted" in checked(_bound(weak)).detail


def _with_more(p7s: bytes, at: int) -> bytes:
    """Append a NULL inside the value that begins at an offset, and mend all lengths around it."""
    end = at + value_end(p7s[at:])
    longer = p7s[:end] + b"\x05\x00" + p7s[end:]
    mended = bytearray(longer)
    for start, stop in _enclosing(p7s, at):
        content = stop - start + 2
        form = p7s[start + 1]
        if form < 0x80:
            mended[start + 1] = form + 2
        else:
            octets = form - 0x80
            length = content - 2 - octets
            mended[start + 2 : start + 2 + octets] = length.to_bytes(octets, "big")
    return bytes(mended)


def _enclosing(p7s: bytes, at: int) -> list[tuple[int, int]]:
    found, start = [], 0
    while True:
        stop = start + value_end(p7s[start:])
        found.append((start, stop))
        if start == at:
            return found
        octets = p7s[start + 1] - 0x80 if p7s[start + 1] > 0x80 else 0
        start += 2 + octets
        while not start <= at < start + value_end(p7s[start:]):
            start += value_end(p7s[start:])


def test_nothing_can_be_hidden_after_the_last_field_of_any_part() -> None:
    """asn1crypto passes over such additions, and only some parts are under the signature."""
    accepted, tried = [], 0
    for at in range(len(SIGNATURE)):
        if SIGNATURE[at] not in (0x30, 0x31, 0xA0):
            continue
        try:
            changed = _with_more(SIGNATURE, at)
            check_der(changed)
        except (VerificationError, IndexError, OverflowError, ValueError):
            continue  # this byte does not begin a part, or the part cannot grow in DER
        tried += 1
        if checked(changed).ok:
            accepted.append(at)
    assert tried > 10
    assert accepted == []


def test_two_signers_are_refused() -> None:
    outer = asn1.ContentInfo.load(SIGNATURE)
    signed = outer["content"].copy()
    info = signed["signer_infos"][0]
    signed["signer_infos"] = [info, info.copy()]
    p7s = asn1.ContentInfo({"content_type": "signed_data", "content": signed}).dump(force=True)
    assert "exactly one signer" in checked(bytes(p7s)).detail


def test_a_signature_without_its_certificate_is_refused() -> None:
    def change(signed: Any, _info: Any) -> None:
        signed["certificates"] = [
            each.chosen
            for each in signed["certificates"]
            if each.chosen.subject.native["common_name"] != "Signer"
        ]

    assert "does not carry its signer" in checked(_changed(change)).detail


@pytest.mark.parametrize(
    "value",
    [
        "3080",  # indefinite length
        "300000",  # bytes after the end
        "30810100",  # a long length for a short value
        "3082000100",  # a length with a leading zero
        "0101 01",  # a truth that is neither 00 nor ff
        "0202 0001",  # a padded number
        "0202 ff80",  # a padded negative number
        "0200",  # a number without bytes
        "0501 00",  # a null with something in it
        "0602 8001",  # a padded object identifier
        "0601 80",  # an object identifier without end
        "3106 020102 020101",  # a set out of order
        "2400",  # a string in pieces
        "1000",  # a sequence that is none
        "3002 0000",  # an end mark of BER
        "1f8101 00",  # a tag of many bytes
        "3003 0201",  # a value that leaves its parent
    ],
)
def test_what_is_not_der_is_refused(value: str) -> None:
    with pytest.raises(VerificationError):
        check_der(bytes.fromhex(value))


@pytest.mark.parametrize(
    "value", ["3000", "0101ff", "02020080", "0500", "06032a0305", "3106020101020102", "a003020101"]
)
def test_der_is_accepted(value: str) -> None:
    check_der(bytes.fromhex(value))


def test_the_digest_signed_is_the_contents_own() -> None:
    info = asn1.ContentInfo.load(SIGNATURE)["content"]["signer_infos"][0]
    values = {each["type"].native: each["values"][0].native for each in info["signed_attrs"]}
    assert values["message_digest"] == hashlib.sha256(CONTENT).digest()
    assert values["signing_time"] == NOW
