"""Sources and their runs; identities and groups, now or at a moment."""

import dataclasses
from datetime import datetime
from typing import Any

from flask import Response

from app.directory import doers, queries, service, sheets
from app.directory.matching import Rule
from app.directory.queries import (
    AccountLine,
    CaseRow,
    ExclusionRow,
    GroupRow,
    IdentityRow,
    MemberRow,
    Ruling,
    RunRow,
    SourceRow,
)
from app.directory.scheduling import Next
from app.directory.schemas import (
    AccessList,
    AccountArgs,
    AccountLineAnswer,
    BetweenArgs,
    CaseAnswer,
    CaseArgs,
    ChangeAnswer,
    ExclusionAnswer,
    ExclusionBody,
    FindArgs,
    ForeseenAnswer,
    GroupAnswer,
    GroupDifferenceAnswer,
    IdentityAnswer,
    IdentityDetailAnswer,
    IdentityDifferenceAnswer,
    ListArgs,
    MemberAnswer,
    MembersArgs,
    ReadingBody,
    RuledAnswer,
    RulesBody,
    RunLineAnswer,
    ScheduleAnswer,
    SeparationBody,
    SettlementBody,
    SourceAnswer,
    SyncBody,
    SyncRunAnswer,
    ThenArgs,
    TyingBody,
    TypingBody,
    WholeAccountArgs,
)
from app.directory.service import Foreseen
from app.kernel.sheet import Plan
from app.kernel.uow import Reading, UnitOfWork
from app.web import scope
from app.web.paging import Page
from app.web.shapes import EmptySchema, PageArgs, page_of, window
from app.web.sheet_shapes import ConfirmedSheetBody, SheetAnswer, SheetBody
from app.web.sheets import MOST_SENT, answer

blp = scope.api("directory", "What the sources show: people, accounts, groups, over time")


@blp.route("/sources", methods=["GET"])
@scope.query(blp, page_of(SourceAnswer), args=FindArgs)
def list_sources(reading: Reading, args: dict[str, Any]) -> Page[SourceRow]:
    """List the connected sources; `q` is part of a name."""
    return queries.list_sources(reading, window(args), q=args["q"])


@blp.route("/sources/<name>/sync", methods=["POST"])
@scope.command(blp, SyncRunAnswer, body=SyncBody, status=202)
def sync(uow: UnitOfWork, body: dict[str, Any], name: str) -> RunRow:
    """Start a run; its outcome stands at the run when a worker has carried it out."""
    run = service.request_sync(uow, source_name=name, full=body["full"], dry_run=body["dry_run"])
    return queries.run_answer(uow, run)


@blp.route("/sync-runs/<run_id>", methods=["GET"])
@scope.query(blp, SyncRunAnswer)
def show_run(reading: Reading, run_id: str) -> RunRow:
    """Show one run: counts, completeness, digest, why it waits."""
    return queries.show_run(reading, run_id)


@blp.route("/sources/<name>/sync-runs", methods=["GET"])
@scope.query(blp, page_of(RunLineAnswer), args=PageArgs)
def list_runs(reading: Reading, args: dict[str, Any], name: str) -> Page[queries.RunLine]:
    """List the reads of a source, newest first."""
    return queries.recent_runs(reading, queries.show_source(reading, name), window(args))


@blp.route("/sync-runs/<run_id>/changes", methods=["GET"])
@scope.query(blp, page_of(ChangeAnswer), args=FindArgs)
def list_changes(reading: Reading, args: dict[str, Any], run_id: str) -> Page[queries.Change]:
    """List what a stored run changed, or a parked one would, by name; `q` is part of one."""
    found = queries.list_changes(reading, run_id, window(args), q=args["q"])
    return doers.named(reading, run_id, found)


