"""Hangs the record of auditors' looks on the application."""

from flask import Flask, Response, g, request

from app.audit import looking
from app.kernel.actor import Actor
from app.web.scope import doors
from app.web.visit import Visit

SHOWN = frozenset({200, 206, 304})
REFUSED = frozenset({403, 404})


def install(app: Flask) -> None:
    """Note what an auditor was shown or refused. Without the note there is no look.

    What is asked for by POST is a look if it is answered with 200: commands answer otherwise, and
    leave entries of their own.
    """

    @app.after_request
    def noted(response: Response) -> Response:
        actor, status = _who(), response.status_code
        if actor is None or request.url_rule is None or status not in SHOWN | REFUSED:
            return response
        given = {name: str(value) for name, value in (request.view_args or {}).items()}
        is_refused = status in REFUSED  # then its address may hold whatever was typed
        about = looking.plain(request.args) | (looking.plain(given) if is_refused else given)
        rule = request.url_rule.rule
        looking.note(doors().transactions, actor, rule, about, is_refused=is_refused)
        return response


def _who() -> Actor | None:
    if g.get("is_poll"):
        return None
    visit: Visit | None = g.get("visit")
    caller: Actor | None = g.get("caller")
    return caller if visit is None else visit.actor
