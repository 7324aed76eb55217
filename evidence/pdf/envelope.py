"""Around the pages: dates and names of the document, and the empty place for its signature.

The place is made together with the document, not appended to it, so a sealed report is one
revision: the signature dictionary, its invisible field, the catalogue's /Perms that make it a
certification allowing no change (ISO 32000-2, 12.8.2.2), and `/ByteRange` with its numbers filled
in. Sealing then only replaces zeros by the signature, and taking it out gives back these bytes.
"""

import hashlib
from datetime import UTC, datetime
from typing import Any, Final
from xml.sax.saxutils import escape

from reportlab.pdfbase.pdfdoc import (
    XMP,
    PDFCatalog,
    PDFDocument,
    PDFInfo,
    PDFObject,
    PDFString,
    format,  # noqa: A004 - reportlab's name
)
from typing_extensions import override

from evidence.pdf.byterange import NUMBER_WIDTH
from evidence.pdf.document import Report
from evidence.pdf.lettering import spelled_out

PRODUCER: Final = "Attestry"
SIGNATURE_BYTES: Final = 16_384  # a baseline-B signature takes 1.5 kB; a time-stamp fits beside it
UNKNOWN_NUMBER: Final = b"9" * NUMBER_WIDTH
SIGNATURE_NAME: Final = "AttestrySignature"
FIELD_NAME: Final = "AttestryField"


class SealableCatalog(PDFCatalog):
    """reportlab's catalogue with the one entry it lacks."""

    __NoDefault__ = [*PDFCatalog.__NoDefault__, "Perms"]  # noqa: RUF012 - reportlab's shape
    __Refs__ = __NoDefault__


class Raw(PDFObject):
    """An object written out by hand.

    Args:
        text: Its syntax; `{name}` stands for a reference to the object of that name.
        references: The names.
    """

    __RefOnly__ = 1

    def __init__(self, text: str, **references: PDFObject) -> None:
        self._text = text
        self._references = references

    def format(self, document: Any) -> bytes:
        """Write it, with the references as numbers."""
        text = self._text
        for name, target in self._references.items():
            reference = format(document.Reference(target), document)
            text = text.replace(f"{{{name}}}", reference.decode("ascii"))
        return text.encode("ascii")


class DatedInfo(PDFInfo):
    """The information dictionary with the bundle's time instead of the machine's."""

    def __init__(self, report: Report) -> None:
        super().__init__()
        self._report = report

    @override
    def format(self, document: PDFDocument) -> bytes:
        """Write it; every entry is mirrored in the XMP packet."""
        at = pdf_time(self._report.created_at)
        texts = {
            "Title": document_title(self._report),
            "Author": self._report.organization,
            "Subject": f"Evidence bundle {self._report.bundle_id}",
            "Creator": PRODUCER,
            "Producer": PRODUCER,
            "CreationDate": at,
            "ModDate": at,
        }
        entries = [
            f"/{key} ".encode() + format(PDFString(spelled_out(text)), document)
            for key, text in texts.items()
        ]
        return b"<< " + b"\n".join(entries) + b" >>"


def dress(document: Any, report: Report) -> PDFObject:
    """Give a document its own dates, names and identifier, and the place for a signature.

    Args:
        document: A reportlab document with nothing in it yet. (Its stubs leave out most of what is
            needed here; the pages themselves are tested byte by byte.)
        report: What it will say.

    Returns:
        The field's annotation, to be put on the first page.
    """
    catalog: Any = SealableCatalog()
    catalog.__dict__.update(document.Catalog.__dict__)
    signature = Raw(_signature_dictionary(report.created_at))
    field = Raw(
        "<< /Type /Annot /Subtype /Widget /FT /Sig /T (Seal) /F 132 "
        "/Rect [0 0 0 0] /V {signature} >>",
        signature=signature,
    )
    catalog.AcroForm = Raw("<< /Fields [{field}] /SigFlags 3 >>", field=field)
    catalog.Perms = Raw("<< /DocMDP {signature} >>", signature=signature)
    catalog.ViewerPreferences = Raw("<< /DisplayDocTitle true >>")
    catalog.Metadata = XMP(creator=lambda _document: _xmp(report).encode())
    document.Catalog = document._catalog = catalog  # noqa: SLF001 - reportlab keeps both
    document.info = DatedInfo(report)
    identifier = hashlib.sha256(f"{report.bundle_id} {report.created_at}".encode()).hexdigest()[:32]
    document._ID = f"[<{identifier}><{identifier}>]\n".encode()  # noqa: SLF001
    return field


def fill_byte_range(pdf: bytes) -> bytes:
    """Write where the signature's place is into the document.

    Args:
        pdf: A finished document that `dress` began.

    Returns:
        The same document, of the same length, with its `/ByteRange`.
    """
    start = pdf.index(b"/Contents <0") + len(b"/Contents ")
    end = pdf.index(b">", start) + 1
    numbers = (start, end, len(pdf) - end)
    unknown = b" ".join([UNKNOWN_NUMBER] * len(numbers))
    known = b" ".join(b"%0*d" % (NUMBER_WIDTH, number) for number in numbers)
    return pdf.replace(unknown, known, 1)


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
 xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:pdf="http://ns.adobe.com/pdf/1.3/">
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
