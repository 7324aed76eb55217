"""Rows of a people file to records: pure. A row that is not clear is named, never guessed."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from connectors.errors import MisconfiguredError
from connectors.hr_csv.config import COLUMNS, Config
from connectors.hr_csv.text import Line, Table
from connectors.records import QUARANTINED, Account, Problem

LONGEST = 500
ACTIVE = frozenset({"active", "aktiv", "employed", "beschäftigt"})
LEAVE = frozenset({"leave", "on leave", "leave of absence", "beurlaubt"})
LEFT = frozenset({"left", "inactive", "inaktiv", "terminated", "leaver", "ausgeschieden"})
OTHER_NAMES: Mapping[str, tuple[str, ...]] = {
    "employee_number": ("employee_id", "personnel_number", "personalnummer"),
    "display_name": ("name", "full_name"),
    "first_name": ("given_name", "vorname"),
    "last_name": ("surname", "family_name", "nachname"),
    "mail": ("email", "e_mail", "mail_address", "email_address"),
    "status": ("employment_status",),
    "manager": ("manager_employee_number", "manager_id", "manager_number"),
    "department": ("abteilung",),
    "title": ("job_title", "position"),
    "start_date": ("hire_date", "eintritt"),
    "end_date": ("termination_date", "leaving_date", "austritt"),
}


class UnclearRowError(Exception):
    """A row cannot be used; says why, and of whom it is as far as that is clear."""

    def __init__(self, why: str, number: str = "") -> None:
        """Keep the sentence and the employee number."""
        super().__init__(why)
        self.number = number


@dataclass(frozen=True, slots=True)
class Layout:
    """Which column stands where.

    Attributes:
        at: Our name to the place.
        keep: Name of a further column to its place.
        ignored: Columns that are not used.
        width: How many columns there are.
    """

    at: Mapping[str, int]
    keep: Mapping[str, int]
    ignored: Sequence[str]
    width: int


def layout(table: Table, config: Config) -> Layout:
    """Find the columns by the header.

    Raises:
        MisconfiguredError: One is missing or stands there twice.
    """
    names = [_plain(each) for each in table.header]
    twice = [table.header[names.index(name)] for name, n in Counter(names).items() if n > 1]
    if twice:
        raise MisconfiguredError(f"The header has {_quoted(twice)} more than once.", key="columns")
    at: dict[str, int] = {}
    for ours in COLUMNS:
        set_name = config.columns.get(ours)
        if set_name is not None:
            at[ours] = _place(names, set_name, table.header, "columns")
            continue
        found = [names.index(each) for each in (ours, *OTHER_NAMES.get(ours, ())) if each in names]
        if len(found) > 1:
            raise MisconfiguredError(
                f"{_quoted(table.header[each] for each in found)} may each be {ours}: say which in "
                "columns.",
                key="columns",
            )
        if found:
            at[ours] = found[0]
    _require(at, table.header)
    keep = {name: _place(names, name, table.header, "keep") for name in config.keep}
    used = {*at.values(), *keep.values()}
    ignored = [name for place, name in enumerate(table.header) if place not in used]
    return Layout(at, keep, ignored, len(names))


def records(
    table: Table, where: Layout, config: Config, now: datetime
) -> tuple[list[Account], list[Problem]]:
    """Make an account of every clear row; name the others by line, and whose they are.

    A number that stands in several rows makes all of them unclear.
    """
    place = where.at["employee_number"]
    numbers = Counter(line.cells[place].strip() for line in table.lines if len(line.cells) > place)
    accounts, problems = [], []
    for line in table.lines:
        try:
            accounts.append(_account(line, where, config, now, numbers))
        except UnclearRowError as error:
            problems.append(Problem(QUARANTINED, f"Line {line.number}: {error}", error.number))
    return accounts, problems


def _account(
    line: Line, where: Layout, config: Config, now: datetime, numbers: Mapping[str, int]
) -> Account:
    if len(line.cells) != where.width:
        # Cells may have moved: not even the number is certain.
        raise UnclearRowError(f"it has {len(line.cells)} cells, the header {where.width}.")
    cells = {ours: line.cells[place].strip() for ours, place in where.at.items()}
    number = cells["employee_number"]
    if not number:
        raise UnclearRowError("it has no employee number.")
    if numbers[number] > 1:
        raise UnclearRowError(f"its employee number stands in {numbers[number]} rows.", number)
    kept = {name: line.cells[place].strip() for name, place in where.keep.items()}
    for column, value in (*cells.items(), *kept.items()):
        if len(value) > LONGEST or any(ord(each) < ord(" ") for each in value):
            raise UnclearRowError(f"{column} is too long or holds control characters.", number)
    name = cells.get("display_name") or _joined(cells)
    if not name:
        raise UnclearRowError("it has no name.", number)
    mail = cells.get("mail") or None
    if mail is not None and not re.fullmatch(r"[^@\s]+@[^@\s]+", mail):
        raise UnclearRowError("mail is no mail address.", number)
    start = _date(cells, "start_date", config, number)
    end = _date(cells, "end_date", config, number)
    if start is not None and end is not None and end < start:
        raise UnclearRowError("end_date is before start_date.", number)
    status = _status(cells, start, end, now.astimezone(UTC).date(), number)
    manager = cells.get("manager") or None
    said = {"start_date": start, "end_date": end}
    attributes = {key: day.isoformat() for key, day in said.items() if day is not None}
    if cells.get("status"):
        attributes["status"] = cells["status"]
    return Account(
        external_id=number,
        login=number,
        display_name=name,
        is_enabled=status in ("active", "leave"),
        status=status,
        mail=mail,
        employee_number=number,
        manager_id=None if manager == number else manager,
        department=cells.get("department") or None,
        title=cells.get("title") or None,
        address=f"{config.path.name}:{number}",
        expires_at=None if end is None else _after(end),
        attributes=attributes | {key: value for key, value in kept.items() if value},
    )


def _status(
    cells: Mapping[str, str], start: date | None, end: date | None, today: date, number: str
) -> str:
    """Say where somebody stands: by the word, and by the days, whichever is stricter."""
    word = " ".join(cells.get("status", "").casefold().replace("_", " ").split())
    if word and word not in ACTIVE | LEAVE | LEFT:
        known = ", ".join(sorted(ACTIVE | LEAVE | LEFT))
        raise UnclearRowError(f"status is none of {known}.", number)
    if not word and "status" in cells:
        raise UnclearRowError("it has no status.", number)
    if word in LEFT or (end is not None and end < today):
        return "left"
    if start is not None and start > today:
        return "not started"
    return "leave" if word in LEAVE else "active"


def _date(cells: Mapping[str, str], name: str, config: Config, number: str) -> date | None:
    text = cells.get(name, "")
    if not text:
        return None
    for way in config.dates:
        try:
            return datetime.strptime(text, way).replace(tzinfo=UTC).date()
        except ValueError:
            continue
    raise UnclearRowError(f"{name} is no date like {config.dates[0]}.", number)


def _after(day: date) -> datetime | None:
    """Return when a last day is over, or None beyond any calendar."""
    try:
        following = day + timedelta(days=1)
    except OverflowError:
        return None
    return datetime(following.year, following.month, following.day, tzinfo=UTC)


def _joined(cells: Mapping[str, str]) -> str:
    return " ".join(filter(None, (cells.get("first_name"), cells.get("last_name"))))


def _require(at: Mapping[str, int], header: Sequence[str]) -> None:
    missing = [] if "employee_number" in at else ["employee_number"]
    if "display_name" not in at and "last_name" not in at:
        missing.append("display_name (or first_name and last_name)")
    if "status" not in at and "end_date" not in at:
        missing.append("status (or end_date)")
    if missing:
        raise MisconfiguredError(
            f"The header names no column {', no '.join(missing)}; it has {_quoted(header)}. "
            "Say which is meant: columns=employee_number=…; display_name=….",
            key="columns",
        )


def _place(names: Sequence[str], name: str, header: Sequence[str], key: str) -> int:
    plain = _plain(name)
    if plain not in names:
        raise MisconfiguredError(
            f"The header has no column {name!r}; it has {_quoted(header)}.", key=key
        )
    return names.index(plain)


def _plain(name: str) -> str:
    """Return a column's name without regard to case, blanks, dots and strokes."""
    return re.sub(r"[\s._-]+", "_", name.strip().casefold()).strip("_")


def _quoted(names: Iterable[str]) -> str:
    shown = [repr(each[:40]) for each in names]
    return ", ".join(shown[:30])
