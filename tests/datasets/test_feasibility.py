"""Exact feasibility: a solution or Farkas' proof, on small systems with ties and dependent rows."""

from __future__ import annotations

import flint
import numpy as np
import pytest

from catapult.datasets import feasibility


@pytest.mark.parametrize("seed", range(4))
def test_each_system_has_a_solution_or_a_proof_that_there_is_none(seed):
    rng, kinds = np.random.default_rng(seed), set()
    for _ in range(100):
        r, n = rng.integers(1, 5), rng.integers(1, 7)
        A, b = rng.integers(-3, 4, (r, n)), rng.integers(-3, 4, r)
        if rng.random() < 0.5:
            A[-1], b[-1] = A[0], b[0]  # rows that depend on each other, and degenerate vertices
        x, y = feasibility.solve(flint.fmpz_mat(A.tolist()), b.tolist())
        assert (x is None) != (y is None)
        kinds.add(x is None)
        if x is not None:
            assert min(x) >= 0
            assert [sum(int(a) * entry for a, entry in zip(row, x, strict=True)) for row in A] == b.tolist()
        else:
            assert (np.array(y, dtype=object) @ A >= 0).all()
            assert np.array(y, dtype=object) @ b < 0
    assert kinds == {True, False}


def test_a_degenerate_vertex_does_not_make_it_go_round_for_ever():
    # right sides 0: every step but the last stays where it is (after Beale's example)
    A = flint.fmpz_mat([[1, 0, 0, 1, -32, -4, 36],
                        [0, 1, 0, 1, -24, -1, 6], [0, 0, 1, 0, 0, 1, 0],
                        [0, 0, 0, 3, -80, 2, 24]])
    x, y = feasibility.solve(A, [0, 0, 0, 1])
    assert (x is None) != (y is None)
