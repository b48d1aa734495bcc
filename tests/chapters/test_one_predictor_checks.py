"""Measurements are numbers; the controls of rows of the first two chapters break their bounds."""

from __future__ import annotations

import math

import numpy as np
import pytest

from catapult.companion import claims
from catapult.companion.measurement import Measurement
from catapult.parameters import InputError


@pytest.mark.parametrize("value", [True, np.True_, math.nan])
def test_a_measurement_is_neither_a_bool_nor_nan(value):
    with pytest.raises(InputError, match="allowed: a measured number"):
        Measurement(value)
    with pytest.raises(InputError, match="allowed: a measured number"):
        Measurement(1.0, effect=value)


def test_a_measurement_holds_plain_floats():
    measured = Measurement(np.float32(2), effect=3, interval=(np.int64(1), 4))
    assert (measured.value, measured.effect, measured.interval) == (2.0, 3.0, (1.0, 4.0))
    assert type(measured.value) is float


@pytest.mark.parametrize("interval", [(2.0, 1.0), (math.nan, 1.0)])
def test_an_interval_has_its_ends_in_order(interval):
    with pytest.raises(InputError, match="the smaller first"):
        Measurement(1.0, interval=interval)


@pytest.mark.parametrize("name", ["wu-max-margin", "ji-any-data", "meng-any-label-share"])
def test_the_control_of_a_row_breaks_its_bound(name):
    (row,) = claims.select([name])
    (outcome,) = claims.verify([row])
    assert not claims.keeps(row.bound, outcome.control)
