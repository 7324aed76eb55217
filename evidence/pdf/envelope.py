"""Around the pages: dates and names of the document, and the empty place for its signature.

The place is made together with the document, not appended to it, so a sealed report is one
revision: the signature dictionary, its invisible field, the catalogue's /Perms that make it a
certification allowing no change (ISO 32000-2, 12.8.2.2), and `/ByteRange` with its numbers filled
in. Sealing then only replaces zeros by the signature, and taking it out gives back these bytes.

The document is built to PDF/A-3b (ISO 19005-3): it names its part and its colours, repeats every
entry of its information dictionary in the XMP packet, and embeds what it uses. No validator of that
standard has seen it, so nothing here claims more than "built to".
"""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Final
from xml.sax.saxutils import escape

from evidence.pdf.byterange import NUMBER_WIDTH
from evidence.pdf.document import Report
from evidence.pdf.lettering import spelled_out
from evidence.pdf.writer import Writer, text_string

PRODUCER: Final = "Attestry"
SIGNATURE_BYTES: Final = 16_384  # a baseline-B signature takes 1.5 kB; a time-stamp fits beside it
UNKNOWN_NUMBER: Final = b"9" * NUMBER_WIDTH
COLOURS: Final = Path(__file__).parent / "colour" / "sRGB.icc"
PART: Final = 3
CONFORMANCE: Final = "B"


@dataclass(frozen=True, slots=True)
class Envelope:
    """What was put around the pages.

    Attributes:
        signature: Where in the file the signature dictionary begins.
        field: Number of its field, to be put on the first page.
        info: Number of the information dictionary.
        catalog: The catalogue's entries that belong to it.
    """

    signature: int
    field: int
    info: int
    catalog: bytes


def dress(writer: Writer, report: Report) -> Envelope:
    """Give a document its own dates and names, and the place for a signature.

    Args:
        writer: Of the document.
        report: What it says.
    """
    signature = writer.reserve()
    place = writer.put(signature, _signature_dictionary(report.created_at).encode("ascii"))
    field = writer.add(
        b"<< /Type /Annot /Subtype /Widget /FT /Sig /T (Seal) /F 132 /Rect [0 0 0 0] /V %d 0 R >>"
        % signature
    )
    metadata = writer.stream(
        _xmp(report).encode(), b"/Type /Metadata /Subtype /XML ", is_packed=False
    )
    colours = writer.stream(COLOURS.read_bytes(), b"/N 3 ")
    catalog = (
        b"/AcroForm << /Fields [%d 0 R] /SigFlags 3 >> /Perms << /DocMDP %d 0 R >>\n"
        b"/ViewerPreferences << /DisplayDocTitle true >> /Metadata %d 0 R /Lang %s\n"
        b"/OutputIntents [<< /Type /OutputIntent /S /GTS_PDFA1 /OutputConditionIdentifier (sRGB) "
        b"/Info (sRGB IEC61966-2.1) /DestOutputProfile %d 0 R >>]"
        % (field, signature, metadata, text_string(report.language), colours)
    )
    return Envelope(place, field, writer.add(_info(report)), catalog)


def identifier(report: Report) -> str:
    """Tell the file's identifier, hex: it follows from the bundle's id and time."""
    return hashlib.sha256(f"{report.bundle_id} {report.created_at}".encode()).hexdigest()[:32]


def fill_byte_range(out: BinaryIO, envelope: Envelope, size: int) -> None:
    """Write where the signature's place is into the document.

    Args:
        out: A finished document that `dress` began; its place is left at the end.
        envelope: From `dress`.
        size: The document's length.
    """
    digits = 2 * SIGNATURE_BYTES
    head = _signature_dictionary(datetime(2000, 1, 1, tzinfo=UTC)).encode("ascii")
    start = envelope.signature + head.index(b"/Contents <0") + len(b"/Contents ")
    end = start + digits + 2
    known = b" ".join(b"%0*d" % (NUMBER_WIDTH, number) for number in (start, end, size - end))
    out.seek(envelope.signature + head.index(UNKNOWN_NUMBER))
    out.write(known)
    out.seek(size)


def document_title(report: Report) -> str:
    """Tell the document's own title.

    Args:
        report: The report.

    Returns:
        Title and subtitle in one line.
    """
    return f"{report.title}: {report.subtitle}" if report.subtitle else report.title


def pdf_time(at: datetime) -> str:
    """Write a time as PDF does (ISO 32000-2, 7.9.4).

    Args:
        at: Aware.

    Returns:
        Such as `D:20260301093015Z`.
    """
    return at.astimezone(UTC).strftime("D:%Y%m%d%H%M%SZ")


def _info(report: Report) -> bytes:
    """The information dictionary; every entry is mirrored in the XMP packet."""
    at = pdf_time(report.created_at)
    texts = {
        "Title": document_title(report),
        "Author": report.organization,
        "Subject": f"Evidence bundle {report.bundle_id}",
        "Creator": PRODUCER,
        "Producer": PRODUCER,
        "CreationDate": at,
        "ModDate": at,
    }
    entries = [
        b"/%s %s" % (key.encode(), text_string(spelled_out(text))) for key, text in texts.items()
    ]
    return b"<< " + b"\n".join(entries) + b" >>"


def _signature_dictionary(at: datetime) -> str:
    unknown = UNKNOWN_NUMBER.decode()
    return (
        "<<\n/Type /Sig\n/Filter /Adobe.PPKLite\n/SubFilter /ETSI.CAdES.detached\n"
        f"/ByteRange [0 {unknown} {unknown} {unknown}]\n"
        f"/Contents <{'0' * (2 * SIGNATURE_BYTES)}>\n"
        f"/M ({pdf_time(at)})\n"
        "/Reference [<< /Type /SigRef /TransformMethod /DocMDP\n"
        "/TransformParams << /Type /TransformParams /P 1 /V /1.2 >> >>]\n>>"
    )


def _xmp(report: Report) -> str:
    at = report.created_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    title, author = _xml(document_title(report)), _xml(report.organization)
    subject = _xml(f"Evidence bundle {report.bundle_id}")
    return f"""<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:pdf="http://ns.adobe.com/pdf/1.3/"
 xmlns:pdfaid="http://www.aiim.org/pdfa/ns/id/">
<pdfaid:part>{PART}</pdfaid:part>
<pdfaid:conformance>{CONFORMANCE}</pdfaid:conformance>
<dc:format>application/pdf</dc:format>
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">{title}</rdf:li></rdf:Alt></dc:title>
<dc:creator><rdf:Seq><rdf:li>{author}</rdf:li></rdf:Seq></dc:creator>
<dc:description><rdf:Alt><rdf:li xml:lang="x-default">{subject}</rdf:li></rdf:Alt></dc:description>
<xmp:CreatorTool>{PRODUCER}</xmp:CreatorTool>
<xmp:CreateDate>{at}</xmp:CreateDate>
<xmp:ModifyDate>{at}</xmp:ModifyDate>
<pdf:Producer>{PRODUCER}</pdf:Producer>
</rdf:Description>
</rdf:RDF>
</x:xmpmeta>
<?xpacket end="r"?>"""


def _xml(text: str) -> str:
    return escape(spelled_out(text))
