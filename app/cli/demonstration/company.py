"""Some 400 people in two simulated sources: a directory and a cloud that mirrors part of it.

Everything follows from one seed, so that every demonstration shows the same company. Nobody in it
exists; the names are common ones of many places, some of them hard on software.
"""

import hashlib
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from connectors.memory.state import State
from connectors.records import Account, AccountKind, Group, Member, MemberKind

SEED = 20260302
PEOPLE = 400
IN_CLOUD = 0.9
DOMAIN = "northwind.example"
CORP, CLOUD = "corp", "cloud"

GIVEN = (
    "Alice Bob Carol Dana Eve Frank Olga Mallory Amara Bao Chiara Dmitri Elif Farid Grete Hana Ivo "
    "Jun Kofi Lena Mateus Nadia Omar Priya Quentin Rosa Sven Tariq Uma Viktor Wanda Ximena Yusuf "
    "Zoë Åsa Björn Çelik Đurđa Émile Fiadh Gaëlle Håkon İpek Józef Łukasz Małgorzata Niamh Øyvind"
).split()
FAMILY = (
    "Adler Bianchi Costa Dubois Eriksen Ferrari García Hassan Ivanova Jansen Kowalski Laurent "
    "Müller Nakamura O’Brien Petrov Quispe Rossi Silva Tanaka Ueda Vargas Weber Xu Yılmaz Zhang "
    "Ångström Błaszczyk Çakır Đorđević El-Amin Fernández Gül Hernández Isık Jørgensen Király"
).split()
DEPARTMENTS = ("Finance", "Sales", "Engineering", "Operations", "People", "Legal", "Support", "IT")
TITLES = ("Analyst", "Specialist", "Associate", "Engineer", "Coordinator", "Consultant")


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody of the company.

    Attributes:
        number: Employee number.
        name: Display name.
        login: In the directory.
        department: Where.
        title: As what.
        manager: Number of the manager, or None for the head.
        has_cloud: Whether there is an account in the cloud, too.
    """

    number: str
    name: str
    login: str
    department: str
    title: str
    manager: str | None
    has_cloud: bool


@dataclass(slots=True)
class Company:
    """The company as it is at the beginning of the story.

    Attributes:
        people: By employee number.
        states: The two sources by name.
    """

    people: dict[str, Person] = field(default_factory=dict)
    states: dict[str, State] = field(default_factory=dict)

    def heads(self) -> list[Person]:
        """Return those who manage a department."""
        return [each for each in self.people.values() if each.title.startswith("Head of")]

    def reports(self, number: str) -> list[Person]:
        """Return the direct reports of somebody."""
        return [each for each in self.people.values() if each.manager == number]


def make(now: datetime) -> Company:
    """Make the company.

    Args:
        now: The beginning of the story; expiry and last sign-in are placed round it.
    """
    chance = random.Random(SEED)  # noqa: S311 - a story, not a secret
    company = Company()
    for person in _people(chance):
        company.people[person.number] = person
    company.states[CORP] = _corp(company, chance, now)
    company.states[CLOUD] = _cloud(company, chance)
    return company


def external_id(source: str, key: str) -> str:
    """Return an immutable id in a source, the same in every demonstration."""
    digest = hashlib.sha256(f"{source}:{key}".encode()).digest()[:16]
    return str(UUID(bytes=digest)) if source == CORP else "00u" + digest.hex()[:17]


def group_id(source: str, name: str) -> str:
    """Return the immutable id of a group."""
    return external_id(source, f"group:{name}")


def _people(chance: random.Random) -> Iterator[Person]:
    yield Person(
        number="1000",
        name="Ingrid Solberg",
        login="ingrid.solberg.1000",
        department="Board",
        title="Chief Executive",
        manager=None,
        has_cloud=True,
    )
    heads = {}
    number = 1001
    for department in DEPARTMENTS:
        name = f"{GIVEN[number % len(GIVEN)]} {FAMILY[number % len(FAMILY)]}"
        heads[department] = str(number)
        yield _person(number, name, department, f"Head of {department}", "1000", chance)
        number += 1
    leads: dict[str, list[str]] = {department: [] for department in DEPARTMENTS}
    for place in range(PEOPLE - len(DEPARTMENTS) - 1):
        department = DEPARTMENTS[place % len(DEPARTMENTS)]
        name = f"{chance.choice(GIVEN)} {chance.choice(FAMILY)}"
        is_lead = place < 4 * len(DEPARTMENTS)
        if is_lead:
            leads[department].append(str(number))
        manager = heads[department] if is_lead else chance.choice(leads[department])
        title = f"Lead {chance.choice(TITLES)}" if is_lead else chance.choice(TITLES)
        yield _person(number, name, department, title, manager, chance)
        number += 1


def _person(
    number: int, name: str, department: str, title: str, manager: str, chance: random.Random
) -> Person:
    plain = name.encode("ascii", "ignore").decode().lower().replace(" ", ".").replace("-", "")
    login = f"{plain}.{number}"
    return Person(
        number=str(number),
        name=name,
        login=login,
        department=department,
        title=title,
        manager=manager,
        has_cloud=chance.random() < IN_CLOUD,
    )


def _corp(company: Company, chance: random.Random, now: datetime) -> State:
    state = State(own_account_id=external_id(CORP, "svc-attestry"))
    state.add(accounts=[_corp_account(each, chance, now) for each in company.people.values()])
    state.add(
        accounts=[
            _service("svc-attestry", "Attestry connector"),
            _service("svc-backup", "Nightly backup"),
            _service("svc-build", "Build agents"),
            _service("breakglass", "Emergency administrator"),
        ]
    )
    everyone = list(company.people.values())
    _group(state, CORP, "All Staff", everyone, "Everybody who works here")
    for department in DEPARTMENTS:
        staff = [each for each in everyone if each.department == department]
        owner = next(each for each in staff if each.title.startswith("Head"))
        _group(state, CORP, f"{department} Staff", staff, f"All of {department}", owner)
        for what in ("Share Read", "Share Write", "Approvers"):
            chosen = chance.sample(staff, k=max(3, len(staff) // 4))
            _group(state, CORP, f"{department} {what}", chosen, f"{department}: {what}", owner)
        _nest(state, f"{department} Share Read", f"{department} Share Write")
    it = [each for each in everyone if each.department == "IT"]
    head = it[0]
    _group(state, CORP, "Server Operators", chance.sample(it, 8), "Runs the servers", head)
    _group(state, CORP, "Database Admins", chance.sample(it, 4), "Full rights on databases", head)
    _group(state, CORP, "Domain Admins", it[:2], "Full rights on the domain", head, is_admin=True)
    _nest(state, "Domain Admins", "Server Operators")
    finance = [each for each in everyone if each.department == "Finance"]
    _group(state, CORP, "Payments Release", finance[:5], "Releases payments to banks", finance[0])
    _group(state, CORP, "Payments Enter", finance[5:15], "Enters payments", finance[0])
    _group(state, CORP, "VPN Users", chance.sample(everyone, 180), "Remote access", head)
    _nest(state, "All Contractors", None)
    return state


def _cloud(company: Company, chance: random.Random) -> State:
    state = State()
    people = [each for each in company.people.values() if each.has_cloud]
    state.add(accounts=[_cloud_account(each) for each in people])
    state.sessions.update(external_id(CLOUD, each.number) for each in people[:200])
    for name, share, description in (
        ("CRM", 90, "Customers and their contracts"),
        ("Wiki", 300, "What we know"),
        ("Code", 110, "Source code"),
        ("Payroll SaaS", 12, "Salaries of everybody"),
        ("Travel", 200, "Bookings"),
    ):
        chosen = chance.sample(people, share)
        owner = chance.choice([each for each in people if each.title.startswith("Head")])
        _group(state, CLOUD, name, chosen, description, owner, kind="OKTA_GROUP")
    corp = company.states[CORP]
    for name in ("VPN Users", "Payments Release", "Finance Staff"):
        master = group_id(CORP, name)
        numbers = {external_id(CORP, each.number): each for each in people}
        inside = [numbers[each] for each in corp.members[master] if each in numbers]
        _group(state, CLOUD, name, inside, "From the directory", kind="APP_GROUP", master=master)
    _entitle(state, people)
    return state


def _entitle(state: State, people: Sequence[Person]) -> None:
    """Add what Okta gives beside groups, read only: two applications, and a role over Okta."""
    for name, kind, bearers, by in (
        ("Expenses", "APPLICATION", [], "Travel"),
        ("Salesforce", "APPLICATION", people[40:43], "CRM"),
        ("Help Desk Administrator", "ADMINISTRATOR_ROLE", people[5:8], None),
    ):
        is_admin = kind != "APPLICATION"
        _group(state, CLOUD, name, bearers, "", kind=kind, is_admin=is_admin, is_read_only=True)
        if by is not None:
            inner = Member(group_id(CLOUD, by), MemberKind.GROUP)
            state.add(members={group_id(CLOUD, name): [inner]})


def _corp_account(person: Person, chance: random.Random, now: datetime) -> Account:
    seen = now - timedelta(days=chance.choice((0, 1, 2, 3, 9, 20, 45, 130, 200)))
    return Account(
        external_id=external_id(CORP, person.number),
        login=person.login,
        display_name=person.name,
        is_enabled=True,
        status="enabled",
        mail=f"{person.login}@{DOMAIN}",
        employee_number=person.number,
        manager_id=external_id(CORP, person.manager) if person.manager else None,
        department=person.department,
        title=person.title,
        address=f"CN={person.login},OU={person.department},DC=northwind,DC=example",
        last_sign_in_at=seen,
    )


def _cloud_account(person: Person) -> Account:
    return Account(
        external_id=external_id(CLOUD, person.number),
        login=f"{person.login}@{DOMAIN}",
        display_name=person.name,
        is_enabled=True,
        status="ACTIVE",
        mail=f"{person.login}@{DOMAIN}",
        employee_number=person.number,
        manager_id=external_id(CLOUD, person.manager) if person.manager else None,
        department=person.department,
        title=person.title,
        address=f"/api/v1/users/{external_id(CLOUD, person.number)}",
    )


def _service(login: str, name: str) -> Account:
    return Account(
        external_id=external_id(CORP, login),
        login=login,
        display_name=name,
        is_enabled=True,
        status="enabled",
        kind=AccountKind.SERVICE,
        address=f"CN={login},OU=Services,DC=northwind,DC=example",
    )


def _group(
    state: State,
    source: str,
    name: str,
    people: Sequence[Person],
    description: str,
    owner: Person | None = None,
    *,
    kind: str = "security",
    is_admin: bool = False,
    is_read_only: bool = False,
    master: str | None = None,
) -> None:
    key = group_id(source, name)
    members = [Member(external_id(source, each.number), MemberKind.ACCOUNT) for each in people]
    state.add(
        groups=[
            Group(
                external_id=key,
                name=name,
                kind=kind,
                description=description,
                owner_id=external_id(source, owner.number) if owner else None,
                is_writable=master is None and not is_read_only,
                is_administrative=is_admin,
                master_id=master,
            )
        ],
        members={key: members},
    )


def _nest(state: State, parent: str, child: str | None) -> None:
    """Put one group into another; without a child, make an empty group."""
    key = group_id(CORP, parent)
    if child is None:
        _group(state, CORP, parent, [], "Nobody yet")
        return
    state.add(members={key: [Member(group_id(CORP, child), MemberKind.GROUP)]})
