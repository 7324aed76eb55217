"""A campaign over more than a page can wait for: the page comes first, a job does the rest."""

from pathlib import Path

import pytest

from app.directory import service as directory
from app.kernel.actor import Role
from app.reviews import service
from app.signin import service as signin
from connectors.memory.state import State, write_state
from connectors.records import Account, Group, Member, MemberKind
from support.house import TestHouse
from support.visitor import Visitor

PEOPLE, GROUPS = 126, 120  # just more memberships than are looked at while somebody waits
OPERATOR = "1000"
TEMPLATE = "Everything"


@pytest.fixture
def operator(house: TestHouse, tmp_path: Path) -> Visitor:
    state = State()
    everybody = [f"a{place}" for place in range(PEOPLE)]
    state.add(
        accounts=[
            Account(each, each, each, True, "enabled", employee_number=str(1000 + place))
            for place, each in enumerate(everybody)
        ],
        groups=[Group(f"g{place}", f"Group {place}", "security") for place in range(GROUPS)],
        members={
            f"g{place}": [Member(each, MemberKind.ACCOUNT) for each in everybody]
            for place in range(GROUPS)
        },
    )
    write_state(tmp_path / "large.json", state)
    settings = {"path": str(tmp_path / "large.json")}
    with house.write() as uow:
        directory.add_source(
            uow, house.house.seal, name="large", kind="memory", settings=settings, secrets={}
        )
        directory.request_sync(uow, source_name="large")
        service.save_template(uow, service.Shape(name=TEMPLATE), is_new=True)
    house.drain()
    with house.write() as uow:
        signin.grant_role(uow, who=OPERATOR, role=Role.OPERATOR)
    return house.visitor(OPERATOR)


def test_what_it_would_mean_is_asked_for_by_the_page_once_it_is_there(operator: Visitor) -> None:
    page = operator.page(f"/campaigns/new?template={TEMPLATE}")
    assert 'hx-trigger="load"' in page
    assert "Left out, and by which rule" not in page
    asked = operator.page(f"/campaigns/new?template={TEMPLATE}&look=1")
    assert 'hx-trigger="load"' not in asked
    assert f"of {PEOPLE * GROUPS:,} memberships" in asked.replace("\N{NO-BREAK SPACE}", " ")


def test_its_launch_is_left_to_a_job(house: TestHouse, operator: Visitor) -> None:
    answer = operator.submit("/campaigns/new", {"template": TEMPLATE, "name": ""})
    assert "Being launched" in operator.page(answer.headers["Location"])
    house.drain()
    assert "Being launched" not in operator.page(answer.headers["Location"])
