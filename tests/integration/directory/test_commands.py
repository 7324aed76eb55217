"""The command line of the directory: one sentence, the right exit code, nothing half done."""

import json
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click
import pytest

from app.cli import output
from app.cli.account import account as account_commands
from app.cli.account import case, rules
from app.cli.identity import group, identity
from app.cli.main import Local
from app.cli.source import source
from app.cli.sync import sync
from app.directory import service, syncing
from integration.directory.conftest import Directory
from integration.directory.states import ODD, account, crowd, people, small


@dataclass(slots=True)
class Ran:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def attestry(directory: Directory, capsys: pytest.CaptureFixture[str]) -> Any:
    """Run a command line on the store of this test."""
    read = partial(syncing.run_sync, directory.tx, directory.connect, directory.seal)
    house: Any = SimpleNamespace(tx=directory.tx, seal=directory.seal, connect=directory.connect)
    house.runners = {service.SYNC: read}
    commands = [source, sync, identity, group, account_commands, case, rules]

    @click.group(commands={each.name or "": each for each in commands})
    @click.pass_context
    def root(ctx: click.Context) -> None:
        ctx.obj = Local(opened=house)

    def run(*arguments: str) -> Ran:
        code = output.run(root, list(arguments))
        found = capsys.readouterr()
        return Ran(code, found.out, found.err)

    return run


def add(attestry: Any, directory: Directory) -> None:
    ran = attestry("source", "add", "corp", "--kind", "memory", "--set", f"path={directory.path()}")
    assert (ran.code, ran.err) == (0, "")


def test_a_source_is_added_checked_read_and_listed(attestry: Any, directory: Directory) -> None:
    directory.show(small())
    add(attestry, directory)
    assert "ok" in attestry("source", "check", "corp").out
    ran = attestry("sync")
    assert ran.code == 0
    assert "corp: complete, all of it (3 accounts, 2 groups, 3 memberships)" in ran.out
    (listed,) = attestry("source", "list", "--json").document["items"]
    assert (listed["name"], listed["last_state"]) == ("corp", "complete")


def test_how_a_source_is_read_is_set_and_a_group_left_out_and_taken_back(
    attestry: Any, directory: Directory
) -> None:
    directory.show(small())
    add(attestry, directory)
    attestry("sync")
    ran = attestry("source", "set", "corp", "--delta-minutes", "5", "--full-hours", "12", "--json")
    assert (ran.code, ran.document["delta_minutes"], ran.document["full_hours"]) == (0, 5, 12)
    assert attestry("source", "set", "corp", "--full-hours", "0").code == 1
    reason = ("--reason", "Its owner keeps it secret.")
    left_out = attestry("source", "exclude", "corp", "--group", "staff", *reason, "--json")
    assert left_out.document["name"] == "Group staff"
    assert attestry("source", "exclude", "corp", "--group", "staff", *reason).code == 1
    assert attestry("source", "include", left_out.document["id"]).code == 0
    quiet = attestry("sync")
    assert "corp: complete, what changed" in quiet.out
    assert "all of it" in attestry("sync", "--full").out


def test_an_unknown_key_ends_with_1_and_adds_nothing(attestry: Any) -> None:
    ran = attestry("source", "add", "corp", "--kind", "memory", "--set", "colour=blue")
    assert ran.code == 1
    assert ran.err.startswith("colour: ")
    assert attestry("source", "list", "--json").document["items"] == []


def test_a_setting_without_equals_sign_is_wrong_use(attestry: Any) -> None:
    assert attestry("source", "add", "corp", "--kind", "memory", "--set", "path").code == 2


def test_a_secret_comes_from_a_file_that_must_be_there(attestry: Any, tmp_path: Path) -> None:
    missing = f"password={tmp_path / 'nothing'}"
    ran = attestry("source", "add", "ad", "--kind", "active_directory", "--secret", missing)
    assert ran.code == 2
    assert "cannot be read" in ran.err


def test_a_source_that_is_away_is_told_in_one_sentence_with_1(
    attestry: Any, directory: Directory
) -> None:
    add(attestry, directory)
    for command in (("source", "check", "corp"), ("sync", "corp")):
        ran = attestry(*command)
        assert ran.code == 1
        assert "There is no state file" in ran.out + ran.err


def test_an_unknown_source_is_told_with_those_there_are(
    attestry: Any, directory: Directory
) -> None:
    add(attestry, directory)
    ran = attestry("sync", "crop")
    assert ran.code == 1
    assert "There are corp." in ran.err


def test_an_incomplete_run_ends_with_1(attestry: Any, directory: Directory) -> None:
    directory.show(small())
    add(attestry, directory)
    assert attestry("source", "set", "corp", "--set", "breaks=truncated").code == 0
    ran = attestry("sync", "corp")
    assert ran.code == 1
    assert "corp: incomplete" in ran.out


def test_a_parked_run_ends_with_1_and_says_how_to_go_on(
    attestry: Any, directory: Directory
) -> None:
    directory.show(crowd(200))
    add(attestry, directory)
    attestry("sync")
    directory.show(crowd(100))
    ran = attestry("sync", "--json")
    assert ran.code == 1
    (run,) = ran.document["items"]
    assert run["state"] == "parked"
    accepted = attestry("sync", "--accept", run["id"])
    assert accepted.code == 0
    assert "accepted" in accepted.out
    assert attestry("sync", "--refuse", run["id"]).code == 1


