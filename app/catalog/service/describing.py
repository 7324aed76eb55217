"""Write down what a group means, and let its source speak again."""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from app.catalog import queries
from app.catalog.domain import Risk, may_be_requestable
from app.catalog.models import Entitlement
from app.directory.models import Identity
from app.events import EntitlementDescribed
from app.kernel.actor import Permission
from app.kernel.errors import ConflictError, InvalidInputError, NothingToChangeError
from app.kernel.phrases import phrase
from app.kernel.uow import UnitOfWork

FROM_SOURCE = frozenset({"owner", "description"})
HERE = "catalogue"
READ_ONLY = phrase(
    "Its source does not let members be changed from here, so that nobody can ask for it."
)


def describe(
    uow: UnitOfWork,
    *,
    entitlement: str,
    version: int,
    risk: Risk,
    is_requestable: bool,
    owner: str | None = None,
    description: str | None = None,
    tags: Sequence[str] | None = None,
) -> queries.EntitlementRow:
    """Write down what an entitlement means; what is left out is left to the source.

    Args:
        uow: The unit of work.
        entitlement: Public id of the group.
        version: The version that was looked at; 0 where nobody described it before.
        risk: How much harm it can do.
        is_requestable: May be asked for.
        owner: Public id of the owning identity, or None for the one the source names.
        description: What it gives, or None for the source's words.
        tags: Words to find it by, or None to leave them as they are.

    Raises:
        ConflictError: Somebody described it since.
        InvalidInputError: It cannot be asked for, since nobody could bring it about from here.
        NothingToChangeError: It says so already.
    """
    uow.actor.require(Permission.CATALOG_WRITE)
    present = queries.entitlement(uow, entitlement)
    if present.version != version:
        raise ConflictError(
            phrase("Somebody described this since you looked."),
            current={"version": present.version},
        )
    owner_id = None if owner is None else _active_identity(uow, owner)
    wanted: dict[str, Any] = {
        "owner_id": owner_id,
        "risk": risk,
        "is_requestable": is_requestable,
        "description": description,
        "tags": list(
            present.tags if tags is None else dict.fromkeys(each.strip() for each in tags)
        ),
    }
    if is_requestable:
        refuse_if_read_only(present)
    if "" in wanted["tags"]:
        raise InvalidInputError({"tags": phrase("A tag is a word, not blanks.")})
    write_down(uow, present, wanted, owner)
    return queries.entitlement(uow, entitlement)


def refuse_if_read_only(present: queries.EntitlementRow) -> None:
    """Refuse that something may be asked for which nobody could bring about from here.

    Raises:
        InvalidInputError: Its source does not let members be changed.
    """
    if not may_be_requestable(is_writable=present.is_writable, is_mirror=present.is_mirror):
        raise InvalidInputError({"is_requestable": READ_ONLY})


def take_from_source(
    uow: UnitOfWork, *, entitlement: str, version: int, field: str
) -> queries.EntitlementRow:
    """Let the source speak again for a field that was written down here.

    Args:
        uow: The unit of work.
        entitlement: Public id of the group.
        version: The version that was looked at.
        field: `owner` or `description`.

    Raises:
        ConflictError: Somebody described it since.
        NothingToChangeError: The source speaks for it already.
    """
    uow.actor.require(Permission.CATALOG_WRITE)
    if field not in FROM_SOURCE:
        raise InvalidInputError({"field": phrase("Only owner and description come from a source.")})
    present = queries.entitlement(uow, entitlement)
    if present.version != version:
        raise ConflictError(
            phrase("Somebody described this since you looked."),
            current={"version": present.version},
        )
    if getattr(present, f"{field}_via") != HERE:
        raise NothingToChangeError(phrase("The source speaks for this already."))
    wanted, owner = said_here(present)
    if field == "owner":
        wanted["owner_id"] = owner = None
    else:
        wanted["description"] = None
    write_down(uow, present, wanted, owner)
    return queries.entitlement(uow, entitlement)


def said_here(present: queries.EntitlementRow) -> tuple[dict[str, Any], str | None]:
    """Return what stands in the catalogue for an entitlement, and its owner's public id."""
    is_owned, is_told = present.owner_via == HERE, present.description_via == HERE
    said = {
        "owner_id": present.owner_id if is_owned else None,
        "risk": present.risk,
        "is_requestable": present.is_requestable,
        "description": present.description if is_told else None,
        "tags": list(present.tags),
    }
    return said, present.owner if is_owned else None


def write_down(
    uow: UnitOfWork, present: queries.EntitlementRow, wanted: Mapping[str, Any], owner: str | None
) -> None:
    """Store what an entitlement means from now on, and record it.

    Args:
        uow: The unit of work.
        present: As it is now.
        wanted: Columns and their values.
        owner: Public id of the owner among them.

    Raises:
        ConflictError: Another described it for the first time at the same moment.
        NothingToChangeError: It says so already.
    """
    row = uow.session.scalar(sa.select(Entitlement).where(Entitlement.group_id == present.group_id))
    if row is None:
        uow.session.add(Entitlement(group_id=present.group_id, **wanted))
    elif all(getattr(row, name) == value for name, value in wanted.items()):
        raise NothingToChangeError(phrase("The catalogue says exactly this already."))
    else:
        for name, value in wanted.items():
            setattr(row, name, value)
    try:
        uow.session.flush()
    except IntegrityError as error:  # two described it for the first time at the same moment
        raise ConflictError(phrase("Somebody described this since you looked.")) from error
    uow.record(told(present, wanted, owner))


def told(
    present: queries.EntitlementRow, wanted: Mapping[str, Any], owner: str | None
) -> EntitlementDescribed:
    """Return what the ledger is told."""
    return EntitlementDescribed(
        subject=present.id,
        risk=wanted["risk"].value,
        owner=owner,
        is_requestable=wanted["is_requestable"],
        description=wanted["description"] or "",
        tags="; ".join(wanted["tags"]),
    )


def _active_identity(uow: UnitOfWork, owner: str) -> int:
    found = uow.session.execute(
        sa.select(Identity.id, Identity.is_active).where(
            Identity.public_id == owner, Identity.ended_at.is_(None)
        )
    ).one_or_none()
    if found is None:
        raise InvalidInputError({"owner": phrase("There is no identity with this id.")})
    if not found.is_active:
        raise InvalidInputError(
            {"owner": phrase("This person is not active: name one who can answer.")}
        )
    owner_id: int = found.id
    return owner_id
