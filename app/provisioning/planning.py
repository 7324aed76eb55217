"""What exactly will be run: the operations of a plan, from a wish to the wire.

An operation names immutable ids, so the digest of a plan does not change when somebody is renamed
or moved, and does change with anything that would be executed otherwise. Names and addresses ride
along for people. A group that only mirrors one mastered elsewhere is changed at its master; what
the mirror then shows is an operation of its own, which sends nothing and waits for the import.
"""

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from app.directory.models import Account, Group, Membership, Source
from app.kernel.errors import InvalidInputError, NotFoundError
from app.kernel.phrases import phrase
from app.kernel.uow import Reading
from connectors.records import Verb
from evidence.canonical import canonical

Own = aliased(Account)
Other = aliased(Account)
Mastered = aliased(Group)
Mirror = aliased(Group)


class Way(StrEnum):
    """How an operation comes about."""

    DIRECT = "direct"
    IMPORT = "import"


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of a plan.

    Attributes:
        verb: What is ensured.
        way: Sent to the source, or waited for (a mirror's next import).
        source_id: Internal key of the source.
        source: Public id of the source.
        source_name: For people.
        account_id: Internal key of the account.
        account: Its immutable id in the source.
        account_name: For people.
        group_id: Internal key of the group, or None.
        group: The group's immutable id in the source, or None.
        group_name: For people, or None.
        grant_id: The grant this brings about, or None.
        end_id: The end this brings about, or None.
    """

    verb: Verb
    way: Way
    source_id: int
    source: str
    source_name: str
    account_id: int
    account: str
    account_name: str
    group_id: int | None = None
    group: str | None = None
    group_name: str | None = None
    grant_id: int | None = None
    end_id: int | None = None

    @property
    def is_removal(self) -> bool:
        """Whether it takes a membership away at a source."""
        return self.verb is Verb.REMOVE_MEMBER and self.way is Way.DIRECT

    def executed(self) -> dict[str, str]:
        """Return what would be executed, and nothing else: what the digest is over."""
        found = {
            "verb": self.verb.value,
            "way": self.way.value,
            "source": self.source,
            "account": self.account,
        }
        return found | ({"group": self.group} if self.group is not None else {})

    def shown(self) -> dict[str, Any]:
        """Return what people, the API and evidence see of it."""
        return self.executed() | {
            "source_name": self.source_name,
            "account_name": self.account_name,
            "group_name": self.group_name,
            "text": self.sentence(),
        }

    def sentence(self) -> str:
        """Return it as one line for people."""
        about = f"{self.account_name} in {self.source_name}"
        text = sentence(self.verb, about, self.group_name)
        return f"wait until the import shows: {text}" if self.way is Way.IMPORT else text


SENTENCES = {
    Verb.ADD_MEMBER: "add to{group}: {about}",
    Verb.REMOVE_MEMBER: "remove from{group}: {about}",
    Verb.DISABLE_ACCOUNT: "disable {about}",
    Verb.ENABLE_ACCOUNT: "enable {about}",
    Verb.SUSPEND_ACCOUNT: "suspend {about}",
    Verb.DEACTIVATE_ACCOUNT: "deactivate {about}",
    Verb.CLEAR_SESSIONS: "end all sessions of {about}",
}


def sentence(verb: Verb, about: str, group: str | None) -> str:
    """Return an operation as one line for people."""
    return SENTENCES[verb].format(about=about, group=f" {group}" if group else "")


def digest(operations: Sequence[Operation]) -> str:
    """Return the SHA-256 (hex) that approvers sign: over the executed part of each, in order."""
    return hashlib.sha256(canonical([each.executed() for each in operations])).hexdigest()


@dataclass(frozen=True, slots=True)
class Target:
    """The account and the group a change really happens to.

    Attributes:
        account_id: Internal key.
        group_id: Internal key.
    """

    account_id: int
    group_id: int


def target(reading: Reading, *, identity_id: int, group_id: int) -> Target:
    """Find where a change of somebody's access to a group has to be made.

    Args:
        reading: The store.
        identity_id: Whose access.
        group_id: The group asked for, perhaps a mirror.

    Raises:
        NotFoundError: There is no such group (any more).
        InvalidInputError: The identity has no account, or several, where the group is mastered; or
            the group cannot be changed from here.
    """
    group = reading.session.get(Group, group_id)
    if group is None or group.ended_at is not None:
        raise NotFoundError(phrase("There is no such entitlement (any more)."))
    if group.master_external_id is not None:
        master = master_of(reading, group)
        if master is None:
            raise InvalidInputError(
                {
                    "entitlement": phrase(
                        "It mirrors a group of a source that is not connected here."
                    )
                }
            )
        group = master
    if not group.is_writable:
        raise InvalidInputError(
            {"entitlement": phrase("Its source does not let members be changed.")}
        )
    if not reading.session.get_one(Source, group.source_id).is_enabled:
        raise InvalidInputError({"entitlement": phrase("Its source is disabled; ask an operator.")})
    accounts = reading.session.scalars(
        sa.select(Account)
        .where(
            Account.identity_id == identity_id,
            Account.source_id == group.source_id,
            Account.ended_at.is_(None),
        )
        .order_by(Account.id)
        .limit(2)
    ).all()
    if len(accounts) != 1:
        many = "several accounts" if accounts else "no account"
        raise InvalidInputError(
            {
                "beneficiary": phrase(
                    "The beneficiary has %(many)s in the source of this entitlement.", many=many
                )
            }
        )
    return Target(accounts[0].id, group.id)


def master_of(reading: Reading, group: Group) -> Group | None:
    """Return the group that a mirror mirrors, if its source is connected."""
    return reading.session.scalar(
        sa.select(Group).where(
            Group.external_id == group.master_external_id,
            Group.source_id != group.source_id,
            Group.ended_at.is_(None),
        )
    )


def membership_operations(
    reading: Reading,
    verb: Verb,
    targets: Sequence[Target],
    *,
    grants: Sequence[int | None] = (),
    ends: Sequence[int | None] = (),
) -> tuple[Operation, ...]:
    """Return the operations that add accounts to groups or remove them.

    Args:
        reading: The store.
        verb: `add_member` or `remove_member`.
        targets: Which accounts and groups; mirrors are resolved before (`target`).
        grants: For each target the grant it brings about; may be left out.
        ends: The same for ends.

    Returns:
        First what is sent, in the order of the targets, then what mirrors will have to show.
    """
    direct = _direct(reading, verb, targets)
    sent = [
        replace(
            direct[each],
            grant_id=grants[index] if grants else None,
            end_id=ends[index] if ends else None,
        )
        for index, each in enumerate(targets)
    ]
    return (*sent, *(shown for _, shown in _mirrored(reading, verb, targets)))


def operations_by_target(
    reading: Reading, verb: Verb, targets: Collection[Target]
) -> dict[Target, tuple[Operation, ...]]:
    """Return, for many separate wishes, the plan of each, in two statements.

    Args:
        reading: The store.
        verb: `add_member` or `remove_member`.
        targets: Which accounts and groups.
    """
    plans = {where: [sent] for where, sent in _direct(reading, verb, targets).items()}
    for where, shown in _mirrored(reading, verb, targets):
        plans[where].append(shown)
    return {where: tuple(operations) for where, operations in plans.items()}


def _direct(reading: Reading, verb: Verb, targets: Collection[Target]) -> dict[Target, Operation]:
    """Return what is sent for each target, in one statement."""
    rows = reading.session.execute(
        sa.select(Account, Group, Source)
        .join(Source, Source.id == Account.source_id)
        .join(Group, Group.source_id == Source.id)
        .where(
            Account.id.in_({each.account_id for each in targets}),
            Group.id.in_({each.group_id for each in targets}),
        )
    )
    found = {
        Target(account.id, group.id): _operation(verb, Way.DIRECT, source, account, group)
        for account, group, source in rows
    }
    return {each: found[each] for each in targets}


def _operation(
    verb: Verb, way: Way, source: Source, account: Account, group: Group | None = None
) -> Operation:
    return Operation(
        verb=verb,
        way=way,
        source_id=source.id,
        source=source.public_id,
        source_name=source.name,
        account_id=account.id,
        account=account.external_id,
        account_name=account.display_name,
        group_id=group.id if group else None,
        group=group.external_id if group else None,
        group_name=group.name if group else None,
    )


def _mirrored(
    reading: Reading, verb: Verb, targets: Collection[Target]
) -> list[tuple[Target, Operation]]:
    """Return what the mirrors of these groups will have to show for the same identities."""
    if not targets:
        return []
    rows = reading.session.execute(
        sa.select(Own.id, Mastered.id, Other, Mirror, Source, Membership.id)
        .select_from(Own)
        .join(Mastered, Mastered.source_id == Own.source_id)
        .join(Mirror, Mirror.master_external_id == Mastered.external_id)
        .join(Source, Source.id == Mirror.source_id)
        .join(Other, sa.and_(Other.source_id == Source.id, Other.identity_id == Own.identity_id))
        .outerjoin(
            Membership,
            sa.and_(
                Membership.account_id == Other.id,
                Membership.group_id == Mirror.id,
                Membership.valid_to.is_(None),
            ),
        )
        .where(
            Own.id.in_({each.account_id for each in targets}),
            Mastered.id.in_({each.group_id for each in targets}),
            Mirror.source_id != Mastered.source_id,
            Mirror.ended_at.is_(None),
            Other.ended_at.is_(None),
            Source.is_enabled,
        )
        .order_by(Mirror.id, Other.id)
    ).all()
    wanted, adding = set(targets), verb is Verb.ADD_MEMBER
    return [
        (Target(own_id, group_id), _operation(verb, Way.IMPORT, source, account, shown))
        for own_id, group_id, account, shown, source, membership_id in rows
        if Target(own_id, group_id) in wanted and (membership_id is None) == adding
    ]


def account_operation(reading: Reading, verb: Verb, account_id: int) -> Operation:
    """Return the operation that changes an account itself."""
    account, source = reading.session.execute(
        sa.select(Account, Source)
        .join(Source, Source.id == Account.source_id)
        .where(Account.id == account_id)
    ).one()
    return _operation(verb, Way.DIRECT, source, account)
