"""`account`, `case` and `rules`: whose an account is, what it is for, and by which rules."""

from datetime import datetime
from pathlib import Path
from typing import Any

import click
import orjson
from marshmallow import ValidationError

from app.cli.account_sheet import sheet
from app.cli.identity import AS_OF, KNOWN_AT, then
from app.cli.main import Local
from app.cli.output import answers, table
from app.directory import queries, service
from app.directory.domain import AccountType, CaseState
from app.directory.matching import Rule
from app.directory.queries import AccountLine, Only
from app.directory.schemas import (
    AccountLineAnswer,
    CaseAnswer,
    RuledAnswer,
    RulesBody,
)
from app.kernel.errors import FieldError, InvalidInputError, NotFoundError
from app.kernel.uow import Reading
from app.web.flatten import flatten
from app.web.paging import MAX_LIMIT, Window
from app.web.shapes import page_of

SETTLED = [each.value for each in (CaseState.LINKED, CaseState.OWN, CaseState.NOT_SAME)]
AS_SUGGESTED = "as-suggested"
LONGEST_FILE = 1 << 20


@click.group()
def account() -> None:
    """Whose accounts are, and what they are for."""


account.add_command(sheet)


@account.command("list")
@click.option("--which", type=click.Choice([each.value for each in Only]), help="Only this sort.")
@click.option("--find", metavar="TEXT", help="Part of a login or name.")
@click.option("--cursor", metavar="CURSOR", help="Where the list before ended.")
@AS_OF
@KNOWN_AT
@answers
@click.pass_obj
def list_accounts(
    local: Local,
    which: str | None,
    find: str | None,
    cursor: str | None,
    as_of: datetime | None,
    known_at: datetime | None,
) -> tuple[Any, str]:
    """List accounts, at most 500 at a time."""
    moment = then(as_of, known_at)
    with local.house.tx.read(local.actor) as reading:
        found = queries.list_accounts(
            reading,
            Window(MAX_LIMIT, cursor),
            q=find,
            only=None if which is None else Only(which),
            **moment,
        )
    text = table(
        ("id", "source", "login", "for", "whose", "tied by"),
        [
            (each.id, each.source, each.login, each.type, each.identity_name or "", each.rule or "")
            for each in found.items
        ],
    )
    if found.next_cursor:
        text += f"\nThere are more: --cursor {found.next_cursor}"
    return page_of(AccountLineAnswer)().dump(found), text if found.items else "There is none."


@account.command("tie")
@click.argument("which", metavar="ACCOUNT")
@click.argument("who")
@click.option("--reason", required=True, help="Why, for those who will ask.")
@answers
@click.pass_obj
def tie_account(local: Local, which: str, who: str, reason: str) -> tuple[Any, str]:
    """Say that ACCOUNT (id or login) belongs to WHO (id, mail, employee number or login)."""
    with local.house.tx.write(local.actor) as uow:
        it, person = _account(uow, which), queries.find_identity(uow, who)
        service.link_account(uow, account=it.id, identity=person.id, reason=reason)
        found = queries.show_account(uow, it.id)
    return AccountLineAnswer().dump(found), f"{found.login} is {person.name}'s from now on."


@account.command("separate")
@click.argument("which", metavar="ACCOUNT")
@click.option("--reason", required=True, help="Why, for those who will ask.")
@answers
@click.pass_obj
def separate_account(local: Local, which: str, reason: str) -> tuple[Any, str]:
    """Take ACCOUNT (id or login) away from whoever it is said to be."""
    with local.house.tx.write(local.actor) as uow:
        it = _account(uow, which)
        service.separate_account(uow, account=it.id, reason=reason)
        found = queries.show_account(uow, it.id)
    return AccountLineAnswer().dump(found), f"{found.login} has an identity of its own."


@account.command("type")
@click.argument("which", metavar="ACCOUNT")
@click.argument("kind", type=click.Choice([*(each.value for each in AccountType), AS_SUGGESTED]))
@click.option("--owner", metavar="WHO", help="Who answers for it; left out: nobody but its person.")
@answers
@click.pass_obj
def type_account(local: Local, which: str, kind: str, owner: str | None) -> tuple[Any, str]:
    """Say what ACCOUNT (id or login) is for, and who answers for it."""
    with local.house.tx.write(local.actor) as uow:
        it = _account(uow, which)
        service.type_account(
            uow,
            account=it.id,
            version=it.version,
            kind=None if kind == AS_SUGGESTED else AccountType(kind),
            owner=None if owner is None else queries.find_identity(uow, owner).id,
        )
        found = queries.show_account(uow, it.id)
    return AccountLineAnswer().dump(found), f"{found.login}: {found.type}."


@click.group()
def case() -> None:
    """Accounts in doubt, which a person settles."""


