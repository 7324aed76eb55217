"""The command on how a source is read: when by itself, and how much a read may end."""

from collections.abc import Mapping
from types import MappingProxyType

from app import events
from app.directory.models import Source
from app.directory.service.sources import live_source
from app.kernel.actor import Permission
from app.kernel.errors import ConflictError, InvalidInputError, NothingToChangeError
from app.kernel.uow import UnitOfWork

# Least and most of each rule. Reading all of it again cannot be switched off.
RULES: Mapping[str, tuple[int, int]] = MappingProxyType(
    {
        "delta_minutes": (0, 1440),
        "full_hours": (1, 168),
        "most_accounts_percent": (0, 100),
        "most_memberships_percent": (0, 100),
        "most_of_group_percent": (0, 100),
        "large_group": (1, 1_000_000),
        "log_days": (0, 90),
    }
)


def set_reading(
    uow: UnitOfWork, *, name: str, rules: Mapping[str, int], version: int | None = None
) -> Source:
    """Change when a source is read by itself, and how much a read may end without a person.

    Args:
        uow: The unit of work.
        name: The source.
        rules: Only what changes, by the names of `RULES`.
        version: What the caller looked at, or None to change whatever is there.

    Raises:
        NotFoundError: There is no such source.
        InvalidInputError: A rule is unknown, or out of bounds.
        NotFreshError: The actor signed in too long ago.
        ConflictError: Somebody changed it since.
        NothingToChangeError: It says so already.
    """
    uow.actor.require(Permission.SOURCE_WRITE)
    uow.actor.require_fresh(uow.now)
    source = live_source(uow, name)
    if version is not None and version != source.version:
        raise ConflictError("Somebody changed this since.", current={"version": source.version})
    wrong = {key: why for key, value in rules.items() if (why := _wrong(key, value)) is not None}
    if wrong:
        raise InvalidInputError(wrong)
    changed = {key: value for key, value in rules.items() if getattr(source, key) != value}
    if not changed:
        raise NothingToChangeError(f"The source {name} is read exactly like this already.")
    for key, value in changed.items():
        setattr(source, key, value)
    uow.record(events.SourceReadingSet(subject=source.public_id, rules=changed))
    uow.session.flush()
    return source


def _wrong(key: str, value: int) -> str | None:
    if key not in RULES:
        return f"There is no such rule; there are {', '.join(RULES)}."
    least, most = RULES[key]
    return None if least <= value <= most else f"A whole number from {least} to {most}."
