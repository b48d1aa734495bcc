"""Training follows the closed recursions of the degenerate pair, where f(x) is one number."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from catapult.datasets import degenerate_pair, overlapping_cloud
from catapult.networks import Network
from catapult.oracles import predictor
from catapult.oracles.linear_networks import LinearNetworks
from catapult.training import train
from covering import rest_slow

PAIR = degenerate_pair()
EDGE = {"exponential": 2.0, "logistic": 8.0, "squared": 2.0}  # 2/h


@pytest.mark.parametrize("engine", ["reference", "dense"])
@pytest.mark.parametrize("fraction", [0.3, 0.9, 1.2])
@pytest.mark.parametrize("loss", EDGE)
def test_the_linear_predictor_follows_its_one_dimensional_map(loss, fraction, engine):
    rate = fraction * EDGE[loss]
    w = predictor.descend(PAIR.Z, rate, 20, 0.7, loss=loss)[:, 0]
    risk = predictor.risk(PAIR.Z, w, loss)
    count = int(np.logical_and.accumulate(risk <= 1e3 * risk[0]).sum())
    result = train(PAIR, Network((1, 1)), rate, loss=loss, steps=20, record=("loss", "weight_norm"),
                   engine=engine, initial_weights=[[[0.7]]])
    np.testing.assert_allclose(result.loss[0, 0, :count], risk[:count], rtol=1e-12)
    np.testing.assert_allclose(result.weight_norm[0, 0, :count], np.abs(w[:count, 0]), rtol=1e-12, atol=1e-15)
    assert np.isnan(result.loss[0, 0, count:]).all()
    assert result.blow_up_step.item() == (count if count < 21 else -1)


@pytest.mark.parametrize(("engine", "width", "point"), rest_slow(list(itertools.product(
    ["reference", "dense", "linear"], [1, 2, 16, 300], [
        ("exponential", 1.0), ("logistic", 5.0), ("logistic", 11.0), ("squared", 1.0), ("squared", 2.5),
        ("squared", 5.0)])), strength=2))
def test_the_two_layer_linear_network_follows_the_map_of_output_and_ntk(engine, width, point):
    loss, product = point
    r"""f⁺ = f(1 + κg²) − Λg, Λ⁺ = Λ + κg(Λg − 4f) with Λ = ηλ, λ = (|w1|² + |w2|²)/m, κ = η²/m."""
    def risk(f):
        return predictor.risk(PAIR.Z, np.array([f]), loss)

    network = Network((1, width, 1))
    w1, w2 = (matrix.numpy() for matrix in network.initialise(2))
    f, ntk = (w2 @ w1).item() / width**0.5, ((w1**2).sum() + (w2**2).sum()) / width
    rate = product / ntk
    kappa, start, expected = rate**2 / width, risk(f), []
    for _ in range(26):
        if not risk(f) <= 1e3 * start:
            break
        expected.append((risk(f), ntk))
        g = predictor.SLOPES[loss](f)
        f, ntk = f * (1 + kappa * g**2) - rate * ntk * g, ntk + kappa / rate * g * (rate * ntk * g - 4 * f)
    result = train(PAIR, network, rate, loss=loss, seeds=2, steps=25, record=("loss", "ntk"), engine=engine)
    # Rounding grows by a factor of a few in each step that expands.
    np.testing.assert_allclose(result.loss[0, 0, :len(expected)], [L for L, _ in expected], rtol=1e-9)
    np.testing.assert_allclose(result.ntk[0, 0, :len(expected)], [λ for _, λ in expected], rtol=1e-9)
    assert result.blow_up_step.item() == (len(expected) if len(expected) < 26 else -1)


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["reference", "dense", "linear"])
def test_a_linear_network_on_data_descends_as_the_chain_rule_says(engine):
    cloud, network = overlapping_cloud(12, 3, 1.0, 0), Network((3, 6, 1))
    plain = LinearNetworks([W.numpy()[None] for W in network.initialise(0)], 18**-0.5).descend(cloud.Z, 3.0, 40)
    run = train(cloud, network, 3.0, steps=40, record=("loss", "sharpness"), engine=engine).isel(step=-1)
    assert predictor.risk(cloud.Z, plain.product) == pytest.approx(run.loss[0], rel=1e-10)
    assert plain.sharpness(cloud.Z) == pytest.approx(run.sharpness[0], rel=1e-4)  # the tolerance of Lanczos


def phase(rate, w0, steps=400, **options):
    return train(PAIR, Network((1, 1)), rate, steps=steps, initial_weights=[[[w0]]], **options).phase.item()


@pytest.mark.slow
def test_logistic_phases_of_the_linear_predictor():
    w0 = 2.0
    critical = 4 * w0 / np.tanh(w0 / 2)  # η_c: the run returns to −w0
    assert phase(7.0, w0) == "lazy"
    # Between 8 and η_c the loss falls monotonically to that of the 2-cycle: only the outputs betray it.
    cycle = train(PAIR, Network((1, 1)), 9.0, steps=400, initial_weights=[[[w0]]])
    assert cycle.loss[0, 0, -1] < cycle.loss[0, 0, 0]
    assert cycle.loss.diff("step").max() < 1e-12
    assert cycle.phase.item() == "unsettled"
    assert phase(1.5 * critical, w0) == "unsettled"


def test_exponential_phases_of_the_linear_predictor():
    w0 = 1.0
    critical = 2 * w0 / np.sinh(w0)
    assert phase(0.9 * critical, w0, loss="exponential") == "lazy"
    assert phase(1.1 * critical, w0, loss="exponential") == "divergent"


def test_squared_phases_of_the_two_layer_network():
    """Lazy below ηλ = 2, catapult between 2 and 4, divergent above."""
    network = Network((1, 512, 1))
    ntk = train(PAIR, network, 1.0, steps=1, record="ntk", loss="squared").ntk[0, 0, 0].item()
    phases = train(PAIR, network, np.array([1.0, 1.9, 2.6, 3.0, 4.5]) / ntk, loss="squared", steps=300).phase
    assert phases[:, 0].values.tolist() == ["lazy", "lazy", "catapult", "catapult", "divergent"]
