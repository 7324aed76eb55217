"""`attestry demo`: fill an empty instance with the demonstration company."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from app.cli.main import Local
from app.cli.output import answers, table
from app.kernel.errors import ConflictError
from app.kernel.settings import Mode, Settings

PERSONAS = "personas.json"
PRIVATE = 0o600


@click.command()
@click.pass_obj
@answers
def demo(_local: Local) -> tuple[Any, str]:
    """Fill an empty instance with the demonstration company."""
    found = fill(Settings.from_env())
    return found, shown(found)


def fill(settings: Settings) -> list[dict[str, str]]:
    """Fill an instance, and keep the personas' tokens beside it.

    Args:
        settings: Of an instance that does not exist yet.

    Returns:
        Role, name and token of each persona.

    Raises:
        ConflictError: The instance is a production one, or holds something already.
    """
    if settings.mode is not Mode.DEMONSTRATION:
        raise ConflictError("Only a demonstration is filled: set ATTESTRY_MODE=demonstration.")
    kept = settings.home / PERSONAS
    if kept.exists():
        raise ConflictError(f"{settings.home} holds a demonstration already.")
    from app.cli.demonstration.story import tell

    personas = [asdict(each) for each in tell(settings)]
    kept.touch(mode=PRIVATE)
    kept.write_text(json.dumps(personas, ensure_ascii=False, indent=1), encoding="utf-8")
    return personas


def personas(home: Path) -> list[dict[str, str]] | None:
    """Return the personas of a demonstration that was filled, or None."""
    kept = home / PERSONAS
    if not kept.exists():
        return None
    found: list[dict[str, str]] = json.loads(kept.read_text(encoding="utf-8"))
    return found


def shown(found: list[dict[str, str]]) -> str:
    """Lay out the personas for a terminal."""
    rows = [(each["role"], each["name"], each["token"]) for each in found]
    return table(("persona", "who", "API token"), rows)
