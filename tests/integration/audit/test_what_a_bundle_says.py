"""Whoever has the bundle alone can count again: report, checklist and OSCAL document follow."""

import hashlib
import json
import re
import shutil
import subprocess
import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import sqlalchemy as sa
from cryptography.x509 import load_pem_x509_certificate

from app import events
from app.audit import bundles, nonces
from app.audit.controls import CONTROLS
from app.audit.domain import BundleState
from app.audit.evaluating import Evaluation, Told, evaluate
from app.audit.evaluating.checklist import ASKS, Line, State, checklist
from app.audit.reports import TITLES, Subject, report
from app.reviews import service as reviews
from app.reviews.domain import RemediationState
from app.reviews.models import Campaign, Item
from evidence.checkpoint import open_checkpoint
from evidence.keys import parse_vkey
from evidence.pdf.byterange import unsigned_part
from evidence.pdf.document import (
    Align,
    Bar,
    Chart,
    Column,
    Fact,
    Finding,
    KeyFigure,
    Register,
    Report,
    Section,
    Table,
    Tone,
)
from evidence.pdf.render import render_to
from evidence.tables import DATA_FILES
from evidence.verify import verify_bundle
from integration.audit.test_campaign_bundle import hold_campaign
from integration.lifecycle.test_leaver import leave
from integration.requests.steps import give
from support.cast import Cast, bring_in
from support.house import MORNING, TestHouse, open_house
from support.recount import Files, places, wrong_places

SCHEMA = Path(__file__).parents[2] / "vectors" / "oscal" / "oscal_assessment-results_schema.json"
NAMES = [name for name in DATA_FILES if name not in {"ledger", "disclosures"}]
WORD = "an-auditors-own-word-42"
TICKET = '=HYPERLINK("http://x")'


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


def something_is_done(house: TestHouse, cast: Cast) -> None:
    """A request is given for some days, and somebody leaves: that has numbers of its own."""
    give(cast, "alice", duration_days=30)
    leave(cast, number="1006", event_id="hr-m")
    house.later(minutes=7)
    assert cast.sync("corp") == "complete"
    house.clock.advance(timedelta(hours=1))


def one_is_removed(house: TestHouse, campaign: str) -> None:
    """One of the campaign's two items is gone five hours after it was decided."""
    with house.write() as uow:
        item = uow.session.scalars(sa.select(Item).order_by(Item.id.desc())).first()
        assert item is not None
        item.decided_at, item.remediation = uow.now, RemediationState.CONFIRMED
        item.remediation_at = uow.now + timedelta(hours=5)
        uow.record(
            events.RemediationConfirmed(
                subject=item.public_id, campaign=campaign, end=uow.ids.new()
            )
        )


def follow_up_one(house: TestHouse, cast: Cast, campaign: str) -> None:
    """Charge Bob with the first item of a campaign, for a time that is over soon."""
    with house.write() as uow:
        item = uow.session.scalars(
            sa.select(Item.public_id)
            .join(Campaign, Campaign.id == Item.campaign_id)
            .where(Campaign.public_id == campaign)
            .order_by(Item.id)
        ).first()
        assert item
        due = uow.now + timedelta(minutes=5)
        charge = reviews.Charge(cast.identity("bob").public_id, TICKET, due)
        reviews.follow_up(uow, item_id=item, charge=charge, version=0)
    house.clock.advance(timedelta(minutes=5))


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
        something_is_done(house, cast)
        period = built(house, over_all(house))
        asked = hold_campaign(house, cast)
        one_is_removed(house, asked)
        with house.write() as uow:
            nonces.give_nonce(uow, campaign_id=asked, nonce=WORD)
        follow_up_one(house, cast, asked)
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
    drawn = set()
    for held in (period, campaign):
        made = report_of(held)
        assert wrong_places(Files(held.content), made) == []
        drawn |= {chart.title for each in made.sections for chart in each.charts}
    assert len(drawn) == 5  # each kind of chart that there is


