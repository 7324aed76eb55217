"""Checking a bundle: numbered steps to a report of named checks.

A pure function of the bundle's bytes, the keys and the anchor: no network, no clock, no app. Bytes
are hashed as they are and never made anew. A step that another one has to hold for is told as not
checked if that one failed. Hostile input ends in a failed check.
"""

import hashlib
import json
import mmap
import sys
from argparse import ArgumentParser
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from evidence.asic import SIGNATURE_PATH, parse_asic_manifest
from evidence.bundle import (
    ANCHOR,
    ASIC_PATH,
    MIMETYPE,
    ROW_DIGEST_BYTES,
    VKEY,
    manifest_text,
    media_type,
)
from evidence.canonical import parse_canonical
from evidence.checkpoint import NUMBER, open_checkpoint, open_note, parse_tlog_proof
from evidence.container import Member, damaged, read_container
from evidence.errors import VerificationError
from evidence.keys import VerifierKey, parse_vkey
from evidence.manifest import Manifest, parse_manifest
from evidence.merkle import (
    decode_multiproof,
    leaf_hash,
    multiproof_root,
    verify_consistency,
    verify_inclusion,
)
from evidence.record import Disclosure, Record, check_disclosure, parse_record, read_base64
from evidence.tables import cells, csv_rows, read_columns

BEYOND_MANIFEST: Final = ("manifest.json", ASIC_PATH, SIGNATURE_PATH, "manifest.note")
MOST_NAMED: Final = 5
LARGEST_KEY_FILE: Final = 1 << 16


