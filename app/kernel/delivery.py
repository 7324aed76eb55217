"""An event, as its listeners are told of it: from the ledger, after the commit, at least once."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
import sqlalchemy as sa

from app.kernel.errors import NotFoundError
from app.kernel.ledger import LedgerEntry
from app.kernel.phrases import phrase
from app.kernel.uow import Transactions


@dataclass(frozen=True, slots=True)
class Delivery:
    """What happened.

    Attributes:
        entry_id: Public id of the ledger entry; the same for every repetition.
        kind: The event's dotted name.
        subject: Public id of what it happened to.
        actor: Public id of who did it.
        data: The event's plain fields.
    """

    entry_id: str
    kind: str
    subject: str
    actor: str
    data: Mapping[str, Any]


Handler = Callable[[Transactions, Delivery], None]


def deliver(tx: Transactions, handlers: Mapping[str, Handler], payload: Mapping[str, str]) -> None:
    """Tell one listener of one event; the runner of `deliver` jobs.

    Args:
        tx: Handed on to the handler.
        handlers: Listener name to function.
        payload: `entry` and `listener`, as `UnitOfWork.record` wrote them.

    Raises:
        NotFoundError: There is no such entry.
    """
    with tx.read() as reading:
        row = reading.session.execute(
            sa.select(LedgerEntry.public_id, LedgerEntry.body).where(
                LedgerEntry.public_id == payload["entry"]
            )
        ).one_or_none()
    if row is None:
        raise NotFoundError(
            phrase("There is no ledger entry %(payload)s.", payload=payload["entry"])
        )
    told = orjson.loads(row.body)
    handlers[payload["listener"]](
        tx,
        Delivery(
            entry_id=row.public_id,
            kind=told["kind"],
            subject=told["subject"],
            actor=told["actor"],
            data=told["data"],
        ),
    )
