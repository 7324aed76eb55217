"""Read a source's settings strictly: unknown keys are refused by name, missing ones are named."""

from collections.abc import Mapping, Sequence

from connectors.errors import MisconfiguredError
from connectors.port import SettingKey

TRUE = frozenset({"true", "yes", "on", "1"})
FALSE = frozenset({"false", "no", "off", "0"})


def check_keys(
    kind: str,
    keys: Sequence[SettingKey],
    settings: Mapping[str, str],
    secrets: Mapping[str, str],
) -> None:
    """Refuse what a kind does not know, what is missing, and a secret given in the open.

    Args:
        kind: The kind's name, for the sentence.
        keys: What it knows.
        settings: As given to `--set`.
        secrets: As given to `--secret`.

    Raises:
        MisconfiguredError: Naming the first key that is wrong, and what is allowed.
    """
    known = {key.name: key for key in keys}
    for name in (*settings, *secrets):
        if name not in known:
            raise MisconfiguredError(
                f"{kind} knows no key {name!r}; it knows {', '.join(known)}.", key=name
            )
    for name in settings:
        if known[name].is_secret:
            raise MisconfiguredError(
                f"{name} is a secret: give it by --secret {name}=FILE.", key=name
            )
    for name in secrets:
        if not known[name].is_secret:
            raise MisconfiguredError(f"{name} is no secret: give it by --set {name}=…", key=name)
    given = {**settings, **secrets}
    for key in keys:
        if key.is_required and not given.get(key.name, "").strip():
            raise MisconfiguredError(f"{kind} needs {key.name}: {key.help}", key=key.name)


def as_bool(settings: Mapping[str, str], name: str, *, default: bool = False) -> bool:
    """Return a yes-or-no setting.

    Raises:
        MisconfiguredError: It is neither.
    """
    value = settings.get(name)
    if value is None:
        return default
    if value.lower() in TRUE:
        return True
    if value.lower() in FALSE:
        return False
    raise MisconfiguredError(f"{name} is true or false.", key=name)


def as_int(settings: Mapping[str, str], name: str, *, default: int, least: int, most: int) -> int:
    """Return a whole number within bounds.

    Raises:
        MisconfiguredError: It is none, or outside.
    """
    value = settings.get(name)
    if value is None:
        return default
    if not value.isascii() or not value.isdigit() or not least <= int(value) <= most:
        raise MisconfiguredError(f"{name} is a whole number from {least} to {most}.", key=name)
    return int(value)