class Status(StrEnum):
    """What became of a check."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_CHECKED = "not_checked"


@dataclass(frozen=True, slots=True)
class Check:
    """One numbered step and what became of it."""

    number: int
    name: str
    status: Status
    detail: str


@dataclass(frozen=True, slots=True)
class Report:
    """The verdict.

    Attributes:
        checks: Every step, in order.
        fingerprint: Of the key in the bundle; empty if there is none to read.
        vkey: That key.
        signer_known: Whether a key was given from outside and everything was held against it.
    """

    checks: tuple[Check, ...]
    fingerprint: str
    vkey: str
    signer_known: bool

    @property
    def holds(self) -> bool:
        """Whether every check passed."""
        return all(check.status is Status.PASSED for check in self.checks)

    @property
    def exit_code(self) -> int:
        """0 all holds and the signer is the given one, 1 a check fails, 3 signer unknown."""
        if not self.holds:
            return 1
        return 0 if self.signer_known else 3


@dataclass(slots=True)
class _Look:
    """The bundle under check, and what earlier steps found in it."""

    data: memoryview
    given_keys: Sequence[VerifierKey]
    given_anchors: Sequence[bytes]
    members: dict[str, Member] = field(default_factory=dict)
    own_key: VerifierKey | None = None
    manifest: Manifest | None = None
    records: list[Record] = field(default_factory=list)
    root: bytes = b""

    def read(self, path: str) -> bytes:
        member = self.members.get(path)
        if member is None:
            raise VerificationError(f"{path} is missing")
        return bytes(self.data[member.start : member.start + member.size])

    def lines(self, path: str) -> list[bytes]:
        content = self.read(path)
        if content and not content.endswith(b"\n"):
            raise VerificationError(f"{path}: its last line is cut off")
        return content.split(b"\n")[:-1]

    @property
    def keys(self) -> Sequence[VerifierKey]:
        if self.given_keys:
            return self.given_keys
        return [self.own_key] if self.own_key else []

    @property
    def listed(self) -> Manifest:
        if self.manifest is None:
            raise VerificationError("there is no manifest to go by")
        return self.manifest

    @property
    def data_files(self) -> list[str]:
        return [path for path in self.listed.files if path.endswith(".jsonl")]

    @property
    def anchors(self) -> Sequence[bytes]:
        return self.given_anchors or [self.read(ANCHOR)]


def verify_bundle(
    path: Path, keys: Sequence[VerifierKey] = (), anchors: Sequence[bytes] = ()
) -> Report:
    """Check a bundle.

    Args:
        path: The file.
        keys: The signer's keys, known from elsewhere; none: the bundle's own is used.
        anchors: PEM certificates to trust for the PDF and the container; none: the bundle's own.

    Returns:
        What holds and what does not.

    Raises:
        VerificationError: The file cannot be read, or is no bundle at all.
    """
    try:
        with (
            path.open("rb") as file,
            mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data,
            memoryview(data) as view,
        ):
            return verify_bytes(view, keys, anchors)
    except (OSError, ValueError) as error:
        raise VerificationError(f"{path}: cannot be read as a bundle: {error}") from error


def verify_bytes(
    data: memoryview, keys: Sequence[VerifierKey] = (), anchors: Sequence[bytes] = ()
) -> Report:
    """Check a bundle held in memory; as `verify_bundle`.

    Args:
        data: All of its bytes.
        keys: As there.
        anchors: As there.

    Returns:
        As there.

    Raises:
        VerificationError: It is no bundle at all.
    """
    if bytes(data[:4]) != b"PK\3\4":
        raise VerificationError("this is not a bundle: a bundle is a ZIP file")
    look, checks = _Look(data, keys, anchors), list[Check]()
    passed: set[str] = set()
    for number, (name, needs, step) in enumerate(STEPS, 1):
        missing = [need for need in needs if need not in passed]
        if missing:
            detail = f"needs that `{missing[0]}` holds"
            checks.append(Check(number, name, Status.NOT_CHECKED, detail))
            continue
        try:
            check = Check(number, name, Status.PASSED, step(look))
            passed.add(name)
        except VerificationError as error:
            check = Check(number, name, Status.FAILED, str(error))
        checks.append(check)
    own = look.own_key
    return Report(
        tuple(checks), own.fingerprint if own else "", own.vkey if own else "", bool(keys)
    )


def _container(look: _Look) -> str:
    look.members = read_container(look.data)
    names = list(look.members)
    if not names or names[0] != "mimetype" or look.read("mimetype") != MIMETYPE:
        raise VerificationError("the first member must be mimetype, and say that this is a bundle")
    return f"{len(names)} members, every byte accounted for"


def _checksums(look: _Look) -> str:
    _refuse([f"{name} was damaged" for name in damaged(look.data, look.members.values())])
    return "every member is as it was put in"


def _signer(look: _Look) -> str:
    text = look.read(VKEY)
    if not text.isascii() or not text.endswith(b"\n"):
        raise VerificationError(f"{VKEY} is not one line of ASCII")
    with _named(VKEY):
        look.own_key = parse_vkey(text.decode("ascii")[:-1])
    if look.given_keys and look.own_key not in look.given_keys:
        raise VerificationError(
            f"signed by another key than the one given: {VKEY} is {look.own_key.vkey}; if the "
            "signer has a new key, get it from the signer and pass it with --key"
        )
    if look.given_keys:
        return f"{look.own_key.name}: the key given"
    return f"{look.own_key.name}: not known from elsewhere; compare the fingerprint, pass --key"


def _note(look: _Look) -> str:
    files = {path: look.read(path) for path in BEYOND_MANIFEST[:3]}
    wanted = manifest_text(files).split("\n")
    with _named("manifest.note"):
        found = open_note(look.read("manifest.note"), look.keys).split("\n")
    if found != wanted:
        wrong = [line.partition("  ")[2] for line in wanted if line not in found]
        raise VerificationError(f"manifest.note signs another {', '.join(filter(None, wrong))}")
    return "signature holds over manifest.json and META-INF/"


def _manifest(look: _Look) -> str:
    look.manifest = parse_manifest(look.read("manifest.json"))
    return f"bundle {look.manifest.id}, {len(look.manifest.files)} files"


def _members(look: _Look) -> str:
    expected = ["mimetype", *look.listed.files, *BEYOND_MANIFEST]
    if list(look.members) == expected:
        return "exactly those listed, in their order"
    extra = [name for name in look.members if name not in expected]
    missing = [name for name in expected if name not in look.members]
    if extra or missing:
        told = [f"{name} is not in the manifest" for name in extra]
        told += [f"{name} is missing" for name in missing]
        raise VerificationError("; ".join(told[:MOST_NAMED]))
    raise VerificationError("the members are not in the order of the manifest")


def _hashes(look: _Look) -> str:
    wrong = []
    for path, listed in look.listed.files.items():
        member = look.members[path]
        view = look.data[member.start : member.start + member.size]
        if member.size != listed.bytes or hashlib.sha256(view).hexdigest() != listed.sha256:
            wrong.append(f"{path} was altered")
    _refuse(wrong)
    return "every file has the digest the manifest says"


def _rows(look: _Look) -> str:
    """Name what was altered: the digests of rows say which one, whatever the file's hash says."""
    digests, at, wrong, total = look.read("log/rows"), 0, list[str](), 0
    for path in look.data_files:
        count = look.listed.files[path].records or 0
        part = digests[at : at + count * ROW_DIGEST_BYTES]
        at += count * ROW_DIGEST_BYTES
        wanted = [part[i : i + ROW_DIGEST_BYTES] for i in range(0, len(part), ROW_DIGEST_BYTES)]
        lines = look.lines(path)
        found = [hashlib.sha256(line).digest()[:ROW_DIGEST_BYTES] for line in lines]
        total += len(found)
        if found != wanted or len(found) != count:
            wrong += _differences(path, wanted, found, count)
    if at != len(digests):
        wrong.append("log/rows is for another number of rows")
    _refuse(wrong)
    return f"{total} rows, each where it was"


