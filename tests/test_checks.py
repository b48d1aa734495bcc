"""Measurements are numbers, and the checks of chapters 1 and 2 measure what they say."""

from __future__ import annotations

import math

import numpy as np
import pytest

from catapult import claims
from catapult.checks import Measurement, critical_learning_rates, separability
from catapult.parameters import InputError
from catapult.theory import linear_predictor

ROWS = [claim for claim in claims.ledger() if claim.chapter[:2] in ("01", "02")]


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


def test_chapters_1_and_2_have_at_least_twelve_claims():
    assert len(ROWS) >= 12


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_claim_keeps_to_its_bound_in_under_a_second(row):
    (outcome,) = claims.verify([row])
    assert outcome.status == "passed", outcome.value
    assert outcome.seconds < 1


def wrong_update(loss, w, rate):
    """A linear predictor with a sign error in the step."""
    return w + rate * linear_predictor.slope(loss, w)


def status(name):
    (row,) = (row for row in ROWS if row.id == name)
    (outcome,) = claims.verify([row])
    return outcome.status


def test_phase_diagram_check_fails_on_wrong_dynamics(monkeypatch):
    monkeypatch.setattr(linear_predictor, "update", wrong_update)
    assert status("huang-phase-diagram") == "failed"


@pytest.mark.parametrize("name", ["wu-any-learning-rate", "ours-average-risk", "ours-no-explosion"])
def test_checks_on_general_data_fail_on_wrong_dynamics(monkeypatch, name):
    descend = linear_predictor.descend
    monkeypatch.setattr(linear_predictor, "descend",
                        lambda loss, Z, w0, rate, steps: descend(loss, Z, w0, -rate, steps))
    assert status(name) == "failed"


@pytest.mark.parametrize("factor", [0.99, 1.01])
def test_smoothness_neither_too_small_nor_too_large_passes(monkeypatch, factor):
    smoothness = linear_predictor.smoothness
    monkeypatch.setattr(linear_predictor, "smoothness", lambda Z: factor * smoothness(Z))
    assert status("huang-smooth-descent") == "failed"


def test_containment_is_checked_from_outside_the_ball(monkeypatch):
    monkeypatch.setattr(separability.scipy.special, "expit", lambda u: np.full_like(u, 1e-6))
    assert separability._late_norm(np.array([[1.0, 0], [-1, 1], [-1, -1]]), 0.2, np.eye(2)[[0] * 8]) > 1


def test_hits_are_not_as_many_as_the_steps_of_another_orbit(monkeypatch):
    monkeypatch.setattr(critical_learning_rates.math, "tanh", lambda x: 0.9)
    assert status("ours-hitting-rates") == "failed"


def test_sizes_at_rates_just_above_eight_do_not_pass_for_falling(monkeypatch):
    sizes = critical_learning_rates._sizes
    monkeypatch.setattr(critical_learning_rates, "_sizes", lambda w, rate: sizes(w, 1.02 * rate))
    assert status("huang-up-to-eight") == "failed"


@pytest.mark.parametrize("name", ["huang-exponential-critical-rate", "huang-logistic-critical-rate",
                                  "ours-overshoot-onset"])
def test_bisected_rates_resolve_an_error_in_the_fifth_digit(monkeypatch, name):
    bisect = critical_learning_rates._bisect
    monkeypatch.setattr(critical_learning_rates, "_bisect", lambda *given: bisect(*given) * 1.00002)
    assert status(name) == "failed"


@pytest.mark.parametrize("name", ["ours-global-cycle", "huang-middle-phase", "huang-stays-above",
                                  "ours-middle-phase-rises", "tempting-never-decreases"])
def test_checks_of_the_size_map_fail_on_a_contraction(monkeypatch, name):
    monkeypatch.setattr(critical_learning_rates, "_sizes", lambda w, rate: 0.9 * np.abs(w) + 0 * rate)
    assert status(name) == "failed"


def test_certificate_check_counts_a_wrong_kind(monkeypatch):
    certify = separability.datasets.certify
    monkeypatch.setattr(separability.datasets, "certify", lambda Z: certify(-Z if len(Z) == 12 else Z[:3]))
    assert status("ours-certificates") == "failed"


def test_certificate_check_counts_a_missing_rank(monkeypatch):
    monkeypatch.setattr(separability.datasets.separability, "_has_full_rank", lambda matrix: True)
    assert status("ours-certificates") == "failed"
