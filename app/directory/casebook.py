"""Keep the cases in step with what correlation doubts: open new ones, end those that are gone."""

from collections.abc import Callable, Sequence
from typing import Any

import sqlalchemy as sa

from app import events
from app.directory.candidates import Doubt
from app.directory.domain import CaseState
from app.directory.models import Case
from app.kernel.uow import UnitOfWork


def keep(uow: UnitOfWork, subject: str, doubts: Sequence[Doubt], key: Callable[[int], int]) -> None:
    """Open a case for each doubt that has none, and end those nobody doubts any more.

    A constant number of statements, whatever the number of cases.

    Args:
        uow: The unit of work.
        subject: Public id of what caused this, for the ledger.
        doubts: All there are now.
        key: Returns the key of an identity that was just made.
    """
    rows = uow.session.execute(
        sa.select(Case.id, Case.account_id, Case.code, Case.candidates, Case.version).where(
            Case.settled_at.is_(None)
        )
    ).all()
    known = {row.account_id: row for row in rows}
    opened: list[dict[str, Any]] = []
    changed: list[dict[str, Any]] = []
    wanted = {each.account_id: each for each in doubts}
    for account_id, doubt in wanted.items():
        candidates = [key(each) for each in doubt.candidates]
        had = known.get(account_id)
        if had is None:
            opened.append(
                {
                    "public_id": uow.ids.new(),
                    "account_id": account_id,
                    "code": doubt.code,
                    "detail": doubt.detail,
                    "candidates": candidates,
                    "state": CaseState.OPEN,
                    "opened_at": uow.now,
                    "version": 1,
                }
            )
        elif (had.code, had.candidates) != (doubt.code, candidates):
            changed.append(
                {
                    "b_id": had.id,
                    "code": doubt.code,
                    "detail": doubt.detail,
                    "candidates": candidates,
                    "version": had.version + 1,
                }
            )
    gone = [
        {"b_id": row.id, "state": CaseState.GONE, "settled_at": uow.now, "version": row.version + 1}
        for account_id, row in known.items()
        if account_id not in wanted
    ]
    table: Any = Case.__table__
    if opened:
        uow.session.execute(sa.insert(table), opened)
    for some in (changed, gone):
        if some:
            values: dict[str, Any] = {
                name: sa.bindparam(name) for name in some[0] if name != "b_id"
            }
            statement = sa.update(table).where(table.c.id == sa.bindparam("b_id")).values(values)
            uow.session.connection().execute(statement, some)
    if opened or changed or gone:
        uow.record(
            events.CasesFound(
                subject=subject, opened=len(opened), changed=len(changed), gone=len(gone)
            )
        )
