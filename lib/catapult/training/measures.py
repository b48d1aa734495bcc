r"""By what policies of the learning rate are told apart, besides accuracy (Wu et al., 2019): pure functions.

Of class probabilities p, shape (n, k), and class numbers y, shape (n,), on images that were not trained on; a sample is
right where its largest probability is that of its class, and its confidence is that probability.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy.special


def probabilities(outputs: np.ndarray) -> np.ndarray:
    """Return the softmax of outputs f of shape (n, k).

    Outputs of shape (n,), of a network with labels ±1, stand for two classes, 0 for −1 and 1 for +1, with the
    probabilities 1/(1 + e^f) and 1/(1 + e^(−f)): those with which the logistic loss is −log p of the label.
    """
    outputs = np.asarray(outputs, dtype=float)
    if outputs.ndim == 1:
        return np.stack([scipy.special.expit(-outputs), scipy.special.expit(outputs)], 1)
    return scipy.special.softmax(outputs, axis=1)


def accuracy(p: np.ndarray, y: np.ndarray, k: int = 1) -> float:
    """Return the share of samples whose class is among the k largest probabilities; ties count against it."""
    of_class = p[np.arange(len(y)), y][:, None]
    return float(((p >= of_class).sum(1) <= k).mean())


def confidence(p: np.ndarray, y: np.ndarray) -> float:
    """Return AC, the mean confidence of the samples that are right; nan if none is."""
    return float(_confidences(p, y).mean()) if _right(p, y).any() else float("nan")


def confidence_deviation(p: np.ndarray, y: np.ndarray) -> float:
    """Return CD, the standard deviation (over n) of the confidence of the samples that are right; nan if none is."""
    return float(_confidences(p, y).std()) if _right(p, y).any() else float("nan")


def deviation_across_classes(p: np.ndarray, y: np.ndarray) -> float:
    """Return CDAC, the standard deviation (over k) of the confidences of classes; of those with a right sample."""
    classes = [confidence(p[y == c], y[y == c]) for c in np.unique(y[_right(p, y)])]
    return float(np.std(classes)) if classes else float("nan")


def loss_gap(train_loss: float, test_loss: float) -> float:
    """Return test less training loss, both means over samples: the smaller, the more robust the policy, they say."""
    return test_loss - train_loss


def cost(steps: Sequence[int], accuracies: Sequence[float], target: float) -> float:
    """Return the first of these steps at which the accuracy reaches the target; infinity if none does.

    On a validation set: to choose a policy by the images that judge it would favour those that bounce.
    """
    return float(next((step for step, reached in zip(steps, accuracies, strict=True) if reached >= target), np.inf))


def _right(p: np.ndarray, y: np.ndarray) -> np.ndarray:
    of_class = p[np.arange(len(y)), y][:, None]
    return (p >= of_class).sum(1) == 1


def _confidences(p: np.ndarray, y: np.ndarray) -> np.ndarray:
    return p.max(1)[_right(p, y)]


MEASURES = {"confidence": confidence, "confidence deviation": confidence_deviation,
            "deviation across classes": deviation_across_classes}
"""Those of probabilities and classes."""
