"""The lists as files: which columns they have, and the one that is a sheet to be sent back."""

from collections.abc import Iterator
from datetime import datetime

from app.directory import queries
from app.directory.queries import (
    AccessRow,
    AccountLine,
    CaseRow,
    Change,
    GroupRow,
    IdentityRow,
    Interval,
    MemberRow,
    Only,
    RunLine,
    SourceRow,
)
from app.kernel.uow import Transactions, UnitOfWork
from app.web.sheets import Columns, text

IDENTITIES: Columns[IdentityRow] = {
    "id": lambda row: row.id,
    "name": lambda row: row.name,
    "kind": lambda row: row.kind,
    "mail": lambda row: row.mail,
    "employee_number": lambda row: row.employee_number,
    "department": lambda row: row.department,
    "title": lambda row: row.title,
    "is_active": lambda row: row.is_active,
    "manager": lambda row: row.manager,
    "manager_name": lambda row: row.manager_name,
    "first_seen_at": lambda row: row.first_seen_at,
    "ended_at": lambda row: row.ended_at,
}
GROUPS: Columns[GroupRow] = {
    "id": lambda row: row.id,
    "source": lambda row: row.source,
    "name": lambda row: row.name,
    "kind": lambda row: row.kind,
    "description": lambda row: row.description,
    "is_administrative": lambda row: row.is_administrative,
    "privileged_steps": lambda row: row.privileged_steps,
    "is_writable": lambda row: row.is_writable,
    "master_name": lambda row: row.master_name,
    "rule": lambda row: row.rule,
    "first_seen_at": lambda row: row.first_seen_at,
    "ended_at": lambda row: row.ended_at,
}
ACCOUNTS: Columns[AccountLine] = {
    "id": lambda row: row.id,
    "source": lambda row: row.source,
    "login": lambda row: row.login,
    "name": lambda row: row.name,
    "mail": lambda row: row.mail,
    "status": lambda row: row.status,
    "is_enabled": lambda row: row.is_enabled,
    "type": lambda row: row.type,
    "type_said_here": lambda row: row.said is not None,
    "owner": lambda row: row.owner,
    "owner_name": lambda row: row.owner_name,
    "owner_is_active": lambda row: row.owner_is_active,
    "identity": lambda row: row.identity,
    "identity_name": lambda row: row.identity_name,
    "rule": lambda row: row.rule,
    "confidence": lambda row: row.confidence,
    "last_sign_in_at": lambda row: row.last_sign_in_at,
    "last_sign_in_from": lambda row: row.last_sign_in_from,
}
CASES: Columns[CaseRow] = {
    "id": lambda row: row.id,
    "state": lambda row: row.state,
    "code": lambda row: row.code,
    "detail": lambda row: row.detail,
    "source": lambda row: row.account.source,
    "account": lambda row: row.account.id,
    "login": lambda row: row.account.login,
    "name": lambda row: row.account.name,
    "may_be": lambda row: "; ".join(each.name for each in row.candidates),
    "opened_at": lambda row: row.opened_at,
    "settled_at": lambda row: row.settled_at,
    "reason": lambda row: row.reason,
}
ACCESS: Columns[AccessRow] = {
    "group": lambda row: row.group.id,
    "name": lambda row: row.group.name,
    "source": lambda row: row.group.source,
    "is_administrative": lambda row: row.group.is_administrative,
    "login": lambda row: row.login,
    "is_direct": lambda row: row.is_direct,
    "path": lambda row: [each.name for each in row.path],
    "steps": lambda row: row.steps,
    "follows": lambda row: [each.name for each in row.follows],
    "provenance": lambda row: row.provenance,
    "since": lambda row: row.since,
}
MEMBERS: Columns[MemberRow] = {
    "account": lambda row: row.account,
    "login": lambda row: row.login,
    "name": lambda row: row.name,
    "is_enabled": lambda row: row.is_enabled,
    "identity": lambda row: row.identity,
    "identity_name": lambda row: row.identity_name,
    "is_direct": lambda row: row.is_direct,
    "path": lambda row: [each.name for each in row.path],
    "provenance": lambda row: row.provenance,
    "since": lambda row: row.since,
}
HISTORY: Columns[Interval] = {
    "group": lambda row: row.group,
    "group_name": lambda row: row.group_name,
    "source": lambda row: row.source,
    "login": lambda row: row.login,
    "identity": lambda row: row.identity,
    "identity_name": lambda row: row.identity_name,
    "valid_from": lambda row: row.valid_from,
    "valid_to": lambda row: row.valid_to,
    "provenance": lambda row: row.provenance,
    "provenance_ref": lambda row: row.provenance_ref,
    "run_from": lambda row: row.run_from,
    "run_to": lambda row: row.run_to,
}
SOURCES: Columns[SourceRow] = {
    "id": lambda row: row.id,
    "name": lambda row: row.name,
    "kind": lambda row: row.kind,
    "is_enabled": lambda row: row.is_enabled,
    "has_baseline": lambda row: row.has_baseline,
    "created_at": lambda row: row.created_at,
    "last_run": lambda row: row.last_run,
    "last_state": lambda row: row.last_state,
    "last_ended_at": lambda row: row.last_ended_at,
    "delta_minutes": lambda row: row.delta_minutes,
    "full_hours": lambda row: row.full_hours,
}
CHANGES: Columns[Change] = {
    "kind": lambda row: row.kind,
    "subject": lambda row: row.subject.name,
    "subject_page": lambda row: row.subject.href,
    "group": lambda row: row.group and row.group.name,
    "group_page": lambda row: row.group and row.group.href,
    "fields": lambda row: "; ".join(row.fields),
    "done_at": lambda row: row.done and row.done.at,
    "done_by": lambda row: row.done and row.done.by,
    "done_by_account": lambda row: row.done and row.done.account,
    "done_by_holder": lambda row: row.done and row.done.holder,
}
RUNS: Columns[RunLine] = {
    "id": lambda row: row.id,
    "begun_at": lambda row: row.begun_at,
    "ended_at": lambda row: row.ended_at,
    "state": lambda row: row.state,
    "is_delta": lambda row: row.is_delta,
    "why": lambda row: row.why,
    "accounts": lambda row: row.counts.get("accounts"),
    "groups": lambda row: row.counts.get("groups"),
    "changes": lambda row: row.changes,
}


def accounts(
    uow: UnitOfWork,
    tx: Transactions,
    *,
    q: str | None = None,
    only: Only | None = None,
    as_of: datetime | None = None,
    known_at: datetime | None = None,
) -> Iterator[str]:
    """Return the accounts of a list as a file that can be filled in; see `app.web.sheets.text`."""
    then = {"as_of": as_of, "known_at": known_at}
    return text(
        uow,
        tx,
        "accounts",
        ACCOUNTS,
        lambda reading, part: queries.list_accounts(reading, part, q=q, only=only, **then),
        filtered=said(q, None if only is None else only.value, *then.values()),
    )


def said(*parts: object) -> str:
    """Return what a list is narrowed to, for the record that it was taken."""
    return " ".join(str(each) for each in parts if each is not None)
