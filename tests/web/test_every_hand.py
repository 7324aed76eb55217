"""What people do to forms by accident or on purpose, done to every form of every persona.

Forms and pages are found by following links through the demonstration company, one of each kind: a
new one is tried by itself.
"""

import re
from datetime import timedelta
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest
import sqlalchemy as sa

from app.directory.models import Identity
from app.kernel.actor import Role
from app.signin import service
from app.signin.models import RoleGrant
from support.forms import SAID, Found, forms
from support.visitor import Visitor
from support.walking import rule_of, walk
from web.company import Company
from web.matrix import NOBODY

PERSONAS = ("requester", "manager", "auditor", "operator", "administrator")
ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
ENDING = {"/sign-out", "/account/sessions/end"}  # they end the session that tries the others
ASKING = {"/verify"}  # it changes nothing, so it may be asked as often as one likes
FRAME = {"/account/preferences", "/account/sessions/end"}
REFUSALS = {403, 404}
MIDDLE = timedelta(minutes=31)
# Whoever decides items of a campaign, or reads campaigns, knows that it is there.
KNOWN_TO_THEM = {
    "/campaigns/<campaign_id>",
    "/campaigns/<campaign_id>/second-look",
    "/campaigns/<campaign_id>/reviewers/<reviewer_id>",
    "/campaign-templates/<template_id>",
}


def all_forms(company: Company, persona: str) -> list[Found]:
    found = forms(company.app, company.people[persona])
    return [form for rule, form in sorted(found.items()) if rule not in ENDING | ASKING]


@pytest.fixture(scope="module")
def gone(company: Company) -> dict[str, tuple[Visitor, str]]:
    """A browser of each persona whose session ended by itself, and the token of its form."""
    left = {persona: company.enter(persona) for persona in PERSONAS}
    tokens = {persona: visitor.csrf("/account") for persona, visitor in left.items()}
    company.house.clock.advance(MIDDLE)
    company.people.update({persona: company.enter(persona) for persona in PERSONAS})
    return {persona: (visitor, tokens[persona]) for persona, visitor in left.items()}


@pytest.mark.parametrize("persona", PERSONAS)
def test_a_form_sent_after_its_session_ended_comes_back_with_all_that_was_typed(
    company: Company, gone: dict[str, tuple[Visitor, str]], persona: str
) -> None:
    """Signed out in the middle of it: nothing is done, and after signing in nothing is lost."""
    wrong: list[str] = []
    (visitor, token), back = gone[persona], company.people[persona]
    before = company.entries()
    for form in (each for each in all_forms(company, persona) if each.typed()):
        typed = {**form.filled(), **{name: f"{SAID}, {name}" for name in form.typed()}}
        sent = visitor.submit(form.action, typed, csrf=token)
        asked = parse_qs(urlsplit(sent.headers.get("Location", "")).query)
        if sent.status_code != 303 or asked.get("why") != ["ended"]:
            wrong.append(f"{form.rule}: {sent.status_code} {sent.headers.get('Location')}")
            continue
        text = unescape(back.page(asked["next"][0]))
        wrong += [
            f"{form.rule} of {form.page}: {name} is lost"
            for name in form.typed()
            if form.controls[name].kind not in {"number", "date"} and typed[name] not in text
        ]
    assert company.entries() == before
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("persona", PERSONAS)
def test_whatever_is_not_ones_own_answers_as_what_is_not_there(
    company: Company, persona: str
) -> None:
    """Nobody learns from an address whether it leads to something of somebody else."""
    visitor = company.people[persona]
    others = {
        path.partition("?")[0]
        for other in PERSONAS
        for _, path, _ in walk(company.app, company.people[other])
    }
    wrong = []
    for path in sorted(others):
        answer = visitor.get(path)
        answer.close()
        if answer.status_code in {200, 303}:
            continue
        made_up = visitor.get(ID.sub(NOBODY, path))
        rule = rule_of(company.app, path, "GET")
        is_same = answer.status_code == made_up.status_code or rule in KNOWN_TO_THEM
        if answer.status_code not in REFUSALS or not is_same:
            wrong.append(f"{path}: {answer.status_code}, made up {made_up.status_code}")
    assert not wrong, "\n".join(wrong)


def shown(text: str) -> str:
    """Return what a refusal says, without what differs from answer to answer."""
    main = text.partition("<main")[2].partition("</main>")[0]
    return ID.sub("", re.sub(r'value="[^"]*"', "", main))


@pytest.mark.parametrize("persona", ["requester", "manager"])
def test_forms_of_others_do_nothing_whatever_id_they_name(company: Company, persona: str) -> None:
    visitor = company.people[persona]
    own = set(forms(company.app, visitor, each_page=True))
    token, before = visitor.csrf("/account"), company.entries()
    wrong = []
    for other in PERSONAS:
        for form in all_forms(company, other):
            if form.rule in own:
                continue
            answer = visitor.submit(form.action, {**form.filled(), "once": ""}, csrf=token)
            made_up = visitor.submit(
                ID.sub(NOBODY, form.action), {**form.filled(), "once": ""}, csrf=token
            )
            is_same = answer.status_code == made_up.status_code or form.rule in KNOWN_TO_THEM
            if answer.status_code not in REFUSALS or not is_same:
                wrong.append(f"{form.rule}: {answer.status_code}, made up {made_up.status_code}")
    assert not wrong, "\n".join(wrong)
    assert company.entries() == before


