r"""The losses of the companion. For one output three functions of the margin :math:`u = y f(x)`, :math:`y = \pm 1`.

===========  ===========================  ==========================================
name         value                        on the degenerate pair :math:`\{(1, 1), (1, -1)\}`
===========  ===========================  ==========================================
exponential  :math:`e^{-u}`               :math:`L(f) = \cosh f`
logistic     :math:`\log(1 + e^{-u})`     :math:`L(f) = \log(2\cosh(f/2))`
squared      :math:`\frac12 (1 - u)^2`    :math:`L(f) = \frac12 + \frac12 f^2`
===========  ===========================  ==========================================

The squared loss is :math:`\frac12 (f - y)^2`: for :math:`y = \pm 1` the two expressions are equal.

And three losses for class numbers :math:`y \in \{0, \dots, k-1\}` and k outputs, with the residuals
:math:`r_c = f_c - [c = y]` from one-hot labels:

=============  ======================================================================================
name           value
=============  ======================================================================================
cross_entropy  :math:`\log \sum_c e^{f_c} - f_y`, of the softmax
squared        :math:`\frac12 \sum_c r_c^2`
huber          :math:`\sum_c \rho(r_c)`, :math:`\rho(r) = \frac12 r^2` for :math:`|r| \le 1`, else
               :math:`|r| - \frac12` (Huber, 1964, with δ = 1)
=============  ======================================================================================

The cross-entropy is the logistic loss of several classes (with two it is the logistic loss of
:math:`u = f_y - f_{1-y}`); "logistic" means it for several outputs.

Training and curvature see either kind through four functions of outputs and labels: ``of`` (the loss of each
sample), ``gradient`` and ``second`` (its first two derivatives in the outputs) and ``correct``.

``LOSSES``, of margins, and ``CLASS_LOSSES`` are closed tables: a member carries all that is asked of a loss by itself.
What is proved for some losses only is a table in the module of the proof, by losses; :func:`entry` refuses the others.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

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
class Pair:
    r"""A loss on the degenerate pair, :math:`L(f) = \frac12(\ell(f) + \ell(-f))`: even, with its minimum at 0.

    Functions of numpy arrays f of any shape, None where a loss does not give them: see :meth:`Loss.on_pair`.

    Attributes
    ----------
    slope
        g(f) = L'(f).
    critical_rate
        2f/g(f) for f ≥ 0; at 0 its limit 2/h.
    elasticity
        f g'(f)/g(f) for f ≥ 0; at 0 its limit 1.
    excess
        L(f) − min L for f ≥ 0, without cancellation near 0.
    fourth
        L''''(0), which is ℓ''''(0).
    largest
        The largest |f| that theorems are applied to, below the overflow of g.

    Examples
    --------
    >>> exponential.pair.fourth, logistic.pair.fourth, float(logistic.pair.critical_rate(0.0))
    (1.0, -0.125, 8.0)
    """

    slope: Callable[[np.ndarray], np.ndarray] | None = None
    critical_rate: Callable[[np.ndarray], np.ndarray] | None = None
    elasticity: Callable[[np.ndarray], np.ndarray] | None = None
    excess: Callable[[np.ndarray], np.ndarray] | None = None
    fourth: float | None = None
    largest: float = np.inf


@dataclass(frozen=True)
class Loss:
    """A convex loss of the margin: its value and first two derivatives, elementwise, and what it is on the pair.

    Attributes
    ----------
    value, slope, curvature
        ℓ(u), ℓ'(u), ℓ''(u) for a numpy array or torch tensor ``u`` of any shape.
    curvature_at_zero
        h = ℓ''(0), which is also L''(0) on the degenerate pair.
    pair
        Closed forms on the degenerate pair.

    Examples
    --------
    >>> logistic.curvature_at_zero, round(logistic.minimum, 6)  # log 2
    (0.25, 0.693147)
    """

    name: str
    value: Callable[[Array], Array]
    slope: Callable[[Array], Array]
    curvature: Callable[[Array], Array]
    curvature_at_zero: float
    pair: Pair = Pair()

    @property
    def minimum(self) -> float:
        """The minimum ℓ(0) of L on the degenerate pair."""
        return float(self.value(np.zeros(())))

    def on_pair(self, quantity: str) -> Any:
        """Return what :class:`Pair` calls ``quantity``.

        Slope, critical rate and elasticity follow from ℓ where the loss has no closed form for them: g as
        (ℓ'(f) − ℓ'(−f))/2, with an error of some 10⁻¹⁶ ℓ'(0), the others for |f| < 10⁻⁵ by their limits, so with a
        relative error of some 10⁻¹⁰ nearby.

        Raises
        ------
        InputError
            For another quantity that the loss does not give, naming the losses that do.
        """
        given = getattr(self.pair, quantity)
        if given is not None:
            return given
        if quantity in DERIVED:
            return lambda f: DERIVED[quantity](self, f)
        having = [loss.name for loss in LOSSES.values() if getattr(loss.pair, quantity) is not None]
        raise InputError(f"loss = {self.name!r}: lacks {quantity} on the degenerate pair; "
                         f"losses that have it: {', '.join(having)}")

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


class ClassLoss:
    """A loss of outputs ``f`` (…, n, k) and class numbers ``y`` (n,) or (…, n), torch tensors."""

    name: str

    def correct(self, f, y):
        """Return where the largest output is that of the class."""
        return f.argmax(-1) == y

    @staticmethod
    def _less_label(f, y):
        """Return f − e_y."""
        index = y.expand(f.shape[:-1])[..., None]
        return f.scatter_add(-1, index, -f.new_ones(()).expand(index.shape))


@dataclass(frozen=True)
class CrossEntropy(ClassLoss):
    """Softmax cross-entropy.

    Examples
    --------
    >>> import torch
    >>> round(cross_entropy.of(torch.zeros(1, 10), torch.tensor([3])).item(), 3)  # log 10
    2.303
    """

    name: str = "cross_entropy"

    def of(self, f, y):
        """Return log Σ_c exp(f_c) − f_y of each sample, shape (…, n)."""
        return f.logsumexp(-1) - f.gather(-1, y.expand(f.shape[:-1])[..., None])[..., 0]

    def gradient(self, f, y):
        """Return ∂ℓ/∂f = p − e_y with p the softmax, shape (…, n, k)."""
        return self._less_label(f.softmax(-1), y)

    def second(self, f, y, change):
        """Return (diag(p) − p pᵀ) times a change of f."""
        p = f.softmax(-1)
        return p * (change - (p * change).sum(-1, keepdim=True))


@dataclass(frozen=True)
class Regression(ClassLoss):
    r"""A regression on one-hot labels: :math:`\sum_c \rho(f_c - [c = y])`.

    Attributes
    ----------
    value, slope, curvature
        ρ(r), ρ'(r), ρ''(r) for a tensor of residuals r = f − e_y of any shape.

    Examples
    --------
    >>> import torch
    >>> f, y = torch.tensor([[3.0, 0.0]]), torch.tensor([0])  # r = (2, 0)
    >>> squared_one_hot.of(f, y).item(), huber.of(f, y).item()
    (2.0, 1.5)
    """

    name: str
    value: Callable[[Array], Array]
    slope: Callable[[Array], Array]
    curvature: Callable[[Array], Array]

    def of(self, f, y):
        """Return Σ_c ρ(r_c) of each sample, shape (…, n)."""
        return self.value(self._less_label(f, y)).sum(-1)

    def gradient(self, f, y):
        """Return ∂ℓ/∂f = ρ'(r), shape (…, n, k)."""
        return self.slope(self._less_label(f, y))

    def second(self, f, y, change):
        """Return ρ''(r) times a change of f."""
        return self.curvature(self._less_label(f, y)) * change


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


