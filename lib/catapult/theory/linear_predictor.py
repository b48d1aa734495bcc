r"""Gradient descent with a constant learning rate η on a linear predictor, without bias.

*General data.* The rows of Z, shape (n, d), are :math:`z_i = y_i x_i`; the risk is the mean
:math:`L(w) = \frac1n\sum_i \ell(z_i\cdot w)` and a step is :math:`w^+ = w - \eta\nabla L(w)`.

*Balanced degenerate pair.* The points (x, y) = (1, 1) and (1, −1), so that w is one number and

===========  ====================================  ===========================
loss         :math:`L(w) - \min L`                  :math:`g(w) = L'(w)`
===========  ====================================  ===========================
exponential  :math:`\cosh w - 1`                   :math:`\sinh w`
logistic     :math:`\log\cosh(w/2)`                :math:`\frac12\tanh(w/2)`
squared      :math:`\frac12 w^2`                   :math:`w`
===========  ====================================  ===========================

g is odd and increasing, so L(w − ηg(w)) and L(w) compare as |w − ηg(w)| and |w| do: the loss falls in a
step from w ≠ 0 iff η is below the *critical learning rate* :math:`\eta_c(w) = 2w/g(w)`. Everything about the
pair follows from how :math:`\eta_c` varies with |w|: it falls for the exponential loss and rises for the
logistic one.

*Imbalanced degenerate pair.* A fraction p of the labels is +1:
:math:`L(w) = p\log(1+e^{-w}) + (1-p)\log(1+e^{w})`, :math:`L'(w) = \sigma(w) - p`.

Overflow gives ±inf (blow-up) without a warning. Every function that takes Z raises InputError where it is not finite or
not of shape (n, d) with n, d ≥ 1, every one that takes a loss where it is unknown.

Sources: the pair and its critical rates are those of Huang, Du, Xu and Liu (2020), as reconstructed; what is derived
here is marked "ours" in the chapters.
"""

from __future__ import annotations

import numpy as np
import scipy.special

from catapult import losses
from catapult.parameters import InputError, whole

# The largest value of u / (1 + e^u), at u = 1 + W(1/e): it is W(1/e), W being Lambert's function.
OVERSHOOT = float(scipy.special.lambertw(np.exp(-1.0)).real)

PHASES = ("converges", "oscillates below", "oscillates above", "diverges")


def _finite(name: str, value) -> np.ndarray:
    try:
        array = np.asarray(value, dtype=float)
    except (TypeError, ValueError):
        raise InputError(f"{name} is not an array of numbers") from None
    if not np.isfinite(array).all():
        raise InputError(f"{name} holds NaN or infinity; allowed: finite numbers")
    return array


def _positive(name: str, value) -> np.ndarray:
    array = _finite(name, value)
    if (array <= 0).any():
        raise InputError(f"{name} = {array.min():g}; allowed: > 0 and finite")
    return array


# General data.


def _rows(Z) -> np.ndarray:
    Z = _finite("Z", Z)
    if Z.ndim != 2 or 0 in Z.shape:
        raise InputError(f"Z has shape {Z.shape}; allowed: (n, d) with n and d at least 1")
    return Z


def risk(loss: str | losses.Loss, Z: np.ndarray, w: np.ndarray) -> np.ndarray:
    """Return the mean loss for Z of shape (n, d) and w of shape (..., d); the answer has shape (...).

    Examples
    --------
    >>> round(float(risk("exponential", [[1.0], [-1.0]], [np.log(2)])), 9)  # cosh(log 2)
    1.25
    """
    with np.errstate(over="ignore"):
        return losses.get(loss).value(np.asarray(w) @ _rows(Z).T).mean(axis=-1)


def gradient(loss: str | losses.Loss, Z: np.ndarray, w: np.ndarray) -> np.ndarray:
    """Return the gradient of the risk, shape (..., d), at w of shape (..., d).

    Examples
    --------
    >>> gradient("squared", [[1.0], [3.0]], [0.0]).tolist()  # less the mean of z
    [-2.0]
    """
    return _gradient(losses.get(loss), _rows(Z), np.asarray(w))


