"""What happened at the demonstration company in its last four months.

Told by the product's own commands under a clock that is moved: nothing is inserted, every entry of
the ledger came about as it would anywhere, and the bundle verifies. The two sources are simulated;
their state is a file each.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from app.audit import bundles
from app.catalog import service as catalog
from app.catalog.domain import Kind, Risk
from app.cli.demonstration import company as made
from app.cli.demonstration.company import CLOUD, CORP, Company, Person, external_id, group_id
from app.cli.init import prepare
from app.directory import service as directory
from app.directory.models import Account, Group, Identity
from app.events import DemonstrationMade
from app.kernel.actor import Actor, ActorKind, Role
from app.kernel.clock import MovingClock, SystemClock
from app.kernel.errors import ConflictError, InvalidInputError, NothingToChangeError
from app.kernel.jobs import InlineJobs
from app.kernel.jobs import migrate as migrate_jobs
from app.kernel.settings import Settings
from app.kernel.uow import UnitOfWork
from app.lifecycle import service as lifecycle
from app.lifecycle.domain import LifecycleType
from app.notices.mailer import MemoryMailer
from app.requests import queries as request_queries
from app.requests import service as requests
from app.requests.domain import Action, StepState
from app.requests.models import AccessRequest, Approval, Step
from app.reviews import follow_ups
from app.reviews import queries as review_queries
from app.reviews import service as reviews
from app.reviews.domain import DecisionMove
from app.reviews.models import Campaign, Item
from app.reviews.population import AUTOMATIC
from app.signin import links
from app.signin import service as signin
from app.web.paging import MAX_LIMIT, Window
from app.wiring import House, Ports, build
from connectors.memory.state import By, State, changing, read_state, write_state
from connectors.records import Member, MemberKind

LENGTH = timedelta(days=120)
RECENT = timedelta(days=12)
LATELY = timedelta(minutes=20)
JUST_NOW = timedelta(minutes=10)
EVERY_SO_OFTEN = 11
WANTED = (f"{CLOUD}/CRM", f"{CORP}/VPN Users", f"{CLOUD}/Wiki", f"{CORP}/Payments Enter")
BY_HAND = f"{CLOUD}/Salesforce"  # an application: seen there, and not changed from here
REASONS = ("Joined the project.", "Covers for a colleague.", "New customer accounts.", "Audit.")


@dataclass(frozen=True, slots=True)
class Persona:
    """Somebody a visitor can be.

    Attributes:
        role: What they come to do.
        name: Who.
        token: API token.
        link: Path of the link that signs them in; empty for what is no person.
    """

    role: str
    name: str
    token: str
    link: str = ""


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
            ActorKind.PERSON,
            row.public_id,
            row.id,
            frozenset({role}) if role else frozenset(),
            proven_at=self.clock.now(),
        )

    def entitlement(self, source: str, name: str) -> str:
        """Return the public id of a group."""
        with self.house.tx.read() as reading:
            return reading.session.scalars(
                sa.select(Group.public_id).where(Group.external_id == group_id(source, name))
            ).one()

    def describe(self, uow: UnitOfWork, source: str, name: str, risk: Risk) -> None:
        """Write down how much harm a group can do."""
        catalog.describe(
            uow,
            entitlement=self.entitlement(source, name),
            version=0,
            risk=risk,
            is_requestable=True,
        )

    def sync(self, *sources: str) -> None:
        """Read sources."""
        for source in sources:
            with self.house.tx.write() as uow:
                directory.request_sync(uow, source_name=source)
            self.now_do()

    # --- requests --------------------------------------------------------------------------

    def ask(
        self, person: Person, source: str, group: str, reason: str, duration_days: int | None
    ) -> str:
        """Ask for access, as oneself."""
        wish = requests.Wish(
            entitlement=self.entitlement(source, group),
            action=Action.ADD,
            reason=reason,
            duration_days=duration_days,
        )
        with self.house.tx.write(self.actor(person)) as uow:
            request = requests.submit(uow, wish).public_id
        self.now_do()
        return request

    def answer(self, request: str, outcome: str, comment: str | None = None) -> bool:
        """Let whoever is asked next about a request answer; False if nobody is."""
        with self.house.tx.read() as reading:
            number = reading.session.scalar(
                sa.select(Identity.employee_number)
                .join(Approval, Approval.approver_id == Identity.id)
                .join(Step, Step.id == Approval.step_id)
                .join(AccessRequest, AccessRequest.id == Step.request_id)
                .where(
                    AccessRequest.public_id == request,
                    Step.state == StepState.OPEN,
                    Approval.outcome.is_(None),
                )
                .order_by(Approval.id)
                .limit(1)
            )
        if number is None:
            return False
        actor = self.actor(self.company.people[number])
        with self.house.tx.read(actor) as reading:
            found = request_queries.my_approvals(reading, Window(limit=MAX_LIMIT)).items
        mine = next(each for each in found if each.request.id == request)
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

    def in_source(self, person: Person) -> By:
        """Return somebody as the log of the directory names them when they change it there."""
        return By(external_id(CORP, person.number), person.name, self.clock.now())

    def company_state(self, source: str) -> State:
        """Return what a source holds now."""
        return read_state(self.file(source))

    # --- reviews and evidence --------------------------------------------------------------

    def launch(self, template: str, name: str, share: Sequence[str], fallback: Person) -> str:
        """Launch a review of some groups."""
        shape = reviews.Shape(
            name=template,
            entitlements=[self.entitlement(*each.split("/", 1)) for each in share],
            fallback=self.actor(fallback).public_id,
            due_days=21,
        )
        with self.house.tx.write(self.actor(self.operator)) as uow:
            reviews.save_template(uow, shape)
        with self.house.tx.write(self.actor(self.operator)) as uow:
            campaign = reviews.launch(uow, template_id=template, name=name).public_id
        self.now_do()
        return campaign

    def review(self, campaign: str, *, until_share: float = 1.0, but: Person | None = None) -> None:
        """Let reviewers decide: most is kept, now and then something is revoked.

        Args:
            campaign: Its public id.
            until_share: How many of the reviewers do their part.
            but: Who does not yet.
        """
        with self.house.tx.read() as reading:
            waiting = reading.session.scalars(
                sa.select(Identity.employee_number)
                .where(
                    Identity.id.in_(
                        sa.select(Item.reviewer_id)
                        .join(Campaign, Campaign.id == Item.campaign_id)
                        .where(Campaign.public_id == campaign)
                    )
                )
                .order_by(Identity.employee_number)
            ).all()
        done = int(len(waiting) * until_share)
        for place, number in enumerate(waiting[:done]):
            if but is not None and number == but.number:
                continue
            self.pass_time(minutes=37)
            self._review_as(self.company.people[number or ""], campaign, place)

    def _review_as(self, person: Person, campaign: str, place: int) -> None:
        actor = self.actor(person)
        window = Window(limit=MAX_LIMIT)
        with self.house.tx.read(actor) as reading:
            items = review_queries.list_items(reading, window, campaign=campaign).items
        said = [_judged(item, place + count) for count, item in enumerate(items)]
        with self.house.tx.write(actor) as uow:
            reviews.decide(uow, said)
        with self.house.tx.write(actor) as uow:
            reviews.sign_off(uow, campaign_id=campaign)
        self.now_do()

    def close(self, campaign: str) -> None:
        """Close a review."""
        with self.house.tx.write(self.actor(self.operator)) as uow:
            reviews.close(uow, campaign_id=campaign)
        self.now_do()

    def bundle(self, wish: bundles.Wish) -> None:
        """Ask for evidence, as the auditor."""
        with self.house.tx.write(self.actor(self.auditor)) as uow:
            bundles.request(uow, wish)
        self.now_do()

    # --- who is who ------------------------------------------------------------------------

    @property
    def head_of_it(self) -> Person:
        """The administrator."""
        return next(each for each in self.company.heads() if each.department == "IT")

    @property
    def operator(self) -> Person:
        """Who operates: the first lead of IT."""
        return self.company.reports(self.head_of_it.number)[0]

    @property
    def colleague(self) -> Person:
        """Who does things in the directory itself: the last lead of IT."""
        return self.company.reports(self.head_of_it.number)[-1]

    @property
    def auditor(self) -> Person:
        """Who audits: somebody of Legal."""
        head = next(each for each in self.company.heads() if each.department == "Legal")
        return self.company.reports(head.number)[0]

    @property
    def manager(self) -> Person:
        """A manager with reports: the head of Finance."""
        return next(each for each in self.company.heads() if each.department == "Finance")

    @property
    def requester(self) -> Person:
        """Somebody who asks: the last of the manager's leads."""
        return self.company.reports(self.manager.number)[-1]


