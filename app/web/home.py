"""`/`: for whoever is signed in, what waits for them; for others, what this is and how it stands.

The second shows nothing that belongs to somebody, and answers even when nothing works: the page is
what says so.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from flask import Blueprint, Flask, current_app, g, render_template
from sqlalchemy.exc import SQLAlchemyError

from app.kernel.uow import Reading
from app.web import guards, health, pages, rail
from app.web.scope import doors

EXTENSION = "attestry_home"


class SourceLine(Protocol):
    """One source, as the page tells of it."""

    @property
    def name(self) -> str:
        """Its name."""
        ...

    @property
    def kind(self) -> str:
        """What it is."""
        ...

    @property
    def simulated_by(self) -> str | None:
        """Name of the file that is its whole state, or None for a real one."""
        ...


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that waits for somebody, or that they wait for.

    Attributes:
        title: What it is.
        detail: The same, nearer.
        href: Where it is dealt with.
        due_at: Until when, or None.
        is_late: Whether that has passed.
        badge: Where it stands, in a word, or empty.
        since: Since when, or None.
    """

    title: str
    detail: str
    href: str
    due_at: datetime | None = None
    is_late: bool = False
    badge: str = ""
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """A list of the home page.

    Attributes:
        title: What waits.
        items: The first of it.
        total: How much there is.
        href: Where all of it is.
        nothing: What is said when there is none.
        is_asking: Whether somebody has to do something; the others are only told.
    """

    title: str
    items: Sequence[Item]
    total: int
    href: str
    nothing: str
    is_asking: bool = True


Sources = Callable[[Reading], Sequence[SourceLine]]
Maker = Callable[[Reading], Waiting | None]
blp = Blueprint("home", __name__)


@dataclass(frozen=True, slots=True)
class Told:
    """What the stages tell the page.

    Attributes:
        sources: Tells of the sources.
        makers: Each makes a list of what waits for the reader.
    """

    sources: Sources
    makers: Sequence[Maker]


@blp.get("/")
def index() -> str:
    """Answer the page, with 200 even when something is wrong: the page is what says so."""
    try:
        with guards.looking() as reading:
            return _for_everybody(reading) if guards.visit() is None else _mine(reading)
    except SQLAlchemyError:
        g.visit = None
        return _for_everybody(None)


def _for_everybody(reading: Reading | None) -> str:
    found = health.checks()
    state = health.status(found)
    is_readable = reading is not None and state != "not ready"
    return render_template(
        "web/home.html",
        checks=found,
        state=state,
        sources=_told().sources(reading) if reading is not None and is_readable else (),
        is_readable=is_readable,
        mode=doors().settings.mode.value,
    )


def _mine(reading: Reading) -> str:
    made = (make(reading) for make in _told().makers)
    waiting = [each for each in made if each is not None]
    return pages.render(
        "web/home_mine.html",
        asking=[each for each in waiting if each.is_asking],
        told=[each for each in waiting if not each.is_asking],
        places=_places(reading),
        is_auditor=reading.actor.roles == rail.AUDITOR,
        may_ask=any(line.path == "/requests" for line in rail.lines()),
    )


def _places(reading: Reading) -> list[tuple[rail.Line, int]]:
    """Return what the reader runs, with how much waits there for a person."""
    return [
        (line, rail.counts((line.count,)).get(line.count, 0))
        for line in rail.lines()
        if line.permission is not None
        and line.count is not None
        and rail.is_counted(line.count)
        and reading.actor.may(line.permission)
    ]


def no_sources(_reading: Reading) -> Sequence[SourceLine]:
    """Tell of no source."""
    return ()


def install(app: Flask, sources: Sources = no_sources, makers: Sequence[Maker] = ()) -> None:
    """Open the page.

    Args:
        app: The application.
        sources: Tells of the sources; the directory stage knows them, this one does not.
        makers: What waits for somebody, stage by stage.
    """
    app.extensions[EXTENSION] = Told(sources, makers)
    app.register_blueprint(blp)


def _told() -> Told:
    found: Told = current_app.extensions[EXTENSION]
    return found
