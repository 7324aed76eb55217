"""Find people, accounts, groups, sources and reads by what somebody types.

Names are found by any part; logins, mail, employee numbers and ids by an index, as a whole.
Whoever may not read the directory finds nobody here.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from app.directory.domain import IdentityKind
from app.directory.models import Account, Group, Identity, Source, SyncRun
from app.directory.queries.matching import holds
from app.kernel.actor import Permission
from app.kernel.uow import Reading

ID_LENGTH = 36
FURTHER = 10  # of those found by name, some are gone


@dataclass(frozen=True, slots=True)
class FoundIdentity:
    """Somebody, and the login they were found by if it was one."""

    id: str
    kind: IdentityKind
    name: str
    detail: str | None
    login: str | None


@dataclass(frozen=True, slots=True)
class FoundGroup:
    """A group, with its source."""

    id: str
    name: str
    source: str


def find_people(reading: Reading, words: str, most: int) -> list[FoundIdentity]:
    """Find identities by part of a name, or by a whole id, number, mail or login.

    Those that are meant exactly come first.
    """
    if not reading.actor.may(Permission.DIRECTORY_READ):
        return []
    shown = (
        Identity.public_id,
        Identity.kind,
        Identity.display_name,
        sa.func.coalesce(Identity.mail, Identity.department),
    )
    there = Identity.ended_at.is_(None)
    exact = sa.or_(
        Identity.public_id == words,
        Identity.employee_number == words,
        Identity.mail.in_(sorted({words, words.lower()})),
    )
    by_login = (
        sa.select(*shown, Account.login)
        .join(Identity, Identity.id == Account.identity_id)
        .where(Account.login.in_(sorted({words, words.lower()})), Account.ended_at.is_(None))
        .where(there)
        .limit(most)
    )
    by_key = sa.select(*shown, sa.null()).where(exact, there).limit(most)
    named = (  # the index of names alone is looked through
        sa.select(Identity.id)
        .where(holds(reading, Identity.display_name, words))
        .limit(most * FURTHER)
    )
    by_name = sa.select(*shown, sa.null()).where(Identity.id.in_(named), there).limit(most)
    found: dict[str, FoundIdentity] = {}
    for statement in (by_login, by_key, by_name):
        for row in reading.session.execute(statement):
            found.setdefault(row[0], FoundIdentity(*tuple(row)))
    return list(found.values())[:most]


def find_groups(reading: Reading, words: str, most: int) -> list[FoundGroup]:
    """Find groups by part of a name, or by a whole id."""
    if not reading.actor.may(Permission.DIRECTORY_READ):
        return []
    meant = holds(reading, Group.name, words)
    if len(words) == ID_LENGTH:
        meant = sa.or_(Group.public_id == words, meant)
    rows = reading.session.execute(
        sa.select(Group.public_id, Group.name, Source.name)
        .join(Source, Source.id == Group.source_id)
        .where(meant, Group.ended_at.is_(None))
        .order_by(sa.func.length(Group.name), Group.id)
        .limit(most)
    )
    return [FoundGroup(*tuple(row)) for row in rows]


def find_sources(reading: Reading, words: str, most: int) -> Sequence[str]:
    """Find sources by part of their name; returns names."""
    if not reading.actor.may(Permission.SOURCE_READ):
        return ()
    return reading.session.scalars(
        sa.select(Source.name)
        .where(holds(reading, Source.name, words), Source.removed_at.is_(None))
        .order_by(Source.id)
        .limit(most)
    ).all()


def find_run(reading: Reading, run_id: str) -> str | None:
    """Return the name of the source whose read has this id, or None."""
    if not reading.actor.may(Permission.SOURCE_READ):
        return None
    return reading.session.scalar(
        sa.select(Source.name)
        .join(SyncRun, SyncRun.source_id == Source.id)
        .where(SyncRun.public_id == run_id)
    )