def _judged(item: review_queries.ItemRow, count: int) -> reviews.Said:
    is_by_hand = item.shown["removal"] != AUTOMATIC
    if is_by_hand or count % EVERY_SO_OFTEN == EVERY_SO_OFTEN - 1:
        reason = "Has moved to other work and no longer needs it."
        return reviews.Said(
            item.id, DecisionMove.REVOKE, item.version, reason=reason, dwell_ms=9_000
        )
    return reviews.Said(item.id, DecisionMove.KEEP, item.version, dwell_ms=2_500)


def tell(settings: Settings) -> list[Persona]:
    """Tell the whole story into an empty instance.

    Args:
        settings: Of the instance; its mode is demonstration.

    Returns:
        Who a visitor can be.
    """
    end = SystemClock().now()
    clock, jobs = MovingClock(end - LENGTH), InlineJobs()
    house = build(settings, Ports(clock=clock, jobs=jobs, mailer=MemoryMailer()))
    jobs.runners = dict(house.runners)
    migrate_jobs(settings.database_url)
    if prepare(house, admin=None, has_token=False).sign_in_link is None:
        raise ConflictError("The database holds an instance already: name one that is empty.")
    story = Story(house, clock, jobs, made.make(clock.now()))
    _connect(story)
    _first_quarter(story)
    _autumn_review(story)
    while clock.now() < end - RECENT:
        story.pass_time(days=7)
        story.import_into_cloud()
        story.sync(CORP, CLOUD)
    _second_quarter(story)
    clock.move_to(max(end - LATELY, clock.now()))
    story.import_into_cloud()
    story.sync(CORP, CLOUD)
    for place in range(len(WANTED)):  # of these a visitor sees both sides
        _try_to_ask(story, story.requester, place)
    clock.move_to(max(end - JUST_NOW, clock.now()))  # what is left takes some minutes
    personas = _personas(story)
    story.now_do()
    _outage(story)
    house.close()
    return personas