def test_a_dry_run_shows_the_difference_and_can_be_refused(
    attestry: Any, directory: Directory
) -> None:
    directory.show(small())
    add(attestry, directory)
    ran = attestry("sync", "--dry-run", "--json")
    assert ran.code == 0
    (run,) = ran.document["items"]
    assert run["counts"]["memberships_appeared"] == 3
    assert attestry("sync", "--refuse", run["id"]).code == 0
    assert attestry("sync", "corp", "--accept", run["id"]).code == 2


def test_an_identity_and_a_group_are_shown_with_paths_and_odd_names(
    attestry: Any, directory: Directory
) -> None:
    state = small()
    state.add([account("zoe", display_name=ODD)], members={"admins": people("zoe")})
    directory.show(state)
    add(attestry, directory)
    attestry("sync")
    shown = attestry("identity", "show", "zoe")
    assert ODD in shown.out
    assert "Group admins > Group staff" in shown.out
    access = attestry("identity", "show", "zoe", "--json").document["access"]
    assert [each["is_direct"] for each in access] == [True, False]
    members = attestry("group", "show", "Group staff", "--json").document["members"]
    assert {each["login"] for each in members} == {"alice", "bob", "zoe"}
    assert attestry("identity", "show", "zoe", "--as-of", "2001-01-01").code == 1
    assert attestry("identity", "show", "zoe", "--as-of", "yesterday").code == 2


def test_what_was_known_at_a_moment_is_less_than_what_was_so(
    attestry: Any, directory: Directory
) -> None:
    directory.show(small())
    add(attestry, directory)
    attestry("sync")
    directory.show(directory.state().add(members={"admins": people("alice")}))
    run = directory.sync(dry_run=True).public_id
    then = ("--as-of", f"{directory.clock.now():%Y-%m-%dT%H:%M:%SZ}")
    known = (*then, "--known-at", then[1])
    directory.clock.advance(timedelta(hours=1))
    assert attestry("sync", "--accept", run).code == 0

    def has(*moment: str) -> bool:
        access = attestry("identity", "show", "alice", *moment, "--json").document["access"]
        members = attestry("group", "show", "Group admins", *moment, "--json").document["members"]
        is_shown = "Group admins" in {each["group"]["name"] for each in access}
        assert is_shown is ("alice" in {each["login"] for each in members if each["is_direct"]})
        return is_shown

    assert has()
    assert has(*then)
    assert not has(*known)
    for kind, name in (("identity", "alice"), ("group", "Group admins")):
        ran = attestry(kind, "show", name, *known[2:])
        assert (ran.code, "--as-of" in ran.err) == (2, True)


def test_a_source_is_disabled_and_removed(attestry: Any, directory: Directory) -> None:
    directory.show(small())
    add(attestry, directory)
    assert attestry("source", "disable", "corp").code == 0
    assert attestry("source", "disable", "corp").code == 1
    assert "source add" in attestry("sync").err
    assert attestry("source", "remove", "corp").code == 0
    assert attestry("source", "list", "--json").document["items"] == []


def test_rules_cases_and_accounts_are_settled_from_the_command_line(
    attestry: Any, directory: Directory, tmp_path: Path
) -> None:
    doubtful = account("adm-alice", mail=None, employee_number=None)
    directory.show(small().add([doubtful], [], {}))
    add(attestry, directory)
    assert attestry("sync").code == 0
    shown = attestry("rules", "show", "--json").document
    cut = {"match": "login", "confidence": 70, "strip_prefix": "adm-", "strip_domain": True}
    file = tmp_path / "rules.json"
    file.write_text(json.dumps({**shown, "rules": [*shown["rules"], cut]}))
    ran = attestry("rules", "set", str(file))
    assert (ran.code, ran.err) == (0, "")
    assert "adm-" in attestry("rules", "show").out
    assert attestry("rules", "set", str(file)).code == 1  # they changed since
    file.write_text('{"version": 1, "rules": [{"match": "shoe size", "confidence": 0}]}')
    ran = attestry("rules", "set", str(file))
    assert ran.code == 1
    assert "rules.0.match" in ran.err
    file.write_text("rules")
    assert "not JSON" in attestry("rules", "set", str(file)).err

    (doubt,) = attestry("case", "list", "--json").document["items"]
    assert doubt["account"]["login"] == "adm-alice"
    ran = attestry("case", "settle", doubt["id"], "linked", "--reason", "Her badge says so")
    assert ran.code == 1  # whose?
    settled = ("case", "settle", doubt["id"], "linked", "--identity", "E-alice")
    ran = attestry(*settled, "--reason", "Her badge says so", "--json")
    assert ran.document["state"] == "linked"
    assert "No case is open" in attestry("case", "list").out

    ran = attestry("account", "type", "ADM-ALICE", "privileged", "--owner", "bob", "--json")
    assert (ran.document["type"], ran.document["owner_name"]) == ("privileged", "Bob")
    assert "adm-alice" in attestry("account", "list", "--which", "privileged").out
    ran = attestry("account", "separate", "adm-alice", "--reason", "A badge was lost", "--json")
    assert ran.document["identity_name"] != "Alice"
    ran = attestry("account", "tie", "adm-alice", "E-alice", "--reason", "Found again", "--json")
    assert ran.document["identity_name"] == "Alice"
    assert attestry("account", "tie", "nobody", "E-alice", "--reason", "Found again").code == 1
