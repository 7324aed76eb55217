"""A new seal key: everything that is sealed is sealed anew under it, then the old one is dropped.

Three steps, each whole or not done, so that a process may die between any two of them and the same
command goes on where it stopped: the new key joins the old one in the file; one transaction seals
every value anew; once nothing is left under an old key, the old ones go. Processes that run
meanwhile read the changed file by themselves.
"""

import base64
from collections.abc import Iterator

import sqlalchemy as sa

from app import events
from app.audit.models import SigningKey
from app.audit.signing import ELSEWHERE
from app.audit.signing import sealed_for as key_sealed_for
from app.directory.connecting import purpose as source_sealed_for
from app.directory.models import Source
from app.kernel.actor import Actor, Permission
from app.kernel.idempotency import SEALED, StoredAnswer
from app.kernel.kept import KeptForm
from app.kernel.sealed import SealKey
from app.kernel.uow import Transactions, UnitOfWork

SEAL = "seal"
Value = Source | SigningKey | KeptForm | StoredAnswer


def rotate(tx: Transactions, seal: SealKey, actor: Actor) -> int:
    """Make a new seal key, seal everything anew under it, and drop the old one.

    Args:
        tx: The store.
        seal: The keys, with the file they came from.
        actor: Who asks.

    Returns:
        How many values were sealed anew.

    Raises:
        NotPermittedError: The actor may not.
        SealError: The file cannot be written, or a value cannot be opened; nothing is lost.
    """
    actor.require(Permission.KEY_ROTATE)
    if not seal.older_ids:  # else an earlier rotation stopped on its way: go on with its key
        seal.add_newest()
    total = 0
    while done := seal_anew(tx, seal, actor):  # again, for what others sealed meanwhile
        total += done
    seal.forget_older()
    return total


def seal_anew(tx: Transactions, seal: SealKey, actor: Actor) -> int:
    """Seal in one transaction what is not under the newest key; returns how much that was."""
    with tx.write(actor) as uow:
        old = [each for each in _values(uow) if not seal.is_newest(_sealed(each))]
        for each in old:
            _put(each, seal.seal(_purpose(each), seal.open(_purpose(each), _sealed(each))))
        if old:
            uow.record(events.KeyMade(subject=uow.ids.new(), purpose=SEAL, key_id=seal.newest_id))
            for key_id in seal.older_ids:
                uow.record(events.KeyRetired(subject=uow.ids.new(), purpose=SEAL, key_id=key_id))
    return len(old)


def _values(uow: UnitOfWork) -> Iterator[Value]:
    """Return every row that holds something sealed, locked."""
    for statement in (
        sa.select(Source).where(Source.sealed_secrets.is_not(None)),
        sa.select(SigningKey).where(SigningKey.sealed.not_in(ELSEWHERE)),
        sa.select(KeptForm),
        sa.select(StoredAnswer).where(StoredAnswer.body.startswith(SEALED)),
    ):
        yield from uow.session.scalars(statement.with_for_update())


def _sealed(row: Value) -> bytes:
    match row:
        case Source():
            return row.sealed_secrets or b""
        case StoredAnswer():
            return base64.b64decode(row.body.removeprefix(SEALED))
        case _:
            return row.sealed


def _put(row: Value, sealed: bytes) -> None:
    match row:
        case Source():
            row.sealed_secrets = sealed
        case StoredAnswer():
            row.body = SEALED + base64.b64encode(sealed).decode()
        case _:
            row.sealed = sealed


def _purpose(row: Value) -> str:
    match row:
        case Source():
            return source_sealed_for(row.public_id)
        case SigningKey():
            return key_sealed_for(row.public_id)
        case _:
            return row.sealed_for
