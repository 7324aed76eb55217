"""How a page and a form of it are made: signed-in only, one reading or one unit of work each.

    blp = pages.pages("reviews", __name__)

    @pages.page(blp, "/reviews/<campaign_id>")
    def worklist(reading, campaign_id, form=None): return pages.render("reviews/worklist.html", …)

    @pages.action(blp, "/reviews/<campaign_id>/sign-off", again=worklist)
    def sign_off(uow, form, campaign_id): …; return pages.seen(url_for(…), notice=_("Signed off."))

A form whose work has to reach out first (try a source, ask a provider) does that before its unit of
work is opened, so that no transaction waits for a network:

    def try_it(door, form, name): return service.check_source(door.tx, …, actor=door.actor)

    @pages.action(blp, "/sources/<name>/settings", again=settings, outside=try_it)
    def set_source(uow, form, found, name): …              # `found` is what `try_it` returned

It is tried anew when the same form comes twice, so it must change nothing that matters.

A form that is refused shows its page again with what was typed and what is wrong. The same form
sent twice gets the first answer. One that was sent after its session had ended is kept, and offered
again after signing in.
"""

import functools
import hashlib
import inspect
import json
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

import sqlalchemy as sa
from flask import Blueprint, Flask, Response, g, make_response, render_template, request, url_for
from sqlalchemy.exc import OperationalError

from app.kernel.actor import Actor, Permission, Role
from app.kernel.errors import (
    ConflictError,
    InvalidInputError,
    NotFoundError,
    NotFreshError,
    NotSignedInError,
    PolicyRefusedError,
)
from app.kernel.idempotency import FORM
from app.kernel.kept import KeptForm, sealed_for
from app.kernel.phrases import phrase
from app.kernel.uow import Reading, Transactions, UnitOfWork
from app.web import bodies, guards, problems, words
from app.web.forms import ONCE, Form
from app.web.rail import Rail
from app.web.scope import First, Slot, at_once, doors, once
from app.web.visit import NOBODY, Visit

__all__ = [
    "Door",
    "Form",
    "Me",
    "action",
    "handover",
    "install",
    "json_action",
    "page",
    "pages",
    "question",
    "render",
    "seen",
]

View = Callable[..., Any]
NOTICE = "attestry-notice"
KEPT = "kept"
KEPT_FOR = timedelta(hours=1)
MAX_KEPT = 64 * 1024
MOST_KEPT = 5
MAX_ONCE = 64
SEEN_EVERY = timedelta(minutes=1)
SENT_BEFORE = (
    "This form was sent before, with other values. Look at what it says, and send it again."
)
ENDPOINT = "attestry_endpoint"


@dataclass(frozen=True, slots=True)
class Me:
    """Who looks at a page, for its template.

    Attributes:
        name: How they are called.
        roles: What they are here.
        identity: Public id of their identity, or None.
        visit: Their session.
    """

    name: str
    roles: frozenset[Role]
    identity: str | None
    visit: Visit

    def may(self, permission: str) -> bool:
        """Say whether they hold a permission, by its name."""
        return self.visit.actor.may(Permission(permission))


@dataclass(frozen=True, slots=True)
class Door:
    """What a form's work outside of a transaction is given.

    Attributes:
        tx: Opens transactions.
        ports: Everything else, as wired (`app.wiring.House`).
        actor: Who sent the form; its token was checked.
    """

    tx: Transactions
    ports: Any
    actor: Actor


class Seen(Response):
    """An answer that leads to a page, and what is said there."""

    notice: Mapping[str, str] | None = None


# --- what stages use -----------------------------------------------------------------------


def pages(stage: str, import_name: str) -> Blueprint:
    """Make the blueprint of a stage's pages, with its own templates."""
    return Blueprint(f"{stage}_pages", import_name, template_folder="templates")


def page(
    blp: Blueprint, rule: str, *, is_public: bool = False, is_poll: bool = False
) -> Callable[[View], View]:
    """Make a page of a function `(reading, **path) -> str | Response`.

    Args:
        blp: The stage's blueprint.
        rule: Its address.
        is_public: It is for everybody; then `reading` acts as nobody if nobody is signed in.
        is_poll: A script asks for it by itself; that keeps no session alive.
    """

    def decorate(view: View) -> View:
        @functools.wraps(view)
        def route(**path: Any) -> Response:
            g.is_poll = is_poll
            opened = guards.looking if is_public else guards.reading
            try:
                with opened() as reading:
                    return make_response(view(reading, **path, **_kept_form(view, reading)))
            except NotSignedInError as refusal:
                return _sign_in_first(refusal, request.full_path.rstrip("?"))

        blp.add_url_rule(rule, view.__name__, route, methods=["GET"])
        setattr(view, ENDPOINT, f"{blp.name}.{view.__name__}")
        return view

    return decorate


