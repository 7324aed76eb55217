"""Types and owners of many accounts by the page's sheet, over the API and the command line."""

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import pytest
import sqlalchemy as sa

from app.cli import output
from app.cli.account import account as account_commands
from app.cli.main import Local
from app.directory.sheets import ACCOUNTS
from app.kernel import sheet
from app.kernel.ledger import LedgerEntry
from support.cast import Cast

PREVIEW, SHEET = "/accounts/sheet/preview", "/accounts/sheet"
GOOD = "source,login,type,owner\ncorp,svc-backup,shared,1002\ncorp,alice,,\n"
WRONG = (
    "source,login,type,owner\ncorp,svc-backup,shared,1002\ncorp,nobody,,\n"
    "corp,mallory,butler,\ncorp,eve,guest,9999\n"
)


def told(cast: Cast, kind: str) -> int:
    """Return how many entries of a kind the ledger has."""
    with cast.house.read() as reading:
        counting = sa.select(sa.func.count()).where(LedgerEntry.kind == kind)
        return reading.session.scalar(counting) or 0


def backup(cast: Cast) -> tuple[str, str | None]:
    (found,) = cast.call("olga").get("/accounts?q=svc-backup")["items"]
    return found["type"], found["owner_name"]


def rows_of(text: str) -> tuple[Sequence[str], list[dict[str, str]]]:
    found = csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline=""))
    return found.fieldnames or (), list(found)


@pytest.fixture
def attestry(cast: Cast, capsys: pytest.CaptureFixture[str]) -> Any:
    """Run a command of `account` in the house; returns its code and what it said."""

    @click.group(commands={"account": account_commands})
    @click.pass_context
    def root(ctx: click.Context) -> None:
        ctx.obj = Local(opened=cast.house.house)

    def run(*arguments: object) -> tuple[int, str, str]:
        code = output.run(root, ["account", "sheet", *map(str, arguments)])
        found = capsys.readouterr()
        return code, found.out, found.err

    return run


def test_the_api_stores_what_was_looked_at_and_a_repeated_call_gets_its_first_answer(
    cast: Cast,
) -> None:
    olga = cast.call("olga")
    shown = olga.post(PREVIEW, {"sheet": GOOD}, 200)
    assert (shown["changed"], shown["unchanged"], shown["wrong"]) == (1, 1, 0)
    (row,) = shown["rows"]
    assert [(each["field"], each["after"]) for each in row["changes"]] == [
        ("type", "shared"),
        ("owner", "Bob"),
    ]
    assert (backup(cast), told(cast, "account.typed")) == (("service", None), 0)
    body = {"sheet": GOOD, "digest": shown["digest"]}
    stored = olga.post(SHEET, body, 200, idempotency_key="once")
    assert olga.post(SHEET, body, 200, idempotency_key="once") == stored
    assert (backup(cast), told(cast, "account.typed")) == (("shared", "Bob"), 1)
    assert "already" in olga.post(SHEET, body, 409)["detail"]


def test_the_api_names_line_column_and_way_out_of_each_wrong_row_and_stores_none(
    cast: Cast,
) -> None:
    olga = cast.call("olga")
    shown = olga.post(PREVIEW, {"sheet": WRONG}, 200)
    wrong = [
        (row["line"], each["field"], each["message"])
        for row in shown["rows"]
        for each in row["errors"]
    ]
    assert wrong == [
        (3, "login", "There is no such account now: leave the row out, or correct it."),
        (
            4,
            "type",
            "Use one of person, privileged, guest, shared, service, or leave it to the source.",
        ),
        (5, "owner", "Nobody has this id, mail, employee number or login."),
    ]
    refused = olga.post(SHEET, {"sheet": WRONG, "digest": shown["digest"]}, 422)
    assert "3 (login): There is no such account" in json.dumps(refused)
    olga.post(SHEET, {"sheet": GOOD, "digest": "0" * 64}, 409)
    assert (backup(cast), told(cast, "account.typed")) == (("service", None), 0)


