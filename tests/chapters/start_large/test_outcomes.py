"""What is read off the runs: candidates are chosen on validation inputs, and a pattern is learned once it stays so."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from catapult.chapters.start_large import experiment, outcomes
from catapult.chapters.start_large.experiment import KINDS, PARTS

SHARES = np.array([0.2, 0.3, 0.5])
SMALLEST = experiment.Parameters(dimension=5, samples=20, units=4, steps=16, settle=4, tests=10)


def ends(validation, test):
    """Return runs of one seed and the arms small and large, from accuracies (arm, candidate), alike on all kinds."""
    values = np.stack([np.broadcast_to(np.array(part)[..., None], (2, 2, 3)) for part in (validation, test)], -1)
    return xr.Dataset({"end": (("seed", "arm", "candidate", "kind", "part"), values[None]),
                       "long": (("seed", "kind", "part"), np.full((1, 3, 2), 0.6))},
                      coords={"seed": [0], "candidate": [0, 1], "arm": ["small", "large"], "kind": list(KINDS),
                              "part": list(PARTS)})


def test_a_candidate_is_chosen_on_validation_inputs_and_judged_on_test_inputs():
    runs = ends(validation=[[0.9, 0.8], [0.5, 0.7]], test=[[0.1, 1.0], [1.0, 0.4]])
    for kind in (outcomes.WHOLE, *KINDS):
        assert outcomes.gain(runs, "large", kind, SHARES) == pytest.approx(100 * (0.4 - 0.1))
        assert outcomes.gain_in_time(runs, "large", kind, SHARES) == pytest.approx(100 * (0.4 - 0.6))


def test_the_whole_weighs_kinds_by_their_shares_in_the_data():
    table = xr.DataArray([1.0, 0.5, 0.0], {"kind": list(KINDS)})
    assert outcomes.accuracy(table, outcomes.WHOLE, SHARES) == pytest.approx(0.2 + 0.15)
    control = outcomes.shares_of(outcomes.CONTROL, SHARES)
    assert outcomes.accuracy(table, outcomes.WHOLE, control) == 1
    np.testing.assert_array_equal(outcomes.shares_of(outcomes.BOTH, SHARES), SHARES)


def test_a_pattern_is_learned_once_it_stays_learned():
    table = xr.DataArray([[0.5, 0.95, 0.6, 0.9, 1.0], [1.0] * 5, [0.9, 0.9, 0.9, 0.9, 0.4]], dims=("seed", "step"))
    np.testing.assert_array_equal(outcomes.learned(table), [3, 0, 4])


def test_order_compares_p_at_the_step_at_which_each_run_has_learned_q():
    p, q = [[0.5, 0.6, 0.7], [0.5, 0.8, 0.9]], [[0.5, 1.0, 1.0], [0.5, 0.5, 1.0]]
    runs = xr.Dataset({"accuracy": (("seed", "arm", "candidate", "kind", "step"),
                                    np.array([p, q]).transpose(1, 0, 2)[None, :, None])},
                      coords={"seed": [0], "arm": ["small", "large"], "candidate": [0], "kind": list(KINDS[:2])})
    assert outcomes.order(runs, ("large", 0), ("small", 0)) == pytest.approx(100 * (0.9 - 0.6))


def test_a_run_without_q_at_the_end_is_lost():
    runs = ends(validation=[[0.5] * 2] * 2, test=[[0.95, 0.89], [0.5, 0.9]])
    lost = {arm: [outcomes.without_q(runs, arm, place).tolist() for place in (0, 1)] for arm in ("small", "large")}
    assert lost == {"small": [[False], [True]], "large": [[True], [False]]}


@pytest.mark.parametrize("arm", list(experiment.RATES))
def test_a_cell_follows_each_arm_as_the_plain_loop_does(arm):
    runs = experiment.cell(SMALLEST, "both patterns", 3).isel(data=0, seed=0)
    train, judged, network, rng = experiment.drawn(SMALLEST, "both patterns", 3)
    if arm == "noise":
        network = network.repeated(4)  # the stream of the noise is that of all candidates
    for step in range(SMALLEST.steps + SMALLEST.settle):
        first = step < SMALLEST.steps
        rate = {"small": 1 / 8, "large": 2.0 if first else SMALLEST.annealed, "noise": 1 / 2}[arm]
        noise = np.array([0.01, 0.03, 0.1, 0.3]) if arm == "noise" and first else None
        network = network.stepped(train, np.full(len(network.W), rate), SMALLEST.decay, noise, rng)
    place = {"small": 0, "large": 0, "noise": 1}[arm]
    end = runs.sel(arm=arm, candidate=1)
    assert end.loss[-1] == pytest.approx(network.loss(train)[place], rel=1e-5)
    for part, kind in judged:
        assert end.end.sel(part=part, kind=kind) == pytest.approx(network.accuracy(judged[part, kind])[place])
    assert end.accuracy.sel(kind="both").values[-1] == end.end.sel(part="test", kind="both")


def test_control_data_have_p_alone_and_equal_time_is_that_of_the_largest_rate():
    train, *_ = experiment.drawn(SMALLEST, "P alone", 0)
    assert not train.x2.any()
    assert train.x1.all(1).all()
    assert experiment.equal_time(SMALLEST) * 0.5 == 16 * 8.0 + 4 * 0.25


def test_a_way_is_that_of_the_chosen_candidate():
    runs = ends(validation=[[0.9, 0.8], [0.5, 0.7]], test=[[0.1, 1.0], [1.0, 0.4]])
    way = np.array([[[0.1, 0.2], [0.3, 0.4]], [[0.5, 0.6], [0.7, 0.8]]])  # (arm, candidate, step)
    runs["accuracy"] = (("seed", "arm", "candidate", "step", "kind"), way[None, ..., None].repeat(3, -1))
    np.testing.assert_allclose(outcomes.on_the_way(runs, "large", outcomes.WHOLE, SHARES), [[0.7, 0.8]])
    np.testing.assert_allclose(outcomes.on_the_way(runs, "small", "both", SHARES), [[0.1, 0.2]])


@pytest.mark.slow
def test_names_survive_being_joined_from_parts_that_were_read_from_files(tmp_path):
    values = SMALLEST.model_copy(update={"data": "all"})
    parts = []
    for number, name in enumerate(experiment.cells(values)):
        experiment.cell(values, **name).to_netcdf(tmp_path / f"{number}.nc", engine="h5netcdf")
        parts.append(xr.load_dataset(tmp_path / f"{number}.nc", engine="h5netcdf"))
    experiment.join(values, parts).to_netcdf(tmp_path / "joined.nc", engine="h5netcdf")
    joined = xr.load_dataset(tmp_path / "joined.nc", engine="h5netcdf")
    assert joined.coords["data"].values.tolist() == list(experiment.DATA)
