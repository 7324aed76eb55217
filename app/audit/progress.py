"""How far a bundle is that is being built: a word in a file beside what is being made.

A build reads one state of the store for as long as it lasts and writes nothing to it, so its
progress cannot stand there. The folder goes with the build; what a killed one left behind is
passed over by the next, and goes when the bundle is there.
"""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

BEGINNING = ".building-"
NOTE = "step"


class Step(StrEnum):
    """What is being done, in this order."""

    SEALING = "sealing"
    WRITING = "writing"
    CHECKING = "checking"


@dataclass(frozen=True, slots=True)
class Work:
    """A build under way, for whoever does it.

    Attributes:
        folder: What is being made stands in it.
    """

    folder: Path

    def is_at(self, step: Step) -> None:
        """Say what is being done now; whoever looks sees the step before or this one, whole."""
        draft = self.folder / f"{NOTE}.new"
        draft.write_text(step.value, encoding="ascii")
        draft.replace(self.folder / NOTE)


@dataclass(frozen=True, slots=True)
class UnderWay:
    """A build under way, for whoever looks: what is being done, and since when."""

    step: Step
    since: datetime


@contextmanager
def begun(folder: Path, public_id: str) -> Iterator[Work]:
    """Begin a build: a folder of its own, which goes with it."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f"{BEGINNING}{public_id}-", dir=folder) as held:
        work = Work(Path(held))
        work.is_at(Step.SEALING)
        yield work


def clear(folder: Path, public_id: str) -> None:
    """Take away what builds that were killed left behind, once the bundle is there."""
    for left in folder.glob(f"{BEGINNING}{public_id}-*"):
        shutil.rmtree(left, ignore_errors=True)


def under_way(folder: Path, public_id: str) -> UnderWay | None:
    """Return how far a build is; None if none is under way."""
    found = [each for each in map(_read, folder.glob(f"{BEGINNING}{public_id}-*/{NOTE}")) if each]
    return max(found, key=lambda each: each.since, default=None)


def _read(note: Path) -> UnderWay | None:
    try:
        since = datetime.fromtimestamp(note.stat().st_mtime, UTC)
        return UnderWay(Step(note.read_text(encoding="ascii")), since)
    except (OSError, ValueError):  # it ended meanwhile
        return None