@blp.route("/sync-runs/<run_id>/accept", methods=["POST"])
@scope.command(blp, SyncRunAnswer, body=EmptySchema)
def accept_run(uow: UnitOfWork, _body: dict[str, Any], run_id: str) -> RunRow:
    """Store exactly what a parked run has read."""
    return queries.run_answer(uow, service.accept_run(uow, run_id=run_id))


@blp.route("/sync-runs/<run_id>/refuse", methods=["POST"])
@scope.command(blp, SyncRunAnswer, body=EmptySchema)
def refuse_run(uow: UnitOfWork, _body: dict[str, Any], run_id: str) -> RunRow:
    """Forget what a parked run has read."""
    return queries.run_answer(uow, service.refuse_run(uow, run_id=run_id))


@blp.route("/sources/<name>/reading", methods=["PUT"])
@scope.command(blp, SourceAnswer, body=ReadingBody)
def set_reading(uow: UnitOfWork, body: dict[str, Any], name: str) -> SourceRow:
    """Change when a source is read by itself, and how much a read may end without a person."""
    version = body.pop("version", None)
    service.set_reading(uow, name=name, rules=body, version=version)
    return queries.show_source(uow, name)


@blp.route("/sources/<name>/schedule", methods=["GET"])
@scope.query(blp, ScheduleAnswer)
def show_schedule(reading: Reading, name: str) -> Next:
    """Show when a source is read next, and why it is not."""
    return queries.next_read_of(reading, queries.show_source(reading, name))


@blp.route("/sources/<name>/exclusions", methods=["GET"])
@scope.query(blp, page_of(ExclusionAnswer), args=PageArgs)
def list_exclusions(reading: Reading, args: dict[str, Any], name: str) -> Page[ExclusionRow]:
    """List the groups of a source that are left out by name."""
    return queries.list_exclusions(reading, name, window(args))


@blp.route("/sources/<name>/exclusions", methods=["POST"])
@scope.command(blp, ExclusionAnswer, body=ExclusionBody, status=201)
def exclude(uow: UnitOfWork, body: dict[str, Any], name: str) -> ExclusionRow:
    """Leave a group out: that its members cannot be read makes no run incomplete any more."""
    return queries.exclusion_row(uow, service.exclude_group(uow, source_name=name, **body).id)


@blp.route("/exclusions/<exclusion_id>", methods=["DELETE"])
@scope.command(blp, ExclusionAnswer)
def lift_exclusion(uow: UnitOfWork, exclusion_id: str) -> ExclusionRow:
    """Expect the members of a group to be read again."""
    found = service.lift_exclusion(uow, exclusion_id=exclusion_id)
    return queries.exclusion_row(uow, found.id)


@blp.route("/identities", methods=["GET"])
@scope.query(blp, page_of(IdentityAnswer), args=ListArgs)
def list_identities(reading: Reading, args: dict[str, Any]) -> Page[IdentityRow]:
    """Search people and services."""
    return queries.list_identities(
        reading, window(args), q=args["q"], privileged=args["privileged"], **_then(args)
    )


@blp.route("/identities/<identity_id>", methods=["GET"])
@scope.query(blp, IdentityDetailAnswer, args=ThenArgs)
def show_identity(reading: Reading, args: dict[str, Any], identity_id: str) -> dict[str, Any]:
    """Show one of them, with the accounts."""
    found = queries.show_identity(reading, identity_id, **_then(args))
    return detail(found)


@blp.route("/identities/<identity_id>/access", methods=["GET"])
@scope.query(blp, AccessList, args=ThenArgs)
def show_access(reading: Reading, args: dict[str, Any], identity_id: str) -> dict[str, Any]:
    """Show effective access, with the path of each."""
    found = queries.show_access(reading, identity_id, **_then(args))
    return {"items": found, "next_cursor": None}


@blp.route("/groups", methods=["GET"])
@scope.query(blp, page_of(GroupAnswer), args=ListArgs)
def list_groups(reading: Reading, args: dict[str, Any]) -> Page[GroupRow]:
    """Search groups."""
    return queries.list_groups(
        reading, window(args), q=args["q"], privileged=args["privileged"], **_then(args)
    )


