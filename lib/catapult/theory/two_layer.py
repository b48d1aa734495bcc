r"""Gradient descent on a two-layer linear network of width m, on the balanced degenerate pair: two numbers.

The network :math:`f = m^{-1/2}\, w_2\cdot w_1` on the points (x, y) = (1, 1), (1, −1) has the loss L(f) of
:mod:`catapult.theory.linear_predictor`, with :math:`g = L'`, :math:`h = L''(0)` (¼ for the logistic loss, else 1),
and the neural tangent kernel :math:`\lambda = (|w_1|^2 + |w_2|^2)/m`. A step with learning rate η moves the weights by
:math:`w_1^+ = w_1 - \eta m^{-1/2} g\, w_2` and the same with 1 and 2 swapped. So, exactly and at every width, with
:math:`\Lambda = \eta\lambda`, :math:`\kappa = \eta^2/m`,

.. math:: f^+ = f(1 + \kappa g^2) - \Lambda g, \qquad \Lambda^+ = \Lambda + \kappa g (\Lambda g - 4f) .

*Feasible* is what some network has: :math:`\Lambda \ge 2\sqrt\kappa\,|f|`. With :math:`a = \sqrt\kappa\,g`,
:math:`p, q = \Lambda \pm 2\sqrt\kappa f` (:math:`m p/\eta` = |w1 + w2|², :math:`m q/\eta` = |w1 − w2|²) the step is

.. math:: p^+ = (1-a)^2 p, \qquad q^+ = (1+a)^2 q, \qquad D = pq = \Lambda^2 - 4\kappa f^2, \quad D^+ = (1-a^2)^2 D .

*The trap* (ours). Let :math:`s = \Lambda g/f`. If s ≤ 2 and hΛ ≤ 2, then |f| falls and Λ does not rise at this step and
all later ones, and f → 0. For feasibility gives s ≥ 2|a|, so |a| ≤ 1; :math:`f^+/f = 1 + a^2 - s` lies in (−1, 1);
:math:`\Lambda^+ - \Lambda = \kappa g f (s - 4) < 0`; and the new s is at most 2 again: s rises with |f| for the
exponential loss, and is at most hΛ for the others.

*Divergence* is Λ → ∞. Exponential and squared loss: {Λ ≥ 4} is never left, and there Λ → ∞ unless some f is exactly 0.
Logistic loss: f → 0 from everywhere while κ ≤ 8 (ours); beyond, almost every orbit that grows for long goes on growing.

The squared loss is the model of Lewkowycz et al. (2020); that the recursion is closed for any loss of the pair, and
what follows from p and q, is ours (cf. Kreisler et al., 2023).
"""

from __future__ import annotations

import reprlib
from fractions import Fraction
from numbers import Real

import numpy as np
import scipy.special

from catapult import losses, phases
from catapult.parameters import InputError, whole
from catapult.theory import linear_predictor
from catapult.theory.linear_predictor import slope

LABELS = tuple(label for label in phases.LABELS if label != "dead")  # which a linear network never is
MAX_STEPS, MOST_STEPS = 10**8, 10**12  # by default, and that can be asked for
LARGEST = 1e20  # of what is given: below what counts as divergence
TRUSTED = 1e-12  # the relative error by rounding, as estimated, up to which final kernels in floats are given out


class Undecided(RuntimeError):
    """The orbit neither converged nor diverged in the steps that were allowed."""


def feasible(f, ntk, width) -> np.ndarray:
    """Return whether some network of this width has output f and kernel λ: λ ≥ 2|f|/√m (up to rounding), elementwise.

    Examples
    --------
    >>> feasible([1.0, 3.0], 2.0, 4).tolist()
    [True, False]
    """
    return np.asarray(ntk) >= 2 * np.abs(f) / np.sqrt(width) * (1 - 1e-12)


