"""Gains are paired and tuned on the validation tenths alone; the order of policies is counted as Kendall does."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from catapult.chapters.annealing import experiment as annealing
from catapult.chapters.annealing import outcomes, rates, surface
from catapult.statistics import crossed_interval
from catapult.training import schedules

MULTIPLES = np.array(annealing.MULTIPLES)
SEEDS = 4


def cell(noise: float = 0.0) -> xr.Dataset:
    """Return a cell in which all accuracies are .8, with some noise."""
    shape = (SEEDS, len(MULTIPLES), len(rates.ENDS), 10)
    accuracy = 0.8 + noise * np.random.default_rng(3).normal(size=shape)
    return xr.Dataset({"accuracy": (("seed", "multiple", "end", "tenth"), accuracy),
                       "phase": (("seed", "multiple"), np.full(shape[:2], "lazy"))},
                      coords={"multiple": MULTIPLES, "end": list(rates.ENDS), "seed": range(SEEDS)})


def better(runs: xr.Dataset, points: float, multiples, end: str, tenths=slice(None)) -> xr.Dataset:
    """Return the runs with so many points more at some rates and one end, on some tenths."""
    where = runs.multiple.isin(multiples) & (runs.end == end) & runs.tenth.isin(np.arange(10)[tenths])
    return runs.assign(accuracy=(runs.accuracy + 0.01 * points * where).transpose(*runs.accuracy.dims))


def with_tenths() -> xr.Dataset:
    return cell().assign_coords(tenth=range(10))


def test_both_sides_have_as_many_candidates():
    assert len(outcomes.small(cell())) == len(outcomes.large(cell())) == 5
    assert outcomes.small(cell()).max() == pytest.approx(1)
    assert outcomes.large(cell()).min() == pytest.approx(2**0.5)


@pytest.mark.parametrize(("comparison", "against"), outcomes.COMPARISONS.items())
def test_a_gain_is_that_of_the_named_ends(comparison, against):
    plain = with_tenths()
    assert outcomes.gain(better(plain, 2, MULTIPLES[6], comparison), comparison) == pytest.approx(2)
    assert outcomes.gain(better(plain, 2, MULTIPLES[2], against), comparison) == pytest.approx(-2)
    for multiple, end in ((MULTIPLES[10], comparison), (MULTIPLES[2], comparison), (MULTIPLES[6], against)):
        assert outcomes.gain(better(plain, 2, multiple, end), comparison) == pytest.approx(0)


def test_rates_are_chosen_on_the_validation_tenths_and_judged_on_the_others():
    comparison = "annealed, equal steps"
    runs = better(with_tenths(), 3, MULTIPLES[7], comparison, slice(0, 2))  # looks best, is not
    runs = better(runs, 5, MULTIPLES[6], comparison, slice(2, None))  # is best, does not look it
    assert outcomes.gain(runs, comparison).shape == (SEEDS, 8)
    assert outcomes.gain(runs, comparison) == pytest.approx(0)
    assert outcomes.best_multiple(runs) == pytest.approx(MULTIPLES[7])


def test_a_lost_rate_is_a_candidate_lost_and_a_seed_without_any_is_left_out():
    runs = cell(0.01)
    whole = outcomes.gain(runs, "annealed, equal steps")
    runs.accuracy[0, 9] = np.nan
    runs.accuracy[1, 5:] = np.nan
    found = outcomes.gain(runs, "annealed, equal steps")
    assert np.isfinite(found[0]).all()
    assert np.isnan(found[1]).all()
    assert outcomes.interval(found) == pytest.approx(crossed_interval(whole[[0, 2, 3]]), rel=0.3)
    assert np.isnan(outcomes.interval(None)).all()
    assert outcomes.survives_up_to(runs) == pytest.approx(1)


def test_the_band_is_compared_with_two_rates_on_either_side():
    runs = better(with_tenths(), 1, MULTIPLES[[5, 6]], "annealed, equal steps")
    assert outcomes.band(runs, outcomes.BELOW) == pytest.approx(1)
    assert outcomes.band(runs, outcomes.BEYOND) == pytest.approx(1)
    runs = better(runs, 1, MULTIPLES[[4]], "annealed, equal steps")
    assert outcomes.band(runs, outcomes.BELOW) == pytest.approx(0)
    runs.accuracy[0, 7:] = np.nan
    assert outcomes.band(runs, outcomes.BEYOND) is None


def test_the_threshold_is_where_the_first_seed_bounces():
    runs = cell()
    runs.phase[2, 7] = "unsettled"
    runs.phase[2, 8] = "lazy"
    assert outcomes.stable_up_to(runs) == pytest.approx(2)


def test_concordance_by_hand():
    """Three seeds, four policies: rank sums 4, 6, 10, 10, around 7.5."""
    ranks = np.array([[1, 2, 3, 4], [2, 1, 3, 4], [1, 3, 4, 2]])
    sums = ranks.sum(0)
    assert sums.tolist() == [4, 6, 10, 10]
    assert outcomes.concordance(ranks) == pytest.approx(12 * ((sums - 7.5) ** 2).sum() / (9 * 60))
    assert outcomes.concordance(np.tile([0.1, 0.4, 0.2, 0.9], (5, 1))) == pytest.approx(1)
    tied = np.array([[1.0, 1.0, 2.0], [1.0, 1.0, 2.0]])
    assert outcomes.concordance(tied) == pytest.approx(1)


def test_halves_of_seeds_that_agree_and_of_seeds_that_do_not():
    rng = np.random.default_rng(0)
    order = np.arange(13.0)
    assert outcomes.halves(np.tile(order, (10, 1))) == pytest.approx(1)
    by_chance = outcomes.halves(rng.normal(size=(10, 13)))
    assert len(by_chance) == 126
    assert abs(by_chance.mean()) < 0.4


def policies() -> xr.Dataset:
    """Return two seeds, thirteen policies, two rates, in which the second rate is the better on every tenth."""
    names = list(schedules.POLICIES)
    accuracy = np.full((2, 13, 2, 10), 0.7)
    accuracy[:, :, 1] += 0.1
    measure = np.zeros((2, 13, 2, 4, 2))
    curve = np.tile(np.linspace(0.5, 0.8, 4), (2, 13, 2, 1))
    return xr.Dataset(
        {"policy_accuracy": (("seed", "policy", "k0", "tenth"), accuracy),
         "policy_measure": (("seed", "policy", "k0", "measure", "set"), measure),
         "policy_curve": (("seed", "policy", "k0", "policy_step"), curve)},
        coords={"policy": names, "k0": [0.5, 1.0], "measure": ["confidence", "confidence deviation",
                "deviation across classes", "loss gap"], "set": ["validation", "test"], "policy_step": [0, 10, 20, 30]})


def test_policies_are_compared_each_at_its_own_rate():
    runs = policies()
    runs.policy_accuracy[:, 3, 0] += 0.15  # exp is best at the smaller rate
    assert (outcomes.tuned_k0(runs)[:, 3] == 0).all()
    assert outcomes.over_fix(runs, "exp") == pytest.approx(5)
    assert outcomes.over_fix(runs, "sin") == pytest.approx(0)
    assert outcomes.of_k0(runs, 1.0) - outcomes.of_k0(runs, 0.5) == pytest.approx(10)


def test_what_goes_with_the_rate_that_is_spent():
    runs = policies().assign(policy_rate=("policy", np.arange(13.0)))
    runs.policy_measure[..., 0, 1] = np.arange(13.0)[:, None]
    runs.policy_measure[..., 3, 1] = -np.arange(13.0)[:, None]
    assert outcomes.total_rate(runs, "confidence") == pytest.approx(1)
    assert outcomes.total_rate(runs, "loss gap") == pytest.approx(-1)


def test_choosers_take_more_confidence_and_less_of_the_others():
    runs = policies()
    runs.policy_accuracy[:, 5, 1] += 0.02
    for number, name in enumerate(runs.measure.values):
        runs.policy_measure[:, 5, 1, number] = outcomes.CHOOSERS[str(name)]
        assert (outcomes.chooser(runs, str(name)).argmax(1) == 5).all()
        assert outcomes.worth(runs, str(name)) == pytest.approx(2 - 2 / 13)
    runs.policy_curve[:, 7, 1, 1] = 0.79
    assert outcomes.chooser(runs, "cost")[0, [0, 7]].tolist() == [-30, -10]
    assert set(outcomes.CHOOSERS) == {"accuracy", "cost", *runs.measure.values.tolist()}


def test_paths_on_the_surface_follow_its_gradient():
    found = surface.trajectories(steps=6)
    path = found.sel(policy="FIX")
    for step in range(5):
        u, v = path.u.values[step], path.v.values[step]
        slopes = [(surface.loss(*(np.array([u, v]) + e)) - surface.loss(*(np.array([u, v]) - e))) / 2e-6
                  for e in 1e-6 * np.eye(2)]
        moved = (np.array([u, v]) - [path.u.values[step + 1], path.v.values[step + 1]]) / surface.RATE
        np.testing.assert_allclose(moved, slopes, atol=1e-8)
    assert found.factor.sel(policy="TRIEXP")[0] == 0


@pytest.mark.parametrize("sizes", [(1150, 1150), (1150, 1149)])
def test_the_smallest_of_rates_that_have_as_many_validation_images_right_is_chosen(sizes):
    right = [(980 + extra, 1010 - extra) for extra in range(40)]  # 1,990 of both tenths, split in forty ways
    shares = np.array(right, np.float32) / np.array(sizes, np.float32)
    accuracy = np.concatenate([shares, np.zeros((40, 8), np.float32)], 1)[None]
    assert len(np.unique(accuracy[0, :, :2].mean(1))) > 1  # in single precision, and in tenths of unequal size
    assert outcomes.places(accuracy) == [0]
    accuracy[0, 7, 0] += 1 / sizes[0]
    assert outcomes.places(accuracy) == [7]


def test_of_policies_that_tie_a_chooser_takes_their_mean(monkeypatch):
    accuracy = np.full((SEEDS, 3, 8), 0.8) + np.array([0.02, 0.0, -0.01])[:, None]
    monkeypatch.setattr(outcomes, "tuned", lambda runs: accuracy)
    monkeypatch.setattr(outcomes, "chooser", lambda runs, name: np.tile([-400.0, -400.0, -800.0], (SEEDS, 1)))
    assert outcomes.worth(None, "cost") == pytest.approx(100 * (0.81 - accuracy[0, :, 0].mean()))
