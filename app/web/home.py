"""`/`: a plain page for whoever opens the address in a browser.

It says whether the instance works, which of its sources are simulated, and where the API is told
of. It shows nothing that belongs to somebody.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

from flask import Blueprint, Flask, current_app, render_template

from app.kernel.uow import Reading
from app.web import health
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


Sources = Callable[[Reading], Sequence[SourceLine]]
blp = Blueprint("home", __name__)


@blp.get("/")
def index() -> str:
    """Answer the page, with 200 even when something is wrong: the page is what says so."""
    found = health.checks()
    state = health.status(found)
    sources: Sequence[SourceLine] = ()
    if state != "not ready":
        with doors().transactions.read() as reading:
            sources = current_app.extensions[EXTENSION](reading)
    return render_template(
        "web/home.html",
        checks=found,
        state=state,
        sources=sources,
        mode=doors().settings.mode.value,
    )


def no_sources(_reading: Reading) -> Sequence[SourceLine]:
    """Tell of no source."""
    return ()


def install(app: Flask, sources: Sources = no_sources) -> None:
    """Open the page.

    Args:
        app: The application.
        sources: Tells of the sources; the directory stage knows them, this one does not.
    """
    app.extensions[EXTENSION] = sources
    app.register_blueprint(blp)
