"""Which controls of which frameworks a bundle's data can answer, and by what.

The controls are data, one file a framework: what each asks for, in our words, and which data files,
ledger entries and lines of the checklist speak to it. A bundle is evidence for a control, not a
verdict on it: the assessor decides.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from app.audit.domain import BundleKind

FOLDER: Final = Path(__file__).parent
KEYS: Final = frozenset({"id", "ref", "title", "asks", "kinds", "files", "events", "lines"})


@dataclass(frozen=True, slots=True)
class Control:
    """One control.

    Attributes:
        framework: The framework's name and edition.
        ref: Its own number in the framework.
        title: What it asks for, in a few words.
        asks: What it asks for, in a sentence of ours.
        files: Which data files of a bundle speak to it.
        kinds: In which kinds of bundle.
        events: Kinds of ledger entries that speak to it.
        lines: Lines of the auditor's checklist that answer it.
    """

    framework: str
    ref: str
    title: str
    asks: str
    files: tuple[str, ...]
    kinds: frozenset[BundleKind]
    events: tuple[str, ...]
    lines: tuple[str, ...]

    @property
    def telling(self) -> tuple[str, ...]:
        """The lines that say whether it was met: those about the records.

        What is said of every bundle alike (A), or of its seals (H), tells of none of its controls,
        but of those that ask for nothing else.
        """
        return tuple(each for each in self.lines if each[0] not in "AH") or self.lines


def _read(folder: Path) -> Iterator[tuple[str, Control]]:
    for path in sorted(folder.glob("*.yaml")):
        told = yaml.safe_load(path.read_text("utf-8"))
        for each in told["controls"]:
            yield each["id"], _control(told["framework"], each, path.name)


def _control(framework: str, told: Mapping[str, Any], name: str) -> Control:
    if told.keys() != KEYS:
        wrong = ", ".join(sorted(told.keys() ^ KEYS))
        raise ValueError(f"{name}: the control {told.get('id')} lacks or has too many: {wrong}")
    return Control(
        framework=framework,
        ref=told["ref"],
        title=told["title"],
        asks=" ".join(told["asks"].split()),
        files=tuple(told["files"]),
        kinds=frozenset(map(BundleKind, told["kinds"])),
        events=tuple(told["events"]),
        lines=tuple(told["lines"]),
    )


CONTROLS: Final[Mapping[str, Control]] = dict(_read(FOLDER))


def answered_by(kind: BundleKind) -> list[str]:
    """Return the ids of the controls that a kind of bundle speaks to."""
    return [name for name, control in CONTROLS.items() if kind in control.kinds]


def files_of(controls: Iterable[str]) -> frozenset[str]:
    """Return the data files that speak to any of some controls."""
    return frozenset(file for name in controls for file in CONTROLS[name].files)


def lines_of(controls: Sequence[str]) -> frozenset[str]:
    """Return the lines of the checklist that answer any of some controls."""
    return frozenset(line for name in controls for line in CONTROLS[name].lines)
