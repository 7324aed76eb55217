"""`attestry`: every command of `docs/reference/command-line.md`, and the house they work on."""

import importlib
import sys
from dataclasses import dataclass

import click
from typing_extensions import override

from app.cli import output
from app.kernel import standing
from app.kernel.actor import SYSTEM, Actor
from app.kernel.settings import Settings
from app.kernel.standing import Standing
from app.wiring import House, build

# Command to the module that holds it; a module is only imported when its command is used, so that
# `attestry evidence verify` does not pay for a database it never opens.
COMMANDS = {
    "init": "app.cli.init",
    "demo": "app.cli.demo",
    "serve": "app.cli.serve",
    "web": "app.cli.serve",
    "worker": "app.cli.serve",
    "source": "app.cli.source",
    "sync": "app.cli.sync",
    "identity": "app.cli.identity",
    "group": "app.cli.identity",
    "token": "app.cli.token",
    "link": "app.cli.link",
    "role": "app.cli.role",
    "account": "app.cli.account",
    "case": "app.cli.account",
    "rules": "app.cli.account",
    "task": "app.cli.task",
    "policy": "app.cli.policy",
    "campaign": "app.cli.campaign",
    "evidence": "app.cli.evidence",
    "ledger": "app.cli.ledger",
    "key": "app.cli.key",
}


@dataclass(slots=True)
class Local:
    """What a command is handed: the house, opened at first use, and who acts.

    Whoever may run commands on this machine can read its keys; so the command line acts as the
    system itself, and the ledger says so.
    """

    opened: House | None = None
    actor: Actor = SYSTEM

    @property
    def house(self) -> House:
        """The house, opened once; one that is not of this version is refused before that."""
        return self._open(standing.CURRENT)

    @property
    def upgradable(self) -> House:
        """The same for who makes and upgrades it: anything but a newer one."""
        return self._open(standing.UPGRADABLE)

    @property
    def unchecked(self) -> House:
        """The same for who looks for themselves: the web, which says so at `/readyz`."""
        return self._open(None)

    def _open(self, wanted: frozenset[Standing] | None) -> House:
        if self.opened is None:
            settings = Settings.from_env()
            if wanted is not None:
                standing.require(settings.database_url, wanted)
            self.opened = build(settings)
        return self.opened


class Commands(click.Group):
    """Finds a command in its module."""

    @override
    def list_commands(self, _ctx: click.Context) -> list[str]:
        """Return the names, in the order of the documentation."""
        return list(COMMANDS)

    @override
    def get_command(self, _ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the module of a command."""
        if cmd_name not in COMMANDS:
            return None
        found: click.Command = getattr(importlib.import_module(COMMANDS[cmd_name]), cmd_name)
        return found


@click.group(cls=Commands)
@click.pass_context
def attestry(ctx: click.Context) -> None:
    """Access governance, with evidence that needs no trust."""
    if ctx.obj is None:
        ctx.obj = Local()


def main() -> None:
    """Run the command line and end the process with its code."""
    sys.exit(output.run(attestry))


if __name__ == "__main__":
    main()
