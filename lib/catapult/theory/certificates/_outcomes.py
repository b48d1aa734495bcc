"""What a certificate can answer, and the way in and out of ball arithmetic: exact numbers in, outward rounding out."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from numbers import Rational

import flint

from catapult.parameters import InputError

Exact = int | float | str | Rational


@dataclass(frozen=True)
class Enclosure:
    """The number is proved to lie in [lower, upper]; both ends are floats, rounded outward.

    Attributes
    ----------
    lower, upper
        The ends.
    steps
        Steps of the orbit that were needed, 0 where there is none.
    bits
        The working precision.
    """

    lower: float
    upper: float
    steps: int = 0
    bits: int = 0

    def __contains__(self, value: float) -> bool:
        return self.lower <= value <= self.upper

    @property
    def midpoint(self) -> float:
        """A float between the two ends."""
        return self.lower + (self.upper - self.lower) / 2

    def distance(self, value: float) -> float:
        """Return how far a float is from the interval, relative to the size of its midpoint: 0 inside."""
        gap = max(self.lower - value, value - self.upper, 0.0)
        return gap / abs(self.midpoint) if gap else 0.0


@dataclass(frozen=True)
class Diverges:
    """The orbit is proved to diverge: this very one, no null set being excepted.

    Attributes
    ----------
    reason
        The region that the orbit has entered, and can't leave.
    steps, bits
        As in :class:`Enclosure`.
    """

    reason: str
    steps: int
    bits: int


@dataclass(frozen=True)
class Undecided:
    """Nothing is proved; ``reason`` says what was missing (precision, steps, or a hypothesis)."""

    reason: str


def exact(name: str, value: Exact) -> flint.fmpq:
    """Return the rational number that was given: a float is its binary value, a string what it says.

    Raises
    ------
    InputError
        For anything that is not a finite rational number.
    """
    wrong = InputError(f"{name} = {value!r}; allowed: an integer, a fraction, a finite float or a string like '0.1'")
    if isinstance(value, bool):
        raise wrong
    try:
        number = Fraction(value.item() if hasattr(value, "item") else value)
    except (ValueError, TypeError, OverflowError, ZeroDivisionError):
        raise wrong from None
    return flint.fmpq(number.numerator, number.denominator)


def round_down(ball: flint.arb) -> float:
    """Return a float that is at most every number of the ball (−inf if there is none)."""
    bound = ball.lower()
    if not bound.is_finite():
        return -math.inf
    value = float(bound)
    return value if flint.arb(value) <= bound else math.nextafter(value, -math.inf)


def round_up(ball: flint.arb) -> float:
    """Return a float that is at least every number of the ball."""
    return -round_down(-ball)
