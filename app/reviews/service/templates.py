"""How a kind of campaign is made: what it looks at, who decides where nobody else can, how long."""

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from app import events
from app.directory.models import Group, Identity, Source
from app.kernel.actor import Permission
from app.kernel.errors import FieldErrors, InvalidInputError, NothingToChangeError
from app.kernel.phrases import phrase
from app.kernel.uow import Reading, UnitOfWork
from app.reviews.models import Template


@dataclass(frozen=True, slots=True)
class Shape:
    """What a template says.

    Attributes:
        name: Its name.
        sources: Names of sources in scope; none is all.
        entitlements: Public ids of groups in scope; none is all of those sources.
        fallback: Public id of who decides where neither manager nor owner can, or None.
        due_days: Days until the campaign is due.
        is_reason_required: Whether a revoke needs a reason.
    """

    name: str
    sources: Sequence[str] = ()
    entitlements: Sequence[str] = ()
    fallback: str | None = None
    due_days: int = 14
    is_reason_required: bool = True


def save_template(uow: UnitOfWork, shape: Shape, *, is_new: bool = False) -> Template:
    """Make a template, or change the one of that name, unless a new one is wanted.

    Raises:
        NotPermittedError: The actor may not.
        InvalidInputError: A source, entitlement or person is not known, or a new one has the name
            of another; every field is told.
        NothingToChangeError: It says exactly that already.
    """
    uow.actor.require(Permission.CAMPAIGN_WRITE)
    fallback_id = _check_shape(uow, shape)
    scope = {"sources": list(shape.sources), "entitlements": list(shape.entitlements)}
    template = uow.session.scalar(sa.select(Template).where(Template.name == shape.name))
    if template is None:
        template = Template(
            public_id=uow.ids.new(),
            name=shape.name,
            created_at=uow.now,
            created_by=uow.actor.public_id,
        )
        uow.session.add(template)
    elif is_new:
        raise InvalidInputError(
            {"name": phrase("There is a template of this name: change that one.")}
        )
    elif (
        template.scope == scope
        and template.fallback_id == fallback_id
        and template.due_days == shape.due_days
        and template.reason_required == shape.is_reason_required
    ):
        raise NothingToChangeError(phrase("The template says exactly that already."))
    template.scope = scope
    template.fallback_id = fallback_id
    template.due_days = shape.due_days
    template.reason_required = shape.is_reason_required
    template.grace_hours = 0
    uow.record(events.TemplateSaved(subject=template.public_id, name=shape.name))
    return template


def _check_shape(reading: Reading, shape: Shape) -> int | None:
    wrong = FieldErrors()
    known = set(reading.session.scalars(sa.select(Source.name).where(Source.removed_at.is_(None))))
    for name in shape.sources:
        if name not in known:
            wrong.add("sources", phrase("There is no source %(name)s.", name=f"{name!r}"))
    groups = set(
        reading.session.scalars(
            sa.select(Group.public_id).where(Group.public_id.in_(shape.entitlements))
        )
    )
    for each in shape.entitlements:
        if each not in groups:
            wrong.add("entitlements", phrase("There is no entitlement %(each)s.", each=each))
    fallback = None
    if shape.fallback is not None:
        fallback = reading.session.scalar(
            sa.select(Identity.id).where(Identity.public_id == shape.fallback, Identity.is_active)
        )
        if fallback is None:
            wrong.add("fallback", phrase("There is no such active identity."))
    wrong.raise_if_any()
    return fallback
