"""The networks of :mod:`catapult.oracles.plane` in many bits: in balls, or in their rounded midpoints.

The precision is that of ``flint.ctx.workprec`` around a call.
"""

from __future__ import annotations

import math
from fractions import Fraction

import flint

from catapult.oracles import predictor

BITS = 256
EDGES = {"logistic": 8, "squared": 2}  # 2/h of losses with f/L'(f) ≥ 1/h everywhere


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


def limit(loss: str, f0, ntk0, width, rate, steps: int = 20_000):
    """Return λ_∞ along a plain orbit of 400 bits; inf where |f| passes 10³, None where it stays above 10⁻³⁰."""
    with flint.ctx.workprec(400):
        network = Network(loss, f0, ntk0, width, rate, rounded=True)
        for _ in range(steps):
            size = abs(network.f)
            if size < 1e-30:
                return network.scaled.mid() / network.rate
            if size > 1e3:
                return math.inf
            network.step()
    return None


def enclosed(loss: str, f0, ntk0, width, rate) -> tuple[float, float]:
    """Return bounds on λ_∞ of an orbit that converges, loss logistic or squared; ArithmeticError if it can't be told.

    Once Λ < 2/h, Λg/f < 2 for ever and f → 0. √D loses the factors 1 − a² from then on, and Λ loses a² (4f/g − Λ), at
    least 2a²/h. So Σa² ≤ h (Λ − Λ_∞)/2, and √D (1 − Σa²) ≤ Λ_∞ ≤ √D, which is solved for Λ_∞.
    """
    with flint.ctx.workprec(8 * BITS):
        network, edge = Network(loss, f0, ntk0, width, rate), EDGES[loss]
        for _ in range(5000):
            if network.scaled < edge and abs(network.f) < 1e-20:
                high = network.invariant
                low = high * (1 - network.scaled / edge) / (1 - high / edge)
                return float((low / network.rate).lower()), float((high / network.rate).upper())
            network.step()
    raise ArithmeticError("undecided after 5000 steps")
