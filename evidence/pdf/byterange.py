"""Where a PDF keeps its signature, and whether everything else is under it.

A sealed report is one revision. Its signature dictionary has one gap, the hexadecimal string of
`/Contents`; `/ByteRange` (ISO 32000-2, 12.8.1) names the two stretches around it, which must begin
at byte 0, end at the end of the file, and leave out nothing but that string. Then no byte of the
file is without the signature except the signature itself. `unsigned_part` gives back the file as
it was before: the same bytes with zeros in the gap. That is what the manifest's
`report.unsigned_sha256` is about, so anyone can compute it again from the sealed file.
"""

import re
from dataclasses import dataclass
from typing import Final

from evidence.errors import VerificationError

NUMBER_WIDTH: Final = 10
BYTE_RANGE: Final = re.compile(
    rb"/ByteRange \[ ?(\d{1,12}) +(\d{1,12}) +(\d{1,12}) +(\d{1,12}) *\]"
)
HEX: Final = re.compile(rb"[0-9a-f]+")
TAIL: Final = re.compile(rb"startxref\r?\n\d{1,12}\r?\n%%EOF\r?\n?\Z")


@dataclass(frozen=True, slots=True)
class SignatureGap:
    """The place of a PDF's one signature.

    Attributes:
        start: Offset of the `<` that opens `/Contents`.
        end: Offset just after the `>` that closes it.
        contents: What the string holds, padding included.
    """

    start: int
    end: int
    contents: bytes


def find_gap(pdf: bytes) -> SignatureGap:
    """Find the one signature of a PDF of one revision, and check that it leaves nothing out.

    Args:
        pdf: The whole file.

    Returns:
        The gap.

    Raises:
        VerificationError: No signature, several, several revisions, or bytes that no signature
            covers. The message says which.
    """
    _check_one_revision(pdf)
    if pdf.count(b"/ByteRange") != 1:
        raise VerificationError("the PDF has not exactly one signature")
    found = BYTE_RANGE.search(pdf)
    if found is None:
        raise VerificationError("the PDF's ByteRange is not four plain numbers")
    begin, start, end, rest = (int(number) for number in found.groups())
    if begin != 0 or end + rest != len(pdf) or not start < end <= len(pdf):
        raise VerificationError(
            "the PDF's signature does not cover the whole file: its ByteRange must begin at 0 and "
            "end at the end of the file"
        )
    _check_dictionary(pdf, start, end)
    return SignatureGap(start, end, _contents(pdf[start:end]))


def unsigned_part(pdf: bytes) -> bytes:
    """Give back the bytes a sealed PDF had before it was sealed.

    Args:
        pdf: A sealed or a prepared PDF.

    Returns:
        The same bytes with zeros for the signature; their SHA-256 is the manifest's
        `report.unsigned_sha256`.

    Raises:
        VerificationError: The PDF has not exactly one signature that covers the whole file.
    """
    gap = find_gap(pdf)
    return b"".join(
        (pdf[: gap.start], b"<", b"0" * (gap.end - gap.start - 2), b">", pdf[gap.end :])
    )


def _check_one_revision(pdf: bytes) -> None:
    if not pdf.startswith(b"%PDF-"):
        raise VerificationError("this is not a PDF")
    if pdf.count(b"startxref") != 1 or TAIL.search(pdf, max(0, len(pdf) - 64)) is None:
        raise VerificationError(
            "the PDF is not one revision: something was added after it was made"
        )


def _check_dictionary(pdf: bytes, start: int, end: int) -> None:
    """The gap must be the /Contents of a signature dictionary of the PAdES kind, and no other."""
    opens = pdf.rfind(b" obj", 0, start)
    closes = pdf.find(b"endobj", end)
    before, after = pdf[opens:start], pdf[end:closes]
    dictionary = before + after
    wanted = (b"/Type /Sig\n", b"/Filter /Adobe.PPKLite\n", b"/SubFilter /ETSI.CAdES.detached\n")
    if opens < 0 or closes < 0 or not before.endswith(b"/Contents "):
        raise VerificationError("the gap in the PDF's ByteRange is not the signature's /Contents")
    if any(dictionary.count(each) != 1 for each in (*wanted, b"/ByteRange", b"/Contents")):
        raise VerificationError("the PDF's signature is not an ETSI.CAdES.detached one")


def _contents(gap: bytes) -> bytes:
    digits = gap[1:-1]
    if gap[:1] != b"<" or gap[-1:] != b">" or len(digits) % 2 or not HEX.fullmatch(digits):
        raise VerificationError("the gap in the PDF's ByteRange is not one lower-case hex string")
    return bytes.fromhex(digits.decode("ascii"))
