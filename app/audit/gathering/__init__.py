"""The rows of a bundle's data files: one statement for each kind of row, streamed.

Rows carry public ids, so that they can be tied to the ledger, and names as they are at the time of
building, so that people can read them. Columns are told in `docs/reference/bundle.md`.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy.orm import Session

from app.audit import columns
from app.audit.gathering.decisions import decision_rows
from app.audit.gathering.population import (
    drift_rows,
    excluded_rows,
    frozen_population,
    left_out_groups,
    open_population,
)
from app.audit.gathering.requests import leaver_rows, request_rows
from app.audit.gathering.shared import Statement
from app.audit.gathering.sources import source_rows
from app.audit.scope import CampaignScope, SampleScope, Scope
from app.kernel.event import moment

AT_ONCE = 1_000


Row = dict[str, Any]


Rows = Iterator[Row]


@dataclass(frozen=True, slots=True)
class DataFile:
    """One data file to be.

    Attributes:
        columns: Its columns.
        statements: What to read, one after the other.
    """

    columns: Sequence[str]
    statements: Sequence[Statement]

    def rows(self, session: Session) -> Rows:
        """Read its rows."""
        for statement in self.statements:
            found = session.execute(statement.execution_options(yield_per=AT_ONCE))
            for mapping in found.mappings():
                yield {name: _plain(name, value) for name, value in mapping.items()}


def data_files(scope: Scope) -> Mapping[str, DataFile]:
    """Return the data files of a scope, by name."""
    population: list[Statement] = []
    excluded: list[Statement] = []
    drift: list[Statement] = []
    if isinstance(scope, CampaignScope):
        population = [frozen_population(scope)]
        excluded = [left_out_groups(scope), excluded_rows(scope)]
    elif isinstance(scope, SampleScope) or not scope.leavers_only:
        population, drift = open_population(scope), drift_rows(scope)
        excluded = [left_out_groups(scope)]
    made = {
        "population": DataFile(columns.POPULATION, population),
        "excluded": DataFile(columns.EXCLUDED, excluded),
        "decisions": DataFile(columns.DECISIONS, decision_rows(scope)),
        "requests": DataFile(columns.REQUESTS, request_rows(scope)),
        "leavers": DataFile(columns.LEAVERS, leaver_rows(scope)),
        "drift": DataFile(columns.DRIFT, drift),
        "sources": DataFile(columns.SOURCES, [source_rows(scope)]),
    }
    return {
        name: file if scope.speaks_of(name) else DataFile(file.columns, [])
        for name, file in made.items()
    }


def _plain(name: str, value: Any) -> Any:
    """Turn a column into what canonical JSON holds; facts are told by their digest."""
    if name == "facts_digest":
        return hashlib.sha256(value.encode()).hexdigest()
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, datetime):
        return moment(value)
    return value
