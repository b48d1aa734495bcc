"""Results: enclosures around the theory's numbers, undecided rests that shrink, refusals where due."""

from __future__ import annotations

import numpy as np
import pytest

from catapult.chapters.certificates import experiment
from catapult.parameters import InputError
from catapult.runs import results
from catapult.theory import certificates, linear_predictor, two_layer

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def quick():
    return results.compute(experiment, experiment.Parameters.checked(scale="quick"))


def test_the_undecided_rest_shrinks_with_every_cut_and_is_least_for_the_sharpest_form(quick):
    share = quick.box_undecided
    assert (share.diff("box_depth") <= 0).all()
    assert (share.sel(form="ends") <= share.sel(form=["quotient", "difference"])).all()
    assert (share.isel(box_depth=-1, form=0) < 0.03).all()
    assert (quick.piece_undecided.diff("halvings") <= 1e-12).all()
    mean_value, naive = quick.piece_undecided.isel(halvings=-1).sel(rate_form=["mean value", "naive"]).values
    assert mean_value < 0.5 * naive


def test_the_cycle_is_certified_from_a_little_above_eight(quick):
    left = quick.cycle_rate.values[~np.isfinite(quick.cycle.values[:, 0])]
    assert left.min() == 8
    assert left.max() < 8.01
    w = linear_predictor.two_cycle("logistic", quick.cycle_rate.mean("end").values)
    inside = np.isfinite(quick.cycle.values[:, 0])
    assert (quick.cycle.values[inside, 0] <= w[inside]).all()
    assert (w[inside] <= quick.cycle.values[inside, 1]).all()


def test_every_network_is_decided_and_floats_agree(quick):
    assert (quick.final_outcome != "Undecided").all()
    assert {"Enclosure", "Diverges"} == set(quick.final_outcome.values.ravel())
    assert quick.final_width.max() < 2**-49
    assert quick.final_distance.max() < 1e-11
    assert quick.float_distance.max() > 1e-4  # near chaos
    assert (quick.float_distance <= 8 * (quick.float_error + 2**-53)).where(quick.float_error < 0.1, True).all()


def test_the_pair_is_certified_and_the_curve_is_the_float_one(quick):
    assert quick.pair_gap > 100
    floats = [two_layer.final_ntk("squared", 1.0, 2.0, 100, rate) for rate in quick.squared_rate.values]
    np.testing.assert_allclose(quick.squared_final.mean("end"), floats, rtol=1e-9)


def test_the_orbit_that_is_drawn_escapes_as_proved_and_stays_in_the_band(quick):
    found = certificates.final_ntk("logistic", *experiment.escaping())
    assert isinstance(found, certificates.Diverges)
    room, turn, ratio = quick.escape_room.item(), quick.escape_turn.item(), quick.escape_ratio.values
    assert ratio[0] == pytest.approx(0.8)
    assert ((ratio > room) & (ratio < turn - room)).all()
    assert np.abs(ratio[2:] - ratio[:-2]).max() < room
    assert (quick.escape_size.values[2:] > 3 * quick.escape_size.values[:-2]).all()  # (κ/4 − 1)² = 4 in the limit


def test_balanced_labels_are_undecided_and_imbalanced_ones_chaotic(quick):
    assert (quick.three_cycle_gap.values > 4).tolist() == [True, True, False]


@pytest.mark.parametrize("change", [{"cycle_low": 50.0, "cycle_high": 20.0}, {"rate_low": 1.0, "rate_high": 0.5}])
def test_an_interval_in_the_wrong_order_is_refused(change):
    with pytest.raises(InputError, match="must be the smaller"):
        experiment.Parameters.checked(change)


@pytest.mark.parametrize("change", [{"cycle_low": 7.0, "cycle_high": 7.5}, {"rate_low": 0.05, "rate_high": 0.06},
                                    {"width": 20, "f0": 4.0}, {"bits": 40}])
def test_parameters_at_the_end_of_their_range_give_results(change):
    experiment.run(experiment.Parameters.checked({"depth": 2, "halvings": 2, "orbits": 10, **change}))
