import pytest

from support.finance import Finance, found_finance
from support.house import TestHouse


@pytest.fixture
def finance(house: TestHouse) -> Finance:
    """A manager with twelve people and 120 items."""
    return found_finance(house, people=12)