def _differences(path: str, wanted: list[bytes], found: list[bytes], count: int) -> list[str]:
    missing, extra, told = set(wanted) - set(found), set(found) - set(wanted), []
    if len(wanted) == len(found):
        for number, (old, new) in enumerate(zip(wanted, found, strict=True), 1):
            if old != new:
                what = "altered" if new in extra else "moved"
                told.append(f"{path}: row {number} was {what}")
    else:
        told = [f"{path}: row {n} was taken out" for n, x in enumerate(wanted, 1) if x in missing]
        told += [f"{path}: row {n} was put in" for n, x in enumerate(found, 1) if x in extra]
    return told or [f"{path}: {len(found)} rows, but the manifest says {count}"]


def _counts(look: _Look) -> str:
    manifest, told = look.listed, {}
    for path, listed in manifest.files.items():
        if listed.records is None:
            continue
        name, _, suffix = path.removeprefix("data/").partition(".")
        if suffix == "jsonl":
            told[name] = len(look.lines(path))
        if listed.records != manifest.counts.get(name):
            raise VerificationError(f"{path}: its records and counts.{name} differ")
    if told != dict(manifest.counts):
        raise VerificationError("counts in the manifest differ from the rows there are")
    return ", ".join(f"{name} {count}" for name, count in sorted(told.items()))


def _tables(look: _Look) -> str:
    for path in look.listed.files:
        if not path.endswith(".csv"):
            continue
        sheet = look.read(path)
        with _named(path):
            columns = read_columns(sheet.partition(b"\r\n")[0])
        rows = [columns]
        for number, line in enumerate(look.lines(path.replace(".csv", ".jsonl")), 1):
            row = _parse_row(path, number, line)
            if not row.keys() <= set(columns):
                raise VerificationError(
                    f"{path}: row {number} has a value for which it has no column"
                )
            rows.append(cells(row, columns))
        if csv_rows(rows) != sheet:
            _name_csv_row(path, sheet, rows)
    return "each CSV says what its JSONL says"


def _parse_row(path: str, number: int, line: bytes) -> dict[str, Any]:
    with _named(f"{path}: row {number}"):
        row = parse_canonical(line)
    if not isinstance(row, dict):
        raise VerificationError(f"{path}: row {number} is no object")
    return row


def _name_csv_row(path: str, sheet: bytes, rows: list[list[str]]) -> None:
    at = 0
    for number, row in enumerate(rows):
        written = csv_rows([row])
        if sheet[at : at + len(written)] != written:
            raise VerificationError(f"{path}: row {number} differs from its twin in JSONL")
        at += len(written)
    raise VerificationError(f"{path}: it has more rows than its twin in JSONL")


def _ledger(look: _Look) -> str:
    lines = look.lines("data/ledger.jsonl")
    for number, line in enumerate(lines, 1):
        with _named(f"data/ledger.jsonl: row {number}"):
            look.records.append(parse_record(line))
    proof = decode_multiproof(look.read("log/proof"), len(lines))
    look.root = multiproof_root(proof, [leaf_hash(line) for line in lines])
    if (proof.size, look.root.hex()) != (look.listed.size, look.listed.root):
        raise VerificationError(
            "the entries do not lead to the log's root: one was altered, or is of another log"
        )
    return f"{len(lines)} entries lead to the root of a log of {proof.size}"


def _checkpoint(look: _Look) -> str:
    listed = look.listed
    with _named("log/checkpoint"):
        head = open_checkpoint(look.read("log/checkpoint"), look.keys)
    if (head.origin, head.size, head.root.hex()) != (listed.origin, listed.size, listed.root):
        raise VerificationError("log/checkpoint is not the head the manifest tells of")
    return f"{head.origin}, size {head.size}, signature holds"


