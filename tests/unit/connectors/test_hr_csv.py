"""A people file: clear rows are people, unclear ones are named, half a file is no file."""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.errors import MisconfiguredError, UnavailableError, UnsupportedError
from connectors.hr_csv import text
from connectors.hr_csv.config import parse
from connectors.port import Connector
from connectors.records import (
    QUARANTINED,
    Account,
    AccountBatch,
    Change,
    Problem,
    ReadReport,
    Verb,
)
from connectors.registry import connect

HEADER = "employee_number,display_name,mail,status,manager,start_date,end_date"
ALICE = "0007,Alice Ünal,alice@corp.example,active,1,2020-01-01,"
BOB = '1,"Bob, the ""boss""",bob@corp.example,active,,,'


def now() -> datetime:
    return datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


class File:
    """A people file, and what a read of it shows."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, *lines: str, encoding: str = "utf-8", end: str = "\n") -> None:
        self.path.write_bytes(("\n".join(lines) + end).encode(encoding))

    def connector(self, **options: str) -> Connector:
        return connect("hr_csv", {"path": str(self.path), **options}, {}, now=now)

    def read(self, **options: str) -> tuple[dict[str, Account], ReadReport]:
        accounts: dict[str, Account] = {}
        for batch in self.connector(**options).snapshot():
            if isinstance(batch, AccountBatch):
                accounts |= {each.external_id: each for each in batch.accounts}
            else:
                assert isinstance(batch, ReadReport)
                return accounts, batch
        raise AssertionError("a read ends with its report")

    def odd(self, *lines: str) -> tuple[Problem, ...]:
        self.write(HEADER, *lines)
        return self.read()[1].problems


@pytest.fixture
def file(tmp_path: Path) -> File:
    return File(tmp_path / "people.csv")


def test_each_row_is_a_person_with_what_hr_says(file: File) -> None:
    file.write(HEADER, ALICE, BOB, "")
    people, report = file.read()
    alice, bob = people["0007"], people["1"]
    assert (alice.display_name, alice.mail, alice.employee_number) == (
        "Alice Ünal",
        "alice@corp.example",
        "0007",
    )
    assert (alice.is_enabled, alice.status, alice.manager_id) == (True, "active", "1")
    assert alice.attributes["start_date"] == "2020-01-01"
    assert bob.display_name == 'Bob, the "boss"'
    assert (bob.department, bob.expires_at) == (None, None)
    assert report.is_complete
    (query,) = report.queries
    assert query.returned == 2
    assert "SHA-256" in query.text


@pytest.mark.parametrize(
    ("status", "start", "end", "shown", "is_enabled"),
    [
        ("active", "", "", "active", True),
        ("on_leave", "", "", "leave", True),
        ("terminated", "", "", "left", False),
        ("active", "", "2026-03-01", "left", False),
        ("active", "", "2026-03-02", "active", True),
        ("active", "2026-03-03", "", "not started", False),
    ],
)
def test_where_somebody_stands_follows_from_the_word_and_the_days(
    file: File, status: str, start: str, end: str, shown: str, is_enabled: bool
) -> None:
    file.write(HEADER, f"7,Alice,,{status},,{start},{end}")
    alice = file.read()[0]["7"]
    assert (alice.status, alice.is_enabled) == (shown, is_enabled)


@pytest.mark.parametrize(
    ("row", "why", "about"),
    [
        ("7,Alice,,active,,", "6 cells", ""),
        (",Alice,,active,,,", "no employee number", ""),
        ("7,,,active,,,", "no name", "7"),
        ("7,Alice,alice,active,,,", "mail", "7"),
        ("7,Alice,,maybe,,,", "status", "7"),
        ("7,Alice,,,,,", "no status", "7"),
        ("7,Alice,,active,,01.02.2020,", "start_date", "7"),
        ("7,Alice,,active,,2026-02-02,2026-02-01", "before", "7"),
        ("7,Ali\x07ce,,active,,,", "control", "7"),
    ],
)
def test_a_row_that_is_not_clear_is_named_by_its_line_and_whose_it_is(
    file: File, row: str, why: str, about: str
) -> None:
    (problem,) = file.odd(BOB, row)
    assert problem.code == QUARANTINED
    assert problem.detail.startswith("Line 3: ")
    assert why in problem.detail
    assert problem.about == about


def test_a_number_in_two_rows_makes_both_unclear(file: File) -> None:
    problems = file.odd("7,Alice,,active,,,", "7,Albert,,active,,,")
    assert [each.about for each in problems] == ["7", "7"]


def test_lines_are_counted_as_an_editor_counts_them(file: File) -> None:
    (problem,) = file.odd('1,"Bo\nb",,active,,,', "", "2,Eve,,perhaps,,,")[1:]
    assert problem.detail.startswith("Line 5: ")


@pytest.mark.parametrize("body", [
    b"",
    b"employee_number,display_name,status\n1,Bob,act",
    b'employee_number,display_name,status\n1,"Bob,active\n',
    b"employee_number,display_name,status\n1,Bob,active\n\0\0\0\0",
])  # fmt: skip
def test_half_a_file_is_an_incomplete_read_that_shows_nobody(file: File, body: bytes) -> None:
    file.path.write_bytes(body)
    people, report = file.read()
    assert not people
    assert not report.is_complete
    assert report.problems[0].code == "broken_off"
    assert not file.connector().check().is_usable


@pytest.mark.parametrize("last", ["END,1", "END", "END,two", "2,Eve,active"])
def test_a_promised_last_line_that_is_missing_or_counts_otherwise_is_an_incomplete_read(
    file: File, last: str
) -> None:
    lines = ("employee_number,display_name,status", "1,Bob,active", "7,Alice,active")
    file.write(*lines, last)
    assert not file.read(trailer="END")[1].is_complete
    file.write(*lines, "END,2")
    people, report = file.read(trailer="END")
    assert report.is_complete
    assert people.keys() == {"1", "7"}


def test_a_file_that_changes_while_it_is_read_is_an_incomplete_read(
    file: File, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write(HEADER, ALICE)
    opened: Callable[..., object] = Path.open

    def shrinking(path: Path, *args: str) -> object:
        os.truncate(path, 80)
        return opened(path, *args)

    monkeypatch.setattr(Path, "open", shrinking)
    assert not file.read()[1].is_complete


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_unicode_is_known_by_its_mark(file: File, encoding: str) -> None:
    file.write(HEADER, ALICE, encoding=encoding)
    assert file.read()[0]["0007"].display_name == "Alice Ünal"


def test_another_encoding_is_said_not_guessed(file: File) -> None:
    file.write(HEADER, BOB, ALICE, encoding="windows-1252")
    with pytest.raises(MisconfiguredError, match="Line 3") as refusal:
        file.read()
    assert refusal.value.key == "encoding"
    assert file.read(encoding="windows-1252")[0]["0007"].display_name == "Alice Ünal"


@pytest.mark.parametrize("sign", [",", ";", "\t", "|"])
def test_what_parts_the_cells_is_found_in_the_header(file: File, sign: str) -> None:
    file.write(sign.join(["Employee-Number", "Name", "Status"]), sign.join(["1", "Bob", "active"]))
    assert file.read()[0].keys() == {"1"}


def test_columns_with_other_names_are_said_and_further_ones_are_kept_when_asked(file: File) -> None:
    file.write("PersNr;Name;Austritt;Firma;Gehalt", "1;Bob;31.12.2026;Nord;9")
    options = {"columns": "employee_number=PersNr", "dates": "dmy", "keep": "Firma"}
    bob = file.read(**options)[0]["1"]
    assert dict(bob.attributes) == {"end_date": "2026-12-31", "Firma": "Nord"}
    assert bob.expires_at == datetime(2027, 1, 1, tzinfo=UTC)
    columns = next(
        each for each in file.connector(**options).check().items if each.name == "columns"
    )
    assert "Not used: Gehalt." in columns.detail


@pytest.mark.parametrize(
    ("header", "why"),
    [
        ("display_name,status", "employee_number"),
        ("employee_number,status", "display_name"),
        ("employee_number,display_name", "status"),
        ("employee_number,display_name,status,STATUS", "more than once"),
        ("employee_number,display_name,status,mail,email", "mail"),
    ],
)
def test_a_header_that_is_not_clear_is_refused_by_the_names_of_its_columns(
    file: File, header: str, why: str
) -> None:
    file.write(header, "1,Bob,active")
    with pytest.raises(MisconfiguredError, match=why) as refusal:
        file.read()
    assert refusal.value.key == "columns"


@pytest.mark.parametrize(
    ("options", "key"),
    [
        ({"path": "people.csv"}, "path"),
        ({"path": "/etc/shadow"}, "path"),
        ({"encoding": "ebcdic"}, "encoding"),
        ({"columns": "salary=Gehalt"}, "columns"),
        ({"dates": "guess"}, "dates"),
    ],
)
def test_settings_that_make_no_sense_are_refused_by_name(
    file: File, options: dict[str, str], key: str
) -> None:
    with pytest.raises(MisconfiguredError) as refusal:
        file.connector(**options)
    assert refusal.value.key == key


def test_a_link_to_what_is_no_people_file_is_not_followed(file: File, tmp_path: Path) -> None:
    secret = tmp_path / "seal.key"
    secret.write_text("secret")
    file.path.symlink_to(secret)
    with pytest.raises(MisconfiguredError) as refusal:
        file.read()
    assert "secret" not in str(refusal.value)


def test_a_file_that_is_not_there_is_away_not_empty(file: File) -> None:
    with pytest.raises(UnavailableError):
        file.read()


def test_it_reads_only(file: File) -> None:
    connector = file.connector()
    change = Change(Verb.DISABLE_ACCOUNT, "7")
    for asked in (connector.ensure, connector.observe):
        with pytest.raises(UnsupportedError):
            asked(change)
    with pytest.raises(UnsupportedError):
        list(connector.changes("1"))
    connector.close()


@settings(max_examples=60, deadline=None)
@given(body=st.binary(max_size=300))
def test_no_bytes_bring_anything_but_a_refusal_or_named_rows(
    body: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_bytes(b"employee_number,display_name,status\n" + body)
    config = parse({"path": str(path)})
    connector = connect("hr_csv", {"path": str(path)}, {}, now=now)
    try:
        *batches, report = connector.snapshot()
    except MisconfiguredError:
        return
    assert isinstance(report, ReadReport)
    if report.is_complete:
        shown = sum(len(each.accounts) for each in batches if isinstance(each, AccountBatch))
        assert shown + len(report.problems) == len(text.read(config).lines)


@settings(max_examples=60, deadline=None)
@given(cut=st.integers(min_value=1, max_value=60))
def test_a_file_cut_anywhere_never_shows_that_somebody_is_gone(
    cut: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    whole = f"{HEADER}\n{BOB}\n{ALICE}\nEND,2\n".encode()
    path = tmp_path_factory.getbasetemp() / "cut.csv"
    path.write_bytes(whole[:-cut])
    connector = connect("hr_csv", {"path": str(path), "trailer": "END"}, {}, now=now)
    *_, report = connector.snapshot()
    assert isinstance(report, ReadReport)
    assert not report.is_complete
