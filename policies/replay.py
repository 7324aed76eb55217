"""Compute a recorded decision again, from what was recorded and nothing else."""

from policies.document import read_policy
from policies.engine import evaluate
from policies.facts import facts_from_document
from policies.verdict import Verdict


def replay(policy_text: str, facts_document: object) -> Verdict:
    """Return the verdict of a policy text on recorded facts; an auditor compares it.

    Args:
        policy_text: The exact text, whose SHA-256 the record names.
        facts_document: As `facts.facts_document` made it.

    Raises:
        InvalidPolicyError: The text is no policy set.
        InvalidFactsError: The facts are not well formed.
    """
    return evaluate(read_policy(policy_text), facts_from_document(facts_document))
