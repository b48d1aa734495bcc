"""Boxes of (w0, η) on which one step, and with it the whole orbit, is proved to be on one side of the critical rate."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import flint
import numpy as np
from flint import arb

from catapult import losses
from catapult.parameters import InputError, whole
from catapult.theory.certificates._outcomes import MAX_BITS, Exact, covering

FALLS, RISES, UNDECIDED = "below", "above", "undecided"
KNOWN = {loss: loss.name for loss in (losses.exponential, losses.logistic)}


@dataclass(frozen=True, eq=False)
class Boxes:
    """A partition of a rectangle into boxes on which something is proved, and those that are undecided.

    Attributes
    ----------
    boxes
        Shape (k, 4): low and high end of the first side, low and high end of the second. They are floats and are meant
        exactly; the boxes cover the rectangle and overlap in edges only.
    verdict
        Shape (k,): what is proved at every point of the box, or "undecided". :func:`one_step_boxes`, of (w0, η):
        "below" (η < η_c(w0)) or "above"; :func:`start_boxes`, of (f0, Λ0): as in :class:`Rates`.
    """

    boxes: np.ndarray
    verdict: np.ndarray

    def share(self, verdict: str) -> float:
        """Return the share of the area that has this verdict (up to rounding)."""
        area = (self.boxes[:, 1] - self.boxes[:, 0]) * (self.boxes[:, 3] - self.boxes[:, 2])
        return float(area[self.verdict == verdict].sum() / area.sum())


def one_step_boxes(loss: str | losses.Loss, w0: tuple[Exact, Exact], learning_rate: tuple[Exact, Exact], *,
                   depth: int = 8, bits: int = 64, form: str = "ends") -> Boxes:
    r"""Divide a rectangle of (w0, η) into boxes below and above the critical rate, and an undecided rest.

    The sign of :math:`L(T(w)) - L(w)` is that of :math:`\frac\eta2\frac{g(w)}w - 1`, which rises with η and, for w > 0,
    rises with w (exponential loss) or falls (logistic loss): on a box its extremes are at two corners. Boxes that
    neither corner decides are cut in four, ``depth`` times.

    Parameters
    ----------
    loss
        ``"exponential"`` or ``"logistic"``.
    w0, learning_rate
        The sides, low < high, w0 ≥ 0 (the risk is even) and η > 0. Ends that are no floats are rounded outward.
    depth
        At least 0.
    bits
        The working precision.
    form
        ``"ends"``, as above; ``"quotient"``: the same expression, on balls that contain the sides; ``"difference"``:
        :math:`L(T(w)) - L(w)` itself, on the same balls, for comparison.

    Raises
    ------
    InputError
        For sides out of order or range, another loss or form.

    Examples
    --------
    >>> one_step_boxes("exponential", (1, 2), (3, 4), depth=0).verdict.tolist()  # η_c ≤ 2
    ['above']
    """
    name = losses.entry(KNOWN, loss, "a critical rate that varies with w, with balls for it")
    if form not in TESTS:
        raise InputError(f"form = {form!r}; allowed: {', '.join(TESTS)}")
    whole("depth", depth, 0)
    whole("bits", bits, 16, MAX_BITS)
    sides = *covering("w0", w0, zero=True), *covering("learning_rate", learning_rate)
    found: list[tuple] = []
    with flint.ctx.workprec(bits):
        divide(partial(TESTS[form], name), sides, depth, found)
    return Boxes(np.array([box for box, _ in found]), np.array([verdict for _, verdict in found]))


def divide(test, box: tuple[float, ...], depth: int, found: list[tuple]) -> None:
    """Append boxes with their verdicts: those that ``test`` decides, and after ``depth`` cuts in four the others."""
    verdict = test(box)
    if verdict != UNDECIDED or depth == 0:
        found.append((box, verdict))
        return
    first = box[0], box[0] + (box[1] - box[0]) / 2, box[1]
    second = box[2], box[2] + (box[3] - box[2]) / 2, box[3]
    for i in (0, 1):
        for j in (0, 1):
            divide(test, (*first[i:i + 2], *second[j:j + 2]), depth - 1, found)


def excess(loss: str, w: arb, rate: arb) -> arb:
    """Return a ball for (η/2) g(w)/w − 1; at w = 0 its limit. NaN, which decides nothing, if w is a ball around 0."""
    scaled, rate = (w, rate / 2) if loss == "exponential" else (w / 2, rate / 8)
    if w.is_zero():
        return rate - 1
    return rate * (scaled.sinh() if loss == "exponential" else scaled.tanh()) / scaled - 1


def _decided(low: arb, high: arb) -> str:
    """Return the sign of all numbers that lie between the numbers of two balls."""
    return FALLS if high < 0 else RISES if low > 0 else UNDECIDED


def _ends(loss: str, box: tuple[float, ...]) -> str:
    near, far = (box[0], box[1]) if loss == "exponential" else (box[1], box[0])
    return _decided(excess(loss, arb(near), arb(box[2])), excess(loss, arb(far), arb(box[3])))


def _quotient(loss: str, box: tuple[float, ...]) -> str:
    value = excess(loss, arb(box[0]).union(arb(box[1])), arb(box[2]).union(arb(box[3])))
    return _decided(value, value)


def _difference(loss: str, box: tuple[float, ...]) -> str:
    w, rate = arb(box[0]).union(arb(box[1])), arb(box[2]).union(arb(box[3]))
    if loss == "exponential":
        change = (w - rate * w.sinh()).cosh() - w.cosh()
    else:
        change = ((w - rate / 2 * (w / 2).tanh()) / 2).cosh().log() - (w / 2).cosh().log()
    return _decided(change, change)


TESTS = {"ends": _ends, "quotient": _quotient, "difference": _difference}
