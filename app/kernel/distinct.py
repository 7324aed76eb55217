"""Which numbers there are in very many: places and keys, most of which occur again and again."""

import numpy as np
import numpy.typing as npt

ROOM = 16  # how many times as far as there are numbers a list of marks may go


def distinct(values: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return each number once, rising; small ones without sorting or hashing all of them.

    Args:
        values: None is below zero.
    """
    if not len(values) or int(values.max()) > ROOM * len(values):
        return np.unique(values)
    there = np.zeros(int(values.max()) + 1, np.bool_)
    there[values] = True
    return np.flatnonzero(there)
