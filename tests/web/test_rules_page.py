"""The rules by which accounts are tied, on a page: looked at first, then put in force."""

import re

from connectors.memory.state import changing
from connectors.records import Account
from support.cast import CORP, PEOPLE, Cast
from support.visitor import Visitor

PAGE = "/correlation-rules"


def visitor(cast: Cast, who: str = "frank") -> Visitor:
    return Visitor(cast.house.app()).sign_in(cast.house.tx, PEOPLE[who][0])


def test_rules_are_looked_at_first_and_then_put_in_force_in_their_order(cast: Cast) -> None:
    spare = Account("corp-spare", "adm-alice", "Spare", is_enabled=True, status="enabled")
    with changing(cast.file(CORP)) as state:
        state.add(accounts=[spare])
    cast.sync(CORP)
    frank = visitor(cast)
    draft = {
        "version": "0",
        "source": "",
        "order.0": "2",
        "match.0": "mail",
        "confidence.0": "90",
        "order.1": "1",
        "match.1": "login",
        "confidence.1": "70",
        "strip_prefix.1": "adm-",
        "strip_domain.1": "true",
    }
    shown = frank.submit(f"{PAGE}/preview", draft, on=PAGE)
    text = shown.get_data(as_text=True)
    assert shown.status_code == 200
    assert "adm-alice" in text
    assert cast.call("frank").get(PAGE)["version"] == 0
    (digest,) = re.findall(r'name="digest" value="([0-9a-f]{64})"', text)
    frank.submit(PAGE, {**draft, "digest": digest, "confidence.1": "95"}, on=PAGE)
    assert cast.call("frank").get(PAGE)["version"] == 0
    assert frank.submit(PAGE, {**draft, "digest": digest}, on=PAGE).status_code == 303
    found = cast.call("frank").get(PAGE)
    assert found["version"] == 1
    assert [each["match"] for each in found["rules"]] == ["login", "mail"]
    (case,) = cast.call("frank").get("/cases")["items"]
    assert case["account"]["login"] == "adm-alice"


def test_what_is_wrong_in_a_row_is_said_at_its_field(cast: Cast) -> None:
    draft = {"version": "0", "match.0": "mail", "order.0": "1", "confidence.0": "200"}
    answer = visitor(cast).submit(f"{PAGE}/preview", draft, on=PAGE)
    assert answer.status_code == 422
    assert 'id="f-confidence.0-error"' in answer.get_data(as_text=True)


def test_whoever_may_not_write_sources_sees_the_rules_and_no_button(cast: Cast) -> None:
    dana = visitor(cast, "dana")
    text = dana.page(PAGE)
    assert "/correlation-rules/preview" not in text
    body = {"version": 0, "rules": []}
    assert cast.call("dana")("POST", f"{PAGE}/preview", body).status_code == 403


def test_the_same_is_foreseen_by_the_api(cast: Cast) -> None:
    body = {"version": 0, "rules": [{"match": "login", "confidence": 95}]}
    found = cast.call("frank").post(f"{PAGE}/preview", body, 200)
    assert (found["tied"], found["doubted"], found["settled"]) == (0, 0, 0)
    assert found["accounts"] > 0
