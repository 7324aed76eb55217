"""A house that sends mail into a list."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.notices.mailer import MemoryMailer
from support.house import TestHouse, open_house


@pytest.fixture
def mailer() -> MemoryMailer:
    return MemoryMailer()


@pytest.fixture
def house(tmp_path: Path, database_url: str, mailer: MemoryMailer) -> Iterator[TestHouse]:
    """A house whose mail goes into a list."""
    yield from open_house(tmp_path, database_url, mailer=mailer)
