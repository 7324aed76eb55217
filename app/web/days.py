"""Days as people say them: the first and last day of something, in the zone they live in."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from flask_babel import get_timezone
from marshmallow import ValidationError, fields
from typing_extensions import override


def reader_zone() -> tzinfo:
    """Return the reader's zone; of pytz's, which flask-babel hands out, only the name is used.

    A pytz zone that is put onto a time means that place's mean solar time of long ago.
    """
    found = get_timezone()
    return UTC if found is None else ZoneInfo(str(found))


class FirstDay(fields.Field[datetime]):
    """A first day, `2026-10-01`; loaded as the moment it begins in the reader's zone."""

    @override
    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> datetime:
        try:
            return _midnight(date.fromisoformat(value))
        except (TypeError, ValueError, OverflowError):
            raise ValidationError("Write it like 2026-10-01.") from None


class LastDay(fields.Field[datetime]):
    """A last day, `2026-12-31`; loaded as the moment it ends in the reader's zone."""

    @override
    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> datetime:
        try:
            after = date.fromisoformat(value) + timedelta(days=1)
            return datetime.combine(after, time(), reader_zone()).astimezone(UTC)
        except (TypeError, ValueError, OverflowError):
            raise ValidationError("Write it like 2026-12-31.") from None


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), get_timezone() or UTC).astimezone(UTC)