def _checked(loss, f0, ntk0, width, learning_rate) -> list[np.ndarray]:
    """Return f0, Λ0, κ and η, broadcast; raise InputError, one line, for what no network can have."""
    largest_f = min(losses.get(loss).pair.largest, LARGEST)
    given = {"f0": f0, "ntk0": ntk0, "width": width, "learning_rate": learning_rate}
    f0, ntk0, width, rate = (_real(name, value) for name, value in given.items())
    for name, values, allowed, right in (
            ("f0", f0, f"finite, at most {largest_f:g} in size", np.abs(f0) <= largest_f),
            ("ntk0", ntk0, "> 0 and at most 1e20", (ntk0 > 0) & (ntk0 <= LARGEST)),
            ("width", width, "a whole number ≥ 1", (width >= 1) & (width == np.floor(width)) & (width <= LARGEST)),
            ("learning_rate", rate, "> 0 and finite", (rate > 0) & np.isfinite(rate))):
        if not right.all():
            raise InputError(f"{name} = {values[~right].flat[0]:g}; allowed: {allowed}")
    f0, ntk0, width, rate = np.broadcast_arrays(f0, ntk0, width, rate)
    if (rate * ntk0 > LARGEST).any():
        raise InputError(f"learning_rate · ntk0 = {(rate * ntk0).max():g}; allowed: at most 1e20")
    wrong = ~feasible(f0, ntk0, width)
    if wrong.any():
        f, ntk, m = (values[wrong].flat[0] for values in (f0, ntk0, width))
        raise InputError(f"no network of width {m:g} has f = {f:g} with ntk = {ntk:g}; "
                         f"allowed: ntk0 ≥ 2 |f0| / √width = {2 * abs(f) / m**0.5:g}")
    return [f0, rate * ntk0, rate**2 / width, rate]


def _real(name: str, value) -> np.ndarray:
    """Return a number, or an array of them, as floats; InputError for words, complex or ragged ones, True and None."""
    try:
        numbers = np.asarray(value)
        kinds = {type(x) for x in numbers.ravel()} if numbers.dtype.kind == "O" else {numbers.dtype.type}
        if all(issubclass(kind, Real) and kind is not bool for kind in kinds):  # np.bool is no Real
            return numbers.astype(float)
    except (ValueError, OverflowError):
        pass
    raise InputError(f"{name} = {_shown(value)}; allowed: a real number, or an array of them")


def _shown(value) -> str:
    return " ".join(reprlib.repr(value).split())


