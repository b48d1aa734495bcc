r"""Learning-rate schedules: the factor in front of the learning rate, a pure function of step and steps.

A schedule is any function ``(step, steps) -> factor`` with step in 0 … steps−1 and a finite factor ≥ 0; those in
``SCHEDULES`` have names, for :func:`catapult.training.train`.

Thirteen are the policies of LRBench (Wu et al., 2019, their table of definitions; Wu and Liu, 2023, compose them),

.. math:: \eta(t) = |k_0 - k_1|\,g(t) + \min(k_0, k_1),

here as a factor of the larger of the two rates: :math:`\eta(t)/\max(k_0, k_1) = r + (1 - r)\,g(t)` with
:math:`r = \min(k_0, k_1)/\max(k_0, k_1)`, the ``floor`` of the policies that rise and fall. Those that only fall have
:math:`k_1 = 0`. The published code departs from the table (its COS has the period 2l, its POLY rises from 0 where
k_1 = 0, its NSTEP counts in a variable that all schedules share); here the table counts. There l and 1/γ are numbers of
steps; here they are shares of the run, so that a policy is the same for runs of any length, and l is rounded to a whole
number of steps, at least one. Two further ones, ``cosine`` and ``anneal``, are no policies of theirs.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from catapult.parameters import InputError, nearest

Schedule = Callable[[int, int], float]


@dataclass(frozen=True)
class Fix:
    """FIX: g = 1 at every step.

    >>> Fix()(3, 8)
    1.0
    """

    def __call__(self, step: int, steps: int) -> float:
        return 1.0


@dataclass(frozen=True)
class Step:
    """STEP: g = γ^⌊t/l⌋. ``gamma`` is γ > 0, ``length`` l as a share of the run.

    >>> [Step(0.25, 0.5)(t, 8) for t in (0, 2, 4, 6)]
    [1.0, 0.5, 0.25, 0.125]
    """

    length: float = 0.25
    gamma: float = 0.1

    def __call__(self, step: int, steps: int) -> float:
        return self.gamma ** (step // whole_steps(self.length, steps))


@dataclass(frozen=True)
class NStep:
    """NSTEP: g = γ^i for l_i ≤ t < l_(i+1), with l_0 = 0. ``at`` are l_1 < l_2 < … as shares of the run.

    >>> [NStep((0.5, 0.75), 0.5)(t, 8) for t in (0, 4, 6)]
    [1.0, 0.5, 0.25]
    """

    at: tuple[float, ...] = (0.5, 0.75)
    gamma: float = 0.1

    def __call__(self, step: int, steps: int) -> float:
        return self.gamma ** sum(step >= fraction * steps for fraction in self.at)


@dataclass(frozen=True)
class Exp:
    """EXP: g = γ^t. ``final`` is γ^T > 0, T all steps.

    >>> Exp(0.25)(4, 8)
    0.5
    """

    final: float = 0.01

    def __call__(self, step: int, steps: int) -> float:
        return self.final ** (step / steps)


@dataclass(frozen=True)
class Inv:
    """INV: g = (1 + γt)^(−p). ``gamma`` is γT ≥ 0, ``power`` p.

    >>> Inv(gamma=2.0)(4, 8)
    0.5
    """

    gamma: float = 10.0
    power: float = 1.0

    def __call__(self, step: int, steps: int) -> float:
        return (1 + self.gamma * step / steps) ** -self.power


@dataclass(frozen=True)
class Poly:
    """POLY: g = (1 − t/T)^p, T all steps. ``power`` is p.

    >>> Poly(2.0)(4, 8)
    0.25
    """

    power: float = 1.0

    def __call__(self, step: int, steps: int) -> float:
        return (1 - step / steps) ** self.power


@dataclass(frozen=True)
class Cyclic:
    """What rises and falls with the period 2l: g = the ``envelope`` of t times a ``wave`` of t/l, 0 at 0, 1 at 1.

    ``length`` is l as a share of the run, ``floor`` the smaller of the two rates over the larger, from 0 to 1.
    """

    length: float = 0.125
    floor: float = 0.0

    def __call__(self, step: int, steps: int) -> float:
        length = whole_steps(self.length, steps)
        g = self.envelope(step, steps, length) * self.wave(step / length)
        return self.floor + (1 - self.floor) * g

    def envelope(self, step: int, steps: int, length: int) -> float:
        return 1.0

    def wave(self, phase: float) -> float:
        raise NotImplementedError


@dataclass(frozen=True)
class Halving(Cyclic):
    """A wave halved with each period: times 2^(−⌊t/2l⌋)."""

    def envelope(self, step: int, steps: int, length: int) -> float:
        return 0.5 ** (step // (2 * length))


@dataclass(frozen=True)
class Fading(Cyclic):
    """A wave that fades: times γ^t. ``final`` is γ^T > 0, T all steps."""

    final: float = 0.01

    def envelope(self, step: int, steps: int, length: int) -> float:
        return self.final ** (step / steps)


@dataclass(frozen=True)
class Tri(Cyclic):
    """TRI: g = (2/π)|arcsin(sin(πt/2l))|, the distance of t/l from the nearest even number (Smith, 2017).

    >>> [Tri(0.25)(t, 8) for t in range(5)]
    [0.0, 0.5, 1.0, 0.5, 0.0]
    """

    def wave(self, phase: float) -> float:
        return 1 - abs(1 - phase % 2)


@dataclass(frozen=True)
class Sin(Cyclic):
    """SIN: g = |sin(πt/2l)|.

    >>> [round(Sin(0.25)(t, 8), 3) for t in range(5)]
    [0.0, 0.707, 1.0, 0.707, 0.0]
    """

    def wave(self, phase: float) -> float:
        return abs(math.sin(math.pi * phase / 2))


@dataclass(frozen=True)
class Tri2(Halving, Tri):
    """TRI2: TRI/2^⌊t/2l⌋.

    >>> [Tri2(0.25)(t, 8) for t in (2, 6)]
    [1.0, 0.5]
    """


@dataclass(frozen=True)
class Sin2(Halving, Sin):
    """SIN2: SIN/2^⌊t/2l⌋.

    >>> [Sin2(0.25)(t, 8) for t in (2, 6)]
    [1.0, 0.5]
    """


@dataclass(frozen=True)
class TriExp(Fading, Tri):
    """TRIEXP: γ^t TRI.

    >>> [TriExp(0.5, final=0.25)(t, 8) for t in (0, 4)]
    [0.0, 0.5]
    """


@dataclass(frozen=True)
class SinExp(Fading, Sin):
    """SINEXP: γ^t SIN.

    >>> [SinExp(0.5, final=0.25)(t, 8) for t in (0, 4)]
    [0.0, 0.5]
    """


@dataclass(frozen=True)
class Cos(Cyclic):
    """COS: g = (1 + cos(2πt/l))/2, from 1 down to 0 and back with the period l. The default ends in a trough.

    >>> [round(Cos(0.5)(t, 8), 6) for t in (0, 1, 2, 4)]
    [1.0, 0.5, 0.0, 1.0]
    """

    length: float = 2 / 7

    def wave(self, phase: float) -> float:
        return (1 + math.cos(2 * math.pi * phase)) / 2


@dataclass(frozen=True)
class Cosine:
    """From 1 to ``final`` along half a cosine (Loshchilov and Hutter, 2017): COS with l = 2T where ``final`` is 0.

    >>> [round(Cosine()(t, 8), 6) for t in (0, 4)]
    [1.0, 0.5]
    """

    final: float = 0.0

    def __call__(self, step: int, steps: int) -> float:
        return self.final + (1 - self.final) * (1 + math.cos(math.pi * step / steps)) / 2


@dataclass(frozen=True)
class Anneal:
    """Large, then small: 1 for the fraction ``hold`` of the run, then geometrically towards ``final``.

    >>> [round(Anneal()(t, 8), 6) for t in (0, 4, 6)]
    [1.0, 1.0, 0.1]
    """

    hold: float = 0.5
    final: float = 0.01

    def __call__(self, step: int, steps: int) -> float:
        progress = (step / steps - self.hold) / (1 - self.hold) if self.hold < 1 else 0.0
        return self.final ** max(0.0, progress)


FALLING = {"fix": Fix(), "step": Step(), "nstep": NStep(), "exp": Exp(), "inv": Inv(), "poly": Poly()}
CYCLIC = {"tri": Tri(), "tri2": Tri2(), "triexp": TriExp(), "sin": Sin(), "sin2": Sin2(), "sinexp": SinExp(),
          "cos": Cos()}
POLICIES = FALLING | CYCLIC
"""The thirteen of LRBench, in the order of their table."""
SCHEDULES = POLICIES | {"cosine": Cosine(), "anneal": Anneal()}


def whole_steps(share: float, steps: int) -> int:
    """Return a share of the run as a whole number of steps, at least one.

    >>> whole_steps(0.25, 100), whole_steps(0.001, 100)
    (25, 1)
    """
    return max(1, round(share * steps))


def get(schedule: Schedule | str | None) -> Schedule:
    """Return the schedule of that name (None: fix), or the callable itself; else InputError.

    >>> get("poly") == Poly(), get(None) == Fix()
    (True, True)
    """
    if schedule is None:
        return SCHEDULES["fix"]
    if isinstance(schedule, str) and schedule in SCHEDULES:
        return SCHEDULES[schedule]
    if not callable(schedule):
        raise InputError(f"schedule = {schedule!r}{nearest(schedule, SCHEDULES)}; allowed: None, "
                         f"{', '.join(SCHEDULES)}, or a function of (step, steps)")
    return schedule


def factors(schedule: Schedule | str | None, steps: int) -> np.ndarray:
    """Return the factor at each step, shape (steps,); InputError where one is negative or not finite.

    >>> factors("poly", 4).tolist()
    [1.0, 0.75, 0.5, 0.25]
    """
    values = np.array([get(schedule)(step, steps) for step in range(steps)], dtype=float)
    wrong = ~(np.isfinite(values) & (values >= 0))
    if wrong.any():
        step = int(wrong.argmax())
        raise InputError(f"schedule: factor {values[step]} at step {step}; allowed: finite and ≥ 0")
    return values
