"""What speaks for and against an access: a pure function of what is known."""

from dataclasses import replace

import pytest

from app.catalog.domain import Risk
from app.reviews.advice import Code, Known, Peers, Suggestion, advise, read

USUAL = Known(Risk.LOW, idle_days=3, peers=Peers("title", 10, 8))


def codes(known: Known) -> list[Code]:
    return [each.code for each in advise(known).reasons]


def test_what_is_low_risk_used_and_common_may_be_kept_with_others() -> None:
    found = advise(USUAL)
    assert found.suggestion is Suggestion.KEEP
    assert found.reasons == ()
    assert found.is_low_risk


def test_a_sign_in_that_no_source_tells_is_no_reason_and_no_use_either() -> None:
    found = advise(replace(USUAL, idle_days=None))
    assert found.reasons == ()
    assert found.suggestion is Suggestion.KEEP
    assert not found.is_low_risk


def test_peers_that_nobody_knows_are_no_reason_and_nothing_common() -> None:
    found = advise(replace(USUAL, peers=None))
    assert found.reasons == ()
    assert not found.is_low_risk


@pytest.mark.parametrize(("days", "flagged"), [(0, False), (90, False), (91, True), (400, True)])
def test_an_account_is_unused_after_ninety_whole_days(days: int, *, flagged: bool) -> None:
    found = advise(replace(USUAL, idle_days=days))
    assert (found.suggestion is Suggestion.REVOKE) is flagged
    assert found.is_low_risk is not flagged


@pytest.mark.parametrize(("holders", "flagged"), [(9, True), (10, False), (0, True)])
def test_less_than_a_tenth_of_the_peers_is_rare(holders: int, *, flagged: bool) -> None:
    known = replace(USUAL, peers=Peers("manager", 100, holders))
    assert (Code.RARE in codes(known)) is flagged


@pytest.mark.parametrize(("holders", "common"), [(4, False), (5, True)])
def test_half_of_the_peers_is_common(holders: int, *, common: bool) -> None:
    assert advise(replace(USUAL, peers=Peers("title", 10, holders))).is_low_risk is common


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"conflicts": ("Approve payments",)}, Code.CONFLICT),
        ({"team_before": "Procurement"}, Code.MOVED),
        ({"new_since": "2026-03-02T08:00:00.000000Z"}, Code.NEW),
        ({"has_holder": False}, Code.ORPHAN),
        ({"is_enabled": False}, Code.DISABLED),
        ({"risk": Risk.HIGH}, Code.RISK),
        ({"reach": "Helpers \u2192 Domain Admins"}, Code.REACH),
        ({"reach": "Helpers \u2192 Domain Admins", "risk": Risk.PRIVILEGED}, Code.REACH),
        ({"risk": Risk.PRIVILEGED}, Code.RISK),
    ],
)
def test_each_thing_that_speaks_against_it_asks_for_a_closer_look(
    change: dict[str, object], code: Code
) -> None:
    found = advise(replace(USUAL, **change))  # type: ignore[arg-type]
    assert [each.code for each in found.reasons] == [code]
    assert found.suggestion is Suggestion.LOOK
    assert not found.is_low_risk


def test_medium_risk_is_not_flagged_and_not_kept_with_others() -> None:
    found = advise(replace(USUAL, risk=Risk.MEDIUM))
    assert found.reasons == ()
    assert not found.is_low_risk


def test_the_gravest_reason_comes_first_and_gives_the_rank() -> None:
    known = Known(
        Risk.PRIVILEGED,
        idle_days=214,
        peers=Peers("title", 54, 2),
        conflicts=("Approve payments",),
        team_before="Procurement",
    )
    found = advise(known)
    assert codes(known) == [Code.CONFLICT, Code.UNUSED, Code.MOVED, Code.RARE, Code.RISK]
    reaching = replace(known, reach="Helpers \u2192 Domain Admins")
    assert codes(reaching)[:2] == [Code.CONFLICT, Code.REACH]
    assert found.rank < advise(replace(known, conflicts=())).rank < advise(USUAL).rank
    assert found.reasons[3].about == 3


def test_what_is_frozen_is_read_back_as_it_was() -> None:
    for known in (USUAL, replace(USUAL, conflicts=("A", "B"), idle_days=100)):
        found = advise(known)
        assert read(found.document()) == found


def test_an_item_from_before_advice_was_given_has_none() -> None:
    frozen: tuple[dict[str, str] | None, ...] = (None, {})
    for nothing in frozen:
        assert read(nothing).suggestion is Suggestion.KEEP
        assert not read(nothing).is_low_risk
