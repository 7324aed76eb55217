"""What every command says and how it ends: 0 done, 1 refused or failed, 2 wrong use.

With `--json`, stdout holds one JSON document, the API's representation of the same thing;
everything else goes to stderr.
"""

import functools
import sys
from collections.abc import Callable, Sequence
from typing import Any

import click
import orjson

from app.kernel.errors import AttestryError, InvalidInputError, PolicyRefusedError
from app.kernel.sealed import SealError
from app.kernel.settings import SettingsError
from app.kernel.standing import InstanceError
from connectors.errors import ConnectorError
from evidence.errors import EvidenceError

Command = Callable[..., Any]
REFUSALS = (
    *(AttestryError, ConnectorError, EvidenceError),
    *(SettingsError, SealError, InstanceError),
)


def answers(command: Command) -> Command:
    """Give a command `--json`, and print what it returns.

    The command returns `(document, text)`: a JSON-ready value, and the same for people. It may
    return `None` if it has printed everything itself.
    """

    @click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
    @functools.wraps(command)
    def wrapped(*args: Any, as_json: bool, **options: Any) -> None:
        returned = command(*args, **options)
        if returned is None:
            return
        document, text = returned
        if as_json:
            click.echo(orjson.dumps(document, option=orjson.OPT_INDENT_2).decode())
        elif text:
            click.echo(text)

    return wrapped


def table(headers: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """Lay out rows under their headers, for a terminal."""
    widths = [max(len(cell) for cell in column) for column in zip(headers, *rows, strict=True)]
    lines = [headers, tuple("-" * width for width in widths), *rows]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def run(group: click.Group, arguments: list[str] | None = None) -> int:
    """Run the command line; every refusal is one sentence on stderr.

    Returns:
        The exit code.
    """
    try:
        result = group.main(args=arguments, prog_name="attestry", standalone_mode=False)
    except click.exceptions.Abort:
        return 1
    except click.ClickException as error:
        error.show(file=sys.stderr)
        return error.exit_code
    except InvalidInputError as error:
        for each in error.fields:
            click.echo(f"{each.field}: {each.message}", err=True)
        return 1
    except PolicyRefusedError as error:
        click.echo(f"Refused by the policy: {error.detail}", err=True)
        return 1
    except REFUSALS as error:
        click.echo(str(error), err=True)
        return 1
    return result if isinstance(result, int) else 0
