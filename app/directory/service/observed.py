"""What provisioning read back, noted at once, without waiting for the next sync.

The digest of what was touched is forgotten, so that the next read looks at it closely.
"""

from datetime import datetime

import sqlalchemy as sa

from app import events
from app.directory import correlating, past
from app.directory.domain import Provenance
from app.directory.models import Account, Group, Membership, Source
from app.kernel.uow import UnitOfWork


def observe_membership(
    uow: UnitOfWork,
    *,
    account_id: int,
    group_id: int,
    is_present: bool,
    provenance: Provenance,
    ref: str | None,
    at: datetime,
) -> None:
    """Note what a read-back saw of one membership; recorded only if it differs.

    Args:
        uow: The unit of work.
        account_id: The account.
        group_id: The group.
        is_present: Whether the account is in the group.
        provenance: Why, if the membership is new. A membership that nobody had explained gets
            this explanation; one that was explained keeps its own.
        ref: Public id of the grant behind it, or None.
        at: When it was seen.
    """
    row = uow.session.scalar(
        sa.select(Membership)
        .where(
            Membership.account_id == account_id,
            Membership.group_id == group_id,
            Membership.valid_to.is_(None),
        )
        .with_for_update()
    )
    account = uow.session.get_one(Account, account_id)
    group = uow.session.get_one(Group, group_id)
    told = {"subject": account.public_id, "group": group.public_id}
    if is_present and row is None:
        uow.session.add(
            Membership(
                group_id=group_id,
                account_id=account_id,
                valid_from=at,
                provenance=provenance,
                provenance_ref=ref,
            )
        )
        group.member_digest = None  # the next read looks at this group closely
        appeared = events.MembershipAppeared(provenance=provenance, ref=ref, run=None, **told)
        uow.record(appeared)
    elif is_present and row is not None:
        if row.provenance is Provenance.OBSERVED and ref is not None:
            row.provenance = provenance
            row.provenance_ref = ref
            uow.record(events.MembershipExplained(provenance=provenance, ref=ref, **told))
    elif row is not None:
        row.valid_to = at
        row.run_to = None
        group.member_digest = None
        uow.record(events.MembershipEnded(ref=ref, run=None, **told))


def explain_membership(
    uow: UnitOfWork, *, membership_id: int, provenance: Provenance, ref: str
) -> None:
    """Note why an open membership exists that no decision had explained.

    Args:
        uow: The unit of work.
        membership_id: Internal key of the membership.
        provenance: Why it exists.
        ref: Public id of the grant behind it.
    """
    row = uow.session.get_one(Membership, membership_id, with_for_update=True)
    row.provenance = provenance
    row.provenance_ref = ref
    uow.record(
        events.MembershipExplained(
            subject=uow.session.get_one(Account, row.account_id).public_id,
            group=uow.session.get_one(Group, row.group_id).public_id,
            provenance=provenance,
            ref=ref,
        )
    )


def observe_account(uow: UnitOfWork, *, account_id: int, is_enabled: bool, status: str) -> None:
    """Note what a read-back saw of an account; recorded only if it differs.

    Args:
        uow: The unit of work.
        account_id: The account.
        is_enabled: Whether somebody could use it now.
        status: What was brought about; the next read replaces it by the source's own word.
    """
    account = uow.session.get_one(Account, account_id)
    account.observed_at = uow.now
    account.digest = b""  # the next read looks at this account closely
    if account.is_enabled == is_enabled:
        return
    new = {"id": account_id, "is_enabled": is_enabled, "status": status}
    past.keep(uow, Account, [new])
    account.is_enabled = is_enabled
    account.status = status
    uow.session.flush()
    uow.record(
        events.AccountChanged(
            subject=account.public_id,
            source=uow.session.get_one(Source, account.source_id).public_id,
            run=None,
            fields=("is_enabled", "status"),
        )
    )
    if account.identity_id is not None:
        correlating.refresh_activity(uow, account.identity_id)
