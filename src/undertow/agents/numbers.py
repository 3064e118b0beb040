"""Sets of account numbers: small whole numbers, so a mark for each is quicker than sorting them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def marked(numbers: NDArray[Any], count: int) -> NDArray[np.bool_]:
    """Which of the numbers below ``count`` are among some."""
    marks = np.zeros(count, np.bool_)
    marks[numbers] = True
    return marks


def distinct(*several: NDArray[Any]) -> NDArray[np.int64]:
    """All numbers of some arrays, each once, in ascending order; none below 0."""
    most = max((int(one.max()) for one in several if len(one)), default=-1)
    marks = np.zeros(most + 1, np.bool_)
    for one in several:
        marks[one] = True
    return np.flatnonzero(marks)
