"""Weight normalisation of a linear predictor, square loss: the flow of ρ and v integrated by an implicit solver."""

from __future__ import annotations

import numpy as np
from scipy.integrate import solve_ivp


def flow(Z: np.ndarray, rho: float, v: np.ndarray, decay: float, time: float) -> tuple[float, np.ndarray, float]:
    """Return ρ, v and λ∫ρ² at a time, from ρ and the unit vector v; λ ≥ 0 is on the summed loss."""
    def slope(_, state):
        rho, v = state[0], state[1:-1]
        g = 2 * Z.T @ (Z @ (rho * v) - 1)
        return np.concatenate([[-v @ g - 2 * decay * rho], -rho * (g - v * (v @ g)), [decay * rho**2]])

    state = np.concatenate([[rho], v, [0.0]])
    end = solve_ivp(slope, (0, time), state, method="LSODA", rtol=1e-10, atol=1e-12).y[:, -1]
    return float(end[0]), end[1:-1], float(end[-1])


def plain(Z: np.ndarray, w: np.ndarray, decay: float, time: float) -> np.ndarray:
    """Return w of gradient flow without normalisation at a time, by the eigenvectors of Z^T Z."""
    values, vectors = np.linalg.eigh(Z.T @ Z)
    rates = 2 * (np.maximum(values, 0) + decay)
    force = 2 * vectors.T @ (Z.T @ np.ones(len(Z)))
    c = vectors.T @ w
    with np.errstate(divide="ignore", invalid="ignore"):
        ended = np.where(rates > 1e-12, force / rates, c)
    return vectors @ (ended + (c - ended) * np.exp(-rates * time))
