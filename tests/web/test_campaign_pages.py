"""Pages of those who run a campaign: what a launch means, who is behind, and the end."""

import re
from typing import Any

import pytest
import sqlalchemy as sa

from app.directory import queries as directory_queries
from app.directory import service as directory
from app.directory.models import Identity
from app.kernel.actor import Role
from app.kernel.errors import InvalidInputError
from app.reviews import queries, running, service
from app.reviews.domain import DecisionMove
from app.reviews.follow_ups import list_not_removed
from app.reviews.second_look import SecondLook, count_second_looks, second_looks
from app.reviews.service import Said
from app.reviews.worklist import Show, worklist
from app.signin import service as signin
from app.web.paging import Window
from support.finance import COLLEAGUE, MANAGER, SAP, TEMPLATE, Finance, found_finance
from support.house import TestHouse
from support.statements import counted
from support.visitor import Visitor

OPERATOR = "2003"
SCRIPT = "<script>alert(1)</script> \u0645\u0631\u062d\u0628\u0627 \U0001f98a"


@pytest.fixture
def finance(house: TestHouse) -> Finance:
    found = found_finance(house, people=10)
    with house.write() as uow:
        signin.grant_role(uow, who=OPERATOR, role=Role.OPERATOR)
    return found


@pytest.fixture
def otto(finance: Finance) -> Visitor:
    return finance.house.visitor(OPERATOR)


def here(finance: Finance, rest: str = "") -> str:
    return f"/campaigns/{finance.campaign}{rest}"


def person(finance: Finance, number: str) -> Identity:
    with finance.house.read() as reading:
        return reading.session.scalars(
            sa.select(Identity).where(Identity.employee_number == number)
        ).one()


def decide(finance: Finance, count: int | None = None, **how: Any) -> None:
    actor = finance.actor()
    with finance.house.read(actor) as reading:
        found = worklist(reading, finance.campaign, show=Show.ALL)
    rows = [row for section in found.sections for row in section.rows][:count]
    said = [Said(row.id, DecisionMove.KEEP, row.version, "Needed.", **how) for row in rows]
    with finance.house.write(actor) as uow:
        service.decide(uow, said)


def sign_off(finance: Finance) -> None:
    with finance.house.write(finance.actor()) as uow:
        service.sign_off(uow, campaign_id=finance.campaign)
    finance.house.drain()


def test_campaigns_are_listed_with_how_far_they_are(finance: Finance, otto: Visitor) -> None:
    decide(finance, 10)
    text = otto.page("/campaigns")
    assert f'href="{here(finance)}"' in text
    assert "10 of 100" in text


def test_the_list_costs_two_statements(finance: Finance) -> None:
    with finance.house.read() as reading, counted(finance.house) as said:
        running.campaigns(reading, Window())
    assert len(said) == 2


def test_a_campaign_costs_nine_statements_whatever_its_size(finance: Finance) -> None:
    with finance.house.read() as reading, counted(finance.house) as said:
        running.running(reading, finance.campaign)
    assert len(said) <= 9


def test_a_campaign_says_how_far_it_is_and_what_is_left_each_day(finance: Finance) -> None:
    finance.house.later(days=1)
    decide(finance, 10)
    finance.house.later(days=1)
    text = finance.house.visitor(OPERATOR).page(here(finance))
    assert re.search(r"90 of 100 items were left at the end of 4 Mar 2026", text)
    assert "At this pace all are decided on" in text
    assert "Not started" not in text


def test_what_was_kept_against_advice_in_a_blink_or_at_once_is_worth_a_second_look(
    finance: Finance, otto: Visitor
) -> None:
    assert "Worth a second look</h2>" not in otto.page(here(finance))
    decide(finance)
    text = otto.page(here(finance))
    assert "Revoking was suggested" in text
    assert "One of 100 at once" in text
    every = otto.page(here(finance, "/second-look"))
    assert every.count("<tr><td>") > running.FIRST_LOOKS
    assert text.count('href="/groups/') == running.FIRST_LOOKS


def test_what_is_worth_a_second_look_is_shown_in_parts_each_keep_once(finance: Finance) -> None:
    decide(finance)
    with finance.house.read() as reading:
        key = queries.campaign_row(reading, finance.campaign).key
        window = Window(7)
        found: list[SecondLook] = []
        while True:
            part = second_looks(reading, key, window)
            found += part.items
            if part.next_cursor is None:
                break
            window = Window(7, part.next_cursor)
        assert len(found) == len({each.item for each in found}) == count_second_looks(reading, key)
        against = [each.is_against_advice for each in found]
        assert against == sorted(against, reverse=True)
        assert {True, False} <= set(against)
        with pytest.raises(InvalidInputError, match="another list"):
            second_looks(reading, key, Window(7, "WzFd"))


