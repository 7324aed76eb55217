from collections.abc import Iterator
from pathlib import Path

import pytest

from app.kernel.actor import Role
from support.demonstration import demonstration
from support.visitor import Visitor
from web.company import Company
from web.small import Small, open_small


@pytest.fixture
def small(tmp_path: Path) -> Small:
    return open_small(tmp_path)


@pytest.fixture
def admin(small: Small) -> str:
    return small.token(Role.ADMIN)


@pytest.fixture(scope="package")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    """The demonstration company, filled once for all walks through it."""
    house, links = demonstration(tmp_path_factory.mktemp("company"))
    app = house.app()
    people = {persona: Visitor(app).follow(link) for persona, link in links.items() if link}
    try:
        yield Company(house, app, links, people)
    finally:
        house.house.tx.database.engine.dispose()
