"""The checks of chapter catapult-logistic measure what they say. What turns rows red: falsifications/."""

from __future__ import annotations

import numpy as np
import pytest

from catapult.chapters.catapult_logistic.checks import exponential


def test_spread_of_outputs_is_that_of_drawn_networks():
    f0 = np.random.default_rng(2).standard_normal(400_000)
    rates = f0 / np.sinh(f0)
    assert rates.std() / rates.mean() == pytest.approx(exponential._spread_of_outputs(), rel=0.005)
