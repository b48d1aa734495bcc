"""Spectra that are hard for Lanczos, and how often the largest eigenvalue is missed on them.

Lanczos sees only the spectrum and the start, so diagonal matrices stand for all. Run as a script with a number of
starts: a line a spectrum, with the misses.
"""

from __future__ import annotations

import functools
import sys

import numpy as np
import torch

from catapult import curvature
from catapult.curvature import lanczos
from catapult.networks import Network


def _bulk(width: float, count: int) -> np.ndarray:
    return np.random.default_rng(0).normal(0, width, count)


def _network(loss: str, activation: str, steps: int, rate: float, widths=(8, 12, 12, 1)) -> np.ndarray:
    """The dense eigenvalues of a small network's Hessian after some steps at a large rate, in units of 2/sharpness."""
    generator = torch.Generator().manual_seed(1)
    X = torch.randn(20, widths[0], generator=generator, dtype=torch.float64)
    y = torch.sign(torch.randn(20, generator=generator, dtype=torch.float64))
    network = Network(widths, activation)
    mean_loss, weights = curvature.mean_loss(network, loss, X, y), network.initialise(0)
    eta = rate * 2 / torch.linalg.eigvalsh(curvature.hessian_matrix(mean_loss, weights))[-1].item()
    for _ in range(steps):
        leaves = [W.requires_grad_() for W in weights]
        weights = [(W - eta * g).detach() for W, g in
                   zip(leaves, torch.autograd.grad(mean_loss(leaves), leaves), strict=True)]
    return torch.linalg.eigvalsh(curvature.hessian_matrix(mean_loss, weights)).numpy()


SPECTRA = {
    **{f"pair {top:g}, 1 over a bulk": np.array([top, 1, *_bulk(0.05, 998)])
       for top in (1.001, 1.0011, 1.0015, 1.003, 1.01, 1.02, 1.05, 1.1)},
    "three: 1, .98, .95": np.array([1, 0.98, 0.95, *_bulk(0.05, 997)]),
    "pair 1.2, 1 over a narrow bulk": np.array([1.2, 1, *_bulk(0.01, 998)]),
    "cluster of 20": np.array([*(1 + 1e-4 * _bulk(1, 20)), *_bulk(0.1, 480)]),
    "geometric": np.geomspace(1e-12, 1, 400),
    "uniform": np.random.default_rng(1).uniform(0, 1, 120),
    "all negative": np.random.default_rng(2).uniform(-1, 0, 80),
    "all negative, geometric": -np.geomspace(1e-3, 1, 120),
    "below a large negative one": np.array([-10, 1.01, 1, *_bulk(0.05, 497)]),
    "rank two": np.array([1, 0.99, *[0] * 1998]),
    "multiple": np.array([*[1.0] * 5, *[0.998] * 5, *_bulk(0.2, 300)]),
}
NETWORKS = {f"network, {loss}, {activation}, step {steps}": (loss, activation, steps, rate)
            for loss, activation, steps, rate in (("logistic", "relu", 0, 1), ("logistic", "relu", 10, 1.8),
                                                  ("squared", "tanh", 15, 1.2), ("logistic", "linear", 30, 2))}
NAMES = [*SPECTRA, *NETWORKS]


@functools.cache
def spectrum_of(name: str) -> np.ndarray:
    """Return the eigenvalues of that name, computed when they are asked for."""
    return SPECTRA[name] if name in SPECTRA else _network(*NETWORKS[name])


def errors(spectrum: np.ndarray, seeds, guess: int | None = None, basis: int | None = None,
           rough: bool = False) -> np.ndarray:
    """Return the errors of ``lanczos.largest`` in units of s, a start a seed; ``guess``: warm, from that eigenvector.

    Positive: too small. The unit is |λ_max|, or a thousandth of the spectral radius if that is larger.
    """
    diagonal, size = torch.tensor(spectrum, dtype=torch.float64), len(spectrum)
    single, vectors = diagonal.float(), None
    if guess is not None:
        vectors = torch.zeros(len(seeds), size, dtype=torch.float64)
        vectors[:, guess] = 1
    start, noise = lanczos.start_vectors(size, seeds, vectors)
    values, _ = lanczos.largest(lambda v: v * diagonal, start, noise, basis=basis,
                                rough=(lambda v: v * single) if rough else None)
    return (spectrum.max() - values) / max(abs(spectrum.max()), np.abs(spectrum).max() / 1000)


def misses(spectrum: np.ndarray, found: np.ndarray) -> int:
    """Return how many errors are larger than is promised: a thousandth, or a tenth of it where the gap is 1 %."""
    second, top = np.sort(spectrum)[-2:]
    allowed = 1e-4 if top - second >= 0.01 * max(abs(top), np.abs(spectrum).max() / 1000) else 1e-3
    return int(((found > allowed) | (found < -1e-9)).sum())


def main(starts: int, batch: int = 500) -> None:
    """Print the misses of cold starts, of warm ones from the runner-up, and of these with a search in float32."""
    for name in NAMES:
        spectrum = spectrum_of(name)
        runner_up, counts = int(np.argsort(spectrum)[-2]), [0, 0, 0]
        for first in range(0, starts, batch):
            seeds = range(first, min(first + batch, starts))
            for number, options in enumerate(({}, {"guess": runner_up}, {"guess": runner_up, "rough": True})):
                counts[number] += misses(spectrum, errors(spectrum, seeds, **options))
        print(f"{name:36} {starts:,} starts: missed cold {counts[0]}, warm {counts[1]}, warm by float32 {counts[2]}",
              flush=True)


if __name__ == "__main__":
    torch.set_num_threads(1)
    main(int(sys.argv[1]))
