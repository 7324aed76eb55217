"""Signing in and out, and one's own account."""

from flask import Response, make_response, request

from app.kernel.errors import ConflictError, NotFoundError, NotPermittedError, NotSignedInError
from app.kernel.settings import Mode
from app.kernel.uow import Reading
from app.signin import entering, links, sessions
from app.web import guards, pages
from app.web.scope import doors
from app.web.visit import NOBODY

blp = pages.pages("signin", __name__)


@pages.page(blp, "/sign-in", is_public=True)
def sign_in(_reading: Reading) -> Response:
    """Show how to sign in; where somebody wanted to go is remembered."""
    wanted = guards.own_path(request.args.get("next"))
    if guards.visit() is not None:
        return Response(status=303, headers={"Location": wanted})
    text = pages.render(
        "signin/sign_in.html",
        why=request.args.get("why", ""),
        has_provider=bool(doors().settings.oidc_issuer),
        is_demonstration=_is_demonstration(),
    )
    answer = make_response(text)
    entering.remember_next(answer, wanted)
    return answer


@pages.page(blp, "/sign-in/link/<secret>", is_public=True)
def link(reading: Reading, secret: str) -> str:
    """Show what a link would do; scanners of mail that open it use nothing up."""
    shown = links.look(reading, secret, is_demonstration=_is_demonstration())
    return pages.render("signin/link.html", link=shown)


@blp.post("/sign-in/link/<secret>")
def use_link(secret: str) -> Response:
    """Sign in with a link."""
    guards.check_browser_form()
    guards.require_safe_address()
    transactions = doors().transactions
    agent = request.user_agent.string
    try:
        with transactions.write(NOBODY) as uow:
            entering.end_present(uow)
            begun = links.use(uow, secret, agent=agent, is_demonstration=_is_demonstration())
    except (ConflictError, NotFoundError, NotSignedInError) as refusal:
        with transactions.write(NOBODY) as uow:
            links.note_refusal(uow, secret, refusal)
        raise
    return entering.welcome(begun)


@blp.post("/sign-out")
def sign_out() -> Response:
    """Sign out, on the server and in the browser."""
    guards.check_site()
    if guards.session_of_form() is None:
        raise NotPermittedError(guards.FORGED)
    present = guards.cookie(guards.SESSION)
    if present:
        with doors().transactions.write(NOBODY) as uow:
            sessions.end_by_cookie(uow, present)
    return entering.leave()


def _is_demonstration() -> bool:
    return doors().settings.mode is Mode.DEMONSTRATION
