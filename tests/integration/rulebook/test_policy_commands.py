"""`attestry policy`, and what a policy sees of the tables."""

import json
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from msgspec.structs import replace

from app.cli.main import Local, attestry
from app.cli.output import run
from app.kernel.errors import InvalidInputError, NothingToChangeError, NotPermittedError
from app.rulebook import facts, service
from app.rulebook.models import Policy, Ruling
from connectors.memory.state import changing
from integration.requests.steps import ask, entries, refused
from policies.document import builtin_text
from policies.facts import IdentityId, Provenance
from policies.replay import replay
from policies.verdict import verdict_document
from support.cast import Cast

NO_PAYROLL = """
  - id: no-payroll
    text: Payroll is closed.
    when: {fact: entitlement.name, is: Payroll}
    then: {refuse: Payroll is closed this week.}
"""
PAIR = """
separation:
  - id: pay-and-book
    text: Who pays does not book.
    first: [{source: corp, name: Payroll}]
    second: [{source: corp, name: "Ledger, \u201cmain\u201d"}]
"""


def draft(path: Path, *, more: str = NO_PAYROLL, end: str = "") -> Path:
    text = builtin_text("standard").replace("\nprotected:", f"{more}\nprotected:", 1) + end
    file = path / "draft.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def command(
    cast: Cast, capsys: pytest.CaptureFixture[str], *arguments: str
) -> tuple[int, str, str]:
    capsys.readouterr()
    local = Local(opened=cast.house.house)
    try:
        result = attestry.main(
            args=["policy", *arguments], prog_name="attestry", standalone_mode=False, obj=local
        )
        code = result if isinstance(result, int) else 0
    except InvalidInputError as error:
        return 1, "", str(error)
    said = capsys.readouterr()
    return code, said.out, said.err


