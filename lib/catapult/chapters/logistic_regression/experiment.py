"""Separable, non-separable and mixed data; linear predictors, two-layer and deeper linear networks."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import xarray as xr
from pydantic import Field
from scipy.optimize import brentq, minimize_scalar
from scipy.special import expit

from catapult import datasets, parameters
from catapult.datasets.decomposition import decompose
from catapult.networks import Network
from catapult.parameters import InputError
from catapult.theory import linear_predictor, outlier, product_space, two_layer

# Whole numbers: three points on a line that pull both ways, four on one side of it.
MIXED = np.array([[4, 2], [2, 1], [-2, -1], [0, 1], [1, 2], [-1, 1], [3, 2]], dtype=float)
GAMMAS = (1.05, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.7, 1.8, 1.9, 1.95, 1.98)
MULTIPLES = (0.5, 0.7, 1.0, 1.4, 2.0, 2.8, 4.0, 5.7, 8.0, 11.3, 16.0, 22.6)
TRAINED = (0.5, 1.0, 2.0, 2.8)  # of these learning rates, trained a second time by :func:`catapult.train`
TEST = 9  # test points to each training point
# Signed inputs and learning rates of Figure 1 of Wu et al. (2024); the margin is 0.2.
FOUR = np.array([[1, 0.2], [-2, 0.2], [1, 0.2], [-2, 0.2]])
FOUR_RATES = np.array([4.0, 8.0, 16.0, 32.0])
CLOUD_KAPPAS = (12.0, 28.0, 100.0, 1e3, 1e4, 1e5)  # sizes of a step on the separable clouds
EASY = 4  # separable clouds with a margin of half a standard deviation
SLOW = 7.99  # learning rate of the degenerate pair whose convergence is slow


class Parameters(parameters.Parameters):
    """The chapter's parameters."""

    samples: int = Field(100, description="training points of the clouds", ge=40, le=400)
    dimension: int = Field(20, description="dimensions of the clouds", ge=4, le=40)
    separation: float = Field(1.5, description="distance between the means of the overlapping cloud", ge=0, le=2)
    width: int = Field(200, description="hidden width m of the networks on clouds", ge=20, le=2000)
    depth_width: int = Field(100, description="hidden width of the deeper networks on the degenerate pair",
                             ge=10, le=400)
    seeds: int = Field(6, description="number of seeds", ge=2, le=50)
    steps: int = Field(3000, description="steps of the networks on clouds", ge=300, le=100_000)
    margin: float = Field(0.1, description="margin of the opposing points", ge=0.03, le=0.3)
    gamma: float = Field(1.5, description="learning rate times curvature at the minimum, of the cycle that is drawn",
                         ge=outlier.LOWEST, le=outlier.HIGHEST)

    scales: ClassVar = {"quick": {"seeds": 3, "steps": 800, "depth_width": 40},
                        "paper": {"seeds": 30, "steps": 20_000}}


def run(parameters: Parameters) -> xr.Dataset:
    """Return everything the chapter draws; see the functions below."""
    return xr.merge([_mixed(), _four(), _exit_times(parameters), _budgets(parameters), _cycle(parameters), _slow(),
                     _selection(parameters), _kinds(parameters), _separable_divergence(parameters),
                     _depth(parameters)])


# Linear predictors.


def _mixed() -> xr.Dataset:
    """The mixed example: its parts, and gradient descent from 0 at η = 1/β in and across the subspace E."""
    parts = decompose(MIXED)
    across = np.array(parts.direction, dtype=float) / np.linalg.norm(parts.direction)
    along = np.array([across[1], -across[0]])
    rest = MIXED[~parts.separable] @ along
    minimiser = brentq(lambda u: -(rest * expit(-rest * u)).sum(), -20, 20, xtol=1e-14)
    w = linear_predictor.descend("logistic", MIXED, np.zeros(2), 1 / linear_predictor.smoothness(MIXED), 20_000)
    return xr.Dataset({"mixed_input": (("mixed_point", "axis"), MIXED),
                       "mixed_separable": ("mixed_point", parts.separable),
                       "mixed_direction": ("axis", across), "mixed_minimiser": minimiser,
                       "mixed_along": ("mixed_step", w @ along), "mixed_across": ("mixed_step", w @ across)})


