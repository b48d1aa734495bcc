"""The network that is trained in the page, against the library and against automatic differentiation, in Chromium."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pytest
import torch

from catapult.chapters.edge_of_stability import experiment, uniform
from catapult.chapters.edge_of_stability.polynomial import Fit

pytestmark = [pytest.mark.browser, pytest.mark.slow]
SETS, STEPS = 1000, 50
SAME, CURVED = 1e-9, 1e-6  # losses, and eigenvalues of the Hessian, relative
SHIFT, SENSITIVE = 1e-14, 1e-11  # a run is taken as chaotic where that shift of weights moves a loss by more
LOST = 1e6  # where the figure calls a run lost
CALM = 0.2  # at most; runs at such rates are followed to the end without a look at how sensitive they are


@pytest.fixture(scope="module")
def tasks():
    """1,000 widths, degrees, seeds and rates of what the figure allows; narrow networks more often: they are quick."""
    rng = np.random.default_rng(9)
    width = (4 + 13 * rng.random(SETS) ** 3).astype(int).tolist()
    rate = np.exp(rng.uniform(np.log(0.04), np.log(0.5), SETS)).tolist()
    return list(zip(width, rng.integers(1, 9, SETS).tolist(), rng.integers(1, 21, SETS).tolist(), rate, strict=True))


def network(fit, w):
    """Return the loss of weights (P,) as torch differentiates it: a route that shares no line with the library's."""
    m = fit.width
    first, second, third = w[:2 * m].view(m, 2), w[2 * m:2 * m + m * m].view(m, m), w[2 * m + m * m:].view(1, m)
    f = third @ torch.tanh(second @ torch.tanh(first @ torch.as_tensor(fit.x).T))
    return ((f - torch.as_tensor(fit.y)) ** 2).mean() / 2


def descended(fit, w, rate, steps=STEPS):
    """Return the losses of gradient descent by automatic differentiation."""
    w, losses = torch.as_tensor(w).clone(), []
    for _ in range(steps + 1):
        w.requires_grad_(True)
        loss = network(fit, w)
        (slope,) = torch.autograd.grad(loss, w)
        losses.append(loss.item())
        w = (w - rate * slope).detach()
    return np.array(losses)


def curved(fit, w):
    """Return the dense Hessian by automatic differentiation."""
    w = torch.tensor(w, dtype=torch.float64)
    return torch.autograd.functional.hessian(lambda u: network(fit, u), w).numpy()


def followed(fit, w, rates):
    """Return the losses (step, run) of gradient descent from runs (run, P) at rates of their own (run, 1)."""
    losses = []
    with np.errstate(over="ignore", invalid="ignore"):
        for _ in range(STEPS + 1):
            loss, gradient = fit.slope(w)
            losses.append(loss)
            w = w - rates * gradient
    return np.array(losses)


def started(width, degree, seed):
    """Return the arguments of a call in the browser: the task, and its initial weights."""
    return [[width, degree], uniform.start(Fit(width, degree), seed)[0].tolist()]


def both(recursions, name, given):
    """Yield the task, the arguments and what the browser returns, call by call."""
    for (task, *rest), found in zip(given, json.loads(recursions(f"polynomial.{name}", given)), strict=True):
        yield Fit(*task), *rest, found


def test_starts_are_the_same(recursions, tasks):
    theirs = json.loads(recursions("polynomial.start", [[[width, degree], seed] for width, degree, seed, _ in tasks]))
    for (width, degree, seed, _), w in zip(tasks, theirs, strict=True):
        assert w == uniform.start(Fit(width, degree), seed)[0].tolist()


