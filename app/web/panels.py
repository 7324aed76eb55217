"""Lets a later stage add a panel to an earlier stage's page.

A stage may not look at those above it; what they have to say on one of its pages they bring
themselves, and `create_app` hangs it on the application.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask import Flask, current_app

from app.kernel.uow import Reading

EXTENSION = "attestry_panels"


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that is wrong now, and the way to mend it.

    Attributes:
        code: What it is; the page has the words.
        href: Where it is mended.
        facts: What the words need.
    """

    code: str
    href: str
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Panel:
    """A part of a page, made by another stage.

    Attributes:
        template: Renders it; it is handed `panel`.
        facts: What it shows.
        troubles: What of it belongs to what is wrong now.
    """

    template: str
    facts: Any
    troubles: Sequence[Trouble] = ()


Maker = Callable[[Reading], Panel | None]


def install(app: Flask, makers: Mapping[str, Sequence[Maker]]) -> None:
    """Hang the panels on the application.

    Args:
        app: The application.
        makers: Page to those that add to it, in their order; None where the reader may not see it.
    """
    app.extensions[EXTENSION] = makers


def panels(reading: Reading, page: str) -> list[Panel]:
    """Make the panels of a page, for whoever looks."""
    makers: Mapping[str, Sequence[Maker]] = current_app.extensions.get(EXTENSION, {})
    made = (make(reading) for make in makers.get(page, ()))
    return [each for each in made if each is not None]
