"""The ASiC manifest: what the container's signature vouches for (ETSI EN 319 162-1, A.4).

It is written in one form only and read back in that form only, byte for byte. So no XML parser is
involved, there are no entities to expand, and two readers cannot see two things in one file.
"""

import base64
import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from evidence.errors import EvidenceError, VerificationError
from evidence.said import said, told_by

SIGNATURE_PATH: Final = "META-INF/signature001.p7s"
SIGNATURE_MEDIA_TYPE: Final = "application/pkcs7-signature"
LARGEST_MANIFEST: Final = 1 << 22
SHA256_HEX: Final = re.compile(r"[0-9a-f]{64}")

HEAD: Final = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n'
    b'<asic:ASiCManifest xmlns:asic="http://uri.etsi.org/02918/v1.2.1#"'
    b' xmlns:ds="http://www.w3.org/2000/09/xmldsig#">\n'
    b'<asic:SigReference URI="' + SIGNATURE_PATH.encode() + b'"'
    b' MimeType="' + SIGNATURE_MEDIA_TYPE.encode() + b'"/>\n'
)
FOOT: Final = b"</asic:ASiCManifest>\n"
REFERENCE_FORM: Final = (
    '<asic:DataObjectReference URI="{path}" MimeType="{media_type}">'
    '<ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/>'
    "<ds:DigestValue>{digest}</ds:DigestValue></asic:DataObjectReference>\n"
)
REFERENCE: Final = re.compile(
    REFERENCE_FORM.replace(".", r"\.").format(
        path=r"([A-Za-z0-9._/-]{1,200})",
        media_type=r"([a-z0-9./+-]{1,100})",
        digest=r"([A-Za-z0-9+/]{43}=)",
    )
)


class AsicFile(NamedTuple):
    """One file an ASiC manifest vouches for.

    Attributes:
        path: Its name in the container: letters, digits and `. _ / -`.
        media_type: Its media type.
        sha256: Its digest, 64 lower-case hex digits, as in the bundle's manifest.
    """

    path: str
    media_type: str
    sha256: str


def asic_manifest(files: Sequence[tuple[str, str, str]]) -> bytes:
    """Write an ASiCManifest that says which files the container's signature is for.

    Args:
        files: Path, media type and SHA-256 (hex) of each, in the order to be written.

    Returns:
        XML, byte-canonical: there is one way to write a given list.

    Raises:
        EvidenceError: A path comes twice, or a value has characters that cannot stand there.
    """
    paths = [path for path, _media_type, _digest in files]
    if len(set(paths)) != len(paths):
        raise EvidenceError("files: a path comes twice in the ASiC manifest")
    return HEAD + b"".join(_reference(AsicFile(*file)) for file in files) + FOOT


def parse_asic_manifest(xml: bytes) -> tuple[AsicFile, ...]:
    """Read an ASiCManifest that `asic_manifest` wrote, and nothing else.

    Args:
        xml: The file's bytes.

    Returns:
        The files, in order.

    Raises:
        VerificationError: It is too large, or differs from its one canonical form in any byte.
    """
    if len(xml) > LARGEST_MANIFEST:
        raise VerificationError("the ASiC manifest is too large")
    found = REFERENCE.findall(xml.decode("ascii", "replace"))
    files = tuple(
        AsicFile(path, kind, base64.b64decode(digest).hex()) for path, kind, digest in found
    )
    try:
        canonical = asic_manifest(files)
    except EvidenceError as error:
        raise VerificationError(
            said("the ASiC manifest does not hold: %(what)s", what=told_by(error))
        ) from error
    if canonical != xml:
        raise VerificationError("the ASiC manifest is not in its one canonical form")
    return files


def _reference(file: AsicFile) -> bytes:
    if not SHA256_HEX.fullmatch(file.sha256):
        raise EvidenceError(f"files: the digest of {file.path!r} is not 64 hex digits")
    digest = base64.b64encode(bytes.fromhex(file.sha256)).decode("ascii")
    line = REFERENCE_FORM.format(path=file.path, media_type=file.media_type, digest=digest)
    if not REFERENCE.fullmatch(line):
        raise EvidenceError(
            f"files: {file.path!r} ({file.media_type!r}) cannot stand in an ASiC manifest; use "
            "letters, digits and . _ / - in a path"
        )
    return line.encode("ascii")
