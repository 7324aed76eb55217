"""The plan of a request as it would run now, and the facts it is judged by.

Both are worked out anew whenever somebody looks.
"""

from collections.abc import Collection, Sequence

from app.kernel.uow import Reading
from app.provisioning import guards, planning
from app.provisioning import service as provisioning
from app.provisioning.planning import Operation, Target
from app.provisioning.reconcile import LAST_ADMINISTRATOR, PROTECTED
from app.requests.domain import Action
from app.requests.models import AccessRequest
from app.rulebook import facts as rulebook_facts
from connectors.records import Verb
from policies.facts import Action as AskedAction
from policies.facts import Facts


def present_plans(
    reading: Reading, requests: Sequence[AccessRequest]
) -> dict[int, tuple[Operation, ...]]:
    """Return what carrying out each request would run as things are now, by its key.

    A constant number of statements, however many requests there are.
    """
    plans: dict[int, tuple[Operation, ...]] = {}
    for action in Action:
        wanted = {
            each.id: Target(each.account_id, each.group_id)
            for each in requests
            if each.action is action
        }
        found = operations(reading, action, set(wanted.values()))
        plans |= {request_id: found[where] for request_id, where in wanted.items()}
    return plans


def operations(
    reading: Reading, action: Action, targets: Collection[Target]
) -> dict[Target, tuple[Operation, ...]]:
    """Return the plan of each wish for one action; extending sends nothing."""
    if action is Action.EXTEND:
        return dict.fromkeys(targets, ())
    verb = Verb.ADD_MEMBER if action is Action.ADD else Verb.REMOVE_MEMBER
    return planning.operations_by_target(reading, verb, targets) if targets else {}


def facts_now(reading: Reading, request: AccessRequest, sent: tuple[Operation, ...]) -> Facts:
    """Return what the policy would be shown of a request as things are now.

    Args:
        reading: The store.
        request: The request.
        sent: Its plan as it would run now.
    """
    return rulebook_facts.build(
        reading,
        requester_id=request.requester_id,
        beneficiary_id=request.beneficiary_id,
        group_id=request.group_id,
        action=AskedAction(request.action.value),
        reason=request.reason,
        duration_days=request.duration_days,
        ticket=request.ticket,
        plan_digest=planning.digest(sent),
        **standing(reading, sent),
    )


def standing(reading: Reading, sent: tuple[Operation, ...]) -> dict[str, bool]:
    """Return what provisioning would refuse, as facts, so that it is refused when it is asked."""
    codes = {each.code for each in provisioning.consider(reading, sent).refusals}
    accounts = guards.protected_accounts(reading, {each.account_id for each in sent})
    return {
        "leaves_no_administrator": LAST_ADMINISTRATOR in codes,
        "is_account_protected": PROTECTED in codes and bool(accounts),
    }
