"""A small house: a file of SQLite, a clock that is moved, the doors of signin and catalogue."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

import app.tables  # noqa: F401 - every table is made
from app.catalog import api as catalog
from app.directory.domain import IdentityKind
from app.directory.models import Account, Group, Identity, Source
from app.events import SourceAdded
from app.kernel.actor import Role
from app.kernel.clock import MovingClock
from app.kernel.db import Base, open_database
from app.kernel.ids import RandomIds
from app.kernel.jobs import InlineJobs
from app.kernel.sealed import SealKey
from app.kernel.settings import Mode, Settings
from app.kernel.uow import Transactions
from app.signin import api as signin
from app.signin.service import authenticate, create_token
from app.web import frame, health, home, openapi, pages, problems, rail, security, throttle
from app.web.scope import Doors

MORNING = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Held:
    """The ports that routes of these stages need."""

    seal: SealKey


@dataclass
class Small:
    """The house, and what a test does with it."""

    app: Flask
    tx: Transactions
    clock: MovingClock

    def token(self, role: Role | None = None, who: str | None = None) -> str:
        with self.tx.write() as uow:
            return create_token(uow, role=role, who=who).token

    def call(
        self, method: str, path: str, token: str | None = None, *, base: str = "", **options: Any
    ) -> TestResponse:
        headers = dict(options.pop("headers", {}))
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        prefix = base or "/api/v1"
        return self.app.test_client().open(
            f"{prefix}{path}", method=method, headers=headers, **options
        )

    def page(self, path: str, token: str | None = None, **options: Any) -> TestResponse:
        headers = dict(options.pop("headers", {}))
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        return self.app.test_client().open(path, headers=headers, **options)


def open_small(folder: Path, mode: Mode = Mode.DEMONSTRATION) -> Small:
    """Build it in a folder."""
    app_ = Flask("small")
    url = f"sqlite:///{folder / 'small.sqlite3'}"
    database = open_database(app_, url)
    Base.metadata.create_all(database.engine)
    clock = MovingClock(MORNING)
    tx = Transactions(database, clock, RandomIds(clock), InlineJobs())
    settings = Settings(
        home=folder, database_url=url, base_url="https://attestry.example", mode=mode
    )
    app_.extensions["attestry"] = Doors(settings, tx, authenticate, Held(SealKey((b"k" * 32,))))
    throttle.install(app_, clock.now)
    security.install(app_)
    api = openapi.install(app_)
    problems.install(app_)
    frame.install(app_)
    pages.install(app_)
    rail.install(app_, {})
    health.install(app_)
    home.install(app_)
    api.register_blueprint(signin.blp)
    api.register_blueprint(catalog.blp)
    return Small(app_, tx, clock)


def add_identity(small: Small, name: str, number: str, *, is_active: bool = True) -> str:
    """Put a person into the directory."""
    with small.tx.write() as uow:
        person = Identity(
            public_id=uow.ids.new(),
            kind=IdentityKind.PERSON,
            display_name=name,
            mail=f"{name.lower()}@company.example",
            employee_number=number,
            is_active=is_active,
            correlation_rule="employee_number",
            first_seen_at=uow.now,
        )
        uow.session.add(person)
        uow.record(SourceAdded(subject=person.public_id, source_kind="memory"))
        return person.public_id


def add_groups(small: Small, owner: str) -> dict[str, str]:
    """Put three groups into the directory: one owned, one that administers, one by rule."""
    with small.tx.write() as uow:
        source = Source(
            public_id=uow.ids.new(),
            name="corp",
            kind="memory",
            settings={},
            own_account_external_id="svc",
            created_at=uow.now,
        )
        uow.session.add(source)
        uow.session.flush()
        owner_id = uow.session.query(Identity.id).filter(Identity.public_id == owner).scalar()
        common: dict[str, Any] = {
            "source_id": source.id,
            "kind": "user",
            "address": "",
            "digest": b"",
            "first_seen_at": uow.now,
        }
        ids = {}
        for external, identity in (("carol", owner_id), ("svc", None)):
            account = Account(
                public_id=uow.ids.new(),
                external_id=external,
                identity_id=identity,
                login=external,
                display_name=external,
                status="active",
                is_enabled=True,
                **common,
            )
            uow.session.add(account)
            ids[external] = account.public_id
        for name, is_administrative, rule in (
            ("Payments", False, None),
            ("Admins", True, None),
            ("Everyone", False, "all"),
        ):
            group = Group(
                public_id=uow.ids.new(),
                external_id=name,
                name=name,
                description=f"About {name}",
                owner_external_id="carol" if name == "Payments" else None,
                is_writable=True,
                is_administrative=is_administrative,
                rule=rule,
                **common,
            )
            uow.session.add(group)
            ids[name] = group.public_id
        uow.record(SourceAdded(subject=source.public_id, source_kind="memory"))
        return ids
