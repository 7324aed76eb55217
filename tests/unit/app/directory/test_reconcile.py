"""Comparing by digest: equal exactly when nothing differs."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from app.directory import reconcile
from app.directory.reconcile import Known
from connectors.records import Account, MemberList

MEMBERS = st.dictionaries(st.text(min_size=1, max_size=4), st.booleans(), max_size=6)
GROUPS = st.sets(st.text(min_size=1, max_size=4), max_size=4)


def account(**more: object) -> Account:
    facts = {"login": "a", "display_name": "A", "is_enabled": True, "status": "on"}
    return Account(**{"external_id": "a", **facts, **more})  # type: ignore[arg-type]


@given(MEMBERS, GROUPS)
def test_the_digest_of_members_does_not_depend_on_their_order(
    members: dict[str, bool], groups: set[str]
) -> None:
    backwards = dict(reversed(list(members.items())))
    one = reconcile.member_digest(members, sorted(groups))
    assert one == reconcile.member_digest(backwards, sorted(groups, reverse=True))


@given(st.text(min_size=1))
def test_a_group_is_never_taken_for_an_account_of_the_same_name(name: str) -> None:
    digests = {
        reconcile.member_digest({name: False}, ()),
        reconcile.member_digest({name: True}, ()),
        reconcile.member_digest({}, (name,)),
    }
    assert len(digests) == 3


def test_every_column_counts_in_the_digest_of_an_account() -> None:
    plain = reconcile.digest_of(reconcile.account_columns(account()))
    changes: list[dict[str, object]] = [
        {"mail": "a@x"},
        {"is_enabled": False},
        {"expires_at": datetime(2026, 1, 1, tzinfo=UTC)},
        {"attributes": {"x": "1"}},
        {"manager_id": "b"},
    ]
    found = {reconcile.digest_of(reconcile.account_columns(account(**each))) for each in changes}
    assert len(found | {plain}) == len(changes) + 1


def test_a_member_nobody_knows_is_told() -> None:
    lists = [MemberList("g", accounts=("a", "?"))]
    members, problems = reconcile.members_of(lists, {"a": None}, {"g": None})
    assert dict(members["g"].accounts) == {"a": False}
    assert [each.about for each in problems] == ["g"]


def test_an_ended_record_that_is_shown_again_counts_as_changed() -> None:
    known = {"a": Known(1, "p", b"d", is_ended=True)}
    assert reconcile.compare(known, {"a": b"d"}).changed == ("a",)


def test_a_record_read_back_since_is_left_alone() -> None:
    known = {"a": Known(1, "p", b"old", is_ended=False, is_newer=True)}
    assert reconcile.compare(known, {"a": b"new"}).changed == ()
