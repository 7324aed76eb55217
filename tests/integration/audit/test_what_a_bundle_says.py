"""Whoever has the bundle alone can count again: report, checklist and OSCAL document follow."""

import hashlib
import json
import re
import shutil
import subprocess
import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from cryptography.x509 import load_pem_x509_certificate

from app.audit import bundles, nonces, populations, sampling
from app.audit.controls import CONTROLS
from app.audit.domain import BundleState, Frequency, Population
from app.audit.evaluating import Evaluation, Told, evaluate
from app.audit.evaluating.checklist import ASKS, Line, State, checklist
from app.audit.reports import Subject, report
from app.kernel.errors import InvalidInputError, NotFoundError, NothingToChangeError
from app.reviews.models import Campaign
from evidence.checkpoint import open_checkpoint
from evidence.keys import parse_vkey
from evidence.pdf.byterange import unsigned_part
from evidence.pdf.document import Report
from evidence.pdf.render import render_to
from evidence.tables import DATA_FILES
from evidence.verify import verify_bundle
from integration.audit.test_campaign_bundle import hold_campaign
from integration.requests.steps import answer, ask
from integration.requests.test_who_decides import stands_in
from support.cast import Cast, bring_in
from support.house import MORNING, TestHouse, open_house
from support.recount import Files, wrong_places

SCHEMA = Path(__file__).parents[2] / "vectors" / "oscal" / "oscal_assessment-results_schema.json"
NAMES = [name for name in DATA_FILES if name not in {"ledger", "disclosures"}]
WORD = "an-auditors-own-word-42"


@dataclass(frozen=True)
class Held:
    """A bundle, and nothing else."""

    content: bytes

    def read(self, name: str) -> bytes:
        with zipfile.ZipFile(BytesIO(self.content)) as container:
            return container.read(name)

    def has(self, name: str) -> bool:
        with zipfile.ZipFile(BytesIO(self.content)) as container:
            return name in container.namelist()

    @property
    def manifest(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.read("manifest.json"))
        return found

    def rows(self, name: str) -> Iterator[dict[str, Any]]:
        return map(json.loads, self.read(f"data/{name}.jsonl").splitlines())

    def counted(self) -> Evaluation:
        return evaluate(Told.of(self.manifest), self.rows, NAMES)

    def lines(self) -> dict[str, Line]:
        found = checklist(self.counted(), has_earlier=self.has("log/consistency"))
        return {line.id: line for line in found}

    def text(self, folder: Path) -> str:
        tool = shutil.which("pdftotext")
        if tool is None:
            pytest.skip("pdftotext is not installed")
        path = folder / "report.pdf"
        path.write_bytes(self.read("report.pdf"))
        done = subprocess.run(
            [tool, "-layout", str(path), "-"], capture_output=True, check=True, timeout=60
        )
        return re.sub(r" +", " ", done.stdout.decode())


def built(house: TestHouse, wish: bundles.Wish) -> Held:
    with house.write() as uow:
        asked = bundles.request(uow, wish)
    house.drain()
    with house.read() as reading:
        made = bundles.find_bundle(reading, asked.id)
    assert made.state is BundleState.READY, made.why
    path = bundles.bundle_path(house.home, made.id)
    assert verify_bundle(path).exit_code == 3
    return Held(path.read_bytes())


def over_all(house: TestHouse, **more: Any) -> bundles.Wish:
    return bundles.Wish(start=MORNING - timedelta(days=1), end=house.clock.now(), **more)


def something_appears(house: TestHouse, cast: Cast) -> None:
    house.clock.advance(timedelta(hours=1))
    cast.put("corp", "payroll", "mallory", "eve", by="olga")
    cast.put("corp", "everyone", "alice")
    assert cast.sync("corp") == "complete"
    house.clock.advance(timedelta(hours=1))


@pytest.fixture(scope="module")
def both(
    tmp_path_factory: pytest.TempPathFactory, migrated_file: Path
) -> Iterator[tuple[Held, Held]]:
    """A period in which something appeared, and a campaign whose removals failed; built once."""
    home = tmp_path_factory.mktemp("held")
    shutil.copy(migrated_file, home / "attestry.sqlite3")
    for house in open_house(home, f"sqlite:///{home / 'attestry.sqlite3'}"):
        cast = bring_in(house)
        something_appears(house, cast)
        period = built(house, over_all(house))
        asked = hold_campaign(house, cast)
        with house.write() as uow:
            nonces.give_nonce(uow, campaign_id=asked, nonce=WORD)
        yield period, built(house, bundles.Wish(campaign=asked))


