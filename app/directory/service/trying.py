"""Try settings of a source before they are kept: between transactions, changing nothing."""

from collections.abc import Mapping

from app.directory.connecting import Connect, purpose
from app.directory.service.sources import live_source
from app.kernel.actor import Actor, Permission
from app.kernel.errors import ConflictError, InvalidInputError
from app.kernel.sealed import SealKey
from app.kernel.uow import Transactions
from connectors.errors import ConnectorError, MisconfiguredError
from connectors.records import CheckReport


def try_settings(
    connect: Connect,
    *,
    kind: str,
    settings: Mapping[str, str],
    secrets: Mapping[str, str],
    actor: Actor,
) -> CheckReport:
    """Try everything a source with these settings would be asked to do.

    Args:
        connect: Makes connectors.
        kind: A kind the registry knows.
        settings: Its settings.
        secrets: Its secrets.
        actor: Who asks.

    Raises:
        NotPermittedError: They may not.
        InvalidInputError: A key is unknown, missing or malformed.
        ConflictError: The source cannot be reached or used at all.
    """
    actor.require(Permission.SOURCE_WRITE)
    try:
        connector = connect(kind, settings, secrets)
        try:
            return connector.check()
        finally:
            connector.close()
    except MisconfiguredError as error:
        if error.key:
            raise InvalidInputError({error.key: str(error)}) from error
        raise ConflictError(str(error)) from error
    except ConnectorError as error:
        raise ConflictError(str(error)) from error


def try_change(
    tx: Transactions,
    connect: Connect,
    seal: SealKey,
    *,
    name: str,
    settings: Mapping[str, str],
    secrets: Mapping[str, str],
    actor: Actor,
) -> CheckReport:
    """Try a source with some of its settings or secrets changed, as `set_source` would leave it.

    Args:
        tx: Opens transactions.
        connect: Makes connectors.
        seal: Opens the secrets.
        name: The source.
        settings: Only what changes; an empty one is taken away.
        secrets: Only what changes.
        actor: Who asks.

    Raises:
        NotPermittedError: They may not.
        NotFreshError: They signed in too long ago.
        NotFoundError: There is no such source.
        InvalidInputError: A key is unknown, missing or malformed.
        ConflictError: The source cannot be reached or used at all.
    """
    actor.require(Permission.SOURCE_WRITE)
    with tx.read(actor) as reading:
        actor.require_fresh(reading.now)  # secrets that are kept go to an address just typed
        source = live_source(reading, name)
        kind, had = source.kind, dict(source.settings)
        sealed = seal.open_mapping(purpose(source.public_id), source.sealed_secrets)
    return try_settings(
        connect,
        kind=kind,
        settings={key: each for key, each in {**had, **settings}.items() if each},
        secrets={key: each for key, each in {**sealed, **secrets}.items() if each},
        actor=actor,
    )