def action(
    blp: Blueprint,
    rule: str,
    *,
    again: View | None = None,
    is_secret: bool = False,
    outside: View | None = None,
    most_bytes: int = bodies.MAX_BYTES,
) -> Callable[[View], View]:
    """Make what a form does of a function `(uow, form, **path) -> Response | str`.

    Args:
        blp: The stage's blueprint.
        rule: Where the form is sent.
        again: The page that is shown again, with the form, if it is refused.
        is_secret: The answer holds a secret; kept for repetition, it is sealed.
        outside: `(door, form, **path) -> found`, done first, outside of any transaction; the
            function is handed `found`.
        most_bytes: How large a body may be.
    """

    def decorate(view: View) -> View:
        @functools.wraps(view)
        def route(**path: Any) -> Response:
            form = Form({})
            try:
                form = Form.of_request()
                more = {} if outside is None else {"found": _reach_out(outside, form, path)}
                return _act(view, form, path, more, is_secret=is_secret)
            except NotSignedInError as refusal:
                return _sign_in_first(refusal, _keep(form, again, path))
            except (
                InvalidInputError,
                ConflictError,
                PolicyRefusedError,
                NotFoundError,
            ) as refusal:
                # What is not there is what was typed, unless the address itself names something.
                if again is None or (path and isinstance(refusal, NotFoundError)):
                    raise
                form.refuse(refusal, problems.STATUS[type(refusal)])
                return _shown_again(again, form, path)

        setattr(route, bodies.MOST, most_bytes)
        blp.add_url_rule(rule, view.__name__, route, methods=["POST"])
        return view

    return decorate


def question(
    blp: Blueprint, rule: str, *, again: View, most_bytes: int = bodies.MAX_BYTES
) -> Callable[[View], View]:
    """Make what a form asks of a function `(reading, form, **path) -> str | Response`.

    It changes nothing, so it may be sent as often as one likes, and its answer is not kept.

    Args:
        blp: The stage's blueprint.
        rule: Where the form is sent.
        again: The page that is shown again, with the form, if it is refused.
        most_bytes: How large a body may be, with the file in it.
    """

    def decorate(view: View) -> View:
        return _direct(blp, rule, view, again, guards.reading, most_bytes)

    return decorate


def handover(blp: Blueprint, rule: str, *, again: View) -> Callable[[View], View]:
    """Make a form that hands a file over of a function `(uow, form, **path) -> Response`.

    That it was handed over is recorded each time, and the file is not kept for repetition.

    Args:
        blp: The stage's blueprint.
        rule: Where the form is sent.
        again: The page that is shown again if it is refused.
    """

    def decorate(view: View) -> View:
        return _direct(blp, rule, view, again, guards.writing, bodies.MAX_BYTES)

    return decorate


def json_action(blp: Blueprint, rule: str) -> Callable[[View], View]:
    """Make what a script sends of a function `(uow, body, **path) -> dict`.

    The token goes in `X-CSRF-Token`; refusals are problem documents.
    """

    def decorate(view: View) -> View:
        @functools.wraps(view)
        def route(**path: Any) -> Response:
            body = _json_body()

            def work(uow: UnitOfWork) -> tuple[str, int]:
                return json.dumps(view(uow, body, **path)), 200

            key = request.headers.get("Idempotency-Key", "")
            try:
                first = _first(work, key, request.get_data())
            except NotSignedInError as refusal:
                return _sign_in_first(refusal, _page_of_script())
            return Response(first.text, first.status, content_type="application/json")

        blp.add_url_rule(rule, view.__name__, route, methods=["POST"])
        return view

    return decorate


def render(name: str, **facts: Any) -> str:
    """Return a page; templates also know `me`, `nav`, `csrf` and `notice`."""
    return render_template(name, **facts)


def seen(address: str, *, notice: str = "", tone: str = "good", undo: str = "") -> Response:
    """Lead to a page of ours after a form did its work, and say there what happened.

    Args:
        address: Where to, from `url_for`.
        notice: What happened, in a sentence.
        tone: `good`, `caution` or `bad`.
        undo: Where a POST takes it back, or empty.
    """
    answer = Seen(status=303)
    answer.headers["Location"] = guards.own_path(address)
    if notice:
        answer.notice = {"text": notice, "tone": tone, "undo": undo}
    return answer


def install(app: Flask) -> None:
    """Make pages work in an application."""
    words.install(app)
    app.extensions[problems.PAGE] = error_page
    app.context_processor(_context)
    app.after_request(_after)


# --- doing it ------------------------------------------------------------------------------


def _reach_out(outside: View, form: Form, path: Mapping[str, Any]) -> Any:
    """Do what a form needs from elsewhere, as whoever is signed in, with no transaction open."""
    with guards.reading() as reading:
        guards.check_session_form(g.visit)
        actor = reading.actor
    return outside(Door(doors().transactions, doors().ports, actor), form, **path)