def _four() -> xr.Dataset:
    """Four points at four learning rates, w0 = 0: how often the risk rises, and the risk at some steps."""
    risk = risks(np.repeat(FOUR[None], len(FOUR_RATES), axis=0), FOUR_RATES, 2**13)
    steps = np.unique(np.append(np.arange(30), np.geomspace(30, 2**13, 60).astype(int)))
    return xr.Dataset({"four_rises": ("four_rate", (risk[1:] > risk[:-1]).sum(axis=0)),
                       "four_risk": (("four_step", "four_rate"), risk[steps])},
                      coords={"four_rate": FOUR_RATES, "four_step": steps})


def _easy_clouds(parameters: Parameters) -> np.ndarray:
    """Return the signed inputs of separable clouds, shape (EASY, n, d)."""
    return np.array([datasets.separable_cloud(parameters.samples, parameters.dimension, 0.5, seed).Z
                     for seed in range(EASY)])


def opposing(margin: float, shares) -> np.ndarray:
    """Return pairs of signed inputs (ρ, 1), (ρ, −b), shape (B, 2, 2), for b in ``shares``: largest margin ρ."""
    shares = np.asarray(shares, dtype=float)
    first = np.stack([np.full(shares.shape, margin), np.ones(shares.shape)], axis=-1)
    return np.stack([first, np.stack([np.full(shares.shape, margin), -shares], axis=-1)], axis=1)


def risks(Z: np.ndarray, learning_rates: np.ndarray, steps: int) -> np.ndarray:
    """Return the logistic risk at steps 0 … ``steps`` from w0 = 0, shape (steps + 1, R); Z of shape (R, n, d)."""
    w, out = np.zeros(Z[:, 0].shape), np.empty((steps + 1, len(Z)))
    for t in range(steps + 1):
        margins = (Z @ w[:, :, None])[:, :, 0]
        out[t] = np.logaddexp(0, -margins).mean(axis=1)
        w = w + (learning_rates / Z.shape[1])[:, None] * (expit(-margins)[:, None, :] @ Z)[:, 0]
    return out


def exit_time(risk: np.ndarray, level: np.ndarray) -> np.ndarray:
    """Return the first step at which the risk (steps + 1, R) is at most ``level`` (R,); −1 if there is none."""
    below = risk <= level
    return np.where(below.any(axis=0), below.argmax(axis=0), -1)


def exit_bound(square, margin, points, learning_rate) -> np.ndarray:
    """Return the bound on the exit time, elementwise: by R², ρ, n and η (ours)."""
    step = learning_rate * square
    largest = np.maximum(points, step)
    return square / margin**2 * np.maximum(4 * largest, 32 * linear_predictor.OVERSHOOT * largest**2 / step)


def last_rise(risk: np.ndarray) -> np.ndarray:
    """Return the step after the last rise of the risk by more than 10⁻⁹ of it, 0 if it never rises."""
    rises = risk[1:] > risk[:-1] * (1 + 1e-9)
    return np.where(rises.any(axis=0), len(rises) - rises[::-1].argmax(axis=0), 0)


def _exit_times(parameters: Parameters) -> xr.Dataset:
    """Separable data, w0 = 0: when the stable phase begins (L ≤ 1/(ηR²)), the last rise before it, by η and margin.

    ``exit_bound``: the proved bound on both.
    """
    margins = parameters.margin * np.array([3.0, 1.0, 1 / 3])
    shares, rates = np.linspace(0.05, 0.98, 12), np.geomspace(1, 2**14, 15)
    first, rise = [], []
    for margin in margins:
        Z = np.repeat(opposing(margin, shares), len(rates), axis=0)
        eta, radius = np.tile(rates, len(shares)), 1 + margin**2
        risk = risks(Z, eta, int(2 / margin**2))
        first.append(exit_time(risk, 1 / (eta * radius)).reshape(len(shares), -1))
        rise.append(last_rise(risk).reshape(len(shares), -1))
    clouds = np.repeat(_easy_clouds(parameters), len(rates), axis=0)
    easy = last_rise(risks(clouds, np.tile(rates, EASY), 200)).reshape(EASY, -1)
    return xr.Dataset({"easy_last_rise": (("easy_cloud", "exit_rate"), easy),
                       "exit_time": (("opposing_margin", "share", "exit_rate"), first),
                       "last_rise": (("opposing_margin", "share", "exit_rate"), rise),
                       "exit_bound": (("opposing_margin", "exit_rate"), exit_bound(1 + margins[:, None] ** 2,
                                                                                   margins[:, None], 2, rates))},
                      coords={"opposing_margin": margins, "share": shares, "exit_rate": rates})


