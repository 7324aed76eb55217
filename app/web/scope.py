"""This request's actor and unit of work, and the two shapes every route has.

A route is either a *query* (one reading, its answer through one schema) or a *command* (one unit
of work; its answer, under the caller's `Idempotency-Key`, is stored in the same transaction as the
change, so that a repeated call gets the first answer and changes nothing).
"""

import base64
import functools
import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from flask import Response, current_app, g, json, request
from flask_smorest import Blueprint
from marshmallow import RAISE, Schema
from sqlalchemy.exc import IntegrityError
from typing_extensions import override
from webargs.flaskparser import FlaskParser
from werkzeug.exceptions import UnprocessableEntity

from app.kernel.actor import Actor
from app.kernel.errors import ConflictError, InvalidInputError, NotSignedInError
from app.kernel.idempotency import SEALED, StoredAnswer
from app.kernel.phrases import phrase
from app.kernel.settings import Settings
from app.kernel.uow import Reading, Transactions, UnitOfWork
from app.web import bodies, throttle
from app.web.visit import AuthenticateSession, Visit

Authenticate = Callable[[Reading, str], Actor]
KEY_HEADER = "Idempotency-Key"
MAX_KEY = 200
View = Callable[..., Any]


def _no_sessions(_reading: Reading, _cookie: str) -> Visit:
    raise NotSignedInError(phrase("Nobody signs in here."))


def _not_seen(_transactions: Transactions, _session: str) -> None:
    """Note nothing."""


def _of_nobody(_reading: Reading, _session: str) -> str | None:
    return None


@dataclass(slots=True)
class Doors:
    """What the web needs of the house; `create_app` hangs it on the application.

    Attributes:
        settings: The instance's settings.
        transactions: Opens units of work and readings.
        authenticate: Bearer token to actor; raises `NotSignedInError`.
        ports: Everything else a route may need, as wired (`app.wiring.House`).
        authenticate_session: Value of a session's cookie to who is signed in; raises
            `NotSignedInError`.
        note_seen: Notes that somebody clicked, by the public id of their session.
        owner_of: Whose a session is or was, by its public id.
    """

    settings: Settings
    transactions: Transactions
    authenticate: Authenticate
    ports: Any
    authenticate_session: AuthenticateSession = _no_sessions
    note_seen: Callable[[Transactions, str], None] = _not_seen
    owner_of: Callable[[Reading, str], str | None] = _of_nobody


class StrictParser(FlaskParser):
    """Refuses unknown fields in bodies and in query strings."""

    DEFAULT_UNKNOWN_BY_LOCATION: dict[str, str | None] = {  # noqa: RUF012 - as webargs declares it
        **FlaskParser.DEFAULT_UNKNOWN_BY_LOCATION,
        "json": RAISE,
        "query": RAISE,
    }


class ApiBlueprint(Blueprint):  # type: ignore[misc]
    """A group of routes under `/api/v1`."""

    ARGUMENTS_PARSER = StrictParser()

    @override
    def route(self, rule: str, **options: Any) -> Callable[[View], View]:
        """Put a function under a path."""
        decorate: Callable[[View], View] = super().route(rule, **options)
        return decorate


def api(name: str, description: str) -> ApiBlueprint:
    """Make the blueprint of one stage.

    Args:
        name: The stage.
        description: One line for the API's documentation.
    """
    return ApiBlueprint(f"{name}_api", name, url_prefix="/api/v1", description=description)


def doors() -> Doors:
    """Return what `create_app` hung on this application."""
    found: Doors = current_app.extensions["attestry"]
    return found


def actor(reading: Reading) -> Actor:
    """Say who calls.

    Raises:
        NotSignedInError: No bearer token, or one that does not hold.
        TooManyRequestsError: Too many that did not hold.
    """
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise NotSignedInError(phrase("Send an API token: `Authorization: Bearer TOKEN`."))
    try:
        found = g.caller = doors().authenticate(reading, token.strip())
    except NotSignedInError:
        throttle.failed("token")
        raise
    return found


@contextmanager
def reading() -> Iterator[Reading]:
    """Open this request's reading, as its caller."""
    with doors().transactions.read() as found:
        found.actor = actor(found)
        yield found


@contextmanager
def writing() -> Iterator[UnitOfWork]:
    """Open this request's unit of work, as its caller."""
    with doors().transactions.write() as uow:
        uow.actor = actor(uow)
        yield uow


def query(
    blp: ApiBlueprint, answer: type[Schema] | Schema, *, args: type[Schema] | None = None
) -> Callable[[View], View]:
    """Make a route of a function `(reading, [args,] **path) -> object`.

    Args:
        blp: The stage's blueprint.
        answer: Schema of what is answered, with status 200.
        args: Schema of the query string, handed over as one mapping.
    """

    def decorate(view: View) -> View:
        @blp.response(200, answer)  # type: ignore[untyped-decorator]
        @functools.wraps(view)
        def route(*parsed: Any, **path: Any) -> Any:
            with reading() as found:
                return view(found, *parsed, **path)

        if args is not None:
            return signed_in_first(blp.arguments(args, location="query")(route))
        return route  # type: ignore[no-any-return]

    return decorate