def test_losses_of_descent(recursions, tasks):
    given = [[*started(*task), rate, [0, STEPS * rate]] for *task, rate in sorted(tasks)]
    certain, rng = 0, np.random.default_rng(12)
    for fit, runs in itertools.groupby(both(recursions, "descend", given), lambda run: run[0]):
        _, w, rates, _, found = zip(*runs, strict=True)
        w, rates = np.array(w), np.array(rates)[:, None]
        losses = followed(fit, w, rates)
        moved = followed(fit, w * (1 + SHIFT * rng.normal(size=w.shape)), rates)
        steady = np.logical_and.accumulate((abs(losses - moved) <= SENSITIVE * losses) & (losses < LOST))
        theirs = np.array([run["losses"] for run in found], dtype=float).T
        assert np.allclose(theirs[steady], losses[steady], rtol=SAME)
        certain += steady[-1].sum()
    assert certain > 0.9 * SETS


def test_losses_by_automatic_differentiation(recursions, tasks):
    given = [[*started(*task), min(rate, CALM), [0, STEPS * min(rate, CALM)]] for *task, rate in tasks[::70]]
    for fit, w, rate, _, found in both(recursions, "descend", given):
        assert np.allclose(found["losses"], descended(fit, np.array(w), rate), rtol=SAME)
        losses, kept = experiment.descend(fit, np.array([w]), rate, np.array([0, STEPS * rate]))
        assert np.allclose(found["losses"], losses[:, 0], rtol=SAME)
        assert np.allclose(found["kept"], kept[:, 0], rtol=1e-8, atol=1e-10)


def test_products_and_sharpness_are_those_of_a_dense_hessian(recursions, tasks):
    """At the start and after some steps; also from a guess, which must not hold it at another eigenvalue."""
    points, rng = [], np.random.default_rng(10)
    for width, degree, seed, rate in tasks[::70]:
        fit = Fit(width, degree)
        kept = experiment.descend(fit, uniform.start(fit, seed), min(rate, CALM), np.array([0, 8.0]))[1]
        points += [[[width, degree], w.tolist()] for w in kept[:, 0]]
    dense = [curved(Fit(*task), w) for task, w in points]
    along = [[*point, rng.normal(size=len(point[1])).tolist()] for point in points]
    for H, (*_, v, theirs) in zip(dense, both(recursions, "product", along), strict=True):
        assert np.allclose(theirs, H @ v, rtol=1e-9, atol=1e-10 * np.linalg.norm(H @ v))
    second = [[*point, np.linalg.eigh(H)[1][:, -2].tolist()] for point, H in zip(points, dense, strict=True)]
    for given in (points, second):
        for H, (*_, theirs) in zip(dense, both(recursions, "sharpness", given), strict=True):
            value, vector = theirs["value"], np.array(theirs["vector"])
            assert np.isclose(value, np.linalg.eigvalsh(H)[-1], rtol=CURVED)
            assert np.linalg.norm(H @ vector - value * vector) < 1e-3 * value


def test_sharpness_on_a_thousand_sets(recursions, tasks):
    """Against the Hessian by differences, dense, of narrow networks; by the library's Lanczos, of all widths."""
    narrow = [started(4 + i % 4, degree, seed) for i, (_, degree, seed, _) in enumerate(tasks)]
    for fit, w, found in both(recursions, "sharpness", narrow):
        assert np.isclose(found["value"], np.linalg.eigvalsh(fit.hessian(np.array(w)))[-1], rtol=CURVED)
    for fit, w, found in both(recursions, "sharpness", [started(*task) for *task, _ in tasks[::25]]):
        assert np.isclose(found["value"], fit.sharpness(np.array([w]))[0][0], rtol=1e-3)


def test_values_and_slopes(recursions, tasks):
    given = [started(*task) for *task, _ in tasks]
    inputs = Fit(4).x[:, 0].tolist()
    values = json.loads(recursions("polynomial.values", [[*one, inputs] for one in given]))
    for f, (fit, w, found) in zip(values, both(recursions, "slope", given), strict=True):
        loss, gradient = fit.slope(np.array([w]))
        assert np.allclose(found["gradient"], gradient[0], rtol=SAME, atol=1e-12)
        assert np.isclose(found["loss"], loss[0], rtol=SAME)
        assert np.isclose(((f - fit.y) ** 2).mean() / 2, loss[0], rtol=SAME)
