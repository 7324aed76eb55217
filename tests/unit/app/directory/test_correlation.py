"""Which accounts are one person: by number, then by mail, and never against a number."""

from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from app.directory import portraits
from app.directory.candidates import Candidate, Hand, Person, Tie
from app.directory.correlation import correlate
from app.directory.domain import CorrelationRule, IdentityKind
from app.directory.matching import DEFAULT_RULES, Field, Rule
from app.directory.portraits import draw


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
    return {each.account_id: each.rule for each in correlate(accounts, people or []).ties}


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
    (drawn,) = draw(accounts, ties)[0].values()
    assert (drawn.display_name, drawn.title) == ("First", "Clerk")


def test_sources_that_name_different_managers_are_told_and_the_first_is_taken() -> None:
    accounts = [
        account(1, employee_number="7", manager_external_id="x2"),
        account(2, employee_number="8"),
        account(3, source_id=2, employee_number="7", manager_external_id="x4"),
        account(4, source_id=2, employee_number="9"),
    ]
    ties = {each.account_id: each for each in correlate(accounts, []).ties}
    drawn, conflicts = draw(accounts, ties)
    assert drawn[ties[1].identity_id].manager_id == ties[2].identity_id
    assert [each.code for each in conflicts] == ["manager_conflict"]


def test_nobody_is_their_own_manager() -> None:
    accounts = [account(1, manager_external_id="x1")]
    ties = {each.account_id: each for each in correlate(accounts, []).ties}
    (drawn,) = draw(accounts, ties)[0].values()
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
    drawn, _ = draw(accounts, ties)
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
        replace(each, identity_id=100 - ties[each.id].identity_id, rule=ties[each.id].rule)
        for each in accounts
    ]
    assert tied(again, people) == {each.id: 100 - ties[each.id].identity_id for each in accounts}


LOGINS = (
    *DEFAULT_RULES,
    Rule(Field.LOGIN, Field.LOGIN, 85, strip_prefix="adm-", strip_domain=True),
    Rule(Field.LOGIN, Field.MAIL, 60, strip_domain=True),
)


def test_a_login_cut_to_its_core_ties_the_spare_account_of_somebody() -> None:
    alice = account(1, identity_id=1, login="alice@corp.example", employee_number="1")
    spare = account(2, source_id=2, login="ADM-Alice")
    found = correlate([alice, spare], [person(1, employee_number="1")], rules=LOGINS)
    tie = next(each for each in found.ties if each.account_id == 2)
    assert (tie.identity_id, tie.rule, tie.confidence) == (1, "login_cut", 85)


def test_a_rule_that_is_not_sure_enough_makes_a_case_and_ties_nobody() -> None:
    people = [person(1, mail="alice@corp.example")]
    found = correlate([account(2, login="alice")], people, rules=LOGINS)
    assert found.ties[0].identity_id < 0
    (doubt,) = found.doubts
    assert (doubt.code, doubt.account_id, doubt.candidates) == ("near_match", 2, (1,))
    assert not found.conflicts


def test_a_doubt_stays_until_somebody_decides() -> None:
    people = [person(1, mail="alice@corp.example"), person(2)]
    kept = account(2, login="alice", identity_id=2, rule="own")
    assert len(correlate([kept], people, rules=LOGINS).doubts) == 1
    ruled_out = [Hand(2, 1, is_same=False)]
    assert not correlate([kept], people, rules=LOGINS, hands=ruled_out).doubts


def test_a_source_may_have_rules_of_its_own() -> None:
    people = [person(1, mail="alice@corp.example")]
    accounts = [account(2, mail="alice@corp.example", source_id=7)]
    assert correlate(accounts, people).ties[0].identity_id == 1
    assert correlate(accounts, people, by_source={7: ()}).ties[0].identity_id < 0


def test_what_a_person_tied_stays_whatever_mail_and_number_say() -> None:
    people = [person(1, employee_number="7"), person(2, employee_number="8", mail="x@corp.example")]
    mine = account(5, employee_number="8", mail="x@corp.example", identity_id=2, rule="mail")
    other = account(6, employee_number="7", identity_id=1)
    found = correlate([mine, other], people, hands=[Hand(5, 1, is_same=True)])
    ties = {each.account_id: each for each in found.ties}
    assert (ties[5].identity_id, ties[5].rule, ties[5].confidence) == (1, "hand", 100)
    assert [each.code for each in found.doubts] == ["number_conflict"]
    drawn, _ = draw([mine, other], ties, found.numbers)
    assert drawn[1].employee_number == "7"


def test_what_a_person_kept_apart_no_number_joins() -> None:
    people = [person(1, employee_number="7")]
    mine = account(5, employee_number="7")
    found = correlate([mine], people, hands=[Hand(5, 1, is_same=False)])
    ties = {each.account_id: each for each in found.ties}
    assert ties[5].identity_id < 0
    assert draw([mine], ties, found.numbers)[0][ties[5].identity_id].employee_number is None


def test_what_nobody_signs_in_with_never_becomes_or_joins_a_person() -> None:
    people = [person(1, mail="a@corp.example", employee_number="7")]
    for kind in ("computer", "contact", "foreign"):
        odd = account(5, kind=kind, mail="a@corp.example", employee_number="7")
        found = correlate([odd], people)
        assert found.ties[0].identity_id < 0
        drawn = draw([odd], {5: found.ties[0]}, found.numbers)[0].values()
        assert [(each.kind, each.mail) for each in drawn] == [(IdentityKind.SERVICE, None)]


