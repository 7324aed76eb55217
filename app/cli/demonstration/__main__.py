"""`make run`: a demonstration in `var/`, filled once and kept, served on loopback."""

import os
import sys

import click

from app.cli import demo
from app.cli.main import attestry
from app.cli.output import run
from app.kernel.errors import ConflictError
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
        click.echo("Telling four months of a company of 400 people; this happens once.", err=True)
        try:
            found = demo.fill(settings)
        except ConflictError as refusal:
            click.echo(refusal.detail, err=True)
            return 1
    click.echo(f"\n{demo.shown(found, settings.base_url)}\n")
    click.echo(f"Attestry is at {settings.base_url}, its API at {settings.base_url}/api/docs.")
    click.echo("Both sources are simulated: their state is a file each. Stop with Ctrl+C.\n")
    sys.stdout.flush()
    return run(attestry, ["serve", "--port", port])


if __name__ == "__main__":
    sys.exit(main())
