"""All that can be wrong with a policy or with facts, told by field, with the way out."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong at one place.

    Attributes:
        field: Where, as a dotted path from the top (`rules.2.when.all.0.fact`); empty for the whole
            document.
        message: What, and the way out.
    """

    field: str
    message: str

    def under(self, parent: str) -> "Problem":
        """Return the same problem seen from further up.

        Args:
            parent: The dotted path of what holds this field; empty at the top.
        """
        return Problem(".".join(part for part in (parent, self.field) if part), self.message)


class PolicyError(Exception):
    """The base of all errors of this library.

    Attributes:
        code: A short stable name for logs and tests.
        problems: Every problem found, in the order of the document.
    """

    code = "policy_error"

    def __init__(self, problems: Iterable[Problem]) -> None:
        """Keep the problems; the message is one line for each.

        Args:
            problems: At least one.
        """
        self.problems = tuple(problems)
        super().__init__("\n".join(_line(problem) for problem in self.problems))


class InvalidPolicyError(PolicyError):
    """The text is no policy set: it cannot be read, or a key or value is wrong."""

    code = "invalid_policy"


class InvalidFactsError(PolicyError):
    """Facts, or the document they were stored as, are not well formed."""

    code = "invalid_facts"


class UnknownBuiltinError(PolicyError):
    """There is no starter policy of that name."""

    code = "unknown_builtin"


def _line(problem: Problem) -> str:
    return f"{problem.field}: {problem.message}" if problem.field else problem.message
