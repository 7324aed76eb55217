"""Whoever waits is told how long an answer usually takes, once there is enough to say so."""

from datetime import timedelta
from typing import Any

from integration.requests.steps import approve, ask, wish
from support.cast import Cast


def asked(cast: Cast) -> dict[str, Any]:
    shown = cast.call("alice").post("/requests/preview", wish(cast))["approvers"]
    return {each["people"][0]["name"]: each["usual_seconds"] for each in shown}


def answered_after(cast: Cast, hours: int) -> None:
    request = ask(cast)
    cast.house.clock.advance(timedelta(hours=hours))
    approve(cast, "bob")
    cast.call("alice").post(f"/requests/{request['id']}/cancel", {})


def test_the_median_of_their_own_answers_is_told_from_the_third_on(cast: Cast) -> None:
    assert asked(cast) == {"Bob": None, "Carol": None}
    for hours in (1, 3):
        answered_after(cast, hours)
    assert asked(cast) == {"Bob": None, "Carol": None}
    answered_after(cast, 8)
    assert asked(cast) == {"Bob": 3 * 3600, "Carol": None}
    cast.house.clock.advance(timedelta(days=200))
    assert asked(cast) == {"Bob": None, "Carol": None}


def test_an_open_request_says_until_when_it_waits(cast: Cast) -> None:
    request = ask(cast)
    assert request["answer_due_at"] > request["submitted_at"]
    assert request["expires_at"] > request["answer_due_at"]
    approve(cast, "bob", "carol")
    cast.house.drain()
    done = cast.call("alice").get(f"/requests/{request['id']}")
    assert (done["answer_due_at"], done["expires_at"]) == (None, None)
