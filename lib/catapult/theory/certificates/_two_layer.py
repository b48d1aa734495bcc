"""Ball orbits of the (f, Λ) recursion of two-layer networks, and the enclosure of the final kernel."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import flint
from flint import arb

from catapult import losses
from catapult.parameters import InputError, shown, whole
from catapult.theory.certificates._outcomes import (
    MAX_BITS,
    Diverges,
    Enclosure,
    Exact,
    Undecided,
    exact,
    round_down,
    round_up,
)

FIRST_BITS = 128
MAX_STEPS = 10**6
LOST = "precision lost"
SHARP = 2**-50  # the relative width that is aimed at: a few units in the last place
LARGEST = 10**20  # of what is given, where no exact orbit but only balls can be followed
EXACT_BITS = 10_000  # of rational orbits, whose numbers get three times as long at every step


@dataclass(frozen=True)
class Start:
    """Checked, exact parameters of an orbit: loss, f0, Λ0 = ηλ0, κ = η²/m and η."""

    loss: str
    f0: flint.fmpq
    scaled0: flint.fmpq
    kappa: flint.fmpq
    rate: flint.fmpq

    @property
    def h(self) -> flint.fmpq:
        """L''(0)."""
        return flint.fmpq(1, 4) if self.loss == "logistic" else flint.fmpq(1)


def checked(loss: str | losses.Loss, f0: Exact, ntk0: Exact, width: Exact, learning_rate: Exact) -> Start:
    """Return the exact parameters; raise InputError for what no network can have."""
    given = {"f0": f0, "ntk0": ntk0, "width": width, "learning_rate": learning_rate}
    f, ntk, m, rate = (exact(name, value) for name, value in given.items())
    if name_of(loss) != "squared":
        for name, value in zip(given, (f, ntk, m, rate), strict=True):
            if abs(value) > LARGEST:
                raise InputError(f"{name} = {shown(given[name])}; allowed: at most 1e20 in size, "
                                 "except with the squared loss")
    for name, wrong, allowed in (("ntk0", ntk <= 0, "> 0"), ("width", m < 1 or m.q != 1, "a whole number ≥ 1"),
                                 ("learning_rate", rate <= 0, "> 0")):
        if wrong:
            raise InputError(f"{name} = {shown(given[name])}; allowed: {allowed}")
    if ntk * ntk * m < 4 * f * f:
        raise InputError(f"no network of width {shown(width)} has f = {shown(f0)} with ntk = {shown(ntk0)}; allowed: "
                         "ntk0 ≥ 2 |f0| / √width for the exact values given")
    return Start(name_of(loss), f, rate * ntk, rate * rate / m, rate)


def name_of(loss: str | losses.Loss) -> str:
    """Return the name of a loss that :func:`slope`, :func:`trapped` and :func:`escape` know; else InputError."""
    return losses.entry(KNOWN, loss, "balls for its slope, and proofs of convergence and divergence")


KNOWN = {loss: loss.name for loss in (losses.exponential, losses.logistic, losses.squared)}


def slope(loss: str, f: arb) -> tuple[arb, arb]:
    """Return balls for g = L' and g' at f."""
    if loss == "exponential":
        return f.sinh_cosh()
    if loss == "squared":
        return f, arb(1)
    g = (f / 2).tanh() / 2
    return g, arb(0.25) - g * g


def step(loss: str, kappa: arb, f: arb, scaled: arb) -> tuple[arb, arb]:
    """One step with each operation on balls: what f and g, or f and Λ, have in common is forgotten."""
    g, _ = slope(loss, f)
    kg = kappa * g
    return f + f * kg * g - scaled * g, scaled + kg * (scaled * g - 4 * f)


def mean_value_step(loss: str, kappa: arb, f: arb, scaled: arb) -> tuple[arb, arb]:
    """One step as F(centre) + F'(box)(box − centre), which contains F(box) by the mean value theorem."""
    f_mid, scaled_mid = f.mid(), scaled.mid()
    f_new, scaled_new = step(loss, kappa, f_mid, scaled_mid)
    df, dscaled = f - f_mid, scaled - scaled_mid
    g, curvature = slope(loss, f)
    kg = kappa * g
    kgg = kg * g
    f_new += (1 + kgg + (2 * f * kg - scaled) * curvature) * df - g * dscaled
    scaled_new += ((2 * scaled * kg - 4 * kappa * f) * curvature - 4 * kg) * df + (1 + kgg) * dscaled
    return f_new, scaled_new