def test_a_shared_mailbox_is_an_identity_that_somebody_can_own() -> None:
    shared = account(5, kind="shared", mail="info@corp.example")
    found = correlate([shared], [person(1, mail="info@corp.example")])
    assert found.ties[0].identity_id < 0
    drawn, _ = draw([shared], {5: found.ties[0]}, found.numbers)
    assert drawn[found.ties[0].identity_id].kind is IdentityKind.SERVICE


def test_hr_says_what_somebody_is_called_and_whether_they_are_active() -> None:
    told = account(9, source_id=3, employee_number="7", display_name="Told", is_leading=True,
                   is_enabled=False)  # fmt: skip
    other = account(1, employee_number="7", display_name="Other")
    ties = {each.account_id: each for each in correlate([other, told], []).ties}
    (drawn,) = draw([other, told], ties)[0].values()
    assert (drawn.display_name, drawn.is_enabled) == ("Told", False)


some_accounts = st.lists(
    st.builds(
        account,
        key=st.integers(1, 30),
        source_id=st.integers(1, 3),
        kind=st.sampled_from(["person", "person", "service", "computer"]),
        mail=st.sampled_from([None, "a@x", "b@x", "A@X"]),
        login=st.sampled_from(["alice", "adm-alice", "bob", "x"]),
        employee_number=st.sampled_from([None, None, "1", "2"]),
        identity_id=st.sampled_from([None, None, 101, 102, 103]),
        rule=st.sampled_from(["own", "mail"]),
    ),
    max_size=12,
    unique_by=lambda each: each.id,
)
SOME = [
    person(101, mail="a@x", employee_number="1"),
    person(102, mail="b@x"),
    person(103, employee_number="3", is_ended=True),
]
some_hands = st.dictionaries(
    st.tuples(st.integers(1, 30), st.sampled_from([101, 102, 103])), st.booleans(), max_size=4
)


@settings(max_examples=150, deadline=None)
@given(accounts=some_accounts, hands=some_hands, shuffled=st.randoms())
def test_ties_follow_from_the_facts_alone(
    accounts: list[Candidate], hands: dict[tuple[int, int], bool], shuffled: Random
) -> None:
    one_each = {account_id: who for (account_id, who), is_same in hands.items() if is_same}
    said = [Hand(key, who, is_same=True) for key, who in one_each.items()]
    said += [
        Hand(key, who, is_same=False)
        for (key, who), is_same in hands.items()
        if not is_same and one_each.get(key) != who
    ]
    found = correlate(accounts, SOME, rules=LOGINS, hands=said)
    mixed = list(accounts)
    shuffled.shuffle(mixed)
    assert correlate(mixed, SOME[::-1], rules=LOGINS, hands=said[::-1]) == found
    ties = {each.account_id: each for each in found.ties}
    by_key = {each.id: each for each in accounts}
    assert ties.keys() == by_key.keys()
    for key, who in one_each.items():
        if key in ties:
            assert (ties[key].identity_id, ties[key].rule) == (who, "hand")
    numbers: dict[int, set[str]] = {}
    for key, tie in ties.items():
        number = by_key[key].employee_number
        if tie.rule != "hand" and by_key[key].kind == "person" and number:
            numbers.setdefault(tie.identity_id, set()).add(number)
        assert (key, tie.identity_id) not in {
            (each.account_id, each.identity_id) for each in said if not each.is_same
        }
    apart = {each.account_id for each in said if not each.is_same}
    assert all(len(each) == 1 for who, each in numbers.items() if not _is_mixed(who, ties, apart))
    drawn = draw(accounts, ties, found.numbers)[0]
    taken = [each.employee_number for each in drawn.values() if each.employee_number]
    assert len(taken) == len(set(taken))


def _is_mixed(who: int, ties: dict[int, Tie], apart: set[int]) -> bool:
    """Whether a person had a word in who that is: then the rules alone do not answer for it."""
    return any(
        tie.identity_id == who and (tie.rule == "hand" or key in apart) for key, tie in ties.items()
    )


some_single = st.lists(
    st.builds(
        account,
        key=st.integers(1, 9),
        external_id=st.sampled_from(["a", "b", "c"]),
        kind=st.sampled_from(["person", "service", "shared", "computer"]),
        display_name=st.sampled_from(["", "Ann"]),
        mail=st.sampled_from([None, "", "a@x"]),
        employee_number=st.sampled_from([None, "", "1", "2"]),
        manager_external_id=st.sampled_from([None, "a", "b", "z"]),
        department=st.sampled_from([None, "", "IT"]),
        is_enabled=st.booleans(),
        is_leading=st.booleans(),
    ),
    max_size=4,
    unique_by=lambda each: each.id,
)


@settings(max_examples=60)
@given(some_single, st.dictionaries(st.sampled_from(["1", "2"]), st.integers(1, 9)))
def test_who_has_one_account_is_drawn_as_those_with_several_are(
    accounts: list[Candidate], numbers: dict[str, int]
) -> None:
    ties = {each.id: Tie(each.id, each.id, "own", 100) for each in accounts}
    at = {(each.source_id, each.external_id): each.id for each in accounts}
    drawn, _ = draw(accounts, ties, numbers)
    assert drawn == {
        each.id: portraits._portrait(each.id, [each], at, ties, numbers, []) for each in accounts
    }
