"""Gradient flow and descent on diagonal networks, weight by weight: explicit, slow, and with no law of the weights."""

from __future__ import annotations

import numpy as np


def flow(Z: np.ndarray, depth: int, scale: float, decades: float, steps_each: int = 1500) -> np.ndarray:
    """Return w where the loss is 10^(−decades), by Runge–Kutta's classical steps on u in the time log(1/loss)."""
    u = np.full((2, Z.shape[1]), float(scale))
    steps = int(steps_each * decades)
    h = np.log(10) * decades / steps

    def velocity(u):
        margins = Z @ (u[0] ** depth - u[1] ** depth)
        r = np.exp(margins.min() - margins)
        push = depth * u ** (depth - 1) * (r @ Z / r.sum()) * np.array([[1.0], [-1.0]])
        return push / (push**2).sum()

    for _ in range(steps):
        one = velocity(u)
        two = velocity(u + h / 2 * one)
        three = velocity(u + h / 2 * two)
        u = u + h / 6 * (one + 2 * two + 2 * three + velocity(u + h * three))
    return u[0] ** depth - u[1] ** depth


def descent(Z: np.ndarray, depth: int, scale: float, rate: float, until: float) -> tuple[np.ndarray, int]:
    """Return u, (2, d), where gradient descent first has a loss of at most ``until``, and its steps; entry by entry."""
    n, d = Z.shape
    plus, minus, steps = [float(scale)] * d, [float(scale)] * d, 0
    while True:
        w = [p**depth - m**depth for p, m in zip(plus, minus, strict=True)]
        e = [np.exp(-sum(Z[k, i] * w[i] for i in range(d))) for k in range(n)]
        if sum(e) / n <= until:
            return np.array([plus, minus]), steps
        slope = [sum(e[k] * Z[k, i] for k in range(n)) / n for i in range(d)]
        plus = [p + rate * depth * p ** (depth - 1) * g for p, g in zip(plus, slope, strict=True)]
        minus = [m - rate * depth * m ** (depth - 1) * g for m, g in zip(minus, slope, strict=True)]
        steps += 1