@blp.route("/groups/<group_id>", methods=["GET"])
@scope.query(blp, GroupAnswer, args=ThenArgs)
def show_group(reading: Reading, args: dict[str, Any], group_id: str) -> GroupRow:
    """Show one group."""
    return queries.show_group(reading, group_id, **_then(args))


@blp.route("/groups/<group_id>/members", methods=["GET"])
@scope.query(blp, page_of(MemberAnswer), args=MembersArgs)
def show_members(reading: Reading, args: dict[str, Any], group_id: str) -> Page[MemberRow]:
    """List the accounts in a group; `effective=true` follows nesting."""
    return queries.show_members(
        reading,
        group_id,
        window(args),
        is_effective=args["effective"],
        **_then(args),
    )


@blp.route("/identities/<identity_id>/difference", methods=["GET"])
@scope.query(blp, IdentityDifferenceAnswer, args=BetweenArgs)
def identity_difference(
    reading: Reading, args: dict[str, Any], identity_id: str
) -> queries.IdentityDifference:
    """Compare what somebody had and was at two moments."""
    return queries.identity_difference(reading, identity_id, args["since"], args["until"])


@blp.route("/groups/<group_id>/difference", methods=["GET"])
@scope.query(blp, GroupDifferenceAnswer, args=BetweenArgs)
def group_difference(
    reading: Reading, args: dict[str, Any], group_id: str
) -> queries.GroupDifference:
    """Compare a group and its direct members at two moments."""
    return queries.group_difference(reading, group_id, args["since"], args["until"])


def _then(args: dict[str, Any]) -> dict[str, datetime | None]:
    return {"as_of": args["as_of"], "known_at": args["known_at"]}


def detail(found: queries.IdentityDetail) -> dict[str, Any]:
    """Return an identity with its accounts as one flat document."""
    names = [field.name for field in dataclasses.fields(found.row)]
    return {name: getattr(found.row, name) for name in names} | {"accounts": found.accounts}


@blp.route("/accounts", methods=["GET"])
@scope.query(blp, page_of(AccountLineAnswer), args=AccountArgs)
def list_accounts(reading: Reading, args: dict[str, Any]) -> Page[AccountLine]:
    """List accounts: whose they are, what they are for; `which` picks orphans and other sorts."""
    return queries.list_accounts(
        reading, window(args), q=args["q"], only=args["which"], **_then(args)
    )


@blp.route("/accounts/sheet", methods=["GET"])
@scope.signed_in_first
@blp.arguments(WholeAccountArgs, location="query")  # type: ignore[untyped-decorator]
@blp.response(200, {"format": "binary", "type": "string"}, content_type="text/csv")  # type: ignore[untyped-decorator]
def take_accounts(args: dict[str, Any]) -> Response:
    """Take all of the list as a CSV file that can be filled in; that it was taken is recorded."""
    with scope.writing() as uow:
        found = sheets.accounts(
            uow, scope.doors().transactions, q=args["q"], only=args["which"], **_then(args)
        )
    return answer("accounts", found)


@blp.route("/accounts/sheet/preview", methods=["POST"])
@scope.command(blp, SheetAnswer, body=SheetBody, most_bytes=MOST_SENT)
def preview_accounts(uow: UnitOfWork, body: dict[str, Any]) -> Plan:
    """Say what a CSV sheet of types and owners of accounts would do; nothing is stored.

    Its columns: `id`, or `source` and `login`; then any of `type`, `owner`.
    """
    return service.plan_accounts(uow, body["sheet"])


@blp.route("/accounts/sheet", methods=["POST"])
@scope.command(blp, SheetAnswer, body=ConfirmedSheetBody, most_bytes=MOST_SENT)
def apply_accounts(uow: UnitOfWork, body: dict[str, Any]) -> Plan:
    """Store what a sheet says of accounts, as its preview showed it: all of it, or nothing."""
    return service.apply_accounts(uow, body["sheet"], body["digest"])


