"""`attestry demo`: fill an empty instance with the demonstration company.

A home that is being filled is marked as such before anything else is written, so that one whose
filling was cut off can be told from somebody's data, and only such a one is ever begun anew.
"""

import json
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from app.cli.main import Local
from app.cli.output import answers, table
from app.kernel.errors import ConflictError
from app.kernel.settings import Mode, Settings

PERSONAS = "personas.json"
MARKER = "being-filled"
KEYS = frozenset({"secret.key", "seal.key"})
PRIVATE = 0o600
PRIVATE_FOLDER = 0o700


@click.command()
@click.pass_obj
@answers
def demo(_local: Local) -> tuple[Any, str]:
    """Fill an empty instance with the demonstration company."""
    settings = Settings.from_env()
    found = fill(settings)
    return found, shown(found, settings.base_url)


def fill(settings: Settings) -> list[dict[str, str]]:
    """Fill an instance, and keep how its personas come in beside it.

    Args:
        settings: Of an instance that does not exist yet.

    Returns:
        Role, name, token and sign-in link of each persona.

    Raises:
        ConflictError: The instance is a production one, or holds something already.
    """
    if settings.mode is not Mode.DEMONSTRATION:
        raise ConflictError("Only a demonstration is filled: set ATTESTRY_MODE=demonstration.")
    make_room(settings.home)
    from app.cli.demonstration.story import tell

    marker = settings.home / MARKER
    marker.touch(mode=PRIVATE)
    personas = [asdict(each) for each in tell(settings)]
    kept = settings.home / PERSONAS
    kept.touch(mode=PRIVATE)
    kept.write_text(json.dumps(personas, ensure_ascii=False, indent=1), encoding="utf-8")
    marker.unlink()
    return personas


def make_room(home: Path) -> None:
    """Make sure that a home is empty but for keys; one whose filling was cut off is emptied.

    Raises:
        ConflictError: It holds what the demonstration has not put there.
    """
    home.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
    if (home / PERSONAS).exists() and not (home / MARKER).exists():
        raise ConflictError(f"{home} holds a demonstration already.")
    others = sorted(each.name for each in home.iterdir() if each.name not in KEYS)
    if others and MARKER not in others:
        raise ConflictError(
            f"{home} holds {others[0]}, which is no demonstration's: nothing was touched. "
            "Name an empty folder in ATTESTRY_HOME, or move this one away."
        )
    for each in home.iterdir():
        if each.name in {*KEYS, MARKER}:
            continue
        if each.is_dir() and not each.is_symlink():
            shutil.rmtree(each)
        else:
            each.unlink()


def personas(home: Path) -> list[dict[str, str]] | None:
    """Return the personas of a demonstration that was filled to its end, or None."""
    kept = home / PERSONAS
    if not kept.exists() or (home / MARKER).exists():
        return None
    found: list[dict[str, str]] = json.loads(kept.read_text(encoding="utf-8"))
    return found


def shown(found: list[dict[str, str]], base_url: str) -> str:
    """Lay out the personas for a terminal: how each signs in, then the tokens."""
    links = [
        (each["role"], each["name"], base_url + each["link"]) for each in found if each.get("link")
    ]
    tokens = [(each["role"], each["name"], each["token"]) for each in found]
    told = [table(("persona", "who", "API token"), tokens)]
    if links:
        told.insert(0, table(("persona", "who", "sign-in link (this demonstration's only)"), links))
    return "\n\n".join(told)