def test_nobody_else_may_look_twice(finance: Finance) -> None:
    assert finance.house.visitor(MANAGER).get(here(finance, "/second-look")).status_code == 403


def test_whoever_is_behind_is_reminded_once_a_day_and_told_what_is_left(
    finance: Finance,
) -> None:
    decide(finance, 10)
    finance.house.later(days=5)
    otto = finance.house.visitor(OPERATOR)
    assert "3 days behind" in otto.page(here(finance))
    answer = otto.submit(here(finance, "/remind"), on=here(finance))
    assert answer.status_code == 303
    assert "Reminded" in otto.page(here(finance))
    finance.house.drain()
    assert "Reminder: " in finance.house.visitor(MANAGER).page("/notices")
    again = otto.submit(here(finance, "/remind"), on=here(finance))
    assert again.status_code == 409
    assert "was not reminded within a day" in again.get_data(as_text=True)
    finance.house.later(days=1, hours=1)
    otto = finance.house.visitor(OPERATOR)
    assert otto.submit(here(finance, "/remind"), on=here(finance)).status_code == 303


def test_whoever_signed_off_before_the_reminder_arrives_is_left_in_peace(finance: Finance) -> None:
    with finance.house.write() as uow:
        service.remind(uow, campaign_id=finance.campaign)
    decide(finance)
    sign_off(finance)
    assert "Reminder: " not in finance.house.visitor(MANAGER).page("/notices")


def test_a_reviewers_items_go_to_somebody_else_with_the_reason(
    finance: Finance, otto: Visitor
) -> None:
    dana, omar = person(finance, MANAGER), person(finance, COLLEAGUE)
    page = here(finance, f"/reviewers/{dana.public_id}")
    text = otto.page(f"{page}?q=omar")
    items = re.findall(r'name="items" value="([^"]+)"', text)
    assert len(items) == 100
    assert f'value="{omar.public_id}"' in text
    wish = {"items": items[:7], "reviewer": omar.public_id, "reason": "Dana is away."}
    assert otto.submit(page, wish, on=page).status_code == 303
    text = otto.page(here(finance))
    assert "Omar Farouk" in text
    assert len(re.findall(r'name="items" value', otto.page(page))) == 93


def test_a_reassignment_says_what_is_missing_and_keeps_what_was_typed(
    finance: Finance, otto: Visitor
) -> None:
    dana = person(finance, MANAGER)
    page = here(finance, f"/reviewers/{dana.public_id}")
    answer = otto.submit(page, {"reason": SCRIPT, "q": "omar"}, on=page)
    text = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "Choose who decides instead." in text
    assert "&lt;script&gt;" in text
    assert "<script>alert" not in text


def test_items_of_another_campaign_or_reviewer_are_not_put_to_anybody(
    finance: Finance, otto: Visitor
) -> None:
    omar, dana = person(finance, COLLEAGUE), person(finance, MANAGER)
    items = re.findall(
        r'name="items" value="([^"]+)"', otto.page(here(finance, f"/reviewers/{dana.public_id}"))
    )
    page = here(finance, f"/reviewers/{omar.public_id}")
    otto.page(page, 404)
    wish = {"items": items[:1], "reviewer": omar.public_id, "reason": "A try."}
    token = otto.csrf("/campaigns")
    assert otto.submit(page, wish, csrf=token).status_code in {404, 422}
    assert (
        len(re.findall(r'value="', otto.page(here(finance, f"/reviewers/{dana.public_id}")))) > 40
    )


def test_a_campaign_is_closed_when_all_signed_off_and_its_evidence_is_next(
    finance: Finance, otto: Visitor
) -> None:
    assert "Close" not in re.findall(r"<button[^>]*>(.*?)</button>", otto.page(here(finance)))
    decide(finance)
    sign_off(finance)
    assert "Close the campaign" in otto.page(here(finance))
    assert otto.submit(here(finance, "/close"), on=here(finance)).status_code == 303
    assert "Every item was answered." in otto.page(here(finance))
    assert otto.submit(here(finance, "/close"), on=here(finance)).status_code == 409


def test_an_overdue_campaign_says_how_many_will_stay_unanswered(
    finance: Finance, otto: Visitor
) -> None:
    decide(finance, 10)
    early = otto.submit(here(finance, "/close"), on=here(finance))
    assert early.status_code == 409
    assert "reviewers have time until" in early.get_data(as_text=True)
    finance.house.later(days=15)
    otto = finance.house.visitor(OPERATOR)
    assert "Close, with 90 unanswered" in otto.page(here(finance))
    assert otto.submit(here(finance, "/close"), on=here(finance)).status_code == 303
    assert "90 items were never answered" in otto.page(here(finance))


