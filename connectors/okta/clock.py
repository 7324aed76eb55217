"""The service's own clock, as its answers show it, in whole seconds; never compared with ours."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache


def moment_of(headers: Mapping[str, str]) -> datetime | None:
    """Return when the service answered, aware UTC, or None if it does not say (RFC 9110 6.6.1)."""
    told = headers.get("Date")
    return _read(told) if told else None


@lru_cache(maxsize=64)  # a thousand answers of a second bear the same letters
def _read(told: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(told)
    except ValueError:
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)
