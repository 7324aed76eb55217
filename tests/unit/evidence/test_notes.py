"""Keys, signed notes, checkpoints and single proofs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidence.checkpoint import (
    Checkpoint,
    open_checkpoint,
    open_note,
    parse_tlog_proof,
    sign_checkpoint,
    sign_note,
    write_tlog_proof,
)
from evidence.errors import EvidenceError, VerificationError
from evidence.keys import MemorySigner, parse_vkey
from unit.evidence.sample_bundle import KEY, ORIGIN, OTHER, SIGNER

HEAD = Checkpoint(ORIGIN, 5, b"r" * 32)
# The example of c2sp.org/signed-note, also in golang.org/x/mod/sumdb/note.
GO_VKEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_NOTE = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n\n"
    "\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdng"
    "otpRZb6KE6RyyBwJnAM=\n"
)


def test_the_note_of_the_specification_is_opened() -> None:
    assert open_note(GO_NOTE.encode(), [parse_vkey(GO_VKEY)]).startswith("If you think")


def test_a_key_reads_back_from_its_line() -> None:
    assert parse_vkey(KEY.vkey) == KEY


@given(st.integers(0, 200), st.integers(0, 7))
def test_a_flipped_bit_in_a_key_is_refused(at: int, bit: int) -> None:
    raw = bytearray(KEY.vkey.encode())
    raw[at % len(raw)] ^= 1 << bit
    with pytest.raises(VerificationError):
        parse_vkey(raw.decode("latin-1"))


def test_a_checkpoint_opens_with_its_key_and_no_other() -> None:
    note = sign_checkpoint(HEAD, SIGNER)
    assert open_checkpoint(note, [KEY]) == HEAD
    with pytest.raises(VerificationError, match="not a key that counts"):
        open_checkpoint(sign_checkpoint(HEAD, OTHER), [KEY])


def test_every_flipped_bit_of_a_checkpoint_is_refused() -> None:
    note = sign_checkpoint(HEAD, SIGNER)
    for at in range(len(note)):
        for bit in range(8):
            raw = bytearray(note)
            raw[at] ^= 1 << bit
            with pytest.raises(VerificationError):
                open_checkpoint(bytes(raw), [KEY])


@pytest.mark.parametrize("text", ["", "a", "a\x00\n", "a\r\n", "a\n\n\u2014 b\n", "\x7f\n"])
def test_a_text_that_is_no_notes_is_not_signed(text: str) -> None:
    with pytest.raises(EvidenceError):
        sign_note(text, SIGNER)


def test_the_same_signature_twice_and_lines_of_strangers_are_refused() -> None:
    note = sign_checkpoint(HEAD, SIGNER)
    line = note[note.rindex("\u2014".encode()) :]
    foreign = sign_checkpoint(HEAD, OTHER)
    for extra in (line, foreign[foreign.rindex("\u2014".encode()) :], b"\n"):
        with pytest.raises(VerificationError):
            open_note(note + extra, [KEY])


@pytest.mark.parametrize(
    "text", ["o\n05\n", "o\n-1\n", "o\n5\n", "\n5\ncnJy\n", "o\n5\ncnJy\n", "o\n5\nx\ny\n"]
)
def test_a_signed_text_that_is_no_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(VerificationError):
        open_checkpoint(sign_note(text, SIGNER), [KEY])


def test_a_key_of_another_log_does_not_speak_for_this_one() -> None:
    with pytest.raises(EvidenceError, match="origin"):
        sign_checkpoint(Checkpoint("other/log", 1, bytes(32)), SIGNER)
    with pytest.raises(VerificationError):
        open_checkpoint(sign_note(Checkpoint("other/log", 1, bytes(32)).text, SIGNER), [KEY])


@pytest.mark.parametrize(("name", "key"), [("a b", bytes(32)), ("a+b", bytes(32)), ("a", b"x")])
def test_a_signer_that_cannot_be_is_refused(name: str, key: bytes) -> None:
    with pytest.raises(EvidenceError):
        MemorySigner(name, key)


def test_a_single_proof_reads_back_and_has_one_form() -> None:
    content = write_tlog_proof(3, (b"a" * 32, b"b" * 32), b"note\n")
    assert parse_tlog_proof(content) == (3, (b"a" * 32, b"b" * 32), b"note\n")
    for wrong in (b"", content[:30], content.replace(b"index 3", b"index 03"), b"\xff" + content):
        with pytest.raises(VerificationError):
            parse_tlog_proof(wrong)
