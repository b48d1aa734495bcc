"""Compiled loops of the scalar maps. Imported by the functions that need them: numba takes half a second to load.

What is compiled is kept in the companion's cache, not beside the source. So the slopes of the losses are repeated here:
numba does not see when a function in another file changes. A loss without a code is refused by :func:`code`.
"""

from __future__ import annotations

import math

import numba

from catapult import losses, paths

if not numba.config.CACHE_DIR:
    numba.config.CACHE_DIR = str(paths.cache() / "numba")

EXPONENTIAL, LOGISTIC, SQUARED = range(3)
CODES = {losses.exponential: EXPONENTIAL, losses.logistic: LOGISTIC, losses.squared: SQUARED}
CONVERGES, RISES, DIVERGES, UNDECIDED, LOST = range(5)
HUGE, EPSILON = 1e30, 2.0**-53


def code(loss: str | losses.Loss) -> int:
    """Return what stands for a loss below; InputError for a loss that nothing is compiled for."""
    return losses.entry(CODES, loss, "a compiled slope, and a proof of when its orbits have settled")


@numba.njit(cache=True)
def _slope(loss, f):
    if loss == EXPONENTIAL:
        return math.sinh(f)
    if loss == LOGISTIC:
        return 0.5 * math.tanh(0.5 * f)
    return f if loss == SQUARED else math.nan


@numba.njit(cache=True)
def _slope_derivative(loss, f):
    if loss == EXPONENTIAL:
        return math.cosh(f)
    if loss == LOGISTIC:
        return 0.25 - 0.25 * math.tanh(0.5 * f) ** 2
    return 1.0 if loss == SQUARED else math.nan


@numba.njit(cache=True)
def follow(loss, f, scaled, kappa, steps, tail):
    r"""Iterate (f, Λ) until the outcome is known: return it, f, Λ, and the relative error of Λ by rounding.

    See :mod:`catapult.theory.two_layer`. With ``tail`` > 0 an orbit in the trap is followed until what Λ still loses is
    below that fraction of it; or not at all after a step with |a| = 1, which makes D = 0 for ever: then Λ → 0, but no
    faster than 1/t.

    Λ is a compensated sum: on a long slide each step takes less than a unit in its last place. Only with ``tail`` the
    error is estimated, to first order: the roundings of the terms of f⁺ and of the change of Λ are taken to be
    independent, each with a standard deviation of EPSILON times the term, so that the covariance of (f, Λ) follows
    :math:`P^+ = JPJ^\top + Q`, J the derivative of the step; the rounding of Λ0 is P at the start, that of κ a tangent
    k with :math:`k^+ = Jk + \kappa\,\partial_\kappa`. An orbit whose error reaches its size is LOST; the
    error is infinite where |a| = 1, or f = 0 with Λ above the edge of stability, may hold for the rounded orbit alone.
    """
    h = _slope_derivative(loss, 0.0)
    rises, annihilated, error = CONVERGES, False, EPSILON
    carry = 0.0
    p_ff, p_fs, p_ss, k_f, k_s = 0.0, 0.0, (EPSILON * scaled) ** 2, 0.0, 0.0
    for _ in range(steps):
        if f == 0:
            by_chance = h * scaled > 2 and p_ff + k_f * k_f > 0
            return rises, f, scaled, math.inf if by_chance else error
        g = _slope(loss, f)
        if not (scaled < HUGE and abs(g) < math.inf):  # NaN counts as blown up
            return DIVERGES, f, scaled, error
        if max(scaled * g / f, h * scaled) <= 2:
            if tail > 0 and annihilated:
                return rises, f, 0.0, math.inf
            left = kappa * f * f * (4 - h * scaled)
            if tail == 0 or left <= tail * scaled * scaled * (2 - h * scaled):
                return rises, f, scaled, error + tail
        annihilated |= kappa * g * g == 1
        after = f * (1 + kappa * g * g) - scaled * g
        if tail > 0:
            growth, slope = 1 + kappa * g * g, _slope_derivative(loss, f)
            j_ff, j_fs = growth + (2 * kappa * f * g - scaled) * slope, -g
            j_sf, j_ss = kappa * (2 * (scaled * g - 2 * f) * slope - 4 * g), growth
            to_f, to_s = j_ff * p_ff + j_fs * p_fs, j_ff * p_fs + j_fs * p_ss  # the first row of J P
            p_ss = (j_sf * j_sf * p_ff + 2 * j_sf * j_ss * p_fs + j_ss * j_ss * p_ss
                    + (EPSILON * kappa * g) ** 2 * ((scaled * g) ** 2 + 16 * f * f))
            p_fs = to_f * j_sf + to_s * j_ss
            p_ff = to_f * j_ff + to_s * j_fs + EPSILON**2 * ((f * growth) ** 2 + (scaled * g) ** 2)
            k_f, k_s = (j_ff * k_f + j_fs * k_s + EPSILON * kappa * f * g * g,
                        j_sf * k_f + j_ss * k_s + EPSILON * kappa * g * (scaled * g - 4 * f))
        change = carry + kappa * g * (scaled * g - 4 * f)
        before, scaled = scaled, scaled + change
        carry = change - (scaled - before)
        if tail > 0:
            error = EPSILON + math.sqrt(p_ss + k_s * k_s) / scaled if scaled > 0 else math.inf
            if not error < 1:
                return LOST, f, scaled, error
        if abs(after) > abs(f) * (1 + 1e-12):
            rises = RISES
        f = after
    return UNDECIDED, f, scaled, error


