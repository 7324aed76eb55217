"""The small closed language of `when`: four shapes, four operators, and the facts listed here.

    {all: [...]}   {any: [...]}   {not: ...}   {fact: entitlement.risk, at_least: high}

Nothing is evaluated that was not read and checked first: an unknown fact, an operator that does not
suit it or an operand of another type is refused when the document is read, so judging cannot fail.
A fact that has no value (no department) makes every test on it false. Text is compared exactly,
upper and lower case apart.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import assert_never

from policies.errors import InvalidPolicyError, Problem
from policies.facts import Action, Facts, IdentityKind, Risk

GREATEST_DEPTH = 12

Value = str | int | bool
Operand = Value | tuple[Value, ...]


class Operator(StrEnum):
    """How a fact is compared with what the policy says."""

    IS = "is"
    IN = "in"
    AT_LEAST = "at_least"
    MATCHES_PREFIX = "matches_prefix"


@dataclass(frozen=True, slots=True)
class FactName:
    """One fact a condition may name.

    Attributes:
        kind: `str`, `int`, `bool`, or the string enum of its words.
        read: Takes it out of the facts; None if it has no value.
    """

    kind: type[Value]
    read: Callable[[Facts], Value | None]


FACTS: Mapping[str, FactName] = MappingProxyType(
    {
        "ask.action": FactName(Action, lambda facts: facts.ask.action),
        "ask.duration_days": FactName(int, lambda facts: facts.ask.duration_days),
        "ask.has_duration": FactName(bool, lambda facts: facts.ask.duration_days is not None),
        "ask.has_ticket": FactName(bool, lambda facts: bool(facts.ask.ticket)),
        "ask.is_for_self": FactName(bool, lambda facts: facts.ask.is_for_self),
        "beneficiary.department": FactName(str, lambda facts: facts.ask.beneficiary.department),
        "beneficiary.has_manager": FactName(bool, lambda facts: bool(facts.candidates.managers)),
        "beneficiary.is_protected": FactName(
            bool, lambda facts: facts.ask.beneficiary.is_protected
        ),
        "beneficiary.kind": FactName(IdentityKind, lambda facts: facts.ask.beneficiary.kind),
        "beneficiary.title": FactName(str, lambda facts: facts.ask.beneficiary.title),
        "entitlement.group_kind": FactName(str, lambda facts: facts.ask.entitlement.group_kind),
        "entitlement.has_owner": FactName(bool, lambda facts: facts.candidates.owner is not None),
        "entitlement.id": FactName(str, lambda facts: facts.ask.entitlement.id),
        "entitlement.is_administrative": FactName(
            bool, lambda facts: facts.ask.entitlement.is_administrative
        ),
        "entitlement.is_protected": FactName(
            bool, lambda facts: facts.ask.entitlement.is_protected
        ),
        "entitlement.mastered_by": FactName(str, lambda facts: facts.ask.entitlement.mastered_by),
        "entitlement.name": FactName(str, lambda facts: facts.ask.entitlement.name),
        "entitlement.risk": FactName(Risk, lambda facts: facts.ask.entitlement.risk),
        "entitlement.source": FactName(str, lambda facts: facts.ask.entitlement.source),
    }
)


@dataclass(frozen=True, slots=True)
class Comparison:
    """One fact compared with one operand.

    Attributes:
        fact: A name of `FACTS`.
        operator: How.
        operand: One value, or for `in` several.
    """

    fact: str
    operator: Operator
    operand: Operand


@dataclass(frozen=True, slots=True)
class AllOf:
    """True if every part is."""

    parts: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """True if at least one part is."""

    parts: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class Not:
    """True if its part is not."""

    part: "Condition"


Condition = Comparison | AllOf | AnyOf | Not


def holds(condition: Condition, facts: Facts) -> bool:
    """Return whether a condition is true of the facts.

    Args:
        condition: As `read_condition` returned it.
        facts: Well-formed facts.
    """
    match condition:
        case AllOf(parts):
            return all(holds(part, facts) for part in parts)
        case AnyOf(parts):
            return any(holds(part, facts) for part in parts)
        case Not(part):
            return not holds(part, facts)
        case Comparison():
            return _compares(condition, facts)
        case _ as never:  # pragma: no cover  # mypy proves it
            assert_never(never)


def _compares(test: Comparison, facts: Facts) -> bool:
    value, operand = FACTS[test.fact].read(facts), test.operand
    if value is None:
        return False
    match test.operator:
        case Operator.IS:
            return value == operand
        case Operator.IN:
            return isinstance(operand, tuple) and value in operand
        case Operator.AT_LEAST:
            return _rank(value) >= _rank(operand)
        case Operator.MATCHES_PREFIX:
            return str(value).startswith(str(operand))
        case _ as never:  # pragma: no cover  # mypy proves it
            assert_never(never)


def _rank(value: Operand) -> int:
    return value.rank if isinstance(value, Risk) else int(str(value))


def read_condition(document: object, depth: int = 1) -> Condition:
    """Return the condition a document stands for.

    Args:
        document: What stood under `when`, as YAML or JSON was read.
        depth: How deep this one is nested; `GREATEST_DEPTH` is the end.

    Raises:
        InvalidPolicyError: Its problems carry paths relative to `document`.
    """
    if depth > GREATEST_DEPTH:
        raise _invalid("", f"nested deeper than {GREATEST_DEPTH}; split the rule in two")
    if not isinstance(document, Mapping) or not document:
        raise _invalid("", "a condition is an object with all, any, not or fact")
    if "fact" in document:
        return _read_test(document)
    key, body = next(iter(document.items()))
    if len(document) != 1 or key not in {"all", "any", "not"}:
        raise _invalid(str(key), "a condition has one key of all, any, not, or a fact with a test")
    if key == "not":
        return Not(_read_part(body, "not", depth))
    parts = _read_parts(body, key, depth)
    return AllOf(parts) if key == "all" else AnyOf(parts)


def _read_parts(body: object, key: str, depth: int) -> tuple[Condition, ...]:
    if not isinstance(body, list) or not body:
        raise _invalid(key, "a list of at least one condition is expected")
    return tuple(_read_part(part, f"{key}.{n}", depth) for n, part in enumerate(body))


def _read_part(part: object, path: str, depth: int) -> Condition:
    try:
        return read_condition(part, depth + 1)
    except InvalidPolicyError as error:
        raise InvalidPolicyError(problem.under(path) for problem in error.problems) from None


def _read_test(document: Mapping[str, object]) -> Comparison:
    fact = document["fact"]
    if not isinstance(fact, str) or fact not in FACTS:
        raise _invalid("fact", f"unknown fact; allowed: {', '.join(FACTS)}")
    keys = [key for key in document if key != "fact"]
    if len(keys) != 1 or keys[0] not in list(Operator):
        wrong = next((str(key) for key in keys if key not in list(Operator)), "")
        raise _invalid(wrong, f"a fact has exactly one test; allowed: {', '.join(Operator)}")
    operator = Operator(keys[0])
    return Comparison(fact, operator, _read_operand(FACTS[fact].kind, operator, document[operator]))


def _read_operand(kind: type[Value], operator: Operator, operand: object) -> Operand:
    match operator:
        case Operator.IS:
            return _read_value(kind, operand, operator)
        case Operator.IN:
            return _read_values(kind, operand)
        case Operator.AT_LEAST:
            return _read_value(_suited(kind, (int, Risk), operator), operand, operator)
        case Operator.MATCHES_PREFIX:
            return _read_value(_suited(kind, (str,), operator), operand, operator)
        case _ as never:  # pragma: no cover  # mypy proves it
            assert_never(never)


def _read_values(kind: type[Value], operand: object) -> tuple[Value, ...]:
    if not isinstance(operand, list) or not operand:
        raise _invalid(Operator.IN, "a list of at least one value is expected")
    return tuple(_read_value(kind, item, f"{Operator.IN}.{n}") for n, item in enumerate(operand))


def _suited(kind: type[Value], allowed: Sequence[type[Value]], operator: Operator) -> type[Value]:
    if kind not in allowed:
        raise _invalid(operator, "this test does not suit the fact; use is or in")
    return kind


def _read_value(kind: type[Value], operand: object, path: str) -> Value:
    if issubclass(kind, StrEnum):
        if not isinstance(operand, str) or operand not in list(kind):
            raise _invalid(path, f"one of {', '.join(kind)} is expected")
        return kind(operand)
    if type(operand) is not kind:
        names = {str: "text", int: "a whole number", bool: "true or false"}
        raise _invalid(path, f"{names[kind]} is expected")
    return operand


def _invalid(field: str, message: str) -> InvalidPolicyError:
    return InvalidPolicyError([Problem(field, message)])
