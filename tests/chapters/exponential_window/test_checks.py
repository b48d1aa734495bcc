"""The checks of chapter exponential-window measure what they say. What turns rows red: falsifications.py."""

from __future__ import annotations

import numpy as np
import pytest

from catapult.chapters.exponential_window import checks


def test_spread_of_outputs_is_that_of_drawn_networks():
    f0 = np.random.default_rng(2).standard_normal(400_000)
    rates = f0 / np.sinh(f0)
    assert rates.std() / rates.mean() == pytest.approx(checks._spread_of_outputs(), rel=0.005)
