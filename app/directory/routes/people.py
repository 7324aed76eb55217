"""Pages on whose an account is: accounts, orphans, cases; and the lists as files."""

from datetime import datetime
from typing import Any

from flask import Response, request, url_for
from flask_babel import gettext as _

from app.directory import queries, schemas, service
from app.directory.domain import AccountType, CaseState
from app.directory.routes import blp
from app.directory.routes.looking import group, groups, identities, identity, source
from app.directory.routes.sheets import (
    ACCESS,
    ACCOUNTS,
    CASES,
    GROUPS,
    IDENTITIES,
    MEMBERS,
    RUNS,
)
from app.kernel.errors import InvalidInputError, NotFoundError
from app.kernel.uow import Reading, UnitOfWork
from app.web import pages
from app.web.pages import Form
from app.web.shapes import window
from app.web.sheets import take, whole

ASKED = ("q", "privileged", "as_of", "known_at")
MOST_CHOICES = (CaseState.OPEN, CaseState.LINKED, CaseState.OWN, CaseState.NOT_SAME)


@pages.page(blp, "/accounts")
def accounts(reading: Reading, form: Form | None = None) -> str:
    """Accounts as such: whose they are, what they are for; orphans and other sorts."""
    args = _args(schemas.AccountArgs, form)
    found = queries.list_accounts(reading, window(args), q=args["q"], only=args["which"])
    return pages.render(
        "directory/accounts.html",
        page=found,
        q=args["q"],
        which=args["which"],
        sorts=tuple(queries.Only),
    )


@pages.page(blp, "/accounts/<account_id>")
def account(reading: Reading, account_id: str, form: Form | None = None) -> str:
    """One account: whose it is and why, what it is for, who answers for it."""
    found = queries.show_account(reading, account_id)
    return pages.render(
        "directory/account.html", account=found, form=form, types=tuple(AccountType)
    )


@pages.action(blp, "/accounts/<account_id>/type", again=account)
def type_account(uow: UnitOfWork, form: Form, account_id: str) -> Response:
    """Say what it is for, and who answers for it."""
    typed = form.load(schemas.TypingBody(exclude=("owner",)))
    owner = _who(uow, form, "owner")
    service.type_account(
        uow, account=account_id, version=typed["version"], kind=typed["type"], owner=owner
    )
    return pages.seen(url_for(f"{blp.name}.account", account_id=account_id), notice=_("Changed."))


@pages.action(blp, "/accounts/<account_id>/identity", again=account)
def link_account(uow: UnitOfWork, form: Form, account_id: str) -> Response:
    """Say whose it is."""
    typed = form.load(schemas.SeparationBody)
    who = _who(uow, form, "identity")
    if who is None:
        raise InvalidInputError({"identity": _("Say whose account it is.")})
    service.link_account(uow, account=account_id, identity=who, reason=typed["reason"])
    notice = _("It is theirs from now on, whatever a rule says.")
    return pages.seen(url_for(f"{blp.name}.account", account_id=account_id), notice=notice)


@pages.action(blp, "/accounts/<account_id>/separate", again=account)
def separate_account(uow: UnitOfWork, form: Form, account_id: str) -> Response:
    """Take it away from whoever it is said to be."""
    typed = form.load(schemas.SeparationBody)
    service.separate_account(uow, account=account_id, reason=typed["reason"])
    notice = _("It has an identity of its own from now on.")
    return pages.seen(url_for(f"{blp.name}.account", account_id=account_id), notice=notice)


@pages.page(blp, "/cases")
def cases(reading: Reading, form: Form | None = None) -> str:
    """Accounts in doubt, oldest first."""
    args = _args(schemas.CaseArgs, form)
    found = queries.list_cases(reading, window(args), state=args["state"])
    return pages.render(
        "directory/cases.html", page=found, state=args["state"].value, states=MOST_CHOICES
    )


@pages.page(blp, "/cases/<case_id>")
def case(reading: Reading, case_id: str, form: Form | None = None) -> str:
    """One account in doubt: what it is, and whom it may be."""
    return pages.render("directory/case.html", case=queries.show_case(reading, case_id), form=form)


@pages.action(blp, "/cases/<case_id>/settle", again=case)
def settle(uow: UnitOfWork, form: Form, case_id: str) -> Response:
    """Decide who it is."""
    typed = form.load(schemas.SettlementBody)
    service.settle_case(uow, case_id=case_id, **typed)
    return pages.seen(url_for(f"{blp.name}.cases"), notice=_("Settled. No read takes it back."))


