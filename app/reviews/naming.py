"""What people type into the form of a template, made into what the command takes.

A person is meant by their mail address, a group by its source and name (`corp/VPN Users`), one a
line: what somebody can copy from a list, and not ids that only machines know.
"""

from collections.abc import Sequence

import sqlalchemy as sa

from app.directory.models import Group, Identity, Source
from app.kernel.actor import Permission
from app.kernel.errors import FieldErrors
from app.kernel.phrases import phrase
from app.kernel.uow import Reading

MOST_GROUPS = 200


def person(reading: Reading, mail: str, wrong: FieldErrors) -> str | None:
    """Return the public id of whoever has a mail address; None if none was typed."""
    reading.actor.require(Permission.CAMPAIGN_WRITE)
    if not mail.strip():
        return None
    found = reading.session.scalars(
        sa.select(Identity.public_id)
        .where(Identity.is_active, sa.func.lower(Identity.mail) == mail.strip().lower())
        .limit(2)
    ).all()
    if len(found) == 1:
        return found[0]
    wrong.add(
        "fallback",
        "Nobody who is active has this mail address."
        if not found
        else "More than one person has this mail address.",
    )
    return None


def groups(reading: Reading, text: str, wrong: FieldErrors) -> list[str]:
    """Return the public ids of groups, given one a line as `source/name`."""
    reading.actor.require(Permission.CAMPAIGN_WRITE)
    lines = list(dict.fromkeys(line.strip() for line in text.splitlines() if line.strip()))
    if len(lines) > MOST_GROUPS:
        wrong.add(
            "groups",
            phrase(
                "Name %(most)s groups at most, or none for all of them.",
                most=MOST_GROUPS,
            ),
        )
        return []
    known = _known(reading, [line.partition("/")[2] for line in lines])
    missing = [line for line in lines if line not in known]
    if missing:
        wrong.add(
            "groups",
            phrase(
                "There is no group %(missing)s. Write it as source/name.", missing=f"{missing[0]!r}"
            ),
        )
    return [known[line] for line in lines if line in known]


def mail_of(reading: Reading, identity_id: str) -> str:
    """Return the mail address by which somebody is meant, empty if none is known."""
    reading.actor.require(Permission.CAMPAIGN_READ)
    found = sa.select(Identity.mail).where(Identity.public_id == identity_id)
    return reading.session.scalar(found) or ""


def _known(reading: Reading, names: Sequence[str]) -> dict[str, str]:
    rows = reading.session.execute(
        sa.select(Source.name, Group.name, Group.public_id)
        .join(Source, Source.id == Group.source_id)
        .where(Group.name.in_(names), Group.ended_at.is_(None))
    )
    return {f"{source}/{name}": public_id for source, name, public_id in rows}


def typed(reading: Reading, entitlements: Sequence[str]) -> str:
    """Return groups as they are typed, one a line, for a form that changes a template."""
    reading.actor.require(Permission.CAMPAIGN_READ)
    rows = reading.session.execute(
        sa.select(Source.name, Group.name)
        .join(Source, Source.id == Group.source_id)
        .where(Group.public_id.in_(entitlements))
        .order_by(Source.name, Group.name)
    )
    return "\n".join(f"{source}/{name}" for source, name in rows)