def orbit(start: Start, advance=mean_value_step) -> Iterator[tuple[arb, arb]]:
    """Yield balls that contain (f_t, Λ_t), t = 0, 1, …, at the precision of the context."""
    kappa, f, scaled = arb(start.kappa), arb(start.f0), arb(start.scaled0)
    while True:
        yield f, scaled
        f, scaled = advance(start.loss, kappa, f, scaled)


def final_ntk(loss: str | losses.Loss, f0: Exact, ntk0: Exact, width: Exact, learning_rate: Exact, *,
              max_steps: int = MAX_STEPS, bits: int | None = None) -> Enclosure | Diverges | Undecided:
    r"""Enclose :math:`\lambda_\infty = \lim\lambda_t` of a two-layer linear network on the balanced pair, or refute it.

    The orbit of :mod:`catapult.theory.two_layer` is followed in ball arithmetic until one of these holds. What no ball
    can decide, an exact hit f_t = 0 or D_t = 0, is decided in rational arithmetic, where it can be: :func:`exact_end`.

    *Converges.* Let :math:`c = \sup g(u)/u` over :math:`0 < |u| \le |f|`. If :math:`c\Lambda \le 2`, the orbit is in
    the trap: f → 0, Λ falls, and :math:`s = \Lambda g/f` stays at most 2, so that a step costs
    :math:`\Lambda - \Lambda^+ = a^2 (4 - s) f/g \ge 2a^2/c`. Later steps multiply :math:`S = \sqrt D =
    \sqrt{\Lambda^2 - 4\kappa f^2}` by :math:`1 - a^2`, and S and Λ have the same limit. Hence
    :math:`\Lambda_\infty \ge S(1 - \sum a^2) \ge S(1 - \frac c2(\Lambda - \Lambda_\infty))`, that is (ours)

    .. math:: S\,\frac{2 - c\Lambda}{2 - cS} \le \Lambda_\infty \le S .

    *Diverges*, exponential and squared loss: :math:`\Lambda \le \frac12 \kappa f g`. Then
    :math:`|f^+/f| = 1 + a^2 - s \ge 1 + a^2/2`, and :math:`\Lambda/(\kappa f g)` does not rise since
    :math:`\Lambda^+ \le (1 + a^2)\Lambda`, :math:`f^+g^+ \ge (1 + a^2/2)^2 fg`: |f| grows for ever, nothing hits 0,
    and :math:`\Lambda \ge 2\sqrt\kappa|f| \to \infty`. Logistic loss: see :func:`logistic_escape`.

    Parameters
    ----------
    loss
        ``"exponential"``, ``"logistic"`` or ``"squared"``.
    f0, ntk0, width, learning_rate
        As in :func:`catapult.theory.two_layer.final_ntk`, taken exactly: an integer, a ``Fraction``, a string such as
        ``"0.1"``; a float is its binary value.
    max_steps
        Steps after which the answer is "undecided", at least 0.
    bits
        The working precision, from 32 to 2¹⁴. By default it starts at 128 and doubles while the enclosure is wider than
        some 10⁻¹⁵, relatively, for want of precision; up to 2¹⁴.

    Returns
    -------
    Enclosure
        of λ_∞: an interval of floats; convergence is proved. It is wide where ``max_steps`` or ``bits`` are few.
    Diverges
        Λ → ∞ is proved, for this orbit.
    Undecided
        with the reason: precision lost, too few steps, a limit beyond the range of floats, or one of Λ without
        convergence of f.

    Raises
    ------
    InputError
        For values out of range, with the exponential and the logistic loss also above 10²⁰ in size; or a start that no
        network has, in exact arithmetic.

    Examples
    --------
    >>> end = final_ntk("squared", 1, 3, 1, 1)  # hits f = 0 after two steps
    >>> end.lower, end.upper
    (0.0, 0.0)
    >>> final_ntk("squared", 1, 5, 1, 1).reason
    'D = 0 and |a| > 2'
    """
    start = checked(loss, f0, ntk0, width, learning_rate)
    whole("max_steps", max_steps, 0)
    if bits is not None:
        whole("bits", bits, 32, MAX_BITS)
    if (outcome := exact_end(start, max_steps)) is not None:
        return outcome
    widest: Enclosure | None = None
    for precision in [bits] if bits else _doubling(FIRST_BITS, MAX_BITS):
        with flint.ctx.workprec(precision):
            outcome = _follow(start, max_steps, precision)
        if isinstance(outcome, Enclosure):
            widest = outcome
            if outcome.relative_width <= SHARP or outcome.steps == max_steps:
                break
        elif isinstance(outcome, Diverges) or not outcome.reason.startswith(LOST):
            return outcome
    return widest or outcome


