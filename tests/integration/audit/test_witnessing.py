"""Heads go out: witnesses cosign them, and people outside are sent one a day."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from app.audit import bundles, making, publishing, queries, signing, witnessing
from app.audit.models import Cosignature, Dispatch
from app.kernel.actor import Actor, ActorKind, Role
from app.kernel.errors import ConflictError, InvalidInputError, NotFoundError, NotPermittedError
from app.kernel.ledger import LedgerEntry
from evidence.checkpoint import cosigners, open_checkpoint
from evidence.keys import COSIGNATURE, MemorySigner, VerifierKey
from evidence.verify import verify_bundle
from evidence.witness import Witness, WitnessFile
from integration.audit.test_bundles import key_of, path_of, whole_period
from integration.audit.test_ledger import seal, tell, unguarded
from support.house import TestHouse

HOLDER = MemorySigner("witness.example/w1", bytes(range(32)))
KEY = VerifierKey(HOLDER.name, HOLDER.public_key, COSIGNATURE)
URL = "https://witness.example"
OLGA = Actor(ActorKind.TOKEN, "olga", roles=frozenset({Role.OPERATOR}))
ADMIN = Actor(ActorKind.TOKEN, "ada", roles=frozenset({Role.ADMIN}))
SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()


class Line:
    """The wire to one witness: it can be cut."""

    def __init__(self, witness: Witness) -> None:
        self.witness, self.is_cut, self.asked = witness, False, 0

    def __call__(self, url: str, body: bytes) -> tuple[int, bytes]:
        assert url == URL
        self.asked += 1
        if self.is_cut:
            raise witnessing.WitnessAwayError("no route")
        answer = self.witness.add_checkpoint(body)
        return int(answer.status), answer.body.encode()


@pytest.fixture
def line(house: TestHouse, tmp_path_factory: pytest.TempPathFactory) -> Line:
    state = WitnessFile(tmp_path_factory.mktemp("witness") / "heads.json")
    return Line(Witness(HOLDER, state, [key_of(house)], lambda: 1_780_000_000))


@pytest.fixture
def watched(house: TestHouse, line: Line) -> Line:
    with house.write(ADMIN) as uow:
        witnessing.add(uow, vkey=KEY.vkey, url=f"{URL}/")
    seal(house)
    return line


def ask(house: TestHouse, line: Line) -> None:
    witnessing.run_ask(house.tx, line, {})


def sizes(house: TestHouse) -> list[int]:
    with house.read() as reading:
        return list(reading.session.scalars(sa.select(Cosignature.size).order_by(Cosignature.id)))


def test_each_head_is_cosigned_once_and_told_with_it(house: TestHouse, watched: Line) -> None:
    ask(house, watched)
    ask(house, watched)
    tell(house, 3)
    seal(house)
    ask(house, watched)
    with house.read() as reading:
        found = witnessing.list_witnesses(reading)
        head = witnessing.cosigned(reading, found[0].size or 0)
        known = signing.verifier_keys(reading)
    told = house.caller(house.admin_token).get("/ledger/checkpoint")
    note = (told["note"] + told["cosignatures"]).encode()
    with house.read() as reading:
        shown = queries.head(reading)
    assert shown is not None
    assert shown.cosigners == (KEY.name,)
    assert watched.asked == 2
    assert sizes(house)[-1] == found[0].size
    assert open_checkpoint(note, known, head.keys).size == found[0].size
    assert [key.name for key, _at in cosigners(note, [*known, *head.keys])] == [KEY.name]


def test_a_witness_that_is_away_is_asked_again_and_delays_nothing(
    house: TestHouse, watched: Line
) -> None:
    watched.is_cut = True
    ask(house, watched)
    assert sizes(house) == []
    watched.is_cut = False
    ask(house, watched)
    assert len(sizes(house)) == 1


def test_a_witness_that_knows_more_than_we_noted_is_met_where_it_is(
    house: TestHouse, watched: Line
) -> None:
    ask(house, watched)
    with house.tx.database.engine.begin() as connection:
        connection.execute(sa.delete(Cosignature))
    tell(house, 1)
    seal(house)
    ask(house, watched)
    assert len(sizes(house)) == 1


def test_a_signature_of_somebody_else_is_not_kept(house: TestHouse, watched: Line) -> None:
    watched.witness = replace(watched.witness, signer=MemorySigner(HOLDER.name, bytes(32)))
    ask(house, watched)
    assert sizes(house) == []


def test_a_log_that_was_rewritten_gets_no_cosignature(house: TestHouse, watched: Line) -> None:
    ask(house, watched)
    unguarded(house)
    with house.tx.database.engine.begin() as connection:
        connection.execute(sa.delete(Cosignature))
        held = connection.execute(sa.text("SELECT hashes FROM ledger_tile")).scalar_one()
        changed = bytes(held)[32:64] + bytes(held)[:32] + bytes(held)[64:]
        connection.execute(sa.text("UPDATE ledger_tile SET hashes = :h"), {"h": changed})
    before = watched.asked
    (house.home / "last-checkpoint").unlink()
    tell(house, 1)
    seal(house)
    ask(house, watched)
    assert watched.asked > before
    assert sizes(house) == []


def test_the_minute_asks_only_while_somebody_has_not_cosigned(
    house: TestHouse, watched: Line
) -> None:
    house.jobs.runners |= {witnessing.ASK: lambda _payload: ask(house, watched)}
    for _ in range(3):
        witnessing.tick(house.tx)
        house.drain()
    assert watched.asked == 1


def test_who_cosigns_is_decided_by_an_administrator_and_recorded(house: TestHouse) -> None:
    with pytest.raises(NotPermittedError), house.write(OLGA) as uow:
        witnessing.add(uow, vkey=KEY.vkey, url=URL)
    for wrong in ({"vkey": "x", "url": URL}, {"vkey": KEY.vkey, "url": "http://example.com"}):
        with pytest.raises(InvalidInputError), house.write(ADMIN) as uow:
            witnessing.add(uow, **wrong)
    with house.write(ADMIN) as uow:
        witnessing.add(uow, vkey=KEY.vkey, url=URL)
    with pytest.raises(ConflictError), house.write(ADMIN) as uow:
        witnessing.add(uow, vkey=KEY.vkey, url=URL)
    with house.write(ADMIN) as uow:
        witnessing.remove(uow, KEY.name)
    with pytest.raises(NotFoundError), house.write(ADMIN) as uow:
        witnessing.remove(uow, KEY.name)
    with house.read() as reading:
        kinds = reading.session.scalars(
            sa.select(LedgerEntry.kind).where(LedgerEntry.kind.startswith("witness."))
        ).all()
    assert sorted(kinds) == ["witness.added", "witness.removed"]


def test_a_bundle_bears_the_cosignature_and_single_proofs_of_entries(
    house: TestHouse, watched: Line
) -> None:
    house.clock.advance(timedelta(minutes=5))
    with house.write() as uow:
        asked = bundles.request(uow, whole_period(house), is_built_here=True)
    seal(house)
    ask(house, watched)
    making.run_build(house.tx, house.house.seal, house.home, {"bundle": asked.id})
    with house.read() as reading:
        row = bundles.find_bundle(reading, asked.id)
    report = verify_bundle(path_of(house, row), [key_of(house)], (), [KEY])
    told = {each.name: each.detail for each in report.checks}
    assert report.exit_code == 0
    assert f"cosigned by {KEY.name}" in told["checkpoint"]
    assert told["sampled proofs"] == "5 single proofs"


# --- sent out ----------------------------------------------------------------------------------


class Outbox:
    """Takes heads, or refuses them."""

    def __init__(self) -> None:
        self.mails: list[tuple[str, str, str]] = []
        self.hooks: list[tuple[str, bytes, dict[str, str]]] = []
        self.status = 200

    def mail(self, to: str, subject: str, body: str) -> None:
        self.mails.append((to, subject, body))

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        self.hooks.append((url, body, dict(headers)))
        return self.status


def day(house: TestHouse, outside: publishing.Outside) -> list[Dispatch]:
    publishing.tick(house.tx, outside)
    with house.read() as reading:
        waiting = reading.session.scalars(
            sa.select(Dispatch.public_id).where(
                Dispatch.state == "queued", Dispatch.due_at <= reading.now
            )
        ).all()
    for public_id in waiting:
        publishing.run_send(house.tx, outside, {"dispatch": public_id})
    with house.read() as reading:
        return list(reading.session.scalars(sa.select(Dispatch).order_by(Dispatch.id)))


def outside(box: Outbox, *targets: str) -> publishing.Outside:
    return publishing.Outside(targets, box.mail, box.post, SECRET)


def test_the_head_is_sent_once_a_day_to_everybody_outside(house: TestHouse) -> None:
    box = Outbox()
    out = outside(box, "auditor@example.com", "https://hook.example/head")
    seal(house)
    first = day(house, out)
    again = day(house, out)
    house.clock.advance(timedelta(days=1))
    next_day = day(house, out)
    assert [each.state for each in first] == ["sent", "sent"]
    assert len(again) == 2
    assert len(next_day) == 4
    with house.read() as reading:
        known = signing.verifier_keys(reading)
    note = box.mails[0][2].partition("\n\n")[2]
    assert open_checkpoint(note.encode(), known).size == first[0].size
    url, body, headers = box.hooks[0]
    assert url == "https://hook.example/head"
    assert json.loads(body)["data"]["note"] == note
    text = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    signed = hmac.digest(bytes(range(32)), text, hashlib.sha256)
    assert headers["webhook-signature"] == f"v1,{base64.b64encode(signed).decode()}"


def test_an_address_that_does_not_take_it_is_tried_again_later_and_given_up_at_last(
    house: TestHouse,
) -> None:
    box = Outbox()
    box.status = 503
    out = outside(box, "https://hook.example/head")
    seal(house)
    assert day(house, out)[0].why == "It answered 503."
    assert day(house, out)[0].attempts == 1
    for _ in range(7):
        house.clock.advance(timedelta(hours=11))
        day(house, out)
    assert len(box.hooks) >= 8
    assert day(house, out)[0].state == "failed"


def test_without_a_relay_a_mail_address_is_told_as_not_taken(house: TestHouse) -> None:
    out = publishing.Outside(["auditor@example.com"], None, Outbox().post)
    seal(house)
    assert "ATTESTRY_SMTP_URL" in str(day(house, out)[0].why)


def test_an_address_outside_is_personal_and_stands_in_no_entry(house: TestHouse) -> None:
    seal(house)
    day(house, outside(Outbox(), "auditor@example.com"))
    with house.read() as reading:
        bodies = reading.session.scalars(
            sa.select(LedgerEntry.body).where(LedgerEntry.kind.startswith("checkpoint."))
        ).all()
    assert len(bodies) == 2
    assert not any(b"auditor@example.com" in body for body in bodies)
