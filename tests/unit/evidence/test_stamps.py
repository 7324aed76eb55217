"""Time-stamps by an authority of our own, made and checked by independent tools as well."""

import hashlib
import os
import random
import subprocess
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from asn1crypto import cms, tsp  # type: ignore[import-untyped]
from cryptography.x509.oid import ExtendedKeyUsageOID

from evidence.bundle import BundleSigners, write_bundle
from evidence.cades import sign_detached
from evidence.certificates import create_authority, issue_signer, load_credential
from evidence.chain import read_certificates
from evidence.cms import verify_detached, verify_pdf
from evidence.errors import EvidenceError, VerificationError
from evidence.pdf.byterange import find_gap
from evidence.pdf.render import render
from evidence.pdf.seal import seal, seal_file
from evidence.stamps import ask, check_token
from evidence.verify import verify_bundle
from support.time_authority import TimeAuthority
from unit.evidence.pdf.sample import report
from unit.evidence.sample_bundle import KEY, SIGNER, parts

CONTENT = b"what is signed"
NOW = datetime.now(UTC).replace(microsecond=0)  # noqa: TID251 - the authority has the machine's time
ROOT = create_authority(
    "Root", "Example", now=NOW, valid_for=timedelta(days=3650), random=os.urandom
)
CREDENTIAL = load_credential(
    issue_signer(
        ROOT, "Seal", "Example", now=NOW, valid_for=timedelta(days=365), random=os.urandom
    ),
    [ROOT.certificate],
)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> TimeAuthority:
    return TimeAuthority(tmp_path_factory.mktemp("tsa"))


@pytest.fixture(scope="module")
def stamp(authority: TimeAuthority) -> Callable[[bytes], bytes]:
    return lambda digest: ask(digest, authority.answer, os.urandom)


@pytest.fixture(scope="module")
def stamped(stamp: Callable[[bytes], bytes]) -> bytes:
    return sign_detached(CONTENT, CREDENTIAL, NOW, stamp)


@pytest.fixture(scope="module")
def sealed(stamp: Callable[[bytes], bytes]) -> bytes:
    return seal(render(report()), CREDENTIAL, stamp)


def test_a_stamped_signature_tells_who_stamped_it_and_is_judged_at_that_time(
    stamped: bytes, authority: TimeAuthority
) -> None:
    long_ago = NOW - timedelta(days=1000)
    status = verify_detached(CONTENT, stamped, [ROOT.certificate], long_ago, [authority.anchor])
    assert status.ok, status.detail
    assert "time-stamped by CN=Time Authority" in status.detail
    assert f"judged at {NOW:%Y-%m-%d}" in status.detail


def test_a_certificate_that_ended_before_the_stamp_is_refused(
    stamp: Callable[[bytes], bytes], authority: TimeAuthority
) -> None:
    past = NOW - timedelta(days=500)
    root = create_authority(
        "Root", "Example", now=past, valid_for=timedelta(days=3650), random=os.urandom
    )
    ended = issue_signer(
        root, "Seal", "Example", now=past, valid_for=timedelta(days=30), random=os.urandom
    )
    late = sign_detached(CONTENT, load_credential(ended, [root.certificate]), past, stamp)
    status = verify_detached(CONTENT, late, [root.certificate], past, [authority.anchor])
    assert not status.ok
    assert "is valid from" in status.detail


def test_without_the_authoritys_anchor_the_stamp_is_not_trusted(stamped: bytes) -> None:
    status = verify_detached(CONTENT, stamped, [ROOT.certificate], NOW)
    assert not status.ok
    assert "leads to no trusted anchor" in status.detail


def test_the_stamp_of_another_signature_is_refused(
    authority: TimeAuthority, stamp: Callable[[bytes], bytes]
) -> None:
    other = stamp(hashlib.sha256(b"another").digest())
    moved = sign_detached(CONTENT, CREDENTIAL, NOW, lambda _digest: other)
    status = verify_detached(CONTENT, moved, [ROOT.certificate], NOW, [authority.anchor])
    assert status.detail == "the time-stamp is of another signature"


def test_an_authority_that_may_do_something_else_as_well_does_not_count(tmp_path: Path) -> None:
    with pytest.raises((EvidenceError, subprocess.CalledProcessError)):
        ask(
            bytes(32),
            TimeAuthority(tmp_path / "x", ExtendedKeyUsageOID.CODE_SIGNING).answer,
            os.urandom,
        )


def test_no_byte_of_the_signature_or_what_was_stamped_changes_unnoticed(
    stamped: bytes, authority: TimeAuthority
) -> None:
    pick = random.Random(3161)
    token = stamped.index(b"\x06\x0b*\x86H\x86\xf7\r\x01\t\x10\x02\x0e")
    for at in [*pick.sample(range(token), 60), *range(token, len(stamped))]:
        altered = bytearray(stamped)
        altered[at] ^= 1 << pick.randrange(8)
        status = verify_detached(
            CONTENT, bytes(altered), [ROOT.certificate], NOW, [authority.anchor]
        )
        assert not status.ok, at


