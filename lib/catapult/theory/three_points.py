r"""The smallest mixed data: an input e₁ with both labels, another, e₂, with one; two-layer linear networks of width m.

With a = W₁e₁, b = W₁e₂ and c = w₂ in :math:`\mathbb R^m` (:math:`f(x) = m^{-1/2} w_2^\top W_1 x`) the outputs are
:math:`u = a\cdot c/\sqrt m` within E = span(e₁) and :math:`p = b\cdot c/\sqrt m` outside it, and the mean logistic loss
is :math:`\frac13[\ell(u) + \ell(-u) + \ell(p)]`. Gradient descent with the rate η is, exactly,

.. math::
   a^+ = a - g c, \quad b^+ = b + h c, \quad c^+ = c - g a + h b, \qquad
   g = \frac{\eta}{3\sqrt m}\tanh\frac u2, \quad h = \frac{\eta}{3\sqrt m}\sigma(-p),

and closes on the six inner products of a, b, c. The *edge* is

.. math:: k = \frac{\eta\,(|a|^2 + |c|^2)}{12\,m},

η/2 times the curvature of the first two terms at u = 0: above 1 the oscillation of u about 0 grows, below it falls.
"""

from __future__ import annotations

import numpy as np
import xarray as xr

from catapult.parameters import InputError, whole

ROUNDING = 1e-12
"""What rounding leaves, relatively, of a difference of squares that is 0."""


def gram(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return the inner products of a, b and c over m, shape (3, 3), of weights W1 (m, 2) and w2 (m,); else InputError.

    Examples
    --------
    >>> gram([[1.0, 0.0], [0.0, 2.0]], [1.0, 1.0]).tolist()
    [[0.5, 0.0, 0.5], [0.0, 2.0, 1.0], [0.5, 1.0, 1.0]]
    """
    vectors = np.column_stack([np.asarray(first, dtype=float), np.asarray(second, dtype=float)])
    if vectors.ndim != 2 or vectors.shape[1] != 3:
        raise InputError(f"first and second have shapes {np.shape(first)} and {np.shape(second)}; "
                         "allowed: (m, 2) and (m,)")
    return vectors.T @ vectors / len(vectors)


def follow(start: np.ndarray, width: int, learning_rate: float, records: np.ndarray) -> xr.Dataset:
    """Follow gradient descent from the inner products ``start`` (3, 3) over m, and record at chosen steps.

    Parameters
    ----------
    start
        From :func:`gram`.
    width
        m ≥ 1.
    learning_rate
        η > 0, finite.
    records
        Rising steps, the first ≥ 0.

    Returns
    -------
    xarray.Dataset
        Over ``step``: ``inside`` u and ``outside`` p, ``gram`` (step, of, with), ``edge`` k; and over the steps after
        the last record up to this one ``square``, the mean of u², and ``highest``, ``lowest``, of k. NaN from a
        blow-up on.

    Raises
    ------
    InputError
        For values out of range.

    Examples
    --------
    >>> follow(np.eye(3), 4, 3.0, [0, 1]).edge.values.tolist()
    [0.5, 0.515625]
    """
    from catapult.theory._three_points import orbit

    records = checked_records(records, learning_rate)
    m = whole("width", width, 1)
    grams, window = orbit(np.array(start, dtype=float), float(m), float(learning_rate), records)
    edge = learning_rate * (grams[:, 0, 0] + grams[:, 2, 2]) / 12
    names = ["a", "b", "c"]
    return xr.Dataset(
        {"inside": ("step", np.sqrt(m) * grams[:, 0, 2]), "outside": ("step", np.sqrt(m) * grams[:, 1, 2]),
         "gram": (("step", "of", "with"), grams), "edge": ("step", edge), "square": ("step", window[:, 0]),
         "highest": ("step", window[:, 1]), "lowest": ("step", window[:, 2])},
        coords={"step": records, "of": names, "with": names})


def checked_records(records, learning_rate: float) -> np.ndarray:
    """Return the steps to record as whole numbers; InputError unless they rise from 0 or above, and η > 0 is finite.

    Examples
    --------
    >>> checked_records([0, 5], 0.5).tolist()
    [0, 5]
    """
    records = np.asarray(records)
    if records.ndim != 1 or not len(records) or records[0] < 0 or (np.diff(records) <= 0).any():
        raise InputError(f"records = {records.tolist()!r:.60}; allowed: rising steps, the first at least 0")
    if not 0 < learning_rate < np.inf:
        raise InputError(f"learning_rate = {learning_rate!r}; allowed: a finite number > 0")
    return records.astype(np.int64)


def outside_law(step) -> np.ndarray:
    """Return log(4t): where p is once the edge is reached, as t ≥ 1 grows, at every rate and width (derived).

    Examples
    --------
    >>> round(float(outside_law(25)), 6)  # log 100
    4.60517
    """
    return np.log(4 * np.asarray(step, dtype=float))


def square_law(step) -> np.ndarray:
    """Return log(4t)/(2t): the square of the oscillation u at the edge, as t grows (derived).

    Examples
    --------
    >>> round(float(square_law(25)), 6)
    0.092103
    """
    return outside_law(step) / (2 * np.asarray(step, dtype=float))


def norm_law(step, learning_rate: float, width: int) -> np.ndarray:
    """Return η log²(4t)/(12 m): |b|²/m at the edge, as t grows (derived).

    Examples
    --------
    >>> round(float(norm_law(25, learning_rate=12.0, width=100)), 6)
    0.212076
    """
    return learning_rate * outside_law(step) ** 2 / (12 * width)


def arrival(start: np.ndarray, width: int, learning_rate: float) -> tuple[float, float]:
    r"""Return at which p, and after about how many steps, the edge is reached if E has settled (u = 0) before.

    ``start`` (3, 3) is from :func:`gram`. Derived for the gradient flow with u = 0, which conserves |a|²,
    J = |b|² − |c|² and Q = (|b|² + |c|²)² − 4mp²:
    :math:`p^* = \sqrt{(2C^* + J)^2 - Q}/(2\sqrt m)` with :math:`C^* = 12m/\eta - |a|^2`, and
    :math:`t^* = \frac{3m}\eta\int_{p_0}^{p^*}\frac{1 + e^p}{\sqrt{Q + 4mp^2}}\,dp`. (p0, 0) if it starts beyond the
    edge; infinitely many steps from b = −c, where Q = 0 and p < 0 tends to 0 from below, and beyond the largest number.

    Examples
    --------
    >>> round(arrival(np.eye(3), 4, 3.0)[0] ** 2, 9)  # p* = √(24² − 8²)/4
    32.0
    >>> arrival(np.eye(3), 4, 6.0)  # it starts at the edge
    (0.0, 0.0)
    """
    from scipy.integrate import quad

    m = float(width)
    a, b, c = (m * start[i, i] for i in range(3))
    p0 = np.sqrt(m) * start[1, 2]
    J, Q, target = b - c, (b + c) ** 2 - 4 * m * p0**2, 12 * m / learning_rate - a
    if target <= c:
        return float(p0), 0.0
    p = np.sqrt((2 * target + J) ** 2 - Q) / (2 * np.sqrt(m))
    if (p0 < 0 and ROUNDING * (b + c) ** 2 >= Q) or p > np.log(np.finfo(float).max):
        return float(p), np.inf
    integral, _ = quad(lambda q: (1 + np.exp(q)) / np.sqrt(Q + 4 * m * q**2), p0, p, limit=200)
    return float(p), 3 * m / learning_rate * integral
