"""What happens to the accounts of somebody who leaves: close first, then take away.

The order is part of the promise: every account is closed and its sessions end before any membership
is removed, so that no limit on removals leaves a door open. A protected account is left to a
person, and the answer says so.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NewType

from policies.clauses import LeaverSettings, Measure, PolicySet
from policies.facts import EntitlementId

AccountId = NewType("AccountId", str)


class RemovalWay(StrEnum):
    """How a membership goes."""

    REMOVE = "remove"
    AT_MASTER = "at_master"
    NOT_AUTOMATIC = "not_automatic"
    BY_A_PERSON = "by_a_person"


@dataclass(frozen=True, slots=True)
class LeaverMembership:
    """One direct membership of a leaver's account.

    Attributes:
        entitlement_id: In what.
        mastered_by: The source that masters it if this one only mirrors it, else None.
        is_removal_automatic: False if a rule of the source would put the member back.
        is_protected: Whether automation may never take members from it.
        is_last_administrator: Whether an administrators' group would lose its last member.
    """

    entitlement_id: EntitlementId
    mastered_by: str | None = None
    is_removal_automatic: bool = True
    is_protected: bool = False
    is_last_administrator: bool = False


@dataclass(frozen=True, slots=True)
class LeaverAccount:
    """One account of somebody who leaves.

    Attributes:
        id: Opaque and stable.
        source: The name of its source.
        source_kind: Its kind (`active_directory`, `okta`).
        is_protected: Whether automation may never touch it (the identity or the account is
            protected, or it is the one the product binds with).
        memberships: Its direct memberships.
    """

    id: AccountId
    source: str
    source_kind: str
    is_protected: bool = False
    memberships: tuple[LeaverMembership, ...] = ()


@dataclass(frozen=True, slots=True)
class Removal:
    """What becomes of one membership.

    Attributes:
        entitlement_id: In what.
        way: Removed here, at its master, or not by automation.
        reason: Why not simply removed here; empty if it is.
    """

    entitlement_id: EntitlementId
    way: RemovalWay
    reason: str = ""


@dataclass(frozen=True, slots=True)
class LeaverActions:
    """What is done to one account, in this order: close, end sessions, remove.

    Attributes:
        account_id: Which.
        source: The name of its source.
        measure: How it is closed; None if that is left to a person.
        is_session_clearing: Whether its sessions are ended.
        removals: What becomes of each membership; empty if the policy keeps them.
        reason: Why it is left to a person; else empty.
    """

    account_id: AccountId
    source: str
    measure: Measure | None
    is_session_clearing: bool
    removals: tuple[Removal, ...]
    reason: str = ""


def leaver_actions(
    policy: PolicySet, accounts: Sequence[LeaverAccount]
) -> tuple[LeaverActions, ...]:
    """Return what is done to each account of a leaver, in the order given.

    Args:
        policy: The policy, for its leaver settings.
        accounts: All accounts of the identity; closed ones, too, since closing ensures a state.
    """
    return tuple(_actions(policy.leaver, account) for account in accounts)


def _actions(settings: LeaverSettings, account: LeaverAccount) -> LeaverActions:
    if account.is_protected:
        reason = "The account is protected; an administrator must close it by hand."
        return LeaverActions(account.id, account.source, None, False, (), reason)  # noqa: FBT003
    kept = not settings.is_membership_removing
    removals = () if kept else tuple(_removal(each) for each in account.memberships)
    return LeaverActions(
        account.id,
        account.source,
        measure_for(settings, account.source, account.source_kind),
        settings.is_session_clearing,
        removals,
    )


def measure_for(settings: LeaverSettings, source: str, source_kind: str) -> Measure:
    """Return how an account of a source is closed.

    Okta accounts are suspended unless the policy says otherwise: deactivation there cannot be
    undone for application data (Okta, *Deactivate user accounts*).

    Args:
        settings: What the policy says of leavers.
        source: The source's name, which is stronger than ...
        source_kind: ... its kind.
    """
    usual = Measure.SUSPEND if source_kind == "okta" else Measure.DISABLE
    return settings.by_source.get(source) or settings.by_kind.get(source_kind, usual)


def _removal(membership: LeaverMembership) -> Removal:
    way, reason = RemovalWay.REMOVE, ""
    if membership.is_protected:
        way, reason = RemovalWay.BY_A_PERSON, "The group is protected."
    elif membership.is_last_administrator:
        way = RemovalWay.BY_A_PERSON
        reason = "This is the last member of an administrators' group; add another one first."
    elif membership.mastered_by is not None:
        way, reason = RemovalWay.AT_MASTER, f"Mastered in {membership.mastered_by}."
    elif not membership.is_removal_automatic:
        way, reason = RemovalWay.NOT_AUTOMATIC, "A rule of the source fills this group."
    return Removal(membership.entitlement_id, way, reason)
