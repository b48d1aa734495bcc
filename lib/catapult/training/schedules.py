"""Learning-rate schedules: the factor in front of the learning rate, a pure function of step and steps.

A schedule is any function ``(step, steps) -> factor`` with step in 0 … steps−1 and a finite factor ≥ 0; those
here have names, for :func:`catapult.training.train` and the command line.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from catapult.parameters import InputError, nearest

Schedule = Callable[[int, int], float]


@dataclass(frozen=True)
class Constant:
    """1 at every step."""

    def __call__(self, step: int, steps: int) -> float:
        return 1.0


@dataclass(frozen=True)
class Step:
    """Multiplied by ``drop`` at each of the fractions ``at`` of the run."""

    at: tuple[float, ...] = (0.5, 0.75)
    drop: float = 0.1

    def __call__(self, step: int, steps: int) -> float:
        return self.drop ** sum(step >= fraction * steps for fraction in self.at)


@dataclass(frozen=True)
class Cosine:
    """From 1 to ``final`` along half a cosine (Loshchilov and Hutter, 2017)."""

    final: float = 0.0

    def __call__(self, step: int, steps: int) -> float:
        return self.final + (1 - self.final) * (1 + math.cos(math.pi * step / steps)) / 2


@dataclass(frozen=True)
class Anneal:
    """Large, then small: 1 for the fraction ``hold`` of the run, then geometrically towards ``final``."""

    hold: float = 0.5
    final: float = 0.01

    def __call__(self, step: int, steps: int) -> float:
        progress = (step / steps - self.hold) / (1 - self.hold) if self.hold < 1 else 0.0
        return self.final ** max(0.0, progress)


SCHEDULES = {"constant": Constant(), "step": Step(), "cosine": Cosine(), "anneal": Anneal()}


def get(schedule: Schedule | str | None) -> Schedule:
    """Return the schedule of that name (None: constant), or the callable itself; else InputError."""
    if schedule is None:
        return SCHEDULES["constant"]
    if isinstance(schedule, str) and schedule in SCHEDULES:
        return SCHEDULES[schedule]
    if not callable(schedule):
        raise InputError(f"schedule = {schedule!r}{nearest(schedule, SCHEDULES)}; allowed: None, "
                         f"{', '.join(SCHEDULES)}, or a function of (step, steps)")
    return schedule


def factors(schedule: Schedule | str | None, steps: int) -> np.ndarray:
    """Return the factor at each step, shape (steps,); InputError where one is negative or not finite."""
    values = np.array([get(schedule)(step, steps) for step in range(steps)], dtype=float)
    wrong = ~(np.isfinite(values) & (values >= 0))
    if wrong.any():
        step = int(wrong.argmax())
        raise InputError(f"schedule: factor {values[step]} at step {step}; allowed: finite and ≥ 0")
    return values
