"""The people file as a source: it is read whole each time, and never written.

* A half file (changed while it was read, no end of its last line, an open quote, zero bytes,
  another number of rows than its last line tells) is an incomplete read, which ends nobody.
* A row that is not clear is quarantined: named by its line, and whoever it is about stays as known.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from itertools import islice

from connectors.errors import IncompleteReadError, MisconfiguredError, UnsupportedError
from connectors.hr_csv import rows, text
from connectors.hr_csv.config import KEYS, Config, parse
from connectors.port import Connector, SettingKey
from connectors.records import (
    AccountBatch,
    Batch,
    Change,
    CheckItem,
    CheckReport,
    DeltaBatch,
    LogPage,
    Observation,
    Outcome,
    Problem,
    Query,
    ReadReport,
)

BATCH = 1000
MOST_NAMED = 5
READ_ONLY = "A people file is read only: change it where HR keeps it."


class HrCsvConnector:
    """One people file."""

    def __init__(self, config: Config, *, now: Callable[[], datetime]) -> None:
        """Read a people file.

        Args:
            config: Where it is, and what it is like.
            now: The time: who has started, and whose last day is over.
        """
        self._config = config
        self._now = now
        self._endpoint = f"file:{config.path}"

    def check(self) -> CheckReport:
        """Read all of it, and say what would be used."""
        try:
            table = text.read(self._config)
        except IncompleteReadError as error:
            item = CheckItem("read accounts", is_ok=False, detail=str(error))
            return CheckReport((item,), self._endpoint, "")
        where = rows.layout(table, self._config)
        accounts, problems = rows.records(table, where, self._config, self._now())
        used = ", ".join(f"{ours} ({table.header[place]})" for ours, place in where.at.items())
        ignored = f" Not used: {', '.join(where.ignored)}." if where.ignored else ""
        named = " ".join(each.detail for each in problems[:MOST_NAMED])
        items = (
            CheckItem(
                "reach",
                is_ok=True,
                detail=f"{table.size} bytes, written {table.changed_at:%Y-%m-%d %H:%M} UTC, "
                f"{table.encoding}, parted by {table.delimiter!r}.",
            ),
            CheckItem("columns", is_ok=True, detail=f"{used}.{ignored}"),
            CheckItem(
                "read accounts",
                is_ok=bool(accounts),
                detail=f"{len(accounts)} people." if accounts else "No row of it can be used.",
            ),
            CheckItem(
                "rows",
                is_ok=not problems,
                detail=f"{len(problems)} rows are not clear. {named}" if problems else "All clear.",
                is_required=False,
            ),
            CheckItem("write members", is_ok=False, detail=READ_ONLY, is_required=False),
        )
        return CheckReport(items, self._endpoint, "")

    def snapshot(self) -> Iterator[Batch]:
        """Read everything; there are no groups."""
        try:
            table = text.read(self._config)
        except IncompleteReadError as error:
            problem = Problem("broken_off", str(error), str(self._config.path))
            yield ReadReport(
                is_complete=False,
                endpoint=self._endpoint,
                account="",
                queries=(),
                problems=(problem,),
            )
            return
        where = rows.layout(table, self._config)
        accounts, problems = rows.records(table, where, self._config, self._now())
        left = iter(accounts)
        while some := tuple(islice(left, BATCH)):
            yield AccountBatch(some)
        query = Query(
            purpose="accounts",
            text=f"{self._config.path.name}, {table.size} bytes, SHA-256 {table.sha256}",
            pages=1,
            returned=len(table.lines),
            reported=table.told,
        )
        yield ReadReport(
            is_complete=True,
            endpoint=self._endpoint,
            account="",
            queries=(query,),
            problems=tuple(problems),
        )

    def changes(self, cursor: str) -> Iterator[DeltaBatch]:
        """Refuse: a file is read whole."""
        raise UnsupportedError(f"A people file is read whole, not from {cursor!r} on.")

    def log(self, cursor: str) -> Iterator[LogPage]:
        """Refuse: a file has no log."""
        raise UnsupportedError(f"A people file has no log to go on from {cursor!r}.")

    def ensure(self, change: Change) -> Outcome:
        """Refuse: HR is never written."""
        raise UnsupportedError(f"{READ_ONLY} ({change.verb})")

    def observe(self, change: Change) -> Observation:
        """Refuse: there is nothing of ours to read back."""
        raise UnsupportedError(f"{READ_ONLY} ({change.verb})")

    def close(self) -> None:
        """Nothing is open."""


class HrCsvKind:
    """How to make one."""

    name = "hr_csv"
    keys: tuple[SettingKey, ...] = KEYS

    def connect(
        self,
        settings: Mapping[str, str],
        secrets: Mapping[str, str],
        *,
        now: Callable[[], datetime],
    ) -> Connector:
        """Make a connector. Opens nothing yet.

        Raises:
            MisconfiguredError: A key is malformed.
        """
        if secrets:
            raise MisconfiguredError("A people file needs no secret.", key=next(iter(secrets)))
        return HrCsvConnector(parse(settings), now=now)


KIND = HrCsvKind()
