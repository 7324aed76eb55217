"""`attestry policy`: check a text, run its examples, show what it would change, put it in force."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from app.cli.main import Local
from app.cli.output import answers, table
from app.kernel.errors import InvalidInputError
from app.kernel.event import moment
from app.requests.simulating import Simulation, simulate
from app.rulebook import service as rulebook
from policies.clauses import PolicySet
from policies.document import GREATEST_LENGTH, read_policy
from policies.errors import InvalidPolicyError
from policies.examples import run_examples

PATH = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group()
def policy() -> None:
    """Policies: validate, try out, see the effect before it happens."""


@policy.command("check")
@click.argument("path", type=PATH)
@answers
def check(path: Path) -> tuple[Any, str]:
    """Say whether a text is a policy, and what is wrong with it, by field."""
    found = _read(path)
    document = {
        "name": found.name,
        "digest": found.digest,
        "rules": len(found.rules),
        "examples": len(found.examples),
    }
    text = f"{found.name} is valid: {len(found.rules)} rules, {len(found.examples)} examples."
    return document, f"{text}\nSHA-256 {found.digest}"


@policy.command("test")
@click.argument("path", type=PATH)
@click.pass_context
@answers
def test(ctx: click.Context, path: Path) -> tuple[Any, str]:
    """Run a policy's own examples; exit 1 if one comes out otherwise than it says."""
    found = run_examples(_read(path))
    failed = [each for each in found if not each.is_passed]
    document = {
        "passed": len(found) - len(failed),
        "failed": [{"name": each.name, "differences": each.differences} for each in failed],
    }
    if failed:
        ctx.call_on_close(lambda: ctx.exit(1))
    lines = [f"{each.name}: {'; '.join(each.differences)}" for each in failed]
    return document, "\n".join([*lines, f"{len(found) - len(failed)} of {len(found)} hold."])


@policy.command("simulate")
@click.argument("path", type=PATH)
@click.pass_obj
@answers
def simulate_draft(local: Local, path: Path) -> tuple[Any, str]:
    """Show what a draft would change today: open requests, and pairs held against its rules."""
    draft = _read(path)
    with local.house.tx.read(local.actor) as reading:
        found = simulate(reading, draft)
    return asdict(found), _told(found)


@policy.command("apply")
@click.argument("path", type=PATH)
@click.pass_obj
@answers
def put_in_force(local: Local, path: Path) -> tuple[Any, str]:
    """Put a policy in force from now on, if its own examples hold."""
    text = _text(path)
    with local.house.tx.write(local.actor) as uow:
        row = rulebook.put_in_force(uow, text=text)
        document = {
            "id": row.public_id,
            "name": row.name,
            "digest": row.digest,
            "in_force_from": moment(row.in_force_from),
        }
    return document, f"{document['name']} is in force.\nSHA-256 {document['digest']}"


def _told(found: Simulation) -> str:
    held = (
        f"{found.people} people hold access: {found.violations_after} pairs against the draft's "
        f"separation of duties, {found.violations_before} against the present one."
    )
    changed = len(found.changed)
    lines = [f"{found.open_requests} open requests: {changed} would be judged otherwise.", held]
    rows = [(each.request, each.before, each.after, each.why) for each in found.changed]
    if rows:
        lines.append(table(("request", "now", "under the draft", "why"), rows))
    return "\n".join(lines)


def _read(path: Path) -> PolicySet:
    """Read a policy from a file.

    Raises:
        InvalidInputError: It is too long, not UTF-8, or no policy; every problem by field.
    """
    try:
        return read_policy(_text(path))
    except InvalidPolicyError as error:
        fields = {each.field or "text": each.message for each in error.problems}
        raise InvalidInputError(fields) from error


def _text(path: Path) -> str:
    """Return the exact text of a file.

    Raises:
        InvalidInputError: It is too long or not UTF-8.
    """
    if path.stat().st_size > GREATEST_LENGTH:
        raise InvalidInputError({str(path): f"Longer than {GREATEST_LENGTH} bytes; split it."})
    try:
        return path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidInputError({str(path): f"It is not UTF-8 (byte {error.start})."}) from error
