"""Spectra and effective ranks of the figure that moves agree with the library's, in Chromium."""

from __future__ import annotations

import json

import numpy as np
import pytest

from catapult.oracles import rank as oracle
from catapult.theory import rank

pytestmark = [pytest.mark.browser, pytest.mark.slow]
SETS, SIDE = 1000, 8
SAME = 1e-9


def log_uniform(rng, low, high):
    return np.exp(rng.uniform(np.log(low), np.log(high), SETS))


@pytest.fixture(scope="module")
def settings():
    """1,000 settings of what the figure allows: discount, width of the kernel, ridge; fits; parts left out."""
    rng = np.random.default_rng(11)
    torus = [1 - 1 / log_uniform(rng, 2, 1e4), rng.uniform(0.3, 1.2, SETS), log_uniform(rng, 1e-3, 10)]
    return list(zip(*(each.tolist() for each in torus), strict=True)), np.round(log_uniform(rng, 1, 1e4)).astype(int), \
        log_uniform(rng, 1e-3, 0.3)


def test_spectra(recursions, settings):
    torus, fits, _ = settings
    theirs = json.loads(recursions("rank.torus_eigenvalues", [[SIDE, *one] for one in torus]))
    fitted = json.loads(recursions("rank.torus_fit", [[SIDE, *one[1:]] for one in torus]))
    ours = [rank.torus_eigenvalues(SIDE, *one) for one in torus]
    for one, s, found, A in zip(torus, ours, theirs, fitted, strict=True):
        assert np.allclose(found, s, rtol=SAME, atol=1e-12)
        assert np.allclose(A, rank.torus_fit(SIDE, *one[1:]), rtol=SAME, atol=1e-12)
    for name in ("distilled", "rewarded"):
        found = json.loads(recursions(f"rank.{name}", [[s.tolist(), int(k)] for s, k in zip(ours, fits, strict=True)]))
        for s, k, values in zip(ours, fits, found, strict=True):
            assert np.allclose(values, getattr(rank, name)(s, int(k)), rtol=SAME, atol=1e-300), name


def test_ranks(recursions, settings):
    torus, fits, parts = settings
    spectra = [of(rank.torus_eigenvalues(SIDE, *one), int(k)).tolist() for one, k in zip(torus, fits, strict=True)
               for of in (rank.distilled, rank.rewarded)]
    given = list(zip(spectra, np.repeat(parts, 2).tolist(), strict=True))
    assert json.loads(recursions("rank.srank", given)) == [int(rank.srank(*one)) for one in given]
    assert json.loads(recursions("rank.srank", [[[4, 3, 3, 0]]])) == [3]


def test_ranks_fit_by_fit(recursions):
    """The page's setting, with dense matrices: a second way to both."""
    for k in (1, 5, 30):
        s = json.loads(recursions("rank.torus_eigenvalues", [[SIDE, 0.95, 1, 1]]))[0]
        for name, dense in zip(("distilled", "rewarded"), oracle.fitted(SIDE, 0.95, 1.0, 1.0, k), strict=True):
            found = json.loads(recursions(f"rank.{name}", [[s, k]]))[0]
            assert np.allclose(sorted(found), sorted(dense), rtol=1e-7, atol=1e-12), name


def test_what_the_limit_is(settings):
    """The least singular value of M_k, as a share of the largest, is never below what it tends to."""
    for one, k in zip(*settings[:2], strict=True):
        s = rank.torus_eigenvalues(SIDE, *one)
        found = rank.rewarded(s, int(k))
        assert found.min() / found.max() >= (1 - s.max()) / (1 - s.min()) * (1 - 1e-12)
