"""What auditors looked at: every page and every answer of theirs leaves an entry in the ledger.

A look that was refused is one, too: what somebody tried to see is told like what they saw.
"""

import re
from collections.abc import Mapping
from typing import Final

from app import events
from app.kernel.actor import Actor, Role
from app.kernel.uow import Transactions

PLAIN: Final = re.compile(
    r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    r"|\d{4}-\d\d-\d\d(T[0-9:.]+(Z|[+-]\d\d:\d\d)?)?"  # as typed on a page: without a zone
)


def plain(asked: Mapping[str, str]) -> dict[str, str]:
    """Return what of an address's questions may be told: ids, days and moments, nothing typed."""
    return {name: value for name, value in asked.items() if PLAIN.fullmatch(value)}


def note(
    tx: Transactions,
    actor: Actor,
    door: str,
    about: Mapping[str, str],
    *,
    is_refused: bool = False,
) -> None:
    """Record that an auditor looked at something; others' looks are not kept.

    Args:
        tx: The store.
        actor: Who looked.
        door: Which page or path, as the code knows it.
        about: The ids in its address. What was typed into a search is not kept: it may name
            somebody.
        is_refused: They were not shown it.
    """
    if Role.AUDITOR not in actor.roles:
        return
    with tx.write(actor) as uow:
        uow.record(
            events.AuditorLooked(
                subject=actor.public_id,
                door=door,
                about=dict(about),
                is_refused=is_refused,
            )
        )