def exact_end(start: Start, max_steps: int) -> Enclosure | Diverges | Undecided | None:
    r"""Return what rational arithmetic decides of an orbit, or None.

    Squared loss: with :math:`x = \kappa f^2 = a^2` a step is :math:`f^+ = f(1 + x - \Lambda)`,
    :math:`\Lambda^+ = \Lambda + x(\Lambda - 4)`, rational for rational data; it is followed while its numbers are
    short. Other losses: at t = 0 alone (no first step of rational data with f0 ≠ 0 hits 0 or has |a| = 1, or g(f0)
    would be algebraic, against Lindemann).

    *Hit*, f_t = 0: Λ stays. *D_t = 0*, as at all times after a step with |a| = 1: one of p, q is 0, so that
    :math:`\Lambda = 2\sqrt\kappa|f|` and :math:`|f^+| = (1 - |a|)^2|f|`. As |a| rises with |f|, f → 0 and
    :math:`\Lambda_\infty = 0` if |a| < 2, and |f| grows for ever if |a| > 2. *Squared loss, Λ = 4*, which is never
    entered and never left: :math:`a^+ = a^3 - 3a`; with a = 2 cos θ a hit has 3ᵗθ = π/2 (mod π), where
    x = 2 + 2 cos 2θ is rational for x = 0 or 3 alone (Niven); without one, f does not tend to 0, as |f⁺/f| → 3 where f
    is small.
    """
    kappa, f, scaled = start.kappa, start.f0, start.scaled0
    for t in range(max_steps + 1):
        if f == 0:
            with flint.ctx.workprec(FIRST_BITS):
                return _enclosure(arb(scaled / start.rate), arb(scaled / start.rate), t, FIRST_BITS)
        x = kappa * f * f
        if scaled * scaled == 4 * x:
            size = _size_of_a(start.loss, f, scaled)
            if size < 2:
                return Enclosure(0.0, 0.0, t, FIRST_BITS)
            if size > 2:
                return Diverges("D = 0 and |a| > 2", t, FIRST_BITS)
        if start.loss != "squared" or f.height_bits() + scaled.height_bits() > EXACT_BITS:
            return None
        if scaled == 4 and x != 3:
            return Undecided("ηλ0 = 4 exactly: Λ stays 4 for ever, and f does not tend to 0")
        f, scaled = f * (1 + x - scaled), scaled + x * (scaled - 4)
    return None


def _size_of_a(loss: str, f: flint.fmpq, scaled: flint.fmpq) -> arb:
    """Return |a| = Λ g/(2f), where D = 0."""
    with flint.ctx.workprec(FIRST_BITS):
        return arb(scaled / (2 * f)) * slope(loss, arb(f))[0]


def _enclosure(low: arb, high: arb, steps: int, bits: int) -> Enclosure | Undecided:
    """Return the enclosure of a limit between two balls, if floats can hold it."""
    ends = round_down(low), round_up(high)
    if not all(map(math.isfinite, ends)):
        return Undecided("the limit is not enclosed by finite floats")
    return Enclosure(*ends, steps, bits)


def _doubling(first: int, last: int) -> Iterator[int]:
    while first <= last:
        yield first
        first *= 2


def _follow(start: Start, max_steps: int, bits: int) -> Enclosure | Diverges | Undecided:
    kappa, h = float(arb(start.kappa)), float(arb(start.h))
    for t, (f, scaled) in enumerate(orbit(start)):
        size, level = abs(float(f)), float(scaled)
        if not (f.is_finite() and scaled.is_finite()) or _is_lost(f, scaled, size):
            return Undecided(f"{LOST}: of {bits} bits too few were left after {t} steps")
        # These comparisons of floats only choose when to try a proof.
        settled = h * level < 2 and 4 * kappa * size * size <= 2**-56 * level * level * (2 - h * level)
        if (settled or t == max_steps or f.is_zero()) and (limits := trapped(start.loss, arb(start.kappa), f, scaled)):
            return _enclosure(*(limit / arb(start.rate) for limit in limits), t, bits)
        if size > 1 and (reason := escape(start.loss, arb(start.kappa), f, scaled)):
            return Diverges(reason, t, bits)
        if t == max_steps:
            return Undecided(f"too few steps: after {t} steps f = {float(f):.4g}, ηλ = {level:.6g}")
    raise AssertionError  # an orbit has no end


