"""Pure: what of a plan may run now, what never, and what waits for a person.

Refused is what would take something away from a protected identity, account or group, or the last
member from an administrators' group. Held is what goes beyond the limits on removals; closing a
leaver's accounts is never held and never counted.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from app.provisioning.planning import Operation, Way
from connectors.records import Verb
from policies.clauses import PolicySet
from policies.limits import LimitOutcome, limit_verdict

TAKING = frozenset(
    {
        Verb.REMOVE_MEMBER,
        Verb.DISABLE_ACCOUNT,
        Verb.SUSPEND_ACCOUNT,
        Verb.DEACTIVATE_ACCOUNT,
        Verb.CLEAR_SESSIONS,
    }
)
CLOSING = frozenset({Verb.DISABLE_ACCOUNT, Verb.SUSPEND_ACCOUNT, Verb.DEACTIVATE_ACCOUNT})
PROTECTED = "protected"
LAST_ADMINISTRATOR = "last_administrator"
LIMIT = "removal_limit"


@dataclass(frozen=True, slots=True)
class Guarded:
    """What automation may never take away, each with its reason.

    Attributes:
        accounts: Account key to reason (protected itself, or its identity, or our own).
        groups: Group key to reason.
        administrators: Keys of the usable accounts in each administrators' group, by group key:
            every such group that the plan takes from, or that an account it closes is in.
    """

    accounts: Mapping[int, str]
    groups: Mapping[int, str]
    administrators: Mapping[int, Collection[int]]


@dataclass(frozen=True, slots=True)
class Refusal:
    """One operation that will not run.

    Attributes:
        index: Its place in the plan.
        code: `protected` or `last_administrator`.
        reason: One sentence.
    """

    index: int
    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class Judgement:
    """What becomes of a plan.

    Attributes:
        refusals: Operations that will never run.
        held_reason: Why its removals wait for a person, or None.
    """

    refusals: tuple[Refusal, ...]
    held_reason: str | None

    def refusal_of(self, index: int) -> Refusal | None:
        """Return the refusal of one operation, if it is refused."""
        return next((each for each in self.refusals if each.index == index), None)


def judge(
    operations: Sequence[Operation],
    guarded: Guarded,
    policy: PolicySet,
    done_today: Mapping[str, int],
) -> Judgement:
    """Judge a plan.

    Args:
        operations: The plan.
        guarded: What is protected.
        policy: The policy in force, for its limits on removals.
        done_today: Removals already made or queued today, by source name.
    """
    refusals = tuple(_refusals(operations, guarded))
    refused = {each.index for each in refusals}
    planned = Counter(
        each.source_name
        for index, each in enumerate(operations)
        if each.is_removal and index not in refused
    )
    verdict = limit_verdict(policy, planned, done_today)
    held = verdict.outcome is LimitOutcome.HOLD
    return Judgement(refusals, " ".join(verdict.reasons) if held else None)


def _refusals(operations: Sequence[Operation], guarded: Guarded) -> list[Refusal]:
    found: list[Refusal] = []
    staying = {group: set(accounts) for group, accounts in guarded.administrators.items()}
    for index, each in enumerate(operations):
        if each.verb not in TAKING or each.way is Way.IMPORT:
            continue
        refusal = _protected(index, each, guarded) or _last(index, each, staying)
        if refusal is not None:
            found.append(refusal)
            continue
        for group in _administered(each, staying):
            staying[group].discard(each.account_id)
    return found


def _protected(index: int, operation: Operation, guarded: Guarded) -> Refusal | None:
    reason = guarded.accounts.get(operation.account_id)
    if reason is not None:
        return Refusal(index, PROTECTED, f"{operation.account_name} is protected: {reason}")
    if operation.group_id is None:
        return None
    reason = guarded.groups.get(operation.group_id)
    if reason is not None:
        return Refusal(index, PROTECTED, f"{operation.group_name} is protected: {reason}")
    return None


def _last(index: int, operation: Operation, staying: Mapping[int, set[int]]) -> Refusal | None:
    """Refuse what would leave an administrators' group with nobody who can use it."""
    if all(staying[group] - {operation.account_id} for group in _administered(operation, staying)):
        return None
    group = f" {operation.group_name}" if operation.group_name else ""
    return Refusal(
        index,
        LAST_ADMINISTRATOR,
        f"{operation.account_name} is the last member of an administrators' group{group} "
        "who can sign in; add another one first.",
    )


def _administered(operation: Operation, staying: Mapping[int, Collection[int]]) -> list[int]:
    """Return the administrators' groups that an operation would take its account from."""
    if operation.group_id is not None:
        return [operation.group_id] if operation.group_id in staying else []
    if operation.verb not in CLOSING:
        return []
    return [group for group, accounts in staying.items() if operation.account_id in accounts]
