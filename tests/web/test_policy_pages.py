"""Pages of the rulebook: what is in force, since when, and putting another text in force."""

import re

from policies.document import builtin_text
from support.cast import PEOPLE, Cast
from support.statements import counted
from support.visitor import Visitor

OTHER = builtin_text("standard").replace("per_plan: 50", "per_plan: 40")


def visitor(cast: Cast, who: str = "frank") -> Visitor:
    return cast.house.visitor(PEOPLE[who][0])


def in_force(page: str) -> str:
    found = re.search(r'href="(/policies/[0-9a-f-]{36})"', page)
    assert found
    return found[1]


def test_the_policy_in_force_is_shown_in_words_and_as_it_is_written(cast: Cast) -> None:
    frank = visitor(cast)
    text = frank.page(in_force(frank.page("/policies")))
    assert "Privileged access ends after 90 days." in text
    assert "schema: 1" in text
    assert "Does not hold" not in text


def test_an_auditor_reads_it_and_cannot_change_it(cast: Cast) -> None:
    dana = visitor(cast, "dana")
    text = dana.page(in_force(dana.page("/policies")))
    assert 'href="/policies/new"' not in text
    token = dana.csrf("/account")
    assert dana.submit("/policies/new", {"text": OTHER}, csrf=token).status_code == 403


def test_whoever_has_no_role_sees_no_policy(cast: Cast) -> None:
    alice = visitor(cast, "alice")
    for path in ("/policies", "/policies/new"):
        alice.page(path, 403)


def test_another_text_is_in_force_from_now_on_and_the_old_one_stays_readable(cast: Cast) -> None:
    frank = visitor(cast)
    before = in_force(frank.page("/policies"))
    typed = OTHER.replace("\n", "\r\n")  # as a browser sends it
    answer = frank.submit("/policies/new", {"text": typed}, on="/policies/new")
    assert answer.status_code == 303
    assert in_force(frank.page("/policies")) == answer.headers["Location"]
    assert "Was in force" in frank.page(before)
    again = frank.submit("/policies/new", {"text": OTHER}, on="/policies/new")
    assert again.status_code == 409
    assert "in force already" in again.get_data(as_text=True)


def test_a_text_that_cannot_be_read_is_refused_with_its_places_and_kept(cast: Cast) -> None:
    frank = visitor(cast)
    wrong = OTHER.replace("per_plan: 40", "per_plan: many <script>alert(1)</script>")
    answer = frank.submit("/policies/new", {"text": wrong}, on="/policies/new")
    text = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "many &lt;script&gt;" in text
    assert "<script>alert" not in text
    assert "removal_limits" in text
    assert frank.submit("/policies/new", {}, on="/policies/new").status_code == 422


def test_a_text_whose_examples_fail_is_not_put_in_force(cast: Cast) -> None:
    frank = visitor(cast)
    wrong = OTHER.replace("steps: [manager, owner], refused_by: []", "steps: [owner]", 1)
    answer = frank.submit("/policies/new", {"text": wrong}, on="/policies/new")
    assert answer.status_code == 422
    assert "These fail: the manager, then the owner say yes." in answer.get_data(as_text=True)


def test_the_list_costs_the_same_however_long_it_is(cast: Cast) -> None:
    frank = visitor(cast)
    frank.page("/policies")
    with counted(cast.house) as few:
        frank.page("/policies")
    frank.submit("/policies/new", {"text": OTHER}, on="/policies/new")
    with counted(cast.house) as more:
        frank.page("/policies")
    assert len(more) == len(few)
