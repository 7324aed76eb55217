"""Makes the frozen bundles anew, for a new version of the format and never for the same one.

Run from the root of the repository: `PYTHONPATH=.:tests python tests/vectors/make_bundles.py`.
Each file name tells the case; `expected.json` tells the key and the steps that must fail. The good
bundle and the forged ones pin the format: a verifier that changes its mind about them is wrong.
"""

import io
import json
from collections.abc import Mapping
from pathlib import Path

from evidence.canonical import canonical, parse_canonical
from evidence.container import read_container, write_container
from evidence.verify import Status, verify_bytes
from unit.evidence.sample_bundle import KEY, bundle, parts

FOLDER = Path(__file__).parent / "bundles"


def pack(files: Mapping[str, bytes]) -> bytes:
    out = io.BytesIO()
    write_container(out, files.items())
    return out.getvalue()


def cases() -> dict[str, bytes]:
    good = bundle(parts(entries=40))
    view = memoryview(good)
    files = {
        member.name: bytes(view[member.start : member.start + member.size])
        for member in read_container(view).values()
    }
    rows = files["data/population.jsonl"].split(b"\n")
    manifest = parse_canonical(files["manifest.json"]) | {"controls": ["CC9.9"]}
    return {
        "good": good,
        "row-altered": pack(
            files | {"data/population.jsonl": b"\n".join([rows[0] + b" ", *rows[1:]])}
        ),
        "row-taken-out": pack(files | {"data/population.jsonl": b"\n".join(rows[1:])}),
        "manifest-made-anew": pack(files | {"manifest.json": canonical(manifest)}),
    }


def main() -> None:
    expected: dict[str, list[str]] = {}
    for name, content in cases().items():
        (FOLDER / f"{name}.zip").write_bytes(content)
        checks = verify_bytes(memoryview(content), [KEY]).checks
        expected[name] = [check.name for check in checks if check.status is Status.FAILED]
    document = {"vkey": KEY.vkey, "failed": expected}
    (FOLDER / "expected.json").write_text(json.dumps(document, indent=2) + "\n")


if __name__ == "__main__":
    main()