def _budgets(parameters: Parameters) -> xr.Dataset:
    """The last risk: against η at one T, and against the budget T with η fixed, η = ρ²T/10 and η = T."""
    Z, budgets = opposing(parameters.margin, [0.5]), np.unique(np.geomspace(100, 6400, 13).astype(int))
    rates = np.geomspace(0.25, 256, 21)
    slope = parameters.margin**2 / 10
    eta = np.concatenate([rates, np.ones(len(budgets)), slope * budgets, 1.0 * budgets])
    risk = risks(np.repeat(Z, len(eta), axis=0), eta, int(budgets[-1]))
    of_rules = risk[:, len(rates):].reshape(len(risk), 3, -1)
    ends = np.array([[of_rules[T, rule, i] for i, T in enumerate(budgets)] for rule in range(3)])
    return xr.Dataset({"rate_risk": ("budget_rate", risk[-1, :len(rates)]), "budget_risk": (("rule", "budget"), ends)},
                      coords={"budget_rate": rates, "budget": budgets,
                              "rule": ["η = 1", "η = ρ²T/10", "η = T"]})


def _cycle(parameters: Parameters) -> xr.Dataset:
    """One dimension with an outlier: the map and two orbits at one γ; over γ, the cycle, certified, and its basin."""
    data = outlier.design(parameters.gamma)
    proof = outlier.certify_cycle(data)
    w = np.linspace(-2.0, 3.0, 4001)
    starts = np.array([float(proof.points[0]) + 0.4, 1.8 * data.minimiser()])
    orbits = [starts]
    for _ in range(60):
        orbits.append(data.update(orbits[-1]))
    rows = [_certified(gamma) for gamma in GAMMAS]
    names = ("points_of_data", "outlier", "cycle_rate", "proved_gamma", "first_point", "second_point", "multiplier",
             "basin")
    return xr.Dataset(
        {"map_after": ("map_before", data.update(w)), "map_minimiser": data.minimiser(),
         "map_cycle": ("side", [float(point) for point in proof.points]),
         "cycle_orbit": (("cycle_step", "cycle_start"), orbits),
         **{name: ("gamma", column) for name, column in zip(names, np.array(rows).T, strict=True)}},
        coords={"map_before": w, "gamma": list(GAMMAS)})


def _certified(gamma: float) -> list[float]:
    """The row of one γ. ``basin``: share of 1,000 starts in [−5, 5] that 2,000 steps do not bring to the minimum."""
    data = outlier.design(gamma)
    proof = outlier.certify_cycle(data)
    w = np.linspace(-5, 5, 1000)
    for _ in range(2000):
        w = data.update(w)
    away = np.abs(w - data.minimiser()) > float(abs(proof.points[1])) / 2
    return [data.size, data.outlier, float(data.learning_rate), float(proof.gamma), *map(float, proof.points),
            float(proof.multiplier), away.mean()]


def _slow() -> xr.Dataset:
    """The degenerate pair just under its critical rate 8: the size of w, and its change in two steps."""
    w = linear_predictor.iterate("logistic", 1.0, SLOW, 20_000)
    steps = np.unique(np.geomspace(1, 19_998, 200).astype(int))
    return xr.Dataset({"slow_jump": ("slow_step", np.abs(w[steps + 1] - w[steps])),
                       "slow_return": ("slow_step", np.abs(w[steps + 2] - w[steps]))}, coords={"slow_step": steps})


# Networks.


def cloud(parameters: Parameters, seed: int) -> datasets.Problem:
    """Return an overlapping cloud with a test set of nine times its size; the training set is certified."""
    every = 1 + TEST
    whole = datasets.overlapping_cloud(every * parameters.samples, parameters.dimension, parameters.separation, seed)
    test = np.arange(every * parameters.samples) % every > 0
    problem = datasets.Problem(whole.X[~test], whole.y[~test], whole.X[test], whole.y[test], whole.name)
    if datasets.certify(problem.Z).kind != "strictly non-separable":
        raise InputError(f"samples = {parameters.samples}: a cloud in {parameters.dimension} dimensions is not "
                         "strictly non-separable; allowed: more samples, fewer dimensions or a smaller separation")
    return problem


