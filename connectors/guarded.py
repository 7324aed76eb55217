"""What stands round every connector.

Nothing but our own errors comes out, and no read looks whole that is not.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

from connectors.errors import ConnectorError, UnavailableError
from connectors.port import Connector
from connectors.records import (
    Batch,
    Change,
    CheckReport,
    DeltaBatch,
    LogPage,
    Observation,
    Outcome,
    Problem,
    ReadReport,
)

Item = TypeVar("Item")
logger = logging.getLogger(__name__)


class Guarded:
    """Wraps a connector."""

    def __init__(self, inner: Connector) -> None:
        """Stand round a connector."""
        self._inner = inner

    def check(self) -> CheckReport:
        """Try everything, see `Connector.check`."""
        with _translated():
            return self._inner.check()

    def snapshot(self) -> Iterator[Batch]:
        """Read everything, see `Connector.snapshot`.

        A read that stops without its report gets one that says so; anything after the report is
        dropped with a report that is not complete.
        """
        with _translated():
            batches = self._inner.snapshot()
        return _ended(batches)

    def changes(self, cursor: str) -> Iterator[DeltaBatch]:
        """Read what changed, see `Connector.changes`; it ends as a whole read does."""
        with _translated():
            batches = self._inner.changes(cursor)
        return _ended(batches)

    def log(self, cursor: str) -> Iterator[LogPage]:
        """Read the source's own log, see `Connector.log`."""
        with _translated():
            yield from self._inner.log(cursor)

    def ensure(self, change: Change) -> Outcome:
        """Bring about a state, see `Connector.ensure`."""
        with _translated():
            return self._inner.ensure(change)

    def observe(self, change: Change) -> Observation:
        """Read back a state, see `Connector.observe`."""
        with _translated():
            return self._inner.observe(change)

    def close(self) -> None:
        """Give back connections; an error in doing so is logged and goes no further."""
        try:
            self._inner.close()
        except Exception:
            logger.warning("closing a connection failed", exc_info=True)


def _ended(batches: Iterator[Item]) -> Iterator[Item | ReadReport]:
    report: ReadReport | None = None
    with _translated():
        for batch in batches:
            if report is not None:
                yield _broken(report, "The connector went on after its report.")
                return
            if isinstance(batch, ReadReport):
                report = batch
            else:
                yield batch
    yield report or _broken(None, "The connector stopped without a report.")


def _broken(report: ReadReport | None, why: str) -> ReadReport:
    problem = Problem("broken_off", why)
    if report is None:
        return ReadReport(False, "", "", (), (problem,))  # noqa: FBT003 - is_complete comes first
    return ReadReport(
        is_complete=False,
        endpoint=report.endpoint,
        account=report.account,
        queries=report.queries,
        problems=(*report.problems, problem),
    )


@contextmanager
def _translated() -> Iterator[None]:
    """Let our errors through; what a library threw means that the source cannot be used now."""
    try:
        yield
    except (ConnectorError, GeneratorExit):
        raise
    except Exception as error:
        raise UnavailableError(
            f"The source could not be used: {type(error).__name__}. The log has the details."
        ) from error
