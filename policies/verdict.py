"""The answer to an ask: allowed or refused, who must still say yes, and the reason for each."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from policies import codec
from policies.clauses import Role
from policies.facts import IdentityId


class VerdictOutcome(StrEnum):
    """Whether the policy allows what is asked; allowed still waits for the steps."""

    ALLOW = "allow"
    REFUSE = "refuse"


class ReasonEffect(StrEnum):
    """What a reason did to the verdict."""

    REFUSES = "refuses"
    REQUIRES = "requires"
    LIMITS = "limits"
    WAIVES = "waives"


class ObligationKind(StrEnum):
    """What an allowed ask brings with it."""

    ENDS_AFTER_DAYS = "ends_after_days"
    REMOVAL_NOT_AUTOMATIC = "removal_not_automatic"
    CHANGED_AT_MASTER = "changed_at_master"


@dataclass(frozen=True, slots=True)
class Step:
    """One answer that is needed, in its order.

    Attributes:
        order: From 1; a step opens when the one before it is approved.
        role: Whose answer the policy asks for.
        approvers: Who may give it, by id in ascending order; never the requester or beneficiary.
        quorum: How many different persons of them must say yes.
        how: Why these: `manager`, `owner (no manager)`, `administrator (no owner)`; several joined
            by `; ` where one answer counts for two steps.
    """

    order: int
    role: Role
    approvers: tuple[IdentityId, ...]
    quorum: int
    how: str


@dataclass(frozen=True, slots=True)
class Reason:
    """Why the verdict is what it is.

    Attributes:
        rule: The id of the rule, or `standing.<name>` for what no policy can switch off.
        effect: What it did.
        text: For the person it meets.
        source: Where it stands in the policy (`rules.2`, `approval.flow.0`), or `standing`.
    """

    rule: str
    effect: ReasonEffect
    text: str
    source: str


@dataclass(frozen=True, slots=True)
class Obligation:
    """What must be seen to if the ask is carried out.

    Attributes:
        kind: What.
        text: For people.
        days: For `ends_after_days`, how many days of 24 hours from the last approval; else None.
    """

    kind: ObligationKind
    text: str
    days: int | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a policy says of one ask.

    Attributes:
        outcome: Allowed (after the steps) or refused.
        policy_digest: The policy that was asked.
        steps: Who must say yes, in order; empty if refused, or if nobody needs to.
        reasons: Everything that had a part in it, refusals first.
        max_duration_days: The longest access any rule allows here, or None for no limit.
        obligations: What comes with carrying it out; empty if refused.
    """

    outcome: VerdictOutcome
    policy_digest: str
    steps: tuple[Step, ...] = ()
    reasons: tuple[Reason, ...] = ()
    max_duration_days: int | None = None
    obligations: tuple[Obligation, ...] = ()

    @property
    def is_allowed(self) -> bool:
        """Whether the ask may go on to its steps."""
        return self.outcome is VerdictOutcome.ALLOW

    @property
    def duration_days(self) -> int | None:
        """How long access lasts if it is carried out, in days; None for no end."""
        ends = [each.days for each in self.obligations if each.days is not None]
        return ends[0] if ends else None


def verdict_document(verdict: Verdict) -> dict[str, Any]:
    """Return a verdict as a JSON-able document.

    Args:
        verdict: As `engine.evaluate` returned it.
    """
    document: dict[str, Any] = codec.to_document(verdict)
    return document


def verdict_from_document(document: object) -> Verdict:
    """Return the verdict a document stands for: the strict inverse of `verdict_document`.

    Args:
        document: A JSON object as `verdict_document` makes it.

    Raises:
        InvalidFactsError: Naming the field that is missing, unknown or wrong.
    """
    return codec.from_document(Verdict, document)
