"""What was known before: the earlier values of what was changed, never overwritten.

A row is written when a value changes, not when it is first known; so a first load and a read that
finds nothing new write none. It tells what a value was until when, in two times: true in the source
(as far as the source tells; else, when the read that showed the change was made), and known to us
(when that was stored). What stands in the account, group or identity itself is the newest value.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from functools import cache
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa

from app.directory.models import Account, Group, Identity, PastValue
from app.kernel.db import UtcDateTime
from app.kernel.uow import Reading, UnitOfWork

Model = type[Account] | type[Group] | type[Identity]
AT_ONCE = 1000
# The moments of a statement that is made once, and asked with others each time.
AS_OF = sa.bindparam("as_of", type_=UtcDateTime())
KNOWN_AT = sa.bindparam("known_at", type_=UtcDateTime())
ENDED = "ended_at"
KEPT: Mapping[Model, frozenset[str]] = MappingProxyType(
    {
        Account: frozenset(
            {
                "login",
                "display_name",
                "mail",
                "employee_number",
                "manager_external_id",
                "department",
                "title",
                "kind",
                "status",
                "is_enabled",
                "identity_id",
                ENDED,
            }
        ),
        Group: frozenset(
            {"name", "description", "owner_external_id", "is_administrative", "rule", ENDED}
        ),
        Identity: frozenset(
            {
                "display_name",
                "mail",
                "employee_number",
                "manager_id",
                "department",
                "title",
                "is_active",
                ENDED,
            }
        ),
    }
)
SUBJECT: Mapping[Model, Any] = MappingProxyType(
    {
        Account: PastValue.account_id,
        Group: PastValue.group_id,
        Identity: PastValue.identity_id,
    }
)


def keep(
    uow: UnitOfWork,
    model: Model,
    updates: Sequence[Mapping[str, Any]],
    *,
    at: datetime | None = None,
    run_id: int | None = None,
) -> None:
    """Keep what some rows say, before they are changed.

    Args:
        uow: The unit of work.
        model: Which table.
        updates: What is about to be written, each with its `id`; only what differs is kept.
        at: When that became true in the source; default now.
        run_id: The run that showed it, or None.
    """
    fields = sorted(KEPT[model] & {name for each in updates for name in each})
    if not updates or not fields:
        return
    columns = [getattr(model, name) for name in fields]
    rows = []
    for start in range(0, len(updates), AT_ONCE):
        some = {each["id"]: each for each in updates[start : start + AT_ONCE]}
        found = uow.session.execute(sa.select(model.id, *columns).where(model.id.in_(list(some))))
        for key, *values in found:
            for name, was in zip(fields, values, strict=True):
                # That something ended says its own row; a return does not say when it had ended.
                is_told = name == ENDED and was is None
                if name in some[key] and some[key][name] != was and not is_told:
                    rows.append(_row(uow, model, key, name, was, at or uow.now, run_id))
    if rows:
        uow.session.execute(sa.insert(PastValue), rows)


def _row(
    uow: UnitOfWork,
    model: Model,
    key: int,
    name: str,
    was: Any,
    at: datetime,
    run_id: int | None,
) -> dict[str, Any]:
    if isinstance(was, StrEnum):
        was = was.value
    return {
        "account_id": key if model is Account else None,
        "group_id": key if model is Group else None,
        "identity_id": key if model is Identity else None,
        "field": name,
        "was": None if name == ENDED else was,
        "gone_at": was if name == ENDED else None,
        "until_at": at,
        "known_at": uow.now,
        "run_id": run_id,
    }


def then(
    reading: Reading,
    model: Model,
    keys: Iterable[int],
    as_of: datetime | None,
    known_at: datetime | None = None,
) -> dict[int, dict[str, Any]]:
    """Return what some rows said at a moment, where it is not what they say now.

    Args:
        reading: The store.
        model: Which table.
        keys: Of the rows.
        as_of: The moment; None is now, when nothing differs.
        known_at: As it was known at this moment; None is as it is known now.
    """
    wanted = sorted(set(keys))
    found: dict[int, dict[str, Any]] = {}
    if as_of is None or not wanted:
        return found
    asked, moments = _said(model, *bound(as_of, known_at)), {"as_of": as_of, "known_at": known_at}
    for start in range(0, len(wanted), AT_ONCE):
        part = wanted[start : start + AT_ONCE]
        rows = reading.session.execute(asked, {"some": part, **moments})
        for key, name, was in rows:
            found.setdefault(key, {}).setdefault(name, was)
    return found


def bound(as_of: datetime | None, known_at: datetime | None) -> tuple[Any, Any]:
    """Return what stands for two moments in a statement that is made once; None stays None."""
    return None if as_of is None else AS_OF, None if known_at is None else KNOWN_AT


@cache
def _said(model: Model, as_of: Any, known_at: Any) -> Any:
    subject = SUBJECT[model]
    later = PastValue.until_at > as_of
    if known_at is not None:
        later = sa.or_(later, PastValue.known_at > known_at)
    return (
        sa.select(subject, PastValue.field, PastValue.was)
        .where(subject.in_(sa.bindparam("some", expanding=True)), later, PastValue.field != ENDED)
        .order_by(PastValue.until_at, PastValue.id)
    )


def there(model: Model, as_of: Any, known_at: Any = None) -> Any:
    """Choose what was there at a moment: begun, not ended, and in no gap between end and return."""
    ended = model.ended_at
    not_ended = sa.or_(ended.is_(None), ended > as_of)
    begun = model.first_seen_at <= as_of
    if known_at is not None:
        not_ended = sa.or_(not_ended, ended > known_at)
        begun = sa.and_(begun, model.first_seen_at <= known_at)
    gap = sa.exists().where(
        SUBJECT[model] == model.id,
        PastValue.field == ENDED,
        PastValue.gone_at <= as_of,
        PastValue.until_at > as_of,
    )
    return sa.and_(begun, not_ended, ~gap)
