"""The toy model of incremental learning by a flow that is integrated step by step, and its threshold by bisection."""

from __future__ import annotations

import numpy as np


def second_when_first(depth: int, r: float, start: float, first: float, each: float = 0.02) -> float:
    """Return σ of target 1 when σ of target r gets to ``first`` · r, by Runge–Kutta in log σ of the first."""
    def slope(x, y):
        ahead = np.exp(x * (1 - 2 / depth)) * (r - np.exp(x))
        return np.exp(y * (1 - 2 / depth)) * (1 - np.exp(y)) / ahead

    steps = max(50, int((np.log(first * r) - np.log(start)) / each))
    x, y, h = np.log(start), np.log(start), (np.log(first * r) - np.log(start)) / steps
    for _ in range(steps):
        a = slope(x, y)
        b = slope(x + h / 2, y + h / 2 * a)
        c = slope(x + h / 2, y + h / 2 * b)
        y, x = y + h / 6 * (a + 2 * b + 2 * c + slope(x + h, y + h * c)), x + h
    return float(np.exp(y))


def log_threshold(depth: int, r: float, levels: tuple[float, float]) -> float:
    """Return log σ0 of the threshold, by 40 bisections between e^(−60) and s."""
    low, high = -60.0, np.log(levels[0])
    for _ in range(40):
        middle = (low + high) / 2
        if second_when_first(depth, r, np.exp(middle), levels[1]) > levels[0]:
            high = middle
        else:
            low = middle
    return (low + high) / 2
