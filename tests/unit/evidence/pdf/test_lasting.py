"""A report made to last: store and document time-stamp behind the seal, and nothing else there."""

import asyncio
import io
import os
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from evidence.certificates import create_authority, issue_signer, load_credential
from evidence.cms import verify_pdf
from evidence.errors import EvidenceError, VerificationError
from evidence.pdf.document import Section
from evidence.pdf.lasting import read_lasting, sealed_end
from evidence.pdf.render import render
from evidence.pdf.seal import ToLast, seal, seal_file
from evidence.revocation import issue_list, read_lists
from evidence.stamps import ask
from support.time_authority import TimeAuthority
from unit.evidence.pdf.sample import report

NOW = datetime.now(UTC).replace(microsecond=0)  # noqa: TID251 - the authority has the machine's time
BEGIN = NOW - timedelta(days=10)
LONG = timedelta(days=3650)
ROOT = create_authority("Root", "Example", now=BEGIN, valid_for=LONG, random=os.urandom)
CREDENTIAL = load_credential(
    issue_signer(ROOT, "Seal", "Example", now=BEGIN, valid_for=LONG / 2, random=os.urandom),
    [ROOT.certificate],
)
OWN_LIST = issue_list(ROOT, now=BEGIN, until=BEGIN + LONG)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> TimeAuthority:
    return TimeAuthority(tmp_path_factory.mktemp("tsa"), is_rsa=True)


@pytest.fixture(scope="module")
def stamp(authority: TimeAuthority) -> Callable[[bytes], bytes]:
    return lambda digest: ask(digest, authority.answer, os.urandom)


@pytest.fixture(scope="module")
def to_last(authority: TimeAuthority) -> ToLast:
    return ToLast(read_lists(OWN_LIST + authority.lists), authority.anchor)


@pytest.fixture(scope="module")
def lasting(
    stamp: Callable[[bytes], bytes], to_last: ToLast, tmp_path_factory: pytest.TempPathFactory
) -> bytes:
    path = tmp_path_factory.mktemp("pdf") / "report.pdf"
    path.write_bytes(render(report()))
    seal_file(path, CREDENTIAL, stamp, to_last)
    return path.read_bytes()


@pytest.fixture
def refusal(authority: TimeAuthority) -> Callable[[bytes], str]:
    def found(pdf: bytes) -> str:
        status = verify_pdf(pdf, [ROOT.certificate], NOW, [authority.anchor])
        return "" if status.ok else status.detail

    return found


def test_it_holds_and_says_its_level_and_both_authorities(
    lasting: bytes, authority: TimeAuthority
) -> None:
    status = verify_pdf(lasting, [ROOT.certificate], NOW, [authority.anchor])
    assert status.ok, status.detail
    assert status.level == "B-LTA"
    assert "made to last" in status.detail
    assert status.detail.count("CN=Time Authority") == 2


def test_the_sealed_revision_keeps_each_of_its_bytes(
    lasting: bytes, refusal: Callable[[bytes], str]
) -> None:
    end = sealed_end(lasting)
    assert end < len(lasting)
    assert refusal(lasting[:end]) == ""
    assert sealed_end(lasting[:end]) == end


def test_no_byte_behind_the_seal_changes_unnoticed(
    lasting: bytes, refusal: Callable[[bytes], str]
) -> None:
    end, changed, missed = sealed_end(lasting), bytearray(lasting), []
    digits = lasting.index(b"/Contents <", end)
    token = range(digits, digits + 3000, 97)
    around = [*range(end, digits, 41), *range(digits + 32_700, len(lasting), 17)]
    for at in [*token, *range(digits + 3000, digits + 32_700, 6_111), *around]:
        changed[at] ^= 1 << (at % 7)
        if not refusal(bytes(changed)):
            missed.append(at)
        changed[at] = lasting[at]
    assert missed == []


def test_what_is_cut_off_is_missed(lasting: bytes, refusal: Callable[[bytes], str]) -> None:
    end = sealed_end(lasting)
    first_update = lasting.index(b"%%EOF\n", end) + len(b"%%EOF\n")
    assert refusal(lasting[:-1])
    assert "one revision" in refusal(lasting[:first_update])  # the store without its time-stamp
    assert refusal(lasting[:end] + lasting[first_update:])


