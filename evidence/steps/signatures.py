"""Steps about the signatures with certificates: the report's and the container's."""

import hashlib

from evidence.asic import SIGNATURE_PATH, parse_asic_manifest
from evidence.errors import VerificationError
from evidence.layout import (
    ASIC_PATH,
    media_type,
)
from evidence.look import Look
from evidence.said import Said, said
from evidence.steps.refusing import named


def report(look: Look) -> Said:
    """The unsigned report is the one this bundle was made with."""
    from evidence.pdf.byterange import unsigned_part
    from evidence.pdf.lasting import sealed_end

    pdf = look.read("report.pdf")
    digest = hashlib.sha256(unsigned_part(pdf[: sealed_end(pdf)])).hexdigest()
    if digest != look.listed.unsigned_sha256:
        raise VerificationError("report.pdf is not the report this bundle was made with")
    if sealed_end(pdf) < len(pdf):
        return said(
            "the sealed revision is wholly under its signature, unsigned digest as recorded"
        )
    return said("one revision, signature covers the whole file, unsigned digest as recorded")


def report_signature(look: Look) -> Said:
    """The report's signature holds, at the level the manifest says."""
    from evidence.cms import verify_pdf

    at, stamps = look.listed.created_at, look.stamp_anchors
    status = verify_pdf(look.read("report.pdf"), look.anchors, at, stamps)
    if not status.ok:
        raise VerificationError(said("%(path)s: %(what)s", path="report.pdf", what=status.detail))
    told = look.listed.signature_level
    if told is not None and told != status.level:
        raise VerificationError(
            said(
                "report.pdf is signed at level %(level)s, but the manifest says %(told)s",
                level=status.level,
                told=told,
            )
        )
    return said("%(signer)s: %(detail)s", signer=status.signer, detail=status.detail)


def container_signature(look: Look) -> Said:
    """The container's signature holds, over every file."""
    from evidence.cms import verify_detached

    xml = look.read(ASIC_PATH)
    with named(ASIC_PATH):
        told = [(each.path, each.media_type, each.sha256) for each in parse_asic_manifest(xml)]
    digest = hashlib.sha256(look.read("manifest.json")).hexdigest()
    files = look.listed.files
    wanted = [(path, media_type(path), each.sha256) for path, each in files.items()]
    if told != sorted([*wanted, ("manifest.json", "application/json", digest)]):
        raise VerificationError(
            said("%(path)s does not list the files of the manifest", path=ASIC_PATH)
        )
    p7s = look.read(SIGNATURE_PATH)
    at, stamps = look.listed.created_at, look.stamp_anchors
    status = verify_detached(xml, p7s, look.anchors, at, stamps)
    if not status.ok:
        raise VerificationError(said("%(path)s: %(what)s", path=SIGNATURE_PATH, what=status.detail))
    return said("%(signer)s: %(detail)s", signer=status.signer, detail=status.detail)
