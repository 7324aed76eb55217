"""A witness cosigns what grew out of what it cosigned before, and nothing else."""

import http.client
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidence import serving
from evidence.checkpoint import (
    Checkpoint,
    cosign,
    cosigners,
    open_checkpoint,
    open_note,
    sign_checkpoint,
    write_tlog_proof,
)
from evidence.errors import EvidenceError, VerificationError
from evidence.keys import COSIGNATURE, MemorySigner, VerifierKey, parse_vkey
from evidence.merkle import leaf_hash
from evidence.standalone import attestry_verify
from evidence.tiles import consistency, inclusion, integrate, root
from evidence.verify import Status, verify_bytes
from evidence.witness import Witness, WitnessFile, request_body
from unit.evidence.sample_bundle import (
    KEY,
    ORIGIN,
    OTHER,
    SIGNER,
    MemoryTiles,
    bundle,
    entry,
    parts,
)

NAME = "witness.example.com/w1"
HOLDER = MemorySigner(NAME, bytes(range(1, 33)))
WITNESS_KEY = VerifierKey(NAME, HOLDER.public_key, COSIGNATURE)
NOW = 1_780_000_000
TILES = MemoryTiles()
integrate(TILES, 0, [leaf_hash(b"%d" % number) for number in range(40)])
FORK = MemoryTiles()
integrate(FORK, 0, [leaf_hash(b"other %d" % number) for number in range(40)])


def head(size: int, tiles: MemoryTiles = TILES) -> Checkpoint:
    return Checkpoint(ORIGIN, size, root(tiles, size))


def sent(old: int, size: int, tiles: MemoryTiles = TILES, signer: MemorySigner = SIGNER) -> bytes:
    proof = consistency(tiles, old, size) if old <= size else ()
    return request_body(old, proof, sign_checkpoint(head(size, tiles), signer))


@pytest.fixture
def witness(tmp_path: Path) -> Witness:
    return Witness(HOLDER, WitnessFile(tmp_path / "heads.json"), [KEY], lambda: NOW)


def test_a_first_head_and_all_that_grow_out_of_it_are_cosigned(witness: Witness) -> None:
    for old, size in ((0, 5), (5, 8), (8, 8), (8, 40)):
        answer = witness.add_checkpoint(sent(old, size))
        note = sign_checkpoint(head(size), SIGNER) + answer.body.encode()
        assert answer.status == 200
        assert open_checkpoint(note, [KEY], [WITNESS_KEY]) == head(size)
        assert cosigners(note, [KEY, WITNESS_KEY]) == [(WITNESS_KEY, NOW)]


def test_another_size_than_the_known_one_is_told_the_known_one(witness: Witness) -> None:
    witness.add_checkpoint(sent(0, 8))
    for old in (0, 5, 9):
        answer = witness.add_checkpoint(sent(old, 20))
        assert (answer.status, answer.body, answer.media_type) == (409, "8\n", "text/x.tlog.size")


def test_a_history_that_was_rewritten_is_never_cosigned(witness: Witness) -> None:
    witness.add_checkpoint(sent(0, 8))
    assert witness.add_checkpoint(sent(8, 20, FORK)).status == 422
    assert witness.add_checkpoint(sent(8, 8, FORK)).status == 409
    assert witness.add_checkpoint(sent(8, 20)).status == 200


def test_a_log_that_was_cut_is_never_cosigned(witness: Witness) -> None:
    witness.add_checkpoint(sent(0, 20))
    assert witness.add_checkpoint(sent(0, 8)).status == 409
    assert witness.add_checkpoint(sent(20, 8)).status == 400


def test_what_it_signed_outlives_it(witness: Witness, tmp_path: Path) -> None:
    witness.add_checkpoint(sent(0, 8))
    again = replace(witness, state=WitnessFile(tmp_path / "heads.json"))
    assert again.add_checkpoint(sent(0, 9)).body == "8\n"
    assert list(json.loads((tmp_path / "heads.json").read_text())) == [ORIGIN]


