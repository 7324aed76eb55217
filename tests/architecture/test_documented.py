"""What is not documented does not pass."""

import re
from pathlib import Path

import pytest

from app import events
from app.cli import documentation
from app.cli.main import COMMANDS
from app.kernel import settings
from app.kernel.actor import Permission
from app.tables import TABLES
from app.web.problems import STATUS
from connectors.registry import kind, kind_names
from policies.conditions import FACTS, Operator
from policies.schema import PolicySchema

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "docs" / "reference"


def page(name: str) -> str:
    return (REFERENCE / name).read_text(encoding="utf-8")


def test_the_pages_that_follow_from_the_code_are_what_the_code_says() -> None:
    assert documentation.stale() == [], "run `make docs`"


def test_every_event_is_documented() -> None:
    assert [kind for kind in events.EVENTS if f"`{kind}`" not in page("events.md")] == []


def test_every_command_is_documented() -> None:
    assert [name for name in COMMANDS if f"`attestry {name}`" not in page("command-line.md")] == []


def test_every_setting_is_documented() -> None:
    assert [name for name in settings.NAMES if f"ATTESTRY_{name}`" not in page("settings.md")] == []


@pytest.mark.parametrize("error", sorted(STATUS, key=str))
def test_every_error_is_documented(error: type[Exception]) -> None:
    code: str = error.code  # type: ignore[attr-defined]
    assert f"| `{code}` |" in page("errors.md")


@pytest.mark.parametrize("name", [*FACTS, *Operator, *PolicySchema().load_fields])
def test_every_word_of_a_policy_is_documented(name: str) -> None:
    known = {field.data_key: key for key, field in PolicySchema().load_fields.items()}
    spelled = next((said for said, key in known.items() if said and key == name), name)
    assert f"`{spelled}`" in page("policy.md")


def test_every_table_is_documented_in_its_room() -> None:
    told = page("data-model.md")
    assert [table.name for table in TABLES if f"`{table.name}`" not in told] == []


def test_every_permission_is_documented() -> None:
    told = page("permissions.md")
    assert [each for each in Permission if f"`{each.value}`" not in told] == []


def test_every_key_of_a_source_is_documented() -> None:
    keys = [key.name for name in kind_names() for key in kind(name).keys]
    assert [key for key in keys if f"`{key}`" not in page("sources.md")] == []


def test_no_page_of_the_documentation_is_out_of_reach() -> None:
    index = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    beside = (REFERENCE / "policy.md").read_text(encoding="utf-8")
    pages = [*REFERENCE.glob("*.md"), *(ROOT / "docs" / "guide").glob("*.md")]
    assert [each.name for each in pages if f"{each.name})" not in index + beside] == []


def test_every_page_that_is_linked_is_there() -> None:
    missing = []
    for source in (ROOT / "README.md", *(ROOT / "docs").rglob("*.md")):
        for target in re.findall(r"\]\(([^)#:]+)\)", source.read_text(encoding="utf-8")):
            if not (source.parent / target).exists():
                missing.append(f"{source.name}: {target}")
    assert missing == []
