"""Checking a bundle: numbered steps to a report of named checks.

A pure function of the bundle's bytes, the keys and the anchor: no network, no clock, no app. Bytes
are hashed as they are and never made anew. A step that another one has to hold for is told as not
checked if that one failed. Hostile input ends in a failed check. A bundle that another program
packed anew fails, and yet its files are looked at: whoever altered a row is to be found out.
"""

import json
import mmap
import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Final

from evidence.errors import VerificationError
from evidence.foreign import repacked
from evidence.keys import COSIGNATURE, ED25519, VerifierKey, parse_vkey
from evidence.look import Look
from evidence.said import Said, said, told_by
from evidence.steps import STEPS

LARGEST_KEY_FILE: Final = 1 << 16


class Status(StrEnum):
    """What became of a check."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_CHECKED = "not_checked"


@dataclass(frozen=True, slots=True)
class Check:
    """One numbered step and what became of it.

    Attributes:
        number: From 1.
        name: Of the step.
        status: What became of it.
        detail: In English; it knows how it was made, so that it can be said otherwise.
    """

    number: int
    name: str
    status: Status
    detail: Said


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


def verify_bundle(
    path: Path,
    keys: Sequence[VerifierKey] = (),
    anchors: Sequence[bytes] = (),
    witnesses: Sequence[VerifierKey] = (),
) -> Report:
    """Check a bundle.

    Args:
        path: The file.
        keys: The signer's keys, known from elsewhere; none: the bundle's own is used.
        anchors: PEM certificates to trust for the PDF and the container; none: the bundle's own.
        witnesses: Of these, one must have cosigned the checkpoint; none: nobody needs to have.

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
            return verify_bytes(view, keys, anchors, witnesses)
    except (OSError, ValueError) as error:
        raise VerificationError(
            said("%(path)s: cannot be read as a bundle: %(error)s", path=path, error=error)
        ) from error


def verify_bytes(
    data: memoryview,
    keys: Sequence[VerifierKey] = (),
    anchors: Sequence[bytes] = (),
    witnesses: Sequence[VerifierKey] = (),
) -> Report:
    """Check a bundle held in memory; as `verify_bundle`.

    Args:
        data: All of its bytes.
        keys: As there.
        anchors: As there.
        witnesses: As there.

    Returns:
        As there.

    Raises:
        VerificationError: It is no bundle at all.
    """
    if bytes(data[:4]) != b"PK\3\4":
        raise VerificationError("this is not a bundle: a bundle is a ZIP file")
    look = partial(Look, given_keys=keys, given_anchors=anchors, given_witnesses=witnesses)
    report = _run(look(data))
    if report.checks[0].status is Status.PASSED:
        return report
    unpacked = repacked(data)
    if unpacked is None:
        return report
    with memoryview(unpacked) as view:
        inside = _run(look(view))
    # It fails in any case; what else is wrong with its files is told, so that it can be found.
    return replace(inside, checks=(report.checks[0], *inside.checks[1:]))


def _run(look: Look) -> Report:
    checks = list[Check]()
    passed: set[str] = set()
    for number, (name, needs, step) in enumerate(STEPS, 1):
        missing = [need for need in needs if need not in passed]
        if missing:
            detail = said("needs that `%(name)s` holds", name=missing[0])
            checks.append(Check(number, name, Status.NOT_CHECKED, detail))
            continue
        try:
            check = Check(number, name, Status.PASSED, step(look))
            passed.add(name)
        except VerificationError as error:
            check = Check(number, name, Status.FAILED, told_by(error))
        checks.append(check)
    own, is_known = look.own_key, bool(look.given_keys)
    return Report(tuple(checks), own.fingerprint if own else "", own.vkey if own else "", is_known)


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
    verify.add_argument("--witness", help="a witness's VKEY, or a file of them: one cosigned it")
    verify.add_argument("--json", action="store_true", help="the report as one JSON document")
    try:
        options = parser.parse_args(list(argv))
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else 2
    try:
        keys = read_keys(options.key) if options.key else []
        anchors = [options.trust.read_bytes()] if options.trust else []
        watched = read_keys(options.witness, COSIGNATURE) if options.witness else []
        report = verify_bundle(options.file, keys, anchors, watched)
    except (VerificationError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write(_json(report) if options.json else _text(report))
    return report.exit_code


def read_keys(text: str, kind: bytes = ED25519) -> list[VerifierKey]:
    """Read what `--key` or `--witness` says.

    Args:
        text: A verifier key, or the path of a file of them, one a line: the signer's history.
        kind: Of which kind they are.

    Returns:
        The keys.

    Raises:
        VerificationError: It is neither.
    """
    if "+" in text and not Path(text).is_file():
        return [parse_vkey(text, kind)]
    try:
        with Path(text).open("rb") as file:
            lines = file.read(LARGEST_KEY_FILE).decode("ascii", "replace").split("\n")
    except (OSError, ValueError) as error:
        raise VerificationError(
            said("--key: neither a verifier key nor a file of them: %(error)s", error=error)
        ) from error
    keys = [parse_vkey(line, kind) for line in lines if line]
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
