"""The published setting: images and weights as said, runs as by hand, what is reduced is the same, cells join."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from catapult import losses
from catapult.chapters.regularity_networks import experiment, theirs
from catapult.training import train

QUICK = experiment.Parameters.checked(scale="quick")
INPUTS = 90


@pytest.fixture(autouse=True)
def drawn(monkeypatch):
    """Let the images be drawn numbers: no photographs are needed."""
    rng = np.random.default_rng(3)
    X, y = rng.normal(size=(QUICK.samples, INPUTS)).astype(np.float32), rng.integers(0, 10, QUICK.samples)
    monkeypatch.setattr(experiment, "images", lambda samples: (X[:samples], y[:samples]))
    experiment._span.cache_clear()
    yield
    experiment._span.cache_clear()


def test_images_are_standardised_over_all_and_channels_come_first(monkeypatch):
    monkeypatch.undo()
    pixels = np.random.default_rng(1).integers(0, 256, (100, 4, 4, 3), dtype=np.uint8)
    monkeypatch.setattr(experiment.cifar10, "images", lambda: SimpleNamespace(
        train=pixels, train_labels=np.arange(100) % 10))
    experiment.images.cache_clear()
    X, y = experiment.images(7)
    experiment.images.cache_clear()
    flat = (pixels / 255).reshape(100, -1)
    expected = (flat - flat.mean(0)) / flat.std(0)
    np.testing.assert_allclose(X.reshape(7, 3, 4, 4), expected[:7].reshape(7, 4, 4, 3).transpose(0, 3, 1, 2), rtol=1e-5,
                               atol=1e-6)
    assert X.dtype == np.float32
    assert y.tolist() == list(range(7))


def test_weights_are_drawn_by_torch_in_order_and_have_their_norms():
    before = torch.get_rng_state()
    found = experiment.initial_weights(30, 8, 5)
    assert torch.equal(before, torch.get_rng_state())
    torch.manual_seed(5)
    first, second = (torch.nn.Linear(*shape, bias=False).weight for shape in ((30, 8), (8, 10)))
    torch.set_rng_state(before)
    assert [float(matrix.norm()) for matrix in found] == pytest.approx([6, 20], rel=1e-6)
    for mine, plain, norm in zip(found, (first, second), (6, 20), strict=True):
        torch.testing.assert_close(mine, plain.detach() / plain.norm().item() * norm)


def by_hand(names, rate, steps):
    """Follow one combination with autograd on all inputs, in double precision: losses, and norms at the end."""
    loss, activation, normalisation = names
    X, y = (torch.as_tensor(each) for each in experiment.images(QUICK.samples))
    X, target = X.double(), torch.nn.functional.one_hot(y, 10).double()
    W = [matrix.double().requires_grad_() for matrix in experiment.initial_weights(X.shape[1], QUICK.width, 0)]
    found = []
    for _ in range(steps + 1):
        z = X @ W[0].T
        if normalisation != "none":
            axis = 0 if normalisation == "batch" else 1
            z = (z - z.mean(axis, keepdim=True)) / (z.var(axis, correction=0, keepdim=True) + 1e-5).sqrt()
        h = {"relu": torch.relu, "tanh": torch.tanh, "relu3": lambda z: torch.relu(z) ** 3}[activation](z)
        f = h @ W[1].T
        value = ((f - target) ** 2 / 2).sum(1).mean() if loss == "squared" else torch.nn.functional.huber_loss(
            f, target, reduction="sum") / len(X)
        found.append(value.item())
        norms = [matrix.norm().item() for matrix in W]
        slopes = torch.autograd.grad(value, W)
        with torch.no_grad():
            for matrix, slope in zip(W, slopes, strict=True):
                matrix -= rate * slope
    return found, norms


@pytest.mark.slow
@pytest.mark.parametrize("names", experiment.COMBINATIONS, ids="-".join)
def test_runs_are_those_of_a_plain_loop_on_all_inputs(names):
    rate = 1e-8 if names == ("squared", "relu3", "none") else 1e-5
    found = experiment._followed(QUICK, names, [rate, 2 * rate], "float64").sel(rate=rate)
    expected, norms = by_hand(names, rate, QUICK.steps)
    assert abs(expected[-1] / expected[0] - 1) > 1e-4
    assert found.loss.values == pytest.approx(np.array(expected)[found.step.values], rel=1e-6)
    assert found.norms.values == pytest.approx(norms, rel=1e-6)
    assert float(found.peak) == pytest.approx(max(expected), rel=1e-6)


@pytest.mark.parametrize("names", experiment.COMBINATIONS, ids="-".join)
def test_the_growth_order_is_that_of_the_loss_along_a_ray(names):
    problem, network, weights, _ = experiment.setting(QUICK, names, 0, "float64")
    X, y = torch.tensor(problem.X), torch.tensor(problem.y, dtype=torch.long)
    means = [losses.get(names[0], 10).of(network.forward([c * matrix for matrix in weights], X), y).mean().item()
             for c in (1e6, 2e6)]
    assert np.log2(means[1] / means[0]) == pytest.approx(experiment.growth_order(names), abs=0.02)


def test_survival_ends_at_the_first_rate_that_is_lost():
    names = ("squared", "relu3", "none")
    found = experiment.survival(QUICK.model_copy(update={"octaves": 12}), names, 0)
    last = float(found.stable) * 2.0 ** int(found.survived)
    problem, network, weights, _ = experiment.setting(QUICK, names, 0)
    phases = train(problem, network, [last, 2 * last], loss=names[0], steps=QUICK.survival_steps, dtype="float32",
                   initial_weights=weights, divergence=experiment.DIVERGENCE).phase.values.ravel().tolist()
    assert int(found.survived) < 12
    assert phases[0] != "divergent"
    assert phases[1] == "divergent"


@pytest.mark.slow
def test_cells_join_whatever_was_asked_for():
    quick = {"samples": 20, "width": 4, "steps": 5, "survival_steps": 4, "octaves": 1}
    values = experiment.Parameters.checked({**quick, "networks": "plain"}, scale="quick")
    whole = experiment.run(values)
    assert whole.combination.values.tolist() == ["-".join(names) for names in experiment.combinations(values)]
    assert whole.survived.dims == whole.stable.dims
    assert set(whole.survived.dims) == {"combination", "seed"}
    assert np.isfinite(whole.loss.sel(combination="squared-relu-none", step=0).dropna("rate")).sum() == len(
        experiment.rates_of(("squared", "relu", "none")))
    assert np.isfinite(whole.double_loss.sel(step=0)).all()
    survival = experiment.Parameters.checked({**quick, "networks": "plain", "parts": "survival"}, scale="quick")
    assert experiment.cells(survival) == experiment.cells(values)[:len(experiment.cells(survival))]
    runs = experiment.Parameters.checked({**quick, "networks": "batch", "parts": "runs"}, scale="quick")
    assert len(experiment.cells(runs)) == 9
    assert len(experiment.cells(experiment.Parameters())) == 3 * 18 + 18 + 1


def test_the_published_runs_are_those_of_the_networks_here():
    names = {(loss, activation, None if norm == "none" else norm) for loss, activation, norm in experiment.COMBINATIONS}
    assert set(theirs.RUNS) == set(theirs.START) <= names
    assert all(1e-5 <= run.rate <= 1e-3 for runs in theirs.RUNS.values() for run in runs)
    for key, runs in theirs.RUNS.items():
        assert all(run.peak is None or run.peak >= theirs.START[key][0] for run in runs)
