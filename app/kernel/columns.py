"""Columns for states: a `StrEnum` kept as its value, with a named check on both stores."""

from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import MappedColumn, mapped_column

WIDTH = 32


def state_column(states: type[StrEnum], **options: Any) -> MappedColumn[Any]:
    """Declare a column that holds one of the values of `states`.

    Args:
        states: The closed set.
        options: Passed on to `mapped_column` (`index`, `nullable`, `default`).
    """
    kept = sa.Enum(
        states,
        native_enum=False,
        create_constraint=True,
        length=WIDTH,
        name=states.__name__.lower(),
        values_callable=lambda cls: [each.value for each in cls],
    )
    return mapped_column(kept, **options)