def _slope_on_pair(loss: Loss, f):
    return (loss.slope(f) - loss.slope(-f)) / 2


def _critical_rate(loss: Loss, f):
    safe = np.maximum(f, 1e-5)
    return np.where(f < 1e-5, 2 / loss.curvature_at_zero, 2 * (safe / loss.on_pair("slope")(safe)))


def _elasticity(loss: Loss, f):
    safe = np.maximum(f, 1e-5)
    bend = (loss.curvature(safe) + loss.curvature(-safe)) / 2
    return np.where(f < 1e-5, 1.0, safe * (bend / loss.on_pair("slope")(safe)))


DERIVED = {"slope": _slope_on_pair, "critical_rate": _critical_rate, "elasticity": _elasticity}


# Closed forms on the pair: cosh f − 1 = 2 sinh²(f/2), log cosh(f/2) = log1p(2 sinh²(f/4)), and f/tanh f and f/sinh f
# round to 1 below 10⁻⁸. What overflows is infinite, without a warning.
_quiet = np.errstate(over="ignore")


@_quiet
def _over_sinh(f):
    """Return f/sinh f for f ≥ 0, where sinh overflows too."""
    safe = np.maximum(f, 1e-9)
    return np.where(f < 1e-8, 1.0, 2 * (safe * np.exp(-safe)) / -np.expm1(-2 * safe))


