"""Hangs the record of auditors' looks on the application."""

from flask import Flask, Response, g, request

from app.audit import looking
from app.kernel.actor import Actor
from app.web.scope import doors
from app.web.visit import Visit

OK = 200


def install(app: Flask) -> None:
    """Note what an auditor was shown. Without the note there is no look: a failure is told."""

    @app.after_request
    def noted(response: Response) -> Response:
        actor = _who()
        is_shown = request.method == "GET" and response.status_code == OK
        if actor is not None and is_shown and request.url_rule is not None:
            about = request.view_args or {}
            looking.note(doors().transactions, actor, request.url_rule.rule, about)
        return response


def _who() -> Actor | None:
    if g.get("is_poll"):
        return None
    visit: Visit | None = g.get("visit")
    caller: Actor | None = g.get("caller")
    return caller if visit is None else visit.actor
