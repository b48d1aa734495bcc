"""Chapter catapult-squared results: networks lie on the recursion, and what the page says of its figures is so."""

from __future__ import annotations

import numpy as np
import pytest

from catapult.chapters.catapult_squared import experiment as catapult_squared
from catapult.runs import results

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def quick():
    return results.compute(catapult_squared, catapult_squared.Parameters.checked(scale="quick"))


def test_networks_lie_on_the_recursion(quick):
    small = np.isfinite(quick.network_f) & (quick.network_f < 1e6) & (quick.f > 1e-5)
    assert small.sum() > 80
    gap = np.abs(quick.network_f / quick.f - 1).where(small)
    assert float(gap.max()) < 1e-4  # f² is read off the loss: 10⁻¹⁶ of ½ + f²/2
    assert float(np.abs(quick.network_ntk / quick.ntk - 1).where(small).max()) < 1e-9


def test_final_kernels_of_networks_are_those_of_the_recursion(quick):
    near = quick.final.interp(scaled=quick.some_scaled).sel(some_scaled=slice(0, 3))
    assert np.abs(quick.network_final.sel(some_scaled=slice(0, 3)) - near).max() < 1e-3
    assert (quick.network_final < 2).all()
    profile = quick.wide_profile.interp(wide=quick.some_wide).sel(some_wide=slice(1000, None))
    assert np.abs(quick.network_wide.sel(some_wide=slice(1000, None)) - profile).max() < 0.05


def test_networks_peak_when_the_recursion_does(quick):
    stated = quick.peak.interp(peak_width=quick.some_width, method="nearest")
    assert np.abs(stated - quick.network_peak).max() <= 1  # the widths are not the same to the unit


def test_map_of_the_plane_agrees_with_the_theorems(quick):
    a, scaled = np.meshgrid(quick.plane_a, quick.plane_scaled)
    codes = quick.fate.values
    assert ((codes == -1) == (2 * a > scaled)).all()
    possible = codes != -1
    assert ((codes == 3) == (scaled > 4))[possible].all()
    converges = possible & (scaled < 4)
    rises = scaled > 2 + a**2
    early = converges & (scaled <= 3.4001)
    assert ((codes >= 1) == rises)[early].all()
    assert (codes[early] <= 1).all()
    assert (codes[converges & rises] >= 1).all()
    assert quick.lowest_several > 3.4001


def test_pair_of_the_figure_is_larger_and_sharper(quick):
    first, second = catapult_squared.larger_but_sharper(quick)
    assert first < second
    assert quick.final_ntk.sel(scaled=second) > 2 * quick.final_ntk.sel(scaled=first)


def test_mean_rates_at_four_are_those_of_the_theorem(quick):
    assert quick.lyapunov == pytest.approx(np.log(3), abs=2e-3)
    assert quick.transverse == pytest.approx(2 * np.log((1 + 5**0.5) / 2), abs=0.02)
    assert np.abs(quick.network_early - quick.early)[:8].max() < 1e-6  # then chaos has taken over the rounding
    x = quick.network_early.values[:20]
    assert x[1:] == pytest.approx(x[:-1] ** 3 - 3 * x[:-1], abs=1e-4)
    gone = quick.network_gap.values > 1e-2
    assert 30 <= np.argmax(gone) <= 50


def test_lazy_networks_end_flatter_at_larger_rates(quick):
    assert quick.largest_rise < 0
    assert catapult_squared.lazy_rise(3, 5) < 0
