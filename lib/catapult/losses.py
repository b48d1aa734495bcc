r"""The three losses of the companion, as functions of the margin :math:`u = y f(x)`, :math:`y = \pm 1`.

===========  ===========================  ==========================================
name         value                        on the degenerate pair :math:`\{(1, 1), (1, -1)\}`
===========  ===========================  ==========================================
exponential  :math:`e^{-u}`               :math:`L(f) = \cosh f`
logistic     :math:`\log(1 + e^{-u})`     :math:`L(f) = \log(2\cosh(f/2))`
squared      :math:`\frac12 (1 - u)^2`    :math:`L(f) = \frac12 + \frac12 f^2`
===========  ===========================  ==========================================

The squared loss is :math:`\frac12 (f - y)^2`: for :math:`y = \pm 1` the two expressions are equal.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.special

from catapult.parameters import InputError, nearest

Array = Any  # a numpy array or a torch tensor: every function below takes either and returns the same


def _namespaces(u: Array):
    """Return the array module of ``u`` and its special functions, without importing torch."""
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(u, torch.Tensor):
        return torch, torch.special
    return np, scipy.special


@dataclass(frozen=True)
class Loss:
    """A loss of the margin: its value and first two derivatives, elementwise.

    Attributes
    ----------
    value, slope, curvature
        ℓ(u), ℓ'(u), ℓ''(u) for a numpy array or torch tensor ``u`` of any shape.
    curvature_at_zero
        h = ℓ''(0), which is also L''(0) on the degenerate pair.
    """

    name: str
    value: Callable[[Array], Array]
    slope: Callable[[Array], Array]
    curvature: Callable[[Array], Array]
    curvature_at_zero: float


def _exp_minus(u):
    xp, _ = _namespaces(u)
    return xp.exp(-u)


def _softplus_minus(u):
    xp, _ = _namespaces(u)
    if xp is np:
        return np.logaddexp(0, -u)
    # torch's logaddexp has NaN for second derivative once exp(u) overflows; its softplus overflows above the
    # threshold, from which it is the identity.
    return xp.nn.functional.softplus(-u, threshold=700 if u.dtype == xp.float64 else 80)


def _logistic_slope(u):
    _, special = _namespaces(u)
    return -special.expit(-u)


def _logistic_curvature(u):
    _, special = _namespaces(u)
    return special.expit(u) * special.expit(-u)


exponential = Loss("exponential", _exp_minus, lambda u: -_exp_minus(u), _exp_minus, 1.0)
logistic = Loss("logistic", _softplus_minus, _logistic_slope, _logistic_curvature, 0.25)
squared = Loss("squared", lambda u: (1 - u) ** 2 / 2, lambda u: u - 1, lambda u: 0 * u + 1, 1.0)

LOSSES = {loss.name: loss for loss in (exponential, logistic, squared)}


def get(loss: str | Loss) -> Loss:
    """Return the loss of that name; raise :class:`~catapult.parameters.InputError` for an unknown one."""
    if isinstance(loss, Loss):
        return loss
    if loss not in LOSSES:
        raise InputError(f"loss: no loss is called {loss!r}{nearest(loss, LOSSES)}; "
                         f"known: {', '.join(LOSSES)}")
    return LOSSES[loss]
