"""Chapter speed: the reductions are exact, their multiplications are counted, the maps stop early and label alike."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from catapult import losses
from catapult.chapters.speed import experiment as speed
from catapult.theory import two_layer


def test_the_plain_step_is_autograd():
    rng = np.random.default_rng(3)
    X, y = rng.standard_normal((7, 5)), np.sign(rng.standard_normal((7, 1)))
    W = speed._network((5, 4, 3, 1), 1)
    expected = [torch.tensor(matrix, requires_grad=True) for matrix in W]
    f = torch.tensor(X) @ expected[0].T @ expected[1].T @ expected[2].T
    losses.logistic.value(torch.tensor(y) * f).mean().backward()
    outputs = speed.plain_step(W, X, y, 0.3, speed.Products())
    assert outputs == pytest.approx(f.detach().numpy(), rel=1e-13)
    for after, before in zip(W, expected, strict=True):
        assert after == pytest.approx((before - 0.3 * before.grad).detach().numpy(), rel=1e-12, abs=1e-14)


EQUAL = 1e-13
"""Rounding of 40 steps, relative to the largest output: twelve digits and more above what a wrong derivation gives."""


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("form", speed.REDUCTIONS)
def test_reduced_steps_are_the_plain_one_at_the_cost_that_is_stated(form, seed):
    difference, counted, formula, plain = speed.compare(form, seed=seed)
    assert difference < EQUAL
    assert counted == formula < plain


@pytest.mark.parametrize("form", speed.REDUCTIONS)
def test_the_comparison_sees_a_residual_that_is_off_by_a_part_in_ten_thousand(form, monkeypatch):
    residual, plain = speed._residual, speed.plain_step

    def with_the_right_one(*given):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(speed, "_residual", residual)
            return plain(*given)

    monkeypatch.setattr(speed, "_residual", lambda f, y: 1.0001 * residual(f, y))
    monkeypatch.setattr(speed, "plain_step", with_the_right_one)
    assert speed.compare(form)[0] > 1e3 * EQUAL


@pytest.mark.parametrize("form", speed.REDUCTIONS)
def test_a_formula_counts_the_plain_step(form):
    widths = (20, 15, 1) if form in ("kernel", "narrow") else (20, 15, 10, 1)
    assert speed.compare(form, 2)[3] == speed.counted("plain", 12, widths)


def test_maps_in_python_and_in_numpy_have_the_same_labels():
    for loss in losses.LOSSES:
        f0, rates = (axis.ravel() for axis in np.meshgrid(*speed.map_axes(loss, 20), indexing="ij"))
        fast = two_layer.phase_map(loss, f0, speed.MAP_NTK, speed.MAP_WIDTH, rates, steps=1000)
        assert (np.array(two_layer.LABELS)[speed.numpy_map(loss, f0, rates)] == fast).all()
        assert [speed.python_label(loss, *point) for point in zip(f0, rates, strict=True)] == fast.tolist()


def test_maps_that_stop_early_have_the_labels_of_orbits_that_are_followed_to_the_end():
    differences, differences_at_other_rates = 0, 0
    for loss in losses.LOSSES:
        f0, rates = speed.map_axes(loss, 24)
        fast, other = (two_layer.phase_map(loss, f0[:, None], speed.MAP_NTK, speed.MAP_WIDTH, factor * rates,
                                           steps=1000) for factor in (1, 1.02))
        slow = np.array([[speed.python_label(loss, f, rate, trap=False) for rate in rates] for f in f0])
        decided = slow != "unsettled"  # without the trap a slow orbit may not be done
        assert decided.mean() > 0.9
        differences += (fast != slow)[decided].sum()
        differences_at_other_rates += (other != slow)[decided].sum()
    assert differences == 0
    assert differences_at_other_rates > 0


@pytest.mark.slow
def test_the_experiment_returns_what_the_chapter_shows():
    results = speed.run(speed.Parameters.checked(scale="quick"))
    assert set(results.engine.values) == set(speed.ENGINES)
    for axis in speed.AXES:
        assert (results[f"seconds_{axis}"] > 0).all()
    assert (results.map_differences == 0).all()


def test_training_leaves_the_number_of_threads_as_it_was():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        speed.training("auto", speed.gaussian(4, 3), speed.Network((3, 2, 1)), 1, 1)()
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
