"""A list costs as many statements with many rows as with one."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import sqlalchemy as sa

from app.kernel.event import moment
from integration.requests.steps import approve, ask
from support.cast import Cast
from support.house import MORNING

LISTS = [
    ("dana", "/requests"),
    ("alice", "/requests"),
    ("bob", "/approvals"),
    ("carol", "/approvals"),
    ("olga", "/tasks"),
    ("olga", "/plans"),
    ("bob", "/notices"),
    ("hr", "/hr/events"),
]


@contextmanager
def counted(cast: Cast) -> Iterator[list[str]]:
    statements: list[str] = []
    engine = cast.house.tx.database.engine

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if not statement.startswith(("BEGIN", "PRAGMA", "SET ", "ROLLBACK", "COMMIT")):
            statements.append(statement)

    sa.event.listen(engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        sa.event.remove(engine, "before_cursor_execute", note)


def cost(cast: Cast, name: str, path: str) -> tuple[int, int]:
    caller = cast.call(name)
    with counted(cast) as statements:
        rows = len(caller.get(path)["items"])
    return rows, len(statements)


def fill(cast: Cast, group: str, source: str, *names: str) -> None:
    for name in names:
        ask(cast, name, group=group, source=source)


def leaver(cast: Cast, name: str, number: str) -> None:
    cast.call("hr").post(
        "/hr/events",
        {
            "event_id": f"hr-{name}",
            "type": "leaver",
            "employee_number": number,
            "effective_at": moment(MORNING),
        },
        202,
    )


def test_lists_cost_the_same_however_long_they_are(cast: Cast) -> None:
    fill(cast, "payroll", "corp", "alice")
    approve(cast, "bob")
    fill(cast, "ledger", "corp", "alice")
    leaver(cast, "eve", "1005")
    cast.house.drain()
    short = {(name, path): cost(cast, name, path) for name, path in LISTS}
    fill(cast, "crm", "cloud", "alice", "mallory")
    fill(cast, "ledger", "corp", "mallory", "dana", "olga")
    approve(cast, "bob", "bob", "bob")
    fill(cast, "payroll", "corp", "mallory")
    fill(cast, "everyone", "corp", "alice", "mallory")
    leaver(cast, "dana", "1004")
    cast.house.drain()
    long = {(name, path): cost(cast, name, path) for name, path in LISTS if name != "dana"}
    for which, (rows, statements) in long.items():
        assert rows > short[which][0], which
        assert statements == short[which][1], which


@pytest.mark.parametrize("name", ["dana", "alice"])
def test_the_list_of_requests_is_paged_without_gaps(cast: Cast, name: str) -> None:
    fill(cast, "payroll", "corp", "alice")
    fill(cast, "ledger", "corp", "alice")
    fill(cast, "crm", "cloud", "alice")
    whole = [each["id"] for each in cast.call(name).get("/requests")["items"]]
    seen: list[str] = []
    cursor = ""
    while True:
        page = cast.call(name).get(f"/requests?limit=2{cursor}")
        seen += [each["id"] for each in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert seen == whole
    assert len(whole) == 3
