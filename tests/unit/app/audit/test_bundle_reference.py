"""The page about bundles tells every column and every control there is."""

from pathlib import Path

import pytest

from app.audit import columns
from app.audit.controls import CONTROLS, answered_by
from app.audit.domain import BundleKind
from app.audit.reports import COLUMNS, TITLES

PAGE = (Path(__file__).parents[4] / "docs" / "reference" / "bundle.md").read_text()
FILES = {
    name.lower(): getattr(columns, name)
    for name in ("POPULATION", "EXCLUDED", "DECISIONS", "REQUESTS", "LEAVERS", "DRIFT", "SOURCES")
}


@pytest.mark.parametrize("name", FILES)
def test_every_column_is_told_on_the_page(name: str) -> None:
    assert [each for each in FILES[name] if f"`{each}`" not in PAGE] == []


@pytest.mark.parametrize("name", FILES)
def test_a_report_shows_only_columns_that_its_file_has(name: str) -> None:
    assert {key for _title, key, _width in COLUMNS[name]} <= set(FILES[name])
    assert name in TITLES


@pytest.mark.parametrize("name", CONTROLS)
def test_every_control_is_told_on_the_page_with_its_files(name: str) -> None:
    control = CONTROLS[name]
    assert f"| {name} | {control.title} | {', '.join(control.files)} |" in PAGE
    assert set(control.files) <= FILES.keys()


def test_each_kind_that_can_be_asked_for_answers_controls() -> None:
    assert answered_by(BundleKind.CAMPAIGN)
    assert answered_by(BundleKind.PERIOD)
