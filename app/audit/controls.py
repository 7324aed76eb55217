"""Which controls of which frameworks a bundle's data can answer, and by what.

A bundle is evidence for a control, not a verdict on it: the assessor decides.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from app.audit.domain import BundleKind


@dataclass(frozen=True, slots=True)
class Control:
    """One control.

    Attributes:
        title: What it asks for, in a few words.
        files: Which data files of a bundle speak to it.
        kinds: In which kinds of bundle.
    """

    title: str
    files: tuple[str, ...]
    kinds: frozenset[BundleKind]


PERIOD = frozenset({BundleKind.PERIOD})
REVIEW = frozenset({BundleKind.CAMPAIGN})
BOTH = PERIOD | REVIEW

CONTROLS: Mapping[str, Control] = {
    "SOC2-CC6.1": Control("Logical access is restricted", ("population", "drift"), BOTH),
    "SOC2-CC6.2": Control("Access is authorised, and removed", ("requests", "leavers"), PERIOD),
    "SOC2-CC6.3": Control("Access follows the role", ("decisions", "requests", "population"), BOTH),
    "ISO27001-A.5.15": Control("Access control", ("population", "requests"), BOTH),
    "ISO27001-A.5.16": Control("Identity management", ("population", "leavers"), PERIOD),
    "ISO27001-A.5.18": Control("Access rights", ("requests", "decisions", "leavers"), BOTH),
    "PCI-DSS-7.2.4": Control("Access is reviewed", ("decisions", "population"), REVIEW),
    "PCI-DSS-8.2.5": Control("Leavers' access is revoked", ("leavers",), PERIOD),
    "NIST-800-53-AC-2": Control("Account management", ("population", "leavers"), BOTH),
    "NIST-800-53-AC-6": Control("Least privilege", ("decisions", "requests"), BOTH),
}


def answered_by(kind: BundleKind) -> list[str]:
    """Return the ids of the controls that a kind of bundle speaks to."""
    return [name for name, control in CONTROLS.items() if kind in control.kinds]
