"""The steps of checking a bundle, in order; each tells what it found, or refuses.

A step may rely on those it names as its needs, and on nothing else. `verify.py` runs them.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Final

from evidence.asic import SIGNATURE_PATH, parse_asic_manifest
from evidence.bundle import (
    ASIC_PATH,
    MIMETYPE,
    ROW_DIGEST_BYTES,
    VKEY,
    manifest_text,
    media_type,
)
from evidence.canonical import parse_canonical
from evidence.checkpoint import (
    NUMBER,
    cosigners,
    open_checkpoint,
    open_note,
    parse_tlog_proof,
)
from evidence.container import damaged, read_container
from evidence.errors import VerificationError
from evidence.keys import parse_vkey
from evidence.look import Look
from evidence.manifest import parse_manifest
from evidence.merkle import (
    decode_multiproof,
    leaf_hash,
    multiproof_root,
    verify_consistency,
    verify_inclusion,
)
from evidence.record import Disclosure, check_disclosure, parse_record, read_base64
from evidence.tables import cells, csv_rows, read_columns

BEYOND_MANIFEST: Final = ("manifest.json", ASIC_PATH, SIGNATURE_PATH, "manifest.note")
MOST_NAMED: Final = 5


def _container(look: Look) -> str:
    look.members = read_container(look.data)
    names = list(look.members)
    if not names or names[0] != "mimetype" or look.read("mimetype") != MIMETYPE:
        raise VerificationError("the first member must be mimetype, and say that this is a bundle")
    return f"{len(names)} members, every byte accounted for"


def _checksums(look: Look) -> str:
    _refuse([f"{name} was damaged" for name in damaged(look.data, look.members.values())])
    return "every member is as it was put in"


def _signer(look: Look) -> str:
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


def _note(look: Look) -> str:
    files = {path: look.read(path) for path in BEYOND_MANIFEST[:3]}
    wanted = manifest_text(files).split("\n")
    with _named("manifest.note"):
        found = open_note(look.read("manifest.note"), look.keys).split("\n")
    if found != wanted:
        wrong = [line.partition("  ")[2] for line in wanted if line not in found]
        raise VerificationError(f"manifest.note signs another {', '.join(filter(None, wrong))}")
    return "signature holds over manifest.json and META-INF/"


def _manifest(look: Look) -> str:
    look.manifest = parse_manifest(look.read("manifest.json"))
    return f"bundle {look.manifest.id}, {len(look.manifest.files)} files"


def _members(look: Look) -> str:
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


def _hashes(look: Look) -> str:
    wrong = []
    for path, listed in look.listed.files.items():
        member = look.members[path]
        view = look.data[member.start : member.start + member.size]
        if member.size != listed.bytes or hashlib.sha256(view).hexdigest() != listed.sha256:
            wrong.append(f"{path} was altered")
    _refuse(wrong)
    return "every file has the digest the manifest says"


def _rows(look: Look) -> str:
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


def _counts(look: Look) -> str:
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


def _tables(look: Look) -> str:
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


def _ledger(look: Look) -> str:
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


def _checkpoint(look: Look) -> str:
    listed = look.listed
    with _named("log/checkpoint"):
        note, witnesses = look.read("log/checkpoint"), look.witnesses
        head = open_checkpoint(note, look.keys, witnesses)
        seen = cosigners(note, [*look.keys, *witnesses])
        if look.given_witnesses and not any(key in look.given_witnesses for key, _at in seen):
            raise VerificationError("none of the witnesses given cosigned it")
    if (head.origin, head.size, head.root.hex()) != (listed.origin, listed.size, listed.root):
        raise VerificationError("log/checkpoint is not the head the manifest tells of")
    told = [
        f"; cosigned by {key.name} at {datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%SZ}"
        f"{'' if key in look.given_witnesses else ' (a witness known by the bundle alone)'}"
        for key, at in seen
    ]
    return f"{head.origin}, size {head.size}, signature holds{''.join(told)}"


def _consistency(look: Look) -> str:
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


def _samples(look: Look) -> str:
    leaves = [leaf_hash(line) for line in look.lines("data/ledger.jsonl")]
    indexes = decode_multiproof(look.read("log/proof"), len(leaves)).indexes
    by_index, count = dict(zip(indexes, leaves, strict=True)), 0
    for path in look.listed.files:
        if path.startswith("log/samples/"):
            index, proof, note = parse_tlog_proof(look.read(path))
            head = open_checkpoint(note, look.keys, look.witnesses)
            if index not in by_index or head.root.hex() != look.listed.root:
                raise VerificationError(f"{path} is of an entry or a log that is not told of here")
            verify_inclusion(head.root, head.size, index, by_index[index], proof)
            count += 1
    return f"{count} single proofs"


def _disclosures(look: Look) -> str:
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


def _policies(look: Look) -> str:
    paths = [path for path in look.listed.files if path.startswith("policy/")]
    wrong = [
        f"{path} is not named by its digest"
        for path in paths
        if look.listed.files[path].sha256 != path[len("policy/") :].partition(".")[0]
    ]
    _refuse(wrong)
    return f"{len(paths)} files named by their digests"


def _unsigned_pdf(look: Look) -> str:
    from evidence.pdf.byterange import unsigned_part
    from evidence.pdf.lasting import sealed_end

    pdf = look.read("report.pdf")
    digest = hashlib.sha256(unsigned_part(pdf[: sealed_end(pdf)])).hexdigest()
    if digest != look.listed.unsigned_sha256:
        raise VerificationError("report.pdf is not the report this bundle was made with")
    return "one revision, signature covers the whole file, unsigned digest as recorded"


def _pdf(look: Look) -> str:
    from evidence.cms import verify_pdf

    at, stamps = look.listed.created_at, look.stamp_anchors
    status = verify_pdf(look.read("report.pdf"), look.anchors, at, stamps)
    if not status.ok:
        raise VerificationError(f"report.pdf: {status.detail}")
    told = look.listed.signature_level
    if told is not None and told != status.level:
        raise VerificationError(
            f"report.pdf is signed at level {status.level}, but the manifest says {told}"
        )
    return f"{status.signer}: {status.detail}"


def _asic(look: Look) -> str:
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
    at, stamps = look.listed.created_at, look.stamp_anchors
    status = verify_detached(xml, p7s, look.anchors, at, stamps)
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


STEPS: Final[tuple[tuple[str, tuple[str, ...], Callable[[Look], str]], ...]] = (
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
