"""This request's actor and unit of work, and the two shapes every route has.

A route is either a *query* (one reading, its answer through one schema) or a *command* (one unit
of work; its answer, under the caller's `Idempotency-Key`, is stored in the same transaction as the
change, so that a repeated call gets the first answer and changes nothing).
"""

import functools
import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from flask import Response, current_app, json, request
from flask_smorest import Blueprint
from marshmallow import RAISE, Schema
from sqlalchemy.exc import IntegrityError
from webargs.flaskparser import FlaskParser

from app.kernel.actor import Actor
from app.kernel.errors import ConflictError, InvalidInputError, NotSignedInError
from app.kernel.idempotency import StoredAnswer
from app.kernel.settings import Settings
from app.kernel.uow import Reading, Transactions, UnitOfWork

Authenticate = Callable[[Reading, str], Actor]
KEY_HEADER = "Idempotency-Key"
MAX_KEY = 200
View = Callable[..., Any]


@dataclass(slots=True)
class Doors:
    """What the web needs of the house; `create_app` hangs it on the application.

    Attributes:
        settings: The instance's settings.
        transactions: Opens units of work and readings.
        authenticate: Bearer token to actor; raises `NotSignedInError`.
        ports: Everything else a route may need, as wired (`app.wiring.House`).
    """

    settings: Settings
    transactions: Transactions
    authenticate: Authenticate
    ports: Any


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
    """
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise NotSignedInError("Send an API token: `Authorization: Bearer TOKEN`.")
    return doors().authenticate(reading, token.strip())


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
            return blp.arguments(args, location="query")(route)  # type: ignore[no-any-return]
        return route  # type: ignore[no-any-return]

    return decorate


def command(
    blp: ApiBlueprint,
    answer: type[Schema] | Schema,
    *,
    body: type[Schema] | None = None,
    args: type[Schema] | None = None,
    status: int = 200,
) -> Callable[[View], View]:
    """Make a route of a function `(uow, [args,] [body,] **path) -> object`.

    Args:
        blp: The stage's blueprint.
        answer: Schema of what is answered.
        body: Schema of the JSON body, handed over as one mapping.
        args: Schema of the query string, handed over as one mapping, before the body.
        status: What a success answers with.
    """

    def decorate(view: View) -> View:
        schema = answer() if isinstance(answer, type) else answer

        @blp.response(status, answer)  # type: ignore[untyped-decorator]
        @functools.wraps(view)
        def route(*parsed: Any, **path: Any) -> Response:
            def work(uow: UnitOfWork) -> str:
                return json.dumps(schema.dump(view(uow, *parsed, **path)))

            return _once(work, status)

        if body is not None:
            route = blp.arguments(body)(route)
        if args is not None:
            route = blp.arguments(args, location="query")(route)
        return route  # type: ignore[no-any-return]

    return decorate


def _once(work: Callable[[UnitOfWork], str], status: int) -> Response:
    """Do the work, or give the answer it got the first time it was asked for."""
    key = request.headers.get(KEY_HEADER)
    if key is None:
        with writing() as uow:
            return _json(work(uow), status)
    if not 0 < len(key) <= MAX_KEY:
        raise InvalidInputError({KEY_HEADER: f"Send 1 to {MAX_KEY} characters."})
    try:
        return _once_under(key, work, status)
    except IntegrityError:  # the same key at the same moment: the other one was first
        return _once_under(key, work, status)


def _once_under(key: str, work: Callable[[UnitOfWork], str], status: int) -> Response:
    digest = hashlib.sha256(
        b"\0".join([request.method.encode(), request.full_path.encode(), request.get_data()])
    ).hexdigest()
    with writing() as uow:
        caller = uow.actor.token_id or uow.actor.public_id
        first = uow.session.scalar(
            sa.select(StoredAnswer).where(StoredAnswer.caller == caller, StoredAnswer.key == key)
        )
        if first is not None:
            if first.digest != digest:
                raise ConflictError(f"This {KEY_HEADER} was used for another call. Take a new one.")
            return _json(first.body, first.status, replayed=True)
        stored = StoredAnswer(
            caller=caller, key=key, digest=digest, status=status, body="", at=uow.now
        )
        uow.session.add(stored)
        uow.session.flush()
        stored.body = work(uow)
        return _json(stored.body, status)


def _json(text: str, status: int, *, replayed: bool = False) -> Response:
    headers = {"Idempotency-Replayed": "true"} if replayed else {}
    return Response(text, status, content_type="application/json", headers=headers)
