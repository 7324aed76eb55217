"""The life of one access: who asked, who said yes, what was done and read back, who looked again.

One account in one group, from the first moment anything is known of it to now, in the order of
time, put together from the records of every stage. Where nothing is known, nothing is said.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from app.audit import reach
from app.directory.models import Account, Group, Identity, LogDeed, Membership, Source
from app.grants.models import End, Grant
from app.kernel.actor import Permission
from app.kernel.errors import NotFoundError
from app.kernel.uow import Reading
from app.provisioning.domain import FindingKind, FindingState
from app.provisioning.models import Finding, Plan, Task
from app.requests.models import AccessRequest, Approval, Step
from app.reviews.models import Campaign, Item, ItemDecision

By = aliased(Identity)


@dataclass(frozen=True, slots=True)
class Moment:
    """One thing that happened.

    Attributes:
        at: When.
        what: What: `membership.seen`, `request.submitted`, `approval.given`, ...
        who: Name of who did it, or None.
        detail: How it came out, as recorded.
        ref: Public id of the record.
    """

    at: datetime
    what: str
    who: str | None
    detail: str
    ref: str | None


@dataclass(frozen=True, slots=True)
class Life:
    """The life of one access.

    Attributes:
        account: Public id of the account.
        account_login: Its login.
        identity_name: Whose it is, or None.
        group: Public id of the group.
        group_name: Its name.
        source: Name of the source.
        is_held: Whether it is held now.
        as_of: The moment asked about, or None.
        was_held: Whether it was held at that moment; None if none was asked about.
        moments: What happened, in order.
    """

    account: str
    account_login: str
    identity_name: str | None
    group: str
    group_name: str
    source: str
    is_held: bool
    as_of: datetime | None
    was_held: bool | None
    moments: Sequence[Moment]


def life_of(
    reading: Reading, account_id: str, group_id: str, as_of: datetime | None = None
) -> Life:
    """Return the life of one access.

    Args:
        reading: The reading.
        account_id: Public id of the account.
        group_id: Public id of the group.
        as_of: A moment to ask about: was it held then?

    Raises:
        NotPermittedError: The actor may not read bundles.
        NotFoundError: There is no such account or group.
    """
    reading.actor.require(Permission.BUNDLE_READ)
    found = reading.session.execute(
        sa.select(Account, Identity.display_name, Source.name)
        .join(Source, Source.id == Account.source_id)
        .outerjoin(Identity, Identity.id == Account.identity_id)
        .where(Account.public_id == account_id)
    ).one_or_none()
    group = reading.session.scalar(sa.select(Group).where(Group.public_id == group_id))
    if found is None or group is None or not reach.reaches_access(reading, account_id, group_id):
        raise NotFoundError("There is no such account, or no such group.")
    account, name, source = found
    spans = reading.session.execute(
        sa.select(Membership.valid_from, Membership.valid_to, Membership.provenance)
        .where(Membership.account_id == account.id, Membership.group_id == group.id)
        .order_by(Membership.valid_from)
    ).all()
    moments = [
        *_seen(spans),
        *_found(reading, account, group),
        *_told(reading, account.id, group.id),
    ]
    return Life(
        account=account.public_id,
        account_login=account.login,
        identity_name=name,
        group=group.public_id,
        group_name=group.name,
        source=source,
        is_held=any(span.valid_to is None for span in spans),
        as_of=as_of,
        was_held=None if as_of is None else any(_held(span, as_of) for span in spans),
        moments=sorted(moments, key=lambda each: each.at),
    )


def _held(span: Any, at: datetime) -> bool:
    return span.valid_from <= at and (span.valid_to is None or span.valid_to > at)


def _seen(spans: Sequence[Any]) -> Iterator[Moment]:
    for span in spans:
        yield Moment(span.valid_from, "membership.seen", None, span.provenance.value, None)
        if span.valid_to is not None:
            yield Moment(span.valid_to, "membership.ended", None, "", None)


def _found(reading: Reading, account: Account, group: Group) -> Iterator[Moment]:
    """What the log of the source told others did, and what became of what nobody had decided.

    The log's words are kept for a while only; what findings noted of them stays.
    """
    findings = reading.session.execute(
        sa.select(Finding, By.display_name)
        .outerjoin(By, By.public_id == Finding.decided_by)
        .where(Finding.account_id == account.id, Finding.group_id == group.id)
    ).all()
    told = {
        each.event_id: _logged(each.at, each.event_id, each, is_joining=each.is_joining)
        for each in reading.session.scalars(
            sa.select(LogDeed).where(
                LogDeed.source_id == account.source_id,
                LogDeed.group_external_id == group.external_id,
                LogDeed.account_external_id == account.external_id,
                ~LogDeed.is_ours,
            )
        )
    }
    for finding, name in findings:
        kind, ref, event = finding.kind, finding.public_id, finding.log_event
        yield Moment(finding.found_at, f"drift.{kind.value}", None, "", ref)
        if finding.decided_at is not None:
            is_adopted = finding.state is FindingState.ADOPTED
            what = "drift.adopted" if is_adopted else "drift.revert_ordered"
            yield Moment(finding.decided_at, what, name, finding.reason or "", ref)
        if finding.done_at is not None and event is not None and event not in told:
            is_joining = kind is FindingKind.APPEARED
            told[event] = _logged(finding.done_at, event, finding, is_joining=is_joining)
    yield from told.values()


def _logged(at: datetime, event: str, by: LogDeed | Finding, *, is_joining: bool) -> Moment:
    what = "log.joined" if is_joining else "log.left"
    return Moment(at, what, by.actor_name or by.actor_ref, event, None)


def _told(reading: Reading, account: int, group: int) -> Iterator[Moment]:
    """What each stage recorded: statement, and what a row of it says."""
    session = reading.session
    asked = session.execute(
        sa.select(AccessRequest, By.display_name)
        .join(By, By.id == AccessRequest.requester_id)
        .where(AccessRequest.account_id == account, AccessRequest.group_id == group)
    ).all()
    for request, name in asked:
        action = request.action.value
        yield Moment(request.submitted_at, "request.submitted", name, action, request.public_id)
        if request.decided_at is not None:
            state = request.state.value
            yield Moment(request.decided_at, "request.decided", None, state, request.public_id)
    approvals = session.execute(
        sa.select(Approval, By.display_name)
        .join(Step, Step.id == Approval.step_id)
        .join(By, By.id == Approval.decided_by_id)
        .where(Step.request_id.in_([request.id for request, _name in asked]))
    )
    for approval, name in approvals:
        if approval.decided_at is not None and approval.outcome is not None:
            outcome = approval.outcome.value
            yield Moment(approval.decided_at, "approval.given", name, outcome, approval.public_id)
    grants = sa.select(Grant).where(Grant.account_id == account, Grant.group_id == group)
    for grant in session.scalars(grants):
        until = "" if grant.until is None else f"until {grant.until:%Y-%m-%d %H:%M} UTC"
        yield Moment(grant.authorised_at, "grant.authorised", None, until, grant.public_id)
        if grant.ended_at is not None:
            yield Moment(grant.ended_at, "grant.ended", None, "", grant.public_id)
    ends = sa.select(End).where(End.account_id == account, End.group_id == group)
    for end in session.scalars(ends):
        cause = end.cause.value
        yield Moment(end.decided_at, "end.authorised", None, cause, end.public_id)
    yield from _done(reading, account, group)
    yield from _reviewed(reading, account, group)


def _done(reading: Reading, account: int, group: int) -> Iterator[Moment]:
    tasks = reading.session.execute(
        sa.select(Task, Plan.cause)
        .join(Plan, Plan.id == Task.plan_id)
        .where(Task.account_id == account, Task.group_id == group)
    )
    for task, cause in tasks:
        verb = f"{task.verb} ({cause.value})"
        if task.applied_at is not None:
            yield Moment(task.applied_at, "task.applied", None, verb, task.public_id)
        if task.verified_at is not None:
            shown = str((task.read_back or {}).get("shown", ""))
            yield Moment(task.verified_at, "task.verified", None, shown, task.public_id)
        if task.error is not None:
            yield Moment(task.created_at, "task.failed", None, task.error, task.public_id)


def _reviewed(reading: Reading, account: int, group: int) -> Iterator[Moment]:
    found = reading.session.execute(
        sa.select(ItemDecision, Item.public_id, Campaign.name, By.display_name)
        .join(Item, Item.id == ItemDecision.item_id)
        .join(Campaign, Campaign.id == Item.campaign_id)
        .join(By, By.id == ItemDecision.decided_by_id)
        .where(Item.account_id == account, Item.group_id == group)
    )
    for decision, item, campaign, name in found:
        said = f"{decision.move.value}: {campaign}"
        yield Moment(decision.decided_at, "item.decided", name, said, item)
