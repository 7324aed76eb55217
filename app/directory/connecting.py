"""How a source is reached: its kind, settings and opened secrets."""

from collections.abc import Callable, Mapping

from app.directory.models import Source
from app.kernel.errors import ConflictError
from app.kernel.phrases import phrase
from app.kernel.sealed import SealKey
from app.kernel.uow import Reading
from connectors.port import Connector

Connect = Callable[[str, Mapping[str, str], Mapping[str, str]], Connector]


def purpose(source_public_id: str) -> str:
    """Return what the secrets of a source are sealed for."""
    return f"source:{source_public_id}"


def connection(
    reading: Reading, source_id: int, seal: SealKey
) -> tuple[str, dict[str, str], dict[str, str]]:
    """Return kind, settings and opened secrets of a source, for those who reach out to it.

    Args:
        reading: The store.
        source_id: Internal key of the source.
        seal: Opens the secrets.

    Raises:
        ConflictError: The source is disabled or removed.
        SealError: The secrets were sealed under another key.
    """
    source = reading.session.get_one(Source, source_id)
    if not source.is_enabled:
        raise ConflictError(phrase("The source %(source)s is disabled.", source=source.name))
    secrets = seal.open_mapping(purpose(source.public_id), source.sealed_secrets)
    return source.kind, dict(source.settings), secrets