def _connect(story: Story) -> None:
    """Day one: two sources, their first read, and who is what."""
    for source, flavour in ((CORP, "directory"), (CLOUD, "okta")):
        write_state(story.file(source), story.company.states[source])
        with story.house.tx.write() as uow:
            directory.add_source(
                uow,
                story.house.seal,
                name=source,
                kind="memory",
                settings={"path": str(story.file(source)), "flavour": flavour},
                secrets={},
            )
    story.sync(CORP, CLOUD)
    named = (
        (story.head_of_it, Role.ADMIN),
        (story.operator, Role.OPERATOR),
        (story.auditor, Role.AUDITOR),
    )
    for person, role in named:
        story.roles[person.number] = role
        with story.house.tx.write() as uow:
            until = story.clock.now() + timedelta(days=360) if role is Role.AUDITOR else None
            signin.grant_role(uow, who=person.number, role=role, until=until)
    with story.house.tx.write() as uow:
        story.describe(uow, CORP, "Payments Release", Risk.PRIVILEGED)
        story.describe(uow, CORP, "Database Admins", Risk.PRIVILEGED)
        story.describe(uow, CORP, "Payments Enter", Risk.HIGH)
        breakglass = uow.session.scalars(
            sa.select(Account.public_id).where(
                Account.external_id == external_id(CORP, "breakglass")
            )
        ).one()
        catalog.protect(uow, what=Kind.ACCOUNT, ref=breakglass, reason="Emergency access.")
    story.now_do()


def _first_quarter(story: Story) -> None:
    """People ask, managers answer, some leave."""
    people = [each for each in story.company.people.values() if each.title in made.TITLES]
    for place, person in enumerate(people[:24]):
        story.pass_time(days=1, hours=place % 5)
        request = _try_to_ask(story, person, place)
        if request is None:
            continue
        if place % 6 == 4:  # noqa: PLR2004 - now and then
            story.answer(request, "refuse", "Not needed for this role.")
        elif place % 6 == 5:  # noqa: PLR2004
            with story.house.tx.write(story.actor(person)) as uow:
                requests.cancel(uow, request_id=request)
            story.now_do()
        else:
            story.approve_all(request)
    for number, person in enumerate(people[40:43]):
        story.pass_time(days=2)
        story.leaves(person, story.clock.now(), number)
        story.import_into_cloud()
        story.sync(CLOUD)


def _try_to_ask(story: Story, person: Person, place: int) -> str | None:
    wanted = WANTED[place % len(WANTED)]
    source, _, group = wanted.partition("/")
    try:
        return story.ask(person, source, group, REASONS[place % len(REASONS)], 90)
    except (NothingToChangeError, InvalidInputError):  # has it, or has no account there
        return None


def _autumn_review(story: Story) -> None:
    """A review that was finished, and its evidence."""
    scope = [f"{CORP}/Payments Enter", f"{CORP}/Payments Release", f"{CORP}/Server Operators"]
    scope += [f"{CORP}/{each} Approvers" for each in made.DEPARTMENTS]
    scope.append(BY_HAND)
    campaign = story.launch(
        "Sensitive access", "Sensitive access, third quarter", scope, story.head_of_it
    )
    story.review(campaign)
    story.pass_time(days=2)
    story.close(campaign)
    story.bundle(bundles.Wish(campaign=campaign))
    _leave_behind(story, campaign)


