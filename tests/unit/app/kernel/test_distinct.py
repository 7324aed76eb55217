"""Each number once, rising, whether few of them are far apart or many near."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from app.kernel.distinct import distinct

NUMBERS = st.lists(st.one_of(st.integers(0, 50), st.integers(0, 2**62)), max_size=60)


@given(NUMBERS)
def test_each_is_there_once_and_they_rise(numbers: list[int]) -> None:
    assert distinct(np.array(numbers, np.int64)).tolist() == sorted(set(numbers))
