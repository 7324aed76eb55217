"""A finance department under one manager: as many items for her as a test wants, of every kind.

Of ten people one has not signed in for 200 days, of one no sign-in is known, the others are active.
Everybody has the common groups; a few have rare, high or conflicting ones. The same facts come
every time.
"""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import sqlalchemy as sa

from app.catalog import service as catalog
from app.catalog.domain import Risk
from app.directory import service as directory
from app.directory.models import Group, Identity
from app.kernel.actor import Actor, ActorKind
from app.reviews import service as reviews
from app.rulebook import service as rulebook
from connectors.memory.state import State, write_state
from connectors.records import Account, Member, MemberKind
from connectors.records import Group as ShownGroup
from policies.document import builtin_text
from support.house import MORNING, TestHouse

SAP = "sap"
MANAGER, COLLEAGUE = "2000", "2999"
TEMPLATE = "Finance access"
CREATE, PAY = "Create and edit suppliers", "Approve supplier payments"
COMMON = (
    "Ledger, view",
    "Shared drive, read",
    "Shared drive, edit",
    "Cost-centre reports",
    "Budget planning",
    "E-signature",
    "Mail, finance all",
    "Travel expenses",
)
RARE = {PAY: 0.4, CREATE: 0.06, "Journal entries": 0.6, "Treasury, release wires": 0.04}
ARCHIVE = "Archive, read"
FIRST = ["Ana", "Ben", "Clara", "Dario", "Emma", "Farid", "Greta", "Hugo", "Ines", "Jonas"]
LAST = [
    "Ruiz",
    "Okafor",
    "Novak",
    "Lindqvist",
    "Nair",
    "Marchetti",
    "Weber",
    "Haddad",
    "Sato",
    "Petrov",
]
SEPARATION = f"""
separation:
  - id: supplier-and-payment
    text: Together these allow a payment to a made-up supplier.
    first:
      - {{source: {SAP}, name: {CREATE}}}
    second:
      - {{source: {SAP}, name: {PAY}}}
"""


@dataclass(frozen=True, slots=True)
class Finance:
    """The department, and the campaign that was launched over it."""

    house: TestHouse
    campaign: str

    def actor(self, number: str = MANAGER) -> Actor:
        """Return somebody as an actor, the manager by default."""
        with self.house.read() as reading:
            found = reading.session.scalars(
                sa.select(Identity).where(Identity.employee_number == number)
            ).one()
        now = self.house.clock.now()
        return Actor(ActorKind.PERSON, found.public_id, found.id, proven_at=now)


def state(people: int) -> State:
    """Return what the system holds: ten memberships for each person, all in all."""
    made = State()
    manager = account(0, "Dana Whitfield", "Head of Finance", manager=None)
    other = account(999, "Omar Farouk", "Head of Treasury", manager=None)
    reports = [
        account(place, f"{FIRST[place % 10]} {LAST[(place // 10 + place) % 9]}", "Accountant")
        for place in range(1, people + 1)
    ]
    made.add(accounts=[manager, other, *reports])
    for place, name in enumerate((*COMMON, *RARE, ARCHIVE)):
        made.add(groups=[ShownGroup(f"g{place}", name, "role", f"Gives: {name.lower()}")])
    ids = [each.external_id for each in reports]
    left = people * 10 - len(COMMON) * people
    for place in range(len(COMMON)):
        made.add(members={f"g{place}": members(ids)})
    for place, share in enumerate(RARE.values(), start=len(COMMON)):
        some = ids[: max(2, round(people * share))]
        left -= len(some)
        made.add(members={f"g{place}": members(some)})
    made.add(members={f"g{len(COMMON) + len(RARE)}": members(ids[-left:])})
    return made


def account(place: int, name: str, title: str, *, manager: str | None = "s0") -> Account:
    """Return somebody's account."""
    known = {0: timedelta(days=200), 1: None}
    last = known.get(place % 10, timedelta(days=place % 9)) if place else timedelta(hours=3)
    return Account(
        external_id=f"s{place}",
        login=f"s{place:04}",
        display_name=name,
        is_enabled=True,
        status="active",
        employee_number=str(2000 + place),
        mail=f"s{place}@example.test",
        manager_id=manager,
        department="Finance",
        title=title,
        last_sign_in_at=MORNING - last if last is not None else None,
    )


def members(ids: list[str]) -> list[Member]:
    """Return direct members."""
    return [Member(each, MemberKind.ACCOUNT) for each in ids]


def found_finance(house: TestHouse, people: int = 50) -> Finance:
    """Connect the system, read it, put the rule in force and launch the review."""
    path = house.home / f"{SAP}.json"
    write_state(path, state(people))
    add_source(house, path)
    with house.write() as uow:
        rulebook.put_in_force(uow, text=builtin_text("standard") + SEPARATION)
    with house.write() as uow:
        for name, risk in ((CREATE, Risk.HIGH), (PAY, Risk.HIGH), ("Journal entries", Risk.MEDIUM)):
            group = uow.session.scalars(sa.select(Group).where(Group.name == name)).one()
            catalog.describe(
                uow, entitlement=group.public_id, version=0, risk=risk, is_requestable=True
            )
    with house.write() as uow:
        reviews.save_template(uow, reviews.Shape(name=TEMPLATE))
    return Finance(house, launch(house))


def add_source(house: TestHouse, path: Path) -> None:
    """Connect the system and read it."""
    with house.write() as uow:
        directory.add_source(
            uow, house.house.seal, name=SAP, kind="memory", settings={"path": str(path)}, secrets={}
        )
    sync(house)


def sync(house: TestHouse) -> None:
    """Read the system."""
    with house.write() as uow:
        directory.request_sync(uow, source_name=SAP)
    house.drain()


def launch(house: TestHouse) -> str:
    """Launch the review."""
    with house.write() as uow:
        return reviews.launch(uow, template_id=TEMPLATE).public_id
