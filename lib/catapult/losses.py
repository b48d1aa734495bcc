r"""The three losses of the companion, as functions of the margin :math:`u = y f(x)`, :math:`y = \pm 1`.

===========  ===========================  ==========================================
name         value                        on the degenerate pair :math:`\{(1, 1), (1, -1)\}`
===========  ===========================  ==========================================
exponential  :math:`e^{-u}`               :math:`L(f) = \cosh f`
logistic     :math:`\log(1 + e^{-u})`     :math:`L(f) = \log(2\cosh(f/2))`
squared      :math:`\frac12 (1 - u)^2`    :math:`L(f) = \frac12 + \frac12 f^2`
===========  ===========================  ==========================================

The squared loss is :math:`\frac12 (f - y)^2`: for :math:`y = \pm 1` the two expressions are equal.

And one loss for class numbers :math:`y \in \{0, \dots, k-1\}` and k outputs: the softmax cross-entropy
:math:`\log \sum_c e^{f_c} - f_y`, the logistic loss of several classes (with two it is the logistic loss of
:math:`u = f_y - f_{1-y}`).

Training and curvature see either kind through four functions of outputs and labels: ``of`` (the loss of each
sample), ``gradient`` and ``second`` (its first two derivatives in the outputs) and ``correct``.
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

    def of(self, f, y):
        """Return the loss of each sample for outputs ``f`` and labels ``y`` of ±1."""
        return self.value(y * f)

    def gradient(self, f, y):
        """Return ∂ℓ/∂f."""
        return y * self.slope(y * f)

    def second(self, f, y, change):
        """Return ∂²ℓ/∂f² times a change of f."""
        return self.curvature(y * f) * change

    def correct(self, f, y):
        """Return where y f > 0: an output of exactly 0 is an error."""
        return y * f > 0


@dataclass(frozen=True)
class CrossEntropy:
    """Softmax cross-entropy, on torch tensors: outputs ``f`` (…, n, k), class numbers ``y`` (n,) or (…, n)."""

    name: str = "cross_entropy"

    @staticmethod
    def _index(f, y):
        return y.expand(f.shape[:-1])[..., None]

    def of(self, f, y):
        """Return log Σ_c exp(f_c) − f_y of each sample, shape (…, n)."""
        return f.logsumexp(-1) - f.gather(-1, self._index(f, y))[..., 0]

    def gradient(self, f, y):
        """Return ∂ℓ/∂f = p − e_y with p the softmax, shape (…, n, k)."""
        index = self._index(f, y)
        return f.softmax(-1).scatter_add(-1, index, -f.new_ones(()).expand(index.shape))

    def second(self, f, y, change):
        """Return (diag(p) − p pᵀ) times a change of f."""
        p = f.softmax(-1)
        return p * (change - (p * change).sum(-1, keepdim=True))

    def correct(self, f, y):
        """Return where the largest output is that of the class."""
        return f.argmax(-1) == y


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

cross_entropy = CrossEntropy()

LOSSES = {loss.name: loss for loss in (exponential, logistic, squared)}


def get(loss: str | Loss | CrossEntropy, outputs: int = 1) -> Loss | CrossEntropy:
    """Return the loss of that name for a network with that many outputs.

    For several outputs that is the cross-entropy, under its name or as "logistic", whose generalisation it is.

    Raises
    ------
    InputError
        For an unknown loss, or one that does not fit the number of outputs.
    """
    if outputs > 1:
        if loss in ("cross_entropy", cross_entropy, "logistic", logistic):
            return cross_entropy
        raise InputError(f"loss = {getattr(loss, 'name', loss)!r}; allowed for {outputs} outputs: cross_entropy")
    if isinstance(loss, Loss):
        return loss
    if loss in ("cross_entropy", cross_entropy):
        raise InputError(f"loss = 'cross_entropy'; allowed for one output: {', '.join(LOSSES)}")
    if not isinstance(loss, str) or loss not in LOSSES:
        raise InputError(f"loss: no loss is called {loss!r}{nearest(loss, LOSSES)}; "
                         f"known: {', '.join(LOSSES)}")
    return LOSSES[loss]
