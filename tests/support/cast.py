"""A fixed cast in two simulated sources, known to every test by name.

Alice asks, Bob approves (he is Alice's manager), Carol owns groups, Dana audits, Eve leaves,
Mallory tries, Olga operates, Frank administers. `corp` behaves like a directory, `cloud` like Okta;
the cloud's Payroll mirrors corp's.
"""

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from msgspec.structs import replace

from app.directory import service as directory
from app.directory.models import Account, Group, Identity
from app.kernel.actor import Actor, ActorKind, Role
from app.signin import service as signin
from connectors.memory.state import By, State, changing, read_state, write_state
from connectors.records import Account as Shown
from connectors.records import AccountKind, Member, MemberKind
from connectors.records import Group as ShownGroup
from support.house import Caller, TestHouse

PEOPLE = {
    "alice": ("1001", "bob"),
    "bob": ("1002", "frank"),
    "carol": ("1003", "frank"),
    "dana": ("1004", "frank"),
    "eve": ("1005", "bob"),
    "mallory": ("1006", "bob"),
    "olga": ("1007", "frank"),
    "frank": ("1008", None),
}
ROLES = {"dana": Role.AUDITOR, "olga": Role.OPERATOR, "frank": Role.ADMIN}
ODD = 'Eve "Ω" O\u2019Neil, #1 \U0001f98a \u0645\u0631\u062d\u0628\u0627'
CORP, CLOUD = "corp", "cloud"


def person(source: str, name: str) -> Shown:
    """Return somebody's account as a source shows it."""
    number, manager = PEOPLE[name]
    is_cloud = source == CLOUD
    return Shown(
        external_id=f"{source}-{name}",
        login=f"{name}@example.test" if is_cloud else name,
        display_name=ODD if name == "eve" else name.capitalize(),
        is_enabled=True,
        status="ACTIVE" if is_cloud else "enabled",
        mail=f"{name}@example.test",
        employee_number=number,
        manager_id=f"{source}-{manager}" if manager else None,
        department="Finance" if name in {"alice", "bob", "eve"} else "IT",
        title="Clerk",
        address=f"{source}/{name}",
    )


def service_account(name: str) -> Shown:
    """Return an account that is no person's."""
    return Shown(
        external_id=f"corp-{name}",
        login=name,
        display_name=name,
        is_enabled=True,
        status="enabled",
        kind=AccountKind.SERVICE,
    )


def members(source: str, *names: str) -> list[Member]:
    """Return direct members by name."""
    return [Member(f"{source}-{name}", MemberKind.ACCOUNT) for name in names]


def corp_state() -> State:
    """Return what the directory holds at the beginning."""
    state = State(own_account_id="corp-svc-attestry")
    state.add(
        accounts=[person(CORP, name) for name in PEOPLE]
        + [service_account("svc-attestry"), service_account("svc-backup")],
        groups=[
            ShownGroup("corp-payroll", "Payroll", "security", "Pays", owner_id="corp-carol"),
            ShownGroup(
                "corp-ledger", "Ledger, \u201cmain\u201d", "security", owner_id="corp-carol"
            ),
            ShownGroup("corp-staff", "Staff", "security", "Everybody"),
            ShownGroup("corp-everyone", "Everyone Else", "security"),
            ShownGroup("corp-admins", "Domain Admins", "security", "Root", is_administrative=True),
        ],
        members={
            "corp-payroll": members(CORP, "eve"),
            "corp-ledger": members(CORP, "bob", "eve"),
            "corp-staff": members(CORP, *PEOPLE),
            "corp-everyone": [Member("corp-staff", MemberKind.GROUP)],
            "corp-admins": members(CORP, "frank"),
        },
    )
    return state


def cloud_state() -> State:
    """Return what the cloud holds at the beginning."""
    state = State(sessions={"cloud-eve"})
    state.add(
        accounts=[person(CLOUD, name) for name in PEOPLE],
        groups=[
            ShownGroup("cloud-crm", "CRM", "OKTA_GROUP", "Customers", owner_id="cloud-carol"),
            ShownGroup(
                "cloud-payroll",
                "Payroll",
                "APP_GROUP",
                is_writable=False,
                master_id="corp-payroll",
            ),
        ],
        members={
            "cloud-crm": members(CLOUD, "eve", "bob"),
            "cloud-payroll": members(CLOUD, "eve"),
        },
    )
    return state