@numba.njit(cache=True)
def outcomes(loss, f0, scaled0, kappa, steps, out):
    """Fill ``out`` with the outcome at each point; all arrays have one axis."""
    for i in range(out.size):
        out[i] = follow(loss, f0[i], scaled0[i], kappa[i], steps, 0.0)[0]


# The linear predictor's map on the pair. The codes are positions in linear_predictor.PHASES, but for the last.
SETTLED, BELOW, ABOVE, BLOWN_UP, OPEN = range(5)
MARGIN = 1e-3  # relative, of sizes that decide a label: far above rounding, and still hardly any point is left open
LIMIT = 1e6  # linear_predictor.observed_phase: a size beyond LIMIT (1 + |w0|) has diverged
MONOTONE = 10.9  # logistic loss: below η = 10.9359… the two-cycle is left of the top of U


@numba.njit(cache=True)
def _power(base, exponent):
    """Return base ** exponent, or 10³⁰⁴ where that is less: as Python would, but without its exception."""
    return math.exp(min(exponent * math.log(base), 700.0))


@numba.njit(cache=True)
def hyperbolic_label(w0, rate, steps, squared):
    r"""Return the label of an orbit of the exponential or the squared loss, or OPEN where rounding may decide it.

    With :math:`v = |w|`, :math:`p(v) = \eta g(v)/v` a step is :math:`v^+ = |p - 1|\,v`, and w changes its sign iff
    p > 1. p rises with v (squared loss: is constant) from p(0) = η. So where p ≤ 1, v falls and the sign stays for
    ever; where p < 2, v falls for ever, each factor at most p − 1 until p ≤ 1 and, if η > 1, at least η − 1; where
    p > 2, v rises for ever, each factor at least p − 1. These bound the size at the last step.
    """
    if steps < 1 or not rate >= 1e-9 or not 1e-100 < w0 < 1e100:
        return OPEN
    low, high, v = w0 / 50 * (1 - MARGIN), w0 / 50 * (1 + MARGIN), w0
    for left in range(steps, 0, -1):
        p = rate if squared else (rate * math.sinh(v) / v if v < 700 else math.inf)
        if p <= 1:
            return SETTLED
        if left == steps and abs(p - 2) < 1e-6 + 1e-9 * steps:
            return OPEN
        bound = v * _power(p - 1, left)
        if p < 2:
            if bound < low:
                return SETTLED
            if rate > 1 and v * _power(rate - 1, left) > high:
                return BELOW
        elif bound > 2 * LIMIT * (1 + w0):
            return BLOWN_UP
        v *= p - 1
    if p < 2:
        return BELOW if v > high else OPEN
    return ABOVE if v < LIMIT / 2 * (1 + w0) else OPEN


