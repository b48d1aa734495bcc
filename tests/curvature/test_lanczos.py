"""The largest eigenvalue is found from any start, as often as is promised; what stops too early is seen to miss."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import lanczos_zoo
from catapult import curvature
from catapult.curvature import lanczos
from catapult.networks import Network


def symmetric(eigenvalues, seed=0):
    """Return a symmetric matrix with these eigenvalues, and its eigenvectors as columns."""
    generator = torch.Generator().manual_seed(seed)
    size = len(eigenvalues)
    Q = torch.linalg.qr(torch.randn(size, size, generator=generator, dtype=torch.float64))[0]
    return Q @ torch.diag(torch.tensor(eigenvalues, dtype=torch.float64)) @ Q.T, Q


def top(matrix, seed=0, guess=None, **options):
    start = lanczos.start_vectors(len(matrix), [seed], guess)
    [value], [vector] = lanczos.largest(lambda v: v @ matrix, *start, **options)
    return value, vector


@pytest.mark.slow
@pytest.mark.parametrize("name", lanczos_zoo.NAMES)
def test_no_start_misses_the_largest_eigenvalue(name):
    spectrum = lanczos_zoo.spectrum_of(name)
    second = int(np.argsort(spectrum)[-2])
    for options in ({}, {"guess": second}, {"rough": True}, {"guess": second, "rough": True}):
        assert lanczos_zoo.misses(spectrum, lanczos_zoo.errors(spectrum, range(40), **options)) == 0, options


@pytest.mark.slow
def test_without_the_bound_from_above_starts_do_miss(monkeypatch):
    monkeypatch.setattr(lanczos.Decomposition, "growth", lambda self, *given: np.inf)
    spectrum = lanczos_zoo.spectrum_of("pair 1.01, 1 over a bulk")
    assert lanczos_zoo.misses(spectrum, lanczos_zoo.errors(spectrum, range(40))) > 1
    assert lanczos_zoo.misses(spectrum, lanczos_zoo.errors(spectrum, range(40), guess=1)) > 1


@pytest.mark.parametrize("options", [{}, {"guess": 1}, {"guess": 1, "rough": True}, {"basis": 8},
                                     {"guess": 1, "basis": 8}], ids=str)
def test_misses_are_as_frequent_as_the_bound_allows_and_no_more(monkeypatch, options):
    """At MISS = 1/2 the worst spectrum, whose top is just above what the tolerance excuses, is missed now and then."""
    monkeypatch.setattr(lanczos, "MISS", 0.5)
    spectrum = lanczos_zoo.spectrum_of("pair 1.0011, 1 over a bulk")
    share = lanczos_zoo.misses(spectrum, lanczos_zoo.errors(spectrum, range(200), **options)) / 200
    assert 0 < share <= 0.5


@pytest.mark.slow
@pytest.mark.parametrize("basis", [8, 24])
def test_restarts_keep_the_guarantee(basis):
    for name in ("pair 1.01, 1 over a bulk", "three: 1, .98, .95", "cluster of 20", "geometric", "multiple"):
        spectrum = lanczos_zoo.spectrum_of(name)
        for guess in (None, int(np.argsort(spectrum)[-2])):
            found = lanczos_zoo.errors(spectrum, range(20), guess=guess, basis=basis)
            assert lanczos_zoo.misses(spectrum, found) == 0


def test_a_small_basis_restarts_until_a_dense_spectrum_is_resolved():
    spectrum = np.array([5.0, 4.9, *np.linspace(-3, 4.8, 298)])
    assert lanczos_zoo.errors(spectrum, [0], basis=8)[0] == pytest.approx(0, abs=1e-4)


def test_it_is_the_largest_eigenvalue_not_the_largest_in_magnitude():
    matrix, Q = symmetric([-10.0, 3.0, 1.0, 0.5, -2.0, 0.1])
    value, vector = top(matrix)
    assert value == pytest.approx(3, rel=1e-9)
    assert abs(vector @ Q[:, 1]).item() == pytest.approx(1, rel=1e-9)


def test_of_a_negative_operator_it_is_the_eigenvalue_nearest_zero():
    assert top(symmetric([-10.0, -3.0, -1.0, -0.5])[0])[0] == pytest.approx(-0.5, rel=1e-9)


def test_the_value_is_the_rayleigh_quotient_of_the_vector_also_after_a_search_in_float32():
    matrix, _ = symmetric([5.0, *np.linspace(-1, 4, 199)])
    for rough in (None, lambda v: v @ matrix.float()):
        value, vector = top(matrix, rough=rough)
        assert vector.norm().item() == pytest.approx(1, rel=1e-12)
        assert (vector @ matrix @ vector).item() == pytest.approx(value, rel=1e-12)


def test_what_float32_cannot_hold_is_searched_in_float64():
    matrix, _ = symmetric([5.0, 3.0, *np.linspace(-1, 2, 98)])
    for scale in (1e-165, 1e-60, 1e-42, 1e-20, 1e60, 1e160):
        value, vector = top(scale * matrix, rough=lambda v, scale=scale: v @ (scale * matrix).float())
        assert value / scale == pytest.approx(5, rel=1e-9)
        assert vector.norm().item() == pytest.approx(1, rel=1e-9)


@pytest.mark.parametrize("scale", [1e-30, 1e-20, 1])
def test_small_operators_have_no_other_failures_than_large_ones(scale):
    spectrum = scale * np.array([1.15, *[1] * 4999])
    assert lanczos_zoo.misses(spectrum / scale, lanczos_zoo.errors(spectrum, range(5), rough=True)) == 0


def test_a_network_whose_float32_curvature_vanishes_has_that_of_float64():
    network, X = Network((2, 1), parametrization="standard"), torch.eye(2, dtype=torch.float64)
    for outputs in ((95.0, 98.0), (300.0, 303.0)):
        weights = [torch.tensor([outputs], dtype=torch.float64)]
        [value], _ = curvature.sharpness_of_runs(network, "logistic", [W[None] for W in weights], X,
                                                 torch.ones(2, dtype=torch.float64))
        assert value / (np.exp(-outputs[0]) / 2) == pytest.approx(1, rel=1e-9)


@pytest.mark.parametrize("wrong", [lambda v: -v, lambda v: 0.98 * v, lambda v: v.flip(-1)])
def test_a_search_of_another_operator_in_float32_is_found(wrong):
    matrix, _ = symmetric([5.0, 3.0, *np.linspace(-1, 2, 98)])
    value, _ = top(matrix, rough=lambda v: wrong(v @ matrix.float()))
    assert value == pytest.approx(5, rel=1e-9)


def counted(matrix):
    calls = []
    return calls, lambda v: calls.append(1) or v @ matrix


def test_a_warm_start_costs_no_more_products_than_a_cold_one():
    matrix, Q = symmetric([5.0, *np.linspace(-0.1, 0.4, 199)])
    cold, product = counted(matrix)
    lanczos.largest(product, *lanczos.start_vectors(200, [0]))
    warm, product = counted(matrix)
    [value], _ = lanczos.largest(product, *lanczos.start_vectors(200, [0], Q[:, :1].T))
    assert value == pytest.approx(5, rel=1e-4)
    assert len(warm) <= len(cold)


def test_sharpness_follows_no_former_top_direction():
    """The Hessian k aaᵀ ⊕ bbᵀ on two blocks of 1,000 weights, k falling, each call from the last vector."""
    generator = torch.Generator().manual_seed(3)
    a, b = (v / v.norm() for v in torch.randn(2, 1000, generator=generator, dtype=torch.float64))
    weights, vector = [torch.zeros(1, 1000, dtype=torch.float64), torch.zeros(1, 1000, dtype=torch.float64)], None
    for step, k in enumerate((1.5, 1.2, 1.01, 0.99, 0.9, 0.8, 0.5)):
        value, vector = curvature.sharpness(lambda w, k=k: (k * (w[0] @ a) ** 2 + (w[1] @ b) ** 2).sum() / 2, weights,
                                            vector, seed=step)
        assert value == pytest.approx(max(k, 1), rel=1e-9)


def test_an_operator_that_is_not_finite_has_no_eigenvalue_and_its_neighbours_have():
    matrix, _ = symmetric([5.0, *np.linspace(-1, 4, 49)])
    calls = []

    def breaks(v):
        calls.append(1)
        return torch.stack([v[0] @ matrix, v[1] @ matrix * (np.inf if len(calls) == 3 else 1)])

    values, _ = lanczos.largest(breaks, *lanczos.start_vectors(50, [0, 1]))
    assert values[0] == pytest.approx(5, rel=1e-4)
    assert np.isnan(values[1])


@pytest.mark.slow
def test_an_operator_that_is_zero_has_the_eigenvalue_zero_after_one_product():
    diagonal = torch.stack([torch.zeros(3000), torch.linspace(0.5, 1, 3000)]).double()
    values, vectors = lanczos.largest(lambda v: v * diagonal, *lanczos.start_vectors(3000, [0, 1]))
    assert values[0] == 0
    assert values[1] == pytest.approx(1, rel=1e-3)
    assert vectors.norm(dim=1).numpy() == pytest.approx([1, 1], rel=1e-9)
    calls = []
    lanczos.largest(lambda v: calls.append(1) or 0 * v, *lanczos.start_vectors(3000, [0]))
    assert len(calls) == 1


@pytest.mark.parametrize("value", [-1.0, -0.3, 2.0])
def test_a_multiple_of_the_identity_has_no_other_eigenvalue(value):
    for tolerance in (1e-3, 1e-13):
        found, _ = lanczos.largest(lambda v: value * v, *lanczos.start_vectors(300, range(20)), tolerance=tolerance)
        np.testing.assert_allclose(found, value, rtol=1e-12)


@pytest.mark.parametrize("guess", [0.0, np.nan, np.inf])
def test_a_guess_that_is_no_direction_is_a_cold_start(guess):
    matrix, _ = symmetric([5.0, *np.linspace(-1, 4, 49)])
    assert top(matrix, guess=torch.full((1, 50), guess).double())[0] == pytest.approx(5, rel=1e-4)


def test_what_is_not_bounded_in_time_is_said(monkeypatch):
    monkeypatch.setattr(lanczos, "MAX_PRODUCTS", 5)
    with pytest.warns(lanczos.Uncertain, match="no upper bound on 1 largest eigenvalues after 5 products"):
        top(symmetric(np.linspace(-1, 1, 100))[0])


def test_noise_differs_between_calls_and_is_not_that_of_the_weights():
    first, again, second = (lanczos.start_vectors(10_000, [seed])[0][0] for seed in ((0, 0), (0, 0), (0, 1)))
    assert torch.equal(first, again)
    weights = Network((100, 100, 1)).initialise(0)[0].flatten()
    for other in (second, weights):  # correlations of independent vectors are about 1/100
        assert abs(torch.corrcoef(torch.stack([first, other]))[0, 1].item()) < 0.05


def test_the_few_largest_come_with_their_multiplicity():
    matrix, _ = symmetric([3.0, 3.0, 3.0, 2.0, 1.5, *np.linspace(-4, 1, 95)])
    values, vectors = lanczos.largest_few(lambda v: v @ matrix, 100, 5)
    np.testing.assert_allclose(values, [3, 3, 3, 2, 1.5], rtol=1e-4)
    np.testing.assert_allclose((vectors @ vectors.T).numpy(), np.eye(5), atol=1e-8)


@pytest.mark.slow
def test_the_few_largest_of_a_definite_operator_are_all_its_own():
    for eigenvalues in (-np.linspace(1, 2, 300), np.linspace(1, 2, 300)):
        diagonal = torch.tensor(eigenvalues)
        values, _ = lanczos.largest_few(lambda v, diagonal=diagonal: v * diagonal, 300, 4)
        np.testing.assert_allclose(values, np.sort(eigenvalues)[:-5:-1], rtol=1e-3)
    X = torch.randn(300, 100, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    weights = [torch.zeros(1, 100, dtype=torch.float64)]
    smallest = curvature.hessian_eigenvalues(lambda w: ((X @ w[0][0]) ** 2).mean() / 2, weights, 4, "smallest")
    dense = torch.linalg.eigvalsh(X.T @ X / 300).numpy()
    np.testing.assert_allclose(smallest, dense[:4], atol=1e-3 * dense[-1] / 1000 + 1e-3 * dense[0])


def test_more_eigenvalues_than_there_are_are_not_given():
    matrix, _ = symmetric([2.0, 1.0, -1.0])
    np.testing.assert_allclose(lanczos.largest_few(lambda v: v @ matrix, 3, 7)[0], [2, 1, -1], rtol=1e-9)


@pytest.mark.slow
def test_the_density_is_that_of_the_eigenvalues():
    eigenvalues = np.concatenate([np.random.default_rng(3).uniform(-1, 1, 360), np.full(40, 3.0)])
    matrix, _ = symmetric(eigenvalues)
    grid, width = np.linspace(-2, 4, 601), 0.3
    density = lanczos.spectral_density(lambda v: v @ matrix, 400, grid, width, probes=20, steps=60)
    exact = np.exp(-(((grid[:, None] - eigenvalues) / width) ** 2) / 2).mean(1) / (width * np.sqrt(2 * np.pi))
    assert np.trapezoid(density, grid) == pytest.approx(1, abs=1e-3)
    assert np.abs(density - exact).max() < 0.1 * exact.max()  # 8,000 squares of Gaussians: 1.6 % and more in the tails
