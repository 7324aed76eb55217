"""People as HR tells of them, read into the store: on both stores."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from app.directory import service
from app.directory.domain import SyncState
from app.directory.models import Account, Identity
from connectors.memory.state import State
from integration.directory.conftest import Directory
from integration.directory.states import account

HEADER = "employee_number,display_name,mail,status,manager,department"


@pytest.fixture
def file(directory: Directory) -> Path:
    path = directory.home / "people.csv"
    write(path, "1,Alice,alice@corp.example,active,2,Finance", "2,Bob,bob@corp.example,active,,IT")
    with directory.tx.write() as uow:
        service.add_source(
            uow,
            directory.seal,
            name="hr",
            kind="hr_csv",
            settings={"path": str(path)},
            secrets={},
        )
    return path


def write(path: Path, *rows: str) -> None:
    path.write_text("\n".join((HEADER, *rows)) + "\n")


def people(directory: Directory) -> dict[str, Identity]:
    found = directory.rows(sa.select(Identity.employee_number, Identity))
    return dict(found)


@pytest.mark.usefixtures("file")
def test_people_without_any_account_are_identities_with_what_hr_says(
    directory: Directory,
) -> None:
    run = directory.sync("hr")
    assert (run.state, run.is_baseline) == (SyncState.COMPLETE, True)
    found = people(directory)
    alice, bob = found["1"], found["2"]
    assert (alice.display_name, alice.department, alice.manager_id) == ("Alice", "Finance", bob.id)
    assert alice.is_active


def test_an_unclear_row_ends_nobody_and_marks_the_run(directory: Directory, file: Path) -> None:
    directory.sync("hr")
    write(file, "1,Alice,alice@corp.example,perhaps,2,Finance", "3,Eve,,active,,")
    run = directory.sync("hr")
    assert run.state is SyncState.INCOMPLETE
    assert run.is_stored
    assert run.why is not None
    assert "Line 2" in run.why
    ended = dict(directory.rows(sa.select(Account.external_id, Account.ended_at.is_not(None))))
    assert {key: bool(is_ended) for key, is_ended in ended.items()} == {
        "1": False,
        "2": True,
        "3": False,
    }


def test_a_row_that_may_be_anybodys_lets_nobody_end(directory: Directory, file: Path) -> None:
    directory.sync("hr")
    write(file, "1,Alice,alice@corp.example,active,2,Finance", "broken")
    assert directory.sync("hr").state is SyncState.INCOMPLETE
    assert not directory.rows(sa.select(Account.id).where(Account.ended_at.is_not(None)))


def test_half_a_file_leaves_everything_as_it_was(directory: Directory, file: Path) -> None:
    directory.sync("hr")
    file.write_text(file.read_text()[:-8])
    run = directory.sync("hr")
    assert (run.state, run.is_stored) == (SyncState.INCOMPLETE, False)
    assert len(people(directory)) == 2


def test_what_hr_says_of_a_person_counts_before_all_other_sources(
    directory: Directory, file: Path
) -> None:
    directory.show(State().add([account("a", display_name="Alicia", employee_number="1")]))
    directory.add()
    directory.sync()
    directory.sync("hr")
    assert people(directory)["1"].display_name == "Alice"
    write(file, "1,Alice,alice@corp.example,left,,Finance", "2,Bob,bob@corp.example,active,,IT")
    directory.sync("hr")
    assert not people(directory)["1"].is_active, "her account is still open, and HR says she left"
    write(file, "1,Alice,alice@corp.example,active,,Finance", "2,Bob,bob@corp.example,active,,IT")
    directory.sync("hr")
    assert people(directory)["1"].is_active
