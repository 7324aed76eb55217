"""The command on the rules by which accounts are tied to identities."""

from collections.abc import Sequence

import orjson

from app import events
from app.directory import correlating, ruling
from app.directory.matching import MOST_RULES, Field, Rule
from app.directory.models import CorrelationRules
from app.directory.service.sources import live_source
from app.kernel.actor import Permission
from app.kernel.errors import ConflictError, InvalidInputError, NothingToChangeError
from app.kernel.uow import UnitOfWork

NUMBER = (Field.EMPLOYEE_NUMBER, Field.EMPLOYEE_NUMBER)


def set_correlation(
    uow: UnitOfWork, *, rules: Sequence[Rule], version: int, source: str | None = None
) -> int:
    """Change by which rules accounts are tied, and tie them anew. Ties that were made stay.

    Args:
        uow: The unit of work.
        rules: In their order; that the same number is the same person always comes first.
        version: As looked at; 0 where nobody changed them before.
        source: Of this source alone, or None for all that have none of their own.

    Returns:
        The new version.

    Raises:
        InvalidInputError: There are too many, or one compares numbers whole, which is always done.
        ConflictError: Somebody changed them since.
        NothingToChangeError: They are exactly these already.
    """
    uow.actor.require(Permission.SOURCE_WRITE)
    uow.actor.require_fresh(uow.now)
    if len(rules) > MOST_RULES:
        raise InvalidInputError({"rules": f"At most {MOST_RULES} rules."})
    if any((each.match, each.against) == NUMBER and not _cuts(each) for each in rules):
        raise InvalidInputError({"rules": "Whole employee numbers are always compared first."})
    named = None if source is None else live_source(uow, source)
    ruled = ruling.in_force(uow)
    if ruled.version != version:
        raise ConflictError("The rules changed since.", current={"version": ruled.version})
    had = ruled.rules if named is None else ruled.by_source.get(named.id)
    if had == tuple(rules):
        raise NothingToChangeError("The rules are exactly these already.")
    documents = [each.document() for each in rules]
    made = CorrelationRules(
        public_id=uow.ids.new(),
        source_id=None if named is None else named.id,
        version=version + 1,
        rules=documents,
        created_at=uow.now,
        created_by=uow.actor.public_id,
    )
    uow.session.add(made)
    uow.record(
        events.CorrelationRulesSet(
            subject=made.public_id,
            source=None if named is None else named.public_id,
            version=made.version,
            rules=len(rules),
            text=orjson.dumps(documents).decode(),
        )
    )
    uow.session.flush()
    correlating.correlate_all(uow, subject=made.public_id, turned=set())
    return made.version


def _cuts(rule: Rule) -> bool:
    return bool(rule.strip_prefix or rule.strip_suffix or rule.strip_domain)
