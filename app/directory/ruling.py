"""Which rules of correlation are in force: of all sources, and of single ones."""

from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from app.directory.matching import DEFAULT_RULES, Rule, rules_of
from app.directory.models import CorrelationRules
from app.kernel.uow import Reading


@dataclass(frozen=True, slots=True)
class Ruled:
    """The rules in force.

    Attributes:
        version: How often any of them were changed; 0 where nobody changed them.
        rules: Of all sources.
        by_source: Of single sources, by key, which count there instead.
    """

    version: int
    rules: tuple[Rule, ...]
    by_source: Mapping[int, tuple[Rule, ...]]


def in_force(reading: Reading) -> Ruled:
    """Return the rules in force; one statement."""
    rows = reading.session.execute(
        sa.select(CorrelationRules.source_id, CorrelationRules.rules, CorrelationRules.id).order_by(
            CorrelationRules.id
        )
    ).all()
    newest = {source_id: rules_of(documents) for source_id, documents, _ in rows}
    rules = newest.pop(None, DEFAULT_RULES)
    return Ruled(len(rows), rules, {key: some for key, some in newest.items() if key is not None})