def _with_more(pdf: bytes) -> bytes:
    """Append what any editor would: an update with another file attached."""
    from pyhanko.pdf_utils.embed import EmbeddedFileObject, FileSpec, embed_file
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

    writer = IncrementalPdfFileWriter(io.BytesIO(pdf))
    attached = EmbeddedFileObject.from_file_data(writer, b"other rows", mime_type="text/csv")
    embed_file(writer, FileSpec("rows.csv", embedded_data=attached))
    out = io.BytesIO()
    writer.write(out)  # type: ignore[no-untyped-call]
    return out.getvalue()


def test_any_other_update_is_refused(
    lasting: bytes, refusal: Callable[[bytes], str], stamp: Callable[[bytes], bytes]
) -> None:
    end = sealed_end(lasting)
    sealed, updates = lasting[:end], lasting[end:]
    others = {
        "behind it": _with_more(lasting),
        "in its place": _with_more(sealed),
        "before it": _with_more(sealed) + updates,
        "twice": lasting + updates,
        "a blank": lasting + b"\n",
        "a comment": lasting + b"%\n",
        "of another report": seal(render(report(Section("Other"))), CREDENTIAL, stamp) + updates,
    }
    assert {name for name, pdf in others.items() if not refusal(pdf)} == set()


def test_a_store_with_more_or_less_than_needed_is_refused(
    stamp: Callable[[bytes], bytes],
    to_last: ToLast,
    refusal: Callable[[bytes], str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """Whoever can ask the authority can make such a file; so it must not count."""
    from evidence.pdf import seal as sealing

    stranger = create_authority("S", "Else", now=BEGIN, valid_for=LONG, random=os.urandom)
    more = read_lists(issue_list(stranger, now=BEGIN, until=NOW + LONG))
    whole = sealing._material
    forgeries = [
        lambda certificates, lists: (certificates, (*lists, *more)),
        lambda certificates, lists: (certificates, lists[:-1]),
        lambda certificates, lists: (certificates[::-1], lists),
        lambda certificates, lists: (certificates, lists[::-1]),
        lambda certificates, lists: (certificates[:-1], lists),
        lambda certificates, lists: (certificates, (lists[0][:-1] + b"\0", *lists[1:])),
        lambda _certificates, _lists: ((), ()),
    ]
    path = tmp_path / "report.pdf"
    for forge in forgeries:
        monkeypatch.setattr(sealing, "_material", lambda *given, forge=forge: forge(*whole(*given)))
        path.write_bytes(render(report()))
        seal_file(path, CREDENTIAL, stamp, to_last)
        assert refusal(path.read_bytes())


def test_what_is_missing_to_last_is_named(
    stamp: Callable[[bytes], bytes], authority: TimeAuthority, tmp_path: Path
) -> None:
    path = tmp_path / "report.pdf"
    before = issue_list(ROOT, now=BEGIN, until=BEGIN + timedelta(days=1))
    for lists, says in (
        (authority.lists, "no revocation list of CN=Root,O=Example"),
        (OWN_LIST, "no revocation list of CN=Time Root"),
        (before + authority.lists, "no revocation list of CN=Root,O=Example"),
    ):
        path.write_bytes(render(report()))
        with pytest.raises(EvidenceError, match=says):
            seal_file(path, CREDENTIAL, stamp, ToLast(read_lists(lists), authority.anchor))
    path.write_bytes(render(report()))
    with pytest.raises(EvidenceError, match="only with a time-stamping authority"):
        seal_file(path, CREDENTIAL, None, ToLast((), authority.anchor))


def test_a_stamp_too_large_for_its_place_is_refused(
    stamp: Callable[[bytes], bytes], to_last: ToLast, tmp_path: Path
) -> None:
    asked = iter((stamp, lambda _digest: bytes(20_000)))

    def first_well(digest: bytes) -> bytes:
        return next(asked)(digest)

    path = tmp_path / "report.pdf"
    path.write_bytes(render(report()))
    with pytest.raises(EvidenceError, match="too large for its place"):
        seal_file(path, CREDENTIAL, first_well, to_last)


def test_an_update_without_end_or_behind_another_kind_of_file_is_refused(
    lasting: bytes, refusal: Callable[[bytes], str]
) -> None:
    end = sealed_end(lasting)
    assert "something was added" in refusal(lasting + bytes(5 << 20))
    for old, new in (
        (b"/AcroForm << /Fields [", b"/AcroForm << /Fieldz ["),
        (b"/Info ", b"/Inf0 "),
    ):
        with pytest.raises(VerificationError, match="as one made here"):
            read_lasting(lasting[:end].replace(old, new) + lasting[end:], end)


def test_a_document_stamp_before_the_signatures_own_is_refused(
    authority: TimeAuthority,
    to_last: ToLast,
    refusal: Callable[[bytes], str],
    tmp_path: Path,
) -> None:
    moments = iter((NOW, NOW - timedelta(hours=1)))

    def back(digest: bytes) -> bytes:
        return ask(digest, lambda query: authority.answer_at(query, next(moments)), os.urandom)

    path = tmp_path / "report.pdf"
    path.write_bytes(render(report()))
    seal_file(path, CREDENTIAL, back, to_last)
    assert "older than the signature's" in refusal(path.read_bytes())


def test_pyhanko_finds_a_certified_report_with_nothing_but_what_makes_it_last(
    lasting: bytes, authority: TimeAuthority
) -> None:
    from asn1crypto import pem, x509  # type: ignore[import-untyped]
    from pyhanko.pdf_utils.reader import PdfFileReader
    from pyhanko.sign.diff_analysis import ModificationLevel
    from pyhanko.sign.validation import async_validate_pdf_signature
    from pyhanko.sign.validation.dss import DocumentSecurityStore
    from pyhanko_certvalidator import ValidationContext

    roots = [
        x509.Certificate.load(pem.unarmor(each)[2]) for each in (ROOT.certificate, authority.anchor)
    ]
    reader = PdfFileReader(io.BytesIO(lasting))
    signature, document = reader.embedded_signatures[0], reader.embedded_timestamp_signatures[0]
    store = DocumentSecurityStore.read_dss(reader)
    context = ValidationContext(
        trust_roots=roots,
        allow_fetching=False,
        revocation_mode="hard-fail",
        crls=[each.get_object().data for each in store.crls],
    )
    status = asyncio.run(
        async_validate_pdf_signature(
            signature, signer_validation_context=context, ts_validation_context=context
        )
    )
    assert status.bottom_line
    assert status.modification_level is ModificationLevel.LTA_UPDATES
    assert status.docmdp_ok
    assert len(store.vri_entries) == 1
    assert document.compute_digest()
    document.compute_integrity_info()
    assert document.evaluate_signature_coverage().name == "ENTIRE_FILE"


def test_other_tools_accept_it(lasting: bytes, authority: TimeAuthority, tmp_path: Path) -> None:
    (tmp_path / "report.pdf").write_bytes(lasting)
    said = _run("pdfsig -nocert report.pdf", tmp_path)
    assert said.count("Signature is Valid.") == 1  # of the stamp, it only tells that it is there
    assert "Signature Field Name: Lasting" in said
    assert "No syntax or stream encoding errors" in _run("qpdf --check report.pdf", tmp_path)
    end = sealed_end(lasting)
    place = lasting.index(b"/Contents <", end) + len(b"/Contents ")
    token = read_lasting(lasting, end).token
    (tmp_path / "token").write_bytes(token)
    (tmp_path / "data").write_bytes(lasting[:place] + lasting[place + 2 * len(token) + 2 :])
    (tmp_path / "root").write_bytes(authority.anchor)
    command = "openssl ts -verify -token_in -in token -data data -CAfile root"
    assert "Verification: OK" in _run(command, tmp_path)


def _run(command: str, folder: Path) -> str:
    done = subprocess.run(command.split(), cwd=folder, capture_output=True, check=True, timeout=30)
    return (done.stdout + done.stderr).decode()