# --- what was revoked and is not removed -----------------------------------------------------


def leave(finance: Finance, count: int) -> None:
    """Let Dana revoke some items that the source then refuses to end."""
    actor = finance.actor()
    with finance.house.read(actor) as reading:
        found = worklist(reading, finance.campaign, show=Show.ALL)
    rows = [row for section in found.sections for row in section.rows if not row.decision][:count]
    with finance.house.write(actor) as uow:
        said = [Said(row.id, DecisionMove.REVOKE, row.version, "Not needed.") for row in rows]
        for item in service.decide(uow, said):
            service.fail_item(uow, item, code="denied", why=SCRIPT, end="an end")


def test_who_follows_up_what_is_not_removed_is_said_by_a_form(
    finance: Finance, otto: Visitor
) -> None:
    assert "/not-removed" not in otto.page(here(finance))
    leave(finance, 2)
    assert "2 revoked accesses are not removed." in otto.page(here(finance))
    text = otto.page(here(finance, "/not-removed"))
    assert "&lt;script&gt;" in text
    assert text.count("Nobody</span>") == 2
    found = re.search(rf'href="({here(finance)}/not-removed/[^"]+)"', text)
    assert found
    page, omar = found[1], person(finance, COLLEAGUE)
    assert f'value="{omar.public_id}"' in otto.page(f"{page}?q=omar")
    typed = {"ticket": SCRIPT, "due_at": "2026-02-27", "version": "0", "q": "omar"}
    refused = otto.submit(page, typed, on=page)
    text = refused.get_data(as_text=True)
    assert refused.status_code == 422
    assert "Choose who answers for it." in text
    assert "<script>alert" not in text
    typed |= {"owner": omar.public_id}
    refused = otto.submit(page, typed, on=page)
    assert "This is past" in refused.get_data(as_text=True)
    today = finance.house.clock.now().date().isoformat()
    assert otto.submit(page, typed | {"due_at": today}, on=page).status_code == 303
    text = otto.page(here(finance, "/not-removed"))
    assert (text.count("Nobody</span>"), text.count("Omar Farouk</bdi>")) == (1, 1)
    assert "Overdue" not in text
    assert f'value="{today}"' in otto.page(page)
    again = otto.submit(page, typed | {"due_at": today, "version": "1"}, on=page)
    assert again.status_code == 409
    finance.house.later(days=1)
    otto = finance.house.visitor(OPERATOR)
    assert "Overdue" in otto.page(here(finance, "/not-removed"))
    assert finance.house.visitor(MANAGER).get(page).status_code == 403


def test_what_is_not_removed_costs_one_statement_whatever_its_size(finance: Finance) -> None:
    leave(finance, 3)
    with finance.house.read() as reading, counted(finance.house) as said:
        first = list_not_removed(reading, finance.campaign, Window(2))
        rest = list_not_removed(reading, finance.campaign, Window(2, first.next_cursor))
    assert len(said) == 2
    assert len({each.id for each in (*first.items, *rest.items)}) == 3


# --- templates and launch ------------------------------------------------------------------


def template_of(text: str) -> str:
    found = re.search(r"/campaigns/new\?template=([0-9a-f-]{36})", text)
    assert found
    return found[1]


def test_a_launch_says_what_it_would_mean_before_anything_is_launched(otto: Visitor) -> None:
    template = template_of(otto.page("/campaigns/new"))
    text = otto.page(f"/campaigns/new?template={template}")
    assert "Launch: put 100 items to their reviewers" in text
    assert "Dana Whitfield" in text
    refused = otto.submit("/campaigns/new", {"template": template}, on="/campaigns/new")
    assert refused.status_code == 409
    assert "is open; close it first" in refused.get_data(as_text=True)


def test_a_template_is_made_and_launched_by_forms_alone(otto: Visitor) -> None:
    wish = {
        "name": SCRIPT,
        "sources": SAP,
        "groups": f"{SAP}/Journal entries\r\n\r\n{SAP}/Budget planning",
        "fallback": "S999@example.test",
        "due_days": "7",
        "is_reason_required": "true",
    }
    made = otto.submit("/campaign-templates/new", wish, on="/campaign-templates/new")
    assert made.status_code == 303
    address = made.headers["Location"]
    text = otto.page(address)
    assert "<script>alert" not in text
    assert "2 groups" in text
    assert "due after 7 days" in text
    template = address.split("=")[1]
    launched = otto.submit("/campaigns/new", {"template": template, "name": ""}, on=address)
    assert launched.status_code == 303
    assert "Running" in otto.page(launched.headers["Location"])


