"""What may be concluded from a log about a difference, and what may not."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.provisioning.attribution import Difference, Try, Word, explains, last_word
from app.provisioning.domain import FindingKind

BEGAN = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
APPEARED = Difference(FindingKind.APPEARED, BEGAN, BEGAN + timedelta(minutes=60))
VANISHED = Difference(FindingKind.VANISHED, BEGAN, BEGAN + timedelta(minutes=60))


def at(minute: float) -> datetime:
    return BEGAN + timedelta(minutes=minute)


def word(minute: float, *, joins: bool = True, ours: bool = False, actor: str = "mallory") -> Word:
    return Word(f"{minute}", at(minute), joins, ours, actor, actor.capitalize())


def named(found: Difference, *words: Word, tries: tuple[Try, ...] = ()) -> str | None:
    last = last_word(found, words)
    return last.actor_ref if last and explains(found, last, tries) else None


@pytest.mark.parametrize(("found", "joins"), [(APPEARED, True), (VANISHED, False)])
def test_the_last_word_of_the_same_kind_between_the_two_reads_names_who_did_it(
    found: Difference, joins: bool
) -> None:
    assert named(found, word(5, joins=joins), word(9, joins=joins, actor="eve")) == "eve"
    assert named(found, word(5, joins=not joins)) is None


def test_nothing_is_concluded_from_before_the_earlier_read_or_after_the_later_one() -> None:
    assert named(APPEARED, word(-0.01), word(60.01)) is None
    assert named(APPEARED, word(0)) == named(APPEARED, word(60)) == "mallory"


def test_a_last_word_of_the_other_kind_means_that_the_log_is_not_complete_yet() -> None:
    assert named(APPEARED, word(5), word(9, joins=False)) is None
    assert named(APPEARED, word(5), word(9, joins=False), word(12, actor="eve")) == "eve"


def test_what_we_did_ourselves_names_nobody_and_neither_does_what_stood_before_it() -> None:
    assert named(APPEARED, word(5), word(9, ours=True)) is None
    tried = Try(is_joining=True, began_at=at(9), ended_at=at(10))
    assert named(APPEARED, word(9.5, actor="0oaUnknownClient"), tries=(tried,)) is None
    assert named(APPEARED, word(4.5), tries=(tried,)) is None  # clocks stand apart
    assert named(APPEARED, word(30), tries=(tried,)) == "mallory"
    other = Try(is_joining=False, began_at=at(9), ended_at=None)
    assert named(APPEARED, word(9), tries=(other,)) == "mallory"


@given(
    st.lists(
        st.tuples(st.integers(-30, 90), st.booleans(), st.booleans(), st.sampled_from("abc")),
        max_size=8,
        unique_by=lambda each: each[0],
    )
)
def test_whatever_a_log_tells_nobody_is_named_but_by_its_last_word(
    told: list[tuple[int, bool, bool, str]],
) -> None:
    words = [word(m, joins=j, ours=o, actor=a) for m, j, o, a in told]
    inside = sorted((each for each in words if at(0) <= each.at <= at(60)), key=lambda w: w.at)
    last = inside[-1] if inside else None
    expected = last.actor_ref if last and last.is_joining and not last.is_ours else None
    assert named(APPEARED, *words) == expected
    assert named(APPEARED, *reversed(words)) == expected
