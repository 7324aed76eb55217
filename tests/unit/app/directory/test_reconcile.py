"""Comparing by digest: equal exactly when nothing differs."""

from collections.abc import Iterable
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from app.directory import reconcile
from app.directory.gathered import Accounts, Listed, digest
from app.directory.reconcile import Known
from connectors.records import Account, MemberList

NAMES = st.text(
    st.characters(exclude_characters="\n", exclude_categories=["Cs"]), min_size=1, max_size=4
)
MEMBERS = st.dictionaries(NAMES, st.booleans(), max_size=6)
GROUPS = st.sets(NAMES, max_size=4)


def account(**more: object) -> Account:
    facts = {"login": "a", "display_name": "A", "is_enabled": True, "status": "on"}
    return Account(**{"external_id": "a", **facts, **more})  # type: ignore[arg-type]


def listed(names: dict[str, bool], groups: Iterable[str] = ()) -> Listed:
    accounts = tuple(name for name, is_primary in names.items() if not is_primary)
    primary = tuple(name for name, is_primary in names.items() if is_primary)
    return Listed.of(MemberList("g", accounts, tuple(groups), primary))


@given(MEMBERS, GROUPS)
def test_the_digest_of_members_does_not_depend_on_their_order(
    members: dict[str, bool], groups: set[str]
) -> None:
    backwards = dict(reversed(list(members.items())))
    one = listed(members, sorted(groups)).settled()
    assert one == listed(backwards, sorted(groups, reverse=True)).settled()
    assert one == Listed.of(one.members).settled()


@given(MEMBERS)
def test_a_list_told_in_another_order_is_another_text_of_the_same_members(
    members: dict[str, bool],
) -> None:
    one, other = listed(members), listed(dict(reversed(list(members.items()))))
    assert (one.digest == other.digest) == (one.text == other.text)
    assert one.settled().digest == other.settled().digest


@given(MEMBERS, GROUPS)
def test_a_list_gives_back_whom_it_was_made_of(members: dict[str, bool], groups: set[str]) -> None:
    found = listed(members, groups)
    again = found.members
    assert {*again.accounts, *again.primary} == set(members)
    assert set(again.primary) == {name for name, is_primary in members.items() if is_primary}
    assert set(again.groups) == groups
    assert (found.accounts, found.groups) == (len(members), len(groups))
    assert Listed.of(again) == found
    assert found.joined(found).settled() == found.settled()


def test_a_list_with_an_id_that_cannot_be_told_from_two_is_not_complete() -> None:
    assert not Listed.of(MemberList("g", ("a\nb",))).is_complete


def test_whoever_is_listed_twice_is_one_and_by_primary_group_if_once_so() -> None:
    found = Listed.of(MemberList("g", ("b", "a", "a"), primary=("b", "b")))
    assert found.settled().members == MemberList("g", ("a",), primary=("b",))
    assert (found.accounts, found.settled().accounts) == (5, 2)


def test_an_auditor_computes_the_digest_of_members_from_the_source_alone() -> None:
    found = listed({"b": False, "a": False, "p": True}, ("g",)).settled()
    assert found.digest == digest(b"account a\naccount b\ngroup g\nprimary p")


@given(NAMES)
def test_a_group_is_never_taken_for_an_account_of_the_same_name(name: str) -> None:
    digests = {
        listed({name: False}).digest,
        listed({name: True}).digest,
        listed({}, (name,)).digest,
    }
    assert len(digests) == 3


def test_every_column_counts_in_the_digest_of_an_account() -> None:
    plain = account()
    changes: list[dict[str, object]] = [
        {"mail": "a@x"},
        {"is_enabled": False},
        {"expires_at": datetime(2026, 1, 1, tzinfo=UTC)},
        {"attributes": {"x": "1"}},
        {"manager_id": "b"},
    ]
    found = Accounts([plain, *(account(**each) for each in changes)])
    assert len(set(found.digests)) == len(changes) + 1
    assert found[0] == plain
    assert list(found)[1:] == [account(**each) for each in changes]


def test_the_order_of_attributes_does_not_count() -> None:
    one, other = account(attributes={"x": "1", "y": "2"}), account(attributes={"y": "2", "x": "1"})
    assert len(set(Accounts([one, other]).digests)) == 1


def test_an_ended_record_that_is_shown_again_counts_as_changed() -> None:
    known = {"a": Known(1, "p", b"d", is_ended=True)}
    assert reconcile.compare(known, {"a": b"d"}).changed == ("a",)


def test_a_record_read_back_since_is_left_alone() -> None:
    known = {"a": Known(1, "p", b"old", is_ended=False, is_newer=True)}
    assert reconcile.compare(known, {"a": b"new"}).changed == ()
