"""What every connector reads and changes, in words that belong to no vendor.

All records are frozen. Those that come by the hundred thousand (accounts, groups, lists of members)
are `msgspec` structs, which cost a tenth of a dataclass to make; `msgspec.structs.replace` changes
one. Identifiers are the source's own immutable ones (Active Directory:
`objectGUID` in lower-case hyphenated form; Okta: the `id`), never names: names change and are
used again for somebody else.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import msgspec

# Codes of problems that say that something known stays as it was (see `Problem`).
QUARANTINED = "quarantined_record"
QUARANTINED_GROUP = "quarantined_group"
KIND_UNREADABLE = "kind_unreadable"


class AccountKind(StrEnum):
    """What an account is for. Only a person's is ever tied to a person.

    A contact cannot sign in. Of a foreign principal the source holds a stand-in; whether it is
    enabled is known in its own domain, so that it counts as one that could be used.
    """

    PERSON = "person"
    SERVICE = "service"
    COMPUTER = "computer"
    CONTACT = "contact"
    FOREIGN = "foreign"


class MemberKind(StrEnum):
    """What a member of a group is."""

    ACCOUNT = "account"
    GROUP = "group"


class Account(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """One login object in one source.

    Attributes:
        external_id: The source's immutable identifier.
        login: What its holder types (sAMAccountName, Okta login).
        display_name: As the source shows it, any Unicode.
        is_enabled: Whether somebody could use this account now. An account that is disabled,
            suspended, deactivated, not yet activated or expired is not enabled; one that is merely
            locked out or whose password ran out still is.
        status: The source's own word for its state (`ACTIVE`, `disabled`, `expired`).
        kind: What it is for.
        mail: Address, or None.
        employee_number: The HR number, or None.
        manager_id: `external_id` of the manager's account in this source, or None.
        department: Or None.
        title: Or None.
        address: Where the source keeps it (a DN, an API path); for people, never compared.
        expires_at: When the source ends it by itself, aware UTC, or None.
        last_sign_in_at: As the source tells, aware UTC; None means *not known*, not *never*.
        attributes: Further single values worth keeping, by the source's own names.
    """

    external_id: str
    login: str
    display_name: str
    is_enabled: bool
    status: str
    kind: AccountKind = AccountKind.PERSON
    mail: str | None = None
    employee_number: str | None = None
    manager_id: str | None = None
    department: str | None = None
    title: str | None = None
    address: str = ""
    expires_at: datetime | None = None
    last_sign_in_at: datetime | None = None
    attributes: Mapping[str, str] = {}


class Group(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """One container in a source that gives access.

    Attributes:
        external_id: The source's immutable identifier.
        name: As the source shows it, any Unicode.
        kind: The source's own word (`security`, `distribution`, `OKTA_GROUP`, `APP_GROUP`).
        description: Or empty.
        owner_id: `external_id` of the account that answers for it (managedBy), or None.
        is_writable: Whether its members can be changed in this source.
        is_administrative: Whether its members can administer the source itself (Domain Admins);
            the last member of such a group is never taken away.
        master_id: If it only mirrors a group mastered in another source, that group's
            `external_id` there; else None.
        rule: If a rule of the source fills it, so that a removal does not last, the rule's name.
        address: Where the source keeps it (a DN, an API path); never compared.
        attributes: Further single values worth keeping, by the source's own names.
    """

    external_id: str
    name: str
    kind: str
    description: str = ""
    owner_id: str | None = None
    is_writable: bool = True
    is_administrative: bool = False
    master_id: str | None = None
    rule: str | None = None
    address: str = ""
    attributes: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Member:
    """One direct member of a group.

    Attributes:
        external_id: The member's immutable identifier in this source.
        kind: Account or group.
        is_primary: Whether it is a member by being its primary group (Active Directory keeps such
            members outside `member`; they cannot be removed like others).
    """

    external_id: str
    kind: MemberKind
    is_primary: bool = False


class MemberList(msgspec.Struct, frozen=True, gc=False):
    """All direct members of one group, or as many as could be read, by their `external_id`.

    Attributes:
        group_id: The group's `external_id`.
        accounts: Its direct members that are accounts.
        groups: Its direct members that are groups.
        primary: Accounts that are members by having it as their primary group.
        is_complete: False if the list broke off; then nothing may be concluded from an absence.
    """

    group_id: str
    accounts: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    primary: tuple[str, ...] = ()
    is_complete: bool = True

    @classmethod
    def of(
        cls, group_id: str, members: Iterable[Member], *, is_complete: bool = True
    ) -> "MemberList":
        """Make a list of single members; where there are many, give their ids by kind instead.

        Args:
            group_id: The group's `external_id`.
            members: Its direct members.
            is_complete: False if the list broke off.
        """
        accounts: list[str] = []
        groups: list[str] = []
        primary: list[str] = []
        for each in members:
            if each.kind is MemberKind.GROUP:
                groups.append(each.external_id)
            else:
                (primary if each.is_primary else accounts).append(each.external_id)
        return cls(group_id, tuple(accounts), tuple(groups), tuple(primary), is_complete)

    @property
    def members(self) -> tuple[Member, ...]:
        """Its members one by one."""
        return (
            *(Member(each, MemberKind.ACCOUNT) for each in self.accounts),
            *(Member(each, MemberKind.GROUP) for each in self.groups),
            *(Member(each, MemberKind.ACCOUNT, is_primary=True) for each in self.primary),
        )

    @property
    def size(self) -> int:
        """How many members it holds."""
        return len(self.accounts) + len(self.groups) + len(self.primary)


@dataclass(frozen=True, slots=True)
class Query:
    """One question that was put to a source, for the completeness statement of an audit.

    Attributes:
        purpose: `accounts`, `groups`, `members`.
        text: The exact query: base, scope and filter, or the API path with its parameters.
        pages: How many pages were read to the end.
        returned: How many objects came back.
        reported: How many the source itself says there are, or None if it gives no count.
    """

    purpose: str
    text: str
    pages: int
    returned: int
    reported: int | None = None


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that kept a read from being complete, or a record from being used.

    Attributes:
        code: Short stable name (`size_limit`, `broken_off`, `bad_record`). Of one group alone:
            `unreadable_group` (its members could not be read), `vanished_group` (it was gone when
            they were asked for); its `MemberList` is then not complete, and nothing else suffers.
            `rules_unreadable`: which groups a rule fills was not shown; it stays as it was known.
            `quarantined_record`, `quarantined_group`: the record of an account or of a group
            cannot be used; what is known of it stays (if `about` is empty, of whomever was not
            read). `kind_unreadable`: the groups of a kind, named by `about`, may not be read at
            all; what is known of them stays, and the read is complete without them.
        detail: One sentence for people, with what to do.
        about: `external_id` or address of what it concerns, or empty.
    """

    code: str
    detail: str
    about: str = ""


