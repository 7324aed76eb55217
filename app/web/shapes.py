"""Fields and shapes that every stage's schemas share."""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate
from typing_extensions import override

from app.web.paging import DEFAULT_LIMIT, MAX_LIMIT, Window

LONGEST_SENTENCE = 2000


class Moment(fields.Field[datetime]):
    """A moment: RFC 3339 with its offset; answered in UTC."""

    @override
    def __init__(self, **options: Any) -> None:
        """Take a field's usual options."""
        metadata = {"type": "string", "format": "date-time", **options.pop("metadata", {})}
        super().__init__(metadata=metadata, **options)

    @override
    def _serialize(
        self,
        value: datetime | None,
        attr: str | None,
        obj: Any,
        **kwargs: Any,
    ) -> str | None:
        if value is None:
            return None
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    @override
    def _deserialize(
        self,
        value: Any,
        attr: str | None,
        data: Mapping[str, Any] | None,
        **kwargs: Any,
    ) -> datetime:
        try:
            moment = datetime.fromisoformat(value)
        except (TypeError, ValueError):
            raise ValidationError("Write it like 2026-11-23T09:40:00Z.") from None
        if moment.tzinfo is None:
            raise ValidationError("Say the offset, like Z or +01:00.")
        try:
            return moment.astimezone(UTC)
        except OverflowError:
            raise ValidationError("This is beyond any calendar.") from None


class PublicIdField(fields.String):
    """A public id."""

    def __init__(self, **options: Any) -> None:
        """Take a field's usual options."""
        metadata = {"format": "uuid", **options.pop("metadata", {})}
        check = validate.Regexp(r"^[0-9a-f-]{36}$", error="This is not an id of this service.")
        super().__init__(validate=check, metadata=metadata, **options)


class Sentence(fields.String):
    """What somebody typed: any Unicode but control characters, of bounded length."""

    def __init__(self, **options: Any) -> None:
        """Take a field's usual options."""
        options.setdefault("validate", validate.Length(max=LONGEST_SENTENCE))
        super().__init__(**options)

    @override
    @override
    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> str:
        text: str = super()._deserialize(value, attr, data, **kwargs)
        if any(ord(each) < ord(" ") and each not in "\n\t" for each in text):
            raise ValidationError("Control characters are not allowed.")
        try:
            text.encode()
        except UnicodeEncodeError:
            raise ValidationError("This is not valid Unicode.") from None
        return text


class PersonSchema(Schema):
    """Something with an id and a name: an identity, a group."""

    id = fields.String()
    name = fields.String()


class PageArgs(Schema):
    """Which part of a list."""

    limit = fields.Integer(load_default=DEFAULT_LIMIT, validate=validate.Range(1, MAX_LIMIT))
    cursor = fields.String(load_default=None, validate=validate.Length(max=500))


class AsOfArgs(Schema):
    """At which moment."""

    as_of = Moment(load_default=None)


class EmptySchema(Schema):
    """A body without fields."""


def window(args: Mapping[str, Any]) -> Window:
    """Return the window that page arguments ask for."""
    return Window(limit=args["limit"], cursor=args["cursor"])


@cache
def page_of(item: type[Schema]) -> type[Schema]:
    """Return the schema of a page of items."""
    name = item.__name__.removesuffix("Schema") + "Page"
    return type(
        name,
        (Schema,),
        {
            "__doc__": f"A page: {item.__doc__}",
            "items": fields.List(fields.Nested(item)),
            "next_cursor": fields.String(allow_none=True),
        },
    )
