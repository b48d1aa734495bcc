r"""Phases of a run of gradient descent: lazy, catapult, divergent, dead, unsettled.

A label depends on what the run did, never on its learning rate, so that the theory's thresholds can be tested
against it. With :math:`L_0, \dots, L_T` the loss at EVERY step (recording every other step would hide an
oscillation of period two), the first of these that holds is the label:

1. **divergent**: some :math:`L_t` is not finite or exceeds ``DIVERGENCE`` · L_0. Absorbing: a ReLU network
   may come back from there, but as a dead one.
2. **dead**: at the end at least the share ``DEAD`` of the training outputs is exactly 0, of a network whose activation
   is constant 0 on a half-line (as ReLU).
3. **unsettled**: :math:`L_T > L_0`; or the run still bounces: within the last tenth of its steps (two at
   least) the loss rises by more than the share ``BOUNCE`` above an earlier value, or the outputs of the last
   three steps have period two: :math:`|f_T - f_{T-2}| \le` ``RETURN`` :math:`|f_T - f_{T-1}|`, with a root
   mean square of :math:`f_T - f_{T-1}` above ``SWING``. (A 2-cycle between w and −w on the degenerate pair
   has constant loss: only the outputs show it.)
4. **catapult**: somewhere the loss rises by more than ``RISE`` · L_0 above an earlier value (and, by 3, it settled at
   or below L_0).
5. **lazy**: all else: the loss never rose.

These are the meanings of the labels everywhere in the companion: statements about the loss. Lewkowycz et al. (2020)
call a learning rate lazy below 2/λ0, whatever the loss does, and the catapult's end is flatter; here that is measured,
not part of the name. :func:`catapult.theory.two_layer.phase_map` gives the same labels from the limit of an orbit: it
sees every rise, also those below ``RISE`` · L_0, and knows the end of what a finite run leaves unsettled. With
minibatches the noise raises the loss, too.

The word *critical* means two things, under two names: ``critical_learning_rate``, of
:mod:`catapult.theory.linear_predictor` and :mod:`catapult.theory.two_layer`, is the rate up to which the first step
does not raise the loss; :func:`stable_learning_rate` is 2/sharpness, where the quadratic model grows.
"""

from __future__ import annotations

import numpy as np

LABELS = ("lazy", "catapult", "divergent", "dead", "unsettled")

DIVERGENCE = 1e3
"""Loss relative to L_0 beyond which a run counts as diverged. Recovered peaks of healthy networks reach tens
of L_0; runs that came back from far above 1e3 came back dead."""
DEAD = 0.99
"""Share of zero outputs from which a network is dead; less is partial death, reported as a fraction."""
PEAK = 1.05
"""Peak relative to L_0 that a figure shows: a check of a catapult may ask for it. No part of the label."""
RISE = 1e-3
"""Rise relative to L_0 that makes a catapult: far above rounding (float32's included), less than a figure shows."""
BOUNCE = 0.01
"""Relative rise in the last tenth of the steps from which a run is still bouncing."""
NEGLIGIBLE = 1e-9
"""Rise relative to L_0 that is never a bounce: a loss that converges to 0 ends in rounding noise."""
RETURN = 0.1
"""How nearly the outputs must be back after two steps to count as period two."""
SWING = 0.1
"""Root-mean-square change of the outputs in one step, in units of the labels ±1, below which period two is
ignored: an oscillation by ±SWING/2 adds at most SWING²/32 = 3e-4 to the mean logistic loss."""


def stable_learning_rate(sharpness):
    """Return 2/sharpness: above it gradient descent on the quadratic model grows. ``sharpness`` > 0, elementwise.

    Examples
    --------
    >>> stable_learning_rate(4.0)
    0.5
    """
    return 2 / sharpness


def blow_up_step(losses: np.ndarray, divergence: float = DIVERGENCE) -> int:
    """Return the first step whose loss is not finite or above ``divergence`` · L_0; −1 if none is. Losses (T+1,).

    Examples
    --------
    >>> blow_up_step(np.array([1.0, 10.0, 2000.0, np.nan])), blow_up_step(np.array([1.0, 10.0]))
    (2, -1)
    """
    blown = ~(losses <= divergence * losses[0]) | ~np.isfinite(losses)
    return int(blown.argmax()) if blown.any() else -1


def label(losses: np.ndarray, *, zero_fraction: float = 0.0, outputs: np.ndarray | None = None,
          divergence: float = DIVERGENCE) -> str:
    """Return the phase of one run, as defined in the module's docstring.

    Parameters
    ----------
    losses
        Mean training loss, shape (T+1,), at every step; after a blow-up it may be NaN.
    zero_fraction
        Share of training outputs that are exactly 0 at the end; 0 for a network that can't die.
    outputs
        Training outputs at the last three steps, shape (3, n), oldest first. Without them, a 2-cycle with
        constant loss goes unseen.
    divergence
        As ``DIVERGENCE``.

    Examples
    --------
    >>> [label(losses) for losses in ([1.0, 0.5, 0.2, 0.1], [1.0, 3.0, 0.5, 0.2, 0.1], [1.0, 2000.0, 0.1])]
    ['lazy', 'catapult', 'divergent']
    """
    losses = np.asarray(losses, dtype=float)
    if blow_up_step(losses, divergence) >= 0:
        return "divergent"
    if zero_fraction >= DEAD:
        return "dead"
    start, end = losses[0], losses[-1]
    last = losses[-1 - max(2, -(-len(losses) // 10)):]
    if end > start * (1 + NEGLIGIBLE) or _bounces(last, start) or _has_period_two(outputs):
        return "unsettled"
    return "catapult" if largest_rise(losses) > RISE * start else "lazy"


def largest_rise(losses: np.ndarray) -> float:
    """Return max over s ≤ t of L_t − L_s, ≥ 0, of losses (T+1,).

    Examples
    --------
    >>> float(largest_rise(np.array([1.0, 0.5, 2.0, 0.1])))
    1.5
    """
    return (losses - np.minimum.accumulate(losses)).max()


def _bounces(losses: np.ndarray, start: float) -> bool:
    lowest = np.minimum.accumulate(losses)
    return bool((losses - lowest > BOUNCE * lowest + NEGLIGIBLE * start).any())


def _has_period_two(outputs: np.ndarray | None) -> bool:
    if outputs is None or len(outputs) < 3:
        return False
    two_ago, one_ago, now = np.asarray(outputs, dtype=float)[-3:]
    swing = np.linalg.norm(now - one_ago)
    return bool(swing > SWING * len(now) ** 0.5 and np.linalg.norm(now - two_ago) <= RETURN * swing)
