"""Which of a database's tables are this product's."""

from typing import Any

# The job engine keeps its own tables, with its own migrations, in the same SQLite file.
ENGINE_TABLES = frozenset(
    {
        "dbos_migrations",
        "notifications",
        "streams",
        "queues",
        "operation_outputs",
        "application_versions",
    }
)


def ours(_object: Any, name: str | None, kind: str, _reflected: Any, _compare_to: Any) -> bool:
    """Say whether an object of the database is ours to migrate."""
    if kind != "table" or name is None:
        return True
    return name not in ENGINE_TABLES and not name.startswith("workflow_")
