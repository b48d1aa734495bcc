"""What a certificate can answer, and the way in and out of ball arithmetic: exact numbers in, outward rounding out."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from numbers import Rational

import flint

from catapult.parameters import LARGEST_POWER, InputError, fraction_from, shown

MAX_BITS = 2**14  # of working precision
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

    Examples
    --------
    >>> 0.75 in Enclosure(0.5, 1.0)
    True
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

    @property
    def relative_width(self) -> float:
        """(upper − lower)/|upper|; 0 of a point."""
        gap = self.upper - self.lower
        return gap / abs(self.upper) if gap else 0.0

    def distance(self, value: float) -> float:
        """Return how far a float is from the interval, relative to the size of its midpoint: 0 inside, NaN of NaN."""
        gap = max(self.lower - value, value - self.upper, 0.0)  # NaN comes first, and stays
        if gap == 0:
            return 0.0
        return gap / abs(self.midpoint) if self.midpoint else gap * math.inf


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
    wrong = InputError(f"{name} = {shown(value)}; allowed: an integer, a fraction, a finite float or a string like "
                       f"'0.1', in the digits 0 to 9, of a power of ten up to {LARGEST_POWER}")
    if isinstance(value, bool) or (isinstance(value, Decimal) and abs(value.adjusted()) > LARGEST_POWER):
        raise wrong
    try:
        value = value.item() if hasattr(value, "item") else value
        number = fraction_from(value) if isinstance(value, str) else Fraction(value)
    except (ValueError, TypeError, OverflowError, ZeroDivisionError):
        raise wrong from None
    return flint.fmpq(number.numerator, number.denominator)


def covering(name: str, ends: tuple[Exact, Exact], *, zero: bool = False) -> tuple[float, float]:
    """Return the shortest interval with ends in floats that contains [low, high].

    Raises
    ------
    InputError
        Unless 0 < low < high (``zero``: 0 ≤ low) and floats that are finite, and not 0 where low is not, enclose them.
    """
    low, high = (exact(name, end) for end in ends)
    try:
        below, above = (int(end.p) / int(end.q) for end in (low, high))  # to nearest
    except OverflowError:
        below, above = 0.0, math.inf
    if exact(name, below) > low:
        below = math.nextafter(below, -math.inf)
    if math.isfinite(above) and exact(name, above) < high:
        above = math.nextafter(above, math.inf)
    if not (low < high and above < math.inf and (below > 0 or (zero and low >= 0))):
        raise InputError(f"{name} = {ends}; allowed: 0 {'≤' if zero else '<'} low < high, in the range of floats")
    return below, above


def at_most(value: float, form: str) -> float:
    """Return ``value`` rounded up to what a format such as ".4f" prints; that is at least the float, and prints so.

    Examples
    --------
    >>> at_most(0.12341, ".4f")
    0.1235
    """
    return -at_least(-value, form)


def at_least(value: float, form: str) -> float:
    """Return ``value`` rounded down to what a format such as ".4f" prints; that is at most the float.

    Examples
    --------
    >>> at_least(0.12349, ".4f")
    0.1234
    """
    printed = Decimal(format(value, form))
    if not printed.is_finite() or printed <= Decimal(value):
        return float(printed)
    return float(printed - Decimal((0, (1,), printed.as_tuple().exponent)))


def round_down(ball: flint.arb) -> float:
    """Return a float that is at most every number of the ball (−inf if there is none)."""
    bound = ball.lower()
    if not bound.is_finite():  # NaN too, of which no comparison holds
        return -math.inf
    value = float(bound)
    return value if flint.arb(value) <= bound else math.nextafter(value, -math.inf)


def round_up(ball: flint.arb) -> float:
    """Return a float that is at least every number of the ball."""
    return -round_down(-ball)
