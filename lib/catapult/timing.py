"""Timing that can be trusted on a busy machine: alternatives taken in turns, repeated, medians with their spread."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

import numpy as np


def alternate(functions: Mapping[str, Callable[[], object]], repeats: int,
              clock: Callable[[], float] = time.process_time) -> dict[str, np.ndarray]:
    """Return the seconds that each function took, shape (repeats,), after one call of each that is not timed.

    The functions take turns, so that a slow spell of the machine meets all of them: ratios are formed turn by turn. The
    default clock counts this process's time on the processor, all threads together; other processes and children don't
    count. Use ``time.perf_counter`` where they should.
    """
    for function in functions.values():
        function()
    seconds = {name: np.empty(repeats) for name in functions}
    for turn in range(repeats):
        for name, function in functions.items():
            started = clock()
            function()
            seconds[name][turn] = clock() - started
    return seconds


def slope(sizes, seconds) -> float:
    """Return the log-log slope of seconds against sizes, by least squares over the larger half of the sizes."""
    half = len(sizes) // 2
    return float(np.polyfit(np.log(sizes[half:]), np.log(seconds[half:]), 1)[0])
