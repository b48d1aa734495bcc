r"""Whether several classes can be told apart by linear outputs :math:`x \mapsto Wx`, certified in whole numbers.

*Separable*: some W gives every point its own class the strictly largest output. The outputs of W on the floats x are
computed exactly.

*Strictly non-separable*: the cross-entropy of linear outputs has a minimiser, one up to the same vector added to all
rows of W. That is so if the pairs of classes that are strictly non-separable by themselves
(:mod:`catapult.datasets.separability`) connect all classes. For let W be a direction in which no loss rises in the
limit: :math:`(w_{y_i} - w_c) \cdot x_i \ge 0` for all i and c. On a strictly non-separable pair of classes a, b only
:math:`w_a - w_b = 0` does that, so along the connections all rows of W are equal, and W changes no output's rank. Other
directions let the loss of some point grow without bound, and the risk has compact level sets up to that one vector.
The condition is sufficient, not necessary: where it fails, nothing is said.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
import scipy.optimize
import scipy.special

from catapult.datasets.entries import exact_floats
from catapult.datasets.separability import certify, integer_matrix


def minimiser(X: np.ndarray, y: np.ndarray, steps: int = 2_000) -> np.ndarray:
    """Return W, shape (k, d), that about minimises the mean cross-entropy of the outputs Wx, for y from 0 to k − 1."""
    n, d = X.shape
    own = np.eye(int(y.max()) + 1)[y.astype(int)]

    def risk(flat):
        f = X @ flat.reshape(-1, d).T
        total = scipy.special.logsumexp(f, axis=1)
        return (total - (f * own).sum(1)).mean(), ((np.exp(f - total[:, None]) - own).T @ X / n).ravel()

    found = scipy.optimize.minimize(risk, np.zeros(own.shape[1] * d), jac=True, method="L-BFGS-B",
                                    options={"maxiter": steps, "gtol": 1e-6})
    return found.x.reshape(-1, d)


def separates(W: np.ndarray, X: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return for which points the output Wx of their class is strictly the largest, exactly: shape (n,)."""
    outputs = (integer_matrix(exact_floats(X)) * integer_matrix(exact_floats(W)).transpose()).table()
    right = []
    for row, label in zip(outputs, y.astype(int), strict=True):
        right.append(all(output < row[label] for c, output in enumerate(row) if c != label))
    return np.array(right)


def certify_classes(X: np.ndarray, y: np.ndarray, W: np.ndarray | None = None) -> str:
    """Return "separable", "strictly non-separable" or "undecided" for inputs (n, d) and class numbers; see the module.

    ``W`` is what is tried as a separator; a minimiser of the cross-entropy if it is not given.

    Examples
    --------
    >>> [certify_classes(X, np.arange(3)) for X in (np.eye(3), np.ones((3, 1)))]
    ['separable', 'strictly non-separable']
    """
    W = minimiser(X, y) if W is None else W
    if separates(W, X, y).all():
        return "separable"
    classes = np.unique(y)
    connected = {classes[0]}
    left = list(combinations(classes, 2))
    while pair := next((pair for pair in left if len(connected.intersection(pair)) == 1), None):
        left.remove(pair)
        if _strict(X, y, pair):
            connected.update(pair)
    return "strictly non-separable" if len(connected) == len(classes) else "undecided"


def _strict(X: np.ndarray, y: np.ndarray, pair: tuple) -> bool:
    both = np.isin(y, pair)
    return certify(X[both] * np.where(y[both] == pair[0], 1.0, -1.0)[:, None]).kind == "strictly non-separable"
