"""Files of bundles do not stay for ever: after so many days one is removed, and that is recorded.

The bundle itself, its digest, its checks and who took it away stay told of; a file handed over
cannot be called back.
"""

from datetime import timedelta
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from app import events
from app.audit.bundles import FOLDER, bundle_path
from app.audit.domain import BundleState
from app.audit.models import Bundle
from app.kernel.uow import Transactions

AT_ONCE: Final = 100


def tick(tx: Transactions, home: Path, days: int | None) -> None:
    """Remove the files of bundles that are older than they are kept.

    Args:
        tx: The store.
        home: Bundles are kept in its folder `bundles`.
        days: How long; None keeps them for ever.
    """
    if days is None:
        return
    with tx.write() as uow:
        over = list(
            uow.session.scalars(
                sa.select(Bundle)
                .where(
                    Bundle.state == BundleState.READY,
                    Bundle.removed_at.is_(None),
                    Bundle.built_at < uow.now - timedelta(days=days),
                )
                .order_by(Bundle.id)
                .limit(AT_ONCE)
            )
        )
        for each in over:
            each.removed_at = uow.now
            uow.record(
                events.BundleFileRemoved(
                    subject=each.public_id, sha256=each.sha256 or "", kept_days=days
                )
            )
    _remove(tx, home)


def _remove(tx: Transactions, home: Path) -> None:
    """Remove what was recorded as removed, also where a stop came in between."""
    there = {path.stem for path in (home / FOLDER).glob("*.zip")}
    if not there:
        return
    with tx.read() as reading:
        gone = sa.select(Bundle.public_id).where(
            Bundle.removed_at.is_not(None), Bundle.public_id.in_(there)
        )
        names = list(reading.session.scalars(gone))
    for name in names:
        bundle_path(home, name).unlink(missing_ok=True)
