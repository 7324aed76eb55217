"""A whole log in a file: the root of its lines, however many processes hash it."""

from pathlib import Path

import pytest

from evidence import wholelog
from evidence.checkpoint import Checkpoint, sign_checkpoint
from evidence.errors import VerificationError
from evidence.merkle import leaf_hash, tree_root
from unit.evidence.sample_bundle import KEY, ORIGIN, SIGNER


def written(folder: Path, count: int) -> tuple[Path, Checkpoint]:
    lines = [b"entry %d" % number for number in range(count)]
    path = folder / "log.jsonl"
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    return path, Checkpoint(ORIGIN, count, tree_root([leaf_hash(line) for line in lines]))


@pytest.mark.parametrize("count", [0, 1, 7, 8, 9, 24, 31, 100])
@pytest.mark.parametrize("workers", [1, 2])
def test_the_root_is_that_of_the_tree_of_its_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int, workers: int
) -> None:
    monkeypatch.setattr(wholelog, "SUBTREE", 8)
    monkeypatch.setattr(wholelog, "SMALL", 0)
    path, head = written(tmp_path, count)
    assert wholelog.file_root(path, workers) == (count, head.root)


def test_an_entry_taken_out_altered_or_moved_is_found(tmp_path: Path) -> None:
    path, head = written(tmp_path, 20)
    wholelog.check_log(path, head)
    lines = path.read_bytes().splitlines(keepends=True)
    for changed, says in (
        (lines[:-1], "holds 19 entries"),
        ([*lines[:3], b"entry 33\n", *lines[4:]], "do not lead"),
        ([lines[1], lines[0], *lines[2:]], "do not lead"),
    ):
        path.write_bytes(b"".join(changed))
        with pytest.raises(VerificationError, match=says):
            wholelog.check_log(path, head)
    path.write_bytes(b"cut off")
    with pytest.raises(VerificationError, match="cut off"):
        wholelog.check_log(path, head)
    with pytest.raises(VerificationError, match="cannot be read"):
        wholelog.check_log(tmp_path / "nowhere", head)


def test_as_a_command_it_says_whether_the_log_holds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, head = written(tmp_path, 20)
    note = tmp_path / "head"
    note.write_bytes(sign_checkpoint(head, SIGNER))
    words = [str(path), "--checkpoint", str(note), "--key", KEY.vkey]
    assert wholelog.main(words) == 0
    assert "20 entries lead to the signed head" in capsys.readouterr().out
    path.write_bytes(b"other\n")
    assert wholelog.main(words) == 1
    assert wholelog.main([*words[:2], str(tmp_path / "none"), *words[3:]]) == 2
    assert wholelog.main([]) == 2
