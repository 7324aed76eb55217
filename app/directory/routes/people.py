"""Pages on whose an account is: accounts, orphans, cases."""

from flask import Response, url_for
from flask_babel import gettext as _

from app.directory import queries, schemas, service
from app.directory.domain import AccountType, CaseState
from app.directory.routes import blp
from app.directory.routes.moments import address, answered, ask
from app.kernel.errors import InvalidInputError, NotFoundError
from app.kernel.uow import Reading, UnitOfWork
from app.web import pages
from app.web.pages import Form
from app.web.shapes import window

MOST_CHOICES = (CaseState.OPEN, CaseState.LINKED, CaseState.OWN, CaseState.NOT_SAME)


@pages.page(blp, "/accounts")
def accounts(reading: Reading, form: Form | None = None) -> Response:  # noqa: ARG001 - a refused file leads back here
    """Accounts as such: whose they are, what they are for; orphans and other sorts."""
    asked = ask(reading, schemas.AccountArgs)
    only = asked.args["which"] if asked.as_of is None else None  # sorts are kept for now only
    found = queries.list_accounts(
        reading,
        window(asked.args),
        q=asked.args["q"],
        only=only,
        as_of=asked.as_of,
        known_at=asked.known_at,
    )
    return answered(
        "directory/accounts.html",
        asked,
        page=found,
        q=asked.args["q"],
        which=only,
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
    """Accounts in doubt, oldest first; found by login or name."""
    args = address(schemas.CaseArgs, form)
    found = queries.list_cases(reading, window(args), q=args["q"], state=args["state"])
    return pages.render(
        "directory/cases.html",
        page=found,
        q=args["q"],
        state=args["state"].value,
        states=MOST_CHOICES,
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
