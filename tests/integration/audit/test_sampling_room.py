"""The auditor's room: samples, the life of an access, looks that are noted, files that go."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from app.audit import bundles, looking, retention
from app.audit.domain import SIZES, BundleState, Frequency
from app.kernel.actor import Actor, ActorKind, Role
from app.kernel.errors import NotFoundError
from app.kernel.ledger import LedgerEntry
from integration.audit.test_bundles import built, whole_period
from support.cast import Cast
from support.house import TestHouse

FROM, TO = "2026-03-01T00:00:00Z", "2026-03-03T00:00:00Z"


def entries(house: TestHouse, kind: str) -> int:
    with house.read() as reading:
        counted = sa.select(sa.func.count()).where(LedgerEntry.kind == kind)
        return reading.session.scalar(counted) or 0


def test_an_auditor_draws_a_sample_and_follows_a_line_to_its_life(
    house: TestHouse, cast: Cast
) -> None:
    dana = cast.call("dana")
    house.clock.advance(timedelta(hours=1))
    body = {"population": "memberships", "seed": "mine", "from": FROM, "to": TO}
    drawn = dana.post("/evidence/samples", {**body, "frequency": "monthly"}, status=201)
    assert len(drawn["lines"]) == SIZES[Frequency.MONTHLY]
    assert dana.get(f"/evidence/samples/{drawn['id']}") == drawn
    (listed,) = dana.get("/evidence/samples")["items"]
    assert (listed["id"], listed["lines"]) == (drawn["id"], [])
    line = drawn["lines"][0]
    where = f"/evidence/access?account={line['account']}&group={line['group']}"
    life = dana.get(f"{where}&as_of={FROM}")
    assert (life["is_held"], life["was_held"]) == (True, False)
    assert [each["what"] for each in life["moments"]] == ["membership.seen"]
    assert life["account_login"] == line["account_login"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"seed": "two words"}, "seed"),
        ({"from": None}, "from"),
        ({"to": None}, "to"),
        ({"from": TO, "to": FROM}, "from"),
        ({"frequency": None}, "frequency"),
        ({"size": 0}, "size"),
        ({"population": "items"}, "campaign"),
        ({"campaign": "00000000-0000-0000-0000-000000000000"}, "campaign"),
    ],
)
def test_a_sample_that_cannot_be_meant_is_refused_by_field(
    house: TestHouse, cast: Cast, change: dict[str, object], field: str
) -> None:
    house.clock.advance(timedelta(hours=1))
    body = {"population": "requests", "seed": "s", "from": FROM, "to": TO, "frequency": "daily"}
    answer = cast.call("dana")("POST", "/evidence/samples", {**body, **change})
    assert answer.status_code == 422
    assert field in {each["field"] for each in answer.json["errors"]}


@pytest.mark.parametrize(
    "path",
    [
        "/evidence/samples",
        "/evidence/samples/x",
        (
            "/evidence/access?account=00000000-0000-0000-0000-000000000000"
            "&group=00000000-0000-0000-0000-000000000000"
        ),
    ],
)
def test_the_room_is_closed_to_others(cast: Cast, path: str) -> None:
    assert cast.house.caller(None)("GET", path).status_code == 401
    assert cast.call("alice")("GET", path).status_code == 403
    if path != "/evidence/samples":
        assert cast.call("dana")("GET", path).status_code == 404


def test_every_look_of_an_auditor_is_noted_and_no_one_elses(house: TestHouse, cast: Cast) -> None:
    dana, bob = cast.call("dana"), cast.call("bob")
    before = entries(house, "audit.looked")
    dana.get("/identities?q=Eve")
    bob("GET", "/approvals")
    assert dana("GET", "/evidence/samples/x").status_code == 404
    with house.read() as reading:
        told = reading.session.scalars(
            sa.select(LedgerEntry.body).where(LedgerEntry.kind == "audit.looked")
        ).all()
    assert len(told) == before + 2
    assert b"/api/v1/identities" in told[-2]
    assert b"Eve" not in told[-2]
    assert b'"about":{}' in told[-1]
    assert b'"is_refused":true' in told[-1]


def test_what_somebody_else_looks_at_is_not_kept(house: TestHouse) -> None:
    operator = Actor(ActorKind.TOKEN, "t", roles=frozenset({Role.OPERATOR}))
    looking.note(house.tx, operator, "/x", {})
    assert entries(house, "audit.looked") == 0


@pytest.mark.usefixtures("cast")
def test_a_file_goes_when_its_time_is_over_and_its_record_stays(house: TestHouse) -> None:
    house.clock.advance(timedelta(hours=1))
    row = built(house, whole_period(house))
    path = bundles.bundle_path(house.home, row.id)
    retention.tick(house.tx, house.home, None)
    retention.tick(house.tx, house.home, 30)
    assert path.is_file()
    house.clock.advance(timedelta(days=31))
    retention.tick(house.tx, house.home, 30)
    retention.tick(house.tx, house.home, 30)
    assert not path.is_file()
    assert entries(house, "bundle.file_removed") == 1
    with house.read() as reading:
        kept = bundles.find_bundle(reading, row.id)
    assert (kept.state, kept.sha256) == (BundleState.READY, row.sha256)
    with pytest.raises(NotFoundError, match="removed on"), house.write() as uow:
        bundles.take_away(uow, row.id, house.home)


@pytest.mark.usefixtures("cast")
def test_a_stop_between_the_record_and_the_removal_is_made_good(house: TestHouse) -> None:
    house.clock.advance(timedelta(hours=1))
    row = built(house, whole_period(house))
    path = bundles.bundle_path(house.home, row.id)
    content = path.read_bytes()
    house.clock.advance(timedelta(days=2))
    retention.tick(house.tx, house.home, 1)
    path.write_bytes(content)
    retention.tick(house.tx, house.home, 1)
    assert not path.is_file()