def _is_lost(f: arb, scaled: arb, size: float) -> bool:
    return float(scaled.rad()) > 1e-3 * abs(float(scaled)) or float(f.rad()) > 1e-3 * (1 + size)


def trapped(loss: str, kappa: arb, f: arb, scaled: arb) -> tuple[arb, arb] | None:
    """Return bounds on Λ_∞ from states that are in the trap or have f = 0; None if neither is proved. See final_ntk.

    The balls are finite, and their states feasible. ``most`` is c at the largest |f|, and bounds the c of all states;
    the lower bound falls with c and rises with S, so that the lower end of S may stand for it. It is at least 0 but for
    rounding, and as S ≤ Λ, no denominator is below 2 − cΛ, which is proved to be positive.
    """
    size = abs(f).upper()
    if size == 0:  # f = 0 exactly
        return scaled, scaled
    most = size.sinh() / size if loss == "exponential" else arb(0.25 if loss == "logistic" else 1)
    if not scaled * most < 2:
        return None
    # No powers: in python-flint 0.9.0 any power of a ball with midpoint 0 is NaN.
    invariant = (scaled * scaled - 4 * kappa * f * f).nonnegative_part().sqrt()
    low, high = invariant.lower(), invariant.upper()
    return low * (2 - most * scaled) / (2 - most * low), high


def escape(loss: str, kappa: arb, f: arb, scaled: arb) -> str | None:
    """Return the region from which the orbit is proved to diverge, or None.

    Λ > 0 for every network, so that Λ ≤ κ f g/2 excludes f = 0; balls that do not hold in full, or NaN, compare false.
    """
    if loss == "logistic":
        return "two-cycle at infinity" if kappa > 8 and logistic_escape(kappa, f, scaled) else None
    g, _ = slope(loss, f)
    return "Λ ≤ κ f g / 2" if scaled <= kappa * f * g / 2 else None


def logistic_escape(kappa: arb, f: arb, scaled: arb) -> bool:
    r"""Whether it is proved that Λ → ∞ from here: logistic loss, :math:`\kappa > 8` (ours).

    With :math:`A = \frac12\sqrt\kappa > \sqrt2`, the limit of |a| as |f| → ∞, and
    :math:`c(a) = 2\log\frac{a+1}{a-1}`, a step changes :math:`r = |\log(p/q)|` to :math:`|r - c(|a|)|`, so that r
    nearly alternates between :math:`r_T` and :math:`c(A) - r_T`, while :math:`|f| = \sqrt D\sinh(r/2)/(2\sqrt\kappa)`
    grows with :math:`\sqrt{D^+} = (a^2 - 1)\sqrt D`. Let :math:`\delta = \frac12\min(r_T, c(A) - r_T) > 0`,
    :math:`\varphi = \sqrt{D_T}\sinh(\delta/2)/(2\sqrt\kappa)` and :math:`\alpha = A\tanh(\varphi/2)`. As long as
    :math:`\delta \le r \le c(A) - \delta`, by induction, :math:`|f_{T+k}| \ge \varphi(\alpha^2 - 1)^k` and |a| ≥ α,
    and as :math:`|c'| = 4/(a^2 - 1)` and :math:`1 - \tanh(x/2) \le 2e^{-x}`, the step moves r by at most
    :math:`8A e^{-|f|}/(\alpha^2 - 1)` off the alternation. By Bernoulli's inequality all these add up to at most

    .. math:: \frac{8A}{\alpha^2 - 1}\,\frac{e^{-\varphi}}{1 - e^{-\varphi(\alpha^2 - 2)}} ,

    and if :math:`\alpha^2 > 2` and this is below δ, the induction closes: D → ∞, and Λ ≥ √D.

    On balls: the bound falls in φ and α², both at least 0, so that lower bounds may stand for them; a lower bound of
    φ that is not positive says nothing, and its square must not be taken for one of α².
    """
    root = kappa.sqrt()
    top = root / 2
    # From here on p, q, A − 1 and r are positive at every point, or a ball is NaN and its comparison fails.
    p, q = scaled + 2 * root * f, scaled - 2 * root * f
    if not (p > 0 and q > 0 and top > 1):
        return False
    ratio, period = abs((p / q).log()), 2 * ((top + 1) / (top - 1)).log()
    room = ratio.min(period - ratio) / 2
    if not room > 0:
        return False
    least_f = ((p * q).sqrt() * (room / 2).sinh() / (2 * root)).lower()  # of a wide ball it may be negative
    if not least_f > 0:
        return False
    alpha = top * (least_f / 2).tanh()  # positive
    square = (alpha * alpha).lower()
    if not square > 2:
        return False
    drift = 8 * top / (square - 1) * (-least_f).exp() / (1 - (-least_f * (square - 2)).exp())
    return drift < room


