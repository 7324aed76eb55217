"""Pages of those who operate: what is wrong now comes first, with the way to mend it."""

from datetime import timedelta
from typing import Any

import pytest

from app.catalog import service as catalog
from app.catalog.domain import Kind
from app.kernel.event import moment
from connectors.errors import ConnectorError
from connectors.memory.state import By, changing
from integration.lifecycle.test_leaver import leave
from integration.provisioning.test_guards import limit
from integration.requests.steps import approve, ask
from support.cast import PEOPLE, Cast, members
from support.house import MORNING, TestHouse
from support.statements import counted
from support.visitor import Visitor

RESULTS = ("verified", "unverifiable", "unseen", "refuted")


def codes() -> list[str]:
    """Return what a connector of ours can say when it cannot do something."""
    found: list[type[ConnectorError]] = [ConnectorError, *ConnectorError.__subclasses__()]
    return [each.code for each in found if each.__module__ == ConnectorError.__module__]


def visitor(cast: Cast, who: str = "olga") -> Visitor:
    return Visitor(cast.house.app()).sign_in(cast.house.tx, PEOPLE[who][0])


def the_task(cast: Cast) -> str:
    found: str = cast.call("olga").get("/tasks?state=failed")["items"][0]["id"]
    return found


def test_a_quiet_day_says_so(cast: Cast) -> None:
    cast.house.drain()
    text = visitor(cast).page("/operations")
    assert "corp" in text
    assert "Healthy" in text
    assert "No drift" in text
    assert "simulated: its state is a file" in text


def test_what_is_wrong_now_stands_first_with_the_way_to_mend_it(cast: Cast) -> None:
    cast.breaks("corp", "truncated")
    cast.sync("corp")
    text = visitor(cast).page("/operations")
    assert 'href="/sources/corp"' in text
    assert text.index("Check the source") < text.index("Key figures")


def test_a_leaver_past_the_limit_is_named_first(cast: Cast) -> None:
    cast.breaks("corp", "denied")
    leave(cast)
    cast.house.drain()
    cast.house.later(hours=5)
    text = visitor(cast).page("/operations")
    assert "past the limit of 240 minutes" in text
    assert 'href="/leavers/hr-1"' in text


def test_the_part_that_refreshes_itself_is_the_same_without_the_frame(cast: Cast) -> None:
    olga = visitor(cast)
    part = olga.page("/operations/now")
    assert "<html" not in part
    assert "Sources healthy" in part


def test_a_failed_task_is_tried_again_by_its_button(cast: Cast) -> None:
    ask(cast, "alice")
    approve(cast, "bob", "carol")
    cast.breaks("corp", "denied")
    cast.house.drain()
    olga = visitor(cast)
    task = the_task(cast)
    assert "Try again" in olga.page(f"/tasks/{task}")
    assert "Try again" not in visitor(cast, "dana").page(f"/tasks/{task}")
    cast.breaks("corp")
    answer = olga.submit(f"/tasks/{task}/retry", on=f"/tasks/{task}")
    assert answer.status_code == 303
    cast.house.drain()
    assert "Read back" in olga.page(f"/tasks/{task}")
    refused = olga.submit(f"/tasks/{task}/retry", on=f"/tasks/{task}")
    assert refused.status_code == 409
    assert "only a failed one is retried" in refused.get_data(as_text=True)


def test_a_task_tells_each_try_in_words(cast: Cast) -> None:
    ask(cast, "alice")
    approve(cast, "bob", "carol")
    cast.breaks("corp", "denied")
    cast.house.drain()
    text = visitor(cast).page(f"/tasks/{the_task(cast)}")
    assert "The source refused: a right is missing" in text


@pytest.mark.parametrize("result", [*RESULTS, *codes()])
def test_every_way_a_try_can_end_has_words(house: TestHouse, result: str) -> None:
    app = house.app()
    with app.test_request_context():
        words: Any = app.jinja_env.get_template("provisioning/words.html").module
        assert result not in str(words.try_result(result))


def test_a_held_plan_is_released_by_a_second_person(cast: Cast) -> None:
    limit(cast, per_plan=1)
    leave(cast)
    cast.house.drain()
    frank = visitor(cast, "frank")
    plan = cast.call("olga").get("/plans?held=true")["items"][0]["id"]
    assert f'href="/plans/{plan}"' in frank.page("/operations")
    text = frank.page(f"/plans/{plan}")
    assert "Release" in text
    assert frank.submit(f"/plans/{plan}/release", on=f"/plans/{plan}").status_code == 303
    cast.house.drain()
    assert "Release" not in frank.page(f"/plans/{plan}")


def test_drift_is_decided_with_a_reason_and_the_reason_is_kept_when_it_is_refused(
    cast: Cast,
) -> None:
    cast.put("corp", "payroll", "alice")
    cast.sync("corp")
    olga = visitor(cast)
    finding = cast.call("olga").get("/drift")["items"][0]
    path = f"/drift/{finding['id']}"
    assert f'href="{path}"' in olga.page("/drift")
    empty = olga.submit(f"{path}/adopt", {"version": "1", "reason": ""}, on=path)
    assert empty.status_code == 422
    assert 'aria-invalid="true"' in empty.get_data(as_text=True)
    stale = olga.submit(f"{path}/adopt", {"version": "9", "reason": "<b>Agreed</b>"}, on=path)
    assert stale.status_code == 409
    assert "&lt;b&gt;Agreed&lt;/b&gt;" in stale.get_data(as_text=True)
    done = olga.submit(f"{path}/revert", {"version": "1", "reason": "Nobody asked"}, on=path)
    assert done.status_code == 303
    cast.house.drain()
    assert not cast.holds("corp", "payroll", "alice")
    assert "Undone" in olga.page(path)