@blp.route("/accounts/<account_id>", methods=["GET"])
@scope.query(blp, AccountLineAnswer, args=ThenArgs)
def show_account(reading: Reading, args: dict[str, Any], account_id: str) -> AccountLine:
    """Show one account."""
    return queries.show_account(reading, account_id, **_then(args))


@blp.route("/accounts/<account_id>/identity", methods=["PUT"])
@scope.command(blp, AccountLineAnswer, body=TyingBody)
def link_account(uow: UnitOfWork, body: dict[str, Any], account_id: str) -> AccountLine:
    """Say whose account this is; no read and no rule changes it."""
    service.link_account(uow, account=account_id, **body)
    return queries.show_account(uow, account_id)


@blp.route("/accounts/<account_id>/separate", methods=["POST"])
@scope.command(blp, AccountLineAnswer, body=SeparationBody)
def separate_account(uow: UnitOfWork, body: dict[str, Any], account_id: str) -> AccountLine:
    """Take an account away from its identity: it has one of its own from now on."""
    service.separate_account(uow, account=account_id, **body)
    return queries.show_account(uow, account_id)


@blp.route("/accounts/<account_id>/type", methods=["PUT"])
@scope.command(blp, AccountLineAnswer, body=TypingBody)
def type_account(uow: UnitOfWork, body: dict[str, Any], account_id: str) -> AccountLine:
    """Say what an account is for, and who answers for it."""
    kind = body.pop("type")
    service.type_account(uow, account=account_id, kind=kind, **body)
    return queries.show_account(uow, account_id)


@blp.route("/cases", methods=["GET"])
@scope.query(blp, page_of(CaseAnswer), args=CaseArgs)
def list_cases(reading: Reading, args: dict[str, Any]) -> Page[CaseRow]:
    """List the accounts in doubt; `q` is part of the login or name of the account."""
    return queries.list_cases(reading, window(args), q=args["q"], state=args["state"])


@blp.route("/cases/<case_id>", methods=["GET"])
@scope.query(blp, CaseAnswer)
def show_case(reading: Reading, case_id: str) -> CaseRow:
    """Show one of them."""
    return queries.show_case(reading, case_id)


@blp.route("/cases/<case_id>/settle", methods=["POST"])
@scope.command(blp, CaseAnswer, body=SettlementBody)
def settle_case(uow: UnitOfWork, body: dict[str, Any], case_id: str) -> CaseRow:
    """Decide who an account in doubt is."""
    service.settle_case(uow, case_id=case_id, **body)
    return queries.show_case(uow, case_id)


@blp.route("/correlation-rules", methods=["GET"])
@scope.query(blp, RuledAnswer)
def show_rules(reading: Reading) -> Ruling:
    """Show by which rules accounts are tied to identities."""
    return queries.show_rules(reading)


@blp.route("/correlation-rules/preview", methods=["POST"])
@scope.command(blp, ForeseenAnswer, body=RulesBody)
def preview_rules(uow: UnitOfWork, body: dict[str, Any]) -> Foreseen:
    """What rules would tie and put in doubt, if they were put in force now. Nothing is stored."""
    rules = _rules(body)
    return service.preview_correlation(
        uow, rules=rules, version=body["version"], source=body["source"]
    )


@blp.route("/correlation-rules", methods=["PUT"])
@scope.command(blp, RuledAnswer, body=RulesBody)
def set_rules(uow: UnitOfWork, body: dict[str, Any]) -> Ruling:
    """Change them, and tie accounts anew; ties that were made stay."""
    rules = _rules(body)
    service.set_correlation(uow, rules=rules, version=body["version"], source=body["source"])
    return queries.show_rules(uow)


def _rules(body: dict[str, Any]) -> list[Rule]:
    return [Rule(**{**each, "against": each["against"] or each["match"]}) for each in body["rules"]]
