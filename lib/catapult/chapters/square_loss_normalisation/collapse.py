"""Neural collapse of a trained network: the four measures of Papyan, Han and Donoho, pure functions."""

from __future__ import annotations

import numpy as np

MEASURES = ("nc1", "nc2", "nc3", "nc4")


def measures(features: np.ndarray, outputs: np.ndarray, weights: np.ndarray, y: np.ndarray) -> dict[str, float]:
    """Return NC1 to NC4; 0 is collapse.

    Parameters
    ----------
    features, outputs
        Of the last hidden layer and the last, shapes (n, m) and (n, K), on the training set.
    weights
        Of the last layer, (K, m).
    y
        Class numbers, (n,), each class there.

    Returns
    -------
    dict
        ``nc1`` tr(Σ_W Σ_B⁺)/K, variability within over between classes; ``nc2`` mean distance of the cosines between
        centred class means from −1/(K − 1); ``nc3`` |W/|W| − M/|M|| of weights and centred class means; ``nc4`` share
        of samples that the nearest class mean puts into another class than the outputs do.
    """
    K = len(weights)
    means = np.stack([features[y == c].mean(0) for c in range(K)])
    within = features - means[y]
    centred = means - means.mean(0)
    between = centred.T @ centred / K
    lengths = np.linalg.norm(centred, axis=1)
    cosines = (centred @ centred.T / np.outer(lengths, lengths))[~np.eye(K, dtype=bool)]
    nearest = ((features[:, None] - means) ** 2).sum(-1).argmin(1)
    inverse = np.linalg.pinv(between, rcond=1e-9, hermitian=True)
    return {"nc1": float(np.trace(within.T @ within / len(y) @ inverse) / K),
            "nc2": float(np.abs(cosines + 1 / (K - 1)).mean()),
            "nc3": float(np.linalg.norm(weights / np.linalg.norm(weights) - centred / np.linalg.norm(centred))),
            "nc4": float((nearest != outputs.argmax(1)).mean())}


def excess(outputs: np.ndarray, weights: np.ndarray) -> float:
    r"""Return :math:`|W|\sqrt{nm}/\|F\|_*`: at least 1 where the features are ReLU of batch-normalised preactivations.

    F = H Wᵀ has :math:`\|F\|_* \le |H||W|`, and the n·m features have a mean square of at most 1.
    """
    return float(np.linalg.norm(weights) * np.sqrt(len(outputs) * weights.shape[1]) / np.linalg.norm(outputs, "nuc"))