@pytest.mark.parametrize("persona", PERSONAS)
def test_what_somebody_changed_meanwhile_is_not_overwritten_and_nothing_typed_is_lost(
    company: Company, persona: str
) -> None:
    """Every form that says which version it was opened at, sent from a page that is old."""
    visitor = company.people[persona]
    token, before = visitor.csrf("/account"), company.entries()
    wrong, tried = [], 0
    for form in all_forms(company, persona):
        if "version" not in form.controls:
            continue
        typed = {**form.filled(), "version": "999", "once": ""}
        answer = visitor.submit(form.action, typed, csrf=token)
        text = unescape(answer.get_data(as_text=True))
        tried += answer.status_code == 409
        if answer.status_code not in {409, 422}:
            wrong.append(f"{form.rule}: {answer.status_code}")
        wrong += [
            f"{form.rule}: {name} is lost" for name in form.typed() if typed[name] not in text
        ]
    assert tried or persona not in {"operator", "administrator"}
    assert not wrong, "\n".join(wrong)
    assert company.entries() == before


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.AUDITOR, Role.ADMIN])
def test_whoever_loses_a_role_in_mid_session_is_refused_at_the_next_click(
    company: Company, role: Role
) -> None:
    persona = "administrator" if role is Role.ADMIN else role.value
    give_back(company, role, holders(company, role, ended=True) - holders(company, role))
    visitor, free = company.people[persona], company.people["requester"]
    pages = [path for _, path, _ in walk(company.app, visitor) if free.get(path).status_code == 403]
    sent = [each for each in all_forms(company, persona) if free.get(each.page).status_code == 403]
    token = visitor.csrf("/account")
    taken = take_away(company, role)
    before = company.entries()
    wrong = [path for path in pages if visitor.get(path).status_code != 403]
    for form in sent:
        answer = visitor.submit(form.action, {**form.filled(), "once": ""}, csrf=token)
        if answer.status_code not in REFUSALS:
            wrong.append(f"{form.rule}: {answer.status_code}")
    assert pages
    assert sent
    assert wrong == []
    assert company.entries() == before
    give_back(company, role, taken)


def holders(company: Company, role: Role, *, ended: bool = False) -> set[str]:
    """Return who holds a role, or also who held it once."""
    with company.house.read() as reading:
        return set(
            reading.session.scalars(
                sa.select(Identity.public_id)
                .join(RoleGrant, RoleGrant.identity_id == Identity.id)
                .where(RoleGrant.role == role, RoleGrant.ended_at.is_(None) | sa.literal(ended))
            )
        )


def give_back(company: Company, role: Role, people: set[str]) -> None:
    """Give a role again, so that what comes next finds everybody in their place."""
    until = company.house.clock.now() + timedelta(days=9) if role is Role.AUDITOR else None
    for each in people:
        with company.house.write() as uow:
            service.give_role(uow, who=each, role=role, until=until)


def take_away(company: Company, role: Role) -> set[str]:
    """Take a role from everybody who holds it; an instance keeps an administrator."""
    taken = holders(company, role)
    with company.house.write() as uow:
        if role is Role.ADMIN:
            free = uow.session.scalars(
                sa.select(Identity.public_id)
                .where(Identity.is_active, Identity.id.not_in(sa.select(RoleGrant.identity_id)))
                .order_by(Identity.id)
                .limit(1)
            ).one()
            service.give_role(uow, who=free, role=role)
        for public_id in taken:
            service.revoke_role(uow, who=public_id, role=role)
    return taken


@pytest.mark.parametrize("persona", PERSONAS)
def test_a_double_click_on_any_button_has_one_effect_and_a_refusal_has_none(
    company: Company, persona: str
) -> None:
    visitor = company.people[persona]
    wrong = []
    for form in all_forms(company, persona):
        typed, token = form.filled(), visitor.csrf(form.page)
        before = company.entries()
        first = visitor.submit(form.action, typed, csrf=token)
        after = company.entries()
        second = visitor.submit(form.action, typed, csrf=token)
        answers = [
            (
                each.status_code,
                each.headers.get("Location"),
                shown(each.get_data().decode("latin1")),
            )
            for each in (first, second)
        ]
        first.close()
        second.close()
        if company.entries() != after:
            wrong.append(f"{form.rule}: done twice, {answers[0][:2]}, {answers[1][:2]}")
        if "once" in typed and answers[0] != answers[1]:
            wrong.append(f"{form.rule}: {answers[0][:2]}, then {answers[1][:2]}")
        if first.status_code >= 400 and after != before:
            wrong.append(f"{form.rule}: refused, and yet something was recorded")
    assert not wrong, "\n".join(wrong)
