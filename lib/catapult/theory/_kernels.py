"""Compiled loops of the scalar maps. Imported by the functions that need them: numba takes half a second to load.

What is compiled is kept in the companion's cache, not beside the source.
"""

from __future__ import annotations

import math

import numba

from catapult import paths

if not numba.config.CACHE_DIR:
    numba.config.CACHE_DIR = str(paths.cache() / "numba")

EXPONENTIAL, LOGISTIC, SQUARED = range(3)
CODES = {"exponential": EXPONENTIAL, "logistic": LOGISTIC, "squared": SQUARED}
CONVERGES, RISES, DIVERGES, UNDECIDED = range(4)
HUGE = 1e30


@numba.njit(cache=True)
def _slope(loss, f):
    if loss == EXPONENTIAL:
        return math.sinh(f)
    return 0.5 * math.tanh(0.5 * f) if loss == LOGISTIC else f


@numba.njit(cache=True)
def follow(loss, f, scaled, kappa, steps, tail):
    """Iterate (f, Λ) until the outcome is known: return it, with f and Λ. See :mod:`catapult.theory.two_layer`.

    With ``tail`` > 0 an orbit in the trap is followed until what Λ still loses is below that fraction of it; or not at
    all after a step with |a| = 1, which makes D = 0 for ever: then Λ → 0, but no faster than 1/t.
    """
    h = 0.25 if loss == LOGISTIC else 1.0
    rises, annihilated = CONVERGES, False
    for _ in range(steps):
        if f == 0:
            return rises, f, scaled
        g = _slope(loss, f)
        if not (scaled < HUGE and abs(g) < math.inf):  # NaN counts as blown up
            return DIVERGES, f, scaled
        if max(scaled * g / f, h * scaled) <= 2:
            if tail > 0 and annihilated:
                return rises, f, 0.0
            left = kappa * f * f * (4 - h * scaled)
            if tail == 0 or left <= tail * scaled * scaled * (2 - h * scaled):
                return rises, f, scaled
        annihilated |= kappa * g * g == 1
        after = f * (1 + kappa * g * g) - scaled * g
        scaled += kappa * g * (scaled * g - 4 * f)
        if abs(after) > abs(f) * (1 + 1e-12):
            rises = RISES
        f = after
    return UNDECIDED, f, scaled


@numba.njit(cache=True)
def outcomes(loss, f0, scaled0, kappa, steps, out):
    """Fill ``out`` with the outcome at each point; all arrays have one axis."""
    for i in range(out.size):
        out[i] = follow(loss, f0[i], scaled0[i], kappa[i], steps, 0.0)[0]


@numba.njit(cache=True)
def sizes(loss, w0, rates, steps, last, before):
    """Fill in |w| after ``steps`` steps and, signed so that their product has the sign of w w', one step earlier.

    An orbit ends early where it has left 10⁶ (1 + |w0|), shrunk by 10¹⁵ or repeats itself bit for bit.
    """
    for i in range(w0.size):
        w = one_ago = w0[i]
        for t in range(steps):
            two_ago, one_ago, w = one_ago, w, w - rates[i] * _slope(loss, w)
            if not 1e-15 * w0[i] <= abs(w) <= 1e6 * (1 + w0[i]):
                break
            if w == two_ago and t > 0:
                if (steps - 1 - t) % 2:
                    one_ago, w = w, one_ago
                break
        last[i], before[i] = abs(w), one_ago if w >= 0 else -one_ago
