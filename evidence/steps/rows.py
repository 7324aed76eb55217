"""Steps about the rows of the data files: which one was altered, and whether both forms agree."""

import hashlib
from typing import Any, Final

from evidence.canonical import parse_canonical
from evidence.errors import VerificationError
from evidence.layout import (
    ROW_DIGEST_BYTES,
)
from evidence.look import Look
from evidence.said import Said, plain, said, template
from evidence.steps.refusing import MOST_NAMED, named, refuse
from evidence.tables import cells, csv_rows, read_columns

ALTERED: Final = template("%(path)s: row %(number)s was altered")
MOVED: Final = template("%(path)s: row %(number)s was moved")
TAKEN_OUT: Final = template("%(path)s: row %(number)s was taken out")
PUT_IN: Final = template("%(path)s: row %(number)s was put in")
Wrong = tuple[str, int]  # a template, and the number of the row


def rows(look: Look) -> Said:
    """Name what was altered: the digests of rows say which one, whatever the file's hash says."""
    digests, at, wrong, total = look.read("log/rows"), 0, list[Said](), 0
    for path in look.data_files:
        count = look.listed.files[path].records or 0
        part = digests[at : at + count * ROW_DIGEST_BYTES]
        at += count * ROW_DIGEST_BYTES
        wanted = [part[i : i + ROW_DIGEST_BYTES] for i in range(0, len(part), ROW_DIGEST_BYTES)]
        lines = look.lines(path)
        found = [hashlib.sha256(line).digest()[:ROW_DIGEST_BYTES] for line in lines]
        total += len(found)
        if found != wanted or len(found) != count:
            wrong += _told(path, _differences(wanted, found), (len(found), count))
    if at != len(digests):
        wrong.append(said("log/rows is for another number of rows"))
    refuse(wrong)
    return said("%(total)s rows, each where it was", total=total)


def _told(path: str, differences: list[Wrong], counted: tuple[int, int]) -> list[Said]:
    """Say what differs in a file: of many rows, the first few in words and the others counted."""
    if not differences:
        words = template("%(path)s: %(count)s rows, but the manifest says %(wanted)s")
        return [said(words, path=path, count=counted[0], wanted=counted[1])]
    told = [said(words, path=path, number=n) for words, n in differences[:MOST_NAMED]]
    if len(differences) > MOST_NAMED:
        more = len(differences) - MOST_NAMED
        told.append(said("%(path)s: and %(more)s more rows", path=path, more=more))
    return told


def _differences(wanted: list[bytes], found: list[bytes]) -> list[Wrong]:
    missing, extra = set(wanted) - set(found), set(found) - set(wanted)
    if len(wanted) == len(found):
        both = enumerate(zip(wanted, found, strict=True), 1)
        return [(ALTERED if new in extra else MOVED, n) for n, (old, new) in both if old != new]
    gone = [(TAKEN_OUT, number) for number, each in enumerate(wanted, 1) if each in missing]
    return gone + [(PUT_IN, number) for number, each in enumerate(found, 1) if each in extra]


def counts(look: Look) -> Said:
    """The manifest counts as many rows as there are."""
    manifest, told = look.listed, {}
    for path, listed in manifest.files.items():
        if listed.records is None:
            continue
        name, _, suffix = path.removeprefix("data/").partition(".")
        if suffix == "jsonl":
            told[name] = len(look.lines(path))
        if listed.records != manifest.counts.get(name):
            raise VerificationError(
                said("%(path)s: its records and counts.%(name)s differ", path=path, name=name)
            )
    if told != dict(manifest.counts):
        raise VerificationError("counts in the manifest differ from the rows there are")
    return plain(", ".join(f"{name} {count}" for name, count in sorted(told.items())))


def tables(look: Look) -> Said:
    """Each CSV says what its JSONL says."""
    for path in look.listed.files:
        if not path.endswith(".csv"):
            continue
        sheet = look.read(path)
        with named(path):
            columns = read_columns(sheet.partition(b"\r\n")[0])
        rows = [columns]
        for number, line in enumerate(look.lines(path.replace(".csv", ".jsonl")), 1):
            row = parse_row(path, number, line)
            if not row.keys() <= set(columns):
                raise VerificationError(
                    said(
                        "%(path)s: row %(number)s has a value for which it has no column",
                        path=path,
                        number=number,
                    )
                )
            rows.append(cells(row, columns))
        if csv_rows(rows) != sheet:
            _name_csv_row(path, sheet, rows)
    return said("each CSV says what its JSONL says")


def parse_row(path: str, number: int, line: bytes) -> dict[str, Any]:
    """Read one row."""
    with named(path, number):
        row = parse_canonical(line)
    if not isinstance(row, dict):
        raise VerificationError(
            said("%(path)s: row %(number)s is no object", path=path, number=number)
        )
    return row


def _name_csv_row(path: str, sheet: bytes, rows: list[list[str]]) -> None:
    at = 0
    for number, row in enumerate(rows):
        written = csv_rows([row])
        if sheet[at : at + len(written)] != written:
            raise VerificationError(
                said(
                    "%(path)s: row %(number)s differs from its twin in JSONL",
                    path=path,
                    number=number,
                )
            )
        at += len(written)
    raise VerificationError(said("%(path)s: it has more rows than its twin in JSONL", path=path))
