"""The format is pinned: bundles made once are judged the same for ever."""

import json
from pathlib import Path

import pytest

from evidence.keys import parse_vkey
from evidence.verify import Status, verify_bundle

FOLDER = Path(__file__).parents[2] / "vectors" / "bundles"
EXPECTED = json.loads((FOLDER / "expected.json").read_text())


@pytest.mark.parametrize(("name", "failed"), EXPECTED["failed"].items())
def test_a_frozen_bundle_is_judged_as_it_was(name: str, failed: list[str]) -> None:
    report = verify_bundle(FOLDER / f"{name}.zip", [parse_vkey(EXPECTED["vkey"])])
    assert [each.name for each in report.checks if each.status is Status.FAILED] == failed
    assert report.exit_code == (1 if failed else 0)


def test_exactly_the_forged_ones_are_expected_to_fail() -> None:
    assert [name for name, failed in EXPECTED["failed"].items() if not failed] == ["good"]