def command(
    blp: ApiBlueprint,
    answer: type[Schema] | Schema,
    *,
    body: type[Schema] | None = None,
    args: type[Schema] | None = None,
    status: int = 200,
    is_secret: bool = False,
    most_bytes: int = bodies.MAX_BYTES,
) -> Callable[[View], View]:
    """Make a route of a function `(uow, [args,] [body,] **path) -> object`.

    Args:
        blp: The stage's blueprint.
        answer: Schema of what is answered.
        body: Schema of the JSON body, handed over as one mapping.
        args: Schema of the query string, handed over as one mapping, before the body.
        status: What a success answers with.
        is_secret: The answer holds a secret; kept for repetition, it is sealed.
        most_bytes: How large a body may be.
    """

    def decorate(view: View) -> View:
        schema = answer() if isinstance(answer, type) else answer

        @blp.response(status, answer)  # type: ignore[untyped-decorator]
        @functools.wraps(view)
        def route(*parsed: Any, **path: Any) -> Response:
            def work(uow: UnitOfWork) -> str:
                return json.dumps(schema.dump(view(uow, *parsed, **path)))

            return _once(work, status, is_secret=is_secret)

        setattr(route, bodies.MOST, most_bytes)
        if body is not None:
            route = blp.arguments(body)(route)
        if args is not None:
            route = blp.arguments(args, location="query")(route)
        return signed_in_first(route)

    return decorate


def signed_in_first(route: View) -> View:
    """Tell a caller who is not signed in so, before telling what is wrong with the fields."""

    @functools.wraps(route)
    def guarded(*parsed: Any, **path: Any) -> Any:
        try:
            return route(*parsed, **path)
        except UnprocessableEntity:
            with reading():
                raise

    return guarded


def _once(work: Callable[[UnitOfWork], str], status: int, *, is_secret: bool) -> Response:
    """Do the work, or give the answer it got the first time it was asked for."""
    key = request.headers.get(KEY_HEADER)
    if key is None:
        with writing() as uow:
            text = work(uow)
        return _json(text, status)
    if not 0 < len(key) <= MAX_KEY:
        raise InvalidInputError(
            {KEY_HEADER: phrase("Send 1 to %(MAX_KEY)s characters.", MAX_KEY=MAX_KEY)}
        )

    def attempt() -> First:
        with writing() as uow:
            caller = uow.actor.token_id or uow.actor.public_id
            slot = Slot(caller, key, _call_digest(), is_secret=is_secret)
            return once(uow, slot, lambda: (work(uow), status))

    first = at_once(attempt)
    return _json(first.text, first.status, is_replayed=first.is_replayed)


@dataclass(frozen=True, slots=True)
class Slot:
    """Under what a first answer is kept.

    Attributes:
        caller: Who asks; keys of different callers never meet.
        key: What they call it.
        digest: Of all that they ask for, so that a key stands for one thing only.
        is_secret: The answer holds a secret, and is sealed.
        said: What a caller is told who uses a key for something else.
    """

    caller: str
    key: str
    digest: str
    is_secret: bool = False
    said: str = f"This {KEY_HEADER} was used for another call. Take a new one."


@dataclass(frozen=True, slots=True)
class First:
    """An answer, and whether it was given before."""

    text: str
    status: int
    is_replayed: bool = False


def once(uow: UnitOfWork, slot: Slot, work: Callable[[], tuple[str, int]]) -> First:
    """Do the work, or give the answer it got the first time, in this unit of work.

    Raises:
        ConflictError: The key was used for something else.
        IntegrityError: The same key came at the same moment; try once more.
    """
    first = uow.session.scalar(
        sa.select(StoredAnswer).where(
            StoredAnswer.caller == slot.caller, StoredAnswer.key == slot.key
        )
    )
    if first is not None:
        return _first_answer(first, slot)
    stored = StoredAnswer(
        caller=slot.caller, key=slot.key, digest=slot.digest, status=0, body="", at=uow.now
    )
    uow.session.add(stored)
    uow.session.flush()
    text, stored.status = work()
    stored.body = _sealed(text, stored) if slot.is_secret else text
    return First(text, stored.status)


def at_once(attempt: Callable[[], First]) -> First:
    """Try again if the same key came at the same moment: the other one was first."""
    try:
        return attempt()
    except IntegrityError:
        return attempt()


def _first_answer(first: StoredAnswer, slot: Slot) -> First:
    if first.digest != slot.digest:
        raise ConflictError(slot.said)
    text = first.body
    if text.startswith(SEALED):
        sealed = base64.b64decode(text.removeprefix(SEALED))
        text = doors().ports.seal.open(first.sealed_for, sealed).decode()
    return First(text, first.status, is_replayed=True)


def _call_digest() -> str:
    parts = [request.method.encode(), request.full_path.encode(), request.get_data()]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def _sealed(text: str, stored: StoredAnswer) -> str:
    sealed: bytes = doors().ports.seal.seal(stored.sealed_for, text.encode())
    return SEALED + base64.b64encode(sealed).decode()


def _json(text: str, status: int, *, is_replayed: bool = False) -> Response:
    headers = {"Idempotency-Replayed": "true"} if is_replayed else {}
    return Response(text, status, content_type="application/json", headers=headers)
