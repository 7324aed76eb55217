"""The tree against a naive RFC 6962, for many sizes; and proofs that are not proofs."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evidence import merkle, tiles
from evidence.errors import EvidenceError, VerificationError
from unit.evidence.sample_bundle import MemoryTiles

MOST = 700
LEAVES = [merkle.leaf_hash(str(number).encode()) for number in range(MOST)]
SIZES = st.integers(0, MOST) | st.sampled_from([255, 256, 257, 511, 512, 513])


def naive(leaves: Sequence[bytes]) -> bytes:
    if len(leaves) < 2:
        return leaves[0] if leaves else merkle.EMPTY_ROOT
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return merkle.node_hash(naive(leaves[:split]), naive(leaves[split:]))


def build(step: int) -> MemoryTiles:
    store, size = MemoryTiles(), 0
    while size < MOST:
        size = tiles.integrate(store, size, LEAVES[size : size + step])
    return store


TILES = build(37)


@pytest.mark.parametrize("step", [1, 255, 256, 257, 700])
def test_tiles_do_not_depend_on_how_leaves_came_in(step: int) -> None:
    assert build(step).tiles == TILES.tiles


def test_a_log_of_many_tiles_of_tiles_has_the_naive_root() -> None:
    store, leaves = MemoryTiles(), [merkle.leaf_hash(b"%d" % n) for n in range(66_000)]
    tiles.integrate(store, 0, leaves)
    assert tiles.root(store, 66_000) == merkle.tree_root(leaves)
    assert (2, 0) in store.tiles


@given(SIZES)
def test_the_root_is_that_of_the_rfc(size: int) -> None:
    assert tiles.root(TILES, size) == naive(LEAVES[:size]) == merkle.tree_root(LEAVES[:size])


@given(SIZES.filter(bool), st.data())
def test_an_inclusion_proof_holds_for_its_own_entry_only(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    path, root = tiles.inclusion(TILES, size, index), naive(LEAVES[:size])
    merkle.verify_inclusion(root, size, index, LEAVES[index], path)
    for wrong in (
        (root, size, index, LEAVES[index - 1] if size > 1 else bytes(32), path),
        (bytes(32), size, index, LEAVES[index], path),
        (root, size, size, LEAVES[index], path),
        (root, size, index, LEAVES[index], (*path, bytes(32))),
    ):
        with pytest.raises(VerificationError):
            merkle.verify_inclusion(*wrong)


@given(SIZES, SIZES)
def test_a_consistency_proof_shows_growth_and_nothing_else(one: int, other: int) -> None:
    old, size = sorted((one, other))
    before, after = naive(LEAVES[:old]), naive(LEAVES[:size])
    path = tiles.consistency(TILES, old, size)
    merkle.verify_consistency(old, before, size, after, path)
    with pytest.raises(VerificationError):
        merkle.verify_consistency(old, bytes(32), size, after, path)
    with pytest.raises(VerificationError):
        merkle.verify_consistency(old, before, size, after, (*path, bytes(32)))
    if old not in (0, size):
        with pytest.raises(VerificationError):
            merkle.verify_consistency(old, before, size, bytes(32), path)
    if old < size:
        with pytest.raises(VerificationError):
            merkle.verify_consistency(size, after, old, before, path)


@settings(deadline=None)
@given(SIZES, st.data())
def test_one_proof_for_many_entries_leads_to_the_root(size: int, data: st.DataObject) -> None:
    indexes = sorted(data.draw(st.sets(st.integers(0, max(size - 1, 0)), max_size=size)))
    proof = tiles.multiproof(TILES, size, indexes)
    text = merkle.encode_multiproof(proof)
    assert merkle.decode_multiproof(text, len(indexes)) == proof
    held = [LEAVES[index] for index in indexes]
    assert merkle.multiproof_root(proof, held) == naive(LEAVES[:size])
    for at in range(len(proof.nodes)):
        short = proof._replace(nodes=proof.nodes[:at] + proof.nodes[at + 1 :])
        with pytest.raises(VerificationError):
            merkle.multiproof_root(short, held)
        twice = proof._replace(nodes=proof.nodes[: at + 1] + proof.nodes[at:])
        with pytest.raises(VerificationError):
            merkle.multiproof_root(twice, held)


def test_the_proof_text_is_the_published_one() -> None:
    text = merkle.encode_multiproof(tiles.multiproof(TILES, 7, [0, 1, 4]))
    lines = text.decode("ascii").split("\n")
    assert lines[:3] == ["attestry-multiproof/1", "7", "0-1,4"]
    assert [line.rsplit(" ", 1)[0] for line in lines[3:]] == ["1 1", "0 5", "0 6", ""]


def read_proof(text: bytes) -> bytes:
    return merkle.multiproof_root(merkle.decode_multiproof(text, 3), LEAVES[:3])


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"/1\n", b"/2\n"),
        (b"\n7\n", b"\n07\n"),
        (b"\n7\n", b"\n7-8\n"),
        (b"\n7\n", b"\n9007199254740993\n"),
        (b"0-1,4", b"0,1,4"),
        (b"0-1,4", b"4,0-1"),
        (b"0-1,4", b"0-1, 4"),
        (b"0-1,4", b"0-9007199254740992"),
        (b"0-1,4", b"1-0,4"),
        (b"1 1 ", b"1 01 "),
        (b"1 1 ", b"99 1 "),
        (b"=\n", b"=\r\n"),
        (b"=\n", b"\n"),
    ],
)
def test_the_proof_text_has_one_form(old: bytes, new: bytes) -> None:
    text = merkle.encode_multiproof(tiles.multiproof(TILES, 7, [0, 1, 4]))
    assert old in text
    with pytest.raises(VerificationError):
        read_proof(text.replace(old, new, 1))


@given(st.binary(max_size=80))
def test_hostile_proof_texts_raise_nothing_else(tail: bytes) -> None:
    with pytest.raises(VerificationError):
        merkle.decode_multiproof(b"attestry-multiproof/1\n" + tail, 3)


def test_many_entries_are_proved_with_one_read_of_tiles() -> None:
    store = build(700)
    store.reads = 0
    tiles.multiproof(store, MOST, range(0, MOST, 3))
    assert store.reads == 1


def test_a_damaged_log_says_which_tile() -> None:
    store = build(700)
    del store.tiles[1, 0]
    with pytest.raises(EvidenceError, match=r"tile \(1, 0\): missing"):
        tiles.root(store, MOST)
