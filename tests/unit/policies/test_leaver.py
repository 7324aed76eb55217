import pytest

from policies.clauses import Measure
from policies.facts import EntitlementId
from policies.leaver import (
    AccountId,
    LeaverAccount,
    LeaverMembership,
    RemovalWay,
    leaver_actions,
)
from unit.policies.builders import STANDARD, policy_with

GROUP = EntitlementId("pay")


def account(**changes: object) -> LeaverAccount:
    given: dict[str, object] = {"id": AccountId("a"), "source": "corp", "source_kind": "openldap"}
    return LeaverAccount(**given | changes)  # type: ignore[arg-type]  # settable by name


@pytest.mark.parametrize(
    ("kind", "settings", "measure"),
    [
        ("active_directory", "", Measure.DISABLE),
        ("memory", "", Measure.DISABLE),
        ("okta", "", Measure.SUSPEND),
        ("okta", "leaver: {by_kind: {okta: deactivate}}", Measure.DEACTIVATE),
        ("okta", "leaver: {by_source: {corp: deactivate}}", Measure.DEACTIVATE),
        ("okta", "leaver: {by_source: {other: deactivate}}", Measure.SUSPEND),
        ("okta", "leaver: {by_kind: {okta: deactivate}, by_source: {corp: suspend}}", "suspend"),
    ],
)
def test_an_account_is_closed_as_its_source_and_the_policy_say(
    kind: str, settings: str, measure: str
) -> None:
    (actions,) = leaver_actions(policy_with(settings), [account(source_kind=kind)])
    assert actions.measure == measure


@pytest.mark.parametrize(
    ("membership", "way"),
    [
        (LeaverMembership(GROUP), RemovalWay.REMOVE),
        (LeaverMembership(GROUP, mastered_by="hq"), RemovalWay.AT_MASTER),
        (LeaverMembership(GROUP, is_removal_automatic=False), RemovalWay.NOT_AUTOMATIC),
        (LeaverMembership(GROUP, is_protected=True), RemovalWay.BY_A_PERSON),
        (LeaverMembership(GROUP, is_last_administrator=True), RemovalWay.BY_A_PERSON),
        (LeaverMembership(GROUP, "hq", is_protected=True), RemovalWay.BY_A_PERSON),
    ],
)
def test_a_membership_goes_where_it_is_mastered_or_waits_for_a_person(
    membership: LeaverMembership, way: RemovalWay
) -> None:
    (actions,) = leaver_actions(STANDARD, [account(memberships=(membership,))])
    (removal,) = actions.removals
    assert removal.way is way
    assert bool(removal.reason) is (way is not RemovalWay.REMOVE)


def test_every_account_gets_its_actions_in_the_order_given() -> None:
    given = [account(id=AccountId("a")), account(id=AccountId("b"), source="okta")]
    actions = leaver_actions(STANDARD, given)
    assert [(each.account_id, each.source) for each in actions] == [("a", "corp"), ("b", "okta")]
    assert all(each.is_session_clearing and each.measure for each in actions)


def test_a_protected_account_is_left_to_a_person_who_is_told_why() -> None:
    given = account(is_protected=True, memberships=(LeaverMembership(GROUP),))
    (actions,) = leaver_actions(STANDARD, [given])
    assert actions.measure is None
    assert not actions.is_session_clearing
    assert actions.removals == ()
    assert "by hand" in actions.reason


def test_a_policy_may_keep_memberships_and_sessions() -> None:
    policy = policy_with("leaver: {clear_sessions: false, remove_memberships: false}")
    (actions,) = leaver_actions(policy, [account(memberships=(LeaverMembership(GROUP),))])
    assert actions.measure is Measure.DISABLE
    assert not actions.is_session_clearing
    assert actions.removals == ()