def _consistency(look: _Look) -> str:
    if "log/consistency" not in look.members:
        return "no earlier bundle is told of; keep this checkpoint to hold the next one against it"
    proof, _, note = look.read("log/consistency").partition(b"\n\n")
    lines = proof.decode("ascii", "replace").split("\n")
    number = lines[0].removeprefix("old ")
    if not lines[0].startswith("old ") or not NUMBER.fullmatch(number):
        raise VerificationError("log/consistency: its first line is not `old SIZE`")
    with _named("log/consistency"):
        old = open_checkpoint(note, look.keys)
    if (old.origin, old.size) != (look.listed.origin, int(number)):
        raise VerificationError("log/consistency: its checkpoint is of another log or size")
    path = [read_base64(line) for line in lines[1:]]
    root = bytes.fromhex(look.listed.root)
    verify_consistency(old.size, old.root, look.listed.size, root, path)
    return f"the log grew out of the one of size {old.size}"


def _samples(look: _Look) -> str:
    leaves = [leaf_hash(line) for line in look.lines("data/ledger.jsonl")]
    indexes = decode_multiproof(look.read("log/proof"), len(leaves)).indexes
    by_index, count = dict(zip(indexes, leaves, strict=True)), 0
    for path in look.listed.files:
        if path.startswith("log/samples/"):
            index, proof, note = parse_tlog_proof(look.read(path))
            head = open_checkpoint(note, look.keys)
            if index not in by_index or head.root.hex() != look.listed.root:
                raise VerificationError(f"{path} is of an entry or a log that is not told of here")
            verify_inclusion(head.root, head.size, index, by_index[index], proof)
            count += 1
    return f"{count} single proofs"


def _disclosures(look: _Look) -> str:
    total = sum(len(record.commitments) for record in look.records)
    if "data/disclosures.jsonl" not in look.members:
        return f"redacted: none of {total} commitments is opened"
    by_id = {record.id: record for record in look.records}
    seen = set()
    for number, line in enumerate(look.lines("data/disclosures.jsonl"), 1):
        row = _parse_row("data/disclosures.jsonl", number, line)
        if row.keys() != {"entry", "field", "salt", "value"} or not all(
            isinstance(each, str) for each in row.values()
        ):
            raise VerificationError(f"data/disclosures.jsonl: row {number} is malformed")
        key = (row["entry"], row["field"])
        if key in seen or row["entry"] not in by_id:
            raise VerificationError(f"data/disclosures.jsonl: row {number} is of no entry here")
        seen.add(key)
        with _named(f"data/disclosures.jsonl: row {number}"):
            salt = read_base64(row["salt"])
            check_disclosure(by_id[row["entry"]], Disclosure(*key, salt, row["value"]))
    return f"{len(seen)} of {total} commitments opened"


def _policies(look: _Look) -> str:
    paths = [path for path in look.listed.files if path.startswith("policy/")]
    wrong = [
        f"{path} is not named by its digest"
        for path in paths
        if look.listed.files[path].sha256 != path[len("policy/") :].partition(".")[0]
    ]
    _refuse(wrong)
    return f"{len(paths)} files named by their digests"


def _unsigned_pdf(look: _Look) -> str:
    from evidence.pdf.byterange import unsigned_part

    digest = hashlib.sha256(unsigned_part(look.read("report.pdf"))).hexdigest()
    if digest != look.listed.unsigned_sha256:
        raise VerificationError("report.pdf is not the report this bundle was made with")
    return "one revision, signature covers the whole file, unsigned digest as recorded"


def _pdf(look: _Look) -> str:
    from evidence.cms import verify_pdf

    status = verify_pdf(look.read("report.pdf"), look.anchors, look.listed.created_at)
    if not status.ok:
        raise VerificationError(f"report.pdf: {status.detail}")
    return f"{status.signer}: {status.detail}"


def _asic(look: _Look) -> str:
    from evidence.cms import verify_detached

    xml = look.read(ASIC_PATH)
    with _named(ASIC_PATH):
        told = [(each.path, each.media_type, each.sha256) for each in parse_asic_manifest(xml)]
    digest = hashlib.sha256(look.read("manifest.json")).hexdigest()
    files = look.listed.files
    wanted = [(path, media_type(path), each.sha256) for path, each in files.items()]
    if told != sorted([*wanted, ("manifest.json", "application/json", digest)]):
        raise VerificationError(f"{ASIC_PATH} does not list the files of the manifest")
    p7s = look.read(SIGNATURE_PATH)
    status = verify_detached(xml, p7s, look.anchors, look.listed.created_at)
    if not status.ok:
        raise VerificationError(f"{SIGNATURE_PATH}: {status.detail}")
    return f"{status.signer}: {status.detail}"


