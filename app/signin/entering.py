"""How a browser enters and leaves: what every way of signing in ends with."""

from flask import Response, request

from app.signin.sessions import Browser, NewSession
from app.web import guards

NEXT = "attestry-next"
NEXT_FOR = 3600


def remember_next(response: Response, address: str) -> None:
    """Remember for an hour where somebody wanted to go, whichever way they sign in by."""
    guards.set_cookie(response, NEXT, guards.sign("next", address), seconds=NEXT_FOR)


def wanted() -> str:
    """Return where somebody wanted to go."""
    return guards.own_path(guards.signed("next", guards.cookie(NEXT)))


def browser() -> Browser:
    """Return what is known of the browser that comes in."""
    return Browser(request.user_agent.string, guards.cookie(guards.SESSION))


def welcome(begun: NewSession, *, to: str | None = None) -> Response:
    """Hand over the session, and lead to where they wanted to go."""
    answer = Response(status=303, headers={"Location": wanted() if to is None else to})
    guards.set_cookie(answer, guards.SESSION, begun.cookie)
    guards.drop_cookie(answer, NEXT)
    guards.drop_cookie(answer, guards.BROWSER)
    return answer


def leave() -> Response:
    """Take the session's cookie back, and lead to the sign-in page."""
    answer = Response(status=303, headers={"Location": "/sign-in?why=signed-out"})
    guards.drop_cookie(answer, guards.SESSION)
    return answer
