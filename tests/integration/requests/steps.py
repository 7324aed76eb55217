"""What people do in these tests, each a call of the API as that person."""

from typing import Any

import sqlalchemy as sa

from app.kernel.ledger import LedgerEntry
from support.cast import Cast

REASON = "Month end closes on Friday"


def wish(cast: Cast, group: str = "payroll", source: str = "corp", **more: Any) -> dict[str, Any]:
    """Return the body of a request."""
    return {"entitlement": cast.group(source, group).public_id, "reason": REASON, **more}


def ask(cast: Cast, name: str = "alice", **more: Any) -> dict[str, Any]:
    """Submit a request as somebody."""
    found: dict[str, Any] = cast.call(name).post("/requests", wish(cast, **more), 201)
    return found


def refused(cast: Cast, name: str, status: int, **more: Any) -> dict[str, Any]:
    """Submit a request that is refused, and return the problem."""
    answer = cast.call(name)("POST", "/requests", wish(cast, **more))
    assert answer.status_code == status, answer.get_data(as_text=True)
    found: dict[str, Any] = answer.get_json()
    return found


def questions(cast: Cast, name: str) -> list[dict[str, Any]]:
    """Return what waits for somebody's answer."""
    found: list[dict[str, Any]] = cast.call(name).get("/approvals")["items"]
    return found


def answer(cast: Cast, name: str, outcome: str = "approve", **more: Any) -> Any:
    """Answer the oldest question put to somebody; returns the raw answer."""
    question = questions(cast, name)[0]
    return answer_to(cast, name, question, outcome, **more)


def answer_to(
    cast: Cast, name: str, question: dict[str, Any], outcome: str = "approve", **more: Any
) -> Any:
    """Answer a question as somebody; returns the raw answer."""
    body = {"outcome": outcome, "plan_digest": question["plan_digest"], **more}
    return cast.call(name)("POST", f"/approvals/{question['id']}/decision", body)


def approve(cast: Cast, *names: str) -> None:
    """Say yes, one after the other."""
    for name in names:
        given = answer(cast, name)
        assert given.status_code == 200, given.get_data(as_text=True)


def give(cast: Cast, name: str = "alice", **more: Any) -> dict[str, Any]:
    """Let somebody have access by request, carried out and read back."""
    request = ask(cast, name, **more)
    approve(cast, "bob", "carol")
    cast.house.drain()
    assert state(cast, request) == "done"
    return request


def state(cast: Cast, request: dict[str, Any]) -> str:
    """Return where a request stands."""
    found: str = cast.call("dana").get(f"/requests/{request['id']}")["state"]
    return found


def entries(cast: Cast) -> list[LedgerEntry]:
    """Return everything that was recorded."""
    with cast.house.read() as reading:
        return list(reading.session.scalars(sa.select(LedgerEntry).order_by(LedgerEntry.id)))
