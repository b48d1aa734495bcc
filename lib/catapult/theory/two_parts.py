r"""Mixed data, two-layer linear networks of width m: what rate they have outside E once they are at the edge of E.

:math:`f(x) = v\cdot x` with :math:`v = m^{-1/2}\, W_1^\top w_2`. A step changes v, to first order, by
:math:`-\eta\,(\chi I + m^{-1} W_1^\top W_1)\,\nabla L(v)` with the *scale* :math:`\chi = |w_2|^2/m`. Let :math:`v^*`
be the minimiser within E, H the Hessian there of what is not separable, both in coordinates of E. A network whose W₁ is
aligned with w₂ within E has there :math:`m^{-1} W_1^\top W_1 = v^* v^{*\top}/(m \chi)`, so that it is at the edge of E
at the larger root :math:`\chi^*` of

.. math:: \lambda_{\max}\big(H^{1/2} (\chi I + v^* v^{*\top}/(m \chi)) H^{1/2}\big) = \frac2\eta ,

if there is one: the least value of the left side over χ, 0 only if v* = 0, is the sharpness of the flattest minimum.
Beyond an η of 2 over it, on a line :math:`\sqrt m/(H |v^*|)`, such a network is past the edge at every χ.
"""

from __future__ import annotations

import numpy as np
import xarray as xr

from catapult.parameters import InputError
from catapult.theory.three_points import checked_records


def follow(Z: np.ndarray, first: np.ndarray, second: np.ndarray, learning_rate: float, records) -> xr.Dataset:
    """Follow gradient descent on the mean logistic loss of the points Z (n, d), y = 1, from W1 (m, d) and w2 (m,).

    The loop runs in at most d + 1 coordinates, those of the span of W1's columns and w2, which no step leaves.

    Parameters
    ----------
    Z
        Inputs times labels.
    first, second
        The weights W1 and w2.
    learning_rate
        η > 0, finite.
    records
        Rising steps, the first ≥ 0.

    Returns
    -------
    xarray.Dataset
        Over ``step``: ``predictor`` v (coordinate), ``scale`` χ, and ``pull`` (coordinate), the sum of −∇L over all
        steps before. Not finite from a blow-up on.

    Raises
    ------
    InputError
        For values out of range.

    Examples
    --------
    >>> follow(np.eye(2), np.eye(2), np.ones(2), 0.5, [0, 1]).scale.round(6).values.tolist()
    [1.0, 1.120165]
    """
    from catapult.theory._two_parts import orbit

    records = checked_records(records, learning_rate)
    first, second = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    if first.ndim != 2 or first.shape != (len(second), np.shape(Z)[1]):
        raise InputError(f"first and second have shapes {first.shape} and {second.shape}; allowed: (m, d) and (m,), "
                         f"d = {np.shape(Z)[1]} as the points have")
    frame = np.linalg.qr(np.column_stack([first, second]))[0].T
    vectors, scales, sums = orbit(np.ascontiguousarray(Z, dtype=float), frame @ first, frame @ second,
                                  len(second) ** -0.5, float(learning_rate), records)
    return xr.Dataset({"predictor": (("step", "coordinate"), vectors), "scale": ("step", scales),
                       "pull": (("step", "coordinate"), sums)}, coords={"step": records})


def effective_rate(run: xr.Dataset, direction: np.ndarray) -> xr.DataArray:
    """Return by how much v has moved along a direction (d,), over the pull along it, from each record to the next.

    Shape (records − 1,), ``run`` from :func:`follow`. Of a linear predictor with the rate η it is η.

    Examples
    --------
    >>> run = follow(np.eye(1), np.eye(1), np.ones(1), 0.5, [0, 1])  # v = 1, the pull is p = σ(−1), v⁺ = (1 + p/2)²
    >>> round(float(effective_rate(run, np.ones(1))[0]), 6)  # 1 + p/4
    1.067235
    """
    moved, pulled = (run[name].dot(xr.DataArray(direction, dims="coordinate")).diff("step")
                     for name in ("predictor", "pull"))
    return moved / pulled


def edge_scale(hessian: np.ndarray, minimiser: np.ndarray, learning_rate: float, width: int) -> float:
    """Return χ* of the module, from H (k, k), positive definite, v* (k,), η and m; NaN if there is no root.

    Then η is so large that an aligned network is past the edge at every χ.

    Examples
    --------
    >>> [round(edge_scale(np.eye(1), np.array([3.0]), rate, 9), 6) for rate in (0.8, 1.01)]  # roots up to η = √9/3
    [2.0, nan]
    """
    from scipy.optimize import brentq, minimize_scalar

    root = np.linalg.cholesky(hessian)
    outer = np.outer(minimiser, minimiser) / width

    def above(log_scale: float) -> float:
        x = np.exp(log_scale)
        return np.linalg.eigvalsh(root.T @ (x * np.eye(len(root)) + outer / x) @ root)[-1] - 2 / learning_rate

    high = np.log(2 / (learning_rate * np.linalg.eigvalsh(hessian)[-1]))  # there χ alone reaches the edge
    lowest = minimize_scalar(above, bounds=(high - 40, high), method="bounded").x
    return float(np.exp(brentq(above, lowest, high + 1e-9))) if above(lowest) < 0 else float("nan")
