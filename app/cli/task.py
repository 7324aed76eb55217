"""`attestry task`: provisioning that needs a person."""

from typing import Any

import click

from app.cli.main import Local
from app.cli.output import answers, table
from app.provisioning import queries, schemas, service
from app.provisioning.api import detail
from app.provisioning.domain import TaskState
from app.web.paging import MAX_LIMIT, Window


@click.group()
def task() -> None:
    """Provisioning that needs a person."""


@task.command("list")
@click.option("--state", type=click.Choice([each.value for each in TaskState]), default="failed")
@click.pass_obj
@answers
def list_tasks(local: Local, state: str) -> tuple[Any, str]:
    """List tasks in one state, the failed ones unless said otherwise."""
    with local.house.tx.read(local.actor) as reading:
        found = queries.list_tasks(reading, Window(limit=MAX_LIMIT), states=[TaskState(state)])
    rows = [
        (each.id, each.verb, each.source, each.account, each.group or "", each.error or "")
        for each in found.items
    ]
    text = table(("id", "verb", "source", "account", "group", "why"), rows)
    return schemas.TaskPage().dump(found), text if rows else f"No task is {state}."


@task.command("retry")
@click.argument("task_id")
@click.pass_obj
@answers
def retry_task(local: Local, task_id: str) -> tuple[Any, str]:
    """Try a failed task again."""
    with local.house.tx.write(local.actor) as uow:
        service.retry(uow, task_id=task_id)
    with local.house.tx.read(local.actor) as reading:
        found = queries.task_detail(reading, task_id)
    return schemas.TaskDetailSchema().dump(detail(found)), f"Attempt {found.row.attempt} is queued."