@case.command("list")
@click.option("--state", type=click.Choice([each.value for each in CaseState]), default="open")
@click.option("--cursor", metavar="CURSOR", help="Where the list before ended.")
@answers
@click.pass_obj
def list_cases(local: Local, state: str, cursor: str | None) -> tuple[Any, str]:
    """List accounts in doubt, the open ones unless said otherwise."""
    with local.house.tx.read(local.actor) as reading:
        found = queries.list_cases(reading, Window(MAX_LIMIT, cursor), state=CaseState(state))
    text = table(
        ("id", "source", "login", "why", "may be"),
        [
            (
                each.id,
                each.account.source,
                each.account.login,
                each.code,
                ", ".join(f"{who.name} ({who.id})" for who in each.candidates),
            )
            for each in found.items
        ],
    )
    if found.next_cursor:
        text += f"\nThere are more: --cursor {found.next_cursor}"
    return page_of(CaseAnswer)().dump(found), text if found.items else f"No case is {state}."


@case.command("settle")
@click.argument("case_id", metavar="ID")
@click.argument("outcome", type=click.Choice(SETTLED))
@click.option("--identity", "who", metavar="WHO", help="Whose it is, with linked.")
@click.option("--reason", required=True, help="Why, for those who will ask.")
@answers
@click.pass_obj
def settle_case(
    local: Local, case_id: str, outcome: str, who: str | None, reason: str
) -> tuple[Any, str]:
    """Decide who the account of the case ID is."""
    with local.house.tx.write(local.actor) as uow:
        service.settle_case(
            uow,
            case_id=case_id,
            version=queries.show_case(uow, case_id).version,
            outcome=CaseState(outcome),
            identity=None if who is None else queries.find_identity(uow, who).id,
            reason=reason,
        )
        found = queries.show_case(uow, case_id)
    return CaseAnswer().dump(found), f"{found.account.login}: {found.state.value}."


@click.group()
def rules() -> None:
    """By which rules accounts are tied to identities."""


@rules.command("show")
@answers
@click.pass_obj
def show_rules(local: Local) -> tuple[Any, str]:
    """Show the rules in force, in their order."""
    with local.house.tx.read(local.actor) as reading:
        found = queries.show_rules(reading)
    return RuledAnswer().dump(found), _told(found)


@rules.command("set")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--source", metavar="NAME", help="For this source alone.")
@answers
@click.pass_obj
def set_rules(local: Local, file: Path, source: str | None) -> tuple[Any, str]:
    """Put the rules of FILE in force, and tie accounts anew; ties that were made stay.

    FILE is JSON as `rules show --json` prints it: `version` as looked at, and `rules`.
    """
    body = _body(file)
    with local.house.tx.write(local.actor) as uow:
        wanted = [
            Rule(**{**each, "against": each["against"] or each["match"]}) for each in body["rules"]
        ]
        service.set_correlation(uow, rules=wanted, version=body["version"], source=source)
        found = queries.show_rules(uow)
    return RuledAnswer().dump(found), f"Version {found.version} is in force.\n{_told(found)}"


def _body(file: Path) -> dict[str, Any]:
    """Read rules; those of single sources, which `rules show` prints beside them, are not taken.

    Raises:
        InvalidInputError: The file is not JSON, or says something else.
    """
    content = file.read_bytes()
    if len(content) > LONGEST_FILE:
        raise InvalidInputError({"file": "It is too large for rules."})
    try:
        document = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise InvalidInputError({"file": f"It is not JSON: {error}."}) from None
    if not isinstance(document, dict):
        raise InvalidInputError({"file": "Write an object with version and rules."})
    document.pop("by_source", None)
    try:
        loaded: dict[str, Any] = RulesBody(exclude=("source",)).load(document)
    except ValidationError as error:
        wrong = [FieldError(name, text) for name, text in flatten(error.messages)]
        raise InvalidInputError(wrong) from None
    return loaded


def _told(found: queries.Ruling) -> str:
    told = [("every source", each) for each in found.rules]
    told += [(name, each) for name, some in found.by_source.items() for each in some]
    lines = [
        (
            source,
            each.match.value,
            each.against.value,
            str(each.confidence),
            each.strip_prefix,
            each.strip_suffix,
            "yes" if each.strip_domain else "",
        )
        for source, each in told
    ]
    heads = ("for", "match", "against", "confidence", "prefix", "suffix", "no domain")
    return f"version {found.version}\n{table(heads, lines)}"


def _account(reading: Reading, which: str) -> AccountLine:
    """Return the account that an id or a login means.

    Raises:
        NotFoundError: None is meant, or several are.
    """
    found = queries.list_accounts(reading, Window(MAX_LIMIT), q=which).items
    meant = [each for each in found if each.login.casefold() == which.casefold()]
    if len(meant) > 1:
        several = ", ".join(f"{each.id} ({each.source})" for each in meant)
        raise NotFoundError(f"{which} may mean several accounts; say which id: {several}.")
    return meant[0] if meant else queries.show_account(reading, which)
