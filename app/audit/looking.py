"""What auditors looked at: every page and every answer of theirs leaves an entry in the ledger."""

from collections.abc import Mapping

from app import events
from app.kernel.actor import Actor, Role
from app.kernel.uow import Transactions


def note(tx: Transactions, actor: Actor, door: str, about: Mapping[str, object]) -> None:
    """Record that an auditor looked at something; others' looks are not kept.

    Args:
        tx: The store.
        actor: Who looked.
        door: Which page or path, as the code knows it.
        about: The ids in its address. What was typed into a search is not kept: it may name
            somebody.
    """
    if Role.AUDITOR not in actor.roles:
        return
    with tx.write(actor) as uow:
        uow.record(
            events.AuditorLooked(
                subject=actor.public_id,
                door=door,
                about={name: str(value) for name, value in about.items()},
            )
        )
