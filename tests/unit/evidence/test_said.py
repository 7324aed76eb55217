"""What a check says: an English sentence that can be said otherwise, and kept."""

import json

import pytest

from evidence.errors import VerificationError
from evidence.said import from_json, in_a_row, plain, said, template, to_json, told_by
from evidence.verify import verify_bytes
from unit.evidence.sample_bundle import KEY
from unit.evidence.test_tampering import members, pack


def test_a_sentence_is_its_english_and_knows_how_it_was_made() -> None:
    inner = said("row %(n)s, 100%% so", n=3)
    outer = said("%(path)s: %(what)s", path="a%b", what=inner)
    assert outer == "a%b: row 3, 100% so"
    assert outer.values["what"] is inner
    assert in_a_row([outer, plain("50% done")]) == "a%b: row 3, 100% so; 50% done"
    assert template("x") == "x"


def test_a_sentence_that_was_kept_is_said_again_to_the_last_inside() -> None:
    made = in_a_row([said("%(path)s: %(what)s", path="p", what=said("row %(n)s", n=1)), plain("%")])
    again = from_json(json.loads(json.dumps(to_json(made))))
    assert again == made
    assert to_json(again) == to_json(made)


@pytest.mark.parametrize("error", [VerificationError("a % b"), VerificationError()])
def test_a_plain_refusal_is_a_sentence_too(error: VerificationError) -> None:
    assert told_by(error) == str(error)


def test_every_check_of_a_bundle_knows_how_it_was_made() -> None:
    files = dict(members())
    rows = files["data/population.jsonl"].replace(b"row-0", b"row-X")
    report = verify_bytes(memoryview(pack(files | {"data/population.jsonl": rows})), [KEY])
    for check in report.checks:
        assert check.detail == from_json(to_json(check.detail)), check.name
    failed = next(check for check in report.checks if check.name == "rows")
    assert failed.detail == "data/population.jsonl: row 1 was altered"


def test_of_many_altered_rows_a_few_are_named_and_the_others_counted() -> None:
    files = dict(members())
    rows = files["data/population.jsonl"].replace(b'"id":"row-', b'"id":"low-')
    report = verify_bytes(memoryview(pack(files | {"data/population.jsonl": rows})), [KEY])
    failed = next(check for check in report.checks if check.name == "rows")
    assert "row 5 was altered" in failed.detail
    assert "row 6" not in failed.detail
    assert "and 1 more" in failed.detail