def _act(
    view: View, form: Form, path: Mapping[str, Any], more: Mapping[str, Any], *, is_secret: bool
) -> Response:
    def work(uow: UnitOfWork) -> tuple[str, int]:
        answer = make_response(view(uow, form, **path, **more))
        return _packed(answer), answer.status_code

    typed = json.dumps(sorted(form.values.items())).encode()
    first = _first(work, request.form.get(ONCE, ""), typed, is_secret=is_secret)
    return _unpacked(first)


def _direct(
    blp: Blueprint,
    rule: str,
    view: View,
    again: View,
    opened: Callable[[], AbstractContextManager[Any]],
    most_bytes: int,
) -> View:
    """Put a form under a path whose answer goes straight to whoever sent it.

    Who it is comes before the form itself is read, which may hold a large file.
    """

    @functools.wraps(view)
    def route(**path: Any) -> Response:
        form = Form({})
        try:
            with opened() as found:
                guards.check_session_form(g.visit)
                form = Form.of_request()
                return make_response(view(found, form, **path))
        except NotSignedInError as refusal:
            return _sign_in_first(refusal, url_for(getattr(again, ENDPOINT), **path))
        except (InvalidInputError, ConflictError) as refusal:
            form.refuse(refusal, problems.STATUS[type(refusal)])
            return _shown_again(again, form, path)

    setattr(route, bodies.MOST, most_bytes)
    blp.add_url_rule(rule, view.__name__, route, methods=["POST"])
    return view


def _first(
    work: Callable[[UnitOfWork], tuple[str, int]],
    key: str,
    sent: bytes,
    *,
    is_secret: bool = False,
) -> First:
    """Do the work as whoever is signed in, or give the first answer again."""
    if len(key) > MAX_ONCE:
        raise InvalidInputError(
            {ONCE: phrase("Send 1 to %(MAX_ONCE)s characters.", MAX_ONCE=MAX_ONCE)}
        )

    def attempt() -> First:
        with guards.writing() as uow:
            guards.check_session_form(g.visit)
            if not key:
                return First(*work(uow))
            digest = hashlib.sha256(b"\0".join([request.path.encode(), sent])).hexdigest()
            slot = Slot(uow.actor.public_id, f"{FORM}{key}", digest, is_secret, SENT_BEFORE)
            return once(uow, slot, lambda: work(uow))

    return at_once(attempt)


def _packed(answer: Response) -> str:
    notice = answer.notice if isinstance(answer, Seen) else None
    return json.dumps(
        {
            "location": answer.headers.get("Location"),
            "html": answer.get_data(as_text=True),
            "notice": notice,
        }
    )


def _unpacked(first: First) -> Response:
    kept = json.loads(first.text)
    answer = Seen(kept["html"], first.status, content_type="text/html; charset=utf-8")
    answer.notice = kept["notice"]
    if kept["location"] is not None:
        answer.headers["Location"] = kept["location"]
    return answer


def _json_body() -> dict[str, Any]:
    if not request.is_json:
        raise InvalidInputError({"body": phrase("Send JSON, with Content-Type: application/json.")})
    try:
        body = bodies.parse(request.get_data(cache=True))
    except bodies.MalformedError as error:
        raise InvalidInputError({"body": str(error)}) from None
    if not isinstance(body, dict):
        raise InvalidInputError({"body": phrase("Send a JSON object.")})
    bodies.check(body)
    return body


def _shown_again(again: View, form: Form, path: Mapping[str, Any]) -> Response:
    wanted = inspect.signature(again).parameters
    fitting = {name: value for name, value in path.items() if name in wanted}
    try:
        with guards.reading() as reading:
            answer = make_response(again(reading, **fitting, form=form))
    except NotSignedInError as refusal:
        return _sign_in_first(refusal, _keep(form, again, path))
    answer.status_code = form.status
    return answer


def _page_of_script() -> str:
    """Return the page whose script is calling, as far as the browser tells."""
    parts = urlsplit(request.referrer or "")
    return guards.own_path(f"{parts.path}?{parts.query}" if parts.query else parts.path)


# --- signing in first, with nothing lost ---------------------------------------------------


def _sign_in_first(refusal: NotSignedInError, address: str) -> Response:
    """Lead to the sign-in page and from there back; a script is told where to go instead."""
    query = {"next": address}
    if isinstance(refusal, NotFreshError):
        query["step_up"] = "1"
    elif guards.cookie(guards.SESSION):
        query["why"] = "ended"
    target = f"/sign-in?{urlencode(query)}"
    if problems.wants_page():
        return Response(status=303, headers={"Location": target})
    answer = problems.problem(401, refusal.code, refusal.title, refusal.detail)
    answer.headers["HX-Redirect"] = target
    return answer


