r"""Gradient descent on weights whose length does not matter, as those into a normalised unit: f(cw) = f(w), c > 0.

The gradient is orthogonal to w (Euler) and homogeneous of degree −1, so with weight decay λ a step has
:math:`|w_{t+1}|^2 = (1 - \eta\lambda)^2|w_t|^2 + \eta^2|g_t|^2`, and w at rate η moves in direction as cw at rate c²η
(van Laarhoven, 2017; Arora, Li and Lyu, 2019).
"""

from __future__ import annotations

from typing import Any


def length_after_step(squared: Any, slope_squared: Any, learning_rate: float, decay: float) -> Any:
    """Return |w|² after a step from |w|² and |g|² before it, g the gradient of the loss alone; arrays or numbers.

    Examples
    --------
    >>> length_after_step(4.0, 1.0, learning_rate=0.5, decay=0.0)  # without decay it can only grow
    4.25
    """
    return (1 - learning_rate * decay) ** 2 * squared + learning_rate**2 * slope_squared


def effective_rate(learning_rate: float, squared: float) -> float:
    """Return η/|w|², with which the direction w/|w| moves, from η and |w|² > 0.

    Examples
    --------
    >>> effective_rate(0.5, 4.0)
    0.125
    """
    return learning_rate / squared
