"""Personal values are erased by right, and every proof holds; redacted bundles name nobody."""

import zipfile
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from app.audit import bundles, checking, erasing
from app.audit.domain import BundleState
from app.kernel.actor import Actor, ActorKind, Role
from app.kernel.errors import InvalidInputError, NothingToChangeError, NotPermittedError
from app.kernel.ledger import LedgerDisclosure, LedgerEntry
from evidence.verify import verify_bundle
from integration.audit.test_bundles import built, key_of, lines, path_of, whole_period
from integration.audit.test_ledger import seal
from integration.requests.steps import wish
from support.cast import PEOPLE, Cast
from support.house import TestHouse

ADMIN = Actor(ActorKind.TOKEN, "ada", roles=frozenset({Role.ADMIN}))
OLGA = Actor(ActorKind.TOKEN, "olga", roles=frozenset({Role.OPERATOR}))
RIGHT = "Article 17, by letter of 2 March"
REASON = "While Zoe Mueller is away"


@pytest.fixture
def asked(house: TestHouse, cast: Cast) -> str:
    """A request whose reason names somebody; its public id."""
    made = cast.call("alice").post("/requests", wish(cast, reason=REASON))
    seal(house)
    return str(made["id"])


def values(house: TestHouse) -> list[str]:
    with house.read() as reading:
        return list(reading.session.scalars(sa.select(LedgerDisclosure.value)))


def bodies(house: TestHouse) -> list[bytes]:
    with house.read() as reading:
        return list(reading.session.scalars(sa.select(LedgerEntry.body).order_by(LedgerEntry.id)))


def erase(house: TestHouse, subject: str) -> erasing.Erased:
    with house.write(ADMIN) as uow:
        return erasing.erase(uow, subject=subject, reason=RIGHT)


def test_values_that_name_a_subject_are_gone_and_every_proof_holds(
    house: TestHouse, asked: str
) -> None:
    before = bodies(house)
    assert REASON in values(house)
    erased = erase(house, asked)
    seal(house)
    with house.read() as reading:
        report = checking.verify(reading)
    assert erased.fields >= 1
    assert REASON not in values(house)
    assert report.holds
    assert bodies(house)[: len(before)] == before


def test_a_bundle_made_afterwards_opens_what_is_left_and_verifies(
    house: TestHouse, cast: Cast, asked: str
) -> None:
    assert asked
    house.later(minutes=5)  # what the request causes tells of its reason, too
    erase(house, cast.identity("alice").public_id)
    house.clock.advance(timedelta(minutes=5))
    row = built(house, whole_period(house))
    with zipfile.ZipFile(path_of(house, row)) as held:
        assert REASON.encode() not in held.read("data/disclosures.jsonl")
    report = verify_bundle(path_of(house, row), [key_of(house)])
    told = next(each.detail for each in report.checks if each.name == "disclosures")
    opened, total = (int(word) for word in told.split() if word.isdigit())
    assert report.exit_code == 0
    assert opened < total


def test_that_it_was_erased_and_why_is_recorded_without_the_value(
    house: TestHouse, asked: str
) -> None:
    erase(house, asked)
    last = bodies(house)[-1]
    assert b'"kind":"disclosure.erased"' in last
    assert asked.encode() in last
    assert REASON.encode() not in last
    assert RIGHT.encode() not in last
    assert RIGHT in values(house)


def test_erasing_again_changes_nothing_and_says_so(house: TestHouse, asked: str) -> None:
    erase(house, asked)
    with pytest.raises(NothingToChangeError):
        erase(house, asked)
    assert RIGHT in values(house)


def test_everything_a_person_caused_or_is_named_in_is_found(
    house: TestHouse, cast: Cast, asked: str
) -> None:
    assert asked
    erased = erase(house, cast.identity("alice").public_id)
    assert erased.entries >= 1
    assert not [value for value in values(house) if REASON in value]


@pytest.mark.parametrize(("subject", "reason"), [("", RIGHT), ('"', RIGHT), ("a", " ")])
def test_an_erasure_without_subject_or_right_is_refused(
    house: TestHouse, subject: str, reason: str
) -> None:
    with pytest.raises(InvalidInputError), house.write(ADMIN) as uow:
        erasing.erase(uow, subject=subject, reason=reason)


def test_only_an_administrator_erases(house: TestHouse, asked: str) -> None:
    with pytest.raises(NotPermittedError), house.write(OLGA) as uow:
        erasing.erase(uow, subject=asked, reason=RIGHT)


# --- redacted ----------------------------------------------------------------------------------


@pytest.fixture
def pair(house: TestHouse, asked: str) -> tuple[Path, Path]:
    """The same period twice: in full, and redacted."""
    assert asked
    house.later(minutes=5)
    wanted = whole_period(house)
    full = built(house, wanted)
    bare = built(house, replace(wanted, redacted=True))
    return path_of(house, full), path_of(house, bare)


def test_a_redacted_bundle_has_the_same_entries_and_verifies(
    house: TestHouse, pair: tuple[Path, Path]
) -> None:
    full, bare = pair
    report = verify_bundle(bare, [key_of(house)])
    told = next(each.detail for each in report.checks if each.name == "disclosures")
    assert report.exit_code == 0
    assert told.startswith("redacted: none of")
    for one, other in zip(
        lines(full, "data/ledger.jsonl"), lines(bare, "data/ledger.jsonl"), strict=False
    ):
        assert one == other


def test_a_redacted_bundle_names_nobody_outside_of_its_texts_of_policy(
    pair: tuple[Path, Path],
) -> None:
    full, bare = pair
    names = [f"{name}@example.test".encode() for name in PEOPLE]
    names += [REASON.encode(), b'"Alice"', b'"Bob"', b"Payroll", b"svc-attestry"]
    with zipfile.ZipFile(full) as whole, zipfile.ZipFile(bare) as held:
        assert any(name in whole.read("data/population.jsonl") for name in names)
        assert "data/disclosures.jsonl" not in held.namelist()
        assert not [
            path for path in held.namelist() if path.endswith(".json") and "policy/" in path
        ]
        for path in held.namelist():
            if path.startswith("data/"):
                found = [name for name in names if name in held.read(path)]
                assert found == [], path


def test_a_redacted_bundle_has_as_many_rows(pair: tuple[Path, Path]) -> None:
    full, bare = pair
    for name in ("population", "requests"):
        rows = [lines(each, f"data/{name}.jsonl") for each in (full, bare)]
        assert len(rows[0]) == len(rows[1]) > 0
        assert [each.get("id") for each in rows[0]] == [each.get("id") for each in rows[1]]


def test_a_redacted_bundle_that_failed_is_asked_for_again_redacted(house: TestHouse) -> None:
    house.later(minutes=5)
    with house.write() as uow:
        asked = bundles.request(uow, replace(whole_period(house), redacted=True))
        bundles.find(uow, asked.id).state = BundleState.FAILED
        again = bundles.ask_again(uow, asked.id)
    assert again.scope["redacted"] == "yes"