def _keep(form: Form, again: View | None, path: Mapping[str, Any]) -> str:
    """Keep a form whose session has ended or is stale; return where it is offered again."""
    endpoint = getattr(again, ENDPOINT, None)
    if endpoint is None or again is None:
        return "/"
    wanted = inspect.signature(again).parameters
    place = url_for(endpoint, **{name: each for name, each in path.items() if name in wanted})
    clear = json.dumps({"path": place, "values": form.values}).encode()
    session = guards.session_of_form()
    if session is None or len(clear) > MAX_KEPT or "form" not in wanted:
        return place
    word = doors().transactions.ids.secret()
    with doors().transactions.write(NOBODY) as uow:
        owner = doors().owner_of(uow, session)
        if owner is None:
            return place
        _make_room(uow, owner)
        uow.session.add(
            KeptForm(
                digest=_digest(word),
                owner=owner,
                sealed=doors().ports.seal.seal(_kept_purpose(word), clear),
                expires_at=uow.now + KEPT_FOR,
            )
        )
    return f"{place}?{urlencode({KEPT: word})}"


def _make_room(uow: UnitOfWork, owner: str) -> None:
    """Forget all but the newest few of somebody's kept forms."""
    newest = (
        sa.select(KeptForm.id)
        .where(KeptForm.owner == owner)
        .order_by(KeptForm.id.desc())
        .limit(MOST_KEPT - 1)
    )
    uow.session.execute(
        sa.delete(KeptForm).where(KeptForm.owner == owner, KeptForm.id.not_in(newest))
    )


def _kept_form(view: View, reading: Reading) -> dict[str, Form]:
    """Return the form that was kept for this page and this person, ready to be handed over."""
    word = request.args.get(KEPT, "")
    visit = guards.visit()
    if not word or visit is None or "form" not in inspect.signature(view).parameters:
        return {}
    sealed = reading.session.scalar(
        sa.select(KeptForm.sealed).where(
            KeptForm.digest == _digest(word),
            KeptForm.owner == visit.owner,
            KeptForm.expires_at > reading.now,
        )
    )
    if sealed is None:
        return {}
    kept = json.loads(doors().ports.seal.open(_kept_purpose(word), sealed))
    return {"form": Form(kept["values"], is_kept=True)} if kept["path"] == request.path else {}


def _digest(word: str) -> bytes:
    return hashlib.sha256(word.encode("utf-8", "replace")).digest()


def _kept_purpose(word: str) -> str:
    return sealed_for(_digest(word))


# --- what every answer has -----------------------------------------------------------------


def _context() -> dict[str, Any]:
    visit = guards.visitor()
    return {
        "me": None if visit is None else _me(visit),
        "nav": Rail(visit),
        "csrf": guards.csrf_token(),
        "notice": _notice(),
        "once": doors().transactions.ids.secret,
    }


def _me(visit: Visit) -> Me:
    actor = visit.actor
    identity = None if actor.identity_id is None else actor.public_id
    return Me(visit.name, actor.roles, identity, visit)


def _notice() -> Mapping[str, str] | None:
    """Return what the page before has to say, once."""
    text = guards.signed("notice", guards.cookie(NOTICE)) if guards.cookie(NOTICE) else None
    if text is None:
        return None
    g.is_notice_shown = True
    found: Mapping[str, str] = json.loads(text)
    return found


def _after(response: Response) -> Response:
    if isinstance(response, Seen) and response.notice is not None:
        text = json.dumps(response.notice)
        guards.set_cookie(response, NOTICE, guards.sign("notice", text), seconds=60)
    elif g.get("is_notice_shown"):
        guards.drop_cookie(response, NOTICE)
    if g.get("new_browser"):
        guards.set_cookie(response, guards.BROWSER, g.new_browser)
    _note_seen()
    return response


def _note_seen() -> None:
    """Note the click, at most once a minute; if the store is busy, the next one will do."""
    visit = guards.visit()
    if visit is None or g.get("is_poll"):
        return
    tx = doors().transactions
    if tx.clock.now() - visit.last_seen_at < SEEN_EVERY:
        return
    try:
        doors().note_seen(tx, visit.session)
    except OperationalError:
        problems.logger.warning("a click could not be noted", exc_info=True)


def error_page(status: int, code: str, title: str, detail: str) -> Response:
    """Answer a refusal as a page; if not even that can be made, in plain words."""
    told = {"status": status, "code": code, "title": title, "detail": detail}
    reference = g.get("request_id", "")
    try:
        text = render_template("web/refused.html", **told, reference=reference)
    except Exception:  # noqa: BLE001 - whatever it is, the caller still gets an answer
        problems.logger.exception("the page of an error could not be made")
        text = render_template("web/plain_refusal.html", **told, reference=reference)
    return Response(text, status, content_type="text/html; charset=utf-8")
