"""The command line of provisioning: what needs a person is listed, and tried again."""

from types import SimpleNamespace
from typing import Any

import click
import pytest

from app.cli import output
from app.cli.main import Local
from app.cli.task import task
from support.cast import Cast


@pytest.fixture
def attestry(cast: Cast, capsys: pytest.CaptureFixture[str]) -> Any:
    """Run a command line on the store of this test."""
    house: Any = SimpleNamespace(tx=cast.house.tx)

    @click.group(commands={"task": task})
    @click.pass_context
    def root(ctx: click.Context) -> None:
        ctx.obj = Local(opened=house)

    def run(*arguments: str) -> tuple[int, str]:
        code = output.run(root, list(arguments))
        found = capsys.readouterr()
        return code, found.out + found.err

    return run


def test_tasks_are_listed_by_their_state(attestry: Any) -> None:
    code, said = attestry("task", "list")
    assert (code, said.strip()) == (0, "No task is failed.")
    code, said = attestry("task", "list", "--state", "verified")
    assert (code, said.strip()) == (0, "No task is verified.")


def test_a_task_that_is_not_there_is_not_tried_again(attestry: Any) -> None:
    code, said = attestry("task", "retry", "00000000-0000-7000-8000-000000000000")
    assert code == 1
    assert "no such task" in said.lower()
