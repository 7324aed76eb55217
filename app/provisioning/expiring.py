"""Access whose time has run out is ended: a decision made when it was granted."""

from app.grants import service as grants
from app.grants.domain import EndCause
from app.kernel.errors import NothingToChangeError
from app.kernel.uow import Transactions


def tick(tx: Transactions) -> int:
    """End every right whose time has run out; called once a minute.

    Returns:
        How many were ended.
    """
    with tx.read() as reading:
        due = [
            (each.account_id, each.group_id, each.public_id) for each in grants.due_to_end(reading)
        ]
    ended = 0
    for account_id, group_id, grant in due:
        with tx.write() as uow:
            try:
                grants.end(
                    uow,
                    account_id=account_id,
                    group_id=group_id,
                    cause=EndCause.EXPIRY,
                    cause_ref=grant,
                )
                ended += 1
            except NothingToChangeError:  # somebody ended it in the meantime
                continue
    return ended
