"""Several classes told apart by linear outputs: exact outputs, pairs that connect the classes, and the minimiser."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from catapult.datasets.class_separability import certify_classes, minimiser, separates

CORNERS = np.array([[1.0, 0.0], [-0.5, 0.9], [-0.5, -0.9]])


def noise(n: int = 90, d: int = 4):
    rng = np.random.default_rng(2)
    return rng.normal(size=(n, d)), np.arange(n) % 3


def test_outputs_are_compared_exactly():
    X = np.array([[1.0, 2.0**-60]])
    W = np.array([[1.0, 1.0], [1.0, 0.0]])
    assert separates(W, X, np.array([0])).all()  # 1 + 2^-60 is above 1, though not in floating point
    assert not separates(np.array([[1.0, 0.0], [1.0, 0.0]]), X, np.array([0])).any()  # a tie is no separation


def test_separates_is_what_fractions_say():
    X, y = noise()
    W = np.random.default_rng(3).normal(size=(3, 4))
    outputs = [[sum(Fraction(w) * Fraction(x) for w, x in zip(row, point, strict=True)) for row in W] for point in X]
    right = [all(f[label] > f[c] for c in range(3) if c != label) for f, label in zip(outputs, y, strict=True)]
    np.testing.assert_array_equal(separates(W, X, y), right)


def test_corners_are_separable_and_noise_is_strictly_not():
    assert certify_classes(CORNERS, np.arange(3)) == "separable"
    X, y = noise()
    assert certify_classes(X, y) == "strictly non-separable"


def test_a_class_that_lies_apart_is_not_connected():
    X, y = noise()
    X, apart = np.column_stack([X, np.zeros(len(X))]), np.zeros((5, 5))
    apart[:, 4] = 1  # every other class has 0 there: its weights can grow without bound
    assert certify_classes(np.vstack([X, apart]), np.r_[y, np.full(5, 3)]) == "undecided"


@pytest.mark.parametrize("shift", [0.0, 1.0])
def test_the_minimiser_is_one_up_to_a_vector_added_to_all_rows(shift):
    X, y = noise()
    W = minimiser(X, y) + shift
    p = np.exp(X @ W.T)
    p /= p.sum(1, keepdims=True)
    gradient = (p - np.eye(3)[y]).T @ X / len(X)
    assert np.abs(gradient).max() < 1e-5
