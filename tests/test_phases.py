"""Phase labels: the definition, clause by clause, and the traps that cost other definitions their meaning."""

from __future__ import annotations

import numpy as np
import pytest

from catapult import phases

DECAY = np.exp(-np.arange(100) / 10)
ALTERNATING = np.where(np.arange(100) % 2, 1.0, -1.0)


def with_peak(height, at=3):
    losses = DECAY.copy()
    losses[at] = height
    return losses


def test_stable_learning_rate_is_two_over_sharpness():
    assert phases.stable_learning_rate(4.0) == 0.5


def test_a_loss_that_only_falls_is_lazy():
    assert phases.label(DECAY) == "lazy"


def test_a_loss_that_never_moves_is_lazy():
    assert phases.label(np.ones(10)) == "lazy"


def test_a_rise_that_settles_is_a_catapult_wherever_it_is():
    for peak in (30.0, 1.06, 1.04):
        assert phases.label(with_peak(peak)) == "catapult"
    assert phases.label(with_peak(0.95)) == "catapult"  # from exp(−0.2) = 0.82


@pytest.mark.parametrize(("share", "expected"), [(0.98, "lazy"), (1.02, "catapult")])
def test_the_least_rise_of_a_catapult_is_a_thousandth_of_the_initial_loss(share, expected):
    losses = 5 * DECAY
    losses[50] = losses[:50].min() + share * 1e-3 * losses[0]
    assert phases.label(losses) == expected


def test_rounding_is_no_rise():
    losses = 1 - 1e-4 * np.arange(100) + 1e-5 * ALTERNATING  # float32 noise on a slow descent
    assert phases.label(losses) == "lazy"


@pytest.mark.parametrize("peak", [1.01e3, 1e163, np.inf, np.nan])
def test_divergence_is_absorbing_even_if_the_loss_comes_back(peak):
    # ReLU networks come back from 1e10 … 1e163 with all outputs zero: a finite final loss is no catapult.
    assert phases.label(with_peak(peak)) == "divergent"
    assert phases.label(with_peak(peak), zero_fraction=1.0) == "divergent"


def test_the_bound_of_divergence_is_a_parameter():
    assert phases.label(with_peak(999.0)) == "catapult"
    assert phases.label(with_peak(999.0), divergence=100) == "divergent"


def test_a_history_cut_at_the_blow_up_is_divergent():
    losses = DECAY.copy()
    losses[5:] = np.nan
    assert phases.label(losses) == "divergent"


def test_blow_up_step_is_the_first_bad_one():
    assert phases.blow_up_step(DECAY) == -1
    assert phases.blow_up_step(with_peak(1e4, at=7)) == 7
    assert phases.blow_up_step(np.array([1.0, 5.0, np.nan, 1e9])) == 2
    assert phases.blow_up_step(np.array([np.inf, 1.0])) == 0
    assert phases.blow_up_step(np.array([1.0, 1e3])) == -1


def test_a_network_whose_outputs_are_all_zero_is_dead():
    assert phases.label(with_peak(30.0), zero_fraction=1.0) == "dead"
    assert phases.label(DECAY, zero_fraction=0.995) == "dead"


def test_partial_death_is_not_death():
    assert phases.label(with_peak(30.0), zero_fraction=0.6) == "catapult"


def test_a_loss_that_ends_above_its_start_is_unsettled():
    assert phases.label(np.linspace(1, 1.2, 100)) == "unsettled"


def test_a_loss_that_still_bounces_is_unsettled():
    assert phases.label(0.5 + 0.1 * ALTERNATING) == "unsettled"
    assert phases.label(1.5 * DECAY + 0.1 + 0.02 * ALTERNATING) == "unsettled"


def test_a_loss_seen_at_even_steps_only_would_hide_the_bounce():
    bouncing = 0.5 + 0.1 * ALTERNATING
    bouncing[0] = 1.0
    assert phases.label(bouncing) == "unsettled"
    assert phases.label(bouncing[::2]) == "lazy"  # the reason why labels look at every step


def test_a_bounce_that_has_died_down_is_settled():
    assert phases.label(1 * DECAY * (1.3 + ALTERNATING) + 0.1) == "catapult"


def test_rounding_noise_about_a_loss_of_zero_is_settled():
    generator = np.random.default_rng(0)
    losses = np.maximum(np.exp(-np.arange(100.0)), 1e-30 * generator.random(100))
    assert phases.label(losses) == "lazy"


def test_a_two_cycle_with_constant_loss_is_unsettled():
    # w and −w on the degenerate pair: log(2 cosh(w/2)) is the same, only the outputs show it.
    swinging = np.array([[1.5, 1.5], [-1.5, -1.5], [1.5, 1.5]])
    assert phases.label(DECAY + 1, outputs=swinging) == "unsettled"
    assert phases.label(DECAY + 1) == "lazy"


def test_outputs_that_swing_less_and_less_or_hardly_at_all_are_settled():
    f = np.array([[1.0, 1.0]])
    assert phases.label(DECAY, outputs=np.concatenate([f, -0.5 * f, 0.25 * f])) == "lazy"
    assert phases.label(DECAY, outputs=np.concatenate([0.04 * f, -0.04 * f, 0.04 * f])) == "lazy"
    assert phases.label(DECAY, outputs=np.concatenate([f, 2 * f, 3 * f])) == "lazy"


def test_a_run_of_one_step_has_a_label():
    assert phases.label(np.array([1.0, 0.9]), outputs=np.ones((2, 3))) == "lazy"
    assert phases.label(np.array([1.0, 1.1])) == "unsettled"


def test_every_label_is_listed():
    found = {phases.label(DECAY), phases.label(with_peak(2.0)), phases.label(with_peak(1e9)),
             phases.label(DECAY, zero_fraction=1.0), phases.label(np.linspace(1, 2, 9))}
    assert found == set(phases.LABELS)