@_quiet
def _over_tanh(f):
    safe = np.maximum(f, 1e-9)
    return np.where(f < 1e-8, 1.0, safe / np.tanh(safe))


@_quiet
def _logistic_excess(f):
    near = np.log1p(2 * np.sinh(np.minimum(f, 4) / 4) ** 2)
    return np.where(f < 4, near, f / 2 - np.log(2) + np.log1p(np.exp(-f)))


exponential = Loss(
    "exponential", _exp_minus, lambda u: -_exp_minus(u), _exp_minus, 1.0,
    Pair(slope=_quiet(np.sinh), critical_rate=lambda f: 2 * _over_sinh(f), elasticity=_over_tanh,
         excess=_quiet(lambda f: 2 * np.sinh(f / 2) ** 2), fourth=1.0, largest=700.0))  # sinh overflows at 711
logistic = Loss(
    "logistic", _softplus_minus, _logistic_slope, _logistic_curvature, 0.25,
    Pair(slope=lambda f: np.tanh(f / 2) / 2, critical_rate=_quiet(lambda f: 8 * _over_tanh(f / 2)),
         elasticity=_over_sinh, excess=_logistic_excess, fourth=-0.125))
squared = Loss(
    "squared", lambda u: (1 - u) ** 2 / 2, lambda u: u - 1, lambda u: 0 * u + 1, 1.0,
    Pair(slope=lambda f: f, critical_rate=lambda f: np.full(np.shape(f), 2.0),
         elasticity=lambda f: np.full(np.shape(f), 1.0), excess=_quiet(lambda f: f * f / 2), fourth=0.0))

cross_entropy = CrossEntropy()
squared_one_hot = Regression("squared", lambda r: r**2 / 2, lambda r: r, lambda r: 0 * r + 1)
huber = Regression("huber", lambda r: r.clamp(-1, 1) * (r - r.clamp(-1, 1) / 2), lambda r: r.clamp(-1, 1),
                   lambda r: (r.abs() <= 1).to(r))

LOSSES = {loss.name: loss for loss in (exponential, logistic, squared)}
CLASS_LOSSES = {loss.name: loss for loss in (cross_entropy, squared_one_hot, huber)}

T = TypeVar("T")


def entry(table: Mapping[Loss, T], loss: str | Loss, what: str) -> T:
    """Return the entry of a loss in a table by losses; InputError, naming those that have one, where it has none.

    ``what`` the table holds is for the message. A loss with the name of another has not its entry.

    Examples
    --------
    >>> entry({exponential: 2, logistic: 8}, "logistic", "a stable learning rate on the pair")
    8
    """
    loss = get(loss)
    if loss not in table:
        raise InputError(f"loss = {loss.name!r}: lacks {what}; losses that have it: "
                         f"{', '.join(member.name for member in table)}")
    return table[loss]


def get(loss: str | Loss | ClassLoss, outputs: int = 1) -> Loss | ClassLoss:
    """Return the loss of that name for a network with that many outputs: of the margin for one, else of class numbers.

    For several outputs "logistic" is the cross-entropy, which generalises it.

    Raises
    ------
    InputError
        For an unknown loss, or one that does not fit the number of outputs.

    Examples
    --------
    >>> get("logistic").name, get("logistic", outputs=10).name
    ('logistic', 'cross_entropy')
    """
    table, kind = (CLASS_LOSSES, ClassLoss) if outputs > 1 else (LOSSES, Loss)
    if isinstance(loss, kind):
        return loss
    own = loss in (*LOSSES.values(), *CLASS_LOSSES.values())  # a loss with the name of another is not taken for it
    name = loss.name if own else loss
    if outputs > 1 and name == "logistic":
        return cross_entropy
    if isinstance(name, str) and name in table:
        return table[name]
    if isinstance(loss, Loss | ClassLoss) or name in list(LOSSES | CLASS_LOSSES):
        raise InputError(f"loss = {getattr(loss, 'name', loss)!r}; allowed for "
                         f"{f'{outputs} outputs' if outputs > 1 else 'one output'}: {', '.join(table)}")
    raise InputError(f"loss: no loss is called {loss!r}{nearest(loss, table)}; known: {', '.join(table)}")
