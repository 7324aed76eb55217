"""Pages that can look back: reading moments from an address, and answering with what was then."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

from flask import Response, make_response, request
from flask_babel import gettext as _
from marshmallow import Schema

from app.kernel.errors import NotFoundError
from app.kernel.uow import Reading
from app.web import pages
from app.web.days import reader_zone
from app.web.pages import Form

MOMENTS = ("as_of", "known_at", "until")
Found = TypeVar("Found")


def address(schema: type[Schema], form: Form | None) -> dict[str, Any]:
    """Return what an address asks for; after a refused form, what there is without it."""
    if form is not None:
        return Form({}).load(schema)
    return Form({name: list(each) for name, each in request.args.lists()}).load(schema)


@dataclass(slots=True)
class Asked:
    """What an address asks for.

    Attributes:
        args: As its schema reads them.
        form: As it was typed, with what is wrong with it.
        as_of: The moment to look back to; None is now.
        known_at: The moment it is to have been known by; None is by now.
        until: The moment to compare with; None is now.
    """

    args: dict[str, Any]
    form: Form
    as_of: datetime | None
    known_at: datetime | None = None
    until: datetime | None = None

    @property
    def is_privileged(self) -> bool:
        """Whether only what leads to administration; that is kept for now only."""
        return bool(self.args["privileged"]) and self.as_of is None


def ask(reading: Reading, schema: type[Schema]) -> Asked:
    """Read what an address asks for.

    A moment typed without an offset is in the reader's zone. One that is none, or still to come,
    is told at its field, over what is there now.

    Raises:
        InvalidInputError: Anything else is wrong.
    """
    typed = {name: list(each) for name, each in request.args.lists()}
    form = Form(typed)
    rest = {name: each for name, each in typed.items() if name not in MOMENTS}
    args = Form(rest).load(schema)
    found = {name: _past_moment(reading, form, name) for name in MOMENTS}
    if found["as_of"] is None:
        return Asked(args, form, None)
    if found["until"] is not None and found["until"] < found["as_of"]:
        _refuse_moment(form, _("This is before the first moment."), "until")
        found["until"] = None
    return Asked(args, form, **found)


def _past_moment(reading: Reading, form: Form, name: str) -> datetime | None:
    """Read a moment that has passed; what is wrong with it is told at its field."""
    if not form[name].strip():
        return None
    found = asked_moment(form[name].strip())
    if found is None:
        _refuse_moment(form, _("Write a date and a time, like 2026-11-23 09:40."), name)
    elif found > reading.now:
        _refuse_moment(form, _("This is still to come: choose a moment that has passed."), name)
        return None
    return found


def asked_moment(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
        zoned = found if found.tzinfo else found.replace(tzinfo=reader_zone())
        return zoned.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _refuse_moment(form: Form, why: str, name: str = "as_of") -> None:
    form.errors[name] = why
    form.status = 422


def then(asked: Asked, look: Callable[[datetime | None, datetime | None], Found]) -> Found:
    """Look at something as it was; if it was not there then, say so, and show it as it is."""
    try:
        return look(asked.as_of, asked.known_at)
    except NotFoundError:
        if asked.as_of is None:
            raise
    found = look(None, None)
    asked.as_of = asked.known_at = None
    _refuse_moment(asked.form, _("Nothing was known of this then: it was first seen later."))
    return found


def answered(template: str, asked: Asked, **facts: Any) -> Response:
    text = pages.render(
        template,
        as_of=asked.as_of,
        known_at=asked.known_at,
        until=asked.until,
        form=asked.form,
        **facts,
    )
    return make_response(text, asked.form.status)
