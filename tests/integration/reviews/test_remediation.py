"""What is revoked is carried out after the sign-off, read back, and told apart from deciding."""

from datetime import timedelta
from typing import Any

from integration.reviews.steps import (
    all_items,
    close,
    decide,
    items,
    keep_everything,
    launch,
    progress,
    said,
    sign_off,
)
from support.cast import Cast


def revoke(cast: Cast, campaign: str, holder: str = "Alice", group: str = "Staff") -> str:
    """Let Bob revoke one item and keep the rest; returns its id."""
    mine = items(cast, "bob", campaign)
    wrong = next(
        each
        for each in mine
        if each["holder"]["name"] == holder and each["shown"]["group_name"] == group
    )
    decide(cast, "bob", *(said(each, "revoke" if each is wrong else "keep") for each in mine))
    found: str = wrong["id"]
    return found


def item(cast: Cast, campaign: str, item_id: str) -> dict[str, Any]:
    return next(each for each in all_items(cast, campaign) if each["id"] == item_id)


def test_nothing_is_removed_before_the_sign_off(cast: Cast) -> None:
    campaign = launch(cast)
    revoke(cast, campaign)
    cast.house.drain()
    assert cast.holds("corp", "staff", "alice")
    assert progress(cast, campaign)["awaiting_sign_off"] == 1


def test_a_revoke_is_carried_out_read_back_and_counted_as_confirmed(cast: Cast) -> None:
    campaign = launch(cast)
    revoked = revoke(cast, campaign)
    sign_off(cast, "bob", campaign)
    assert not cast.holds("corp", "staff", "alice")
    found = item(cast, campaign, revoked)
    assert (found["decision"], found["remediation"]) == ("revoke", "confirmed")
    counted = progress(cast, campaign)
    assert (counted["revoked"], counted["confirmed"], counted["pending"]) == (1, 1, 0)


def test_revoked_and_confirmed_stay_apart_while_the_source_is_away(cast: Cast) -> None:
    campaign = launch(cast)
    revoke(cast, campaign)
    cast.breaks("corp", "away")
    sign_off(cast, "bob", campaign)
    counted = progress(cast, campaign)
    assert (counted["revoked"], counted["confirmed"], counted["pending"]) == (1, 0, 1)
    keep_everything(cast, campaign, but="bob")
    assert "not read back" in close(cast, campaign, 409)["detail"]
    cast.breaks("corp")
    cast.house.later(hours=2)
    assert progress(cast, campaign)["confirmed"] == 1
    close(cast, campaign)


def test_a_revoke_that_the_source_refuses_is_shown_as_failed(cast: Cast) -> None:
    campaign = launch(cast)
    revoked = revoke(cast, campaign)
    cast.breaks("corp", "denied")
    sign_off(cast, "bob", campaign)
    found = item(cast, campaign, revoked)
    assert found["remediation"] == "failed"
    assert found["remediation_why"]
    assert cast.holds("corp", "staff", "alice")
    assert progress(cast, campaign)["failed"] == 1


def test_what_may_not_be_removed_is_said_so_and_stays(cast: Cast) -> None:
    campaign = launch(cast, fallback="olga")
    last = next(
        each for each in all_items(cast, campaign) if each["shown"]["group_name"] == "Domain Admins"
    )
    reviewer = last["reviewer"]["name"].lower()
    mine = items(cast, reviewer, campaign)
    decide(
        cast,
        reviewer,
        *(said(each, "revoke" if each["id"] == last["id"] else "keep") for each in mine),
    )
    sign_off(cast, reviewer, campaign)
    assert item(cast, campaign, last["id"])["remediation"] == "not_removable"
    assert cast.holds("corp", "admins", "frank")
    assert progress(cast, campaign)["not_removable"] == 1


def test_what_was_gone_before_it_was_revoked_counts_as_confirmed_and_says_so(cast: Cast) -> None:
    campaign = launch(cast)
    revoked = revoke(cast, campaign)
    cast.take("corp", "staff", "alice")
    cast.sync("corp")
    sign_off(cast, "bob", campaign)
    found = item(cast, campaign, revoked)
    assert found["remediation"] == "confirmed"
    assert "gone before" in found["remediation_why"]


def test_what_nobody_answered_is_listed_as_unanswered_and_not_removed(cast: Cast) -> None:
    campaign = launch(cast)
    keep_everything(cast, campaign, but="bob")
    assert "have time until" in close(cast, campaign, 409)["detail"]
    cast.house.clock.advance(timedelta(days=15))
    closed = close(cast, campaign)
    assert closed["state"] == "closed"
    assert closed["progress"]["undecided"] == len(items(cast, "bob", campaign))
    assert cast.holds("corp", "staff", "alice")
    assert "closed" in close(cast, campaign, 409)["detail"]


def test_only_who_may_closes(cast: Cast) -> None:
    campaign = launch(cast)
    keep_everything(cast, campaign)
    for who in ("bob", "dana"):
        close(cast, campaign, 403, who)
