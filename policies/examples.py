"""Run a policy's own examples: small stories with a cast of five and an expected end."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import assert_never

from policies.clauses import Example, PolicySet, Presence
from policies.engine import evaluate
from policies.facts import (
    Ask,
    Candidate,
    Candidates,
    Entitlement,
    EntitlementId,
    Facts,
    Holding,
    Identity,
    IdentityId,
)
from policies.verdict import ReasonEffect, Verdict

# A verdict does not depend on the date; a fixed one keeps the runs of an example equal.
_NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)
_BENEFICIARY = IdentityId("beneficiary")


@dataclass(frozen=True, slots=True)
class ExampleResult:
    """How one example came out.

    Attributes:
        name: The example's sentence.
        differences: Each thing that came out otherwise, as a sentence; empty if it passed.
        verdict: What the policy said.
    """

    name: str
    differences: tuple[str, ...]
    verdict: Verdict

    @property
    def is_passed(self) -> bool:
        """Whether everything came out as expected."""
        return not self.differences


def run_examples(policy: PolicySet) -> tuple[ExampleResult, ...]:
    """Return how each example of a policy comes out, in the order of the document.

    Args:
        policy: The policy with its examples.
    """
    return tuple(_run(policy, example) for example in policy.examples)


def example_facts(example: Example) -> Facts:
    """Return the facts an example puts before the policy.

    Args:
        example: Its story; identities are named by their part (`beneficiary`, `manager`).
    """
    requester = _BENEFICIARY if example.is_for_self else IdentityId("requester")
    ask = Ask(
        requester_id=requester,
        beneficiary=_beneficiary(example),
        entitlement=_entitlement(example),
        action=example.action,
        now=_NOW,
        reason=example.reason,
        duration_days=example.duration_days,
        ticket=example.ticket,
        leaves_no_administrator=example.leaves_no_administrator,
    )
    return Facts(ask, _candidates(example, requester), _holdings(example))


def _run(policy: PolicySet, example: Example) -> ExampleResult:
    verdict = evaluate(policy, example_facts(example))
    expect = example.expect
    refused_by = tuple(
        reason.rule for reason in verdict.reasons if reason.effect is ReasonEffect.REFUSES
    )
    compared = (
        ("outcome", expect.outcome, verdict.outcome.value),
        ("steps", expect.steps, tuple(step.how for step in verdict.steps)),
        ("refused_by", expect.refused_by, refused_by),
        ("max_duration_days", expect.max_duration_days, verdict.max_duration_days),
    )
    differences = tuple(
        f"{name}: expected {_shown(wanted)}, got {_shown(got)}"
        for name, wanted, got in compared
        if wanted is not None and wanted != got
    )
    return ExampleResult(example.name, differences, verdict)


def _shown(value: object) -> str:
    return (", ".join(value) or "none") if isinstance(value, tuple) else str(value)


def _beneficiary(example: Example) -> Identity:
    given: dict[str, object] = {"id": _BENEFICIARY, "manager_id": "manager"}
    return Identity(**given | dict(example.beneficiary))  # type: ignore[arg-type]  # by the schema


def _entitlement(example: Example) -> Entitlement:
    given: dict[str, object] = {"id": "entitlement", "name": "Entitlement", "source": "source"}
    return Entitlement(**given | dict(example.entitlement))  # type: ignore[arg-type]  # the same


def _holdings(example: Example) -> tuple[Holding, ...]:
    return tuple(
        Holding(
            each.selector.entitlement_id or EntitlementId(f"held-{index}"),
            each.selector.name or "Held",
            each.selector.source or "source",
            _NOW,
            each.provenance,
        )
        for index, each in enumerate(example.holdings)
    )


def _candidates(example: Example, requester: IdentityId) -> Candidates:
    parts = ((example.manager, "manager"), (example.upper_manager, "upper-manager"))
    named = enumerate(example.administrators, start=1)
    administrators = [_candidate(p, f"administrator-{n}", requester) for n, p in named]
    managers = [_candidate(presence, part, requester) for presence, part in parts]
    return Candidates(
        tuple(each for each in managers if each),
        _candidate(example.owner, "owner", requester),
        tuple(each for each in administrators if each),
    )


def _candidate(presence: Presence, part: str, requester: IdentityId) -> Candidate | None:
    match presence:
        case Presence.MISSING:
            return None
        case Presence.ACTIVE | Presence.INACTIVE:
            return Candidate(IdentityId(part), presence is Presence.ACTIVE)
        case Presence.REQUESTER:
            return Candidate(requester)
        case Presence.BENEFICIARY:
            return Candidate(_BENEFICIARY)
        case Presence.MANAGER:
            return Candidate(IdentityId("manager"))
        case _ as never:  # pragma: no cover  # mypy proves it
            assert_never(never)
