"""Signing in and out, one's own account, and for administrators roles and tokens."""

from flask import Response, abort, g, make_response, request, url_for
from flask_babel import force_locale
from flask_babel import gettext as _

from app.kernel.actor import Role
from app.kernel.errors import (
    ConflictError,
    NotFoundError,
    NotSignedInError,
)
from app.kernel.settings import Mode
from app.kernel.uow import Reading, UnitOfWork
from app.signin import arriving, entering, links, preferences, queries, service, sessions
from app.signin.routes import blp
from app.signin.routes.provider import has_provider, leaves_at
from app.signin.schemas import PreferencesForm, RoleForm, TieForm, TokenForm
from app.web import guards, pages, throttle
from app.web.pages import Form
from app.web.paging import Window
from app.web.scope import doors
from app.web.visit import NOBODY, Visit


@pages.page(blp, "/sign-in", is_public=True)
def sign_in(reading: Reading) -> Response:
    """Show how to sign in, or to once more; where somebody wanted to go is remembered."""
    wanted = guards.own_path(request.args.get("next"))
    visit = guards.visit()
    is_step_up = visit is not None and request.args.get("step_up") == "1"
    if visit is not None and (not is_step_up or visit.actor.is_fresh(reading.now)):
        return Response(status=303, headers={"Location": wanted})
    text = pages.render(
        "signin/sign_in.html",
        why=request.args.get("why", ""),
        is_step_up=is_step_up,
        has_provider=has_provider(),
        leaves_at=leaves_at(),
        is_demonstration=_is_demonstration(),
    )
    answer = make_response(text)
    entering.remember_next(answer, wanted)
    return answer


@pages.page(blp, "/sign-in/link/<secret>", is_public=True)
def link(reading: Reading, secret: str) -> str:
    """Show what a link would do; scanners of mail that open it use nothing up."""
    try:
        shown = links.look(reading, secret, is_demonstration=_is_demonstration())
    except NotFoundError:
        throttle.failed("sign-in")
        raise
    return pages.render("signin/link.html", link=shown, browser_csrf=guards.browser_token())


@blp.post("/sign-in/link/<secret>")
def use_link(secret: str) -> Response:
    """Sign in with a link."""
    guards.check_browser_form()
    guards.require_safe_address()
    transactions = doors().transactions
    browser = entering.browser()
    try:
        with transactions.write(NOBODY) as uow:
            begun = links.use(uow, secret, browser=browser, is_demonstration=_is_demonstration())
    except (ConflictError, NotFoundError, NotSignedInError) as refusal:
        throttle.failed("sign-in")
        with transactions.write(NOBODY) as uow:
            links.note_refusal(uow, secret, refusal)
        raise
    return entering.welcome(begun)


@blp.post("/sign-out")
def sign_out() -> Response:
    """Sign out, on the server and in the browser; once more changes nothing."""
    guards.check_site()
    try:
        with guards.writing() as uow:
            guards.check_session_form(_visit())
            sessions.end_by_cookie(uow, guards.cookie(guards.SESSION))
    except NotSignedInError:
        g.visit = None
    return entering.leave()


# --- one's own account -------------------------------------------------------------------------


@pages.page(blp, "/account")
def account(reading: Reading, form: Form | None = None) -> str:
    """Show where one is signed in, and how one likes the pages."""
    return pages.render(
        "signin/account.html",
        form=form,
        visit=_visit(),
        sessions=queries.own_sessions(reading),
        tie=links.tie_offered(reading, _visit().session),
        zones=[(name, name.replace("_", " ")) for name in preferences.zones()],
        languages=list(preferences.LANGUAGES.items()),
    )


@pages.action(blp, "/account/preferences", again=account)
def set_preferences(uow: UnitOfWork, form: Form) -> Response:
    """Keep how one likes the pages; that is said in the language chosen."""
    liked = form.load(PreferencesForm)
    preferences.set_preferences(uow, **liked)
    with force_locale(liked["language"]):
        return pages.seen(url_for("signin_pages.account"), notice=_("Kept."))


@pages.action(blp, "/account/sessions/<session_id>/end", again=account)
def end_session(uow: UnitOfWork, _form: Form, session_id: str) -> Response:
    """End one of one's own sessions."""
    sessions.end_one(uow, session_id=session_id)
    return pages.seen(url_for("signin_pages.account"), notice=_("That session has ended."))


