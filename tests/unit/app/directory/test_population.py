"""Whether a read is complete: any doubt says no."""

from dataclasses import replace

import pytest

from app.directory.gathered import Accounts, Listed
from app.directory.population import Read, judge
from connectors.records import Account, Group, MemberList, Problem, Query, ReadReport

REPORT = ReadReport(
    is_complete=True,
    endpoint="memory:x",
    account="reader",
    queries=(Query("accounts", "all", pages=1, returned=1, reported=1),),
)
WHOLE = Read(
    accounts=Accounts([Account("a", "a", "A", is_enabled=True, status="enabled")]),
    groups=(Group("g", "G", "security"),),
    lists=(Listed.of(MemberList("g")),),
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
        replace(WHOLE, accounts=Accounts()),
    ],
    ids=["broke off", "no report", "says so", "short count", "empty"],
)
def test_any_doubt_makes_a_read_incomplete_and_says_why(broken: Read) -> None:
    found = judge(broken)
    assert not found.is_complete
    assert found.why


@pytest.mark.parametrize("lists", [(), (Listed.of(MemberList("g", is_complete=False)),)])
@pytest.mark.parametrize("is_complete", [True, False])
def test_a_group_whose_members_were_not_read_is_named_and_spoils_nothing_else(
    lists: tuple[Listed, ...], is_complete: bool
) -> None:
    problem = Problem("unreadable_group", "Its members may not be read.", "g")
    report = replace(REPORT, is_complete=is_complete, problems=(problem,))
    for said in (report, REPORT):
        found = judge(replace(WHOLE, lists=lists, report=said))
        assert (found.why, found.is_complete, list(found.unread)) == (None, False, ["g"])
        assert [each.about for each in found.problems] == ["g"]


def test_another_problem_beside_an_unreadable_group_makes_the_whole_read_incomplete() -> None:
    problems = (Problem("unreadable_group", "No.", "g"), Problem("size_limit", "It stops."))
    report = replace(REPORT, is_complete=False, problems=problems)
    assert judge(replace(WHOLE, report=report)).why == "It stops."


def test_a_record_that_cannot_be_read_is_not_excused_by_an_unreadable_group() -> None:
    """Else whoever it is about would end, and with them what they have in the unread group."""
    unread, bad = Problem("unreadable_group", "No.", "g"), Problem("bad_record", "No login.", "b")
    for problems in ((unread, bad), (bad, unread), (bad,)):
        report = replace(REPORT, is_complete=False, problems=problems)
        assert judge(replace(WHOLE, report=report)).why == "No login."


def test_the_sources_own_reason_is_the_one_told() -> None:
    problem = Problem("size_limit", "The server stops at 1000: raise its limit.")
    report = replace(REPORT, is_complete=False, problems=(problem,))
    assert judge(replace(WHOLE, report=report)).why == problem.detail


def test_what_was_listed_twice_is_told_and_does_not_taint_the_read() -> None:
    found = judge(replace(WHOLE, accounts=Accounts([*WHOLE.accounts, *WHOLE.accounts])))
    assert found.is_complete
    assert [each.code for each in found.problems] == ["duplicate"]
