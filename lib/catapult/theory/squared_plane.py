r"""Two-layer linear networks with squared loss: gradient descent on every one of them is one map of a plane.

With :math:`a = \eta f/\sqrt m` and :math:`\Lambda = \eta\lambda` the recursion of :mod:`catapult.theory.two_layer` has
neither a width nor a learning rate left in it (ours):

.. math:: a^+ = a(1 + a^2 - \Lambda), \qquad 4 - \Lambda^+ = (4 - \Lambda)(1 + a^2), \qquad |a| \le \Lambda/2 .

A network is a point of the plane and its learning rates are a ray; wide networks start near the axis a = 0. Every
(0, Λ) is fixed. For 2 < Λ < 4 it repels along a by the factor :math:`r = \Lambda - 1` a step, and the orbits that leave
it form a curve, :math:`W(u) = \lim_n F^n((-r)^{-n}u, \Lambda)`, F the map. With P(u) the limit of Λ from W(u),
:math:`P(ru) = P(u)`, and :math:`\Lambda_\infty - P(\eta f_0/\sqrt m) \to 0` as m → ∞ (the chapter has the proof, and
the phases that it leaves out): no limit, but a *profile*, periodic in log m with period 2 log r.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from catapult.parameters import InputError, whole

NEAR_AXIS = 1e-6  # where profiles start: their relative error is of the order of its square
SAMPLES = 16  # of a wave, for its amplitude: they confuse a harmonic with its 15th and 17th multiples, and beyond
GUARD = 20  # digits beyond those that the size of a harmonic takes
SETTLED = 1e-8  # of a²/(Λ(2 − Λ)): what the tail of the product leaves out is of the order of its square

LATE_RISE = float(np.real(next(root for root in np.roots([4, -36, 116, -163, 156, -212]) if abs(root.imag) < 1e-9)))
"""3.4001…: up to this ηλ0 the loss never rises after a step in which it did not; beyond it, it can (ours)."""


def step(a, scaled):
    """Return (a, Λ) after a step of gradient descent; numbers, or arrays that broadcast.

    Examples
    --------
    >>> step(1.0, 3.0)
    (-1.0, 2.0)
    """
    square = a * a
    return a * (1 + square - scaled), scaled - square * (4 - scaled)


@dataclass(frozen=True)
class Fate:
    """What became of orbits; arrays of the shape of their starts.

    Attributes
    ----------
    final
        The limit of Λ; NaN where the orbit diverged or had not settled after the steps that were allowed.
    rises
        How many times |a|, and so the loss, began to rise: the number of its peaks, if the orbit converged.
    peak
        The step after which |a| first did not rise: the time of the first peak.
    diverged
        Whether Λ passed 10³⁰.
    """

    final: np.ndarray
    rises: np.ndarray
    peak: np.ndarray
    diverged: np.ndarray


def fate(a, scaled, steps: int = 20_000) -> Fate:
    """Follow orbits from (a, Λ), which broadcast, until each has converged or diverged, at most ``steps`` steps.

    An orbit has converged when Λ < 2 and a² is so small that :math:`\\Lambda_\\infty = \\sqrt{\\Lambda^2 - 4a^2}\\,
    (1 - a^2/(\\Lambda(2 - \\Lambda)))` to 16 digits; where Λ itself tends to 0, slowly, the last of these stands.

    Raises
    ------
    InputError
        For a start that no network has: Λ ≤ 0 or |a| > Λ/2.

    Examples
    --------
    >>> end = fate([1.0, 2.5], [3.0, 5.0])  # the first goes to (−1, 2) and to (0, 0)
    >>> end.final.tolist(), end.diverged.tolist()
    ([0.0, nan], [False, True])
    """
    a, scaled = (np.array(values, dtype=float) for values in np.broadcast_arrays(a, scaled))
    shape = a.shape
    wrong = ~((scaled > 0) & (np.abs(a) <= scaled / 2 * (1 + 1e-12)))
    if wrong.any():
        raise InputError(f"a = {a[wrong].flat[0]:g}, scaled = {scaled[wrong].flat[0]:g}; allowed: scaled > 0, "
                         "|a| ≤ scaled / 2")
    with np.errstate(over="ignore", invalid="ignore"):
        return Fate(*(values.reshape(shape) for values in _follow(a.ravel(), scaled.ravel(), steps)))


def _follow(a, scaled, steps) -> tuple[np.ndarray, ...]:
    """Return the fields of :class:`Fate` for starts with one axis; orbits that have ended are dropped on the way."""
    final, ends = np.full(a.size, np.nan), np.zeros(a.size, dtype=bool)
    rises, peak = np.zeros(a.size, dtype=int), np.full(a.size, -1)
    alive, rising = np.arange(a.size), np.zeros(a.size, dtype=bool)
    for t in range(steps):
        after, scaled_after = step(a, scaled)
        up = np.abs(after) > np.abs(a) * (1 + 1e-12)
        rises[alive[up & ~rising]] += 1
        first = alive[~up]
        peak[first] = np.where(peak[first] < 0, t, peak[first])
        a, scaled, rising = after, scaled_after, up
        if t % 16 == 15 or t == steps - 1:
            settled = (scaled < 2) & (a * a <= SETTLED * scaled * (2 - scaled)) | (a == 0)
            blown = ~(scaled < 1e30)
            ends[alive[blown]] = True
            done = settled | ((t == steps - 1) & (scaled < 2))
            final[alive[done]] = _limit(a[done], scaled[done])
            kept = ~(settled | blown)
            alive, a, scaled, rising = alive[kept], a[kept], scaled[kept], rising[kept]
            if not alive.size:
                break
    return final, rises, peak, ends


def _limit(a, scaled):
    """Return Λ_∞ from √D and the first term of the rest of its product, 0 where Λ is."""
    rest = np.divide(a * a, scaled * (2 - scaled), out=np.zeros_like(a), where=a != 0)
    return np.sqrt(np.maximum(scaled**2 - 4 * a * a, 0)) * (1 - rest)


def time_to_peak(a, scaled):
    """Return log(1/|a|)/log(Λ − 1), the time of the first peak up to a bounded number of steps; 2 < Λ < 4.

    Examples
    --------
    >>> round(float(time_to_peak(2.0**-10, 3.0)), 9)  # |a| doubles with each step
    10.0
    """
    return -np.log(np.abs(a)) / np.log(scaled - 1)


def _ratio(scaled: float, low: float, high: float) -> float:
    """Return r = Λ0 − 1; InputError for a Λ0 that is not in these bounds."""
    if not low <= scaled <= high:
        raise InputError(f"scaled = {scaled:g}; allowed: from {low:g} to {high:g}")
    return scaled - 1


def profile(scaled: float, phases) -> np.ndarray:
    """Return P(u), u = r^phase: the limit of Λ of wide networks with 2 < Λ0 < 4, where it is in its period.

    Parameters
    ----------
    scaled
        Λ0 = ηλ0, from 2.001 (closer to 2 no orbit settles in the steps of :func:`fate`) to 3.999.
    phases
        log(η|f0|/√m) / log(Λ0 − 1), finite, any shape; whole numbers added to it change nothing.

    Returns
    -------
    G, of the shape of the phases, within [0, 2].

    Raises
    ------
    InputError
        For a Λ0 outside these bounds, and phases that are not finite.

    Examples
    --------
    >>> profile(3.0, [0.25, 0.75, 1.25]).round(4).tolist()
    [0.2403, 0.1921, 0.2403]
    """
    ratio = _ratio(scaled, 2.001, 3.999)
    if not np.isfinite(phases).all():
        raise InputError("phases hold NaN or infinity; allowed: finite numbers")
    first = math.floor(math.log(NEAR_AXIS) / math.log(ratio))
    return fate(ratio ** (first + np.mod(phases, 1.0)), scaled).final


def highest(scaled: float, phases: int = 256) -> float:
    """Return the largest |a| on the orbits that leave (0, Λ0): where it is at least 1, G has a zero.

    Parameters
    ----------
    scaled
        Λ0 = ηλ0, from 2.001 to 3.999.
    phases
        How many orbits are followed, equally spaced in phase; a whole number ≥ 1.

    Raises
    ------
    InputError
        For what is not of these.

    Examples
    --------
    >>> [highest(scaled) >= 1 for scaled in (2.5, 3.5)]
    [False, True]
    """
    ratio, phases = _ratio(scaled, 2.001, 3.999), whole("phases", phases, 1)
    a, level = NEAR_AXIS * ratio ** (np.arange(phases) / phases), np.full(phases, scaled)
    largest = a
    for _ in range(math.ceil(time_to_peak(NEAR_AXIS, scaled)) + 60):
        a, level = step(a, level)
        largest = np.maximum(largest, np.abs(a))
    return float(largest.max())


def amplitude(scaled: float, harmonic: int = 1, digits: int | None = None) -> float:
    r"""Return the natural logarithm of the amplitude of a harmonic of G as a function of the phase.

    In arithmetic with many digits: just above Λ0 = 2 the oscillation is far below what float64 resolves. The k-th
    harmonic is not smaller than :math:`e^{-k\pi^2/\log r}`, :math:`r = \Lambda_0 - 1` (found, not proved: see
    :func:`amplitude_factor`), and half of the digits are right: orbits start with |a| = 10^(−digits/4), and the error
    is of the order of a².

    Parameters
    ----------
    scaled
        Λ0 = ηλ0, from 2.01 (towards which the time grows like (Λ0 − 2)⁻³, to some twenty seconds) to 3. From 3.09 on G
        has zeros, and corners at them, which need more phases than are taken here; float64 sees it: :func:`profile`.
    harmonic
        k, a whole number ≥ 1.
    digits
        None: as many as are needed, :math:`2\,(k\,\pi^2/(\log r \log 10) + 20)`. More may be given, to compare.

    Raises
    ------
    InputError
        For what is not of these.

    Examples
    --------
    >>> round(amplitude(3.0), 4)
    -3.4737
    """
    import flint

    needed = whole("harmonic", harmonic, 1) * math.pi**2 / math.log(10) / math.log(_ratio(scaled, 2.01, 3.0))
    least, samples = math.ceil(2 * (needed + GUARD)), SAMPLES * harmonic
    if digits is None:
        digits = least
    elif whole("digits", digits, 1) < least:
        raise InputError(f"digits = {digits}; allowed at scaled = {scaled:g}, harmonic {harmonic}: at least {least}")
    with flint.ctx.workprec(int(3.33 * digits)):
        ratio, near_axis = flint.arb(scaled) - 1, flint.arb(10) ** -(digits // 4)
        limits = [_precise_limit(near_axis * ratio ** (flint.arb(k) / samples), flint.arb(scaled), near_axis)
                  for k in range(samples)]
        angles = [2 * flint.arb.pi() * harmonic * k / samples for k in range(samples)]
        parts = [sum(value * wave(angle) for value, angle in zip(limits, angles, strict=True)) * 2 / samples
                 for wave in (flint.arb.cos, flint.arb.sin)]
        return float(sum(part * part for part in parts).log() / 2)


def amplitude_factor(scaled, log_amplitude):
    r"""Return log C of the law amplitude = :math:`C/\log r\; e^{-\pi^2/\log r}`, :math:`r = \Lambda_0 - 1`.

    An observation (ours): :math:`\log_{10} C` lies between 4.2 and 4.7 up to Λ0 = 3, and tends to 4.23 at 2.

    Examples
    --------
    >>> bool(4.2 < amplitude_factor(3.0, amplitude(3.0)) / np.log(10) < 4.7)
    True
    """
    rate = np.log(scaled - 1)
    return log_amplitude + np.log(rate) + np.pi**2 / rate


def _precise_limit(a, scaled, near_axis):
    """Return Λ_∞ by iteration alone, but for the first term of the tail, with an error of the order of near_axis⁴."""
    while not (abs(a) < near_axis and scaled < 2):
        square = a * a
        a, scaled = (a * (1 + square - scaled)).mid(), (scaled - square * (4 - scaled)).mid()
    return scaled - a * a * (4 - scaled) / (scaled * (2 - scaled))
