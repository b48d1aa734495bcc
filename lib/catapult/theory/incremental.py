r"""The toy model of incremental learning: values that grow one after the other, and from how small a start.

A value is :math:`\sigma = w^N`, its target :math:`\sigma^*`, the loss :math:`\frac12(\sigma - \sigma^*)^2`; gradient
flow on w has :math:`\dot\sigma = N^2\sigma^{2-2/N}(\sigma^* - \sigma)`. Of two with targets r > 1 and 1 and one start
:math:`\sigma_0` the learning is incremental, (s, f), if the second is at most s when the first gets to f r: from
:math:`\sigma_0` at most a threshold (Gissin, Shalev-Shwartz and Daniely, 2019).
"""

from __future__ import annotations

import numpy as np
from scipy.integrate import quad
from scipy.optimize import brentq

LEVELS = (0.25, 0.75)
"""s and f."""


def log_threshold(depth: int, r: float, levels: tuple[float, float] = LEVELS) -> float:
    """Return log σ0 of the threshold: where the times to f r and to s are equal, by quadrature and bisection.

    N = ``depth`` ≥ 2, r > 1, ``levels`` (s, f) in (0, 1). NaN if there is none below s.

    Examples
    --------
    >>> round(float(np.exp(log_threshold(2, 2.0))), 6), round(1 - (27 / 28) ** 0.5, 6)  # solved by hand at N = r = 2
    (0.018019, 0.018019)
    """
    s, f = levels

    def lead(log_start):  # < 0: the first is there before
        return time(depth, r, f * r, log_start) - time(depth, 1.0, s, log_start)

    low = -1.0
    while lead(low) > 0:
        low *= 2
    return float(brentq(lead, low, np.log(s) - 1e-9, xtol=1e-12, rtol=1e-14)) if lead(np.log(s) - 1e-9) > 0 else np.nan


def time(depth: int, target: float, level: float, log_start: float) -> float:
    r"""Return :math:`\int d\sigma/N^2\sigma^{2-2/N}(\sigma^* - \sigma)` from the start to a level, in x = log σ.

    The start is below the level, and that below the target. What is singular at small σ,
    :math:`\sigma^{2/N-2}/\sigma^*`, is integrated by hand.

    Examples
    --------
    >>> round(float(time(2, 1.0, 0.75, np.log(0.25))), 6)  # log(3)/2
    0.549306
    """
    p, end = 1 - 2 / depth, np.log(level)
    singular = (end - log_start if p == 0 else (np.exp(-p * log_start) - np.exp(-p * end)) / p) / target
    rest, _ = quad(lambda x: np.exp((1 - p) * x) / (target * (target - np.exp(x))), log_start, end, limit=200,
                   points=[max(log_start, end - 5)], epsabs=1e-13, epsrel=1e-12)
    return (singular + rest) / depth**2


def log_law(depth: int, r: float, levels: tuple[float, float] = LEVELS) -> float:
    r"""Return log σ0 of the threshold as r → 1.

    At N = 2 :math:`\bigl(r\log\frac s{1-s} - \log\frac{fr}{1-f}\bigr)/(r-1)`: exponentially small. Beyond, with
    p = 1 − 2/N, :math:`\sigma_0^p = \frac{r-1}{p\,c\,r}`, :math:`c = r^{-1-p}F(f) - F(s)` and the finite part F of the
    time: polynomial, of the degree N/(N − 2). The arguments are those of :func:`log_threshold`.

    Examples
    --------
    >>> round(float(np.exp(-log_law(2, 2.0))), 9)
    54.0
    """
    s, f = levels
    if depth == 2:
        return float((r * np.log(s / (1 - s)) - np.log(f * r / (1 - f))) / (r - 1))
    p = 1 - 2 / depth
    c = r ** (-1 - p) * finite_part(depth, f) - finite_part(depth, s)
    return float(np.log((r - 1) / (p * c * r)) / p)


def finite_part(depth: int, level: float) -> float:
    r"""Return :math:`\lim_{x\to0} \int_x^{\rm level}\frac{du}{u^{1+p}(1-u)} - \frac{x^{-p}}p`, p = 1 − 2/N > 0.

    N = ``depth`` > 2, the level in (0, 1).

    Examples
    --------
    >>> round(finite_part(4, 0.25), 6)  # log 3 − 4
    -2.901388
    """
    p = 1 - 2 / depth
    regular, _ = quad(lambda v: 1 / (1 - v ** (1 / (1 - p))) / (1 - p), 0, level ** (1 - p), epsabs=1e-13)
    return regular - level**-p / p


def stable_learning_rate(depth: int, target: float) -> float:
    r"""Return :math:`2/N^2\sigma^{*2-2/N}`: 2/sharpness of a value at its target.

    Examples
    --------
    >>> stable_learning_rate(2, 4.0)
    0.125
    """
    return 2 / (depth**2 * target ** (2 - 2 / depth))


def step(depth: int, targets: np.ndarray, rate: float, w: np.ndarray) -> np.ndarray:
    r"""Return :math:`w + \eta N w^{N-1}(\sigma^* - w^N)`: a step of gradient descent on each weight, (targets,).

    Examples
    --------
    >>> step(2, np.array([4.0]), 0.125, np.array([1.0])).tolist()
    [1.75]
    """
    return w + rate * depth * w ** (depth - 1) * (targets - w**depth)


def descend(depth: int, targets, rate: float, log_start: float, steps: int) -> np.ndarray:
    """Return the values σ of gradient descent from one σ0 > 0, shape (steps + 1, targets).

    Examples
    --------
    >>> descend(2, [4.0], 0.125, 0.0, 1).tolist()
    [[1.0], [3.0625]]
    """
    w = np.full(len(targets), np.exp(log_start / depth))
    path = [w]
    for _ in range(steps):
        w = step(depth, np.asarray(targets, dtype=float), rate, w)
        path.append(w)
    return np.array(path) ** depth


def log_second_of_steps(depth: int, r: float, multiple: float, log_start: float, first: float = LEVELS[1]) -> float:
    r"""Return log σ of target 1 when gradient descent takes that of target r to ``first`` · r.

    At ``multiple`` times :math:`2/N^2r^{2-2/N}`, 2/sharpness at r. Both take steps from one start; between two steps
    log σ of both is interpolated.

    Examples
    --------
    >>> second = log_second_of_steps(2, 2.0, 0.001, log_threshold(2, 2.0))  # small steps follow the flow: at s = 1/4
    >>> round(float(np.exp(second)), 3)
    0.25
    """
    rate = multiple * stable_learning_rate(depth, r)
    w, targets, before = np.full(2, np.exp(log_start / depth)), np.array([r, 1.0]), None
    while w[0] ** depth < first * r:
        before = w
        w = step(depth, targets, rate, w)
    share = np.log(first * r / before[0] ** depth) / (depth * np.log(w[0] / before[0]))
    return float(depth * (np.log(before[1]) + share * np.log(w[1] / before[1])))


def ratio_of_steps(r: float, multiple: float) -> float:
    r"""Return the ratio of growth rates near 0 at depth 2: log(1 + 2ηr)/log(1 + 2η) at η = multiple/2r, below r.

    Examples
    --------
    >>> [round(ratio_of_steps(2.0, multiple), 3) for multiple in (1e-6, 1.0)]  # r, and log(2)/log(3/2)
    [2.0, 1.71]
    """
    return float(np.log1p(multiple) / np.log1p(multiple / r))
