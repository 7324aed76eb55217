"""The rules by which accounts are tied to identities: looked at first, then put in force."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import orjson
import sqlalchemy as sa

from app import events
from app.directory import correlating, ruling
from app.directory.candidates import Candidate
from app.directory.matching import MOST_RULES, Field, Rule
from app.directory.models import Case, CorrelationRules, Identity, Source
from app.directory.ruling import Ruled
from app.directory.service.sources import live_source
from app.kernel.actor import Permission
from app.kernel.errors import ConflictError, InvalidInputError, NothingToChangeError
from app.kernel.phrases import phrase
from app.kernel.uow import Reading, UnitOfWork

MOST_FORESEEN = 200
TIED, DOUBTED, SETTLED = "tied", "doubted", "settled"
NUMBER = (Field.EMPLOYEE_NUMBER, Field.EMPLOYEE_NUMBER)


@dataclass(frozen=True, slots=True)
class ForeseenAccount:
    """An account that rules would treat otherwise than those in force.

    Attributes:
        account: Its public id.
        login: What its holder types.
        source: Name of its source.
        becomes: `tied` to somebody else, `doubted` (a case opens or names others), or `settled`
            (its case ends by itself).
        names: To whom it would be tied, or whom it may be.
    """

    account: str
    login: str
    source: str
    becomes: str
    names: Sequence[str]


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What rules would do, if they were put in force now. Ties that were made stay.

    Attributes:
        digest: Of the rules, of what they are for, and of the version they would follow.
        accounts: How many accounts were looked at.
        tied: How many would be tied to somebody else.
        doubted: How many would be in doubt anew, or as others than so far.
        settled: How many would be in doubt no more.
        shown: The first of them.
    """

    digest: str
    accounts: int
    tied: int
    doubted: int
    settled: int
    shown: Sequence[ForeseenAccount]


def preview_correlation(
    reading: Reading, *, rules: Sequence[Rule], version: int, source: str | None = None
) -> Foreseen:
    """Say what rules would tie and untie before they are put in force; nothing is written.

    Args:
        reading: Who looks.
        rules: In their order.
        version: As looked at.
        source: For this source alone, or None for all that have none of their own.

    Raises:
        InvalidInputError: There are too many, or one compares numbers whole, which is always done.
        ConflictError: Somebody changed them since.
        NothingToChangeError: They are exactly these already.
    """
    reading.actor.require(Permission.SOURCE_WRITE)
    ruled, named = _checked(reading, rules, version, source)
    draft = (
        replace(ruled, rules=tuple(rules))
        if named is None
        else replace(ruled, by_source={**ruled.by_source, named.id: tuple(rules)})
    )
    accounts, found = correlating.foresee(reading, draft)
    ties = {each.account_id: each.identity_id for each in found.ties}
    doubts = {each.account_id: list(each.candidates) for each in found.doubts}
    open_ones = reading.session.execute(
        sa.select(Case.account_id, Case.candidates).where(Case.settled_at.is_(None))
    )
    doubted_so_far = {account_id: list(candidates) for account_id, candidates in open_ones}
    changed: dict[str, list[tuple[Candidate, list[int]]]] = {TIED: [], DOUBTED: [], SETTLED: []}
    for each in accounts:
        if each.identity_id is not None and ties[each.id] != each.identity_id:
            changed[TIED].append((each, [ties[each.id]]))
        had, has = doubted_so_far.get(each.id), doubts.get(each.id)
        if has is not None and has != had:
            changed[DOUBTED].append((each, has))
        elif has is None and had is not None:
            changed[SETTLED].append((each, []))
    return Foreseen(
        digest=digest_of_rules(rules, version, source),
        accounts=len(accounts),
        tied=len(changed[TIED]),
        doubted=len(changed[DOUBTED]),
        settled=len(changed[SETTLED]),
        shown=_named(reading, changed),
    )


def digest_of_rules(rules: Sequence[Rule], version: int, source: str | None) -> str:
    """Return a digest of rules, of what they are for, and of the version they would follow."""
    document = [version, source, [each.document() for each in rules]]
    return hashlib.sha256(orjson.dumps(document)).hexdigest()


def _named(
    reading: Reading, changed: Mapping[str, Sequence[tuple[Candidate, list[int]]]]
) -> list[ForeseenAccount]:
    some = [
        (becomes, each, keys)
        for becomes, rows in changed.items()
        for each, keys in rows[:MOST_FORESEEN]
    ][:MOST_FORESEEN]
    wanted = {key for _, _, keys in some for key in keys}
    names = dict(
        reading.session.execute(
            sa.select(Identity.id, Identity.display_name).where(Identity.id.in_(wanted))
        ).all()
    )
    sources = dict(reading.session.execute(sa.select(Source.id, Source.name)).all())
    return [
        ForeseenAccount(
            account=each.public_id,
            login=each.login,
            source=sources[each.source_id],
            becomes=becomes,
            names=[names[key] for key in keys if key in names],
        )
        for becomes, each, keys in some
    ]


def _checked(
    reading: Reading, rules: Sequence[Rule], version: int, source: str | None
) -> tuple[Ruled, Source | None]:
    """Return the rules in force, and the source that these are for; refuse what makes no sense."""
    if len(rules) > MOST_RULES:
        raise InvalidInputError({"rules": phrase("At most %(most)s rules.", most=MOST_RULES)})
    if any((each.match, each.against) == NUMBER and not _cuts(each) for each in rules):
        raise InvalidInputError(
            {"rules": phrase("Whole employee numbers are always compared first.")}
        )
    named = None if source is None else live_source(reading, source)
    ruled = ruling.in_force(reading)
    if ruled.version != version:
        raise ConflictError(
            phrase("The rules changed since you looked."), current={"version": ruled.version}
        )
    had = ruled.rules if named is None else ruled.by_source.get(named.id)
    if had == tuple(rules):
        raise NothingToChangeError(phrase("The rules are exactly these already."))
    return ruled, named


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
    _, named = _checked(uow, rules, version, source)
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