@dataclass(frozen=True, slots=True)
class AccountBatch:
    """Some accounts of a read."""

    accounts: tuple[Account, ...]


@dataclass(frozen=True, slots=True)
class GroupBatch:
    """Some groups of a read."""

    groups: tuple[Group, ...]


@dataclass(frozen=True, slots=True)
class MemberBatch:
    """The member lists of some groups of a read. A list belongs to one batch as a whole.

    One that is told again replaces the one before: its group changed while it was read.
    """

    lists: tuple[MemberList, ...]


@dataclass(frozen=True, slots=True)
class MemberChange:
    """Who joined and who left one group since a cursor; those not named stay.

    Attributes:
        group_id: The group's `external_id`.
        joined: Direct members now, that may not have been before.
        left: `external_id` of those that are no direct members any more.
    """

    group_id: str
    joined: tuple[Member, ...] = ()
    left: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MemberChangeBatch:
    """The changes of some groups' members, in a delta only."""

    changes: tuple[MemberChange, ...]


@dataclass(frozen=True, slots=True)
class GoneBatch:
    """What the source itself says was deleted since a cursor, in a delta only.

    Attributes:
        accounts: `external_id` of each.
        groups: `external_id` of each.
    """

    accounts: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ReadReport:
    """The last word of a read, always its last item.

    Attributes:
        is_complete: Every list was read to its end with success on every page. Where only members
            of single groups are missing, each of those is told by a problem of its own.
        endpoint: Where it was read (URI of the controller used, org URL).
        account: As whom.
        queries: What was asked, exactly.
        problems: Why it is not complete, and what could not be used.
        cursor: Where a later delta could start, opaque, or empty.
    """

    is_complete: bool
    endpoint: str
    account: str
    queries: tuple[Query, ...]
    problems: tuple[Problem, ...] = ()
    cursor: str = ""