def _leave_behind(story: Story, campaign: str) -> None:
    """What had to be taken away by hand: a colleague has the first of it, and is late with it."""
    actor = story.actor(story.operator)
    with story.house.tx.read(actor) as reading:
        left = follow_ups.list_not_removed(reading, campaign, Window(limit=1)).items
    charge = reviews.Charge(
        owner=story.actor(story.colleague).public_id,
        ticket="CRM-1187",
        due_at=story.clock.now() + timedelta(days=14),
    )
    for each in left:
        with story.house.tx.write(actor) as uow:
            reviews.follow_up(uow, item_id=each.id, charge=charge, version=0)
    story.now_do()


def _second_quarter(story: Story) -> None:
    """The last weeks: what is still under way when the visitor comes."""
    scope = [
        f"{CORP}/VPN Users",
        f"{CLOUD}/CRM",
        f"{CLOUD}/Payroll SaaS",
        f"{CORP}/Database Admins",
        f"{CORP}/Finance Approvers",
        f"{CORP}/Payments Enter",
        f"{CORP}/Payments Release",
        f"{CORP}/Finance Staff",
        f"{CORP}/Finance Share Write",
        f"{CLOUD}/Wiki",
        f"{CLOUD}/Travel",
    ]
    campaign = story.launch(
        "Remote and cloud access",
        "Remote and cloud access, fourth quarter",
        scope,
        story.head_of_it,
    )
    story.review(campaign, until_share=0.4, but=story.manager)
    people = [each for each in story.company.people.values() if each.title in made.TITLES]
    asked = [_try_to_ask(story, each, place) for place, each in enumerate(people[60:66])]
    for request in filter(None, asked[:2]):
        story.answer(request, "approve")
    _fail_one(story, people[66:])
    _two_leave(story, people[82], people[84])
    story.leaves(people[80], story.clock.now() + LENGTH, 90)
    story.pass_time(hours=5)
    with changing(story.file(CORP), story.in_source(story.colleague)) as corp:  # behind our back
        member = Member(external_id(CORP, people[90].number), MemberKind.ACCOUNT)
        corp.members[group_id(CORP, "Database Admins")][member.external_id] = member
    story.sync(CORP)


def _two_leave(story: Story, first: Person, second: Person) -> None:
    """Two leave lately; the cloud is away when the second one does, and is tried again."""
    story.leaves(first, story.clock.now(), 80)
    story.pass_time(days=2)
    _break(story, "away")
    story.leaves(second, story.clock.now(), 81)
    story.pass_time(minutes=2)
    _break(story, "")
    for _ in range(6):
        story.pass_time(minutes=7)
    story.import_into_cloud()
    story.sync(CLOUD)


def _outage(story: Story) -> None:
    """The cloud is away while something is to be carried out: it is tried again, and again."""
    people = [each for each in story.company.people.values() if each.has_cloud]
    request = _first_who_may_ask(story, people[120:], f"{CLOUD}/Travel")
    _break(story, "away")
    while story.answer(request, "approve"):
        pass
    _break(story, "")


def _break(story: Story, way: str) -> None:
    """Let the simulated cloud fail in some way, or no more."""
    settings = {"path": str(story.file(CLOUD)), "flavour": "okta"}
    with story.house.tx.write() as uow:
        directory.set_source(
            uow,
            story.house.seal,
            name=CLOUD,
            settings=settings | {"breaks": way},
            secrets={},
        )


def _first_who_may_ask(story: Story, people: Sequence[Person], wanted: str) -> str:
    """Return the request of the first who does not have it and has an account there."""
    source, _, group = wanted.partition("/")
    for person in people:
        try:
            return story.ask(person, source, group, REASONS[0], 90)
        except (NothingToChangeError, InvalidInputError):
            continue
    raise LookupError(f"Everybody has {wanted} already.")


def _fail_one(story: Story, people: Sequence[Person]) -> None:
    """A request whose group is gone when it is to be carried out: it needs a person."""
    request = _first_who_may_ask(story, people, f"{CLOUD}/Wiki")
    group = group_id(CLOUD, "Wiki")
    with changing(story.file(CLOUD)) as cloud:
        kept = cloud.groups.pop(group)
    story.approve_all(request)
    with changing(story.file(CLOUD)) as cloud:
        cloud.groups[group] = kept


def _personas(story: Story) -> list[Persona]:
    """Make a token and a sign-in link for each persona a visitor can be."""
    who = {
        "manager": story.manager,
        "requester": story.requester,
        "operator": story.operator,
        "auditor": story.auditor,
        "administrator": story.head_of_it,
    }
    found = []
    with story.house.tx.write() as uow:
        for role, person in who.items():
            made_token = signin.create_token(uow, who=person.number, name=f"demonstration {role}")
            link = links.make(uow, who=person.number, is_reusable=True)
            found.append(Persona(role, person.name, made_token.token, link.path))
        hr = signin.create_token(uow, role=Role.HR, name="demonstration HR system")
        found.append(Persona("HR system", "", hr.token))
        uow.record(DemonstrationMade(subject=hr.id, people=len(story.company.people)))
    return found