def mixed_cloud(parameters: Parameters, seed: int) -> datasets.Problem:
    """Return a mixed data set: half the points overlap within half of the dimensions, the others reach beyond it."""
    n, d = parameters.samples // 2, parameters.dimension // 2
    Z = np.zeros((2 * n, 2 * d))
    Z[:n, :d] = datasets.overlapping_cloud(n, d, parameters.separation, seed).Z
    Z[n:, :d] = np.random.default_rng(seed).standard_normal((n, d))
    Z[n:, d:] = datasets.separable_cloud(n, d, 0.5, seed).Z
    y = np.where(np.arange(2 * n) % 2, -1.0, 1.0)
    return datasets.Problem(y[:, None] * Z, y, name=f"{2 * n} points, half of them separable")


def minimiser(Z: np.ndarray, steps: int = 50) -> np.ndarray:
    """Return the minimiser of the logistic risk of strictly non-separable data, shape (d,), by Newton's method."""
    v = np.zeros(Z.shape[1])
    for _ in range(steps):
        v = v - np.linalg.solve(linear_predictor.hessian("logistic", Z, v),
                                linear_predictor.gradient("logistic", Z, v))
    return v


def _selection(parameters: Parameters) -> xr.Dataset:
    """Two-layer networks on overlapping clouds: where they end, by width, seed and learning rate.

    The unit of the learning rate is 2/sharpness at the start. Computed in the space of the product vector; some of it
    a second time by :func:`catapult.train`, on the weights (``trained_…``).
    """
    widths, seeds = [parameters.width * 4**k for k in range(3)], range(parameters.seeds)
    clouds = [cloud(parameters, seed) for seed in seeds]
    shape = (len(widths), len(seeds), len(MULTIPLES))
    blocks = [_start(clouds[seed], Network((parameters.dimension, width, 1)), seed)
              for width in widths for seed in seeds]
    units = 2 / np.array([sharpness for _, sharpness in blocks])
    Z = np.repeat(np.array([problem.Z for problem in clouds] * len(widths)), len(MULTIPLES), axis=0)
    eta = (units[:, None] * MULTIPLES).ravel()
    ends = []
    for i in range(len(widths)):  # one scale a width
        rows = slice(i * len(eta) // len(widths), (i + 1) * len(eta) // len(widths))
        states = [state for state, _ in blocks[i * len(seeds):(i + 1) * len(seeds)]]
        state = product_space.repeated(states, len(MULTIPLES))
        _, end = product_space.descend("logistic", Z[rows], state, eta[rows], parameters.steps, parameters.steps)
        ends.append((end.product, product_space.sharpness_at_minimum("logistic", Z[rows], end)))
    product = np.concatenate([v for v, _ in ends]).reshape(*shape, -1)
    best = np.array([minimiser(problem.Z) for problem in clouds])
    with np.errstate(over="ignore", invalid="ignore"):
        far = np.linalg.norm(product - best[:, None], axis=-1) / np.linalg.norm(best, axis=-1)[:, None]
    settled = far < 1e-3  # false for NaN
    sharpness = np.where(settled, np.concatenate([s for _, s in ends]).reshape(shape), np.nan)
    dims = ("width", "seed", "multiple")
    return xr.merge([
        xr.Dataset({"settled": (dims, settled), "predictor_gap": (dims, np.where(np.isfinite(far), far, np.nan)),
                    "end_sharpness": (dims, sharpness),
                    "edge_ratio": (dims, sharpness * eta.reshape(shape) / 2),
                    "step_size": (dims, _step_sizes(clouds, widths, eta.reshape(shape))),
                    "test_accuracy": (dims, _accuracies(product, clouds, settled)),
                    "least_sharpness": ("seed", [flattest(problem.Z, v, parameters.width)
                                                 for problem, v in zip(clouds, best, strict=True)]),
                    "unit": (dims[:2], units.reshape(shape[:2]))},
                   coords={"width": widths, "seed": list(seeds), "multiple": list(MULTIPLES)}),
        _trained(parameters, clouds[0], units[0])])


def _step_sizes(clouds: list[datasets.Problem], widths: list[int], eta: np.ndarray) -> np.ndarray:
    """Return κ₁ = η²s²‖ZᵀZ‖/n for learning rates of shape (widths, seeds, multiples); s² = 1/(md)."""
    largest = np.array([np.linalg.norm(problem.Z, 2) ** 2 / len(problem.Z) for problem in clouds])
    return eta**2 * largest[:, None] / (np.array(widths)[:, None, None] * clouds[0].dimension)


def _start(problem: datasets.Problem, network: Network, seed: int) -> tuple[product_space.State, float]:
    """Return a two-layer network of one seed, in the space of its product vector, and its sharpness."""
    import torch

    from catapult import curvature

    first, second = network.initialise(seed)
    scale = float(np.prod(network.scales))
    X, y = torch.as_tensor(problem.X.copy()), torch.as_tensor(problem.y.copy())
    (sharpness,), _ = curvature.sharpness_of_runs(network, "logistic", [first[None], second[None]], X, y)
    return product_space.start(first.numpy()[None], second.numpy(), scale), float(sharpness)


def _accuracies(product: np.ndarray, clouds: list[datasets.Problem], settled: np.ndarray) -> np.ndarray:
    """Return the share of test points that each product vector classifies correctly; NaN where it has not settled."""
    right = [(product[:, s] @ (problem.y_test[:, None] * problem.X_test).T > 0).mean(axis=-1)
             for s, problem in enumerate(clouds)]
    return np.where(settled, np.stack(right, axis=1), np.nan)


def flattest(Z: np.ndarray, best: np.ndarray, width: int) -> float:
    """Return the least sharpness of two-layer networks whose product vector is the minimiser.

    The largest eigenvalue of H^{1/2}(cI + (s²/c) v vᵀ)H^{1/2} is convex in log c.
    """
    root = np.linalg.cholesky(linear_predictor.hessian("logistic", Z, best))
    pull, s = np.outer(root.T @ best, root.T @ best), (width * Z.shape[1]) ** -0.5

    def largest(log_c):
        c = s * np.exp(log_c)
        return np.linalg.eigvalsh(c * root.T @ root + s**2 / c * pull)[-1]

    return float(minimize_scalar(largest, bounds=(-10, 10), method="bounded", options={"xatol": 1e-9}).fun)


def _trained(parameters: Parameters, problem: datasets.Problem, unit: float) -> xr.Dataset:
    from catapult.training import train

    last = parameters.steps
    trained = train(problem, Network((parameters.dimension, parameters.width, 1)), np.array(TRAINED) * unit, seeds=(0,),
                    steps=last, record=("loss", "sharpness", "test_accuracy"),
                    every={"loss": last, "sharpness": [last], "test_accuracy": [last]}).isel(seed=0, step=-1, drop=True)
    ratio = (trained.sharpness * trained.learning_rate / 2).values
    return xr.Dataset({"trained_edge_ratio": ("trained_multiple", ratio),
                       "trained_accuracy": ("trained_multiple", trained.test_accuracy.values)},
                      coords={"trained_multiple": list(TRAINED)})


def _kinds(parameters: Parameters) -> xr.Dataset:
    """One two-layer network on data of each kind, at two learning rates: risk, sharpness and kernel along the way."""
    from catapult.training import train

    problems = {"separable": datasets.separable_cloud(parameters.samples, parameters.dimension, 0.5, 0),
                "strictly non-separable": cloud(parameters, 0), "mixed": mixed_cloud(parameters, 0)}
    steps = np.unique(np.append(np.arange(8), np.geomspace(8, parameters.steps, 24).astype(int)))
    multiples, columns = (1.0, 3.0), {"kind_loss": [], "kind_edge_ratio": [], "kind_kernel": []}
    for problem in problems.values():
        network = Network((problem.dimension, parameters.width, 1))
        _, sharpness = _start(problem, network, 0)
        trained = train(problem, network, np.array(multiples) * 2 / sharpness, seeds=(0,), steps=parameters.steps,
                        record=("loss", "sharpness", "ntk"), every=steps).isel(seed=0)
        columns["kind_loss"].append(trained.loss.values)
        columns["kind_edge_ratio"].append((trained.sharpness * trained.learning_rate / 2).values)
        columns["kind_kernel"].append(trained.ntk.values)
    return xr.Dataset({name: (("kind", "kind_multiple", "kind_step"), values) for name, values in columns.items()},
                      coords={"kind": list(problems), "kind_multiple": list(multiples), "kind_step": steps})


def _separable_divergence(parameters: Parameters) -> xr.Dataset:
    """Two-layer networks on the separable points (ρ, ±1): do they diverge? By κ = η²R²/(2m), ρ and seed."""
    kappas, draws = np.array([4, 6, 7, 8, 9, 10, 11, 12, 14, 16, 20, 28]), 20
    margins = parameters.margin * np.array([1, 3])
    network = Network((2, parameters.width, 1))
    scale, diverged, risk = float(np.prod(network.scales)), [], []
    weights = [[matrix.numpy() for matrix in network.initialise(seed)] for seed in range(draws)]
    states = [product_space.start(first[None], second, scale) for first, second in weights]
    for margin in margins:
        Z = np.repeat(opposing(margin, [1.0]), draws * len(kappas), axis=0)
        eta = np.sqrt(kappas / (1 + margin**2)) / scale
        _, end = product_space.descend("logistic", Z, product_space.repeated(states, len(kappas)),
                                       np.tile(eta, draws), 1500, 1500)
        margins_end = np.einsum("rnd,rd->rn", Z, end.product)
        gone = ~(np.isfinite(margins_end).all(axis=1) & (end.outer < 1e20))
        diverged.append(gone.reshape(draws, -1))
        margins_end[gone] = 0.0
        risk.append(np.where(gone, np.nan, np.logaddexp(0, -margins_end).mean(axis=1)).reshape(draws, -1))
    dims = ("pair_margin", "draw", "kappa")
    return xr.Dataset({"pair_diverged": (dims, diverged), "pair_risk": (dims, risk),
                       "cloud_diverged": (("easy_cloud", "cloud_kappa"), _clouds_diverged(parameters))},
                      coords={"pair_margin": margins, "draw": np.arange(draws), "kappa": kappas,
                              "cloud_kappa": list(CLOUD_KAPPAS)})


def _clouds_diverged(parameters: Parameters, kappas: tuple[float, ...] = CLOUD_KAPPAS) -> np.ndarray:
    """Return whether networks on the separable clouds diverge, shape (EASY, len(kappas))."""
    Z, network = _easy_clouds(parameters), Network((parameters.dimension, parameters.width, 1))
    weights = [[matrix.numpy() for matrix in network.initialise(seed)] for seed in range(EASY)]
    scale = float(np.prod(network.scales))
    states = [product_space.start(first[None], second, scale) for first, second in weights]
    squares = (Z**2).sum(axis=2).mean(axis=1)
    eta = np.sqrt(np.array(kappas) / squares[:, None]) / scale
    _, end = product_space.descend("logistic", np.repeat(Z, len(kappas), axis=0),
                                   product_space.repeated(states, len(kappas)), eta.ravel(), 500, 500)
    return ~(end.outer < 1e20).reshape(eta.shape)


def _depth(parameters: Parameters) -> xr.Dataset:
    """Linear networks with 1 to 3 hidden layers on the degenerate pair: do they diverge, by loss, η and seed?

    The unit is 2/(hλ0). ``depth_edge``: the same multiple from the theory, for one hidden layer (ours).
    """
    from catapult.training import train

    multiples = {"squared": np.array([1.7, 1.9, 2.1, 2.3, 2.5, 2.7, 2.9, 3.1]),
                 "logistic": np.array([4, 5, 6, 7, 8, 9, 10, 14])}
    pair, hidden, out, edges = datasets.degenerate_pair(), (1, 2, 3), {}, []
    for loss, grid in multiples.items():
        diverged = np.zeros((len(hidden), parameters.seeds, len(grid)), dtype=bool)
        for i, layers in enumerate(hidden):
            network = Network((1, *[parameters.depth_width] * layers, 1))
            for seed in range(parameters.seeds):
                output, kernel = _output_and_kernel(network, seed)
                unit = two_layer.stability_edge(loss, kernel)
                trained = train(pair, network, grid * unit, loss=loss, seeds=(seed,), steps=300, record=("loss",),
                                every=300, divergence=1e6)
                diverged[i, seed] = trained.phase.values[:, 0] == "divergent"
                if layers == 1:
                    edges.append(two_layer.convergence_edge(loss, output, kernel, parameters.depth_width) / unit)
        out[f"{loss}_diverged"] = (("hidden", "seed", f"{loss}_multiple"), diverged)
    return xr.Dataset({**out, "depth_edge": (("depth_loss", "seed"), np.reshape(edges, (2, -1)))},
                      coords={"hidden": list(hidden), "seed": np.arange(parameters.seeds),
                              "depth_loss": list(multiples),
                              **{f"{loss}_multiple": grid for loss, grid in multiples.items()}})


def _output_and_kernel(network: Network, seed: int) -> tuple[float, float]:
    """Return f and λ of a network with one input on the input 1."""
    import torch

    from catapult import curvature

    one, weights = torch.ones(1, 1, dtype=torch.float64), network.initialise(seed)
    return float(network.forward(weights, one)[0]), curvature.largest_ntk_eigenvalue(network, weights, one)
