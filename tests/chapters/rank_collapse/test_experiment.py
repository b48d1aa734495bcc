"""The grid by breadth-first search, the batch against torch's own modules, the penalty against singular values."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
import torch
import xarray as xr
from scipy.sparse.linalg import LinearOperator, eigsh

from catapult.chapters.rank_collapse import checks, experiment, fitting, outcomes, sharpness
from catapult.chapters.rank_collapse.grid import DISCOUNT, walled
from catapult.parameters import InputError

GRID = walled(experiment.SIDE)
STATES, ACTIONS = GRID.rewards.shape


def distances() -> np.ndarray:
    """Steps to the goal from each state, by search from the goal."""
    goal, far = STATES - 1, np.full(STATES, -1)
    far[goal], frontier = 0, [goal]
    while frontier:
        frontier = [s for s in range(STATES) if far[s] < 0 and set(GRID.follows[s]) & set(frontier)]
        far[frontier] = far.max() + 1
    return far


def test_best_values_are_discounted_distances():
    far = distances()
    assert STATES == 50
    assert (far >= 0).all()
    np.testing.assert_allclose(GRID.best.max(-1)[:-1], DISCOUNT ** (far[:-1] - 1.0), rtol=1e-12)
    assert GRID.best[-1].max() == 0
    assert (GRID.iterates(outcomes.FROM)[-1].max(-1)[:-1] > 0).all(), "iteration has reached every state by then"


def test_returns_are_those_of_walks():
    actions = np.random.default_rng(3).integers(ACTIONS, size=STATES)
    total = 0.0
    for state in range(STATES):
        for step in range(200):
            total += DISCOUNT**step * GRID.rewards[state, actions[state]]
            if not GRID.going[state, actions[state]]:
                break
            state = GRID.follows[state, actions[state]]
    assert GRID.returned(actions) == pytest.approx(total / GRID.best.max(-1).sum())
    assert GRID.returned(GRID.best.argmax(-1)) == pytest.approx(1)


def module(weights: list[torch.Tensor], network: int) -> torch.nn.Sequential:
    """One network of a batch as torch's own layers."""
    layers = []
    for w, b in zip(weights[::2], weights[1::2], strict=True):
        layer = torch.nn.Linear(*w.shape[1:], dtype=torch.float64)
        layer.weight.data, layer.bias.data = w[network].T.clone(), b[network, 0].clone()
        layers += [layer, torch.nn.ReLU()]
    return torch.nn.Sequential(*layers[:-1])


@pytest.mark.parametrize(("optimiser", "rate"), [("adam", 1e-3), ("descent", 1.0)])
@pytest.mark.parametrize("arm", ["bootstrapped", "with penalty", "value iteration"])
def test_a_network_of_the_batch_is_a_network_of_torch(arm, optimiser, rate):
    plan = fitting.Schedule(3, 4, optimiser, rate)
    seen = experiment.seen(0.9, range(3))
    found = fitting.fitted(GRID, seen, range(3), ("best values", arm), plan)
    net = module(fitting.start(STATES, ACTIONS, range(3)), 2)
    moving = {"adam": torch.optim.Adam, "descent": torch.optim.SGD}[optimiser](net.parameters(), rate)
    eye, known = torch.eye(STATES, dtype=torch.float64), torch.tensor(seen[2])
    for fit in range(plan.fits):
        own = GRID.rewards + DISCOUNT * GRID.going * net(eye).detach().max(1).values.numpy()[GRID.follows]
        aims = torch.tensor({"value iteration": GRID.iterates(fit + 1)[-1]}.get(arm, own if fit else GRID.rewards))
        for _ in range(plan.steps):
            moving.zero_grad()
            loss = ((net(eye) - aims)[known] ** 2).mean() / 2
            if arm == "with penalty":
                values = torch.linalg.svdvals(net[:-1](eye))
                loss = loss + fitting.PENALTY * (values[0] ** 2 - values[-1] ** 2)
            loss.backward()
            moving.step()
    np.testing.assert_allclose(found["singular"][1, 2, -1], torch.linalg.svdvals(net[:-1](eye)).detach(), rtol=1e-6,
                               atol=1e-8)
    assert found["returned"][1, 2, -1] == pytest.approx(GRID.returned(net(eye).detach().numpy().argmax(1)))