class Deed(msgspec.Struct, frozen=True, gc=False):
    """One change of a membership as the source's own log tells it: who did it, and when.

    Attributes:
        event_id: The log's own id of it; the same deed told twice has the same.
        at: When, by the source's clock, aware UTC.
        account_id: `external_id` of the account it is about.
        group_id: `external_id` of the group.
        is_joining: Whether the account joined the group, or left it.
        actor_id: `external_id` of who did it, or whatever else the log names them by, or empty if
            it names nobody.
        actor_name: As the log shows them, or empty.
    """

    event_id: str
    at: datetime
    account_id: str
    group_id: str
    is_joining: bool
    actor_id: str = ""
    actor_name: str = ""


@dataclass(frozen=True, slots=True)
class LogPage:
    """One page of a source's own log.

    Attributes:
        deeds: What it tells of memberships, in the log's order.
        cursor: Where to go on from once this page is kept, opaque.
    """

    deeds: tuple[Deed, ...]
    cursor: str


Batch = AccountBatch | GroupBatch | MemberBatch | ReadReport
DeltaBatch = Batch | MemberChangeBatch | GoneBatch


class Verb(StrEnum):
    """What can be ensured. The value is what plans, tasks and the ledger say."""

    ADD_MEMBER = "add_member"
    REMOVE_MEMBER = "remove_member"
    DISABLE_ACCOUNT = "disable_account"
    ENABLE_ACCOUNT = "enable_account"
    SUSPEND_ACCOUNT = "suspend_account"
    DEACTIVATE_ACCOUNT = "deactivate_account"
    CLEAR_SESSIONS = "clear_sessions"


@dataclass(frozen=True, slots=True)
class Change:
    """One state to bring about.

    Attributes:
        verb: What to ensure.
        account_id: `external_id` of the account it is about.
        group_id: `external_id` of the group, for the two membership verbs; else None.
    """

    verb: Verb
    account_id: str
    group_id: str | None = None

    def __post_init__(self) -> None:
        """Refuse a membership change without group, and a group where none belongs."""
        about_members = self.verb in (Verb.ADD_MEMBER, Verb.REMOVE_MEMBER)
        if about_members != (self.group_id is not None):
            raise ValueError(f"{self.verb} {'needs' if about_members else 'takes no'} group_id")


class Effect(StrEnum):
    """What an ensured change did."""

    CHANGED = "changed"
    ALREADY = "already"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a source answered to a change.

    Attributes:
        effect: Whether something was changed or the state already held.
        operation: The exact operation sent, without secrets (an LDIF-like line, a method and path).
        answer: The source's raw result code and request id (`0 success`, `204 reqABC`).
    """

    effect: Effect
    operation: str
    answer: str


@dataclass(frozen=True, slots=True)
class Observation:
    """What a source shows when asked whether a change is in effect.

    Attributes:
        in_effect: True or False as read from the source just now; None if this source has no way
            to show it (then `shown` says so, and nobody may claim it was verified).
        shown: What was seen, in one sentence.
        query: The exact question asked.
    """

    in_effect: bool | None
    shown: str
    query: str


@dataclass(frozen=True, slots=True)
class CheckItem:
    """One thing that was tried on a source.

    Attributes:
        name: What was tried (`reach`, `certificate`, `sign in`, `read accounts`, `write members`).
        is_ok: Whether it works.
        detail: What was seen; if it does not work, what that costs and what to do.
        is_required: Without it the source cannot be used at all; otherwise it only costs something.
    """

    name: str
    is_ok: bool
    detail: str
    is_required: bool = True


@dataclass(frozen=True, slots=True)
class CheckReport:
    """The result of `check`.

    Attributes:
        items: In the order tried.
        endpoint: Where.
        account: As whom.
        own_account_id: `external_id` of the account Attestry itself uses, if it is one of the
            accounts read; it is always protected.
    """

    items: tuple[CheckItem, ...]
    endpoint: str
    account: str
    own_account_id: str | None = None

    @property
    def is_usable(self) -> bool:
        """Whether everything required works."""
        return all(item.is_ok for item in self.items if item.is_required)
