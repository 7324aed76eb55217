"""The settings of this instance, for those who run it: what is set, and what it means.

Read only: settings come from the environment. What each means is told by the same source as
`docs/reference/settings.md`; of a secret it is only told whether there is one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy.engine import make_url

from app.kernel.actor import Permission
from app.kernel.settings import NAMES, PREFIX, SECRETS, Settings, meanings
from app.kernel.uow import Reading
from app.web import pages
from app.web.scope import doors

blp = pages.pages("instance", __name__)


@dataclass(frozen=True, slots=True)
class SettingRow:
    """One setting.

    Attributes:
        name: Of its variable in the environment.
        meaning: What it decides.
        value: As text; None if it is not set, or a secret.
        is_secret: Whether its value is never shown.
        is_set: Whether there is one.
    """

    name: str
    meaning: str
    value: str | None
    is_secret: bool
    is_set: bool


@pages.page(blp, "/settings")
def settings(reading: Reading) -> str:
    """Show every setting."""
    return pages.render("web/settings.html", settings=listed(reading, doors().settings))


def listed(reading: Reading, of: Settings) -> list[SettingRow]:
    """List every setting, in the order of their names."""
    reading.actor.require(Permission.SETTINGS_READ)
    told = meanings()
    known = {each.name for each in fields(of)}
    names = sorted(name.lower() for name in NAMES)
    return [_row(name, told[name], getattr(of, name)) for name in names if name in known]


def _row(name: str, meaning: str, value: Any) -> SettingRow:
    is_secret = name in SECRETS
    is_set = value not in (None, "", {})
    shown = None if is_secret or not is_set else _shown(name, value)
    return SettingRow(PREFIX + name.upper(), meaning, shown, is_secret, is_set)


def _shown(name: str, value: Any) -> str:
    """Write a value without what may be secret in it: passwords and queries of addresses."""
    if name == "database_url":
        url = make_url(value)
        place = f"{url.host}/{url.database}" if url.host else str(url.database)
        return f"{url.get_backend_name()}: {place}"
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Mapping):
        return ", ".join(f"{each} → {role}" for each, role in value.items())
    text = str(value)
    return _without_secrets(text) if "://" in text else text


def _without_secrets(address: str) -> str:
    parts = urlsplit(address)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()
