"""`make docs`: the pages of `docs/reference` that follow from the code.

Each is written whole; a test fails when one is missing or stale. What people write by hand stands
on other pages.
"""

import dataclasses
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import click

from app import events
from app.cli.main import COMMANDS, attestry
from app.kernel import settings
from app.kernel.actor import LIMITED, PERMISSIONS, Permission, Role
from app.kernel.event import PERSONAL
from connectors.registry import kind, kind_names
from policies.document import builtin_text

DOCS = Path(__file__).parents[2] / "docs" / "reference"
TOLD = "This page follows from the code; `make docs` writes it."


def command_line() -> str:
    """Every command with its real `--help`."""
    parts = ["# Command line", "", TOLD, ""]
    for path, command in _commands(attestry, ("attestry",)):
        context = click.Context(command, info_name=" ".join(path))
        parts += [f"## `{' '.join(path)}`", "", "```", command.get_help(context), "```", ""]
    return "\n".join(parts)


def _commands(
    group: click.Group, path: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is None:
            continue
        yield (*path, name), command
        if isinstance(command, click.Group):
            yield from _commands(command, (*path, name))


def event_list() -> str:
    """Every event: what it tells in clear, and what it only commits to."""
    parts = [
        "# Events",
        "",
        "What the ledger tells, in flow order. Fields in clear are opaque ids, states, counts,",
        f"digests and times; of the others the entry holds a salted commitment only. {TOLD}",
        "",
        "| event | means | in clear | committed |",
        "| --- | --- | --- | --- |",
    ]
    for name, event in events.EVENTS.items():
        fields = [each for each in dataclasses.fields(event) if each.name != "subject"]
        clear = [f"`{each.name}`" for each in fields if not each.metadata.get(PERSONAL)]
        hidden = [f"`{each.name}`" for each in fields if each.metadata.get(PERSONAL)]
        told = (event.__doc__ or "").split("\n")[0]
        parts.append(f"| `{name}` | {told} | {', '.join(clear)} | {', '.join(hidden)} |")
    return "\n".join([*parts, ""])


def setting_list() -> str:
    """Every setting of the environment."""
    meanings = settings.meanings()
    parts = [
        "# Settings",
        "",
        "Read once from the environment. An unknown name that begins with `ATTESTRY_` is refused;",
        f"`NAME_FILE` reads a value from a file. {TOLD}",
        "",
        "| name | means |",
        "| --- | --- |",
    ]
    rows = [
        f"| `{settings.PREFIX}{name}` | {meanings[name.lower()]} |"
        for name in sorted(settings.NAMES)
    ]
    return "\n".join([*parts, *rows, ""])


def source_list() -> str:
    """Every kind of source with its keys."""
    parts = ["# Kinds of sources", "", f"Unknown keys are refused by name. {TOLD}", ""]
    for name in kind_names():
        parts += [f"## `{name}`", "", "| key | means | given by |", "| --- | --- | --- |"]
        for key in kind(name).keys:
            needed = " Needed." if key.is_required else ""
            given = "`--secret KEY=FILE`" if key.is_secret else "`--set KEY=VALUE`"
            parts.append(f"| `{key.name}` | {key.help}{needed} | {given} |")
        parts.append("")
    return "\n".join(parts)


def permission_list() -> str:
    """Which role may do what."""
    roles = list(Role)
    parts = [
        "# Roles and permissions",
        "",
        "Anyone with a token that acts as them may ask for access, and see and decide what is put",
        f"to them; that needs no role. {TOLD}",
        "",
        "An auditor with limits (`role grant WHO auditor --campaign ID`, `--from DAY --to DAY`,",
        "`--control ID`) reaches only the bundles, samples, ledger entries and accesses of what is",
        "named; everything else is answered as what is not there.",
        "",
        f"| permission | {' | '.join(role.value for role in roles)} | auditor with limits |",
        f"| --- |{' --- |' * (len(roles) + 1)}",
    ]
    for permission in Permission:
        marks = ["yes" if permission in PERMISSIONS[role] else "" for role in roles]
        marks.append("within them" if permission in LIMITED else "")
        parts.append(f"| `{permission.value}` | {' | '.join(marks)} |")
    return "\n".join([*parts, ""])


def starter_policy() -> str:
    """The text of the policy that `init` puts in force."""
    text = builtin_text("standard").rstrip("\n")
    told = "What `attestry init` puts in force; its words are explained in [policy](policy.md)."
    return "\n".join(["# The starter policy", "", f"{told} {TOLD}", "", "```yaml", text, "```", ""])


PAGES: Mapping[str, Callable[[], str]] = {
    "command-line.md": command_line,
    "events.md": event_list,
    "permissions.md": permission_list,
    "settings.md": setting_list,
    "sources.md": source_list,
    "starter-policy.md": starter_policy,
}


def stale() -> list[str]:
    """Return the pages that are missing or say something else than the code."""
    return [
        name
        for name, write in PAGES.items()
        if not (DOCS / name).exists() or (DOCS / name).read_text(encoding="utf-8") != write()
    ]


def main() -> int:
    """Write every page."""
    for name, write in PAGES.items():
        (DOCS / name).write_text(write(), encoding="utf-8")
    click.echo(f"{len(PAGES)} pages of {len(COMMANDS)} commands and {len(events.EVENTS)} events.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
