"""How much may end without a person."""

import pytest

from app.directory.breakers import is_too_much


@pytest.mark.parametrize(
    ("ends", "of", "percent", "waits"),
    [
        (50, 60, 20, False),
        (51, 255, 20, False),
        (51, 254, 20, True),
        (1000, 10_000, 20, False),
        (51, 51, 100, False),
        (51, 10_000, 0, True),
    ],
)
def test_few_ends_never_wait_and_more_than_the_share_do(
    ends: int, of: int, percent: int, *, waits: bool
) -> None:
    assert is_too_much(ends, of, percent) is waits
