"""Separable, non-separable and mixed data: what large steps do to linear predictors."""

from __future__ import annotations

import numpy as np
import xarray as xr
from pydantic import Field
from scipy.optimize import brentq
from scipy.special import expit

from catapult import parameters
from catapult.datasets import easy_clouds, opposing
from catapult.datasets.decomposition import decompose
from catapult.theory import linear_predictor, outlier

# Whole numbers: three points on a line that pull both ways, four on one side of it.
MIXED = np.array([[4, 2], [2, 1], [-2, -1], [0, 1], [1, 2], [-1, 1], [3, 2]], dtype=float)
GAMMAS = (1.05, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.7, 1.8, 1.9, 1.95, 1.98)
# Signed inputs and learning rates of Figure 1 of Wu et al. (2024); the margin is 0.2.
FOUR = np.array([[1, 0.2], [-2, 0.2], [1, 0.2], [-2, 0.2]])
FOUR_RATES = np.array([4.0, 8.0, 16.0, 32.0])
SLOW = 7.99  # learning rate of the degenerate pair whose convergence is slow


class Parameters(parameters.Parameters):
    """The chapter's parameters."""

    samples: int = Field(100, description="training points of the clouds", ge=40, le=400)
    dimension: int = Field(20, description="dimensions of the clouds", ge=4, le=40)
    margin: float = Field(0.1, description="margin of the opposing points", ge=0.03, le=0.3)
    gamma: float = Field(1.5, description="learning rate times curvature at the minimum, of the cycle that is drawn",
                         ge=outlier.LOWEST, le=outlier.HIGHEST)


def run(parameters: Parameters) -> xr.Dataset:
    """Return everything the chapter draws; see the functions below."""
    return xr.merge([_mixed(), _four(), _last_rises(parameters), _budgets(parameters), _cycle(parameters), _slow()])


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


def risks(Z: np.ndarray, learning_rates: np.ndarray, steps: int) -> np.ndarray:
    """Return the logistic risk at steps 0 … ``steps`` from w0 = 0, shape (steps + 1, R); Z of shape (R, n, d)."""
    w, out = np.zeros(Z[:, 0].shape), np.empty((steps + 1, len(Z)))
    for t in range(steps + 1):
        margins = (Z @ w[:, :, None])[:, :, 0]
        out[t] = np.logaddexp(0, -margins).mean(axis=1)
        w = w + (learning_rates / Z.shape[1])[:, None] * (expit(-margins)[:, None, :] @ Z)[:, 0]
    return out


def last_rise(risk: np.ndarray) -> np.ndarray:
    """Return the step after the last rise of the risk by more than 10⁻⁹ of it, 0 if it never rises."""
    rises = risk[1:] > risk[:-1] * (1 + 1e-9)
    return np.where(rises.any(axis=0), len(rises) - rises[::-1].argmax(axis=0), 0)


def _last_rises(parameters: Parameters) -> xr.Dataset:
    """Separable data, w0 = 0: the last rise of the risk, by η; on opposing points by ρ and b, with its bound."""
    margins = parameters.margin * np.array([3.0, 1.0, 1 / 3])
    shares, rates = np.linspace(0.05, 0.98, 12), np.geomspace(1, 2**14, 15)
    rises = [_by_rate(opposing(margin, shares), rates, int(2 / margin**2)) for margin in margins]
    easy = _by_rate(easy_clouds(parameters.samples, parameters.dimension), rates, 200)
    square = 1 + margins[:, None] ** 2  # R²
    largest = np.maximum(2, rates * square)  # M
    bound = square / margins[:, None] ** 2 * np.maximum(
        4 * largest, 32 * linear_predictor.OVERSHOOT * largest**2 / (rates * square))
    return xr.Dataset({"easy_last_rise": (("easy_cloud", "exit_rate"), easy),
                       "last_rise": (("opposing_margin", "share", "exit_rate"), rises),
                       "exit_bound": (("opposing_margin", "exit_rate"), bound)},
                      coords={"opposing_margin": margins, "share": shares, "exit_rate": rates})


def _by_rate(Z: np.ndarray, rates: np.ndarray, steps: int) -> np.ndarray:
    """Return the last rise on each of the data sets Z (S, n, d) at each of R learning rates, shape (S, R)."""
    risk = risks(np.repeat(Z, len(rates), axis=0), np.tile(rates, len(Z)), steps)
    return last_rise(risk).reshape(len(Z), -1)


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
    rows = np.array([_certified(gamma) for gamma in GAMMAS]).T
    return xr.Dataset(
        {"map_after": ("map_before", data.update(w)), "map_minimiser": data.minimiser(),
         "map_cycle": ("side", [float(point) for point in proof.points]),
         "cycle_orbit": (("cycle_step", "cycle_start"), orbits),
         **{name: ("gamma", row) for name, row in zip(("proved_gamma", "multiplier", "basin"), rows, strict=True)}},
        coords={"map_before": w, "gamma": list(GAMMAS)})


def _certified(gamma: float) -> list[float]:
    """The row of one γ. ``basin``: share of 1,000 starts in [−5, 5] that 2,000 steps do not bring to the minimum."""
    data = outlier.design(gamma)
    proof = outlier.certify_cycle(data)
    w = np.linspace(-5, 5, 1000)
    for _ in range(2000):
        w = data.update(w)
    away = np.abs(w - data.minimiser()) > float(abs(proof.points[1])) / 2
    return [float(proof.gamma), float(proof.multiplier), away.mean()]


def _slow() -> xr.Dataset:
    """The degenerate pair just under its critical rate 8: the size of w, and its change in two steps."""
    w = linear_predictor.iterate("logistic", 1.0, SLOW, 20_000)
    steps = np.unique(np.geomspace(1, 19_998, 200).astype(int))
    return xr.Dataset({"slow_jump": ("slow_step", np.abs(w[steps + 1] - w[steps])),
                       "slow_return": ("slow_step", np.abs(w[steps + 2] - w[steps]))}, coords={"slow_step": steps})
