"""Thresholds by bisection, many side by side."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np


def threshold(is_above: Callable, low, high, steps: int = 50):
    """Return where ``is_above`` turns from False to True between ``low`` and ``high``, the lower ends after ``steps``.

    Floats or arrays that broadcast; ``is_above`` takes and returns what has their common shape.
    """
    low, high = np.broadcast_arrays(np.asarray(low, float), high)
    for _ in range(steps):
        middle = ((low + high) / 2)[()]
        above = is_above(middle)
        low, high = np.where(above, low, middle), np.where(above, middle, high)
    return low[()]
