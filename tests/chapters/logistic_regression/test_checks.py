"""The checks hold together, and the tools that they write out again are right by themselves."""

from __future__ import annotations

import flint
import numpy as np
import pytest

from catapult.chapters.logistic_regression.checks import cycles, phases
from catapult.oracles import balls


@pytest.mark.parametrize("x", [0.0, 1e-40, 1e-30, 1e-3, 2.0])
def test_the_quotient_of_tanh_is_enclosed_also_near_zero(x):
    with flint.ctx.workprec(400):
        x = flint.arb(x)
        exact = x.tanh() / x if x > 0 else flint.arb(1)
    with flint.ctx.workprec(balls.BITS):
        assert cycles._tanhc(x).overlaps(exact)


def test_the_first_step_is_read_off_as_it_says():
    risk = np.array([[1.0, 1.0], [2.0, 0.5], [0.5, 0.4], [0.1, 0.3]])
    assert phases._first(risk <= [0.5, 0.2]).tolist() == [2, 4]