@numba.njit(cache=True)
def logistic_label(w0, rate, steps):
    r"""Return the label of an orbit of the logistic loss, or OPEN where rounding may decide it.

    As above, but :math:`p(v) = \eta\tanh(v/2)/(2v)` falls with v, from η/4. U, w*, ζ, a and *Fact 3* are those of
    critical-learning-rates, u = start/50. p = 2 at w*, p = 1 at ζ: beyond ζ w keeps its sign and v falls; once v < ζ,
    it stays so and the sign changes at every step. All of this is ours.

    *η ≤ 4.* p ≤ 1 always: v falls and the sign stays.

    *4 < η ≤ 8.* v falls for ever. So v < u is final; else, once v < ζ, the size at the last step decides. Let
    r = η/4 − 1 and :math:`h(v) = U(v)^{-2} - (rv)^{-2}`. As v falls, h falls to :math:`h(0) = \eta/(24 r^3)`. So
    :math:`s = v^{-2}` follows :math:`s^+ = s/r^2 + h` with h between h(0) and its present value, which bounds the last
    s. (h rises with v because :math:`v^2\,U(v)^{-2} = (p-1)^{-2}` is a convex function of v²: with
    :math:`k = \tanh(x)/x` at x = v/2, p = ηk/4 > 1, and primes for derivatives in x², that asks for
    :math:`3k'^2 \ge (1 - 1/p)\,k k''`. Now :math:`k = \sum_n 2/(x^2 + (n - \frac12)^2\pi^2)` is convex in x², and so is
    :math:`k^{-2} = x^2 + (x/\sinh x)^2`, for :math:`(x/\sinh x)^2 = \prod_n (1 + x^2/(n\pi)^2)^{-2}` is completely
    monotone: :math:`3k'^2 \ge k k'' \ge 0`.)

    *η > 8, start < w*.* All later sizes are above the start, and the sign changes at every step (the theorem, part 5).

    *η > 8, start > w*.* No later size reaches the start. For beyond ζ sizes fall, and once below ζ the next are at most
    M = max U = U(a) < ζ. If w* ≤ a, U maps (0, a] into itself and v falls from a start there; a start beyond a is in
    (0, a] one step later. If w* > a and start ≤ M, then U(M) = U²(a) > a by Fact 3, so on [U(M), M], which U maps
    into itself, U falls and U² rises: U²(start) < start bounds all later ones. From below: visits to the left of w*
    increase. So if u < w*, two sizes in succession below ζ and above u are followed by others above u. If u > w*, a
    size below u and right of w* is followed by smaller ones, as any start is; if w* ≤ a, one left of w* by others up
    to w*. In that case, from v < 1 < a, v falls to w* and the bounds of the last s hold as well.

    *Rounding.* Steps are nonexpansive, but for those left of a, which do not enlarge relative errors: sizes are known
    within 10⁻¹⁴ · steps of the largest. OPEN is returned where that does not suffice: near w* = start or w* = u, for
    sizes within MARGIN of u at the last step, after a near hit, and where U²(start) is within rounding of the start.
    """
    if steps < 1 or not 0 < rate <= LIMIT or not 1e-100 < w0 < 1e100:
        return OPEN
    p = rate * math.tanh(w0 / 2) / (2 * w0)
    if p < 1e-9:
        return OPEN
    if rate <= 4:
        return SETTLED
    low, high, shrinks = w0 / 50 * (1 - MARGIN), w0 / 50 * (1 + MARGIN), True
    if rate > 8:
        if p > 2 + 1e-6 + 1e-9 * steps:
            return ABOVE
        if p > 2 - 1e-6 - 1e-9 * steps:
            return OPEN
        shrinks = rate * math.tanh(low / 2) / (2 * low) < 2  # w* < u
        if shrinks != (rate * math.tanh(high / 2) / (2 * high) < 2):
            return OPEN
    v = w0
    for t in range(steps):
        if t:
            p = rate * math.tanh(v / 2) / (2 * max(v, 1e-300))  # v may be 0: a hit
        after = abs(p - 1) * v
        if rate > 8 and (after < 1e-11 * (1e5 + steps) * w0 or (t and after > (1 - 1e-13) * w0)):
            return OPEN
        if not shrinks:
            if t and p > 1 and v > high and after > high:
                return BELOW
        elif v < low and (p <= 2 or rate < MONOTONE):
            return SETTLED
        elif 1 < p < 2 and t & (t - 1) == 0 and (rate <= 8 or (v < 1 and rate < MONOTONE)):
            r, left = rate / 4 - 1, steps - t
            grows = -2 * math.log(r)
            total = min(left * grows, 700.0)
            powers = left if grows == 0 else math.expm1(total) / math.expm1(grows)
            last = math.exp(total) / v**2
            if last + rate / (24 * r**3) * powers > low**-2:
                return SETTLED
            if last + (after**-2 - (r * v) ** -2) * powers < high**-2:
                return BELOW
        v = after
    if p < 1 or v < low:
        return SETTLED
    return BELOW if v > high else OPEN


@numba.njit(cache=True)
def labels(loss, w0, rates, steps, out):
    """Fill ``out`` with the label of each orbit, or OPEN; all arrays have one axis."""
    for i in range(out.size):
        if loss == LOGISTIC:
            out[i] = logistic_label(w0[i], rates[i], steps)
        elif loss in (EXPONENTIAL, SQUARED):
            out[i] = hyperbolic_label(w0[i], rates[i], steps, loss == SQUARED)
        else:
            out[i] = OPEN
