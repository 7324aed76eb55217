"""A list as a CSV file: all of it, as it is filtered, written while it is read.

Each part is read in a transaction of its own, by the cursor of the one before, so that memory stays
flat and no long read holds the store. What a spreadsheet would take for a formula is neutralised.
"""

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from flask import Response, request

from app.events import ListTaken
from app.kernel import sheet
from app.kernel.actor import Actor
from app.kernel.errors import InvalidInputError
from app.kernel.phrases import phrase
from app.kernel.uow import Reading, Transactions, UnitOfWork
from app.web import pages
from app.web.pages import Form
from app.web.paging import Page, Window
from app.web.scope import doors
from evidence import tables

PART = 2000
MARK = "\ufeff"  # without it, spreadsheets take UTF-8 for something older

Row = TypeVar("Row")
Columns = Mapping[str, Callable[[Row], Any]]
Look = Callable[[Reading, Window], Page[Row]]


def take(
    uow: UnitOfWork, name: str, columns: Columns[Row], look: Look[Row], *, filtered: str = ""
) -> Response:
    """Answer with a list as a file, and record that somebody took it.

    Args:
        uow: The unit of work; the query itself asks for the permission.
        name: Of the list; also the file's.
        columns: Header to what stands below it.
        look: Reads a part of the list.
        filtered: What it was narrowed to, as typed.
    """
    return answer(name, text(uow, doors().transactions, name, columns, look, filtered=filtered))


def text(
    uow: UnitOfWork,
    tx: Transactions,
    name: str,
    columns: Columns[Row],
    look: Look[Row],
    *,
    filtered: str = "",
) -> Iterator[str]:
    """Return the text of such a file in parts, and record that somebody took it.

    All parts but the first are read in transactions of `tx`, when they are asked for: after the
    unit of work. The rest is as `take` says.
    """
    first = look(uow, Window(limit=PART))
    uow.record(ListTaken(subject=uow.ids.new(), list=name, filtered=filtered))
    return _text(columns, _rows(tx, uow.actor, look, first))


def answer(name: str, parts: Iterator[str]) -> Response:
    """Answer with the text of a file, under the name of its list."""
    head = {"Content-Disposition": f"attachment; filename=attestry-{name}.csv"}
    return Response(parts, content_type="text/csv; charset=utf-8", headers=head)


def whole(rows: Sequence[Row]) -> Page[Row]:
    """Return a list that is read at once as the only part of itself."""
    return Page(rows, None)


def _rows(
    tx: Transactions, actor: Actor, look: Look[Row], first: Page[Row]
) -> Iterator[Sequence[Row]]:
    part = first
    yield part.items
    while part.next_cursor is not None:
        with tx.read(actor) as reading:
            part = look(reading, Window(limit=PART, cursor=part.next_cursor))
        yield part.items


def _text(columns: Columns[Row], parts: Iterator[Sequence[Row]]) -> Iterator[str]:
    yield MARK + _lines([list(columns)])
    for rows in parts:
        cells = [[tables.cell(_plain(of(row))) for of in columns.values()] for row in rows]
        yield _lines(cells)


def _plain(value: Any) -> Any:
    """Return a moment as RFC 3339, and what is a list as words parted by blanks."""
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return " > ".join(str(each) for each in value)
    return value.value if hasattr(value, "value") else value


def _lines(rows: Sequence[Sequence[str]]) -> str:
    written = io.StringIO()
    csv.writer(written, lineterminator="\r\n").writerows(rows)
    return written.getvalue()


# --- and back: a sheet that is filled in ----------------------------------------------------------

MOST_SHOWN = 200
MOST_SENT = 2 * sheet.MOST_BYTES  # the rest of the form has room beside the sheet


def sent(form: Form) -> str:
    """Return the text of the sheet that was sent, and keep it in the form for the confirmation.

    Raises:
        InvalidInputError: None was chosen, or it is none.
    """
    file = request.files.get(sheet.FIELD)
    if file is None or not file.filename:
        raise InvalidInputError({sheet.FIELD: phrase("Choose a file.")})
    found = sheet.decode(file.stream.read(sheet.MOST_BYTES + 1))
    form.values[sheet.FIELD] = [found]
    return found


def anew(form: Form | None, plan: Callable[[str], sheet.Plan]) -> sheet.Plan | None:
    """Return what a sheet that was refused would do now; what is wrong with it is in the form."""
    if form is None or not form[sheet.FIELD]:
        return None
    try:
        return plan(form[sheet.FIELD])
    except InvalidInputError:
        return None


def show(template: str, form: Form | None, plan: sheet.Plan | None, shape: sheet.Shape) -> str:
    """Show the choosing of a sheet, and what one would do."""
    return pages.render(
        template,
        form=form,
        plan=plan,
        shown=[] if plan is None else plan.telling[:MOST_SHOWN],
        text=form[sheet.FIELD] if form and plan else "",
        columns=shape.named,
        most_mib=sheet.MOST_BYTES >> 20,
        most_rows=sheet.MOST_ROWS,
    )
