"""Who did in a source what a read found: a later stage knows, a page of this one shows it.

What a log told is kept here; which word of it explains which difference is for the stage that
knows what we did ourselves. `create_app` brings it.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace

from flask import Flask, current_app

from app.directory.queries import Change, Doing, Made
from app.kernel.uow import Reading
from app.web.paging import Page, Window

EXTENSION = "attestry_doers"
# The public id of a read, and what it found; those that no log explains are left out.
Doers = Callable[[Reading, str, Collection[Made]], Mapping[Made, Doing]]
Part = Callable[[Reading, Window], Page[Change]]


def install(app: Flask, doers: Doers) -> None:
    """Say who knows."""
    app.extensions[EXTENSION] = doers


def named(reading: Reading, run_id: str, found: Page[Change]) -> Page[Change]:
    """Name who did the changes of a read, as far as the log of its source tells."""
    return _named(_known(), reading, run_id, found)


def naming(run_id: str, part: Part) -> Part:
    """Return the same for a list that is read part by part, also after the call is answered."""
    known = _known()
    return lambda reading, window: _named(known, reading, run_id, part(reading, window))


def _nobody(_reading: Reading, _run_id: str, _made: Collection[Made]) -> Mapping[Made, Doing]:
    """Name nobody: what stands in an application without the later stage."""
    return {}


def _known() -> Doers:
    known: Doers = current_app.extensions.get(EXTENSION, _nobody)
    return known


def _named(known: Doers, reading: Reading, run_id: str, found: Page[Change]) -> Page[Change]:
    wanted = {each.made for each in found.items if each.made is not None}
    told = known(reading, run_id, wanted) if wanted else {}
    items = [replace(each, done=told.get(each.made)) if each.made else each for each in found.items]
    return Page(items, found.next_cursor)