def test_a_template_names_every_field_that_is_wrong_and_keeps_the_rest(otto: Visitor) -> None:
    wish = {
        "name": " ",
        "sources": "nowhere",
        "groups": "sap/Nothing of that name",
        "fallback": "nobody@example.test",
        "due_days": "0",
    }
    answer = otto.submit("/campaign-templates/new", wish, on="/campaign-templates/new")
    text = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "Give it a name." in text
    assert "There is no group" in text
    assert "Nobody who is active has this mail address." in text
    assert 'value="nobody@example.test"' in text
    assert "sap/Nothing of that name" in text


def test_a_new_template_never_changes_another_of_its_name(otto: Visitor) -> None:
    wish = {"name": TEMPLATE, "due_days": "3"}
    answer = otto.submit("/campaign-templates/new", wish, on="/campaign-templates/new")
    assert answer.status_code == 422
    assert "There is a template of this name" in answer.get_data(as_text=True)


def test_a_template_is_changed_and_says_so_when_nothing_changed(otto: Visitor) -> None:
    page = f"/campaign-templates/{template_of(otto.page('/campaigns/new'))}"
    wish = {"due_days": "21", "is_reason_required": "true"}
    assert otto.submit(page, wish, on=page).status_code == 303
    assert "due after 21 days" in otto.page("/campaigns/new")
    again = otto.submit(page, wish, on=page)
    assert again.status_code == 409
    assert "says exactly that already" in again.get_data(as_text=True)


def test_a_source_that_was_never_read_is_said_before_the_launch(
    finance: Finance, otto: Visitor
) -> None:
    with finance.house.write() as uow:
        directory.disable_source(uow, name=SAP)
    template = template_of(otto.page("/campaigns/new"))
    assert "It cannot be launched yet." in otto.page(f"/campaigns/new?template={template}")


def test_a_reviewer_sees_no_campaign_of_those_who_run_it(finance: Finance) -> None:
    dana = finance.house.visitor(MANAGER)
    dana.page("/campaigns", 403)
    dana.page("/campaigns/new", 403)
    dana.page(here(finance), 403)
    token = dana.csrf("/account")
    assert dana.submit(here(finance, "/remind"), csrf=token).status_code == 403
    assert dana.submit(here(finance, "/close"), csrf=token).status_code == 403


def test_an_auditor_looks_at_a_campaign_and_has_no_button(finance: Finance) -> None:
    with finance.house.write() as uow:
        signin.grant_role(uow, who=COLLEAGUE, role=Role.AUDITOR)
    text = finance.house.visitor(COLLEAGUE).page(here(finance))
    assert "/remind" not in text
    assert "/close" not in text


def test_a_launch_that_takes_its_time_is_shown_live_and_then_as_the_campaign(
    finance: Finance, otto: Visitor
) -> None:
    decide(finance)
    sign_off(finance)
    with finance.house.write() as uow:
        service.close(uow, campaign_id=finance.campaign)
    with finance.house.write() as uow:
        asked = service.launch(uow, template_id=TEMPLATE, at_once=0).public_id
    assert "Being launched" in otto.page("/campaigns")
    waiting = otto.page(f"/campaigns/{asked}")
    assert f'hx-get="/campaigns/{asked}/now"' in waiting
    assert "Looked at 0 of " in otto.page(f"/campaigns/{asked}/now")
    finance.house.drain()
    assert otto.get(f"/campaigns/{asked}/now").headers["HX-Refresh"] == "true"
    assert "Items left to decide" in otto.page(f"/campaigns/{asked}")


def test_a_launch_that_failed_says_why_and_leads_back_to_its_template(
    finance: Finance, otto: Visitor
) -> None:
    with finance.house.write() as uow:
        service.save_template(uow, service.Shape(name="Later"), is_new=True)
        asked = service.launch(uow, template_id="Later", at_once=0).public_id
    with finance.house.read() as reading:
        sources = [each.name for each in directory_queries.list_sources(reading, Window()).items]
    with finance.house.write() as uow:
        for name in sources:
            directory.disable_source(uow, name=name)
    finance.house.drain()
    text = otto.page(f"/campaigns/{asked}")
    assert "No source of this template is connected and enabled." in text
    assert "/campaigns/new?template=" in text
    assert "Not launched" in otto.page("/campaigns")
