"""Only a home that the demonstration itself was filling is ever emptied."""

from pathlib import Path

import pytest

from app.cli.demo import MARKER, PERSONAS, make_room, personas, shown
from app.kernel.errors import ConflictError


def test_an_empty_home_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    home = tmp_path / "var"
    make_room(home)
    assert home.stat().st_mode & 0o777 == 0o700


def test_somebodys_data_is_never_touched(tmp_path: Path) -> None:
    (tmp_path / "attestry.sqlite3").write_text("everything")
    (tmp_path / "bundles").mkdir()
    with pytest.raises(ConflictError, match="nothing was touched"):
        make_room(tmp_path)
    assert (tmp_path / "attestry.sqlite3").read_text() == "everything"
    assert (tmp_path / "bundles").is_dir()


def test_a_finished_demonstration_is_not_filled_again(tmp_path: Path) -> None:
    (tmp_path / PERSONAS).write_text("[]")
    with pytest.raises(ConflictError, match="holds a demonstration already"):
        make_room(tmp_path)
    assert personas(tmp_path) == []


def test_a_filling_that_was_cut_off_begins_anew_with_the_keys_it_had(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").write_text("kept")
    home = tmp_path / "var"
    home.mkdir()
    for name in (MARKER, "secret.key", "seal.key", "attestry.sqlite3", PERSONAS):
        (home / name).write_text(name)
    (home / "bundles").mkdir()
    (home / "bundles" / "one.zip").write_text("x")
    (home / "link").symlink_to(outside)
    assert personas(home) is None
    make_room(home)
    assert {each.name for each in home.iterdir()} == {MARKER, "secret.key", "seal.key"}
    assert (outside / "kept").read_text() == "kept"


def test_each_persona_is_told_with_link_and_token() -> None:
    found = [
        {"role": "manager", "name": "Bob", "token": "t1", "link": "/sign-in/link/s1"},
        {"role": "HR system", "name": "", "token": "t2", "link": ""},
    ]
    text = shown(found, "http://127.0.0.1:8000")
    assert "http://127.0.0.1:8000/sign-in/link/s1" in text
    assert text.count("sign-in/link") == 1
    assert "t2" in text