# --- the lists as files ----------------------------------------------------------------------


@pages.handover(blp, "/accounts/file", again=accounts)
def accounts_file(uow: UnitOfWork, form: Form) -> Response:
    """The accounts of the list, as a file."""
    args = form.load(schemas.AccountArgs)
    q, only = args["q"], args["which"]
    return take(
        uow,
        "accounts",
        ACCOUNTS,
        lambda reading, part: queries.list_accounts(reading, part, q=q, only=only),
        filtered=_said(q, None if only is None else only.value),
    )


@pages.handover(blp, "/cases/file", again=cases)
def cases_file(uow: UnitOfWork, form: Form) -> Response:
    """The cases of the list, as a file."""
    state = form.load(schemas.CaseArgs)["state"]
    return take(
        uow,
        "cases",
        CASES,
        lambda reading, part: queries.list_cases(reading, part, state=state),
        filtered=state.value,
    )


@pages.handover(blp, "/identities/file", again=identities)
def identities_file(uow: UnitOfWork, form: Form) -> Response:
    """The people of the list, as a file."""
    typed = form.load(schemas.ListArgs)
    asked = {name: typed[name] for name in ASKED}
    return take(
        uow,
        "people",
        IDENTITIES,
        lambda reading, part: queries.list_identities(reading, part, **asked),
        filtered=_narrowed(typed),
    )


@pages.handover(blp, "/groups/file", again=groups)
def groups_file(uow: UnitOfWork, form: Form) -> Response:
    """The groups of the list, as a file."""
    typed = form.load(schemas.ListArgs)
    asked = {name: typed[name] for name in ASKED}
    columns = dict(GROUPS)
    if typed["as_of"] is None:
        inside = queries.effective_counts(uow)
        columns["effective_members"] = lambda row: inside.get(row.key, 0)
    return take(
        uow,
        "groups",
        columns,
        lambda reading, part: queries.list_groups(reading, part, **asked),
        filtered=_narrowed(typed),
    )


@pages.handover(blp, "/identities/<identity_id>/file", again=identity)
def access_file(uow: UnitOfWork, form: Form, identity_id: str) -> Response:
    """What somebody effectively has, as a file."""
    then = _then(form)
    return take(
        uow,
        "access",
        ACCESS,
        lambda reading, _part: whole(queries.show_access(reading, identity_id, **then)),
        filtered=_said(identity_id, *then.values()),
    )


@pages.handover(blp, "/groups/<group_id>/file", again=group)
def members_file(uow: UnitOfWork, form: Form, group_id: str) -> Response:
    """Who is in a group, directly or by nesting, as a file."""
    then, is_effective = _then(form), form["view"] == "effective"
    return take(
        uow,
        "members",
        MEMBERS,
        lambda reading, part: queries.show_members(
            reading, group_id, part, is_effective=is_effective, **then
        ),
        filtered=_said(group_id, *then.values(), "effective" if is_effective else "direct"),
    )


@pages.handover(blp, "/sources/<name>/file", again=source)
def runs_file(uow: UnitOfWork, _form: Form, name: str) -> Response:
    """The reads of a source, as a file."""
    found = queries.show_source(uow, name)
    return take(
        uow,
        "reads",
        RUNS,
        lambda reading, part: queries.recent_runs(reading, found, part),
        filtered=name,
    )


def _args(schema: Any, form: Form | None) -> dict[str, Any]:
    """Return what an address asks for; after a refused form, what there is without it."""
    if form is not None:
        return Form({}).load(schema)
    return Form({name: list(each) for name, each in request.args.lists()}).load(schema)


def _then(form: Form) -> dict[str, datetime | None]:
    """Return the moment of a list, and by when it is to have been known."""
    typed = form.load(schemas.ThenArgs)
    return {name: typed[name] for name in ("as_of", "known_at")}


def _narrowed(typed: dict[str, Any]) -> str:
    """Return what a list is narrowed to, for the record that it was taken."""
    word = "privileged" if typed["privileged"] else None
    return _said(typed["q"], word, typed["as_of"], typed["known_at"])


def _said(*parts: object) -> str:
    return " ".join(str(each) for each in parts if each is not None)


def _who(reading: Reading, form: Form, field: str) -> str | None:
    """Return the identity that an id, mail, number or login means.

    Raises:
        InvalidInputError: Nobody is meant, or several are.
    """
    typed = form[field].strip()
    if not typed:
        return None
    try:
        return queries.find_identity(reading, typed).id
    except NotFoundError as error:
        raise InvalidInputError({field: error.detail}) from None