def test_a_valid_policy_is_told_by_name_and_digest(
    cast: Cast, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    code, out, _ = command(cast, capsys, "check", str(draft(tmp_path)), "--json")
    assert code == 0
    assert json.loads(out)["rules"] == 4


def test_a_text_that_is_no_policy_is_refused_by_field(tmp_path: Path, capsys: Any) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text("schema: 1\nname: bad\nrule: []\n", encoding="utf-8")
    assert run(attestry, ["policy", "check", str(file)]) == 1
    told = capsys.readouterr().err
    assert "rule:" in told
    assert "approval:" in told
    file.write_bytes(b"\xff\xfe")
    assert run(attestry, ["policy", "check", str(file)]) == 1
    assert "UTF-8" in capsys.readouterr().err
    file.write_text("#" * 300_000, encoding="utf-8")
    assert run(attestry, ["policy", "check", str(file)]) == 1
    assert "Longer than" in capsys.readouterr().err


def test_examples_that_fail_end_the_command_with_one(
    cast: Cast, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "standard.yaml"
    file.write_text(builtin_text("standard"), encoding="utf-8")
    code, out, _ = command(cast, capsys, "test", str(file))
    assert (code, out.strip()) == (0, "15 of 15 hold.")
    file.write_text(
        builtin_text("standard").replace("{reason_required: true}", "{ticket_required: true}"),
        encoding="utf-8",
    )
    code, out, _ = command(cast, capsys, "test", str(file), "--json")
    assert code == 1
    assert any("the manager, then the owner" in each["name"] for each in json.loads(out)["failed"])


def test_a_simulation_counts_what_would_be_judged_otherwise_and_stores_nothing(
    cast: Cast, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    request = ask(cast)
    ask(cast, group="ledger")
    before = len(entries(cast))
    code, out, _ = command(cast, capsys, "simulate", str(draft(tmp_path, end=PAIR)), "--json")
    found = json.loads(out)
    assert code == 0
    assert found["open_requests"] == 2
    assert found["changed"] == [
        {
            "request": request["id"],
            "before": "manager, then owner",
            "after": "refuse",
            "why": "Payroll is closed this week.",
        }
    ]
    assert (found["violations_before"], found["violations_after"]) == (0, 1)
    assert found["people"] == 8
    assert len(entries(cast)) == before
    code, out, _ = command(cast, capsys, "simulate", str(draft(tmp_path)))
    assert "2 open requests: 1 would be judged otherwise." in out


def test_a_policy_in_force_replaces_the_one_before_and_both_are_kept(
    cast: Cast, tmp_path: Path
) -> None:
    text = draft(tmp_path).read_text(encoding="utf-8")
    with cast.house.write(cast.actor("frank")) as uow:
        service.put_in_force(uow, text=text)
    with cast.house.read() as reading:
        rows = reading.session.scalars(sa.select(Policy).order_by(Policy.id)).all()
    assert [each.in_force_to is None for each in rows] == [False, True]
    assert refused(cast, "alice", 403)["verdict"]["reasons"][0]["rule"] == "no-payroll"
    with pytest.raises(NothingToChangeError), cast.house.write(cast.actor("frank")) as uow:
        service.put_in_force(uow, text=text)
    for name in ("olga", "dana", "alice"):
        with pytest.raises(NotPermittedError), cast.house.write(cast.actor(name)) as uow:
            service.put_in_force(uow, text=text + "\n# more")


def test_a_policy_whose_own_examples_fail_does_not_come_into_force(cast: Cast) -> None:
    text = builtin_text("standard").replace("{reason_required: true}", "{ticket_required: true}")
    with (
        pytest.raises(InvalidInputError, match="examples"),
        cast.house.write(cast.actor("frank")) as uow,
    ):
        service.put_in_force(uow, text=text)
    with (
        pytest.raises(InvalidInputError, match="approval"),
        cast.house.write(cast.actor("frank")) as uow,
    ):
        service.put_in_force(uow, text="schema: 1\nname: x\n")


def test_a_policy_is_put_in_force_by_command_once_and_told_to_the_ledger(
    cast: Cast, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = str(draft(tmp_path))
    code, out, _ = command(cast, capsys, "apply", path, "--json")
    assert code == 0
    (told,) = [each for each in entries(cast) if each.subject == json.loads(out)["id"]]
    assert told.kind == "policy.put_in_force"
    assert json.loads(told.body)["data"]["digest"] == json.loads(out)["digest"]
    assert refused(cast, "alice", 403)["verdict"]["reasons"][0]["rule"] == "no-payroll"
    with pytest.raises(NothingToChangeError):
        command(cast, capsys, "apply", path)


def test_the_text_that_is_put_in_force_is_the_file_byte_by_byte(
    cast: Cast, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = draft(tmp_path)
    file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))
    assert command(cast, capsys, "apply", str(file))[0] == 0
    with cast.house.read() as reading:
        assert service.row_in_force(reading).text.encode() == file.read_bytes()


def test_a_policy_whose_examples_fail_is_not_put_in_force_by_command(
    cast: Cast, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = draft(tmp_path)
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("{reason_required: true}", "{ticket_required: true}"))
    before = [each.kind for each in entries(cast)]
    code, _, told = command(cast, capsys, "apply", str(file))
    assert (code, "examples" in told) == (1, True)
    assert [each.kind for each in entries(cast)] == before


def test_every_recorded_verdict_can_be_computed_again(cast: Cast) -> None:
    ask(cast)
    with cast.house.read() as reading:
        rows = reading.session.execute(
            sa.select(Ruling, Policy.text).join(Policy, Policy.id == Ruling.policy_id)
        ).all()
        assert rows
        for ruling, text in rows:
            again = replay(text, json.loads(ruling.facts))
            assert verdict_document(again) == ruling.verdict


def test_a_rule_sees_direct_and_nested_holdings_with_their_path(cast: Cast) -> None:
    with cast.house.read() as reading:
        held = facts.holdings(reading, cast.identity("eve").id)
        everybody = facts.all_holdings(reading)
    by_name = {(each.source, each.name): each for each in held}
    assert by_name["corp", "Payroll"].path == ()
    assert by_name["corp", "Everyone Else"].path == (cast.group("corp", "staff").public_id,)
    assert by_name["corp", "Payroll"].provenance is Provenance.IMPORTED_AT_START
    assert set(everybody[IdentityId(cast.identity("eve").public_id)]) == set(held)


def test_what_a_rule_of_the_source_fills_is_not_asked_for(cast: Cast) -> None:
    with changing(cast.file("corp")) as state:
        state.groups["corp-ledger"] = replace(state.groups["corp-ledger"], rule="department=IT")
    cast.sync("corp")
    found = refused(cast, "alice", 403, group="ledger")
    assert found["verdict"]["reasons"][0]["rule"] == "standing.not-requestable"