def test_the_list_taken_by_the_api_is_the_pages_file_and_changes_nothing_sent_back(
    cast: Cast,
) -> None:
    cast.edit("corp", "mallory", display_name="=1+1")
    cast.sync("corp")
    answer = cast.call("olga")("GET", f"{SHEET}?q=mallory")
    assert (answer.status_code, answer.mimetype) == (200, "text/csv")
    columns, rows = rows_of(answer.get_data(as_text=True))
    assert columns == list(ACCOUNTS)
    assert {each["name"] for each in rows if each["source"] == "corp"} == {"'=1+1"}
    assert told(cast, "list.taken") == 1
    whole = cast.call("olga")("GET", SHEET).get_data(as_text=True)
    shown = cast.call("olga").post(PREVIEW, {"sheet": whole}, 200)
    assert (shown["changed"], shown["wrong"]) == (0, 0)
    assert shown["unchanged"] == len(rows_of(whole)[1]) > len(rows)
    assert cast.call("olga")("GET", f"{SHEET}?limit=1").status_code == 422


def test_a_sheet_larger_than_other_bodies_is_taken_by_the_api_up_to_its_own_limit(
    cast: Cast,
) -> None:
    olga, blanks = cast.call("olga"), f"{' ' * 100}\n"
    assert olga.post(PREVIEW, {"sheet": GOOD + blanks * 12_000}, 200)["changed"] == 1
    refused = olga.post(PREVIEW, {"sheet": GOOD + blanks * 21_000}, 422)
    assert "at most 2 MiB" in json.dumps(refused)


def test_whoever_may_not_type_accounts_has_no_sheet_and_strangers_nothing(cast: Cast) -> None:
    cast.call("dana").post(PREVIEW, {"sheet": GOOD}, 403)
    cast.call("dana").post(SHEET, {"sheet": GOOD, "digest": "0" * 64}, 403)
    assert cast.call("mallory")("GET", SHEET).status_code == 403
    assert cast.house.caller(None)("GET", SHEET).status_code == 401
    assert told(cast, "list.taken") == 0


def test_a_sheet_goes_out_and_comes_back_on_the_command_line(
    cast: Cast, attestry: Any, tmp_path: Path
) -> None:
    file = tmp_path / "accounts.csv"
    assert attestry("take", "--which", "service", "--out", file)[0] == 0
    columns, rows = rows_of(file.read_bytes().decode())
    assert columns == list(ACCOUNTS)
    assert {each["login"] for each in rows} == {"svc-attestry", "svc-backup"}
    assert rows_of(attestry("take", "--find", "svc-backup")[1])[1] == [
        each for each in rows if each["login"] == "svc-backup"
    ]
    assert told(cast, "list.taken") == 2
    assert attestry("take", "--out", tmp_path / "nowhere" / "accounts.csv")[0] == 1
    assert list(tmp_path.glob("*.part")) == []
    file.write_text(GOOD)
    code, shown, _ = attestry("preview", file)
    assert (code, backup(cast)) == (0, ("service", None))
    assert "type: service > shared; owner: (none) > Bob" in shown
    assert "To change: 1. As it is: 1. Wrong: 0." in shown
    digest = json.loads(attestry("preview", file, "--json")[1])["digest"]
    assert digest in shown
    assert attestry("apply", file, "--digest", digest)[0] == 0
    assert (backup(cast), told(cast, "account.typed")) == (("shared", "Bob"), 1)
    code, _, refused = attestry("apply", file, "--digest", digest)
    assert (code, "already" in refused) == (1, True)


def test_a_wrong_sheet_ends_with_1_on_the_command_line_and_nothing_is_stored(
    cast: Cast, attestry: Any, tmp_path: Path
) -> None:
    file = tmp_path / "accounts.csv"
    file.write_text(WRONG)
    code, shown, _ = attestry("preview", file)
    assert (code, "WRONG owner: Nobody has this id" in shown) == (0, True)
    assert "before the wrong rows are corrected" in shown
    code, _, refused = attestry("apply", file, "--digest", "0" * 64)
    assert (code, "5 (owner): Nobody has this id" in refused) == (1, True)
    file.write_text(GOOD)
    code, _, refused = attestry("apply", file, "--digest", "0" * 64)
    assert (code, "look at what the sheet would do now" in refused) == (1, True)
    file.write_bytes(b"x" * (sheet.MOST_BYTES + 1))
    assert attestry("preview", file) == (
        1,
        "",
        "sheet: A sheet holds at most 2 MiB: send it in parts.\n",
    )
    assert attestry("preview", tmp_path / "nothing.csv")[0] == 2
    assert (backup(cast), told(cast, "account.typed")) == (("service", None), 0)
