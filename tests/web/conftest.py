from pathlib import Path

import pytest

from app.kernel.actor import Role
from web.small import Small, open_small


@pytest.fixture
def small(tmp_path: Path) -> Small:
    return open_small(tmp_path)


@pytest.fixture
def admin(small: Small) -> str:
    return small.token(Role.ADMIN)
