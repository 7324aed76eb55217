"""Rules of the house that no linter knows."""

import inspect
import re
import subprocess
import sys
from pathlib import Path

import grimp
import pytest

import app.tables
from app.events import EVENTS
from app.wiring import LISTENERS

ROOT = Path(__file__).parents[2]
SOURCES = {
    str(path.relative_to(ROOT)): path.read_text(encoding="utf-8")
    for path in (ROOT / "app").rglob("*.py")
}
NOT_TEXT = {".png", ".zip", ".pdf", ".der", ".p12"}


def found(pattern: str) -> set[str]:
    return {name for name, text in SOURCES.items() if re.search(pattern, text)}


def tracked_texts() -> dict[str, str]:
    listed = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "-z"], capture_output=True, check=True, text=True
    ).stdout
    paths = [ROOT / name for name in listed.split("\0") if name]
    return {
        str(path.relative_to(ROOT)): path.read_text(encoding="utf-8", errors="replace")
        for path in paths
        if path.is_file() and path.suffix not in NOT_TEXT and "vectors" not in path.parts
    }


def test_there_is_one_commit_in_the_product() -> None:
    assert found(r"\.commit\(") == {"app/kernel/uow.py"}
    assert SOURCES["app/kernel/uow.py"].count(".commit(") == 1


def test_no_table_is_tied_to_another_by_an_object() -> None:
    assert app.tables.__doc__
    assert found(r"\brelationship\(") == set()


def test_only_the_clock_knows_the_time_and_only_ids_makes_identifiers() -> None:
    named = found(r"\bdatetime\.(?:now|utcnow)\(|\btime\.time\(|\buuid4\(")
    assert named <= {"app/kernel/clock.py", "app/kernel/ids.py"}


def test_only_one_file_knows_flask_sqlalchemy() -> None:
    assert found(r"(?m)^(?:from|import) flask_sqlalchemy") == {"app/kernel/db.py"}


def test_everything_that_is_listened_to_can_happen() -> None:
    assert [kind for kind in LISTENERS if kind not in EVENTS] == []


def test_a_listener_is_one_function_whatever_it_is_told() -> None:
    functions: dict[str, set[object]] = {}
    for table in LISTENERS.values():
        for name, function in table.items():
            functions.setdefault(name, set()).add(function)
    assert {name for name, each in functions.items() if len(each) > 1} == set()


def test_every_event_is_recorded_somewhere() -> None:
    told = "\n".join(text for name, text in SOURCES.items() if name != "app/events.py")
    unused = {
        each.__name__ for each in EVENTS.values() if not re.search(rf"\b{each.__name__}\(", told)
    }
    assert unused == set()


def test_no_stage_is_in_a_circle_of_imports() -> None:
    graph = grimp.build_graph("app", exclude_type_checking_imports=True, cache_dir=None)
    stages = {each for each in graph.find_children("app") if graph.find_children(each)}
    for stage in stages:
        graph.squash_module(stage)
    circles = {
        frozenset({one, other})
        for one in stages
        for other in graph.find_modules_directly_imported_by(one)
        if other in stages and graph.chain_exists(importer=other, imported=one)
    }
    assert circles == set()


def test_a_command_does_not_wait_for_libraries_that_it_does_not_use() -> None:
    heavy = "'pyhanko', 'aiohttp', 'okta', 'ldap3', 'dbos', 'jsonschema_rs'"
    code = f"import sys, app.wiring; print([m for m in ({heavy}) if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=True, timeout=60
    )
    assert done.stdout.strip() == b"[]"


@pytest.mark.parametrize(
    "outside",
    [
        r"[p]ythonhosted\.org",
        r"\b[p]ypi\.org",
        r"[r]egistry\.npmjs",
        r"\.\./[s]hared\b",
        r"(?<![\w./*])/(?:work|root|home/\w+)/",
    ],
)
def test_nothing_in_the_repository_points_outside_it(outside: str) -> None:
    named = [name for name, text in tracked_texts().items() if re.search(outside, text)]
    assert named == []


def test_this_file_sees_the_whole_product() -> None:
    assert len(SOURCES) > len(EVENTS)
    assert inspect.getsourcefile(app.tables) == str(ROOT / "app" / "tables.py")
