"""Chapter 14: the reductions are exact, their multiplications are counted, the checks can fail."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from catapult import claims, losses
from catapult.checks import speed as checks
from catapult.experiments import speed
from catapult.theory import two_layer

ROWS = {claim.id: claim for claim in claims.ledger() if claim.chapter == "14-speed"}


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


@pytest.mark.parametrize("form", speed.REDUCTIONS)
def test_reduced_steps_are_the_plain_one_at_the_cost_that_is_stated(form):
    difference, counted, formula, plain = speed.compare(form)
    assert difference < 1e-13
    assert counted == formula < plain


def test_a_formula_counts_the_plain_step():
    for form, widths in (("contracted", (20, 15, 10, 1)), ("kernel", (20, 15, 1))):
        assert speed.compare(form, 2)[3] == speed.counted("plain", 12, widths)


def test_maps_in_python_and_in_numpy_have_the_same_labels():
    for loss in losses.LOSSES:
        f0, rates = (axis.ravel() for axis in np.meshgrid(*speed.map_axes(loss, 20), indexing="ij"))
        fast = two_layer.phase_map(loss, f0, speed.MAP_NTK, speed.MAP_WIDTH, rates, steps=1000)
        assert (np.array(two_layer.LABELS)[speed.numpy_map(loss, f0, rates)] == fast).all()
        assert [speed.python_label(loss, *point) for point in zip(f0, rates, strict=True)] == fast.tolist()


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


@pytest.mark.parametrize("row", ROWS.values(), ids=lambda row: row.id)
def test_claim_keeps_to_its_bound(row):
    (outcome,) = claims.verify([row])
    assert outcome.status == "passed", outcome.value


def status(name):
    (outcome,) = claims.verify([ROWS[name]])
    return outcome.status


def test_checks_fail_on_a_wrong_residual(monkeypatch):
    residual, plain = speed._residual, speed.plain_step

    def with_the_right_one(*given):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(speed, "_residual", residual)
            return plain(*given)

    monkeypatch.setattr(speed, "_residual", lambda f, y: 1.0001 * residual(f, y))
    monkeypatch.setattr(speed, "plain_step", with_the_right_one)
    assert [status(name) for name in ("ours-output-side", "ours-narrow", "ours-kernel-form")] == ["failed"] * 3


def test_checks_fail_on_a_wrong_count_a_wrong_map_and_wrong_labels(monkeypatch):
    counted, iterate, label = speed.counted, two_layer.iterate, speed.python_label
    monkeypatch.setattr(speed, "counted", lambda *given: counted(*given) + 1)
    assert status("ours-operation-counts") == "failed"
    monkeypatch.setattr(two_layer, "iterate", lambda loss, f, ntk, *given: iterate(loss, f, ntk * (1 + 1e-8), *given))
    assert status("ours-two-numbers") == "failed"
    monkeypatch.setattr(speed, "python_label", lambda loss, f, rate, **options: label(loss, f, 1.02 * rate, **options))
    assert status("ours-phase-map") == "failed"


def test_engine_check_fails_on_another_rate(monkeypatch):
    training = speed.training

    def slower(engine, problem, network, runs, steps, **options):
        schedule = (lambda step, steps: 1 - 1e-9) if engine == "auto" else None
        return training(engine, problem, network, runs, steps, schedule=schedule, **options)

    monkeypatch.setattr(checks.speed, "training", slower)
    assert status("ours-engines") == "failed"
