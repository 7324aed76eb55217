"""The rail: what somebody can go to, in one table, with what waits for them there.

A stage adds its line here and its count in `app/factory.py`. A line whose page does not exist, or
that the reader may not open, is left out.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from flask import Flask, current_app, g, request
from flask_babel import lazy_gettext as _
from flask_babel.speaklater import LazyString
from werkzeug.exceptions import HTTPException

from app.kernel.actor import Permission, Role
from app.kernel.uow import Reading
from app.web.scope import doors
from app.web.visit import Visit
from app.web.words import day

COUNTS = "attestry_counts"
Count = Callable[[Reading], int]


@dataclass(frozen=True, slots=True)
class Line:
    """One page somebody can go to.

    Attributes:
        group: Under which heading.
        label: What it is called.
        icon: Name of its icon.
        path: Where it is.
        permission: Who may open it; None: everybody.
        count: Name of the count of what waits there, or None.
    """

    group: LazyString
    label: LazyString
    icon: str
    path: str
    permission: Permission | None = None
    count: str | None = None


MINE, RUN, KNOW, PROVE, HOUSE = _("Mine"), _("Run"), _("Know"), _("Prove"), _("Instance")
HOME = "/"
AUDITOR = frozenset({Role.AUDITOR})
HEADINGS = (MINE, RUN, KNOW, PROVE, HOUSE)

LINES = (
    Line(MINE, _("Home"), "house", "/"),
    Line(MINE, _("Reviews"), "list-checks", "/reviews", count="reviews"),
    Line(MINE, _("Approvals"), "stamp", "/approvals", count="approvals"),
    Line(MINE, _("Requests"), "key-round", "/requests", count="requests"),
    Line(RUN, _("Operations"), "activity", "/operations", Permission.TASK_READ, "operations"),
    Line(RUN, _("Leavers"), "user-minus", "/leavers", Permission.HR_READ, "leavers"),
    Line(RUN, _("Tasks"), "list-todo", "/tasks", Permission.TASK_READ, "tasks"),
    Line(RUN, _("Campaigns"), "calendar-check", "/campaigns", Permission.CAMPAIGN_READ),
    Line(KNOW, _("People"), "users", "/identities", Permission.DIRECTORY_READ),
    Line(KNOW, _("Accounts"), "user", "/accounts", Permission.DIRECTORY_READ),
    Line(KNOW, _("Cases"), "circle-help", "/cases", Permission.DIRECTORY_READ),
    Line(KNOW, _("Groups"), "boxes", "/groups", Permission.DIRECTORY_READ),
    Line(KNOW, _("Catalogue"), "book-text", "/entitlements", Permission.DIRECTORY_READ),
    Line(KNOW, _("Sources"), "plug", "/sources", Permission.SOURCE_READ),
    Line(KNOW, _("Policies"), "scale", "/policies", Permission.POLICY_READ),
    Line(PROVE, _("Evidence"), "shield-check", "/evidence", Permission.BUNDLE_READ),
    Line(PROVE, _("Verify a file"), "file-check", "/verify"),
    Line(PROVE, _("Ledger"), "book-open", "/ledger", Permission.LEDGER_READ),
    Line(HOUSE, _("Roles"), "id-card", "/people", Permission.ROLE_WRITE),
    Line(HOUSE, _("API tokens"), "key-square", "/tokens", Permission.TOKEN_WRITE),
    Line(HOUSE, _("Settings"), "settings", "/settings", Permission.SETTINGS_READ),
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One line as somebody sees it.

    Attributes:
        label: What it is called.
        icon: Name of its icon.
        href: Where it is.
        count: How much waits there; 0 and None show nothing.
        is_current: Whether they are there, or below it.
    """

    label: LazyString
    icon: str
    href: str
    count: int | None
    is_current: bool


@dataclass(frozen=True, slots=True)
class Group:
    """Lines under one heading."""

    label: LazyString
    entries: tuple[Entry, ...]


class Rail:
    """The rail of one reader: counted when it is looked at, and only then."""

    def __init__(self, visit: Visit | None) -> None:
        """Keep who looks."""
        self._visit = visit

    def __bool__(self) -> bool:
        """Say whether there is one: whoever is not signed in has none."""
        return self._visit is not None

    def __iter__(self) -> Iterator[Group]:
        """Return the groups, each with at least one line."""
        if self._visit is None:
            return
        shown = [line for line in lines() if self._may(line)]
        counted = counts(line.count for line in shown if line.count)
        if self._visit.actor.roles == AUDITOR:
            shown = [line for line in shown if _is_for_auditor(line, counted)]
        here = _current(shown)
        for label in HEADINGS:
            if not any(line.group is label for line in shown):
                continue
            yield Group(
                self._heading(label),
                tuple(
                    Entry(
                        line.label,
                        line.icon,
                        line.path,
                        counted.get(line.count or ""),
                        line is here,
                    )
                    for line in shown
                    if line.group is label
                ),
            )

    def _may(self, line: Line) -> bool:
        if self._visit is None:
            return False
        actor = self._visit.actor
        if line.group is MINE and actor.identity_id is None and line.path != HOME:
            return False
        return line.permission is None or actor.may(line.permission)

    def _heading(self, label: LazyString) -> LazyString:
        """Return a heading; an auditor's rail says first when their access ends."""
        visit = self._visit
        if label is not MINE or visit is None or visit.actor.roles != AUDITOR:
            return label
        if visit.roles_end_at is None:
            return _("Auditor")
        return _("Auditor until %(day)s", day=day(visit.roles_end_at).striptags())


def _is_for_auditor(line: Line, counted: Mapping[str, int]) -> bool:
    """Say whether an auditor needs a line: of their own affairs only what waits for them."""
    return line.group is not MINE or line.path == HOME or bool(counted.get(line.count or ""))


def install(app: Flask, counts_: Mapping[str, Count]) -> None:
    """Say who counts what waits."""
    app.extensions[COUNTS] = counts_


def lines() -> tuple[Line, ...]:
    """Return the lines whose pages exist."""
    return tuple(line for line in LINES if _exists(line.path))


def counts(names: Iterable[str]) -> dict[str, int]:
    """Count what waits, in this page's reading; without one, nothing is counted."""
    reading: Reading | None = g.get("reading")
    known: Mapping[str, Count] = current_app.extensions.get(COUNTS, {})
    if reading is None:
        return {}
    kept: dict[str, int] = g.setdefault("counts", {})
    for name in names:
        if name in known and name not in kept:
            kept[name] = known[name](reading)
    return kept


def is_counted(name: str) -> bool:
    """Say whether a stage counts what waits under a name."""
    return name in current_app.extensions.get(COUNTS, {})


def _exists(path: str) -> bool:
    adapter = current_app.url_map.bind(doors().settings.base_url)
    try:
        adapter.match(path, method="GET")
    except HTTPException:
        return False
    return True


def _current(shown: list[Line]) -> Line | None:
    """Return the line of the page that is shown, or that it stands below."""
    fitting = [
        line
        for line in shown
        if request.path == line.path
        or (line.path != "/" and request.path.startswith(f"{line.path}/"))
    ]
    return max(fitting, key=lambda line: len(line.path), default=None)
