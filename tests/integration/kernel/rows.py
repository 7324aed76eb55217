"""Groups and an account, and memberships of them written as a read writes them."""

import sqlite3
from datetime import UTC, datetime
from itertools import repeat
from typing import cast

import numpy as np
import psycopg
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from app.directory.models import Account, Group, Membership, Source
from app.kernel import bulk
from app.kernel.uow import UnitOfWork

AT = datetime(2026, 3, 2, 8, 0, 0, 123456, UTC)
MEMBERSHIPS = cast("sa.Table", Membership.__table__)
REFUSED = (IntegrityError, psycopg.errors.IntegrityError, sqlite3.IntegrityError)


def groups_and_one(uow: UnitOfWork, count: int) -> tuple[list[int], int]:
    """Add so many groups and one account; return their keys."""
    source = Source(public_id=uow.ids.new(), name="s", kind="memory", settings={}, created_at=AT)
    uow.session.add(source)
    uow.session.flush()
    held = {"source_id": source.id, "is_writable": True, "is_administrative": False}
    told = {"kind": "k", "description": "", "address": "", "digest": b"", "first_seen_at": AT}
    groups = [
        Group(public_id=each, external_id=each, name=each, **held, **told)
        for each in uow.ids.many(count)
    ]
    person = {"login": "l", "display_name": "d", "status": "s", "is_enabled": True}
    person |= {key: told[key] for key in ("kind", "address", "digest", "first_seen_at")}
    one = Account(public_id=uow.ids.new(), source_id=source.id, external_id="a", **person)
    uow.session.add_all([*groups, one])
    uow.session.flush()
    return [each.id for each in groups], one.id


def join(uow: UnitOfWork, groups: list[int], account: int, reason: object) -> None:
    """Insert a membership of each group; every second is by primary group."""
    bulk.insert(
        uow.session,
        MEMBERSHIPS,
        {
            "group_id": np.array(groups),
            "account_id": np.full(len(groups), account),
            "is_primary": np.array([place % 2 == 0 for place in range(len(groups))]),
            "valid_from": repeat(AT),
            "run_from": repeat(None),
            "provenance": repeat(reason),
        },
    )
