"""What happened at the demonstration company in its last four months.

Told by the product's own commands under a clock that is moved: nothing is inserted, every entry of
the ledger came about as it would anywhere, and the bundle verifies. The two sources are simulated;
their state is a file each.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from app.cli.demonstration.company import CLOUD, CORP, Company, Person, external_id, group_id
from app.directory import service as directory
from app.directory.models import Group, Identity
from app.kernel.actor import Actor, ActorKind, Role
from app.kernel.clock import MovingClock
from app.kernel.jobs import InlineJobs
from app.lifecycle import service as lifecycle
from app.lifecycle.domain import LifecycleType
from app.requests import queries as request_queries
from app.requests import service as requests
from app.web.paging import MAX_LIMIT, Window
from app.wiring import House
from connectors.memory.state import changing
from connectors.records import Member, MemberKind

LENGTH = timedelta(days=120)
WORKDAY = 9


@dataclass(frozen=True, slots=True)
class Persona:
    """Somebody a visitor can be.

    Attributes:
        role: What they come to do.
        name: Who.
        token: API token.
    """

    role: str
    name: str
    token: str


@dataclass(slots=True)
class Story:
    """The story while it is told."""

    house: House
    clock: MovingClock
    jobs: InlineJobs
    company: Company
    roles: dict[str, Role] = field(default_factory=dict)

    # --- time and people -------------------------------------------------------------------

    def pass_time(self, **delta: float) -> None:
        """Let time pass, and do what becomes due in it."""
        self.clock.advance(timedelta(**delta))
        for tick in self.house.ticks:
            tick()
        self.jobs.drain(self.clock.now)

    def now_do(self) -> None:
        """Do what is due, and let the minute pass in which the ledger is sealed."""
        self.jobs.drain(self.clock.now)
        self.pass_time(minutes=1)

    def actor(self, person: Person) -> Actor:
        """Return somebody as an actor."""
        with self.house.tx.read() as reading:
            row = reading.session.scalars(
                sa.select(Identity).where(Identity.employee_number == person.number)
            ).one()
        role = self.roles.get(person.number)
        return Actor(
            ActorKind.PERSON, row.public_id, row.id, frozenset({role}) if role else frozenset()
        )

    def entitlement(self, source: str, name: str) -> str:
        """Return the public id of a group."""
        with self.house.tx.read() as reading:
            return reading.session.scalars(
                sa.select(Group.public_id).where(Group.external_id == group_id(source, name))
            ).one()

    def sync(self, *sources: str) -> None:
        """Read sources."""
        for source in sources:
            with self.house.tx.write() as uow:
                directory.request_sync(uow, source_name=source)
            self.now_do()

    # --- requests --------------------------------------------------------------------------

    def ask(self, person: Person, source: str, group: str, reason: str, **more: object) -> str:
        """Ask for access, as oneself."""
        wish = requests.Wish(entitlement=self.entitlement(source, group), reason=reason, **more)  # type: ignore[arg-type]
        with self.house.tx.write(self.actor(person)) as uow:
            request = requests.submit(uow, wish).public_id
        self.now_do()
        return request

    def answer(self, request: str, outcome: str, comment: str | None = None) -> bool:
        """Let whoever is asked next about a request answer; False if nobody is."""
        for person in self.company.people.values():
            actor = self.actor(person)
            with self.house.tx.read(actor) as reading:
                found = request_queries.my_approvals(reading, Window(limit=MAX_LIMIT)).items
            mine = next((each for each in found if each.request.id == request), None)
            if mine is None:
                continue
            with self.house.tx.write(actor) as uow:
                requests.decide(
                    uow,
                    approval_id=mine.id,
                    outcome=outcome,
                    comment=comment,
                    plan_digest=mine.plan_digest,
                )
            self.now_do()
            return True
        return False

    def approve_all(self, request: str) -> None:
        """Let everybody who is asked say yes, some hours apart."""
        while self.answer(request, "approve"):
            self.pass_time(hours=3)

    # --- leavers ---------------------------------------------------------------------------

    def leaves(self, person: Person, effective_at: datetime, number: int) -> None:
        """Let HR tell that somebody leaves."""
        hr = Actor(ActorKind.TOKEN, "hr", roles=frozenset({Role.HR}))
        told = lifecycle.Told(
            event_id=f"hr-{number:05d}",
            type=LifecycleType.LEAVER,
            employee_number=person.number,
            effective_at=effective_at,
        )
        with self.house.tx.write(hr) as uow:
            lifecycle.receive(uow, told)
        self.now_do()

    def import_into_cloud(self) -> None:
        """Let the cloud's mirrors show what the directory holds, as its import would."""
        corp = self.company_state(CORP).members
        with changing(self.file(CLOUD)) as cloud:
            known = {external_id(CORP, each): each for each in self.company.people}
            for group in cloud.groups.values():
                if group.master_id is None:
                    continue
                people = [known[each] for each in corp[group.master_id] if each in known]
                ids = [external_id(CLOUD, each) for each in people]
                cloud.members[group.external_id] = {
                    each: Member(each, MemberKind.ACCOUNT) for each in ids if each in cloud.accounts
                }

    def file(self, source: str) -> Path:
        """Return the state file of a source."""
        return self.house.settings.home / f"{source}.simulated.json"

    def company_state(self, source: str):  # type: ignore[no-untyped-def]  # noqa: ANN201
        """Return what a source holds now."""
        from connectors.memory.state import read_state

        return read_state(self.file(source))
