"""Commands of a request: preview, submit, decide, cancel. One aggregate, one lock.

What an approver signs is the digest of the exact operations. It is computed anew whenever somebody
looks and whenever somebody decides; an approval of a plan that has changed is refused and the new
plan shown.
"""

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from app import events
from app.directory.models import Account, Group, Identity
from app.grants import service as grants
from app.grants.domain import EndCause, GrantCause
from app.kernel.actor import Permission
from app.kernel.errors import (
    ConflictError,
    InvalidInputError,
    NotFoundError,
    NothingToChangeError,
    NotPermittedError,
    PolicyRefusedError,
)
from app.kernel.event import moment
from app.kernel.phrases import phrase
from app.kernel.uow import Reading, UnitOfWork
from app.provisioning import planning
from app.provisioning.planning import Operation, Target
from app.requests import deciding, plans
from app.requests.domain import Action, RequestState
from app.requests.models import AccessRequest, Approval
from app.rulebook import facts as rulebook_facts
from app.rulebook import service as rulebook
from policies.facts import Action as AskedAction
from policies.facts import Facts
from policies.schedule import access_ends_at
from policies.verdict import Verdict, verdict_document

ACTIVE = (RequestState.SUBMITTED, RequestState.APPROVED)


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody asks for.

    Attributes:
        beneficiary: Public id of the identity it is for, or None for oneself.
        entitlement: Public id of the group.
        action: Add, remove or extend.
        reason: Why.
        duration_days: For how long from approval, or None.
        ticket: Reference elsewhere, or None.
    """

    entitlement: str
    action: Action
    reason: str = ""
    beneficiary: str | None = None
    duration_days: int | None = None
    ticket: str | None = None


@dataclass(frozen=True, slots=True)
class Considered:
    """A wish, worked out.

    Attributes:
        requester: Who asks.
        beneficiary: For whom.
        target: The account and group that would really be changed.
        operations: The plan.
        plan_digest: What approvers sign.
        facts: What the policy was shown.
    """

    requester: Identity
    beneficiary: Identity
    target: Target
    operations: tuple[Operation, ...]
    plan_digest: str
    facts: Facts


def consider(reading: Reading, wish: Wish) -> Considered:
    """Work out a wish: who, where, which operations, and the facts for the policy.

    Raises:
        NotPermittedError: The actor is no person, or may not ask for somebody else.
        NotFoundError: There is no such identity or entitlement.
        InvalidInputError: The beneficiary has no account where the change would be made.
        NothingToChangeError: It is so already.
    """
    requester = reading.session.get_one(Identity, reading.actor.require_identity())
    beneficiary = _beneficiary(reading, wish, requester)
    group = reading.session.scalar(sa.select(Group).where(Group.public_id == wish.entitlement))
    if group is None:
        raise NotFoundError(phrase("There is no such entitlement."))
    target = planning.target(reading, identity_id=beneficiary.id, group_id=group.id)
    _refuse_no_op(reading, wish, target)
    operations = plans.operations(reading, wish.action, [target])[target]
    digest = planning.digest(operations)
    facts = rulebook_facts.build(
        reading,
        requester_id=requester.id,
        beneficiary_id=beneficiary.id,
        group_id=target.group_id,
        action=AskedAction(wish.action.value),
        reason=wish.reason,
        duration_days=wish.duration_days,
        ticket=wish.ticket,
        plan_digest=digest,
        **plans.standing(reading, operations),
    )
    return Considered(requester, beneficiary, target, operations, digest, facts)


def preview(reading: Reading, wish: Wish) -> tuple[Considered, Verdict]:
    """Return what a request would mean and what the policy says of it, storing nothing."""
    considered = consider(reading, wish)
    verdict = rulebook.preview(reading, considered.facts)
    _refuse_shortening(reading, wish, considered.target, verdict)
    return considered, verdict


def submit(uow: UnitOfWork, wish: Wish) -> AccessRequest:
    """Ask for a change of access.

    Raises:
        PolicyRefusedError: A rule says no; its verdict rides along. Nothing is kept.
        NothingToChangeError: It is so already, or an open request wants the same.
        ConflictError: An open request is about the same access.
    """
    considered = consider(uow, wish)
    target = considered.target
    uow.session.execute(
        sa.select(Identity.id).where(Identity.id == considered.beneficiary.id).with_for_update()
    )
    _refuse_duplicate(uow, wish, considered)
    refused = rulebook.preview(uow, considered.facts)
    if not refused.is_allowed:
        texts = " ".join(each.text for each in refused.reasons if each.effect.value == "refuses")
        raise PolicyRefusedError(texts, verdict_document(refused))
    _refuse_shortening(uow, wish, target, refused)
    ruling, verdict = rulebook.judge(uow, considered.facts)
    request = AccessRequest(
        public_id=uow.ids.new(),
        requester_id=considered.requester.id,
        beneficiary_id=considered.beneficiary.id,
        account_id=target.account_id,
        group_id=target.group_id,
        action=wish.action,
        reason=wish.reason,
        duration_days=verdict.duration_days,
        ticket=wish.ticket,
        state=RequestState.SUBMITTED,
        ruling_id=ruling.id,
        plan=[each.shown() for each in considered.operations],
        plan_digest=considered.plan_digest,
        submitted_at=uow.now,
    )
    uow.session.add(request)
    uow.session.flush()
    group = uow.session.get_one(Group, target.group_id)
    account = uow.session.get_one(Account, target.account_id)
    uow.record(
        events.RequestSubmitted(
            subject=request.public_id,
            requester=considered.requester.public_id,
            beneficiary=considered.beneficiary.public_id,
            entitlement=group.public_id,
            account=account.public_id,
            action=wish.action,
            duration_days=request.duration_days,
            plan_digest=request.plan_digest,
            policy_digest=verdict.policy_digest,
            ruling=ruling.public_id,
            reason=wish.reason,
            ticket=wish.ticket,
        )
    )
    deciding.open_steps(uow, request, verdict)
    if not verdict.steps:
        carry_out(uow, request)
    return request


def decide(
    uow: UnitOfWork, *, approval_id: str, outcome: str, comment: str | None, plan_digest: str
) -> Approval:
    """Answer one approver's question, on the digest of the plan that was shown.

    Args:
        uow: The unit of work.
        approval_id: Public id of the question.
        outcome: `approve` or `refuse`.
        comment: Why; needed for a refusal.
        plan_digest: What was shown to the approver.

    Raises:
        NotFoundError: There is no such question, or it is not put to this person.
        ConflictError: It was answered, the request is over, or the plan has changed; then the new
            plan and digest ride along.
        PolicyRefusedError: The policy would refuse it now.
        InvalidInputError: A refusal without a comment.
    """
    approval, request = deciding.find_question(uow, approval_id)
    deciding.refuse_unless_addressed(uow, approval, request)
    deciding.refuse_unless_open(uow, approval, request)
    if outcome == "refuse":
        if not (comment or "").strip():
            raise InvalidInputError({"comment": phrase("Say why: the requester will read it.")})
        deciding.refuse(uow, approval, request, comment=comment)
        return approval
    _revalidate(uow, request, plan_digest)
    if deciding.approve(uow, approval, request, comment=comment):
        carry_out(uow, request)
    return approval


def cancel(uow: UnitOfWork, *, request_id: str) -> AccessRequest:
    """Take a request back before it is decided.

    Raises:
        NotFoundError: There is none of this requester.
        ConflictError: It is decided.
    """
    me = uow.actor.require_identity()
    request = uow.session.scalar(
        sa.select(AccessRequest).where(AccessRequest.public_id == request_id).with_for_update()
    )
    if request is None or me not in (request.requester_id, request.beneficiary_id):
        raise NotFoundError(phrase("There is no such request of yours."))
    if request.state is not RequestState.SUBMITTED:
        raise ConflictError(
            phrase("This request is %(state)s and cannot be taken back.", state=request.state)
        )
    request.state = RequestState.CANCELLED
    request.ended_at = uow.now
    deciding.close_questions(uow, request)
    uow.record(events.RequestCancelled(subject=request.public_id))
    return request


def carry_out(uow: UnitOfWork, request: AccessRequest) -> None:
    """The last yes: the decision becomes a grant, a new end of one, or an end."""
    request.state = RequestState.APPROVED
    request.decided_at = uow.now
    until = access_ends_at(uow.now, request.duration_days)
    ruling = deciding.ruling_ref(uow, request)
    uow.record(
        events.RequestApproved(
            subject=request.public_id, plan_digest=request.plan_digest, ruling=ruling
        )
    )
    match request.action:
        case Action.ADD:
            grant = grants.authorise(
                uow,
                account_id=request.account_id,
                group_id=request.group_id,
                cause=GrantCause.REQUEST,
                cause_ref=request.public_id,
                until=until,
            )
            uow.session.flush()
            request.grant_id = grant.id
        case Action.REMOVE:
            ended = grants.end(
                uow,
                account_id=request.account_id,
                group_id=request.group_id,
                cause=EndCause.REQUEST,
                cause_ref=request.public_id,
            )
            uow.session.flush()
            request.end_id = ended.id
        case Action.EXTEND:
            held = grants.live_grant(uow, request.account_id, request.group_id)
            if held is None:
                raise ConflictError(phrase("The access to be extended is over; ask for it anew."))
            grants.extend(uow, grant=held, until=until, cause_ref=request.public_id)
            request.grant_id = held.id
            request.state = RequestState.DONE
            request.ended_at = uow.now
            uow.record(
                events.RequestCompleted(subject=request.public_id, grant=held.public_id, end=None)
            )


def _revalidate(uow: UnitOfWork, request: AccessRequest, shown_digest: str) -> None:
    """Refuse an approval of what is no longer what would be run, or no longer allowed."""
    wish = Wish(entitlement="", action=request.action)
    target = Target(request.account_id, request.group_id)
    _refuse_no_op(uow, wish, target)
    operations = plans.present_plans(uow, [request])[request.id]
    digest = planning.digest(operations)
    if digest != shown_digest:
        current: dict[str, Any] = {
            "plan_digest": digest,
            "plan": [each.shown() for each in operations],
        }
        raise ConflictError(phrase("The plan is not the one you were shown. Look again."), current)
    facts = plans.facts_now(uow, request, operations)
    ruling, verdict = rulebook.judge(uow, facts)
    if not verdict.is_allowed:
        texts = " ".join(each.text for each in verdict.reasons if each.effect.value == "refuses")
        raise PolicyRefusedError(texts, verdict_document(verdict))
    request.ruling_id = ruling.id
    if digest != request.plan_digest:
        request.plan = [each.shown() for each in operations]
        request.plan_digest = digest
        deciding.ask_again(uow, request)


def _beneficiary(reading: Reading, wish: Wish, requester: Identity) -> Identity:
    if wish.beneficiary is None or wish.beneficiary == requester.public_id:
        return requester
    found = reading.session.scalar(
        sa.select(Identity).where(Identity.public_id == wish.beneficiary)
    )
    is_allowed = reading.actor.may(Permission.REQUEST_ON_BEHALF) or (
        found is not None and found.manager_id == requester.id
    )
    if not is_allowed:
        raise NotPermittedError(
            phrase(
                "You may ask for yourself and for those you manage; others need the role operator."
            )
        )
    if found is None:
        raise NotFoundError(phrase("There is no such identity."))
    return found


def _refuse_no_op(reading: Reading, wish: Wish, target: Target) -> None:
    is_member = grants.is_member(reading, target.account_id, target.group_id)
    held = grants.live_grant(reading, target.account_id, target.group_id)
    match wish.action:
        case Action.ADD:
            if is_member or held is not None:
                raise NothingToChangeError(phrase("The beneficiary has this access already."))
        case Action.REMOVE:
            if not is_member and held is None:
                raise NothingToChangeError(
                    phrase("The beneficiary does not have this access directly.")
                )
        case Action.EXTEND:
            if held is None:
                raise NothingToChangeError(phrase("There is no access decided here to extend."))
            if held.until is None:
                raise NothingToChangeError(phrase("This access has no end that could be moved."))


def _refuse_shortening(reading: Reading, wish: Wish, target: Target, verdict: Verdict) -> None:
    """An extension that would end before the access does extends nothing."""
    if wish.action is not Action.EXTEND or not verdict.is_allowed:
        return
    held = grants.live_grant(reading, target.account_id, target.group_id)
    until = access_ends_at(reading.now, verdict.duration_days)
    if held is None or held.until is None or until is None:
        return
    if until <= held.until:
        raise NothingToChangeError(
            phrase("This access lasts until %(moment)s already.", moment=moment(held.until))
        )


def _refuse_duplicate(uow: UnitOfWork, wish: Wish, considered: Considered) -> None:
    other = uow.session.scalar(
        sa.select(AccessRequest)
        .where(
            AccessRequest.account_id == considered.target.account_id,
            AccessRequest.group_id == considered.target.group_id,
            AccessRequest.state.in_(ACTIVE),
        )
        .limit(1)
    )
    if other is None:
        return
    if other.action is wish.action:
        raise NothingToChangeError(
            phrase("Request %(other)s asks for the same and is open.", other=other.public_id)
        )
    raise ConflictError(
        phrase("Request %(other)s is open about the same access.", other=other.public_id)
    )
