"""How far a read has come, told while it is under way, in a transaction of its own.

What is told is what has been counted, at most once a second and in the run's own row; a read that
takes less tells nothing. No share of the whole is told: how much there is, only the end shows.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from app.directory.domain import SyncState
from app.directory.models import SyncRun
from app.kernel.uow import Transactions
from connectors.records import ReadReport

EVERY = timedelta(seconds=1)
logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Progress:
    """What one run tells while it reads.

    Attributes:
        tx: Opens transactions.
        run_id: Public id of the run.
        begun_at: When it began to read.
    """

    tx: Transactions
    run_id: str
    begun_at: datetime
    _told_at: datetime = field(init=False)

    def __post_init__(self) -> None:
        """Wait a second before the first word."""
        self._told_at = self.begun_at

    def counted(self, counts: Mapping[str, int]) -> None:
        """Tell what was read so far, if the last word is a second old."""
        if self.tx.clock.now() - self._told_at >= EVERY:
            self._tell(counts=dict(counts))

    def ended(self, counts: Mapping[str, int], report: ReadReport | None) -> None:
        """Tell that all is read and is being compared and stored, if anything was told before."""
        if report is not None and self._told_at != self.begun_at:
            self._tell(counts=dict(counts), endpoint=report.endpoint, account=report.account)

    def _tell(self, **values: Any) -> None:
        self._told_at = self.tx.clock.now()
        told = (
            sa.update(SyncRun)
            .where(SyncRun.public_id == self.run_id, SyncRun.state == SyncState.RUNNING)
            .values(**values)
        )
        try:
            with self.tx.write() as uow:
                uow.session.execute(told.execution_options(synchronize_session=False))
        except OperationalError:  # the store is busy: the next word will do
            logger.info("the progress of %s could not be told", self.run_id, exc_info=True)
