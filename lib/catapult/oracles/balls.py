"""The networks of :mod:`catapult.oracles.plane` in many bits: in balls, or in their rounded midpoints.

The precision is that of ``flint.ctx.workprec`` around a call.
"""

from __future__ import annotations

from fractions import Fraction

import flint

from catapult.oracles import predictor

BITS = 256


def exact(value) -> flint.arb:
    """Return a number, a fraction or the decimals of a string as a ball, no wider than the precision makes it."""
    return value if isinstance(value, flint.arb) else flint.arb(flint.fmpq(*Fraction(value).as_integer_ratio()))


def root(falls, low, high, steps: int = BITS) -> flint.arb:
    """Return where a function turns from positive to negative between two numbers, bisected: the lower end."""
    low, high = exact(low), exact(high)
    for _ in range(steps):
        middle = ((low + high) / 2).mid()
        low, high = (middle, high) if falls(middle) > 0 else (low, middle)
    return low


class Network:
    """A two-layer linear network on the degenerate pair, by the lengths of w1 ± w2.

    ``p`` and ``q`` are |w1 ± w2| √(η/m), ``root`` is √κ = η/√m, and a step multiplies them by 1 ∓ a with a = √κ L'(f).
    With ``rounded`` the midpoints of balls are kept after every step: a plain orbit, which proves nothing.
    """

    def __init__(self, loss: str, f0, ntk0, width, rate, rounded: bool = False):
        f0, ntk0, width, self.rate = map(exact, (f0, ntk0, width, rate))
        self.loss, self.rounded, self.root = loss, rounded, self.rate / width.sqrt()
        self._keep(*((self.rate * ntk0 + sign * 2 * self.root * f0).sqrt() for sign in (1, -1)))

    def _keep(self, p, q):
        self.p, self.q = (p.mid(), q.mid()) if self.rounded else (p, q)

    @property
    def f(self) -> flint.arb:
        return (self.p - self.q) * (self.p + self.q) / (4 * self.root)

    @property
    def scaled(self) -> flint.arb:
        """Λ = ηλ."""
        return (self.p**2 + self.q**2) / 2

    @property
    def invariant(self) -> flint.arb:
        """√D = √(Λ² − 4κf²), which a step multiplies by |1 − a²|."""
        return abs(self.p * self.q)

    def step(self) -> Network:
        """Make one step of gradient descent; return the network itself."""
        a = self.root * predictor.SLOPES[self.loss](self.f, flint.arb)
        self._keep((1 - a) * self.p, (1 + a) * self.q)
        return self