@pages.action(blp, "/account/sessions/end-others", again=account)
def end_other_sessions(uow: UnitOfWork, _form: Form) -> Response:
    """End all of one's own sessions but this one."""
    sessions.end_others(uow, but=_visit().session)
    told = _("You are signed in with this browser only.")
    return pages.seen(url_for("signin_pages.account"), notice=told)


@pages.action(blp, "/account/tie", again=account)
def tie(uow: UnitOfWork, _form: Form) -> Response:
    """Tie the first administrator to the identity that has their mail address."""
    links.tie(uow, _visit().session)
    return pages.seen(url_for("signin_pages.account"), notice=_("You are signed in as yourself."))


# --- roles -------------------------------------------------------------------------------------


@pages.page(blp, "/people")
def people(reading: Reading, form: Form | None = None) -> str:
    """Show who holds which role."""
    is_past = _is_past()
    listed = queries.past_roles if is_past else queries.present_roles
    return pages.render(
        "signin/people.html",
        form=form,
        page=listed(reading, Window(cursor=request.args.get("cursor"))),
        is_past=is_past,
        roles=[role.value for role in Role],
    )


@pages.action(blp, "/people", again=people)
def grant_role(uow: UnitOfWork, form: Form) -> Response:
    """Give somebody a role."""
    service.grant_role(uow, **form.load(RoleForm))
    return pages.seen(url_for("signin_pages.people"), notice=_("The role is given."))


@pages.page(blp, "/people/accounts")
def accounts(reading: Reading, form: Form | None = None) -> str:
    """Show who signs in with which account of the provider."""
    return pages.render(
        "signin/accounts.html",
        form=form,
        page=queries.list_ties(reading, Window(cursor=request.args.get("cursor"))),
        issuer=doors().settings.oidc_issuer,
    )


@pages.action(blp, "/people/accounts", again=accounts)
def tie_by_hand(uow: UnitOfWork, form: Form) -> Response:
    """Tie somebody to their account at the provider."""
    wish = form.load(TieForm)
    arriving.tie(uow, issuer=doors().settings.oidc_issuer, **wish)
    return pages.seen(url_for("signin_pages.accounts"), notice=_("Tied. They can sign in now."))


@pages.action(blp, "/people/accounts/<identity_id>/untie", again=accounts)
def untie(uow: UnitOfWork, _form: Form, identity_id: str) -> Response:
    """Untie somebody from their account at the provider."""
    arriving.untie(uow, who=identity_id)
    told = _("Untied. Their next sign-in ties them anew, by a verified address.")
    return pages.seen(url_for("signin_pages.accounts"), notice=told)


@pages.action(blp, "/people/<role_id>/end", again=people)
def end_role(uow: UnitOfWork, _form: Form, role_id: str) -> Response:
    """Take a role from somebody."""
    service.end_role(uow, role_id=role_id)
    told = _("The role is taken away. It ends at their next click.")
    return pages.seen(url_for("signin_pages.people"), notice=told)


# --- tokens ------------------------------------------------------------------------------------


@pages.page(blp, "/tokens")
def tokens(reading: Reading, form: Form | None = None) -> str:
    """Show the API tokens, never their secrets."""
    is_past = _is_past()
    listed = queries.past_tokens if is_past else queries.usable_tokens
    return pages.render(
        "signin/tokens.html",
        form=form,
        page=listed(reading, Window(cursor=request.args.get("cursor"))),
        is_past=is_past,
        roles=[role.value for role in Role],
    )


@pages.action(blp, "/tokens", again=tokens, is_secret=True)
def create_token(uow: UnitOfWork, form: Form) -> str:
    """Make a token, and show it this once."""
    asked = form.load(TokenForm)
    is_person = asked.pop("acts_as") == "person"
    asked["role" if is_person else "who"] = None
    made = service.create_token(uow, **asked)
    return pages.render("signin/token_made.html", made=made)


@pages.action(blp, "/tokens/<token_id>/revoke", again=tokens)
def revoke_token(uow: UnitOfWork, _form: Form, token_id: str) -> Response:
    """End a token at once."""
    service.revoke_token(uow, token_id=token_id)
    return pages.seen(url_for("signin_pages.tokens"), notice=_("The token is revoked."))


def _visit() -> Visit:
    found = guards.visit()
    return found if found is not None else abort(401)


def _is_past() -> bool:
    return request.args.get("show") == "past"


def _is_demonstration() -> bool:
    return doors().settings.mode is Mode.DEMONSTRATION