@pytest.mark.parametrize("held", ["", "[]", '{"a":1}', '{"a":{"size":"x","root":""}}', "\0"])
def test_without_a_memory_it_can_read_it_signs_nothing(
    witness: Witness, tmp_path: Path, held: str
) -> None:
    (tmp_path / "heads.json").write_text(held)
    with pytest.raises(EvidenceError, match="last good copy"):
        witness.add_checkpoint(sent(0, 8))


def test_a_log_it_does_not_know_and_a_key_that_is_not_the_logs(witness: Witness) -> None:
    stranger = replace(witness, logs=[])
    assert stranger.add_checkpoint(sent(0, 8)).status == 404
    assert witness.add_checkpoint(sent(0, 8, signer=OTHER)).status == 403


def test_a_proof_with_a_first_head_is_refused(witness: Witness) -> None:
    body = request_body(0, [bytes(32)], sign_checkpoint(head(8), SIGNER))
    assert witness.add_checkpoint(body).status == 422


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"old 0\n\n",
        b"old -1\n\n" + sign_checkpoint(head(8), SIGNER),
        b"old 00\n\n" + sign_checkpoint(head(8), SIGNER),
        b"old 0\nAAAA\n\n" + sign_checkpoint(head(8), SIGNER),
        b"old 0\n?\n\n" + sign_checkpoint(head(8), SIGNER),
        request_body(0, [bytes(32)] * 64, sign_checkpoint(head(8), SIGNER)),
    ],
)
def test_what_is_malformed_is_refused(witness: Witness, body: bytes) -> None:
    assert witness.add_checkpoint(body).status in (400, 404)


def test_a_signed_note_that_is_no_checkpoint_is_refused(witness: Witness) -> None:
    from evidence.checkpoint import sign_note

    body = request_body(0, (), sign_note(f"{ORIGIN}\nmany\n", SIGNER))
    assert witness.add_checkpoint(body).status == 400


@given(st.binary(max_size=200))
def test_noise_is_refused_and_raises_nothing(noise: bytes) -> None:
    nobody = Witness(HOLDER, WitnessFile(Path("unused")), [KEY], lambda: NOW)
    assert nobody.add_checkpoint(noise).status in (400, 403, 404)


def test_a_cosignature_alone_makes_no_checkpoint() -> None:
    lone = f"{head(8).text}\n{cosign(head(8), HOLDER, NOW)}".encode()
    with pytest.raises(VerificationError, match="no key of the log"):
        open_note(lone, [KEY, WITNESS_KEY])


def test_a_cosignature_of_another_head_or_time_does_not_hold() -> None:
    good = sign_checkpoint(head(8), SIGNER) + cosign(head(8), HOLDER, NOW).encode()
    foreign = sign_checkpoint(head(8), SIGNER) + cosign(head(9), HOLDER, NOW).encode()
    assert open_checkpoint(good, [KEY], [WITNESS_KEY]) == head(8)
    with pytest.raises(VerificationError, match="does not hold"):
        open_checkpoint(foreign, [KEY], [WITNESS_KEY])
    with pytest.raises(VerificationError, match="not a key that counts"):
        open_checkpoint(good, [KEY])


def test_a_witness_key_is_no_log_key_and_the_other_way_round() -> None:
    assert parse_vkey(WITNESS_KEY.vkey, COSIGNATURE) == WITNESS_KEY
    with pytest.raises(VerificationError, match="Ed25519 key is wanted"):
        parse_vkey(WITNESS_KEY.vkey)
    with pytest.raises(VerificationError, match="a witness's"):
        parse_vkey(KEY.vkey, COSIGNATURE)


# --- in a bundle -------------------------------------------------------------------------------


def cosigned_bundle(signer: MemorySigner = HOLDER) -> bytes:
    made, tiles = parts(), MemoryTiles()
    size = integrate(tiles, 0, [entry(number).leaf_hash for number in range(300)])
    there = Checkpoint(ORIGIN, size, root(tiles, size))
    note = made.checkpoint + cosign(there, signer, NOW).encode()
    samples = {"one": write_tlog_proof(0, inclusion(tiles, size, 0), note)}
    return bundle(replace(made, checkpoint=note, witnesses=[WITNESS_KEY], samples=samples))


