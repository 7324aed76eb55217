"""Laws of what may run: whatever the plan, these hold."""

from collections import Counter
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from app.provisioning.planning import Operation, Way, digest
from app.provisioning.reconcile import (
    CLOSING,
    LAST_ADMINISTRATOR,
    PROTECTED,
    TAKING,
    Guarded,
    judge,
)
from connectors.records import Verb
from policies.clauses import PolicySet
from policies.document import builtin_text, read_policy

POLICY = read_policy(builtin_text("standard"))
KEYS = st.integers(1, 5)
MEMBERSHIP = frozenset({Verb.ADD_MEMBER, Verb.REMOVE_MEMBER})


def limited(per_plan: int, per_day: int) -> PolicySet:
    limits = replace(POLICY.removal_limits, per_plan=per_plan, per_source_and_day=per_day)
    return replace(POLICY, removal_limits=limits)


@st.composite
def operations(draw: st.DrawFn) -> Operation:
    verb = draw(st.sampled_from(Verb))
    account, group = draw(KEYS), draw(KEYS) if verb in MEMBERSHIP else None
    way = draw(st.sampled_from(Way)) if group is not None else Way.DIRECT
    source = draw(st.sampled_from(("corp", "cloud")))
    return Operation(
        verb=verb,
        way=way,
        source_id=1,
        source=source,
        source_name=source,
        account_id=account,
        account=f"a{account}",
        account_name=f"Account {account}",
        group_id=group,
        group=None if group is None else f"g{group}",
        group_name=None if group is None else f"Group {group}",
    )


PLANS = st.lists(operations(), max_size=12)
GUARDS = st.builds(
    Guarded,
    accounts=st.dictionaries(KEYS, st.just("because"), max_size=2),
    groups=st.dictionaries(KEYS, st.just("because"), max_size=2),
    administrators=st.dictionaries(KEYS, st.sets(KEYS), max_size=3),
)
NOBODY = Guarded({}, {}, {})


@given(PLANS, GUARDS)
def test_nothing_that_is_protected_is_ever_taken(plan: list[Operation], guarded: Guarded) -> None:
    judged = judge(plan, guarded, POLICY, {})
    for index, each in enumerate(plan):
        is_taking = each.verb in TAKING and each.way is Way.DIRECT
        is_guarded = each.account_id in guarded.accounts or each.group_id in guarded.groups
        refusal = judged.refusal_of(index)
        if is_taking and is_guarded:
            assert refusal is not None
            assert refusal.code == PROTECTED
            assert "because" in refusal.reason
        elif refusal is not None:
            assert refusal.code == LAST_ADMINISTRATOR


@given(PLANS, GUARDS)
def test_every_administrators_group_keeps_somebody_who_can_sign_in(
    plan: list[Operation], guarded: Guarded
) -> None:
    judged = judge(plan, guarded, POLICY, {})
    staying = {group: set(accounts) for group, accounts in guarded.administrators.items()}
    for index, each in enumerate(plan):
        if each.way is Way.IMPORT or judged.refusal_of(index) is not None:
            continue
        if each.verb is Verb.REMOVE_MEMBER and each.group_id in staying:
            staying[each.group_id].discard(each.account_id)
        if each.verb in CLOSING:
            for left in staying.values():
                left.discard(each.account_id)
    for group, accounts in guarded.administrators.items():
        assert bool(staying[group]) == bool(accounts)


@given(PLANS, GUARDS)
def test_what_gives_or_only_waits_is_never_refused(plan: list[Operation], guarded: Guarded) -> None:
    judged = judge(plan, guarded, POLICY, {})
    for refusal in judged.refusals:
        assert plan[refusal.index].verb in TAKING
        assert plan[refusal.index].way is Way.DIRECT


@given(PLANS, st.integers(0, 4), st.integers(0, 6), st.integers(0, 6))
def test_a_plan_is_held_exactly_when_its_removals_pass_a_limit(
    plan: list[Operation], per_plan: int, per_day: int, done: int
) -> None:
    judged = judge(plan, NOBODY, limited(per_plan, per_day), {"corp": done})
    removals = Counter(each.source_name for each in plan if each.is_removal)
    over_plan = removals.total() > per_plan
    over_day = any(
        count + (done if source == "corp" else 0) > per_day for source, count in removals.items()
    )
    assert (judged.held_reason is not None) == (over_plan or over_day)


@given(PLANS)
def test_closing_accounts_alone_is_never_held(plan: list[Operation]) -> None:
    closing = [each for each in plan if each.verb in CLOSING]
    assert judge(closing, NOBODY, limited(0, 0), {"corp": 10_000}).held_reason is None


@given(PLANS)
def test_refused_removals_do_not_count_against_the_limit(plan: list[Operation]) -> None:
    everybody = Guarded(dict.fromkeys(range(1, 6), "because"), {}, {})
    assert judge(plan, everybody, limited(0, 0), {}).held_reason is None


@given(PLANS)
def test_a_digest_does_not_depend_on_names(plan: list[Operation]) -> None:
    renamed = [replace(each, account_name="X", group_name="Y", source_name="Z") for each in plan]
    assert digest(renamed) == digest(plan)


@given(PLANS, PLANS)
def test_two_plans_share_a_digest_only_if_they_execute_the_same(
    first: list[Operation], second: list[Operation]
) -> None:
    is_same = [each.executed() for each in first] == [each.executed() for each in second]
    assert (digest(first) == digest(second)) == is_same
