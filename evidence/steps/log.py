"""Steps about the log: its entries, its head, its growth, and what commitments hide."""

from datetime import UTC, datetime

from evidence.checkpoint import (
    NUMBER,
    cosigners,
    open_checkpoint,
    parse_tlog_proof,
)
from evidence.errors import VerificationError
from evidence.keys import VerifierKey
from evidence.look import Look
from evidence.merkle import (
    decode_multiproof,
    leaf_hash,
    multiproof_root,
    verify_consistency,
    verify_inclusion,
)
from evidence.record import Disclosure, check_disclosure, parse_record, read_base64
from evidence.said import Said, in_a_row, said
from evidence.steps.refusing import named
from evidence.steps.rows import parse_row


def ledger_entries(look: Look) -> Said:
    """The entries lead to the log's root."""
    lines = look.lines("data/ledger.jsonl")
    for number, line in enumerate(lines, 1):
        with named("data/ledger.jsonl", number):
            look.records.append(parse_record(line))
    proof = decode_multiproof(look.read("log/proof"), len(lines))
    look.root = multiproof_root(proof, [leaf_hash(line) for line in lines])
    if (proof.size, look.root.hex()) != (look.listed.size, look.listed.root):
        raise VerificationError(
            "the entries do not lead to the log's root: one was altered, or is of another log"
        )
    return said(
        "%(count)s entries lead to the root of a log of %(size)s", count=len(lines), size=proof.size
    )


def checkpoint(look: Look) -> Said:
    """The head is signed, and the one the manifest tells of."""
    listed = look.listed
    with named("log/checkpoint"):
        note, witnesses = look.read("log/checkpoint"), look.witnesses
        head = open_checkpoint(note, look.keys, witnesses)
        seen = cosigners(note, [*look.keys, *witnesses])
        if look.given_witnesses and not any(key in look.given_witnesses for key, _at in seen):
            raise VerificationError("none of the witnesses given cosigned it")
    if (head.origin, head.size, head.root.hex()) != (listed.origin, listed.size, listed.root):
        raise VerificationError("log/checkpoint is not the head the manifest tells of")
    told = [_cosigned(look, key, at) for key, at in seen]
    first = said("%(origin)s, size %(size)s, signature holds", origin=head.origin, size=head.size)
    return in_a_row([first, *told])


def _cosigned(look: Look, key: VerifierKey, at: int) -> Said:
    when = f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%SZ}"
    if key in look.given_witnesses:
        return said("cosigned by %(name)s at %(when)s", name=key.name, when=when)
    return said(
        "cosigned by %(name)s at %(when)s (a witness known by the bundle alone)",
        name=key.name,
        when=when,
    )


def consistency(look: Look) -> Said:
    """The log grew out of the one of the bundle before."""
    if "log/consistency" not in look.members:
        return said(
            "no earlier bundle is told of; keep this checkpoint to hold the next one against it"
        )
    proof, _, note = look.read("log/consistency").partition(b"\n\n")
    lines = proof.decode("ascii", "replace").split("\n")
    number = lines[0].removeprefix("old ")
    if not lines[0].startswith("old ") or not NUMBER.fullmatch(number):
        raise VerificationError("log/consistency: its first line is not `old SIZE`")
    with named("log/consistency"):
        old = open_checkpoint(note, look.keys)
    if (old.origin, old.size) != (look.listed.origin, int(number)):
        raise VerificationError("log/consistency: its checkpoint is of another log or size")
    path = [read_base64(line) for line in lines[1:]]
    root = bytes.fromhex(look.listed.root)
    verify_consistency(old.size, old.root, look.listed.size, root, path)
    return said("the log grew out of the one of size %(size)s", size=old.size)


def sampled_proofs(look: Look) -> Said:
    """Each single proof is of an entry here, and holds."""
    leaves = [leaf_hash(line) for line in look.lines("data/ledger.jsonl")]
    indexes = decode_multiproof(look.read("log/proof"), len(leaves)).indexes
    by_index, count = dict(zip(indexes, leaves, strict=True)), 0
    for path in look.listed.files:
        if path.startswith("log/samples/"):
            index, proof, note = parse_tlog_proof(look.read(path))
            head = open_checkpoint(note, look.keys, look.witnesses)
            if index not in by_index or head.root.hex() != look.listed.root:
                raise VerificationError(
                    said("%(path)s is of an entry or a log that is not told of here", path=path)
                )
            verify_inclusion(head.root, head.size, index, by_index[index], proof)
            count += 1
    return said("%(count)s single proofs", count=count)


def disclosures(look: Look) -> Said:
    """What is opened is what was committed to."""
    total = sum(len(record.commitments) for record in look.records)
    if "data/disclosures.jsonl" not in look.members:
        return said("redacted: none of %(total)s commitments is opened", total=total)
    by_id = {record.id: record for record in look.records}
    seen = set()
    for number, line in enumerate(look.lines("data/disclosures.jsonl"), 1):
        row = parse_row("data/disclosures.jsonl", number, line)
        if row.keys() != {"entry", "field", "salt", "value"} or not all(
            isinstance(each, str) for each in row.values()
        ):
            raise VerificationError(
                said("data/disclosures.jsonl: row %(number)s is malformed", number=number)
            )
        key = (row["entry"], row["field"])
        if key in seen or row["entry"] not in by_id:
            raise VerificationError(
                said("data/disclosures.jsonl: row %(number)s is of no entry here", number=number)
            )
        seen.add(key)
        with named("data/disclosures.jsonl", number):
            salt = read_base64(row["salt"])
            check_disclosure(by_id[row["entry"]], Disclosure(*key, salt, row["value"]))
    return said("%(count)s of %(total)s commitments opened", count=len(seen), total=total)
