"""Reading a bundle's manifest, strictly: no key too many, no value of another shape."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from evidence.canonical import parse_canonical
from evidence.errors import VerificationError
from evidence.layout import FORMAT, media_type
from evidence.longterm import LEVELS
from evidence.said import said

HEX: Final = re.compile(r"[0-9a-f]{64}")
KEYS: Final = frozenset(
    {"format", "id", "created_at", "kind", "period", "scope", "controls", "supersedes"}
    | {"counts", "ledger", "report", "files"}
)
FILE_KEYS: Final = frozenset({"path", "bytes", "sha256", "media_type", "records"})
DATA: Final = (
    r"data/((decisions|drift|excluded|leavers|population|requests)\.(jsonl|csv)"
    r"|(disclosures|ledger|sources)\.jsonl)"
)
ALLOWED: Final = re.compile(
    rf"report\.pdf|README-VERIFY\.txt|{DATA}|policy/[0-9a-f]{{64}}\.(yaml|json)"
    r"|oscal/assessment-results\.json|log/(checkpoint|proof|consistency|rows)"
    r"|log/samples/[A-Za-z0-9_-]{1,100}\.tlog-proof|trust/[A-Za-z0-9_-]{1,60}\.[a-z0-9]{1,10}"
)
REQUIRED: Final = frozenset(
    {"report.pdf", "README-VERIFY.txt", "log/checkpoint", "log/proof", "log/rows"}
    | {"trust/signer.vkey", "trust/ca.pem", "data/ledger.jsonl", "data/sources.jsonl"}
    | {
        f"data/{name}.{suffix}"
        for name in ("decisions", "drift", "excluded", "leavers", "population", "requests")
        for suffix in ("jsonl", "csv")
    }
)


@dataclass(frozen=True, slots=True)
class ListedFile:
    """A file as the manifest tells of it."""

    path: str
    bytes: int
    sha256: str
    records: int | None


@dataclass(frozen=True, slots=True)
class Manifest:
    """What the manifest says.

    Attributes:
        id: The bundle's id.
        created_at: When it was made, by its own word; aware.
        counts: Data file to number of records.
        origin: The log's name.
        size: The tree's size.
        root: The tree's root, hex.
        unsigned_sha256: Digest of the PDF before it was sealed, hex.
        signature_level: Which level the report's signature is said to have; None: it is not said.
        files: Every file, by path, in order.
    """

    id: str
    created_at: datetime
    counts: Mapping[str, int]
    origin: str
    size: int
    root: str
    unsigned_sha256: str
    signature_level: str | None
    files: Mapping[str, ListedFile]


def parse_manifest(content: bytes) -> Manifest:
    """Read a manifest.

    Args:
        content: The bytes of manifest.json.

    Returns:
        What it says.

    Raises:
        VerificationError: It is not canonical, or not a manifest of this format.
    """
    value = parse_canonical(content)
    if not isinstance(value, dict) or value.keys() != KEYS or value["format"] != FORMAT:
        raise VerificationError(
            said("manifest.json is not one of %(format)s; take a newer verifier?", format=FORMAT)
        )
    _check_shapes(value)
    ledger, report = value["ledger"], value["report"]
    files = [_file(each) for each in value["files"]]
    paths = [each.path for each in files]
    if paths != sorted(set(paths)) or not set(paths) >= REQUIRED:
        missing = ", ".join(sorted(REQUIRED - set(paths))) or "none; but they are not in order"
        raise VerificationError(
            said("manifest.json: files missing from its list: %(missing)s", missing=missing)
        )
    return Manifest(
        value["id"],
        _time(value["created_at"]),
        value["counts"],
        _text(ledger["origin"], "ledger.origin"),
        _count(ledger["size"], "ledger.size"),
        _hex(ledger["root"], "ledger.root"),
        _hex(report["unsigned_sha256"], "report.unsigned_sha256"),
        _level(value["scope"].get("signature_level")),
        {each.path: each for each in files},
    )


def _check_shapes(value: Mapping[str, Any]) -> None:
    for name, kind in (
        ("id", str),
        ("kind", str),
        ("period", dict),
        ("scope", dict),
        ("controls", list),
        ("counts", dict),
        ("ledger", dict),
        ("report", dict),
        ("files", list),
        ("supersedes", str | None),
    ):
        if not isinstance(value[name], kind):
            raise VerificationError(said("manifest.json: %(name)s is malformed", name=name))
    inner = (value["ledger"].keys(), value["report"].keys())
    if inner != ({"origin", "size", "root"}, {"unsigned_sha256"}):
        raise VerificationError("manifest.json: ledger or report is malformed")
    for name, count in value["counts"].items():
        _count(count, f"counts.{name}")


def _file(value: Any) -> ListedFile:
    if not isinstance(value, dict) or value.keys() != FILE_KEYS:
        raise VerificationError("manifest.json: a file in its list is malformed")
    path = _text(value["path"], "files.path")
    if not ALLOWED.fullmatch(path) or value["media_type"] != media_type(path):
        raise VerificationError(
            said("manifest.json: %(path)s has no place in a bundle", path=f"{path[:200]!r}")
        )
    records = value["records"]
    if (records is None) == path.startswith("data/"):
        raise VerificationError(said("manifest.json: records of %(path)s is malformed", path=path))
    size = _count(value["bytes"], f"bytes of {path}")
    counted = None if records is None else _count(records, f"records of {path}")
    return ListedFile(path, size, _hex(value["sha256"], path), counted)


def _count(value: Any, name: str) -> int:
    if type(value) is not int or value < 0:
        raise VerificationError(said("manifest.json: %(name)s is not a count", name=name))
    return value


def _text(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise VerificationError(said("manifest.json: %(name)s is not text", name=name))
    return value


def _level(value: Any) -> str | None:
    if value is None:
        return None
    if value not in LEVELS:
        raise VerificationError("manifest.json: scope.signature_level is none that there is")
    return str(value)


def _hex(value: Any, name: str) -> str:
    if not isinstance(value, str) or not HEX.fullmatch(value):
        raise VerificationError(said("manifest.json: %(name)s is not a SHA-256", name=name))
    return value


def _time(value: Any) -> datetime:
    try:
        found = datetime.fromisoformat(_text(value, "created_at"))
    except ValueError as error:
        raise VerificationError("manifest.json: created_at is not a time") from error
    if found.tzinfo is None:
        raise VerificationError("manifest.json: created_at has no zone")
    return found