def test_pairs_into_the_reward_are_seen_and_others_as_drawn():
    seen, into = experiment.seen(0.9, range(2, 5)), GRID.rewards > 0
    drawn = np.array([np.random.default_rng([seed, 9]).random(into.shape) < 0.9 for seed in range(2, 5)])
    assert into.sum() == 2
    assert seen[:, into].all()
    assert not drawn[0, into].any(), "why they are kept"
    np.testing.assert_array_equal(seen[:, ~into], drawn[:, ~into])


@pytest.mark.parametrize("shape", [(2, 12, 20), (2, 20, 12)])
def test_the_penalty_is_of_the_singular_values_that_there_are(shape):
    phi = torch.tensor(np.random.default_rng(0).normal(size=shape)).requires_grad_()
    values = torch.linalg.svdvals(phi)
    right = torch.autograd.grad((values[:, 0] ** 2 - values[:, -1] ** 2).sum(), phi)[0]
    found = fitting.spread(phi)
    np.testing.assert_allclose(found.detach(), (values[:, 0] ** 2 - values[:, -1] ** 2).detach(), rtol=1e-10)
    np.testing.assert_allclose(torch.autograd.grad(found.sum(), phi)[0], right, atol=1e-10)


def test_single_precision_gives_the_ranks_of_double():
    double, single = (experiment.fitted(experiment.seen(0.9, range(2, 4)), range(2, 4), experiment.TWO,
                                        fitting.Schedule(3, 50, single=each)) for each in (False, True))
    np.testing.assert_array_equal(single.srank, double.srank)
    np.testing.assert_allclose(single.returned, double.returned, atol=1e-6)


def test_seeds_are_cut_by_tens_and_put_together_in_order(monkeypatch):
    values = experiment.Parameters(parts="all", seeds=12)
    asked = experiment.cells(values)
    assert [cell for cell in asked if cell["part"] == "all pairs"] == [
        {"part": "all pairs", "first": 2, "seeds": 10}, {"part": "all pairs", "first": 12, "seeds": 2}]
    assert [cell for cell in asked if cell["part"] == experiment.LONGER] == [
        {"part": experiment.LONGER, "first": 4, "seeds": 5}]

    def of(part, first, seeds):
        arms, over = next((arms, over) for names, arms, over in (
            (experiment.DATA, fitting.ARMS, "data"), (experiment.SIZES, experiment.THREE, "size"),
            (experiment.PLANS, experiment.TWO, "plan")) if part in names)
        block = np.arange(first, first + seeds)
        shape = (len(arms), seeds, 2)
        return xr.Dataset({"srank": (("arm", "seed", "fit"), np.broadcast_to(block[None, :, None], shape))},
                          coords={"arm": list(arms), "seed": block, "fit": [0, 1]}).expand_dims({over: [part]})

    whole = experiment.join(values, [of(**cell) for cell in asked])
    assert (whole.srank == whole.seed).all()
    known = whole.map_srank.sel(plan="wide start", two="value iteration", fit=1)
    np.testing.assert_array_equal(known, [np.nan, np.nan, *range(4, 14)])
    np.testing.assert_array_equal(whole.size_srank.sel(size="101 states", three="best values", fit=1),
                                  [*range(2, 12), np.nan, np.nan])


def test_the_next_network_teaches():
    plan = fitting.Schedule(2, 3)
    seen = np.ones((2, STATES, ACTIONS), bool)
    both = fitting.fitted(GRID, seen, range(2), ("bootstrapped", "of another network"), plan)
    np.testing.assert_allclose(both["scale"][1, :, 1], both["scale"][0, ::-1, 1])
    assert not np.allclose(both["scale"][0, :, 1], both["scale"][1, :, 1])


