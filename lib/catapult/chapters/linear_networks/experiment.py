"""Two-layer and deeper linear networks on separable, non-separable and mixed data."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import xarray as xr
from pydantic import Field
from scipy.optimize import minimize_scalar

from catapult import datasets, parameters
from catapult.networks import Network
from catapult.oracles import predictor
from catapult.parameters import InputError
from catapult.theory import linear_predictor, product_space, two_layer

MULTIPLES = (0.5, 0.7, 1.0, 1.4, 2.0, 2.8, 4.0, 5.7, 8.0, 11.3, 16.0, 22.6)
TRAINED = (0.5, 1.0, 2.0, 2.8)  # of these learning rates, trained a second time by :func:`catapult.train`
TEST = 9  # test points to each training point
PAIR_KAPPAS = (4, 6, 7, 8, 9, 10, 11, 12, 14, 16, 20, 28)  # sizes of a step on the separable points (ρ, ±1)
CLOUD_KAPPAS = (12.0, 28.0, 100.0, 1e3, 1e4, 1e5)  # and on the separable clouds


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

    scales: ClassVar = {"quick": {"seeds": 3, "steps": 800, "depth_width": 40},
                        "paper": {"seeds": 30, "steps": 20_000}}


def run(parameters: Parameters) -> xr.Dataset:
    """Return everything the chapter draws; see the functions below."""
    return xr.merge([_selection(parameters), _kinds(parameters), _separable_divergence(parameters),
                     _depth(parameters)])


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


def _selection(parameters: Parameters) -> xr.Dataset:
    """Two-layer networks on overlapping clouds: where they end, by width, seed and learning rate.

    The unit of the learning rate is 2/sharpness at the start. Computed in the space of the product vector; some of it
    a second time by :func:`catapult.train`, on the weights (``trained_…``).
    """
    widths, seeds = [parameters.width * 4**k for k in range(3)], range(parameters.seeds)
    clouds = [cloud(parameters, seed) for seed in seeds]
    best = np.array([predictor.minimiser(problem.Z) for problem in clouds])
    ends = xr.concat([_ends(parameters, clouds, best, width) for width in widths], "width").assign_coords(
        width=widths, seed=list(seeds), multiple=list(MULTIPLES))
    least = [flattest(problem.Z, parameters.width) for problem in clouds]
    return xr.merge([ends.assign(least_sharpness=("seed", least)),
                     _trained(parameters, clouds[0], float(ends.unit[0, 0]))])


def _ends(parameters: Parameters, clouds: list[datasets.Problem], best: np.ndarray, width: int) -> xr.Dataset:
    """Return where networks of one width end, over (seed, multiple); ``settled``: at the predictor ``best`` (S, d)."""
    network, Z = Network((parameters.dimension, width, 1)), np.array([problem.Z for problem in clouds])
    states, sharpnesses = zip(*(_start(problem, network, seed) for seed, problem in enumerate(clouds)), strict=True)
    unit = 2 / np.array(sharpnesses)
    eta, data = unit[:, None] * MULTIPLES, np.repeat(Z, len(MULTIPLES), axis=0)
    _, end = product_space.descend("logistic", data, product_space.repeated(states, len(MULTIPLES)), eta.ravel(),
                                   parameters.steps, parameters.steps)
    product = end.product.reshape(*eta.shape, -1)
    with np.errstate(over="ignore", invalid="ignore"):
        far = np.linalg.norm(product - best[:, None], axis=-1) / np.linalg.norm(best, axis=-1)[:, None]
    settled = far < 1e-3  # false for NaN
    sharpness = np.where(settled, product_space.sharpness_at_minimum("logistic", data, end).reshape(eta.shape), np.nan)
    right = [(v @ (problem.y_test[:, None] * problem.X_test).T > 0).mean(axis=-1)
             for v, problem in zip(product, clouds, strict=True)]
    kappa = eta**2 * (np.linalg.norm(Z, 2, axis=(1, 2)) ** 2)[:, None] / Z[0].size / width  # η²s²‖ZᵀZ‖/n
    columns = {"settled": settled, "predictor_gap": np.where(np.isfinite(far), far, np.nan), "end_sharpness": sharpness,
               "edge_ratio": sharpness * eta / 2, "step_size": kappa, "test_accuracy": np.where(settled, right, np.nan)}
    return xr.Dataset({"unit": ("seed", unit),
                       **{name: (("seed", "multiple"), values) for name, values in columns.items()}})


def _start(problem: datasets.Problem, network: Network, seed: int) -> tuple[product_space.State, float]:
    """Return a two-layer network of one seed, in the space of its product vector, and its sharpness."""
    import torch

    from catapult import curvature

    weights = [matrix[None] for matrix in network.initialise(seed)]
    X, y = torch.as_tensor(problem.X.copy()), torch.as_tensor(problem.y.copy())
    (sharpness,), _ = curvature.sharpness_of_runs(network, "logistic", weights, X, y)
    return _state(network, seed), float(sharpness)


def _state(network: Network, seed: int) -> product_space.State:
    first, second = (matrix.numpy() for matrix in network.initialise(seed))
    return product_space.start(first[None], second, float(np.prod(network.scales)))


def flattest(Z: np.ndarray, width: int) -> float:
    """Return the least sharpness of two-layer networks whose product vector is the minimiser.

    The largest eigenvalue of H^{1/2}(cI + (s²/c) v vᵀ)H^{1/2} is convex in log c.
    """
    best = predictor.minimiser(Z)
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
                    steps=last, record=("sharpness",), every=last).isel(seed=0, step=-1, drop=True)
    ratio = (trained.sharpness * trained.learning_rate / 2).values
    return xr.Dataset({"trained_edge_ratio": ("trained_multiple", ratio)}, coords={"trained_multiple": list(TRAINED)})


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
    """Two-layer networks on separable data, do they diverge? On the points (ρ, ±1) by ρ, seed and κ, and on clouds."""
    margins, draws = parameters.margin * np.array([1, 3]), 20
    pairs = [pushed(np.repeat(datasets.opposing(margin, [1.0]), draws, axis=0), parameters.width, PAIR_KAPPAS, 1500)
             for margin in margins]
    gone, risk = (np.array(values) for values in zip(*pairs, strict=True))
    clouds = datasets.easy_clouds(parameters.samples, parameters.dimension)
    dims = ("pair_margin", "draw", "kappa")
    return xr.Dataset({"pair_diverged": (dims, gone), "pair_risk": (dims, risk),
                       "cloud_diverged": (("easy_cloud", "cloud_kappa"),
                                          pushed(clouds, parameters.width, CLOUD_KAPPAS, 500)[0])},
                      coords={"pair_margin": margins, "draw": np.arange(draws), "kappa": list(PAIR_KAPPAS),
                              "cloud_kappa": list(CLOUD_KAPPAS)})


def pushed(Z: np.ndarray, width: int, kappas: tuple[float, ...], steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Follow networks of the seeds 0 … R − 1, each on signed inputs of its own, Z (R, n, d), at sizes κ of a step.

    Return whether they diverge, and their risk at the end, NaN if they do, both of shape (R, kappas).
    """
    network = Network((Z.shape[2], width, 1))
    states = [_state(network, seed) for seed in range(len(Z))]
    eta = np.sqrt(np.array(kappas) / (Z**2).sum(axis=2).mean(axis=1)[:, None]) / states[0].scale
    data = np.repeat(Z, len(kappas), axis=0)
    _, end = product_space.descend("logistic", data, product_space.repeated(states, len(kappas)), eta.ravel(), steps,
                                   steps)
    margins = np.einsum("rnd,rd->rn", data, end.product)
    gone = ~(np.isfinite(margins).all(axis=1) & (end.outer < 1e20))
    margins[gone] = 0
    risk = np.where(gone, np.nan, np.logaddexp(0, -margins).mean(axis=1))
    return gone.reshape(eta.shape), risk.reshape(eta.shape)


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