@dataclass(frozen=True)
class Sharper:
    """λ_∞ at the larger of two learning rates is proved to be larger: "larger is flatter" fails for this network.

    Attributes
    ----------
    smaller, larger
        The enclosures of λ_∞ at the two learning rates; ``smaller.upper < larger.lower``.
    gap
        A lower bound on λ_∞(η2)/λ_∞(η1) − 1; inf where λ_∞(η1) = 0.
    """

    smaller: Enclosure
    larger: Enclosure
    gap: float


def sharper_at_larger_rate(loss: str | losses.Loss, f0: Exact, ntk0: Exact, width: Exact, smaller: Exact, larger: Exact,
                           **options) -> Sharper | Undecided:
    """Certify that the same network ends sharper at the larger of two learning rates: λ_∞(η1) < λ_∞(η2), η1 < η2.

    Both orbits are proved to converge. ``options`` are those of :func:`final_ntk`.

    Raises
    ------
    InputError
        As :func:`final_ntk`, and unless smaller < larger.

    Examples
    --------
    >>> found = sharper_at_larger_rate("squared", 2, 3, 4, 1, "5/4")  # at η = 1 it ends at 0 exactly
    >>> found.smaller.upper, found.larger.lower > 0
    (0.0, True)
    """
    if not exact("smaller", smaller) < exact("larger", larger):
        raise InputError(f"smaller = {smaller}, larger = {larger}; allowed: smaller < larger")
    ends = [final_ntk(loss, f0, ntk0, width, rate, **options) for rate in (smaller, larger)]
    for rate, end in zip((smaller, larger), ends, strict=True):
        if not isinstance(end, Enclosure):
            return Undecided(f"at η = {rate} no limit is enclosed: {end.reason}")
    if not ends[0].upper < ends[1].lower:
        return Undecided("the enclosures do not lie in that order")
    if ends[0].upper == 0:
        return Sharper(*ends, math.inf)
    with flint.ctx.workprec(FIRST_BITS):
        return Sharper(*ends, round_down(arb(ends[1].lower) / arb(ends[0].upper) - 1))


def bits_left(loss: str | losses.Loss, f0: Exact, ntk0: Exact, width: Exact, learning_rate: Exact, steps: int, *,
              bits: int = 128, form: str = "mean value") -> list[float]:
    """Return how many bits of (f, Λ) a ball orbit still knows at t = 0 … steps: −log₂ of the larger radius.

    The radius of f is taken relative to max(1, |f|), that of Λ relative to Λ. At most ``bits``; the list ends before
    nothing is left. ``form`` is ``"mean value"`` or ``"naive"`` (see :func:`mean_value_step` and :func:`step`).

    Raises
    ------
    InputError
        As :func:`final_ntk`, for another form, and for negative steps.

    Examples
    --------
    >>> naive, kept = (bits_left("logistic", 1, 2, 100, 1, 50, form=form)[-1] for form in ("naive", "mean value"))
    >>> kept > naive > 0
    True
    """
    whole("steps", steps, 0)
    whole("bits", bits, 32, MAX_BITS)
    if form not in FORMS:
        raise InputError(f"form = {form!r}; allowed: {', '.join(FORMS)}")
    known: list[float] = []
    with flint.ctx.workprec(bits):
        for _, (f, scaled) in zip(range(steps + 1), orbit(checked(loss, f0, ntk0, width, learning_rate), FORMS[form]),
                                  strict=False):
            wide = (f.rad() / abs(f.mid()).max(arb(1))).max(scaled.rad() / abs(scaled.mid()))
            if not wide < 1:
                break
            known.append(min(float(bits), float(-wide.log()) / math.log(2)) if wide > 0 else float(bits))
    return known


FORMS = {"mean value": mean_value_step, "naive": step}
