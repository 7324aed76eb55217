"""Where to read why somebody has something: a later stage knows, an earlier stage's page shows it.

A membership names the grant behind it; which page tells of that grant, `create_app` brings.
"""

from collections.abc import Callable, Iterable, Mapping

from flask import Flask, current_app

from app.kernel.uow import Reading

EXTENSION = "attestry_reasons"
# Public ids of grants, to the addresses of the pages that tell of them; those without are left out.
Reasons = Callable[[Reading, Iterable[str]], Mapping[str, str]]


def install(app: Flask, reasons: Reasons) -> None:
    """Say who knows."""
    app.extensions[EXTENSION] = reasons


def reasons_of(reading: Reading, grants: Iterable[str | None]) -> Mapping[str, str]:
    """Return the address of the page behind each grant, for one who may open those pages."""
    known: Reasons | None = current_app.extensions.get(EXTENSION)
    wanted = {each for each in grants if each is not None}
    return {} if known is None else known(reading, wanted)