@contextmanager
def _named(path: str) -> Iterator[None]:
    """Put a member's name before whatever is found wrong with it."""
    try:
        yield
    except VerificationError as error:
        raise VerificationError(f"{path}: {error}") from error


def _refuse(wrong: Sequence[str]) -> None:
    if wrong:
        more = len(wrong) - MOST_NAMED
        rest = f"; and {more} more" if more > 0 else ""
        raise VerificationError("; ".join(wrong[:MOST_NAMED]) + rest)


BASE: Final = ("container", "manifest", "members")
STEPS: Final[tuple[tuple[str, tuple[str, ...], Callable[[_Look], str]], ...]] = (
    ("container", (), _container),
    ("checksums", ("container",), _checksums),
    ("signer", ("container",), _signer),
    ("manifest signature", ("container", "signer"), _note),
    ("manifest", ("container",), _manifest),
    ("members", ("manifest",), _members),
    ("file digests", BASE, _hashes),
    ("rows", BASE, _rows),
    ("counts", BASE, _counts),
    ("tables", BASE, _tables),
    ("ledger entries", BASE, _ledger),
    ("checkpoint", (*BASE, "signer"), _checkpoint),
    ("consistency", (*BASE, "signer"), _consistency),
    ("sampled proofs", (*BASE, "signer", "ledger entries"), _samples),
    ("disclosures", (*BASE, "ledger entries"), _disclosures),
    ("policies", BASE, _policies),
    ("report", BASE, _unsigned_pdf),
    ("report signature", BASE, _pdf),
    ("container signature", BASE, _asic),
)


def main(argv: Sequence[str]) -> int:
    """Run the command line.

    Args:
        argv: The arguments after the program's name.

    Returns:
        0 every check holds and the signer is the given one; 1 a check fails; 2 wrong use, or not
        a bundle; 3 intact, but no key was given.
    """
    parser = ArgumentParser(prog="python -m evidence", description="Check evidence, offline.")
    verify = parser.add_subparsers(dest="command", required=True).add_parser("verify")
    verify.add_argument("file", type=Path)
    verify.add_argument("--key", help="the signer's VKEY, or a file of them, one a line")
    verify.add_argument("--trust", type=Path, help="a PEM anchor of your own")
    verify.add_argument("--json", action="store_true", help="the report as one JSON document")
    try:
        options = parser.parse_args(list(argv))
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else 2
    try:
        keys = read_keys(options.key) if options.key else []
        anchors = [options.trust.read_bytes()] if options.trust else []
        report = verify_bundle(options.file, keys, anchors)
    except (VerificationError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write(_json(report) if options.json else _text(report))
    return report.exit_code


def read_keys(text: str) -> list[VerifierKey]:
    """Read what `--key` says.

    Args:
        text: A verifier key, or the path of a file of them, one a line: the signer's history.

    Returns:
        The keys.

    Raises:
        VerificationError: It is neither.
    """
    if "+" in text and not Path(text).is_file():
        return [parse_vkey(text)]
    try:
        with Path(text).open("rb") as file:
            lines = file.read(LARGEST_KEY_FILE).decode("ascii", "replace").split("\n")
    except (OSError, ValueError) as error:
        raise VerificationError(
            f"--key: neither a verifier key nor a file of them: {error}"
        ) from error
    keys = [parse_vkey(line) for line in lines if line]
    if not keys:
        raise VerificationError("--key: the file holds no key")
    return keys


def _json(report: Report) -> str:
    return json.dumps(asdict(report) | {"exit_code": report.exit_code}, indent=2) + "\n"


def _text(report: Report) -> str:
    marks = {Status.PASSED: "ok  ", Status.FAILED: "FAIL", Status.NOT_CHECKED: "--  "}
    lines = [f"{c.number:2} {marks[c.status]} {c.name}: {c.detail}" for c in report.checks]
    verdicts = {
        0: "Every check holds, and the signer is the one given.",
        1: "This bundle does NOT hold. Do not rely on it; ask its sender for another copy.",
        3: f"Intact, but the signer is not known. Compare the fingerprint of its key by another "
        f"way, then pass --key:\n  {report.vkey}\n  {report.fingerprint}",
    }
    safe = "\n".join([*lines, "", verdicts[report.exit_code]])
    return "".join(c if c.isprintable() or c == "\n" else "?" for c in safe) + "\n"
