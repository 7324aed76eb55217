"""Single lines of the auditor's checklist, answered from a manifest and from rows."""

import hashlib
from datetime import UTC, datetime
from typing import Any

import pytest

from app.audit.evaluating import Evaluation, Told
from app.audit.evaluating.checklist import Line, State, checklist

DAY = datetime(2026, 3, 2, tzinfo=UTC)
NOWHERE = {"witnesses": [], "sent": {"days": 0, "addresses": 0, "last": None, "size": None}}


def answer(name: str, found: Evaluation, *, has_earlier: bool = True) -> Line:
    return next(line for line in checklist(found, has_earlier=has_earlier) if line.id == name)


def seen(kind: str, **scope: Any) -> Evaluation:
    told = {"snapshot": [], "previous": None, "template_scope": {}, "policies": [], **scope}
    return Evaluation(Told(kind, told, DAY, DAY, DAY))


@pytest.mark.parametrize("has_earlier", [True, False])
def test_a_log_whose_head_nobody_outside_holds_proves_nothing_by_itself(has_earlier: bool) -> None:
    line = answer("H3", seen("period", published=NOWHERE), has_earlier=has_earlier)
    assert line.state is State.CANNOT
    assert "No witness cosigned" in line.answer


def test_who_outside_holds_a_head_is_named_with_how_much_of_the_log() -> None:
    published = {
        "witnesses": [{"name": "w.example", "size": 1_234}],
        "sent": {"days": 3, "addresses": 2, "last": "2026-03-01", "size": 1_200},
    }
    line = answer("H3", seen("period", published=published))
    assert line.state is State.ANSWERED
    assert "Witness w.example cosigned up to entry 1,234." in line.answer
    assert "Heads of 3 days were sent to 2 addresses" in line.answer


def test_hr_can_compute_the_digest_of_its_leavers_again() -> None:
    found = seen("period", about="all", published=NOWHERE)
    for type_, event in (("leaver", "a"), ("joiner", "b"), ("leaver", "c")):
        row = {"what": "event", "type": type_, "state": "completed", "hr_event_id": event}
        found.take("leavers", row)
    line = answer("G2", found)
    assert line.state is State.CANNOT
    assert hashlib.sha256(b"a\nc\n").hexdigest() in line.answer


def test_owners_who_reviewed_what_they_may_give_are_told_of() -> None:
    found = seen("campaign", published=NOWHERE)
    found.numbers["answers"] = 1
    assert "owner of the group" not in answer("C2", found).answer
    found.relations["owner"] = 7
    line = answer("C2", found)
    assert (line.state, "7 items were put to the owner" in line.answer) == (State.ANSWERED, True)
