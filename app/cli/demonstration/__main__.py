"""`make run`: a demonstration in `var/`, filled once and kept, served on loopback."""

import os
import shutil
import sys
from pathlib import Path

import click

from app.cli import demo
from app.cli.main import attestry
from app.cli.output import run
from app.kernel.settings import Settings

PORT = "8000"


def main() -> int:
    """Fill the demonstration if it is not there, say how to come in, and serve it."""
    os.environ.setdefault("ATTESTRY_MODE", "demonstration")
    port = os.environ.pop("PORT", PORT)
    os.environ.setdefault("ATTESTRY_BASE_URL", f"http://127.0.0.1:{port}")
    settings = Settings.from_env()
    found = demo.personas(settings.home)
    if found is None:
        _clear_half_done(settings.home)
        click.echo("Telling four months of a company of 400 people; this happens once.", err=True)
        settings = Settings.from_env()
        found = demo.fill(settings)
    click.echo(f"\n{demo.shown(found)}\n")
    click.echo(f"Attestry is at {settings.base_url}, its API at {settings.base_url}/api/docs.")
    click.echo("Both sources are simulated: their state is a file each. Stop with Ctrl+C.\n")
    sys.stdout.flush()
    return run(attestry, ["serve", "--port", port])


def _clear_half_done(home: Path) -> None:
    """Begin anew if an earlier filling was cut off: it is all or nothing."""
    if home.exists() and any(home.iterdir()):
        shutil.rmtree(home)


if __name__ == "__main__":
    sys.exit(main())
