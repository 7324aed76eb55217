"""By what a report's signature can be judged when its certificates have long ended: baseline B-LTA.

A store behind the sealed revision holds the certificates and revocation lists of the signature and
of its time-stamp; a document time-stamp is over all of it. Nothing is fetched: whoever makes a
report hands in the lists, and what is missing is named (ETSI EN 319 142-1, 5.4 and 5.5).
"""

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from evidence.der import check_der, value_end
from evidence.errors import VerificationError
from evidence.pdf.lasting import Lasting
from evidence.revocation import find_list
from evidence.stamps import Stamp, check_token

Path = Sequence[x509.Certificate]
BASIC, STAMPED, LASTING = "B-B", "B-T", "B-LTA"
LEVELS: Final = (BASIC, STAMPED, LASTING)


def material(
    paths: Sequence[Path], lists: Sequence[bytes], at: datetime
) -> tuple[tuple[bytes, ...], tuple[bytes, ...]]:
    """Choose what the store is to hold.

    Args:
        paths: Of the signer and of the time-stamping authority, each down to its anchor.
        lists: The revocation lists there are, DER.
        at: When they must count, aware.

    Returns:
        Certificates and lists, DER, each once, in the order of the paths.

    Raises:
        VerificationError: There is no list for a certificate, or it was revoked; it is named.
    """
    certificates = dict.fromkeys(each.public_bytes(Encoding.DER) for path in paths for each in path)
    needed = dict.fromkeys(
        find_list(each, issuer, lists, at) for path in paths for each, issuer in pairwise(path)
    )
    return tuple(certificates), tuple(needed)


def judge(lasting: Lasting, paths: Sequence[Path], stamped_at: datetime, anchors: Path) -> Stamp:
    """Check what follows a sealed revision.

    Args:
        lasting: Its parts.
        paths: Of the signer and of the time-stamping authority, as they were judged.
        stamped_at: When the signature was time-stamped, aware.
        anchors: Trusted for time-stamps.

    Returns:
        The document time-stamp.

    Raises:
        VerificationError: It does not hold, came before the signature's own, or the store holds
            something else than what the signature needs.
    """
    end = value_end(lasting.token)
    if lasting.token[end:].strip(b"\0"):
        raise VerificationError("the padding after the document's time-stamp is not all zero")
    check_der(lasting.token[:end])
    stamp = check_token(lasting.token[:end], lasting.stamped, anchors)
    if stamp.at < stamped_at:
        raise VerificationError("the document's time-stamp is older than the signature's")
    if material(paths, lasting.lists, stamp.at) != (lasting.certificates, lasting.lists):
        raise VerificationError(
            "the PDF's store holds another set of certificates or revocation lists than its "
            "signature needs"
        )
    return stamp