def test_noise_for_a_token_is_refused(authority: TimeAuthority) -> None:
    anchors = read_certificates([authority.anchor])
    for noise in (b"", b"\x30\x00", b"x" * 70_000):
        with pytest.raises((VerificationError, ValueError)):
            check_token(noise, CONTENT, anchors)


@pytest.mark.parametrize("answer", [b"", b"nothing", b"\x30\x05\x30\x03\x02\x01\x02"])
def test_an_authority_that_answers_something_else_is_told(answer: bytes) -> None:
    with pytest.raises(EvidenceError, match="time-stamping authority"):
        ask(bytes(32), lambda _query: answer, os.urandom)


def test_an_answer_to_another_question_is_refused(authority: TimeAuthority) -> None:
    before: list[bytes] = []

    def replay(query: bytes) -> bytes:
        before.append(authority.answer(query))
        return before[0]

    ask(bytes(32), replay, os.urandom)
    with pytest.raises(EvidenceError, match="something else"):
        ask(bytes(32), replay, os.urandom)


# --- by other tools ----------------------------------------------------------------------------


def token_of(p7s: bytes) -> bytes:
    info = cms.ContentInfo.load(p7s)["content"]["signer_infos"][0]
    token: bytes = info["unsigned_attrs"][0]["values"][0].dump()
    return token


def test_openssl_ts_accepts_the_token(
    stamped: bytes, authority: TimeAuthority, tmp_path: Path
) -> None:
    signature = cms.ContentInfo.load(stamped)["content"]["signer_infos"][0]["signature"].native
    for name, content in (
        ("token", token_of(stamped)),
        ("data", signature),
        ("root", authority.anchor),
    ):
        (tmp_path / name).write_bytes(content)
    command = ["openssl", "ts", "-verify", "-token_in", "-in", "token", "-data", "data"]
    done = subprocess.run(
        [*command, "-CAfile", "root"], cwd=tmp_path, capture_output=True, check=False
    )
    assert b"Verification: OK" in done.stdout, done.stderr


def test_openssl_cms_still_accepts_the_signature(stamped: bytes, tmp_path: Path) -> None:
    for name, content in (("p7s", stamped), ("c", CONTENT), ("ca", ROOT.certificate)):
        (tmp_path / name).write_bytes(content)
    command = "openssl cms -verify -binary -inform DER -in p7s -content c -CAfile ca -purpose any"
    done = subprocess.run(
        [*command.split(), "-out", "out"], cwd=tmp_path, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_a_stamped_report_holds_and_stays_one_revision(
    sealed: bytes, authority: TimeAuthority
) -> None:
    status = verify_pdf(sealed, [ROOT.certificate], NOW, [authority.anchor])
    assert status.ok, status.detail
    assert "time-stamped by" in status.detail


def test_pyhanko_finds_the_stamp_of_the_report_valid_and_trusted(
    sealed: bytes, authority: TimeAuthority
) -> None:
    import io

    from asn1crypto import pem
    from asn1crypto import x509 as asn1_x509
    from pyhanko.pdf_utils.reader import PdfFileReader
    from pyhanko.sign.validation import validate_pdf_signature
    from pyhanko_certvalidator import ValidationContext

    roots = [
        asn1_x509.Certificate.load(pem.unarmor(each)[2])
        for each in (ROOT.certificate, authority.anchor)
    ]
    context = ValidationContext(trust_roots=roots, allow_fetching=False)
    reader = PdfFileReader(io.BytesIO(sealed))
    status = validate_pdf_signature(
        reader.embedded_signatures[0],
        signer_validation_context=context,
        ts_validation_context=context,
    )
    assert status.timestamp_validity is not None
    assert status.timestamp_validity.valid
    assert status.timestamp_validity.trusted
    assert status.intact


def test_the_digest_stamped_is_that_of_the_signature(sealed: bytes) -> None:
    p7s = find_gap(sealed).contents
    info = cms.ContentInfo.load(p7s, strict=False)["content"]["signer_infos"][0]
    token = info["unsigned_attrs"][0]["values"][0]["content"]["encap_content_info"]["content"]
    said = tsp.TSTInfo.load(token.parsed.dump())["message_imprint"]["hashed_message"].native
    assert said == hashlib.sha256(info["signature"].native).digest()


def test_a_stamped_bundle_verifies_offline(
    authority: TimeAuthority, stamp: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    trust = {"ca.pem": ROOT.certificate, "tsa.pem": authority.anchor}
    signers = BundleSigners(
        SIGNER,
        lambda path: seal_file(path, CREDENTIAL, stamp),
        lambda content: sign_detached(content, CREDENTIAL, NOW, stamp),
    )
    write_bundle(tmp_path / "b.zip", replace(parts(entries=8), trust=trust), signers)
    held = verify_bundle(tmp_path / "b.zip", [KEY])
    told = {each.name: each.detail for each in held.checks}
    assert held.exit_code == 0, told
    assert "time-stamped by" in told["report signature"]
    assert "time-stamped by" in told["container signature"]
