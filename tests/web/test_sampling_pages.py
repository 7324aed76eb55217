"""The sampling room, as an auditor sees it."""

import re
from datetime import timedelta

import pytest

from support.cast import Cast
from support.visitor import Visitor
from web.test_evidence_pages import told, visitor


@pytest.fixture
def auditor(cast: Cast) -> Visitor:
    cast.house.clock.advance(timedelta(hours=1))
    return visitor(cast)


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
