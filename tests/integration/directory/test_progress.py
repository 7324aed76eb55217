"""How far a read has come is told while it reads: counts, in its own row, and nothing else."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from app.directory import service, syncing
from app.directory.domain import SyncState
from connectors.errors import UnavailableError, UnsupportedError
from connectors.port import Connector
from connectors.records import Batch, CheckReport, LogPage
from integration.directory.conftest import Directory
from integration.directory.states import crowd

Seen = list[tuple[dict[str, Any], str]]


@dataclass
class Slow:
    """A source that takes its time over each batch, and lets somebody look in between."""

    inner: Connector
    directory: Directory
    seconds: float
    look: Callable[[], None]
    breaks: bool = False

    def check(self) -> CheckReport:
        return self.inner.check()

    def close(self) -> None:
        self.inner.close()

    def log(self, cursor: str) -> Iterator[LogPage]:
        raise UnsupportedError(f"It keeps no log to go on from {cursor!r}.")

    def snapshot(self) -> Iterator[Batch]:
        for batch in self.inner.snapshot():
            self.directory.clock.advance(timedelta(seconds=self.seconds))
            yield batch
            self.look()
            if self.breaks:
                raise UnavailableError("The line is gone.")


def read_slowly(
    directory: Directory, seconds: float, *, breaks: bool = False
) -> tuple[Any, Seen, list[str]]:
    """Read the source; returns the run, what was seen of it meanwhile, and what was written."""
    directory.show(crowd(300))
    directory.add()
    seen: Seen = []
    with directory.tx.write() as uow:
        run = service.request_sync(uow, source_name="corp", is_enqueued=False)
        payload = service.payload_of(run, full=False, dry_run=False)

    def look() -> None:
        with directory.tx.read() as reading:
            row = syncing.run_row(reading, payload["run"])
            assert row.state is SyncState.RUNNING
            seen.append((dict(row.counts), row.endpoint))

    def connect(kind: str, settings: Any, secrets: Any) -> Any:
        inner = directory.connect(kind, settings, secrets)
        return Slow(inner, directory, seconds, look, breaks)

    directory.statements.clear()
    syncing.run_sync(directory.tx, connect, directory.seal, payload)
    with directory.tx.read() as reading:
        found = syncing.run_row(reading, payload["run"])
        reading.session.expunge(found)
    written = [
        each for each in directory.statements if each.startswith("UPDATE directory_sync_run")
    ]
    return found, seen, written


def test_a_long_read_tells_what_it_has_counted_so_far(directory: Directory) -> None:
    run, seen, _ = read_slowly(directory, 2)
    told = [counts for counts, _ in seen]
    assert told[0]["accounts"] > 0
    assert "memberships" not in told[0]
    assert "memberships" in told[-1]
    for before, after in pairwise(told):
        assert all(after[name] >= count for name, count in before.items())
    assert run.state is SyncState.COMPLETE
    assert told[-1]["accounts"] == run.counts["accounts"]
    assert run.endpoint


def test_a_short_read_tells_nothing_and_writes_its_row_once(directory: Directory) -> None:
    run, seen, written = read_slowly(directory, 0)
    assert all(counts == {} for counts, _ in seen)
    assert run.state is SyncState.COMPLETE
    assert len(written) == 1


@pytest.mark.parametrize("seconds", [0.2, 0.5])
def test_it_is_told_at_most_once_a_second(directory: Directory, seconds: float) -> None:
    _, seen, written = read_slowly(directory, seconds)
    assert len(written) <= len(seen) * seconds + 2


def test_a_read_that_breaks_keeps_what_was_counted_and_ends(directory: Directory) -> None:
    run, seen, _ = read_slowly(directory, 2, breaks=True)
    assert len(seen) == 1
    assert run.state is not SyncState.RUNNING
    assert run.counts["accounts"] > 0
