"""The map of the plane: it is the recursion at every width, and its profile is what wide networks do."""

from __future__ import annotations

import math

import numpy as np
import pytest

from catapult.parameters import InputError
from catapult.theory import squared_plane, two_layer


def starts(count, low, high, seed=0):
    """Return feasible (a, Λ)."""
    rng = np.random.default_rng(seed)
    scaled = rng.uniform(low, high, count)
    return scaled / 2 * rng.uniform(-1, 1, count), scaled


@pytest.mark.parametrize("width", [1, 30, 10**6])
def test_a_step_is_the_recursion_at_every_width(width):
    a, scaled = starts(50, 0.1, 6)
    rate = 0.7
    f, ntk = two_layer.iterate("squared", a * width**0.5 / rate, scaled / rate, width, rate, 1)
    after = squared_plane.step(a, scaled)
    assert f[1] * rate / width**0.5 == pytest.approx(after[0], rel=1e-9)
    assert ntk[1] * rate == pytest.approx(after[1], rel=1e-9)


def test_fates_are_those_of_the_two_layer_module():
    a, scaled = starts(60, 0.1, 3.95)
    fate = squared_plane.fate(a, scaled)
    expected = [two_layer.final_ntk("squared", f, ntk, 1, 1.0) for f, ntk in zip(a, scaled, strict=True)]
    assert fate.final == pytest.approx(np.array(expected), rel=1e-10, abs=1e-14)
    assert not fate.diverged.any()
    labels = two_layer.phase_map("squared", a, scaled, 1, 1.0)
    assert ((fate.rises > 0) == (labels == "catapult")).all()
    assert squared_plane.fate(*starts(60, 4.05, 6)).diverged.all()


@pytest.mark.slow
def test_peaks_are_counted_as_by_hand():
    for a, scaled in zip(*starts(60, 2, 3.99, seed=1), strict=True):
        f = np.abs(two_layer.iterate("squared", a, scaled, 1, 1.0, 300)[0])
        rises = (f[1:] > f[:-1] * (1 + 1e-12)) & (f[:-1] > 1e-13)
        fate = squared_plane.fate(a, scaled)
        assert fate.rises == np.sum(rises & ~np.append(False, rises[:-1]))
        assert fate.peak == np.argmin(rises)


def test_an_orbit_that_neither_converges_nor_diverges_has_no_limit():
    fate = squared_plane.fate(0.3, 4.0, steps=500)
    assert np.isnan(fate.final)
    assert not fate.diverged


def test_profile_is_the_limit_of_wide_networks_and_periodic():
    scaled, phases = 3.3, np.linspace(0, 1, 7)
    profile = squared_plane.profile(scaled, phases)
    assert squared_plane.profile(scaled, phases + 5) == pytest.approx(profile, rel=1e-9)
    for times in (30, 31):  # a0 = 2.3^(phase − times)
        wide = squared_plane.fate(2.3 ** (phases - times), scaled).final
        assert wide == pytest.approx(profile, abs=1e-9)
    assert np.ptp(profile) > 0.3


def test_amplitude_is_that_of_the_profile_where_float64_sees_it():
    for scaled, harmonic in ((2.5, 1), (2.8, 1), (3.0, 1), (3.0, 3)):
        profile = squared_plane.profile(scaled, np.arange(64) / 64)
        wave = 2 * np.abs(np.fft.rfft(profile))[harmonic] / 64
        assert squared_plane.amplitude(scaled, harmonic) == pytest.approx(math.log(wave), abs=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize(("scaled", "harmonic", "digits"), [(2.05, 1, 300), (2.15, 1, 250), (2.3, 3, 300)])
def test_amplitude_takes_as_many_digits_as_it_needs(scaled, harmonic, digits):
    found = squared_plane.amplitude(scaled, harmonic)
    assert found == pytest.approx(squared_plane.amplitude(scaled, harmonic, digits), rel=1e-14)
    with pytest.raises(InputError, match="digits = 30; allowed at scaled"):
        squared_plane.amplitude(scaled, harmonic, 30)
    if scaled == 2.05:  # by 300 digits and other code: checks.catapult_squared.amplitude
        assert found == pytest.approx(-189.5218987, abs=1e-6)


@pytest.mark.slow
def test_profile_has_a_zero_where_orbits_pass_one():
    assert squared_plane.highest(3.05) < 1 < squared_plane.highest(3.12)
    assert squared_plane.profile(3.05, np.arange(400) / 400).min() > 0.04
    assert squared_plane.profile(3.12, np.arange(4000) / 4000).min() < 0.005


def test_time_to_peak_is_within_a_few_steps():
    for scaled in (2.3, 3.0, 3.7):
        a = np.geomspace(1e-12, 1e-2, 30)
        gap = squared_plane.fate(a, scaled).peak - squared_plane.time_to_peak(a, scaled)
        assert np.abs(gap).max() < 4


def test_late_rise_is_the_only_real_root_of_the_quintic():
    root = squared_plane.LATE_RISE
    assert np.polyval([4, -36, 116, -163, 156, -212], root) == pytest.approx(0, abs=1e-9)
    assert root == pytest.approx(3.4001036147, abs=1e-9)


@pytest.mark.parametrize(("call", "message"), [
    (lambda: squared_plane.fate(1.1, 2.0), "a = 1.1, scaled = 2; allowed"),
    (lambda: squared_plane.fate(0.0, -1.0), "scaled = -1; allowed: scaled > 0"),
    (lambda: squared_plane.fate(math.nan, 1.0), "a = nan"),
    (lambda: squared_plane.profile(2.0, 0.5), "scaled = 2; allowed: from 2.001 to 3.999"),
    (lambda: squared_plane.profile(math.nan, 0.5), "scaled = nan; allowed"),
    (lambda: squared_plane.profile(2.5, [0.5, math.inf]), "phases hold NaN or infinity; allowed: finite"),
    (lambda: squared_plane.amplitude(3.1), "scaled = 3.1; allowed: from 2.01 to 3"),
    (lambda: squared_plane.amplitude(2.0), "scaled = 2; allowed: from 2.01 to 3"),
    (lambda: squared_plane.amplitude(2.5, harmonic=0), "harmonic = 0; allowed: a whole number ≥ 1"),
    (lambda: squared_plane.amplitude(2.5, digits=0), "digits = 0; allowed: a whole number ≥ 1"),
    (lambda: squared_plane.amplitude(2.05, digits=150), "digits = 150; allowed at scaled = 2.05, harmonic 1: at"),
    (lambda: squared_plane.highest(1.0), "scaled = 1; allowed: from 2.001 to 3.999"),
    (lambda: squared_plane.highest(2.5, 0), "phases = 0; allowed: a whole number ≥ 1")])
def test_wrong_input_is_one_line(call, message):
    with pytest.raises(InputError, match=message):
        call()
