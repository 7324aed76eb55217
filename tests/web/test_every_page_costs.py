"""What every page asks of the store: as much with many rows as with few; found by links."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask

from app.kernel.event import moment
from app.signin import service as signin
from connectors.memory.state import changing
from connectors.records import Account, Group, Member, MemberKind
from integration.lifecycle.test_leaver import leave
from integration.requests.steps import answer_to, ask, questions
from integration.reviews.steps import TEMPLATE, template
from support.cast import PEOPLE, Cast, bring_in
from support.house import MORNING, open_house
from support.statements import counted
from support.visitor import Visitor
from support.walking import walk

FEW, MANY = 1, 7
WHO = {"administrator": "frank", "auditor": "dana", "operator": "olga", "manager": "bob"}
MOST = 20
NOT_LINKED = {  # parts that a page asks for by script, and the doors of those who are not signed in
    "/campaigns/<campaign_id>/not-removed",  # nothing is left here; a test of its own counts
    "/campaigns/<campaign_id>/not-removed/<item_id>",
    "/campaigns/<campaign_id>/now",
    "/campaigns/<campaign_id>/second-look",  # no decision is worth one here
    "/cases/<case_id>",  # nobody is in doubt here; tests of ties count its statements
    "/evidence/<bundle_id>/now",
    "/operations/now",
    "/requests/check",
    "/reviews/<campaign_id>/hand-over",
    "/reviews/<campaign_id>/low-risk/<sample_id>",
    "/reviews/<campaign_id>/people",
    "/reviews/<campaign_id>/revoke",
    "/reviews/<campaign_id>/state",
    "/sign-in",
    "/sign-in/link/<secret>",
    "/sign-in/provider",
    "/sign-in/provider/callback",
    "/sync-runs/<run_id>/now",
}


@pytest.fixture(scope="module")
def cast(tmp_path_factory: pytest.TempPathFactory, migrated_file: Path) -> Iterator[Cast]:
    """A house of its own, that grows."""
    folder = tmp_path_factory.mktemp("growing")
    (folder / "attestry.sqlite3").write_bytes(migrated_file.read_bytes())
    for house in open_house(folder, f"sqlite:///{folder / 'attestry.sqlite3'}"):
        yield bring_in(house)


def grow(cast: Cast, more: range) -> None:
    """Let more of everything happen: people, groups, requests, failures, leavers, tokens."""
    with changing(cast.file("corp")) as state:
        for each in more:
            state.add(
                accounts=[
                    Account(
                        f"corp-p{each}",
                        f"p{each}",
                        f"Person {each}",
                        True,
                        "enabled",
                        employee_number=str(3000 + each),
                        mail=f"p{each}@example.test",
                        manager_id="corp-bob",
                    )
                ],
                groups=[Group(f"corp-g{each}", f"Group {each}", "security", "More", "corp-carol")],
                members={
                    f"corp-g{each}": [Member("corp-alice", MemberKind.ACCOUNT)],
                    "corp-staff": [Member(f"corp-p{each}", MemberKind.ACCOUNT)],
                    "corp-everyone": [Member(f"corp-g{each}", MemberKind.GROUP)],
                },
            )
    cast.house.clock.advance(timedelta(minutes=1))
    cast.sync("corp")
    for each in more:  # nobody decided that
        cast.put("corp", f"g{each}", "eve")
    cast.sync("corp")
    for each in more:
        ask(cast, "dana", group=f"g{each}")
        ask(cast, "mallory", group=f"g{each}")  # waits for the manager
        leave(cast, employee_number=str(3000 + each), event_id=f"hr-{each}")
        template(cast, name=f"Kind {each}")
        bundle = {"from": moment(MORNING), "to": moment(cast.house.clock.now())}
        cast.call("dana").post("/evidence/bundles", bundle)
        drawn = {"population": "memberships", "seed": f"seed-{each}", "size": FEW + each, **bundle}
        cast.call("dana").post("/evidence/samples", drawn, 201)
        with cast.house.write() as uow:
            signin.create_token(uow, who=PEOPLE["frank"][0], name=f"Token {each}")
    fail_some(cast)
    cast.house.later(minutes=1)


def fail_some(cast: Cast) -> None:
    """Let what was asked for be approved, and fail at the source."""
    cast.breaks("corp", "denied")
    for name in ("frank", "carol"):
        for question in questions(cast, name):
            answer_to(cast, name, question)
    cast.house.drain()
    cast.breaks("corp")


def enter(cast: Cast, app: Flask, who: str) -> Visitor:
    """Sign in as one of the personas."""
    return Visitor(app).sign_in(cast.house.tx, PEOPLE[WHO[who]][0])


def costs(cast: Cast, app: Flask, who: str, paths: list[tuple[str, str]]) -> dict[str, int]:
    """Return how many statements each page takes, once somebody was there before."""
    visitor = enter(cast, app, who)
    found = {}
    for rule, path in paths:
        visitor.page(path)
        with counted(cast.house) as said:
            visitor.page(path)
        found[f"{rule} as {who}"] = len(said)
    return found


def pages(app: Flask) -> set[str]:
    """Return the rule of every page."""
    return {
        str(rule.rule)
        for rule in app.url_map.iter_rules()
        if "GET" in (rule.methods or ()) and rule.endpoint.split(".")[0].endswith("_pages")
    }


def test_no_page_asks_more_of_the_store_when_there_is_more_to_show(cast: Cast) -> None:
    app = cast.house.app()
    grow(cast, range(FEW))
    template(cast)
    cast.call("olga").post("/campaigns", {"template": TEMPLATE})
    paths = {who: [each[:2] for each in walk(app, enter(cast, app, who))] for who in WHO}
    before = {key: n for who in WHO for key, n in costs(cast, app, who, paths[who]).items()}
    grow(cast, range(FEW, MANY))
    after = {key: n for who in WHO for key, n in costs(cast, app, who, paths[who]).items()}
    grown = {key: (n, after[key]) for key, n in before.items() if after[key] > n}
    assert grown == {}
    assert {key: n for key, n in after.items() if n > MOST} == {}
    assert pages(app) - {key.partition(" as ")[0] for key in after} == NOT_LINKED