def test_a_diverged_network_is_no_number():
    found = experiment.fitted(experiment.seen(1.0, range(1)), range(1), ("bootstrapped",),
                              fitting.Schedule(4, 50, "descent", 100.0))
    assert np.isnan(found.srank.values[..., -1]).all()
    assert np.isnan(found.returned.values[..., -1]).all()


def test_starts_are_as_wide_as_said():
    narrow, wide = (fitting.start(50, 4, range(40), each) for each in (False, True))
    assert float(narrow[2].abs().max()) == pytest.approx(1 / 8, rel=1e-3)
    assert float(wide[0].var()) == pytest.approx(2, rel=0.02)
    assert float(wide[2].var()) == pytest.approx(2 / 64, rel=0.02)
    assert float(wide[6].var()) == pytest.approx(1 / 64, rel=0.05)
    assert float(wide[1].abs().max()) == 0


def test_the_power_of_ten_seeds():
    rho = outcomes.resolved(10)
    draws = np.random.default_rng(0).multivariate_normal([0, 0], [[1, rho], [rho, 1]], size=(4000, 10))
    found = [np.corrcoef(each.T)[0, 1] for each in draws]
    assert np.mean(np.arctanh(found) * np.sqrt(7) > 1.96) == pytest.approx(0.8, abs=0.06)  # z has a bias at ten


def test_the_least_mean_that_twenty_seeds_see():
    spread = xr.DataArray(np.random.default_rng(1).normal(size=20), dims="seed", coords={"seed": np.arange(2, 22)})
    spread = spread / spread.std("seed", ddof=1)
    draws = np.random.default_rng(0).normal(outcomes.least(spread), size=(4000, 20))
    assert np.mean(scipy.stats.ttest_1samp(draws, 0, axis=1).pvalue < 0.05) == pytest.approx(0.8, abs=0.04)


def test_a_finding_repeats_only_beyond_0_on_the_same_side():
    seeds = np.arange(2, 22)
    noise = np.random.default_rng(0).normal(scale=0.1, size=20)
    for first, new, right in ((1, 1, True), (-1, -1, True), (1, -1, False), (1, 0, False), (0, 0, False)):
        values = xr.DataArray(np.where(seeds < 12, first, new) + noise, dims="seed", coords={"seed": seeds})
        assert outcomes.repeats(values) == right


def test_the_slope_is_that_of_a_doubling():
    more = xr.DataArray([[1.0, 5.0], [3.0, 3.0], [5.0, 1.0]], dims=("size", "seed"), coords={"size": ["a", "b", "c"]})
    np.testing.assert_allclose(outcomes.slope(more, {"a": 16, "b": 32, "c": 64}), [2, -2])


def test_features_at_the_start_are_those_of_torch():
    net = module(fitting.start(STATES, ACTIONS, [5]), 0)
    right = torch.linalg.svdvals(net[:-1](torch.eye(STATES, dtype=torch.float64))).detach()
    np.testing.assert_allclose(sharpness.singular_at_start([5])[0], right, atol=1e-12)


def test_sharpness_is_the_largest_eigenvalue():
    weights = fitting.start(STATES, ACTIONS, range(1))
    flat, seen = np.concatenate([w.numpy().ravel() for w in weights]), experiment.seen(0.9, range(1))

    def slope(at):
        parts = np.split(at, np.cumsum([w.numel() for w in weights])[:-1])
        moved = [torch.tensor(each.reshape(w.shape)).requires_grad_() for each, w in zip(parts, weights, strict=True)]
        return np.concatenate([g.numpy().ravel() for g in sharpness.gradient(moved, seen)])

    product = LinearOperator((flat.size, flat.size), matvec=lambda v: (
        slope(flat + 1e-5 * v.ravel()) - slope(flat - 1e-5 * v.ravel())) / 2e-5, dtype=float)
    assert sharpness.at_start(range(1))[0] == pytest.approx(eigsh(product, 1, which="LA", tol=1e-6)[0][0], rel=1e-4)


def test_bad_parameters_are_refused():
    with pytest.raises(InputError):
        experiment.Parameters.checked({"seeds": 0})


@pytest.mark.slow
def test_recorded_runs_are_computed_again():
    assert checks.slice_difference() <= checks.SAME
