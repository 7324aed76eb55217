"""A command on an instance that is not there, or not of this version, says so and what to do."""

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from app.cli import output
from app.cli.main import Local, attestry
from app.factory import create_app
from app.kernel import schema, standing
from app.kernel.settings import Settings
from app.kernel.standing import InstanceError, Standing
from app.wiring import build


@pytest.fixture
def home(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home that commands find in their environment."""
    monkeypatch.setenv("ATTESTRY_HOME", str(tmp_path))
    monkeypatch.setenv("ATTESTRY_DATABASE_URL", database_url)
    return tmp_path


def state(database_url: str, statement: str) -> None:
    engine = sa.create_engine(database_url)
    with engine.begin() as connection:
        connection.exec_driver_sql(statement)
    engine.dispose()


STATES = [
    pytest.param("DROP TABLE alembic_version", "No instance", "attestry init", id="never_made"),
    pytest.param("DELETE FROM alembic_version", "No instance", "attestry init", id="taken_back"),
    pytest.param(
        "UPDATE alembic_version SET version_num = '0001'",
        "older than this program",
        "attestry init",
        id="older",
    ),
    pytest.param(
        "UPDATE alembic_version SET version_num = '9999'",
        "newer than this program",
        "Install",
        id="newer",
    ),
]


@pytest.mark.parametrize(("statement", "told", "way_out"), STATES)
def test_a_command_says_that_the_instance_is_not_of_this_version(
    home: Path,
    database_url: str,
    statement: str,
    told: str,
    way_out: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    state(database_url, statement)
    assert output.run(attestry, ["source", "list", "--json"]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert told in said.err
    assert way_out in said.err
    assert said.err.count("\n") == 1
    assert not (home / "seal.key").exists()  # a command that is refused makes nothing


def test_a_command_on_the_current_instance_runs(home: Path) -> None:
    local = Local()
    ran = CliRunner().invoke(attestry, ["source", "list"], obj=local)
    assert local.opened is not None
    local.opened.close()
    assert (ran.exit_code, ran.stderr) == (0, "")
    assert (home / "seal.key").exists()


def test_init_never_touches_a_newer_instance(
    home: Path, database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    state(database_url, "UPDATE alembic_version SET version_num = '9999'")
    assert output.run(attestry, ["init"]) == 1
    assert "newer than this program" in capsys.readouterr().err
    assert not (home / "seal.key").exists()


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize(("statement", "told", "way_out"), STATES)
def test_the_web_starts_all_the_same_and_says_at_its_door_that_it_is_not_ready(
    database_url: str, statement: str, told: str, way_out: str
) -> None:
    state(database_url, statement)
    settings = Settings.from_env()
    house = build(settings)
    try:
        answer = create_app(settings, house=house).test_client().get("/readyz")
    finally:
        house.close()
    assert answer.status_code == 503
    checks: Any = answer.get_json()["checks"]
    [check] = [each for each in checks if each["name"] == "schema"]
    assert told in check["detail"]
    assert way_out in check["detail"]


def test_a_file_that_is_not_there_is_not_made_by_asking(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATTESTRY_HOME", str(tmp_path))
    with pytest.raises(InstanceError, match="No instance") as refused:
        _ = Local().house
    assert str(tmp_path / "attestry.sqlite3") in str(refused.value)
    assert not (tmp_path / "attestry.sqlite3").exists()


def test_a_database_that_cannot_be_reached_is_one_sentence_and_tells_no_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ATTESTRY_HOME", str(tmp_path))
    nobody = f"postgresql+psycopg://attestry:very-secret@/attestry?host={tmp_path}"
    monkeypatch.setenv("ATTESTRY_DATABASE_URL", nobody)
    assert output.run(attestry, ["source", "list"]) == 1
    said = capsys.readouterr().err
    assert "cannot be reached" in said
    assert "very-secret" not in said


def test_the_files_of_migrations_say_what_is_newest(database_url: str) -> None:
    assert standing.newest() == schema.newest()
    engine = sa.create_engine(database_url)
    assert standing.of(engine) is Standing.CURRENT
    engine.dispose()
