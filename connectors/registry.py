"""Kind of source to the code that speaks it. Third parties join by the entry point group.

A kind is imported when it is first used: the SDKs behind some of them are large.
"""

import importlib
from collections.abc import Callable, Mapping
from datetime import datetime
from importlib.metadata import entry_points

from connectors.errors import MisconfiguredError
from connectors.guarded import Guarded
from connectors.port import Connector, Kind
from connectors.settings import check_keys

GROUP = "attestry.connectors"
BUILT_IN = {
    "active_directory": "connectors.active_directory.connector:KIND",
    "openldap": "connectors.openldap.connector:KIND",
    "hr_csv": "connectors.hr_csv.connector:KIND",
    "okta": "connectors.okta.connector:KIND",
    "memory": "connectors.memory.connector:KIND",
}


def kind_names() -> tuple[str, ...]:
    """Return the names of every kind that can be connected."""
    return (*BUILT_IN, *(each.name for each in entry_points(group=GROUP)))


def kind(name: str) -> Kind:
    """Return a kind by its name.

    Raises:
        MisconfiguredError: There is none of that name; the message lists those there are.
    """
    target = BUILT_IN.get(name)
    if target is None:
        found = [each for each in entry_points(group=GROUP) if each.name == name]
        if not found:
            raise MisconfiguredError(
                f"There is no kind {name!r}; there are {', '.join(kind_names())}.", key="kind"
            )
        loaded: Kind = found[0].load()
        return loaded
    module, _, attribute = target.partition(":")
    built_in: Kind = getattr(importlib.import_module(module), attribute)
    return built_in


def connect(
    name: str,
    settings: Mapping[str, str],
    secrets: Mapping[str, str],
    *,
    now: Callable[[], datetime],
) -> Connector:
    """Make a connector, guarded: nothing but `ConnectorError` comes out of it.

    Args:
        name: The kind.
        settings: Its settings.
        secrets: Its secrets, opened.
        now: The time, for what expires.

    Raises:
        MisconfiguredError: A key is unknown, missing or malformed.
    """
    found = kind(name)
    check_keys(name, found.keys, settings, secrets)
    return Guarded(found.connect(settings, secrets, now=now))
