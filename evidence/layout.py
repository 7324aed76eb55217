"""The names of the format `attestry-bundle/1`: members, media types, and what the note signs."""

import hashlib
from collections.abc import Mapping
from typing import Final

FORMAT: Final = "attestry-bundle/1"
MIMETYPE: Final = b"application/vnd.etsi.asic-e+zip"
NOTE_HEAD: Final = "attestry-manifest/1"
ASIC_PATH: Final = "META-INF/ASiCManifest001.xml"
ANCHOR: Final = "trust/ca.pem"
STAMP_ANCHOR: Final = "trust/tsa.pem"
VKEY: Final = "trust/signer.vkey"
WITNESSES: Final = "trust/witnesses.vkeys"
ROW_DIGEST_BYTES: Final = 8
SUFFIXES: Final = {"application/json": ".json", "application/yaml": ".yaml"}
MEDIA_TYPES: Final = {
    **{suffix: kind for kind, suffix in SUFFIXES.items()},
    ".jsonl": "application/jsonl",
    ".csv": "text/csv",
    ".pdf": "application/pdf",
    ".txt": "text/plain",
    ".pem": "application/x-pem-file",
    ".tlog-proof": "text/plain",
}


def media_type(path: str) -> str:
    """Tell a member's media type from its path.

    Args:
        path: As in the container.

    Returns:
        A media type.
    """
    if path.startswith("log/") and not path.endswith(".tlog-proof"):
        return "application/octet-stream" if path == "log/rows" else "text/plain"
    suffix = path[path.rfind(".") :]
    return MEDIA_TYPES.get(suffix, "application/octet-stream")


def table_path(name: str, suffix: str = "jsonl") -> str:
    """Tell the path of a data file."""
    return f"data/{name}.{suffix}"


def manifest_text(files: Mapping[str, bytes]) -> str:
    """Write the text the manifest's note signs.

    Args:
        files: Path to content of manifest.json and of each file in META-INF/.

    Returns:
        Its head, then a digest and a path a line, sorted by path.
    """
    lines = [f"{hashlib.sha256(files[path]).hexdigest()}  {path}" for path in sorted(files)]
    return "\n".join([NOTE_HEAD, *lines]) + "\n"
