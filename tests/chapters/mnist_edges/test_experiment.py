"""Edges are those of the plain loop, rate by rate; the rule is the theorem's number on the pair; slopes are slopes."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import xarray as xr

from catapult import phases
from catapult.chapters.mnist_edges import experiment as edges
from catapult.chapters.mnist_edges import outcomes
from catapult.datasets import Problem
from catapult.networks import Network
from catapult.training import train

STEPS, SEED = 40, 3


def noise(n=24, d=5):
    rng = np.random.default_rng(3)
    return Problem(rng.normal(size=(n, d)), rng.choice([-1.0, 1.0], size=n))


@pytest.mark.slow
@pytest.mark.parametrize(("loss", "layers"), [("logistic", 1), ("squared", 2)])
def test_edges_are_those_of_a_plain_loop_one_rate_after_the_other(loss, layers, monkeypatch):
    monkeypatch.setattr(edges, "MULTIPLES", edges.MULTIPLES[2::4])
    problem, network = noise(), Network((5, *[6] * layers, 1))
    runs = edges.edges_of(problem, network, loss, SEED, steps=STEPS, dtype="float64")
    found = {name: outcomes.edge(runs, name).item() for name in outcomes.EDGES}
    plain = dict.fromkeys(outcomes.EDGES, np.inf)
    for multiple in edges.MULTIPLES:
        run = train(problem, network, runs.unit.item() * multiple, loss=loss, seeds=(SEED,), steps=STEPS,
                    engine="reference", record=("loss", "sharpness"),
                    every={"loss": 1, "sharpness": [0, edges.EARLY]}).isel(learning_rate=0, seed=0)
        losses, sharpness = run.loss.values, run.sharpness.values
        blown = phases.blow_up_step(losses) >= 0
        happens = {"rise": blown or np.nanmax(losses) > (1 + phases.RISE) * losses[0], "diverge": blown,
                   "fall": sharpness[edges.EARLY] < outcomes.FALLEN * sharpness[0]}
        for name, here in happens.items():
            plain[name] = np.minimum(plain[name], multiple if here else np.inf)
    assert found == pytest.approx(plain)
    assert 0.5 < found["rise"] <= found["diverge"] < np.inf


def test_the_largest_pull_is_that_of_the_best_subset():
    Z = np.random.default_rng(5).normal(size=(9, 3))
    subsets = (Z[list(chosen)].sum(0) for size in range(10) for chosen in itertools.combinations(range(9), size))
    assert edges.largest_pull(Z) == pytest.approx(max(map(np.linalg.norm, subsets)) / 9)


def test_the_rule_on_the_degenerate_pair_is_the_theorems_rate():
    pull = edges.largest_pull(np.array([[1.0], [-1.0]]))
    assert edges.bounded_gradient_edge(100, 1, pull) == pytest.approx(np.sqrt(800))


def test_grid_is_eighths_of_an_octave_above_a_half():
    steps = np.diff(np.log2(edges.MULTIPLES))
    assert np.all(steps > 0)
    np.testing.assert_allclose(steps[edges.MULTIPLES[:-1] >= 0.5], 1 / 8)
    assert (edges.MULTIPLES[0], edges.MULTIPLES[-1]) == (1 / 16, 16)


def test_exponent_is_that_of_a_power_and_none_where_an_edge_is_missing():
    widths = np.array([8.0, 16, 32])
    there = xr.DataArray(3 * widths**0.4, {"width": widths}, "width")
    assert outcomes.exponents(there).item() == pytest.approx(0.4)
    assert np.isnan(outcomes.exponents(there.where(widths > 8, np.inf)))


@pytest.mark.slow
def test_quick_cell_is_certified_and_holds_every_network():
    values = edges.Parameters.checked(scale="quick")
    cell = edges.cell(values, 0)
    assert cell.certificate.isel(seed=0).values.tolist() == ["strictly non-separable", "separable"]
    assert (cell.width.values.tolist(), cell.loss.values.tolist()) == ([8, 16], list(edges.LOSSES))
    assert cell.dimension.values.ravel().tolist() == [values.components, values.separable_components]
