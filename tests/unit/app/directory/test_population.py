"""Whether a read is complete: any doubt says no."""

from dataclasses import replace

import pytest

from app.directory.population import Read, judge
from connectors.records import Account, Group, MemberList, Problem, Query, ReadReport

REPORT = ReadReport(
    is_complete=True,
    endpoint="memory:x",
    account="reader",
    queries=(Query("accounts", "all", pages=1, returned=1, reported=1),),
)
WHOLE = Read(
    accounts=(Account("a", "a", "A", is_enabled=True, status="enabled"),),
    groups=(Group("g", "G", "security"),),
    lists=(MemberList("g", ()),),
    report=REPORT,
)
SHORT = Query("accounts", "all", pages=1, returned=999, reported=1000)


def test_a_read_to_its_end_is_complete() -> None:
    assert judge(WHOLE).is_complete


@pytest.mark.parametrize(
    "broken",
    [
        replace(WHOLE, broken_by="The connection was lost."),
        replace(WHOLE, report=None),
        replace(WHOLE, report=replace(REPORT, is_complete=False)),
        replace(WHOLE, report=replace(REPORT, queries=(SHORT,))),
        replace(WHOLE, lists=()),
        replace(WHOLE, lists=(MemberList("g", (), is_complete=False),)),
        replace(WHOLE, accounts=()),
    ],
    ids=["broke off", "no report", "says so", "short count", "no list", "cut list", "empty"],
)
def test_any_doubt_makes_a_read_incomplete_and_says_why(broken: Read) -> None:
    found = judge(broken)
    assert not found.is_complete
    assert found.why


def test_the_sources_own_reason_is_the_one_told() -> None:
    problem = Problem("size_limit", "The server stops at 1000: raise its limit.")
    report = replace(REPORT, is_complete=False, problems=(problem,))
    assert judge(replace(WHOLE, report=report)).why == problem.detail


def test_what_was_listed_twice_is_told_and_does_not_taint_the_read() -> None:
    found = judge(replace(WHOLE, accounts=[*WHOLE.accounts, *WHOLE.accounts]))
    assert found.is_complete
    assert [each.code for each in found.problems] == ["duplicate"]
