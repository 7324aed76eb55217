"""Rules by which an account fits an identity: what is compared, cut to which core, how sure. Pure.

A rule compares one field of an account, cut to its core, with a field of what is known of
identities: their number, their mail, the logins of their accounts. Case never counts.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

# A rule less sure than this ties nobody: what fits becomes a case for a person.
SURE_FROM = 80
MOST_RULES = 10
LONGEST_PART = 40


class Field(StrEnum):
    """What is compared."""

    EMPLOYEE_NUMBER = "employee_number"
    MAIL = "mail"
    LOGIN = "login"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule.

    Attributes:
        match: The account's field.
        against: What of identities it is compared with.
        confidence: How sure a tie by it is, 1 to 100.
        strip_prefix: Cut off the beginning; an account without it is not looked at.
        strip_suffix: Cut off the end (of what is before the @); the same.
        strip_domain: Compare only what is before the @, on both sides.
    """

    match: Field
    against: Field
    confidence: int
    strip_prefix: str = ""
    strip_suffix: str = ""
    strip_domain: bool = False

    @property
    def name(self) -> str:
        """As it is kept on an account: what was compared, and whether it was cut."""
        cut = "_cut" if self.strip_prefix or self.strip_suffix or self.strip_domain else ""
        crossed = "" if self.match is self.against else f"_as_{self.against.value}"
        return f"{self.match.value}{cut}{crossed}"

    @property
    def is_sure(self) -> bool:
        """Whether it ties, or only makes cases."""
        return self.confidence >= SURE_FROM

    def cut(self, value: str | None) -> str | None:
        """Return the core of an account's value, or None if the rule does not speak of it."""
        whole = (value or "").strip().casefold()
        local, sign, domain = whole.partition("@")
        if not (self.strip_prefix or self.strip_suffix):  # nearly always
            return (local if self.strip_domain else whole) if local else None
        prefix, suffix = self.strip_prefix.casefold(), self.strip_suffix.casefold()
        if not local.startswith(prefix) or not local.endswith(suffix):
            return None
        core = local[len(prefix) : len(local) - len(suffix)]
        if not core:
            return None
        return core if self.strip_domain else f"{core}{sign}{domain}"

    def known(self, value: str | None) -> str | None:
        """Return the core of an identity's value."""
        whole = (value or "").strip().casefold()
        return (whole.partition("@")[0] if self.strip_domain else whole) or None

    def document(self) -> dict[str, Any]:
        """Return it as it is stored and shown."""
        return {
            "match": self.match.value,
            "against": self.against.value,
            "confidence": self.confidence,
            "strip_prefix": self.strip_prefix,
            "strip_suffix": self.strip_suffix,
            "strip_domain": self.strip_domain,
        }


DEFAULT_RULES: tuple[Rule, ...] = (Rule(Field.MAIL, Field.MAIL, 90),)


def rules_of(documents: Iterable[Mapping[str, Any]]) -> tuple[Rule, ...]:
    """Return the rules that documents of `Rule.document` tell of."""
    return tuple(
        Rule(
            Field(each["match"]),
            Field(each["against"]),
            each["confidence"],
            each["strip_prefix"],
            each["strip_suffix"],
            each["strip_domain"],
        )
        for each in documents
    )