@dataclass(slots=True)
class Cast:
    """The cast in a house.

    Attributes:
        house: Where they are.
        tokens: API token by name.
        app: The web application, made once.
    """

    house: TestHouse
    tokens: dict[str, str] = field(default_factory=dict)
    app: Any = None

    def file(self, source: str) -> Path:
        """Return the state file of a source."""
        return self.house.home / f"{source}.json"

    def state(self, source: str) -> State:
        """Return what a source really holds now."""
        return read_state(self.file(source))

    def holds(self, source: str, group: str, name: str) -> bool:
        """Say whether a source really has somebody in a group now."""
        return f"{source}-{name}" in self.state(source).members[f"{source}-{group}"]

    def by(self, source: str, name: str | None, at: datetime | None = None) -> By | None:
        """Return somebody as the log of a source names them; nobody, and it tells nothing."""
        if name is None:
            return None
        return By(f"{source}-{name}", name.capitalize(), at or self.house.clock.now())

    def put(self, source: str, group: str, *names: str, by: str | None = None) -> None:
        """Put people into a group behind the product's back; the log tells who did, if named."""
        with changing(self.file(source), self.by(source, by)) as state:
            state.add(members={f"{source}-{group}": members(source, *names)})

    def take(self, source: str, group: str, name: str, by: str | None = None) -> None:
        """Take somebody out of a group behind the product's back; the log tells who, if named."""
        with changing(self.file(source), self.by(source, by)) as state:
            del state.members[f"{source}-{group}"][f"{source}-{name}"]

    def edit(self, source: str, name: str, **changes: object) -> None:
        """Change an account behind the product's back."""
        with changing(self.file(source)) as state:
            found = state.accounts[f"{source}-{name}"]
            state.accounts[f"{source}-{name}"] = replace(found, **changes)

    def import_payroll(self) -> None:
        """Let the cloud's mirror of Payroll show what corp holds, as its import would."""
        now = self.state(CORP).members["corp-payroll"]
        with changing(self.file(CLOUD)) as state:
            names = [each.removeprefix("corp-") for each in now]
            state.members["cloud-payroll"] = {
                f"cloud-{each}": Member(f"cloud-{each}", MemberKind.ACCOUNT) for each in names
            }

    def sync(self, source: str) -> str:
        """Read a source now; returns the run's state."""
        with self.house.write() as uow:
            run = directory.request_sync(uow, source_name=source)
            run_id = run.public_id
        self.house.drain()
        with self.house.read() as reading:
            from app.directory.models import SyncRun

            found = reading.session.scalars(
                sa.select(SyncRun).where(SyncRun.public_id == run_id)
            ).one()
            return found.state.value

    def breaks(self, source: str, *ways: str) -> None:
        """Make a source fail in some ways from now on; none makes it whole."""
        from app.directory.models import Source

        with self.house.write() as uow:
            from app import events

            row = uow.session.scalars(sa.select(Source).where(Source.name == source)).one()
            row.settings = {**row.settings, "breaks": ",".join(ways)}
            uow.record(events.SourceChanged(subject=row.public_id, keys=("breaks",)))

    def identity(self, name: str) -> Identity:
        """Return somebody's identity."""
        with self.house.read() as reading:
            return reading.session.scalars(
                sa.select(Identity).where(Identity.employee_number == PEOPLE[name][0])
            ).one()

    def account(self, source: str, name: str) -> Account:
        """Return somebody's account."""
        with self.house.read() as reading:
            return reading.session.scalars(
                sa.select(Account).where(Account.external_id == f"{source}-{name}")
            ).one()

    def group(self, source: str, name: str) -> Group:
        """Return a group."""
        with self.house.read() as reading:
            return reading.session.scalars(
                sa.select(Group).where(Group.external_id == f"{source}-{name}")
            ).one()

    def actor(self, name: str) -> Actor:
        """Return somebody as an actor."""
        found = self.identity(name)
        roles = frozenset({ROLES[name]}) if name in ROLES else frozenset()
        now = self.house.clock.now()
        return Actor(ActorKind.PERSON, found.public_id, found.id, roles, proven_at=now)

    def call(self, name: str) -> Caller:
        """Return a client of the API that acts as somebody."""
        if self.app is None:
            self.app = self.house.app()
        return Caller(self.app.test_client(), self.tokens[name])


def bring_in(house: TestHouse) -> Cast:
    """Connect both sources, read them, give out roles and tokens."""
    cast = Cast(house)
    write_state(cast.file(CORP), corp_state())
    write_state(cast.file(CLOUD), cloud_state())
    for source, flavour in ((CORP, "directory"), (CLOUD, "okta")):
        with house.write() as uow:
            directory.add_source(
                uow,
                name=source,
                kind="memory",
                settings={"path": str(cast.file(source)), "flavour": flavour},
                secrets={},
                seal=house.house.seal,
            )
        assert cast.sync(source) == "complete"
    with house.write() as uow:
        for name, role in ROLES.items():
            signin.grant_role(uow, who=PEOPLE[name][0], role=role)
    with house.write() as uow:
        for name, (number, _) in PEOPLE.items():
            cast.tokens[name] = signin.create_token(uow, who=number).token
        cast.tokens["hr"] = signin.create_token(uow, role=Role.HR).token
    house.drain()
    return cast
