"""Find anything (Ctrl K): one field, and each stage says what it finds for whoever looks.

The page works without script; the field in the top bar asks for the same as a fragment of options.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from flask import Flask, current_app, request

from app.kernel.uow import Reading
from app.web import pages
from app.web.bodies import check

FINDERS = "attestry_finders"
SHORTEST = 2
LONGEST = 200
FEW = 6
MANY = 20

blp = pages.pages("find", __name__)


@dataclass(frozen=True, slots=True)
class Hit:
    """Something that was found.

    Attributes:
        kind: What it is, as a code; the page has the words.
        title: Its name.
        href: Where it is.
        detail: What tells it from others of that name.
        icon: Drawn before it.
    """

    kind: str
    title: str
    href: str
    detail: str = ""
    icon: str = "search"


# Who looks, what for, and at most how many of a kind; what is not theirs to see is not found.
Finder = Callable[[Reading, str, int], Sequence[Hit]]


def install(app: Flask, finders: Sequence[Finder]) -> None:
    """Add the page, with those who find something."""
    app.extensions[FINDERS] = finders
    app.register_blueprint(blp)


@pages.page(blp, "/find")
def find(reading: Reading) -> str:
    """What is called so, or has this id; as options for the field in the top bar."""
    asked = request.args.get("q", "")
    check(asked)
    words = " ".join(asked.replace("\0", " ").split())[:LONGEST]
    is_part = "HX-Request" in request.headers
    hits = _hits(reading, words, FEW if is_part else MANY) if len(words) >= SHORTEST else []
    name = "web/found.html" if is_part else "web/find.html"
    return pages.render(name, q=words, hits=hits, shortest=SHORTEST)


def _hits(reading: Reading, words: str, most: int) -> list[Hit]:
    finders: Sequence[Finder] = current_app.extensions.get(FINDERS, ())
    return [hit for each in finders for hit in each(reading, words, most)]
