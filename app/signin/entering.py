"""How a browser enters and leaves: what every way of signing in ends with."""

from flask import Response

from app.kernel.uow import UnitOfWork
from app.signin import sessions
from app.web import guards

NEXT = "attestry-next"
NEXT_FOR = 3600


def remember_next(response: Response, address: str) -> None:
    """Remember for an hour where somebody wanted to go, whichever way they sign in by."""
    guards.set_cookie(response, NEXT, guards.sign("next", address), seconds=NEXT_FOR)


def wanted() -> str:
    """Return where somebody wanted to go."""
    return guards.own_path(guards.signed("next", guards.cookie(NEXT)))


def end_present(uow: UnitOfWork) -> None:
    """End the session this browser has, before another begins: none is ever taken over."""
    present = guards.cookie(guards.SESSION)
    if present:
        sessions.end_by_cookie(uow, present, why="replaced")


def welcome(begun: sessions.NewSession) -> Response:
    """Hand over the session, and lead to where they wanted to go."""
    answer = Response(status=303, headers={"Location": wanted()})
    guards.set_cookie(answer, guards.SESSION, begun.cookie)
    guards.drop_cookie(answer, NEXT)
    guards.drop_cookie(answer, guards.BROWSER)
    return answer


def leave() -> Response:
    """Take the session's cookie back, and lead to the sign-in page."""
    answer = Response(status=303, headers={"Location": "/sign-in?why=signed-out"})
    guards.drop_cookie(answer, guards.SESSION)
    return answer
