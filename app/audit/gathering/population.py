"""Who has what, what was left out of it, and what came or went that nobody decided."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from app.audit.gathering.shared import HELD, Reviewer, Statement, what_
from app.audit.scope import CampaignScope, PeriodScope, SampleScope, Scope
from app.directory.domain import Provenance
from app.directory.models import (
    Account,
    Exclusion,
    Group,
    Identity,
    Membership,
    Nesting,
    Source,
)
from app.grants.domain import EndState
from app.grants.models import End
from app.provisioning.domain import FindingKind
from app.provisioning.models import Finding
from app.reviews.domain import Decision
from app.reviews.follow_ups import IS_NEWEST, Owner
from app.reviews.models import Excluded, FollowUp, Item

Parent = aliased(Group)
Doer = aliased(Account)
CHANGED = {FindingKind.APPEARED: "appeared", FindingKind.VANISHED: "ended"}
DONE = (  # as far as the log of the source tells
    Finding.public_id.label("finding"),
    Finding.done_at.label("done_at"),
    Doer.public_id.label("done_by"),
    sa.func.coalesce(Finding.actor_name, Finding.actor_ref).label("done_by_name"),
    Finding.log_event.label("log_event"),
)


WHAT_KIND = (
    Account.kind.label("account_kind"),
    Account.status.label("account_status"),
    Account.last_sign_in_at.label("last_sign_in_at"),
    Group.is_administrative.label("is_privileged"),
)


WHY = (
    sa.case((Membership.is_primary, "primary group"), else_="direct").label("path"),
    Membership.provenance.label("provenance"),
    Membership.provenance_ref.label("provenance_ref"),
    Membership.valid_from.label("valid_from"),
    Membership.valid_to.label("valid_to"),
)


Ending = aliased(End)


DECIDED_END = (
    sa.select(sa.func.min(Ending.public_id))
    .where(
        Ending.account_id == Membership.account_id,
        Ending.group_id == Membership.group_id,
        Ending.state.in_([EndState.AUTHORISED, EndState.CONFIRMED]),
        Ending.decided_at <= Membership.valid_to,
        Ending.decided_at >= Membership.valid_from,
    )
    .correlate(Membership)
    .scalar_subquery()
)


CAUSE = (
    sa.case((Membership.valid_to.is_not(None), DECIDED_END)).label("end"),
    Group.master_external_id.is_not(None).label("is_mirrored"),
)


Again = aliased(Membership)


RETURNED = (
    sa.select(sa.func.min(Again.valid_from))
    .where(
        Again.account_id == Item.account_id,
        Again.group_id == Item.group_id,
        Again.valid_from > Item.remediation_at,
    )
    .correlate(Item)
    .scalar_subquery()
)


def open_population(scope: PeriodScope | SampleScope) -> list[Statement]:
    """Who had what when the period ended, what had ended in it, and which group stood in which."""

    def held(what: str) -> Statement:
        return (
            sa.select(what_(what), *HELD, *WHAT_KIND, *WHY, *CAUSE)
            .select_from(Membership)
            .join(Account, Account.id == Membership.account_id)
            .join(Group, Group.id == Membership.group_id)
            .join(Source, Source.id == Group.source_id)
            .outerjoin(Identity, Identity.id == Account.identity_id)
            .where(scope.memberships(Membership.account_id, Membership.group_id))
            .order_by(Membership.id)
        )

    memberships = held("membership").where(_stood_at(Membership, scope.end))
    ended = held("ended").where(Membership.valid_to >= scope.start, Membership.valid_to < scope.end)
    if isinstance(scope, SampleScope):
        return [memberships, ended]
    nestings = (
        sa.select(
            what_("nesting"),
            Source.name.label("source"),
            Group.public_id.label("member_group"),
            Group.name.label("member_group_name"),
            Parent.public_id.label("group"),
            Parent.name.label("group_name"),
            Nesting.valid_from.label("valid_from"),
            Nesting.valid_to.label("valid_to"),
        )
        .select_from(Nesting)
        .join(Group, Group.id == Nesting.child_id)
        .join(Parent, Parent.id == Nesting.parent_id)
        .join(Source, Source.id == Parent.source_id)
        .where(_stood_at(Nesting, scope.end))
        .order_by(Nesting.id)
    )
    return [memberships, ended, nestings]


def _stood_at(interval: Any, at: datetime) -> sa.ColumnElement[bool]:
    is_open = sa.or_(interval.valid_to.is_(None), interval.valid_to >= at)
    return sa.and_(interval.valid_from < at, is_open)


def frozen_population(scope: CampaignScope) -> Statement:
    """Every item, as it was shown, with what became of it."""
    return (
        sa.select(
            what_("item"),
            Item.public_id.label("item"),
            *HELD,
            *WHAT_KIND,
            *WHY,
            Group.master_external_id.is_not(None).label("is_mirrored"),
            Reviewer.public_id.label("reviewer"),
            Reviewer.display_name.label("reviewer_name"),
            Item.via.label("relationship"),
            Item.state.label("state"),
            Item.decision.label("decision"),
            Item.reason.label("reason"),
            Item.decided_at.label("decided_at"),
            Item.signed_off_at.label("signed_off_at"),
            Item.remediation.label("remediation"),
            Item.remediation_at.label("remediation_at"),
            Item.remediation_why.label("remediation_why"),
            Owner.public_id.label("follow_up_owner"),
            Owner.display_name.label("follow_up_owner_name"),
            FollowUp.ticket.label("follow_up_ticket"),
            FollowUp.due_at.label("follow_up_due_at"),
            sa.case((Item.decision == Decision.REVOKE, RETURNED)).label("returned_at"),
            sa.func.coalesce(
                End.public_id, sa.case((Membership.valid_to.is_not(None), DECIDED_END))
            ).label("end"),
            Item.frozen.label("frozen"),
        )
        .select_from(Item)
        .join(Membership, Membership.id == Item.membership_id)
        .join(Account, Account.id == Item.account_id)
        .join(Group, Group.id == Item.group_id)
        .join(Source, Source.id == Group.source_id)
        .outerjoin(Identity, Identity.id == Item.identity_id)
        .outerjoin(Reviewer, Reviewer.id == Item.reviewer_id)
        .outerjoin(End, End.id == Item.end_id)
        .outerjoin(FollowUp, IS_NEWEST)
        .outerjoin(Owner, Owner.id == FollowUp.owner_id)
        .where(Item.campaign_id == scope.key)
        .order_by(Item.id)
    )


def excluded_rows(scope: CampaignScope) -> Statement:
    return (
        sa.select(
            what_("membership"),
            Excluded.rule.label("rule"),
            Excluded.reason.label("reason"),
            *HELD,
            Excluded.what.label("frozen"),
        )
        .select_from(Excluded)
        .outerjoin(Membership, Membership.id == Excluded.membership_id)
        .outerjoin(Account, Account.id == Membership.account_id)
        .outerjoin(Group, Group.id == Membership.group_id)
        .outerjoin(Source, Source.id == Group.source_id)
        .outerjoin(Identity, Identity.id == Account.identity_id)
        .where(Excluded.campaign_id == scope.key)
        .order_by(Excluded.id)
    )


def left_out_groups(scope: Scope) -> Statement:
    """Groups that a person left out by name, whose members no read has to bring."""
    return (
        sa.select(
            what_("group"),
            sa.literal("left_out_by_name").label("rule"),
            Exclusion.reason.label("reason"),
            Source.name.label("source"),
            Group.public_id.label("group"),
            Exclusion.name.label("group_name"),
        )
        .select_from(Exclusion)
        .join(Source, Source.id == Exclusion.source_id)
        .outerjoin(
            Group,
            sa.and_(
                Group.source_id == Exclusion.source_id,
                Group.external_id == Exclusion.external_id,
            ),
        )
        .where(scope.stood(Exclusion.created_at, Exclusion.ended_at))
        .order_by(Exclusion.id)
    )


def drift_rows(scope: PeriodScope | SampleScope) -> list[Statement]:
    """Memberships that came or went in the period without anybody here having decided it."""
    decided = (
        sa.select(End.id)
        .where(
            End.account_id == Membership.account_id,
            End.group_id == Membership.group_id,
            End.state.in_([EndState.AUTHORISED, EndState.CONFIRMED]),
            End.decided_at <= Membership.valid_to,
            End.decided_at >= Membership.valid_from,
        )
        .exists()
    )
    changed = {
        FindingKind.APPEARED: (
            Membership.valid_from,
            Membership.provenance.in_([Provenance.OBSERVED, Provenance.DRIFT_ADOPTED]),
        ),
        FindingKind.VANISHED: (
            Membership.valid_to,
            sa.and_(Group.master_external_id.is_(None), ~decided),
        ),
    }
    return [
        sa.select(what_(CHANGED[kind]), at.label("at"), *DONE, *HELD, *WHY)
        .select_from(Membership)
        .join(Account, Account.id == Membership.account_id)
        .join(Group, Group.id == Membership.group_id)
        .join(Source, Source.id == Group.source_id)
        .outerjoin(Identity, Identity.id == Account.identity_id)
        .outerjoin(Finding, sa.and_(Finding.membership_id == Membership.id, Finding.kind == kind))
        .outerjoin(
            Doer,
            sa.and_(Doer.source_id == Group.source_id, Doer.external_id == Finding.actor_ref),
        )
        .where(
            scope.holds(at),
            undecided,
            scope.memberships(Membership.account_id, Membership.group_id),
        )
        .order_by(Membership.id)
        for kind, (at, undecided) in changed.items()
    ]