def invariants(f, ntk, width, learning_rate) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return p, q = ηλ ± 2 η f/√m and D = pq = (ηλ)² − 4 η² f²/m, elementwise.

    A step multiplies them by (1 − a)², (1 + a)² and (1 − a²)², a = ηg(f)/√m; gradient flow keeps D/η² (ours, cf.
    Kreisler et al., 2023). Feasible: none is negative.

    Examples
    --------
    >>> [float(each) for each in invariants(1.0, 3.0, 4, 1.0)]
    [4.0, 2.0, 8.0]
    """
    scaled, shift = np.multiply(learning_rate, ntk), 2 * np.multiply(learning_rate, f) / np.sqrt(width)
    p, q = scaled + shift, scaled - shift
    return p, q, p * q


def stability_edge(loss: str | losses.Loss, learning_rate) -> np.ndarray:
    """Return 2/(hη): the largest λ with which f = 0 is stable, and so the largest λ_∞ of an orbit without a hit.

    Examples
    --------
    >>> [float(stability_edge(loss, 1.0)) for loss in ("logistic", "squared")]
    [8.0, 2.0]
    """
    return 2 / (losses.get(loss).curvature_at_zero * np.asarray(learning_rate, dtype=float))[()]


def critical_learning_rate(loss: str | losses.Loss, f0, ntk0, width) -> np.ndarray:
    r"""Return the learning rate up to which the first step does not raise the loss, elementwise (ours).

    |f| rises iff s > 2 + a² or s < a², where :math:`s = \eta\lambda_0 g/f`, :math:`a^2 = \eta^2 g^2/m`. So it is the
    lesser root of s = 2 + a², or where λ0²m < 8 f0² (no root) that of s = a². As m → ∞ it tends to
    :math:`2 f_0/(g(f_0)\lambda_0)`.

    Raises
    ------
    InputError
        As :func:`iterate`.

    Examples
    --------
    >>> round(float(critical_learning_rate("squared", 1.0, 2.0, 4)), 6)  # 4 − √8
    1.171573
    """
    f, ntk, per_width, _ = _checked(loss, f0, ntk0, width, 1.0)
    safe = np.where(f == 0, 1.0, f)
    ratio = np.where(f == 0, losses.get(loss).curvature_at_zero, slope(loss, safe) / safe)  # g/f
    root = ntk**2 - 8 * per_width * f**2
    by_drop = 4 / (ratio * (ntk + np.sqrt(np.maximum(root, 0))))
    by_jump = ntk / (ratio * per_width * safe**2)
    return np.where(root >= 0, by_drop, by_jump)[()]


def convergence_edge(loss: str | losses.Loss, f0, ntk0, width) -> np.ndarray:
    r"""Return the learning rate up to which f → 0 is proved, elementwise (ours).

    Squared loss: 4/λ0 (not included: chaos; beyond it Λ → ∞ without a hit; Lewkowycz et al., 2020; Liang and Montúfar,
    2025, for all labels). Logistic: the larger of 16/λ0 and √(8m),
    both included. Exponential: the trap from the first step, :math:`2 f_0/(\lambda_0\sinh f_0)`, included.

    Raises
    ------
    InputError
        As :func:`iterate`; for another loss, of which nothing is proved.

    Examples
    --------
    >>> [float(convergence_edge(loss, 1.0, 2.0, 32)) for loss in ("squared", "logistic")]  # 4/λ0, √(8m)
    [2.0, 16.0]
    """
    edge = losses.entry(EDGES, loss, "a proved edge of convergence")
    f, ntk, per_width, _ = _checked(loss, f0, ntk0, width, 1.0)
    return edge(f, ntk, per_width)[()]


EDGES = {
    losses.exponential: lambda f, ntk, per_width: linear_predictor.critical_learning_rate(losses.exponential, f) / ntk,
    losses.logistic: lambda f, ntk, per_width: np.maximum(16 / ntk, np.sqrt(8 / per_width)),
    losses.squared: lambda f, ntk, per_width: 4 / ntk,
}
"""The edge of convergence as a function of f0, λ0 and 1/m."""


def two_cycle(width, learning_rate) -> tuple[np.ndarray, np.ndarray]:
    r"""Return f* > 0 and λ* of the cycle (f*, λ*), (−f*, λ*) of the logistic loss, elementwise; NaN for κ ≤ 8.

    :math:`\tanh(f^*/2) = 2\sqrt{2/\kappa}` and :math:`\eta\lambda^* = 8 f^*/\tanh(f^*/2)`, κ = η²/m. So κ ≤ 8 is
    the best condition for convergence from every start (ours).

    Examples
    --------
    >>> [round(float(each), 6) for each in two_cycle(2, 8.0)]  # κ = 32: log 3 and 2 log 3
    [1.098612, 2.197225]
    """
    kappa = np.square(learning_rate) / np.asarray(width, dtype=float)
    with np.errstate(invalid="ignore"):
        tanh = np.where(kappa > 8, 2 * np.sqrt(2 / kappa), np.nan)
    f = 2 * np.arctanh(tanh)
    return f[()], (8 * f / (tanh * learning_rate))[()]


def slide_ntk(width, learning_rate) -> np.ndarray:
    """Return 8/η − (3/2) η/m: λ_∞ of the logistic loss from fixed f0 ≠ 0, ηλ0 > 8, for η ≪ √m.

    To first order in κ = η²/m: Song and Yun (2023), in the form log cosh(xy), as recalled; derived here too. At fixed κ
    there is no such law: λ_∞ √m becomes periodic in log m.

    Examples
    --------
    >>> round(float(slide_ntk(100, 8.0)), 9)
    0.88
    """
    rate = np.asarray(learning_rate, dtype=float)
    return (8 / rate - 1.5 * rate / np.asarray(width, dtype=float))[()]


# The two-cycle, and the slow drift of the kernel while the output changes its sign at every step (ours).


def cycle_multiplier(width, learning_rate) -> np.ndarray:
    r"""Return the multiplier of the cycle of :func:`two_cycle`, elementwise; NaN for κ ≤ 8.

    :math:`1 + 8 f^*/\sinh f^*` in (1, 9), twice: a step turned by (f, λ) ↦ (−f, λ) has the square roots ± of it as
    eigenvalues. So the cycle repels in every direction.

    Examples
    --------
    >>> round(float(cycle_multiplier(2, 8.0)), 6)  # 1 + 6 log 3
    7.591674
    """
    f, _ = two_cycle(width, learning_rate)
    return 1 + 8 * f / np.sinh(f)


def slow_ntk(loss: str | losses.Loss, f, width, learning_rate) -> np.ndarray:
    r"""Return the λ at which a step turns f into nearly −f and the kernel drifts, to first order in κ, elementwise.

    .. math:: \eta\lambda = \frac{2f}{g} + \kappa\,\frac{f g\, e}{e - 1}, \qquad e = \frac{f g'}{g}.

    Logistic loss: e < 1, and orbits are drawn to this curve and slide down on it, to :func:`slide_ntk` at f = 0.
    Exponential: e > 1, and it parts the orbits that converge from those that diverge: at f = f0 it is the edge of
    convergence. Squared: e = 1, NaN.

    Examples
    --------
    >>> round(float(slow_ntk("logistic", 2 * np.arctanh(0.5), 10**9, 1.0)), 6)  # κ → 0: 2f/g = 8 log 3
    8.788898
    """
    f, rate = np.abs(np.asarray(f, dtype=float)), np.asarray(learning_rate, dtype=float)
    safe = np.maximum(f, 1e-3)  # below, the drift term is at its limit within 10⁻⁶
    elasticity = losses.get(loss).on_pair("elasticity")(safe)
    excess = np.where(elasticity == 1, np.nan, elasticity - 1)
    drift = safe * slope(loss, safe) * elasticity / excess
    leading = linear_predictor.critical_learning_rate(loss, f)
    return (leading / rate + drift * rate / np.asarray(width, dtype=float))[()]


def exit_ntk(loss: str | losses.Loss, ntk0, width, learning_rate) -> np.ndarray:
    r"""Return λ_∞ for f0 → 0, to leading order in κ and :math:`\delta_0 = \eta\lambda_0 - 2/h \ge 0`; NaN: no return.

    See :func:`exit_distance`.

    Raises
    ------
    InputError
        For a loss that does not give L''''(0), and for one of which it is 0, as the squared: see
        :func:`catapult.theory.squared_plane.profile`.

    Examples
    --------
    >>> round(float(exit_ntk("logistic", 8.5, 100, 1.0)), 6), float(slide_ntk(100, 1.0))
    (7.985, 7.985)
    """
    loss = losses.get(loss)
    h, fourth = loss.curvature_at_zero, loss.on_pair("fourth")
    rate = np.asarray(learning_rate, dtype=float)
    kappa = rate**2 / np.asarray(width, dtype=float)
    return ((2 / h + exit_distance(rate * ntk0 - 2 / h, kappa, h, fourth)) / rate)[()]


def exit_distance(distance, kappa, h: float, fourth: float) -> np.ndarray:
    r"""Return :math:`\delta_1 = \eta\lambda_\infty - 2/h` for f0 → 0 from δ0 ≥ 0, to leading order; NaN: no return.

    For any even loss with :math:`h = L''(0)` and :math:`L''''(0)` = ``fourth`` ≠ 0, δ0 of the order of κ: with
    :math:`C = L''''(0)/(3h)` and :math:`z = 1 - \delta C/(\kappa h)` it is the other solution of
    :math:`z_1 e^{-z_1} = z_0 e^{-z_0}`. It exists iff z0 > 0: always where C < 0. (Terms of order κ² are dropped; where
    ``fourth`` is 0 nothing would be left.)

    Raises
    ------
    InputError
        For ``fourth`` = 0.

    Examples
    --------
    >>> distance = 1.5 * (2 * np.log(2) - 1)  # z0 = 2 log 2, so z1 = log 2
    >>> round(float(exit_distance(distance, 1.0, 0.25, -0.125)), 6)  # 3/2 (log 2 − 1)
    -0.460279
    """
    if fourth == 0:
        raise InputError("L''''(0) = 0, as of the squared loss; allowed: a loss with L''''(0) ≠ 0")
    unit = kappa * h / (fourth / (3 * h))
    z = 1 - np.asarray(distance, dtype=float) / unit
    inner, outer = (-scipy.special.lambertw(-z * np.exp(-z), branch).real for branch in (0, -1))
    return np.where(z > 0, unit * (1 - np.where(z > 1, inner, outer)), np.nan)[()]


def iterate(loss: str | losses.Loss, f0, ntk0, width, learning_rate, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Return f_t and λ_t, t = 0 … steps, of gradient descent on the pair.

    Parameters
    ----------
    loss
        ``"exponential"``, ``"logistic"`` or ``"squared"``.
    f0, ntk0, width, learning_rate
        Numbers, or arrays that broadcast to a shape S: the output and the kernel λ at the start, feasible; the
        width m ≥ 1; η > 0 for the mean loss, NTK parametrisation.
    steps
        At least 0.

    Returns
    -------
    f, ntk, each of shape (steps + 1, \\*S): see the module. Both are NaN from the first overflow on.

    Raises
    ------
    InputError
        For values out of range, an infeasible start, a negative number of steps or an unknown loss.

    Examples
    --------
    >>> f, ntk = iterate("squared", 1.0, 3.0, 4, 1.0, steps=1)
    >>> f.tolist(), ntk.tolist()
    ([1.0, -1.75], [3.0, 2.75])
    """
    if steps < 0:
        raise InputError(f"steps = {steps}; allowed: a whole number ≥ 0")
    start, scaled0, kappa, rate = _checked(loss, f0, ntk0, width, learning_rate)
    f, scaled = np.empty((2, steps + 1, *start.shape))
    f[0], scaled[0] = start, scaled0
    with np.errstate(over="ignore", invalid="ignore"):
        for t in range(steps):
            g = slope(loss, f[t])
            f[t + 1] = f[t] * (1 + kappa * g * g) - scaled[t] * g
            scaled[t + 1] = scaled[t] + kappa * g * (scaled[t] * g - 4 * f[t])
            blown = ~(np.isfinite(f[t + 1]) & np.isfinite(scaled[t + 1]))
            f[t + 1], scaled[t + 1] = np.where(blown, np.nan, (f[t + 1], scaled[t + 1]))
    return f, scaled / rate


def final_ntk(loss: str | losses.Loss, f0: float, ntk0: float, width: int, learning_rate: float,
              max_steps: int = MAX_STEPS, tolerance: float = TRUSTED) -> float:
    r"""Return :math:`\lambda_\infty = \lim \lambda_t`; nan where the orbit diverges.

    It is that of the orbit in floating point where this is known well enough: see :func:`final_ntk_in_floats`, by its
    own estimate within ``tolerance`` of the exact one, relatively (divergence: within a thousandth, up to Λ = 10³⁰).
    Elsewhere, as next to the chaos at ηλ0 = 4 with the squared loss,
    :func:`catapult.theory.certificates.final_ntk` decides, for the numbers given and at most 10⁶ steps: the answer then
    lies in a certified enclosure as narrow as the tolerance (or below that fraction of λ0), or divergence is proved.

    Raises
    ------
    Undecided
        After ``max_steps`` steps without an answer; or where rounding decides and no enclosure is found, or a wide one:
        for instance at exactly ηλ0 = 4 with the squared loss, where Λ stays 4 and f is chaotic for ever, or after a
        step with |a| next to 1, from where Λ falls like 1/t for long.
    InputError
        As :func:`iterate`, for what is not one number each, and a tolerance that is not positive; where rounding
        decides, feasible is taken exactly.

    Examples
    --------
    >>> [round(final_ntk("squared", 1.0, 2.0, 100, rate), 3) for rate in (0.5, 1.5, 2.5)]  # lazy, catapult, divergent
    [1.985, 0.148, nan]
    """
    if not (_real("tolerance", tolerance).ndim == 0 and tolerance > 0):
        raise InputError(f"tolerance = {_shown(tolerance)}; allowed: a number > 0")
    given = _one_network(f0, ntk0, width, learning_rate)
    _checked(loss, *given)
    if _ends_at_zero(loss, given):
        return 0.0
    value, error = final_ntk_in_floats(loss, *given, max_steps)
    if error <= (1e-3 if np.isnan(value) else tolerance):
        return value
    from catapult.theory import certificates

    proved = certificates.final_ntk(loss, *given, max_steps=min(max_steps, 10**6))
    if isinstance(proved, certificates.Undecided):
        raise Undecided(f"undecided: rounding decides the orbit, and in ball arithmetic: {proved.reason}")
    if isinstance(proved, certificates.Diverges):
        return float("nan")
    if proved.relative_width > tolerance and proved.upper > tolerance * ntk0:
        raise Undecided(f"undecided after {proved.steps:,} steps in ball arithmetic: λ_∞ is between {proved.lower:.6g} "
                        f"and {proved.upper:.6g}")
    return value if proved.lower <= value <= proved.upper else proved.midpoint


def final_ntk_in_floats(loss: str | losses.Loss, f0: float, ntk0: float, width: int, learning_rate: float,
                        max_steps: int = MAX_STEPS) -> tuple[float, float]:
    r"""Return :math:`\lambda_\infty` of the orbit in float64, nan if it diverges, and its relative error, estimated.

    The orbit is followed into the trap (see the module) and on until what λ still loses is below 10⁻¹⁷ of it; for an
    orbit that hits f = 0, the answer is λ there, and after a step with |a| = 1 it is 0. nan means that Λ has passed
    10³⁰ (or the slope has overflowed, which takes it there). From there no squared or exponential orbit returns, and a
    logistic one, κ > 8, only if p and q agree in about 30 digits.

    The error is the standard deviation of what independent roundings leave in Λ, to first order along the orbit, with
    what λ still loses and a rounding of the result: an estimate, no bound. At 1 and above nothing is known of λ_∞, and
    the value is where the orbit was left.

    Raises
    ------
    Undecided
        After ``max_steps`` steps without an answer.
    InputError
        As :func:`iterate`.

    Examples
    --------
    >>> ntk, error = final_ntk_in_floats("squared", 1.0, 2.0, 100, 1.5)
    >>> round(ntk, 3), error < 1e-12
    (0.148, True)
    """
    from catapult.theory import _kernels

    whole("max_steps", max_steps, 0, MOST_STEPS)
    code = _kernels.code(loss)
    start, scaled0, kappa, rate = (float(value) for value in
                                   _checked(loss, *_one_network(f0, ntk0, width, learning_rate)))
    outcome, f, scaled, error = _kernels.follow(code, start, scaled0, kappa, max_steps, 1e-17)
    if outcome == _kernels.UNDECIDED:
        raise Undecided(f"undecided after {max_steps:,} steps: f = {f:.6g}, ηλ = {scaled:.6g}")
    return (float("nan") if outcome == _kernels.DIVERGES else scaled / rate), error


def _ends_at_zero(loss, given: list[float]) -> bool:
    """Whether D0 = 0, to the last bit, proves that Λ → 0: Λ falls like 1/t, and no orbit of floats gets there."""
    f, ntk, width, _ = map(Fraction, given)
    if f == 0 or ntk**2 * width != 4 * f**2:
        return False
    from catapult.theory import certificates

    proved = certificates.final_ntk(loss, *given, max_steps=0)
    return isinstance(proved, certificates.Enclosure) and proved.upper == 0


def _one_network(f0, ntk0, width, learning_rate) -> list[float]:
    """Return these as floats; InputError, naming it, for what is an array of several."""
    given = {"f0": f0, "ntk0": ntk0, "width": width, "learning_rate": learning_rate}
    numbers = {name: _real(name, value) for name, value in given.items()}
    for name, number in numbers.items():
        if number.ndim:
            raise InputError(f"{name} = {_shown(given[name])}; allowed: one number")
    return [float(number) for number in numbers.values()]


def phase_map(loss: str | losses.Loss, f0, ntk0, width, learning_rates, steps: int = 100_000) -> np.ndarray:
    """Return the phase at each point of a grid: labels from ``LABELS``, with the meanings of :mod:`catapult.phases`.

    "lazy": f → 0 and |f| rises at no step, nor then the loss; "catapult": f → 0 and it rises at some step; "divergent":
    as in :func:`final_ntk_in_floats`; "unsettled": none of these is established after ``steps`` steps. Each label is
    read off the orbit, which ends as soon as the label is known: a million points take a fraction of a second.

    Parameters
    ----------
    f0, ntk0, width, learning_rates
        As in :func:`iterate`; they broadcast, so give the axes of a grid different dimensions:
        ``phase_map(loss, f0[:, None], 2.0, 100, learning_rates)``.
    steps
        At least 1.

    Examples
    --------
    >>> phase_map("squared", 1.0, 2.0, 100, np.array([0.5, 1.5, 2.5])).tolist()  # edges about 2/λ0 and 4/λ0
    ['lazy', 'catapult', 'divergent']
    """
    from catapult.theory import _kernels

    if steps < 1:
        raise InputError(f"steps = {steps}; allowed: a whole number ≥ 1")
    code = _kernels.code(loss)
    start, scaled0, kappa, _ = _checked(loss, f0, ntk0, width, learning_rates)
    out = np.empty(start.size, dtype=np.int8)
    _kernels.outcomes(code, start.ravel(), scaled0.ravel(), kappa.ravel(), steps, out)
    return np.array(LABELS)[out].reshape(start.shape)[()]
