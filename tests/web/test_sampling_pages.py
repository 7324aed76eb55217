"""The sampling room, as an auditor sees it."""

import re
from datetime import timedelta

import pytest

from app.kernel.actor import Role
from app.signin import service as signin
from support.cast import Cast
from support.finance import MANAGER, Finance, found_finance
from support.house import TestHouse
from support.visitor import Visitor
from web.test_evidence_pages import told, visitor


@pytest.fixture
def auditor(cast: Cast) -> Visitor:
    cast.house.clock.advance(timedelta(hours=1))
    return visitor(cast)


@pytest.fixture
def finance(house: TestHouse) -> Finance:
    return found_finance(house, people=2)


def test_an_auditor_draws_a_sample_and_sees_the_life_of_a_line(auditor: Visitor) -> None:
    assert "Nothing was drawn yet" in auditor.page("/evidence/samples")
    sent = {
        "population": "memberships",
        "from": "2026-03-01",
        "to": "2026-03-02",
        "frequency": "monthly",
        "size": "",
        "campaign": "",
        "seed": "my-own-seed",
    }
    answer = auditor.submit("/evidence/samples", sent, on="/evidence/samples")
    assert answer.status_code == 303, told(answer)
    shown = auditor.page(answer.headers["Location"])
    assert "my-own-seed" in shown
    line = re.search(r'href="(/evidence/access/[^"]+)"', shown)
    assert line is not None
    where = line[1]
    life = auditor.page(where)
    assert "Held now" in life
    assert "Seen in the source" in life
    assert "Not held at the end of that day." in auditor.page(f"{where}?on=2026-01-01")
    assert "my-own-seed" in auditor.page("/evidence/samples")


def test_a_seed_with_blanks_is_refused_at_its_field(auditor: Visitor) -> None:
    sent = {"population": "requests", "from": "2026-03-01", "to": "2026-03-02", "seed": "a b"}
    answer = auditor.submit(
        "/evidence/samples", sent | {"frequency": "daily"}, on="/evidence/samples"
    )
    assert answer.status_code == 422
    assert "without blanks" in told(answer)


def test_a_sample_becomes_a_bundle_by_its_button_also_without_names(
    cast: Cast, auditor: Visitor
) -> None:
    sent = {"population": "memberships", "from": "2026-03-01", "to": "2026-03-02"}
    drawn = auditor.submit(
        "/evidence/samples",
        {**sent, "frequency": "monthly", "seed": "my-own-seed"},
        on="/evidence/samples",
    ).headers["Location"]
    where = drawn.split("?")[0]
    made = auditor.submit(f"{where}/bundle", {"redacted": "true"}, on=where)
    assert made.status_code == 303, told(made)
    cast.house.drain()
    cast.house.later(minutes=5)
    bundle = made.headers["Location"].split("?")[0]
    assert "Verified when it was built." in auditor.page(bundle)
    assert "disclosures" not in auditor.page(bundle)


def test_a_word_is_given_to_an_open_campaign_and_shown(finance: Finance) -> None:
    house = finance.house
    with house.write() as uow:
        signin.grant_role(
            uow, who=MANAGER, role=Role.AUDITOR, until=house.clock.now() + timedelta(days=9)
        )
    hana = house.visitor(MANAGER)
    short = hana.submit(
        "/evidence/nonces",
        {"open_campaign": finance.campaign, "nonce": "short"},
        on="/evidence/samples",
    )
    assert short.status_code == 422
    assert "Give 16 characters or more." in told(short)
    assert 'value="short"' in told(short)
    word = "4f9c1d8e7b6a5f4e"
    given = {"open_campaign": finance.campaign, "nonce": word}
    assert hana.submit("/evidence/nonces", given, on="/evidence/samples").status_code == 303
    assert word in hana.page("/evidence/samples")
    again = hana.submit("/evidence/nonces", given, on="/evidence/samples")
    assert again.status_code == 409
    assert "This word was given already." in told(again)