@pytest.fixture
def period(both: tuple[Held, Held]) -> Held:
    return both[0]


@pytest.fixture
def campaign(both: tuple[Held, Held]) -> Held:
    return both[1]


def report_of(held: Held) -> Report:
    """The report, from the data files, the manifest and the log's head alone."""
    manifest = held.manifest
    key = parse_vkey(held.read("trust/signer.vkey").decode().strip())
    subject = Subject(
        manifest["id"],
        manifest["controls"],
        open_checkpoint(held.read("log/checkpoint"), [key]),
        key,
        load_pem_x509_certificate(held.read("trust/signer.pem")).subject.rfc4514_string(),
    )
    lines = list(held.lines().values())
    return report(subject, held.counted(), lines, manifest["counts"], held.rows)


def drawn_again(held: Held) -> bytes:
    out = BytesIO()
    render_to(report_of(held), out)
    return out.getvalue()


def test_every_letter_of_the_report_follows_from_the_bundle_alone(
    period: Held, campaign: Held
) -> None:
    for held in (period, campaign):
        again = drawn_again(held)
        assert hashlib.sha256(again).hexdigest() == held.manifest["report"]["unsigned_sha256"]
        assert again == unsigned_part(held.read("report.pdf"))


def test_every_number_of_a_report_is_recounted_from_the_files_and_none_is_left_over(
    period: Held, campaign: Held
) -> None:
    for held in (period, campaign):
        assert wrong_places(Files(held.content), report_of(held)) == []


def test_the_numbers_of_a_period_are_those_of_a_plain_recount(period: Held, tmp_path: Path) -> None:
    begin = period.manifest["period"]["from"]
    rows = list(period.rows("population"))
    closing = sum(row["what"] == "membership" for row in rows)
    ended = sum(row["what"] == "ended" for row in rows)
    held = [row for row in rows if row["what"] != "nesting"]
    appeared = Counter(row["provenance"] for row in held if row["valid_from"] >= begin)
    opening = sum(row["valid_from"] < begin for row in held)
    assert opening + appeared.total() - ended == closing
    shown = period.text(tmp_path)
    assert f"Memberships when the period began {opening:,}" in shown
    for cause, count in appeared.items():
        assert f"+ appeared provenance {cause} {count:,}" in shown
    assert f"= when it ended {closing:,}" in shown
    untraced = [number for number, row in enumerate(rows, 1) if row.get("provenance") == "observed"]
    assert untraced
    where = ", ".join(map(str, untraced[:12]))
    assert re.search(rf"{len(untraced)} Memberships that nobody here decided", shown)
    assert where in shown
    for run in period.rows("sources"):
        for query in run["queries"]:
            assert f"{query['returned']:,}" in shown


def test_who_made_a_change_that_nobody_decided_is_told_where_the_source_told_it(
    period: Held, tmp_path: Path
) -> None:
    rows = list(period.rows("drift"))
    named = [row for row in rows if row["done_at"]]
    assert [row["done_by_name"] for row in named] == ["Olga"]
    assert {row["group_name"] for row in rows if not row["done_at"]} == {"Everyone Else"}
    entries = [json.loads(line) for line in period.read("data/ledger.jsonl").splitlines()]
    told = {each["subject"]: each["data"] for each in entries if each["kind"] == "drift.attributed"}
    for row in named:
        assert told[row["finding"]]["done_at"] == row["done_at"] <= row["at"]
        assert told[row["finding"]]["actor"] == row["done_by"]
    shown = period.text(tmp_path)
    assert f"Of {len(rows)} changes, the logs of the sources tell of {len(named)} when" in shown


