"""The bundle: populations, entries, proofs and documents, tied by one manifest and signed.

Promise: the bytes of `data/`, `policy/` and the unsigned PDF follow from the data, `id` and
`created_at` alone; rows are streamed through files and never all held. Members are those of the
format `attestry-bundle/1` and no others. The container's form is `container.py`'s.
"""

import base64
import hashlib
import shutil
import tempfile
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from evidence.asic import SIGNATURE_PATH, asic_manifest
from evidence.canonical import canonical, read_again
from evidence.checkpoint import open_checkpoint, sign_note
from evidence.container import write_container
from evidence.errors import EvidenceError
from evidence.keys import Signer, VerifierKey, verifier_key
from evidence.layout import (
    ASIC_PATH,
    FORMAT,
    MIMETYPE,
    ROW_DIGEST_BYTES,
    SUFFIXES,
    VKEY,
    WITNESSES,
    manifest_text,
    media_type,
    table_path,
)
from evidence.readme import README
from evidence.record import Disclosure
from evidence.tables import DATA_FILES, WITH_CSV, cells, csv_rows


@dataclass(frozen=True, slots=True)
class Table:
    """One data file.

    Attributes:
        columns: The CSV's columns; every key a row has must be among them.
        rows: The rows, in order; values are what canonical JSON holds.
    """

    columns: tuple[str, ...]
    rows: Iterable[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class PolicyFile:
    """A policy's text, or the facts of verdicts, as they were in force.

    Attributes:
        content: The exact bytes; their SHA-256 names the file.
        media_type: `application/yaml` or `application/json`.
    """

    content: bytes
    media_type: str = "application/yaml"


@dataclass(frozen=True, slots=True)
class BundleParts:
    """Everything a bundle is made of.

    Attributes:
        id: The bundle's public id.
        created_at: RFC 3339, UTC; certificates are judged at this time.
        kind: `campaign`, `period` or `sample`.
        period: `from` and `to`, RFC 3339.
        scope: What it is about: canonical JSON object.
        controls: Control ids it answers.
        supersedes: Id of the bundle it replaces, or None.
        tables: Name to rows: decisions, drift, excluded, leavers, population, requests, sources.
            A name left out is an empty table with the column `id`.
        entries: Index in the log and exact bytes of each ledger entry, ascending.
        disclosures: What opens commitments in them; None makes a redacted bundle.
        policies: Policy texts and facts.
        checkpoint: The signed note of the tree head, by the signer of the bundle.
        proof: Gives the bytes of `log/proof` for indexes, in the tree of the checkpoint.
        render: Draws the unsigned PDF into a file, from the data files as they were written: so
            it can say nothing that they do not say.
        assess: Gives the bytes of `oscal/assessment-results.json` from them, or None for none.
        consistency: The bytes of `log/consistency`, or None in a first bundle.
        samples: Name (without suffix) to the bytes of a `.tlog-proof`.
        trust: File name to bytes; `ca.pem`, the anchor, is among them.
        witnesses: The keys whose cosignatures the checkpoint bears.
    """

    id: str
    created_at: str
    kind: str
    period: Mapping[str, str]
    scope: Mapping[str, Any]
    controls: Sequence[str]
    supersedes: str | None
    tables: Mapping[str, Table]
    entries: Iterable[tuple[int, bytes]]
    disclosures: Iterable[Disclosure] | None
    policies: Sequence[PolicyFile]
    checkpoint: bytes
    proof: Callable[[Sequence[int]], bytes]
    render: Callable[["Records", BinaryIO], None]
    trust: Mapping[str, bytes]
    assess: Callable[["Records"], bytes | None] = lambda _records: None
    consistency: bytes | None = None
    samples: Mapping[str, bytes] = field(default_factory=dict)
    witnesses: Sequence[VerifierKey] = ()


@dataclass(frozen=True, slots=True)
class BundleSigners:
    """Who signs what.

    Attributes:
        note: The log's key: signs the manifest.
        seal: Seals a PDF where it is.
        cms: Content to detached CMS signature, DER.
    """

    note: Signer
    seal: Callable[[Path], None]
    cms: Callable[[bytes], bytes]


@dataclass(frozen=True, slots=True)
class BundleSummary:
    """What was written.

    Attributes:
        bytes: The container's size.
        sha256: The manifest's digest, hex: what to quote when the bundle is meant.
        counts: Data file to number of records.
    """

    bytes: int
    sha256: str
    counts: Mapping[str, int]


def write_bundle(out: BinaryIO | Path, parts: BundleParts, signers: BundleSigners) -> BundleSummary:
    """Write a bundle.

    Args:
        out: A file to make, or an open binary stream.
        parts: What it is made of.
        signers: Who signs.

    Returns:
        What was written.

    Raises:
        EvidenceError: A part is missing or has no place in the format; the message names it.
    """
    if isinstance(out, Path):
        with out.open("wb") as file:
            return write_bundle(file, parts, signers)
    with tempfile.TemporaryDirectory(prefix="bundle-") as folder:
        return _Press(Path(folder), parts, signers).run(out)


class Records:
    """The data files of a bundle in the making, to be read again.

    Args:
        folder: Where they are.
        counts: Data file to its number of records.
    """

    def __init__(self, folder: Path, counts: Mapping[str, int]) -> None:
        self._folder, self.counts = folder, counts

    def rows(self, name: str) -> Iterator[dict[str, Any]]:
        """Read the rows of a data file, one at a time."""
        with (self._folder / f"{name}.jsonl").open("rb") as file:
            yield from map(read_again, file)


class _Press:
    """One bundle in the making: files in a folder, and what is known of them."""

    def __init__(self, folder: Path, parts: BundleParts, signers: BundleSigners) -> None:
        self._folder, self._parts, self._signers = folder, parts, signers
        self._key = verifier_key(signers.note)
        self._head = open_checkpoint(parts.checkpoint, [self._key], parts.witnesses)
        self._files: dict[str, Path | bytes] = {}
        self._counts: dict[str, int] = {}
        self._row_digests: dict[str, Path] = {}
        self._unsigned = ""

    def run(self, out: BinaryIO) -> BundleSummary:
        self._data()
        self._log()
        self._documents()
        files = [self._describe(path) for path in sorted(self._files)]
        manifest = canonical(self._manifest(files))
        members: list[tuple[str, Path | bytes]] = [("mimetype", MIMETYPE)]
        members += [(path, self._files[path]) for path in sorted(self._files)]
        members += [("manifest.json", manifest), *self._signatures(files, manifest)]
        size = write_container(out, members)
        return BundleSummary(size, hashlib.sha256(manifest).hexdigest(), dict(self._counts))

    def _data(self) -> None:
        unknown = set(self._parts.tables) - set(DATA_FILES) | {
            name for name in self._parts.tables if name in ("ledger", "disclosures")
        }
        if unknown:
            raise EvidenceError(f"tables: {min(unknown)!r} is no table of a bundle")
        for name in DATA_FILES:
            if name == "ledger":
                self._ledger()
            elif name == "disclosures":
                self._disclosures()
            else:
                self._table(name, self._parts.tables.get(name, Table(("id",), ())))

    def _table(self, name: str, table: Table) -> None:
        known = frozenset(table.columns)
        if not table.columns or len(known) != len(table.columns):
            raise EvidenceError(f"tables.{name}: it needs columns, none twice")
        with_csv = name in WITH_CSV
        target = self._folder / f"{name}.csv"
        with target.open("wb") as sheet:
            sheet.write(csv_rows([table.columns]))

            def lines() -> Iterable[bytes]:
                for number, row in enumerate(table.rows, 1):
                    if not known >= row.keys():
                        extra = min(row.keys() - known)
                        raise EvidenceError(f"tables.{name}: row {number} has no column {extra!r}")
                    sheet.write(csv_rows([cells(row, table.columns)]))
                    yield canonical(dict(row))

            self._lines(name, lines())
        if with_csv:
            self._files[table_path(name, "csv")] = target

    def _ledger(self) -> None:
        indexes = array("q")

        def lines() -> Iterable[bytes]:
            for index, body in self._parts.entries:
                if b"\n" in body or (indexes and index <= indexes[-1]):
                    raise EvidenceError(f"entries: entry {index} is out of order, or not one line")
                indexes.append(index)
                yield body

        self._lines("ledger", lines())
        self._files["log/proof"] = self._parts.proof(indexes)

    def _disclosures(self) -> None:
        if self._parts.disclosures is not None:
            self._lines(
                "disclosures",
                (canonical(disclosure_row(each)) for each in self._parts.disclosures),
            )

    def _lines(self, name: str, lines: Iterable[bytes]) -> None:
        target, digests = self._folder / f"{name}.jsonl", self._folder / f"{name}.rows"
        count = 0
        with target.open("wb") as file, digests.open("wb") as rows:
            for line in lines:
                file.write(line + b"\n")
                rows.write(hashlib.sha256(line).digest()[:ROW_DIGEST_BYTES])
                count += 1
        self._files[table_path(name)] = target
        self._row_digests[table_path(name)] = digests
        self._counts[name] = count

    def _log(self) -> None:
        rows = self._folder / "rows"
        with rows.open("wb") as file:
            for path in sorted(self._row_digests):
                with self._row_digests[path].open("rb") as digests:
                    shutil.copyfileobj(digests, file)
        self._files["log/rows"] = rows
        self._files["log/checkpoint"] = self._parts.checkpoint
        if self._parts.consistency is not None:
            self._files["log/consistency"] = self._parts.consistency
        for name, content in self._parts.samples.items():
            self._files[f"log/samples/{name}.tlog-proof"] = content

    def _documents(self) -> None:
        for policy in self._parts.policies:
            if policy.media_type not in SUFFIXES:
                raise EvidenceError(f"policies: {policy.media_type!r} is not one of a policy file")
            name = hashlib.sha256(policy.content).hexdigest() + SUFFIXES[policy.media_type]
            self._files[f"policy/{name}"] = policy.content
        if "ca.pem" not in self._parts.trust:
            raise EvidenceError("trust: ca.pem, the anchor of the signatures, is missing")
        for name, content in self._parts.trust.items():
            self._files[f"trust/{name}"] = content
        self._files[VKEY] = f"{self._key.vkey}\n".encode("ascii")
        if self._parts.witnesses:
            lines = "".join(f"{each.vkey}\n" for each in self._parts.witnesses)
            self._files[WITNESSES] = lines.encode("ascii")
        self._files["README-VERIFY.txt"] = README.format(id=self._parts.id).encode()
        records = Records(self._folder, dict(self._counts))
        assessment = self._parts.assess(records)
        if assessment is not None:
            self._files["oscal/assessment-results.json"] = assessment
        report = self._folder / "report.pdf"
        with report.open("w+b") as file:
            self._parts.render(records, file)
        with report.open("rb") as file:
            self._unsigned = hashlib.file_digest(file, "sha256").hexdigest()
        self._signers.seal(report)
        self._files["report.pdf"] = report

    def _describe(self, path: str) -> dict[str, Any]:
        content = self._files[path]
        if isinstance(content, Path):
            with content.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            size = content.stat().st_size
        else:
            size, digest = len(content), hashlib.sha256(content).hexdigest()
        stem = path.removeprefix("data/").partition(".")[0]
        return {
            "path": path,
            "bytes": size,
            "sha256": digest,
            "media_type": media_type(path),
            "records": self._counts[stem] if path.startswith("data/") else None,
        }

    def _manifest(self, files: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        parts, head = self._parts, self._head
        return {
            "format": FORMAT,
            "id": parts.id,
            "created_at": parts.created_at,
            "kind": parts.kind,
            "period": dict(parts.period),
            "scope": dict(parts.scope),
            "controls": list(parts.controls),
            "supersedes": parts.supersedes,
            "counts": dict(self._counts),
            "ledger": {"origin": head.origin, "size": head.size, "root": head.root.hex()},
            "report": {"unsigned_sha256": self._unsigned},
            "files": list(files),
        }

    def _signatures(
        self, files: Sequence[Mapping[str, Any]], manifest: bytes
    ) -> list[tuple[str, Path | bytes]]:
        told = [(each["path"], each["media_type"], each["sha256"]) for each in files]
        told.append(("manifest.json", "application/json", hashlib.sha256(manifest).hexdigest()))
        xml = asic_manifest(sorted(told))
        signature = self._signers.cms(xml)
        sums = {ASIC_PATH: xml, SIGNATURE_PATH: signature, "manifest.json": manifest}
        note = sign_note(manifest_text(sums), self._signers.note)
        return [(ASIC_PATH, xml), (SIGNATURE_PATH, signature), ("manifest.note", note)]


def disclosure_row(disclosure: Disclosure) -> dict[str, str]:
    """Tell the row of a disclosure in `data/disclosures.jsonl`."""
    return {
        "entry": disclosure.entry,
        "field": disclosure.field,
        "salt": base64.b64encode(disclosure.salt).decode("ascii"),
        "value": disclosure.value,
    }
