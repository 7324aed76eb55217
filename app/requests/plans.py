"""The plan of a request as it would run now, worked out anew whenever somebody looks."""

from collections.abc import Collection, Sequence

from app.kernel.uow import Reading
from app.provisioning import planning
from app.provisioning.planning import Operation, Target
from app.requests.domain import Action
from app.requests.models import AccessRequest
from connectors.records import Verb


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