def _gradient(loss: losses.Loss, Z: np.ndarray, w: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore", invalid="ignore"):
        return loss.slope(w @ Z.T) @ Z / len(Z)


def hessian(loss: str | losses.Loss, Z: np.ndarray, w: np.ndarray) -> np.ndarray:
    """Return the Hessian of the risk, shape (d, d), at w of shape (d,).

    Examples
    --------
    >>> hessian("logistic", [[1.0, 0.0], [0.0, 2.0]], [0.0, 0.0]).tolist()  # a quarter of the mean of zzᵀ
    [[0.125, 0.0], [0.0, 0.5]]
    """
    Z = _rows(Z)
    return (Z * losses.get(loss).curvature(Z @ np.asarray(w))[:, None]).T @ Z / len(Z)


def descend(loss: str | losses.Loss, Z: np.ndarray, w0, learning_rate: float, steps: int) -> np.ndarray:
    """Return the iterates of gradient descent on the risk, shape (steps + 1, d), from w0 of shape (d,).

    From the first iterate that overflows on (blow-up) they are NaN. Raises InputError for a start or a learning rate
    that is not finite, and unless ``steps`` is a whole number ≥ 0.

    Examples
    --------
    >>> descend("squared", [[1.0]], [0.0], 0.5, 3).ravel().tolist()
    [0.0, 0.5, 0.75, 0.875]
    """
    loss, Z, rate = losses.get(loss), _rows(Z), _finite("learning_rate", learning_rate)
    w = np.full((whole("steps", steps, 0) + 1, Z.shape[1]), np.nan)
    w[0] = _finite("w0", w0)
    for t in range(steps):
        step = w[t] - rate * _gradient(loss, Z, w[t])
        if not np.isfinite(step).all():
            break
        w[t + 1] = step
    return w


def smoothness(Z: np.ndarray) -> float:
    """Return β, the largest curvature of the logistic risk: ‖ZᵀZ‖/(4n), attained at w = 0.

    Examples
    --------
    >>> round(smoothness([[3.0], [4.0]]), 9)  # 25/8
    3.125
    """
    Z = _rows(Z)
    return float(np.linalg.norm(Z, ord=2) ** 2 / (4 * len(Z)))


def descent_bound(Z: np.ndarray, initial_risk: float) -> float:
    """Return 2/(R² L(w0)), R = max |z_i|: below it the risk falls at every step, exponential or logistic.

    Both losses have 0 ≤ ℓ'' ≤ ℓ, so the Hessian is at most R² L on every sublevel set. Raises InputError unless
    L(w0) > 0.

    Examples
    --------
    >>> descent_bound([[3.0, 4.0]], 1.0)  # 2/25
    0.08
    """
    return float(2 / ((_rows(Z) ** 2).sum(axis=1).max() * _positive("initial_risk", initial_risk)))


def restoring_slope(Z: np.ndarray) -> float:
    r"""Return :math:`c = \min_{|v|=1} \frac1n\sum_i \max(0, -z_i\cdot v)` for d = 1 or 2.

    c > 0 iff the data are strictly non-separable; what is within rounding of 0 is returned as 0. Where no
    :math:`z_i\cdot v` changes sign the mean is a piece of a sinusoid that is concave where it is positive, so
    the minimum is at some v perpendicular to a z_i (ours).

    Raises
    ------
    InputError
        For d > 2.

    Examples
    --------
    >>> restoring_slope([[1.0], [-1.0]]), restoring_slope([[1.0], [2.0]])  # non-separable, separable
    (0.5, 0.0)
    """
    Z = _rows(Z)
    if Z.shape[1] > 2:
        raise InputError(f"Z has shape {Z.shape}; allowed: (n, 1) or (n, 2)")
    if Z.shape[1] == 1:
        directions = np.array([[1.0], [-1.0]])
    else:
        rows = Z[np.any(Z != 0, axis=1)]
        normals = np.stack([-rows[:, 1], rows[:, 0]], axis=1) / np.linalg.norm(rows, axis=1)[:, None]
        directions = np.concatenate([normals, -normals])
    if not len(directions):
        return 0.0
    c = float(np.maximum(0, -directions @ Z.T).mean(axis=1).min())
    return c if c > 8 * np.finfo(float).eps * np.linalg.norm(Z, axis=1).mean() else 0.0


def containment_radius(Z: np.ndarray, learning_rate: float, slope: float | None = None) -> float:
    r"""Return :math:`R_0 = (q + \frac12\eta G^2)/c`: the ball |w| ≤ R0 is forward invariant (ours).

    Logistic loss. G = mean |z_i|, q = W(1/e) ≈ 0.2785, c the restoring slope, computed for d ≤ 2; inf if c = 0. Every
    orbit has limsup |w_t| ≤ R0, so strictly non-separable data never make the logistic loss explode. With a ``slope``
    k, mean max(0, −z_i·w) ≥ k · distance of w from the cone {z_i·v ≥ 0 for all i}, the same holds on mixed data of that
    distance. Raises InputError for d > 2 without a slope, and unless η > 0.

    Examples
    --------
    >>> round(containment_radius([[1.0], [-1.0]], 8.0), 4)  # 8 + 2q
    8.5569
    """
    c = restoring_slope(Z) if slope is None else slope
    reach = OVERSHOOT + _positive("learning_rate", learning_rate) * np.linalg.norm(Z, axis=1).mean() ** 2 / 2
    return float(reach / c) if c > 0 else float("inf")


# The balanced degenerate pair.


def slope(loss: str | losses.Loss, w) -> np.ndarray:
    """Return g(w) = L'(w) on the balanced pair, elementwise; ±inf where the hyperbolic sine overflows.

    Examples
    --------
    >>> round(float(slope("exponential", np.log(2))), 9)  # sinh(log 2)
    0.75
    """
    return losses.get(loss).on_pair("slope")(np.asarray(w, dtype=float))[()]


def excess_risk(loss: str | losses.Loss, w) -> np.ndarray:
    """Return L(w) − min L on the balanced pair, elementwise, without cancellation near w = 0; inf where it overflows.

    Raises InputError for a loss that does not give it.

    Examples
    --------
    >>> round(float(excess_risk("exponential", np.log(2))), 9)
    0.25
    """
    return losses.get(loss).on_pair("excess")(np.abs(np.asarray(w, dtype=float)))[()]


def critical_learning_rate(loss: str | losses.Loss, w0) -> np.ndarray:
    r"""Return :math:`\eta_c(w_0) = 2w_0/g(w_0)`, elementwise: below it the first step lowers the loss.

    Parameters
    ----------
    loss
        Exponential: :math:`2w_0/\sinh w_0 \le 2`; logistic: :math:`4w_0/\tanh(w_0/2) \ge 8`; squared: 2.
    w0
        The initial weight, any shape, finite; at 0 the limit 2/h (2, 8 or 2) is returned.

    Returns
    -------
    A learning rate for the risk of the pair (a mean over its two points).

    Raises
    ------
    InputError
        For NaN, infinity, or an unknown loss.

    Examples
    --------
    >>> [float(critical_learning_rate(loss, 0.0)) for loss in ("exponential", "logistic", "squared")]
    [2.0, 8.0, 2.0]
    >>> [round(float(critical_learning_rate(loss, 3.0)), 3) for loss in ("exponential", "logistic", "squared")]
    [0.599, 13.257, 2.0]
    """
    return losses.get(loss).on_pair("critical_rate")(np.abs(_finite("w0", w0)))[()]


def update(loss: str | losses.Loss, w, learning_rate) -> np.ndarray:
    """Return T(w) = w − ηg(w), elementwise. An overflow gives ±inf, and T(±inf) = ∓inf.

    Examples
    --------
    >>> [float(update("squared", 1.0, rate)) for rate in (1.0, 2.0, 3.0)]  # at 2 it is reflected
    [0.0, -1.0, -2.0]
    """
    w = np.asarray(w, dtype=float)
    with np.errstate(over="ignore", invalid="ignore"):
        return np.where(np.isinf(w), -w, w - learning_rate * slope(loss, w))[()]


def iterate(loss: str | losses.Loss, w0, learning_rate, steps: int) -> np.ndarray:
    """Return w_0, …, w_steps of gradient descent on the balanced pair.

    Parameters
    ----------
    loss
        ``"exponential"``, ``"logistic"`` or ``"squared"``.
    w0, learning_rate
        Finite numbers, or arrays that broadcast to a shape S.
    steps
        At least 0.

    Returns
    -------
    w, shape (steps + 1, *S): :math:`w_{t+1} = w_t - \\eta\\,g(w_t)`. ±inf after a blow-up.

    Raises
    ------
    InputError
        For NaN or infinity, steps that are no whole number ≥ 0 or an unknown loss.

    Examples
    --------
    >>> iterate("squared", 1.0, 1.5, 3).tolist()
    [1.0, -0.5, 0.25, -0.125]
    """
    w0, rate = np.broadcast_arrays(_finite("w0", w0), _finite("learning_rate", learning_rate))
    w = np.empty((whole("steps", steps, 0) + 1, *w0.shape))
    w[0] = w0
    for t in range(steps):
        w[t + 1] = update(loss, w[t], rate)
    return w


def two_cycle(loss: str | losses.Loss, learning_rate) -> np.ndarray:
    r"""Return the w* > 0 with :math:`\eta_c(w^*) = \eta`, where T swaps w* and −w*; NaN where there is none.

    Logistic, η > 8: the attractor, :math:`\eta\tanh(w^*/2) = 4w^*`. Exponential, 0 < η < 2: the repelling
    edge of the basin of 0, :math:`\eta\sinh w^* = 2w^*`, with a relative error below 10⁻¹¹. Squared: none (at η = 2
    every w is one). Near η = 8, where w* → 0, the relative error grows like 10⁻¹⁵/w*².

    Raises InputError for a learning rate that is not finite, and for a loss that is unknown or another.

    Examples
    --------
    >>> rate = critical_learning_rate("logistic", 2.0)
    >>> round(float(two_cycle("logistic", rate)), 9), float(two_cycle("logistic", 8.0))
    (2.0, nan)
    """
    eta = _finite("learning_rate", learning_rate)
    low, high, solve = losses.entry(CYCLES, loss, "a solution for its two-cycle")
    w = np.full(eta.shape, np.nan)
    exists = (eta > low) & (eta < high)
    w[exists] = solve(eta[exists])
    return w[()]


def _cycle_logistic(rate: np.ndarray) -> np.ndarray:
    """Newton's method on w − (η/4) tanh(w/2), convex on w > 0: from η/4 it falls to the root."""
    w = rate / 4
    for _ in range(60):
        tanh = np.tanh(w / 2)
        w = w - (w - rate / 4 * tanh) / (1 - rate / 8 * (1 - tanh**2))
    return w


def _cycle_exponential(rate: np.ndarray) -> np.ndarray:
    """Newton's method on log(sinh w / w) − log(2/η), convex on w > 0, with limits that never overflow.

    Near w = 0, where this cancels, two terms of the series of w² in log(2/η).
    """
    target = np.where(rate < 1, np.log(2) - np.log(rate), np.log1p((2 - rate) / np.maximum(rate, 1)))
    larger = np.maximum(target, 3e-5)
    w = np.sqrt(6 * larger)
    for _ in range(60):
        log_sinhc = w - np.log(2 * w) + np.log(-np.expm1(-2 * w))
        w = w - (log_sinhc - larger) / (1 / np.tanh(w) - 1 / w)
    return np.where(target < 3e-5, np.sqrt(6 * target * (1 + target / 5)), w)


CYCLES = {losses.exponential: (0, 2, _cycle_exponential), losses.logistic: (8, np.inf, _cycle_logistic),
          losses.squared: (2, 2, lambda rate: rate)}
"""The learning rates at which {w*, −w*} exists, an open interval, and w* there."""


def cycle_multiplier(loss: str | losses.Loss, w) -> np.ndarray:
    r"""Return U'(w), U = −T, at the learning rate :math:`\eta_c(w)` that makes {w, −w} a two-cycle.

    It is :math:`2E - 1` with the elasticity :math:`E = w g'/g`. The multiplier of the cycle under T is its square.
    Exponential: :math:`2w\coth w - 1 > 1`, repelling; logistic: :math:`2w/\sinh w - 1 \in (-1, 1)`, attracting;
    squared: 1.

    Examples
    --------
    >>> [round(float(cycle_multiplier(loss, 2.0)), 3) for loss in ("exponential", "logistic", "squared")]
    [3.149, 0.103, 1.0]
    """
    return (2 * losses.get(loss).on_pair("elasticity")(np.abs(_finite("w", w))) - 1)[()]


def predicted_phase(loss: str | losses.Loss, w0, learning_rate) -> np.ndarray:
    """Return what the theorem says of the orbit from w0 ≠ 0 at η, unless it hits 0: labels from ``PHASES``.

    Exponential and squared: "converges" below η_c(w0), "diverges" above (at η_c(w0) itself, where |w_t| is
    constant, the label means nothing). Logistic: "converges" for η ≤ 8; then "oscillates below" (the limit of
    the loss is under its initial value) up to η_c(w0), "oscillates above" beyond.

    Parameters
    ----------
    loss
        ``"exponential"``, ``"logistic"`` or ``"squared"``.
    w0, learning_rate
        Arrays that broadcast: w0 finite, with the exponential loss at most 700 in size (sinh overflows at 711); η > 0
        and finite.

    Raises
    ------
    InputError
        For what is not of these.

    Examples
    --------
    >>> predicted_phase("logistic", 3.0, [7.0, 10.0, 20.0]).tolist()  # η_c(3) = 13.26
    ['converges', 'oscillates below', 'oscillates above']
    """
    start, rate = _checked(loss, w0, learning_rate)
    predict = losses.entry(THEOREMS, loss, "a theorem on its phases")
    return predict(rate, critical_learning_rate(loss, start))


THEOREMS = {
    losses.exponential: lambda rate, critical: np.where(rate < critical, "converges", "diverges"),
    losses.logistic: lambda rate, critical: np.select([rate <= 8, rate <= critical], PHASES[:2], PHASES[2]),
    losses.squared: lambda rate, critical: np.where(rate < critical, "converges", "diverges"),
}


def _checked(loss, w0, learning_rate) -> list[np.ndarray]:
    """Return |w0| and η, broadcast; InputError for those that :func:`predicted_phase` does not allow."""
    start, rate = np.abs(_finite("w0", w0)), _positive("learning_rate", learning_rate)
    loss = losses.get(loss)
    if (start > loss.pair.largest).any():
        raise InputError(f"|w0| = {start.max():g}; allowed with the {loss.name} loss: at most {loss.pair.largest:g}")
    return list(np.broadcast_arrays(start, rate))


def observed_phase(loss: str | losses.Loss, w0, learning_rate, steps: int) -> np.ndarray:
    """Return labels from ``PHASES`` read off the orbit after ``steps`` steps, without using the theory.

    "diverges": |w| overflowed or passed 10⁶ (1 + |w0|); "converges": |w| fell below |w0|/50, or was falling
    without a change of sign; otherwise the larger of the last two |w| is compared with |w0|. The arguments and errors
    are those of :func:`predicted_phase`; ``steps`` is a whole number ≥ 1.

    Examples
    --------
    >>> observed_phase("logistic", 3.0, [7.0, 10.0, 20.0], steps=1000).tolist()
    ['converges', 'oscillates below', 'oscillates above']
    """
    start, rate = _checked(loss, w0, learning_rate)
    w = before = start
    for _ in range(whole("steps", steps, 1)):
        before, w = w, update(loss, w, rate)
    return _read_off(start, w, before)


def _read_off(start: np.ndarray, w: np.ndarray, before: np.ndarray) -> np.ndarray:
    last, amplitude = np.abs(w), np.maximum(np.abs(before), np.abs(w))
    settles = (last < start / 50) | ((np.sign(w) == np.sign(before)) & (last < np.abs(before)))
    return np.select([last > 1e6 * (1 + start), settles, amplitude <= start],
                     ["diverges", "converges", "oscillates below"], "oscillates above")


def phase_map(loss: str | losses.Loss, w0, learning_rate, steps: int) -> np.ndarray:
    """Return :func:`observed_phase`, computed faster: for maps of a million points.

    A compiled loop leaves an orbit as soon as its label can no longer change, mostly after a step or two; what proves
    that is how η_c varies with |w| (see ``catapult.theory._kernels``). Where rounding may decide the label, as on the
    critical curves and after hits, the orbit is followed in the arithmetic of :func:`observed_phase`.

    Examples
    --------
    >>> phase_map("exponential", 1.0, [1.6, 1.8], steps=1000).tolist()  # η_c(1) = 2/sinh 1 = 1.70
    ['converges', 'diverges']
    """
    from catapult.theory import _kernels

    start, rate = _checked(loss, w0, learning_rate)
    shape, start, rate, steps = start.shape, start.ravel(), rate.ravel(), whole("steps", steps, 1)
    codes = np.empty(start.size, dtype=np.int8)
    _kernels.labels(_kernels.code(loss), start, rate, steps, codes)
    unsure = np.flatnonzero(codes == _kernels.OPEN)
    codes[unsure] = 0
    labels = np.array(PHASES)[codes]
    for some in np.split(unsure, range(4096, unsure.size, 4096)):  # arrays that fit the cache
        labels[some] = _read_off(start[some], *_last_two(loss, start[some], rate[some], steps))
    return labels.reshape(shape)[()]


def _last_two(loss, start: np.ndarray, rate: np.ndarray, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Return w after ``steps`` steps and one step earlier; orbits that all repeat themselves bit for bit end early."""
    w = before = start
    for t in range(steps):
        two_ago, before, w = before, w, update(loss, w, rate)
        if t and (w == two_ago).all():
            return (before, w) if (steps - 1 - t) % 2 else (w, before)
    return w, before


# The imbalanced degenerate pair, logistic loss.


def imbalanced_update(w, learning_rate, label_fraction) -> np.ndarray:
    """Return w − η(σ(w) − p), elementwise; p in (0, 1) is the fraction of labels +1.

    Examples
    --------
    >>> float(imbalanced_update(0.0, 1.0, 0.75))
    0.25
    """
    return w - learning_rate * (scipy.special.expit(w) - label_fraction)


def imbalanced_attractor(learning_rates, label_fraction: float, transient: int, kept: int, start=None):
    r"""Return late iterates and Lyapunov exponents of the imbalanced pair, one orbit a learning rate.

    Parameters
    ----------
    learning_rates
        Shape (m,). In units of the stability edge: :math:`\gamma = \eta p(1-p)`, the edge being γ = 2.
    label_fraction
        p in (0, 1).
    transient, kept
        Steps thrown away, steps returned.
    start
        Shape (m,): where the orbits start. None stands for 1.3 beyond the minimum log(p/(1−p)).

    Returns
    -------
    w of shape (kept, m), and the exponents, the means of log |1 − ησ(w)σ(−w)| over the kept steps, of
    shape (m,).

    Raises
    ------
    InputError
        For p outside (0, 1), a transient that is no whole number ≥ 0 and kept steps that are none ≥ 1.

    Examples
    --------
    >>> w, exponent = imbalanced_attractor([8.0], 0.75, transient=1000, kept=1)  # γ = 1.5
    >>> round(float(np.exp(w[0, 0])), 6), round(float(np.exp(exponent[0])), 6)  # p/(1 − p), |1 − γ|
    (3.0, 0.5)
    """
    label_fraction = _fraction(label_fraction)
    whole("transient", transient, 0)
    whole("kept", kept, 1)
    rates = np.asarray(learning_rates, dtype=float)
    w = np.full(rates.shape, scipy.special.logit(label_fraction) + 1.3) if start is None else start
    for _ in range(transient):
        w = imbalanced_update(w, rates, label_fraction)
    orbit, exponent = np.empty((kept, *rates.shape)), np.zeros(rates.shape)
    for t in range(kept):
        orbit[t] = w
        multiplier = 1 - rates * scipy.special.expit(w) * scipy.special.expit(-w)
        exponent += np.log(np.maximum(np.abs(multiplier), 1e-300))
        w = imbalanced_update(w, rates, label_fraction)
    return orbit, exponent / kept


def _fraction(label_fraction) -> float:
    if not 0 < label_fraction < 1:
        raise InputError(f"label_fraction = {label_fraction}; allowed: above 0 and below 1")
    return float(label_fraction)


def chaos_onset(label_fraction: float) -> float:
    """Return the least γ from 2 to 6 at which an orbit of the imbalanced pair has an exponent over 0.005, or NaN.

    p, the label fraction, is in (0, 1); else InputError.

    A number found, not proved: on a grid of step 0.01, then, just below what that gives, of step 0.0005. The orbits
    start at the two points where T' = 0. Every attracting cycle attracts one of them if γ > 1 and η > 4: then the
    Schwarzian derivative of T is negative, and Singer's theorem applies.

    Examples
    --------
    >>> chaos_onset(0.5), chaos_onset(0.7) > 2  # balanced: none
    (nan, True)
    """
    label_fraction = _fraction(label_fraction)
    coarse = _first_chaotic(np.arange(200, 601) / 100, label_fraction)
    return _first_chaotic(coarse - np.arange(50, -1, -1) / 2000, label_fraction)


def _first_chaotic(edge_units: np.ndarray, label_fraction: float) -> float:
    rates = edge_units / (label_fraction * (1 - label_fraction))
    turn = 2 * np.arccosh(np.sqrt(rates) / 2)
    exponents = [imbalanced_attractor(rates, label_fraction, 1000, 1000, start)[1] for start in (turn, -turn)]
    chaotic = np.max(exponents, axis=0) > 0.005
    return float(edge_units[chaotic.argmax()]) if chaotic.any() else float("nan")