def test_the_numbers_of_a_campaign_are_those_of_a_plain_recount(
    campaign: Held, tmp_path: Path
) -> None:
    items = list(campaign.rows("population"))
    decided = Counter(row["decision"] for row in items)
    failed = sum(row["remediation"] == "failed" for row in items)
    moves = [row for row in campaign.rows("decisions") if row["what"] == "decision"]
    shown = campaign.text(tmp_path)
    assert f"Revoked {decided['revoke']} (" in shown
    assert f"{failed} Removals that failed" in shown
    assert f"Bob {len(items)} {decided['keep']} {decided['revoke']} 0" in shown
    changed = sum(row["turn"] > 1 for row in moves)
    assert campaign.lines()["D4"].answer.startswith(f"{changed} changes of mind")
    assert "Exceptions of" in shown


def said_of(held: Held, folder: Path) -> str:
    """The text of the report in one line, so that a number stands behind its name."""
    return " ".join(held.text(folder).split())


def records_of(held: Held) -> dict[str, int]:
    """How many rows each data file has, by its lines."""
    return {name: len(held.read(f"data/{name}.jsonl").splitlines()) for name in NAMES}


def test_every_number_of_cover_and_summary_of_a_campaign_is_that_of_a_plain_recount(
    campaign: Held, tmp_path: Path
) -> None:
    shown, rows = said_of(campaign, tmp_path), list(campaign.rows("population"))
    total, excluded = len(rows), list(campaign.rows("excluded"))
    decided = Counter(row["decision"] or "none" for row in rows)
    became = Counter(row["remediation"] for row in rows if row["decision"] == "revoke")
    kept, revoked, abstained = (decided[each] for each in ("keep", "revoke", "abstain"))
    share = [f"{each} ({100 * each // total} %)" for each in (kept, revoked, abstained)]
    assert (
        f"Items Kept Revoked Confirmed gone {total} {kept} {revoked} {became['confirmed']} "
        f"{len(excluded)} left out {100 * kept // total} % of items "
        f"{100 * revoked // total} % of items of {revoked} revoked" in shown
    )
    assert f"Population {total} records, {len(excluded)} left out" in shown
    assert f"Kept {share[0]} Revoked {share[1]} Abstained {share[2]} No decision" in shown
    assert f"No decision {decided['none']} (" in shown
    for name, count in (
        ("Read back as gone", became["confirmed"]),
        ("Not confirmed yet", became["pending"] + became["none"]),
        ("Failed", became["failed"]),
        ("Not removable", became["not_removable"]),
    ):
        assert f"{name} {count} " in shown
    last = {run["source"]: run for run in campaign.rows("sources")}
    inside = Counter(row["source"] for row in rows)
    outside = Counter(row["source"] for row in excluded if row["account"])
    for name, run in last.items():
        stored = run["counts"]["memberships"]
        beyond = stored - inside[name] - outside[name]
        assert f"{name} {stored} {inside[name]} {outside[name]} {beyond} " in shown
    for (rule, why), count in Counter((each["rule"], each["reason"]) for each in excluded).items():
        assert rule in shown, why
        assert re.search(rf"{re.escape(rule)} .{{0,120}}? {count} ", shown)


def test_every_number_of_cover_and_summary_of_a_period_is_that_of_a_plain_recount(
    period: Held, tmp_path: Path
) -> None:
    shown, rows = said_of(period, tmp_path), list(period.rows("population"))
    whats = Counter(row["what"] for row in rows)
    asked = list(period.rows("requests"))
    tasks = [row for row in (*asked, *period.rows("leavers")) if row["what"] == "task"]
    events = sum(row["what"] == "event" for row in period.rows("leavers"))
    requests = sum(row["what"] == "request" for row in asked)
    verified = sum(row["state"] == "verified" for row in tasks)
    assert (
        "Memberships at the end Requests HR events Operations read back "
        f"{whats['membership']} {requests} {events} {verified} of {len(tasks)} " in shown
    )
    begin = period.manifest["period"]["from"]
    held = [row for row in rows if row["what"] != "nesting"]
    opening = sum(row["valid_from"] < begin for row in held)
    assert (
        f"At the begin {opening} Appeared {len(held) - opening} Ended {whats['ended']} "
        f"At the end {whats['membership']} " in shown
    )


def test_the_numbers_beside_controls_and_the_ledger_are_those_of_the_files(
    period: Held, campaign: Held, tmp_path: Path
) -> None:
    for held in (period, campaign):
        shown, there = said_of(held, tmp_path), records_of(held)
        told = re.findall(rf"\b({'|'.join(NAMES)}) (\d+)(?=,| [A-H]\d)", shown)
        assert len(told) > len(held.manifest["controls"]) / 2
        assert {(name, int(count)) for name, count in told} <= set(there.items())
        size = held.read("log/checkpoint").splitlines()[1].decode()
        assert f", {size} entries" in shown
        states = Counter(line.state for line in held.lines().values())
        assert f"answered {states[State.ANSWERED]}, exceptions {states[State.EXCEPTION]}, " in shown


