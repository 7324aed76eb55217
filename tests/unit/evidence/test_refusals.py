"""What the tools of evidence refuse to make or to read, each by its own sentence."""

from collections.abc import Mapping, Sequence

import pytest

from evidence.checkpoint import LARGEST_NOTE, open_checkpoint
from evidence.container import read_container
from evidence.errors import EvidenceError, VerificationError
from evidence.merkle import consistency_ranges, inclusion_ranges, leaf_hash
from evidence.record import Record, commitment, seal_record
from evidence.tiles import TileKey, integrate, root


def record(**more: object) -> Record:
    fields: dict[str, object] = {
        "id": "019cad8f-ac00-79f7-a314-3e0573518d54",
        "at": "2026-03-02T08:00:00.000000Z",
        "kind": "task.verified",
        "actor": "system",
        "subject": "x",
        "data": {},
    }
    return Record(**(fields | more))  # type: ignore[arg-type]


def test_an_entry_brings_no_commitments_of_its_own() -> None:
    with pytest.raises(EvidenceError, match="made here"):
        seal_record(record(commitments={"reason": "x"}), personal={}, salt=lambda: bytes(16))


def test_text_that_is_no_unicode_is_not_committed_to() -> None:
    with pytest.raises(EvidenceError, match="UTF-8"):
        commitment("reason", bytes(16), "\ud800")


def test_there_is_no_proof_of_an_entry_that_is_not_in_the_tree() -> None:
    for index in (-1, 4):
        with pytest.raises(EvidenceError, match="not in a tree of 4"):
            inclusion_ranges(4, index)


def test_a_tree_did_not_grow_out_of_a_larger_one() -> None:
    for old in (-1, 5):
        with pytest.raises(EvidenceError, match="earlier tree"):
            consistency_ranges(old, 4)


def test_a_note_beyond_the_limit_is_not_even_read() -> None:
    with pytest.raises(VerificationError, match="too large"):
        open_checkpoint(b"a" * (LARGEST_NOTE + 1), [])


def test_a_container_that_is_cut_off_before_its_end_is_refused() -> None:
    with pytest.raises(VerificationError, match="cut off"):
        read_container(memoryview(b"PK"))


class Held:
    """Tiles in memory."""

    def __init__(self) -> None:
        self.tiles: dict[TileKey, bytes] = {}

    def get(self, keys: Sequence[TileKey]) -> Mapping[TileKey, bytes]:
        return {key: self.tiles[key] for key in keys if key in self.tiles}

    def put(self, tiles: Mapping[TileKey, bytes]) -> None:
        self.tiles.update(tiles)


def test_a_tile_that_lost_a_hash_is_told_as_damage_of_the_log() -> None:
    held = Held()
    size = integrate(held, 0, [leaf_hash(bytes([each])) for each in range(5)])
    assert len(root(held, size)) == 32
    held.tiles[0, 0] = held.tiles[0, 0][:-32]
    with pytest.raises(EvidenceError, match="too short"):
        root(held, size)
