"""The steps of checking a bundle, in order; each tells what it found, or refuses.

A step may rely on those it names as its needs, and on nothing else. `verify.py` runs them.
"""

from collections.abc import Callable
from typing import Final

from evidence.look import Look
from evidence.said import Said
from evidence.steps import log, packing, rows, signatures

BASE: Final = ("container", "manifest", "members")


STEPS: Final[tuple[tuple[str, tuple[str, ...], Callable[[Look], Said]], ...]] = (
    ("container", (), packing.container),
    ("checksums", ("container",), packing.checksums),
    ("signer", ("container",), packing.signer),
    ("manifest signature", ("container", "signer"), packing.manifest_signature),
    ("manifest", ("container",), packing.manifest),
    ("members", ("manifest",), packing.members),
    ("file digests", BASE, packing.file_digests),
    ("rows", BASE, rows.rows),
    ("counts", BASE, rows.counts),
    ("tables", BASE, rows.tables),
    ("ledger entries", BASE, log.ledger_entries),
    ("checkpoint", (*BASE, "signer"), log.checkpoint),
    ("consistency", (*BASE, "signer"), log.consistency),
    ("sampled proofs", (*BASE, "signer", "ledger entries"), log.sampled_proofs),
    ("disclosures", (*BASE, "ledger entries"), log.disclosures),
    ("policies", BASE, packing.policies),
    ("report", BASE, signatures.report),
    ("report signature", BASE, signatures.report_signature),
    ("container signature", BASE, signatures.container_signature),
)