def test_every_line_of_the_checklist_is_answered_or_says_why_not(
    period: Held, campaign: Held
) -> None:
    for held in (period, campaign):
        lines = held.lines()
        assert list(lines) == list(ASKS)
        for line in lines.values():
            assert line.answer.endswith((".", ")")), line
        told = json.loads(held.read("oscal/assessment-results.json"))["assessment-results"]
        seen = {
            each["props"][0]["value"]: each["description"]
            for each in told["results"][0]["observations"]
        }
        assert seen == {line.id: line.answer for line in lines.values()}


def test_lines_of_the_checklist_see_what_is_there(campaign: Held, period: Held) -> None:
    of_campaign, of_period = campaign.lines(), period.lines()
    assert of_campaign["E4"].state is State.EXCEPTION
    assert of_campaign["D7"].state is State.EXCEPTION  # it is not closed
    assert of_campaign["B3"].answer.startswith("mirrored: 1")
    assert of_campaign["F1"].state is State.NOT_CONCERNED
    assert of_campaign["E7"].state is State.CANNOT
    assert of_period["F4"].state is State.EXCEPTION
    assert of_period["D1"].state is State.NOT_CONCERNED
    assert of_period["B10"].state is State.CANNOT


def test_each_answer_of_a_stand_in_is_held_against_the_delegations_of_the_bundle(
    house: TestHouse, cast: Cast
) -> None:
    ask(cast)
    made = stands_in(cast, "bob", "mallory")
    house.clock.advance(timedelta(hours=1))
    assert answer(cast, "mallory").status_code == 200
    house.clock.advance(timedelta(hours=1))
    assert cast.call("bob")("POST", f"/delegations/{made['id']}/end").status_code == 200
    held = built(house, over_all(house))
    told = [row for row in held.rows("requests") if row["what"] == "delegation"]
    assert [(row["approver_name"], row["by_name"], row["reason"]) for row in told] == [
        ("Bob", "Mallory", "On holiday")
    ]
    assert held.lines()["C3"].state is State.ANSWERED
    assert "1, each inside the validity of a delegation" in held.lines()["C3"].answer
    (given,) = (row for row in held.rows("requests") if row["what"] == "approval" and row["by"])
    for column, moment in (  # begun later, over before, ended early before; of somebody else
        ("valid_from", told[0]["ended_at"]),
        ("valid_to", given["at"]),
        ("ended_at", given["after"]),
        ("by", given["approver"]),
    ):
        assert told_of(held, {**told[0], column: moment}).state is State.EXCEPTION


def told_of(held: Held, delegation: dict[str, Any]) -> Line:
    """Line C3, had another delegation stood in the bundle."""

    def rows(name: str) -> Iterator[dict[str, Any]]:
        for row in held.rows(name):
            yield delegation if row["what"] == "delegation" else row

    found = checklist(evaluate(Told.of(held.manifest), rows, NAMES), has_earlier=False)
    return next(line for line in found if line.id == "C3")


def test_a_removal_that_failed_says_what_is_not_known_of_it(campaign: Held) -> None:
    failed = [row for row in campaign.rows("population") if row["remediation"] == "failed"]
    assert failed
    explained = sum(bool(row["remediation_why"]) for row in failed)
    said = campaign.lines()["E4"].answer
    assert f"Why is told for {explained} (remediation_why)" in said
    assert f"{len(failed)} failed, 0 no connector can make" in said
    assert "Not answered: ticket, owner and due date" in said


def test_the_oscal_document_is_valid_by_the_schema_of_nist(period: Held, campaign: Held) -> None:
    for held in (period, campaign):
        validator = jsonschema_rs.validator_for(json.loads(SCHEMA.read_text()))
        document = json.loads(held.read("oscal/assessment-results.json"))
        assert [each.message for each in validator.iter_errors(document)] == []
        result = document["assessment-results"]["results"][0]
        told = {each["target"]["target-id"] for each in result["findings"]}
        assert told <= set(held.manifest["controls"]) <= CONTROLS.keys()
        del result["observations"][0]["collected"]
        assert not validator.is_valid(document)


