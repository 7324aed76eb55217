"""Which memberships break a separation rule in force, by what their holder has besides.

Only the groups that rules name are looked at, with all that lead to them by nesting; so the cost
follows the rules, not the company.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from app.directory.models import Account, Closure, Group, Membership, Source
from app.kernel.uow import Reading
from app.rulebook import service as rulebook
from policies.separation import Selector, SodRule


@dataclass(frozen=True, slots=True)
class Clash:
    """One membership does not go together with something else its holder has.

    Attributes:
        rule: The rule that says so.
        text: Why, in the policy's words.
        with_name: Name of what else they have.
        with_source: Where.
    """

    rule: str
    text: str
    with_name: str
    with_source: str


Clashes = Mapping[tuple[int, int], Sequence[Clash]]


@dataclass(frozen=True, slots=True)
class _Named:
    id: int
    public_id: str
    name: str
    source: str


def clashes(reading: Reading) -> Clashes:
    """Return the clashes of everybody, by identity and the group they are directly in.

    Two statements, whatever the number of people; none if the policy separates nothing.
    """
    rules = rulebook.policy_in_force(reading).separation
    if not rules:
        return {}
    named = _groups(reading, rules)
    if not named:
        return {}
    sides = [(rule, _side(rule.first, named), _side(rule.second, named)) for rule in rules]
    found: dict[tuple[int, int], list[Clash]] = defaultdict(list)
    for identity, held in _held(reading, named).items():
        for direct, gives in held.items():
            for rule, first, second in sides:
                for other in _others(gives, held, first, second):
                    each = named[other]
                    clash = Clash(rule.id, rule.text, each.name, each.source)
                    if clash not in found[identity, direct]:
                        found[identity, direct].append(clash)
    return found


def _others(
    gives: set[int], held: Mapping[int, set[int]], first: set[int], second: set[int]
) -> Iterator[int]:
    """Yield what is held of the other side of a rule, by whatever way."""
    everything = set().union(*held.values())
    for mine, theirs in ((first, second), (second, first)):
        if gives & mine:
            yield from sorted((everything & theirs) - (gives & mine))


def _groups(reading: Reading, rules: Sequence[SodRule]) -> dict[int, _Named]:
    """Return the groups that rules point at, in one statement."""
    selectors = [each for rule in rules for each in (*rule.first, *rule.second)]
    ids = [each.entitlement_id for each in selectors if each.entitlement_id is not None]
    names = [each.name for each in selectors if each.name is not None]
    rows = reading.session.execute(
        sa.select(Group.id, Group.public_id, Group.name, Source.name.label("source"))
        .join(Source, Source.id == Group.source_id)
        .where(sa.or_(Group.public_id.in_(ids), Group.name.in_(names)))
    )
    return {row.id: _Named(row.id, row.public_id, row.name, row.source) for row in rows}


def _side(selectors: Sequence[Selector], named: Mapping[int, _Named]) -> set[int]:
    return {
        each.id
        for each in named.values()
        for selector in selectors
        if (
            each.public_id == selector.entitlement_id
            if selector.entitlement_id is not None
            else (each.source, each.name) == (selector.source, selector.name)
        )
    }


def _held(reading: Reading, named: Mapping[int, _Named]) -> dict[int, dict[int, set[int]]]:
    """Return, by identity and direct group, which of the named groups that gives."""
    held: dict[int, dict[int, set[int]]] = defaultdict(lambda: defaultdict(set))
    direct = sa.select(
        Account.identity_id, Membership.group_id, Membership.group_id.label("gives")
    ).where(Membership.group_id.in_(named))
    nested = (
        sa.select(Account.identity_id, Membership.group_id, Closure.ancestor_id.label("gives"))
        .join(Closure, Closure.descendant_id == Membership.group_id)
        .where(Closure.ancestor_id.in_(named))
    )
    both = (
        each.join(Account, Account.id == Membership.account_id).where(
            Membership.valid_to.is_(None), Account.identity_id.is_not(None)
        )
        for each in (direct, nested)
    )
    for row in reading.session.execute(sa.union(*both)):
        held[row.identity_id][row.group_id].add(row.gives)
    return held
