"""Every displayed formula of the chapter on collapse of rank."""

from __future__ import annotations

import numpy as np
import pytest

from catapult.oracles import rank as oracle
from catapult.theory import rank
from formulas import Formulas

formula = Formulas("rank-collapse")
SETTING = (6, 0.9, 1.1, 0.7)


def test_every_displayed_formula_has_a_test_and_every_test_a_formula():
    formula.assert_complete(at_least=3)


@formula("eq-rank-srank")
def test_srank_is_the_least_number_of_values_that_carry_the_sum():
    for seed in range(20):
        values = np.random.default_rng(seed).exponential(size=30) ** 3
        falling = sorted(values, reverse=True)
        by_hand = next(k for k in range(1, 31) if sum(falling[:k]) >= 0.99 * sum(falling) * (1 - 1e-12))
        assert int(rank.srank(values)) == by_hand
    assert int(rank.srank(np.ones(100))) == 99


@formula("eq-rank-fits")
def test_the_fits_of_a_kernel_are_powers_and_sums_of_powers():
    eigenvalues = rank.torus_eigenvalues(*SETTING)
    for fits in (1, 2, 7):
        bare, rewarded = oracle.fitted(*SETTING, fits)
        np.testing.assert_allclose(np.sort(rank.distilled(eigenvalues, fits)), bare[::-1], atol=1e-13)
        np.testing.assert_allclose(np.sort(np.abs(rank.rewarded(eigenvalues, fits))), rewarded[::-1], rtol=1e-11)


@formula("eq-rank-ratios")
def test_ratios_vanish_without_rewards_and_have_a_floor_with_them():
    low, high = np.array([0.2]), np.array([0.8])
    ratio = [float(rank.rewarded(low, k)[0] / rank.rewarded(high, k)[0]) for k in range(1, 200)]
    assert ratio[0] == 1
    assert (np.diff(ratio) <= 0).all()
    assert ratio[-1] == pytest.approx((1 - 0.8) / (1 - 0.2))
    assert float(rank.distilled(low, 50)[0] / rank.distilled(high, 50)[0]) == pytest.approx(0.25**50)