def test_an_auditors_word_is_under_the_root_and_in_the_report(
    campaign: Held, tmp_path: Path
) -> None:
    entries = [each for each in campaign.rows("ledger") if each["kind"] == "audit.nonce_given"]
    assert [each["data"]["nonce"] for each in entries] == [WORD]
    assert [each["nonce"] for each in campaign.manifest["scope"]["nonces"]] == [WORD]
    assert WORD in campaign.text(tmp_path)


def test_a_bundle_of_a_control_holds_only_what_speaks_to_it(house: TestHouse, cast: Cast) -> None:
    house.clock.advance(timedelta(hours=1))
    assert cast.house is house
    held = built(house, over_all(house, controls=["PCI-DSS-8.2.5"]))
    assert held.manifest["kind"] == "control"
    assert held.manifest["scope"]["files"] == ["leavers"]
    assert held.manifest["counts"]["population"] == 0
    assert held.manifest["counts"]["ledger"] > 0
    assert held.lines()["F4"].state is State.NOT_CONCERNED


def test_a_later_bundle_names_the_one_it_replaces_and_the_next_period_rolls_forward(
    house: TestHouse, cast: Cast, tmp_path: Path
) -> None:
    something_appears(house, cast)
    first = built(house, over_all(house)).manifest
    end = house.clock.now()
    same = built(house, over_all(house, why_anew="The first was lost."))
    assert same.manifest["supersedes"] == first["id"]
    assert same.manifest["scope"]["supersedes"]["why"] == "The first was lost."
    assert "The first was lost." in same.text(tmp_path)
    house.clock.advance(timedelta(hours=2))
    following = built(house, bundles.Wish(start=end, end=house.clock.now()))
    assert following.manifest["supersedes"] is None
    assert following.manifest["scope"]["previous"]["bundle"] == same.manifest["id"]
    assert following.lines()["B10"].state is State.ANSWERED


def test_a_sample_is_drawn_by_the_auditors_seed_and_can_be_drawn_again(
    house: TestHouse, cast: Cast
) -> None:
    something_appears(house, cast)
    period = built(house, over_all(house))
    wish = populations.SampleWish(
        Population.MEMBERSHIPS,
        seed="2026-q1",
        start=MORNING - timedelta(days=1),
        end=house.clock.now(),
        frequency=Frequency.QUARTERLY,
    )
    with house.write() as uow:
        first = sampling.draw_sample(uow, wish)
        again = sampling.draw_sample(uow, wish)
    assert [each.key for each in first.lines] == [each.key for each in again.lines]
    assert first.population_digest == again.population_digest
    keys = [
        f"{row['account']}/{row['group']}/{row['valid_from']}"
        for row in period.rows("population")
        if row["what"] in {"membership", "ended"}
    ]
    assert first.population_count == len(keys)
    by_hand = sorted(keys, key=lambda key: hashlib.sha256(b"2026-q1\0" + key.encode()).digest())
    assert [each.key for each in first.lines] == by_hand[:2]
    held = built(house, bundles.Wish(sample=first.id))
    assert held.manifest["scope"]["drawn"]["keys"] == by_hand[:2]
    told = {(row["account"], row["group"]) for row in held.rows("population")}
    assert told == {tuple(key.split("/")[:2]) for key in by_hand[:2]}


def test_a_word_is_taken_once_and_only_while_the_campaign_is_open(
    house: TestHouse, cast: Cast
) -> None:
    asked = hold_campaign(house, cast)
    with house.write() as uow:
        nonces.give_nonce(uow, campaign_id=asked, nonce=WORD)
    with pytest.raises(NothingToChangeError), house.write() as uow:
        nonces.give_nonce(uow, campaign_id=asked, nonce=WORD)
    with pytest.raises(InvalidInputError), house.write() as uow:
        nonces.give_nonce(uow, campaign_id=asked, nonce="short")
    with pytest.raises(NotFoundError), house.write() as uow:
        nonces.give_nonce(uow, campaign_id="x", nonce=WORD)
    with house.read() as reading:
        state = reading.session.query(Campaign).one().state
    assert state.value == "open"
