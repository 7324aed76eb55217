"""The port every source stands behind, and the shape of a kind of source."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from connectors.records import (
    Batch,
    Change,
    CheckReport,
    DeltaBatch,
    LogPage,
    Observation,
    Outcome,
)


class Connector(Protocol):
    """One connected source.

    Every method may raise any `connectors.errors.ConnectorError` and nothing else (`guarded.py`
    sees to it). Every call to the wire has a time-out. A connector is used by one thread at a time
    and is cheap to make; it opens its connection when first needed.
    """

    def check(self) -> CheckReport:
        """Try everything the source will be asked to do, changing nothing.

        Raises:
            MisconfiguredError: Address, certificate, credentials or base are wrong.
            UnavailableError: Nobody answers there.
        """
        ...

    def snapshot(self) -> Iterator[Batch]:
        """Read all accounts, then all groups, then all direct memberships, in batches.

        The last item is a `ReadReport`. A read that breaks off either ends with a report that is
        not complete, or raises; an iterator that stops without a report is incomplete too.
        """
        ...

    def changes(self, cursor: str) -> Iterator[DeltaBatch]:
        """Read what changed since a cursor, which the report of an earlier read gave.

        Accounts and groups that changed come whole; the members of a group come whole in a
        `MemberList`, or as what joined and left in a `MemberChange`. What is not named did not
        change. A change may be told again. The last item is a `ReadReport` with the next cursor;
        one that is not complete leaves the cursor where it was.

        Raises:
            CursorRefusedError: The source cannot go on from there (too old, another controller).
            UnsupportedError: This source tells no changes; it is read whole.
        """
        ...

    def log(self, cursor: str) -> Iterator[LogPage]:
        """Read what the source's own log tells of memberships since a cursor, to its present end.

        It tells who did what and when; what is so now is told by reads alone. A log may be late
        and out of order, and may tell a deed again. One that is gone on from never skips a late
        one: the cursor is the source's own place in it, never a time.

        Args:
            cursor: Of the last page that was kept; empty to begin (some days back, as far as the
                source tells).

        Raises:
            CursorRefusedError: The log does not go on from there; begin anew.
            DeniedError: This account may not read it.
            UnsupportedError: This source keeps no such log.
        """
        ...

    def ensure(self, change: Change) -> Outcome:
        """Bring about a state; a state that already holds is a success with `Effect.ALREADY`.

        Raises:
            TargetMissingError: The account or the group is not there.
            TargetConflictError: The target is in a state in which this cannot be done.
            DeniedError: A right is missing.
            UnsupportedError: This source or group cannot be changed so (mastered elsewhere).
            UnavailableError: Try again later.
        """
        ...

    def observe(self, change: Change) -> Observation:
        """Read back, strongly consistent and by identifier, whether a change is in effect now.

        Raises:
            TargetMissingError: The account or the group is not there (a removal or a disable of
                something that is gone is `in_effect`, and does not raise).
            UnavailableError: Try again later.
        """
        ...

    def close(self) -> None:
        """Give back connections. Never raises; may be called twice."""
        ...


@dataclass(frozen=True, slots=True)
class SettingKey:
    """One key a kind of source understands.

    Attributes:
        name: As given to `--set` or `--secret`.
        help: One line.
        is_required: Whether a source can do without it.
        is_secret: Secrets are sealed at rest and never shown again.
    """

    name: str
    help: str
    is_required: bool = False
    is_secret: bool = False


class Kind(Protocol):
    """A kind of source: what it needs to be told, and how to make a connector of it."""

    @property
    def name(self) -> str:
        """As given to `--kind`."""
        ...

    @property
    def keys(self) -> tuple[SettingKey, ...]:
        """What it can be told."""
        ...

    def connect(
        self,
        settings: Mapping[str, str],
        secrets: Mapping[str, str],
        *,
        now: Callable[[], datetime],
    ) -> Connector:
        """Make a connector. Opens nothing yet.

        Args:
            settings: What is not secret; only known keys (`settings.check_keys` has seen to it).
            secrets: What is.
            now: Tells the time, for what expires.

        Raises:
            MisconfiguredError: A key is unknown, missing or malformed; `key` names it.
        """
        ...
