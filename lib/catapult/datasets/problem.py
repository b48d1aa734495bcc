"""What every data set becomes: a classification problem of checked arrays."""

from __future__ import annotations

import functools
import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np

from catapult.parameters import InputError


@dataclass(frozen=True, eq=False)
class Problem:
    """A classification problem. The arrays are stored as read-only float64 numpy copies.

    Parameters
    ----------
    X, y
        Training inputs of shape (n, d) and labels of shape (n,), numpy or torch, n and d ≥ 1. For networks with
        one output the labels are ±1, for networks with several the class numbers 0, 1, ….
    X_test, y_test
        The same for the test set, both or neither.
    name
        What the data are, for people.

    Raises
    ------
    InputError
        One line, for shapes that do not fit, values that are not finite and labels that are neither.

    Examples
    --------
    >>> Problem([[1.0, 2.0], [3.0, 4.0]], [1, -1]).Z.tolist()
    [[1.0, 2.0], [-3.0, -4.0]]
    """

    X: np.ndarray
    y: np.ndarray
    X_test: np.ndarray | None = None
    y_test: np.ndarray | None = None
    name: str = "unnamed data"

    def __post_init__(self):
        for name in ("X", "y", "X_test", "y_test"):
            value = getattr(self, name)
            if value is not None:
                object.__setattr__(self, name, _frozen_array(name, value))
        _check_pair("X", self.X, "y", self.y)
        if (self.X_test is None) != (self.y_test is None):
            raise InputError("X_test and y_test: allowed: both or neither")
        if self.X_test is not None:
            _check_pair("X_test", self.X_test, "y_test", self.y_test)
            if self.X_test.shape[1] != self.dimension:
                raise InputError(f"X_test has shape {self.X_test.shape}; allowed: {self.dimension} columns, "
                                 "as many as X")

    @property
    def dimension(self) -> int:
        """d, the number of features."""
        return self.X.shape[1]

    @property
    def Z(self) -> np.ndarray:
        """The signed inputs z_i = y_i x_i, shape (n, d): all that a bias-free linear predictor sees."""
        if (np.abs(self.y) != 1).any():
            raise InputError("y holds class numbers; allowed: 1 and -1, for signed inputs")
        return self.y[:, None] * self.X

    @functools.cached_property
    def checksum(self) -> str:
        """The sha256 over the shapes and bytes (little-endian float64) of the four arrays; not the name.

        What ``data(parameters)`` of an experiment returns for data that are no files of ``datasets.sources``.
        """
        digest = hashlib.sha256()
        for array in (self.X, self.y, self.X_test, self.y_test):
            digest.update(b"none" if array is None else repr(array.shape).encode())
            digest.update(b"" if array is None else array.astype("<f8").tobytes())
        return digest.hexdigest()


def _frozen_array(name: str, value: Any) -> np.ndarray:
    if hasattr(value, "detach"):  # a torch tensor, on whatever device
        value = value.detach().cpu().double().numpy()
    try:
        array = np.array(value, dtype=np.float64, order="C")
    except (TypeError, ValueError):
        raise InputError(f"{name} is not an array of numbers") from None
    if not np.isfinite(array).all():
        raise InputError(f"{name} holds NaN or infinity; allowed: finite numbers")
    array.setflags(write=False)
    return array


def _check_pair(X_name: str, X: np.ndarray, y_name: str, y: np.ndarray) -> None:
    if X.ndim != 2 or 0 in X.shape:
        raise InputError(f"{X_name} has shape {X.shape}; allowed: (n, d) with n and d at least 1")
    if y.shape != X.shape[:1]:
        raise InputError(f"{y_name} has shape {y.shape}; allowed: {X.shape[:1]}, one label for each row of "
                         f"{X_name}")
    if (np.abs(y) == 1).all():
        return
    wrong = y[(y < 0) | (y != np.round(y))]
    if wrong.size:
        raise InputError(f"{y_name} holds the label {wrong[0]:g}; allowed: 1 and -1, or class numbers 0, 1, …")
