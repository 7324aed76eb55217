"""Which accounts are one person: by number, then by mail, and never against a number."""

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from app.directory.correlation import Candidate, Person, correlate, portraits
from app.directory.domain import CorrelationRule, IdentityKind


def account(key: int, **more: Any) -> Candidate:
    facts: dict[str, Any] = {
        "id": key,
        "source_id": 1,
        "external_id": f"x{key}",
        "identity_id": None,
        "rule": None,
        "kind": "person",
        "display_name": f"Person {key}",
        "mail": None,
        "employee_number": None,
        "manager_external_id": None,
        "department": None,
        "title": None,
        "is_enabled": True,
        "public_id": f"public-{key}",
    }
    return Candidate(**{**facts, **more})


def person(key: int, **more: Any) -> Person:
    facts: dict[str, Any] = {
        "id": key,
        "kind": IdentityKind.PERSON,
        "display_name": f"Person {key}",
        "mail": None,
        "employee_number": None,
        "manager_id": None,
        "department": None,
        "title": None,
        "is_active": True,
        "is_ended": False,
    }
    return Person(**{**facts, **more})


def tied(accounts: list[Candidate], people: list[Person] | None = None) -> dict[int, int]:
    return {each.account_id: each.identity_id for each in correlate(accounts, people or []).ties}


def rules(accounts: list[Candidate], people: list[Person] | None = None) -> dict[int, str]:
    return {each.account_id: each.rule.value for each in correlate(accounts, people or []).ties}


def test_the_same_number_in_two_sources_is_one_person() -> None:
    found = tied([account(1, employee_number="7"), account(2, source_id=2, employee_number="7")])
    assert found[1] == found[2]


def test_the_same_mail_in_any_case_is_one_person() -> None:
    accounts = [
        account(1, employee_number="7", mail="Straße@corp.example"),
        account(2, source_id=2, mail="STRASSE@corp.example"),
    ]
    assert len(set(tied(accounts).values())) == 1
    assert rules(accounts)[2] == CorrelationRule.MAIL


def test_different_numbers_are_different_people_whatever_the_mail_says() -> None:
    accounts = [
        account(1, employee_number="7", mail="team@corp.example"),
        account(2, source_id=2, employee_number="8", mail="team@corp.example"),
    ]
    found = correlate(accounts, [])
    assert len({each.identity_id for each in found.ties}) == 2
    assert [each.code for each in found.conflicts] == ["mail_conflict"]


def test_a_mail_of_two_people_ties_nobody() -> None:
    people = [person(1, mail="a@x", employee_number="1"), person(2, mail="a@x")]
    found = correlate([account(5, mail="a@x")], people)
    assert found.ties[0].identity_id < 0
    assert found.conflicts


def test_a_mail_given_to_somebody_new_does_not_bring_back_who_had_it_before() -> None:
    gone = person(1, mail="info@corp.example", is_ended=True)
    assert tied([account(5, mail="info@corp.example")], [gone])[5] < 0


def test_a_number_brings_back_the_person_who_left() -> None:
    gone = person(1, employee_number="7", is_ended=True)
    assert tied([account(5, employee_number="7")], [gone]) == {5: 1}


def test_a_service_account_is_never_tied_to_a_person() -> None:
    people = [person(1, mail="bob@corp.example", employee_number="7")]
    service = account(5, kind="service", mail="bob@corp.example", employee_number="7")
    assert tied([service], people)[5] < 0
    assert tied([replace(service, identity_id=1)], people)[5] < 0


def test_a_service_account_keeps_its_own_identity() -> None:
    own = person(4, kind=IdentityKind.SERVICE)
    assert tied([account(5, kind="service", identity_id=4)], [own]) == {5: 4}


def test_a_tie_stays_when_the_mail_changes() -> None:
    people = [person(1, mail="old@x"), person(2, mail="new@x")]
    accounts = [account(5, identity_id=1, rule="mail", mail="new@x"), account(6, identity_id=2)]
    assert tied(accounts, people) == {5: 1, 6: 2}


def test_a_corrected_number_stays_with_its_person() -> None:
    people = [person(1, employee_number="7")]
    assert tied([account(5, identity_id=1, employee_number="07")], people) == {5: 1}


def test_a_number_that_another_account_of_the_person_keeps_unties_the_one_that_differs() -> None:
    people = [person(1, employee_number="7")]
    accounts = [
        account(5, identity_id=1, employee_number="7"),
        account(6, identity_id=1, employee_number="8"),
    ]
    found = tied(accounts, people)
    assert found[5] == 1
    assert found[6] < 0


def test_a_person_looks_as_the_first_source_says_and_the_rest_fills_the_gaps() -> None:
    accounts = [
        account(9, source_id=1, display_name="First", employee_number="7"),
        account(2, source_id=2, display_name="Second", employee_number="7", title="Clerk"),
    ]
    ties = {each.account_id: each for each in correlate(accounts, []).ties}
    (drawn,) = portraits(accounts, ties)[0].values()
    assert (drawn.display_name, drawn.title) == ("First", "Clerk")


def test_sources_that_name_different_managers_are_told_and_the_first_is_taken() -> None:
    accounts = [
        account(1, employee_number="7", manager_external_id="x2"),
        account(2, employee_number="8"),
        account(3, source_id=2, employee_number="7", manager_external_id="x4"),
        account(4, source_id=2, employee_number="9"),
    ]
    ties = {each.account_id: each for each in correlate(accounts, []).ties}
    drawn, conflicts = portraits(accounts, ties)
    assert drawn[ties[1].identity_id].manager_id == ties[2].identity_id
    assert [each.code for each in conflicts] == ["manager_conflict"]


def test_nobody_is_their_own_manager() -> None:
    accounts = [account(1, manager_external_id="x1")]
    ties = {each.account_id: each for each in correlate(accounts, []).ties}
    (drawn,) = portraits(accounts, ties)[0].values()
    assert drawn.manager_id is None


ACCOUNTS = st.lists(
    st.builds(
        account,
        key=st.integers(1, 40),
        source_id=st.integers(1, 3),
        employee_number=st.sampled_from([None, "1", "2", "3", "4"]),
        mail=st.sampled_from([None, "a@x", "A@X", "b@x", "c@x"]),
        kind=st.sampled_from(["person", "person", "service"]),
    ),
    unique_by=lambda each: each.id,
    max_size=12,
)


@given(ACCOUNTS)
def test_every_account_is_tied_once_and_one_number_is_one_person(
    accounts: list[Candidate],
) -> None:
    found = tied(accounts)
    assert set(found) == {each.id for each in accounts}
    people = [each for each in accounts if each.kind == "person"]
    for one in people:
        for other in people:
            if one.employee_number and other.employee_number:
                is_same = found[one.id] == found[other.id]
                assert is_same == (one.employee_number == other.employee_number)


@given(ACCOUNTS)
def test_correlating_again_changes_nothing(accounts: list[Candidate]) -> None:
    first = correlate(accounts, [])
    ties = {each.account_id: each for each in first.ties}
    drawn, _ = portraits(accounts, ties)
    people = [
        person(
            100 - key,
            kind=each.kind,
            mail=each.mail,
            employee_number=each.employee_number,
        )
        for key, each in drawn.items()
    ]
    again = [
        replace(each, identity_id=100 - ties[each.id].identity_id, rule=ties[each.id].rule.value)
        for each in accounts
    ]
    assert tied(again, people) == {each.id: 100 - ties[each.id].identity_id for each in accounts}