def test_drift_names_who_did_it_as_the_source_does_on_every_page_and_in_the_file(
    cast: Cast,
) -> None:
    who = cast.identity("mallory").public_id
    cast.house.clock.advance(timedelta(minutes=10))
    with changing(cast.file("corp"), By("corp-mallory", "<i>M</i>", cast.house.clock.now())) as now:
        now.members["corp-payroll"] |= {each.external_id: each for each in members("corp", "alice")}
    cast.sync("corp")
    olga = visitor(cast)
    path = f"/drift/{cast.call('olga').get('/drift')['items'][0]['id']}"
    for page in (olga.page("/drift"), olga.page("/drift?q=%3Ci%3E"), olga.page(path)):
        assert f'href="/identities/{who}"><bdi>&lt;i&gt;M&lt;/i&gt;</bdi></a>' in page
        assert "Not told" not in page
    taken = olga.submit("/drift/file", {"q": "", "view": "open"}, on="/drift")
    assert "<i>M</i>" in taken.get_data(as_text=True)


def test_drift_gets_a_ticket_is_searched_and_taken_as_a_file(cast: Cast) -> None:
    cast.put("corp", "payroll", "alice")
    cast.sync("corp")
    olga = visitor(cast)
    path = f"/drift/{cast.call('olga').get('/drift')['items'][0]['id']}"
    assert "Not told by the source" in olga.page(path)
    typed = {"version": "1", "ticket": "INC-7 <b>", "reason": ""}
    refused = olga.submit(f"{path}/ticket", typed, on=path)
    assert refused.status_code == 422
    assert 'value="INC-7 &lt;b&gt;"' in refused.get_data(as_text=True)
    typed = {"version": "1", "ticket": "javascript:alert(1)", "reason": "Asked"}
    assert olga.submit(f"{path}/ticket", typed, on=path).status_code == 303
    assert 'href="javascript' not in olga.page(path)
    typed = {"version": "2", "ticket": "https://desk.example/7", "reason": "Asked"}
    assert olga.submit(f"{path}/ticket", typed, on=path).status_code == 303
    assert 'href="https://desk.example/7"' in olga.page(path)
    for query in ("view=ticketed", "q=desk.example", "view=open&q=alice"):
        assert f'href="{path}"' in olga.page(f"/drift?{query}")
    assert "No finding fits this" in olga.page("/drift?q=nobody")
    olga.page(f"/drift?q={'x' * 201}", 422)
    taken = olga.submit("/drift/file", {"view": "ticketed", "q": ""}, on="/drift")
    lines = taken.get_data(as_text=True).splitlines()
    assert len(lines) == 2
    assert "https://desk.example/7" in lines[1]


def test_a_leaver_of_tomorrow_is_taken_back_by_its_button(cast: Cast) -> None:
    leave(cast, effective_at=moment(MORNING + timedelta(days=2)))
    frank = visitor(cast, "frank")
    assert "Take it back" in frank.page("/leavers/hr-1")
    assert frank.submit("/leavers/hr-1/cancel", on="/leavers/hr-1").status_code == 303
    assert "Take it back" not in frank.page("/leavers/hr-1")


def test_a_leaver_shows_each_system_and_what_is_left(cast: Cast) -> None:
    leave(cast)
    cast.house.drain()
    text = visitor(cast).page("/leavers/hr-1")
    assert "corp" in text
    assert "cloud" in text
    assert "waits for import" in text


@pytest.mark.parametrize("path", ["/operations", "/tasks", "/drift", "/leavers"])
def test_who_does_not_operate_is_refused(cast: Cast, path: str) -> None:
    assert visitor(cast, "alice").get(path).status_code == 403


@pytest.mark.parametrize(
    "path", ["/tasks/nothing", "/drift/nothing", "/plans/nothing", "/leavers/nothing"]
)
def test_what_is_not_there_is_told_as_such(cast: Cast, path: str) -> None:
    assert visitor(cast).get(path).status_code == 404


def test_protected_work_says_what_to_do(cast: Cast) -> None:
    ask(cast, "eve", action="remove")
    approve(cast, "bob", "carol")
    with cast.house.write(cast.actor("frank")) as uow:
        catalog.protect(
            uow, what=Kind.GROUP, ref=cast.group("corp", "payroll").public_id, reason="Break-glass"
        )
    cast.house.drain()
    failed = next(
        each for each in cast.call("olga").get("/tasks")["items"] if each["state"] == "failed"
    )
    assert "Lift the protection" in visitor(cast).page(f"/tasks/{failed['id']}")


@pytest.mark.parametrize("path", ["/operations", "/tasks", "/drift", "/leavers"])
def test_a_page_costs_as_many_statements_with_much_to_show(cast: Cast, path: str) -> None:
    olga = visitor(cast)
    olga.page(path)
    with counted(cast.house) as calm:
        olga.page(path)
    cast.put("corp", "payroll", "alice", "bob")
    cast.sync("corp")
    leave(cast)
    cast.house.drain()
    with counted(cast.house) as busy:
        olga.page(path)
    assert len(busy) == len(calm)
