"""Every test here runs on SQLite and on PostgreSQL, over the migrated schema."""

import pytest

from support.stores import Store


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.enable_socket)])
def store(request: pytest.FixtureRequest) -> Store:
    """Each store in turn."""
    found: Store = request.getfixturevalue(f"{request.param}_store")
    return found