NEW_NUMBERS = {  # a report to which somebody adds a number that nothing recounts
    "a key figure": lambda it: replace(it, figures=(*it.figures, KeyFigure("Exempt", "41"))),
    "a fact": lambda it: replace(it, facts=(*it.facts, Fact("Exempt", "41 accounts"))),
    "a finding": lambda it: replace(it, findings=(*it.findings, Finding("H8: x", 41, "See."))),
    "a word more": lambda it: replace(it, no_findings="None of 41."),
    "a section": lambda it: replace(it, sections=(*it.sections, Section("All 41"))),
    "a paragraph": lambda it: replace(it, sections=(Section("A", ("41 rows.",), key="drift"),)),
    "a chart": lambda it: replace(
        it, sections=(Section("A", charts=(Chart("B", (Bar("C", 41),)),), key="summary"),)
    ),
    "a table": lambda it: replace(
        it, sections=(Section("A", tables=(Table("B", (Column("C", 1),), (("41",),)),)),)
    ),
    "a fact below": lambda it: replace(it, sections=(Section("A", facts=(Fact("B", "41"),)),)),
}


@pytest.mark.parametrize("added", NEW_NUMBERS)
def test_a_new_number_that_nothing_recounts_is_found(period: Held, added: str) -> None:
    made = NEW_NUMBERS[added](report_of(period))
    assert wrong_places(Files(period.content), made) != []


def spoken(told: Any) -> Iterator[str]:
    """Every text of a report with a digit in it, whatever part it stands in."""
    if isinstance(told, str | int) and not isinstance(told, bool | Tone | Align):
        yield from [str(told)] * bool(re.search(r"\d", str(told)))
    elif isinstance(told, tuple):
        for each in told:
            yield from spoken(each)
    elif is_dataclass(told) and not isinstance(told, Column | Register):
        for each in fields(told):
            yield from spoken(getattr(told, each.name))


def test_the_recount_looks_at_every_part_of_a_report(period: Held, campaign: Held) -> None:
    for held in (period, campaign):
        looked_at = "\n".join(
            f"{place} {text}"
            for place, text, _expected in places(Files(held.content), report_of(held))
        )
        assert [text for text in spoken(report_of(held)) if text not in looked_at] == []


def test_numbers_that_only_printing_adds_are_true_as_well(
    period: Held, campaign: Held, tmp_path: Path
) -> None:
    """Pages, contents, rows of registers, shares of a whole, room for answers."""
    for held in (period, campaign):
        printed = held.text(tmp_path).split("\f")[:-1]
        pages = [" ".join(page.split()) for page in printed]
        made, total = report_of(held), len(pages)
        for number, page in enumerate(pages, 1):
            assert re.findall(r"page (\d+) of (\d+)", page) == [(str(number), str(total))]
        contents = next(page for page in printed if "Contents" in page)
        entries = re.findall(r"(?m)^ *((?!Bundle )\S.*?) (\d+)$", contents)
        assert {each.title for each in made.sections} <= {title for title, _number in entries}
        assert [title for title, at in entries if title not in pages[int(at) - 1]] == []
        whole = " ".join(pages)
        for name in TITLES:
            rows = len(list(held.rows(name)))
            stretches = re.findall(
                rf"rows (\d+) to (\d+) of {rows} full values in data/{name}\.", whole
            )
            ends = [int(each) for pair in stretches for each in pair]
            assert (ends[:1], ends[-1:]) == (([1], [rows]) if rows else ([], []))
            assert all(ends[at] + 1 == ends[at + 1] for at in range(1, len(ends) - 1, 2))
        for finding in made.findings:
            assert f"{finding.title} ({finding.count})" in whole


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


def test_a_removal_that_failed_says_what_is_not_known_of_it(campaign: Held) -> None:
    failed = [row for row in campaign.rows("population") if row["remediation"] == "failed"]
    assert failed
    explained = sum(bool(row["remediation_why"]) for row in failed)
    said = campaign.lines()["E4"].answer
    assert f"Why is told for {explained} (remediation_why)" in said
    assert f"{len(failed)} failed, 0 no connector can make" in said


def test_who_has_what_was_not_removed_is_told_with_ticket_and_due_date(campaign: Held) -> None:
    (left,) = (row for row in campaign.rows("population") if row["remediation"] == "failed")
    assert (left["follow_up_owner_name"], left["follow_up_ticket"]) == ("Bob", TICKET)
    assert left["follow_up_due_at"] <= campaign.manifest["created_at"]
    assert "\"'=HYPERLINK" in campaign.read("data/population.csv").decode()
    (shown,) = (each for each in report_of(campaign).sections if each.key == "not_removed")
    (row,) = shown.tables[0].rows
    assert row[3:6] == ("failed", "Bob", TICKET)
    assert row[7] == "overdue"
    (late,) = (each for each in report_of(campaign).findings if "late with" in each.title)
    assert (late.count, late.section) == (1, "not_removed")


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