def test_a_bundle_tells_who_cosigned_its_head_and_both_verifiers_check_it() -> None:
    content = cosigned_bundle()
    report = verify_bytes(memoryview(content), [KEY], (), [WITNESS_KEY])
    said = next(each.detail for each in report.checks if each.name == "checkpoint")
    assert report.exit_code == 0
    assert f"cosigned by {NAME} at 2026-05-28T" in said
    alone, _own = attestry_verify.check(memoryview(content), [attestry_verify.vkey(KEY.vkey)])  # type: ignore[no-untyped-call]
    assert {each[2] for each in alone} == {"passed", "not_checked"}


def test_without_a_witness_given_it_says_by_whose_word_it_is() -> None:
    report = verify_bytes(memoryview(cosigned_bundle()), [KEY])
    said = next(each.detail for each in report.checks if each.name == "checkpoint")
    assert "known by the bundle alone" in said


def test_a_witness_given_that_did_not_cosign_is_missed() -> None:
    other = VerifierKey("w2", bytes(range(32)), COSIGNATURE)
    report = verify_bytes(memoryview(cosigned_bundle()), [KEY], (), [other])
    failed = [each for each in report.checks if each.status is Status.FAILED]
    assert [each.name for each in failed] == ["checkpoint"]
    assert "none of the witnesses given" in failed[0].detail


# --- as a program ------------------------------------------------------------------------------


@pytest.fixture
def port(witness: Witness) -> Iterator[int]:
    server = serving.Server(("127.0.0.1", 0), witness)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    thread.join()
    server.server_close()


def post(port: int, body: bytes, path: str = "/add-checkpoint", **headers: str) -> tuple[int, str]:
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        line.request("POST", path, body, headers)
        answer = line.getresponse()
        return answer.status, answer.read().decode()
    finally:
        line.close()


@pytest.mark.enable_socket
def test_it_answers_over_http_and_refuses_what_is_too_large_or_elsewhere(
    port: int, tmp_path: Path
) -> None:
    status, line = post(port, sent(0, 8))
    assert status == 200
    assert open_checkpoint(
        sign_checkpoint(head(8), SIGNER) + line.encode(), [KEY], [WITNESS_KEY]
    ) == head(8)
    assert post(port, b"", "/other")[0] == 404
    for length in ("99999999999", "0000000000001234567890", "-1", "x", "70000"):
        assert post(port, b"x", **{"Content-Length": length})[0] == 413
    (tmp_path / "heads.json").write_text("broken")
    assert post(port, sent(8, 9))[0] == 500


def test_its_key_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    files = (tmp_path / "w.key", tmp_path / "w.json")
    first = serving.load_witness(NAME, *files, [KEY])
    again = serving.load_witness(NAME, *files, [KEY])
    assert first.signer.public_key == again.signer.public_key
    assert files[0].stat().st_mode & 0o777 == 0o600
    assert first.now() > NOW - 10**9
    files[0].write_text("no key")
    with pytest.raises(EvidenceError, match="64 hex digits"):
        serving.load_witness(NAME, *files, [KEY])


def test_the_command_prints_the_key_to_give_away(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "evidence", "witness", "--name", NAME, "--log", KEY.vkey]
    files = ["--key", str(tmp_path / "w.key"), "--state", str(tmp_path / "w.json")]
    found = subprocess.run(
        [*words, *files, "--print-key"], capture_output=True, text=True, check=True
    )
    assert parse_vkey(found.stdout.strip(), COSIGNATURE).name == NAME


@pytest.mark.parametrize(
    "words", [[], ["--name", NAME, "--log", "no key"], ["--name", "a b", "--log", KEY.vkey]]
)
def test_wrong_use_is_told(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert serving.main(words) == 2
