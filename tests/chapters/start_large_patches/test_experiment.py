"""Patches on photographs: put where and how the authors' code does, and trained as the plain loop does."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from catapult.chapters.start_large_patches import experiment as patches
from catapult.chapters.start_large_patches.residual import Residual
from catapult.datasets.two_classes import Images

VALUES = patches.Parameters.checked(scale="quick")


def pictures():
    rng = np.random.default_rng(0)
    train, test = (rng.integers(0, 256, (count, 32, 32, 3), dtype=np.uint8) for count in (80, 20))
    return Images(train, np.arange(80) % 10, test, np.arange(20) % 10, "made up")


def test_a_patch_replaces_the_middle_seven_rows_and_columns_of_its_class():
    patch = patches.Patch.drawn(np.random.default_rng(0), mark=0.1)
    images, labels = torch.randn(4, 3, 32, 32), torch.tensor([3, 3, 0, 9])
    marked = patch.on(images, labels, np.array([1.0, -1.0, 0.0, 0.5]))
    middle = marked[:, :, 12:19, 12:19]
    torch.testing.assert_close((middle[0] + middle[1]) / 2, patch.common)
    torch.testing.assert_close((middle[0] - middle[1]) / 2, patch.marks[3])
    torch.testing.assert_close(middle[2], patch.common)
    outside = torch.ones(32, 32, dtype=bool)
    outside[12:19, 12:19] = False
    assert (marked[:, :, outside] == images[:, :, outside]).all()
    assert patch.marks.abs().max() <= 0.1 < patch.common.std()
    assert not patches.Patch.drawn(np.random.default_rng(0), mark=0.0).marks.any()


def test_the_shares_of_patched_and_blank_images_are_those_of_the_authors():
    count = 4000
    values = patches.Parameters(samples=count, batch_size=1000)
    patch = patches.Patch(torch.full((3, 7, 7), 5.0), torch.ones(10, 3, 7, 7))
    images = torch.full((count, 3, 32, 32), -2.0)
    drawn = [next(batches) for batches in [patches._batches(values, images, torch.arange(count) % 10, patch,
                                                            np.random.default_rng(0))] for _ in range(4)]
    batch = torch.cat([each for each, _ in drawn])
    middle, corner = batch[:, 0, 15, 15], batch[:, 0, 0, 0]
    patched, blank = middle != -2, corner == 0
    assert patched.double().mean() == pytest.approx(0.8, abs=0.02)
    assert blank[patched].double().mean() == pytest.approx(0.2, abs=0.02)
    assert not blank[~patched].any()
    full = patched & ~blank
    assert set(middle[full].tolist()) == {4.0, 6.0}
    assert (middle[full] > 5).double().mean() == pytest.approx(0.5, abs=0.03)
    assert (middle[patched & blank] - 5).abs().max() <= 1.75
    assert sorted(torch.cat([targets for _, targets in drawn]).tolist()) == sorted((torch.arange(count) % 10).tolist())


def test_all_versions_see_the_same_images_in_the_same_order():
    images, labels, rng = torch.randn(64, 3, 32, 32), torch.arange(64) % 10, np.random.default_rng
    patch = patches.Patch.drawn(rng(1), mark=0.1)
    bare, marked = (patches._batches(VALUES, images, labels, each, rng(2)) for each in (None, patch))
    for _ in range(5):
        (one, targets), (other, others) = next(bare), next(marked)
        assert (targets == others).all()
        same = (one == other).flatten(1).all(1)
        assert 0 < same.sum() < len(same)  # those without a patch


@pytest.mark.slow
@pytest.mark.parametrize("arm", patches.ARMS)
def test_a_run_is_nesterovs_plain_loop_at_a_rate_that_is_lowered_half_way(monkeypatch, arm):
    kept = []
    right = patches._right
    monkeypatch.setattr(patches, "_right", lambda network, *given: kept.append(network) or right(network, *given))
    found = patches.trained(VALUES, pictures(), 5, "patched", arm)
    rng = np.random.default_rng([5, 1907])
    order = rng.permutation(80)[:64]
    images = patches.normalised(pictures().train[order])
    labels = torch.tensor(pictures().train_labels[order]).long()
    patch = patches.Patch.drawn(rng, mark=0.1)
    rng.choice([-1.0, 1.0], VALUES.test_samples)
    batches = patches._batches(VALUES, images, labels, patch, rng)
    torch.manual_seed(5)
    network = Residual(VALUES.width)
    weights = list(network.parameters())
    speeds = [torch.zeros_like(w) for w in weights]
    for step in range(4):
        rate = {"small": 0.02, "large": 0.1 if step < 2 else 0.02}[arm]
        batch, targets = next(batches)
        loss = -torch.log_softmax(network(batch), 1)[torch.arange(len(batch)), targets].mean()
        assert loss.item() == pytest.approx(found.loss.sel(step=step + 1).item(), rel=1e-4)
        for w, speed, gradient in zip(weights, speeds, torch.autograd.grad(loss, weights), strict=True):
            with torch.no_grad():
                gradient = gradient + 5e-4 * w
                speed.mul_(0.9).add_(gradient)
                w -= rate * (gradient + 0.9 * speed)
    for mine, theirs in zip(weights, kept[-1].parameters(), strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-3, atol=1e-5)


def test_the_network_has_eight_layers_and_the_step_before_annealing_is_looked_at():
    network = Residual()
    layers = [part for part in network.modules() if isinstance(part, (torch.nn.Conv2d, torch.nn.Linear))]
    assert sum(not (isinstance(part, torch.nn.Conv2d) and part.kernel_size == (1, 1)) for part in layers) == 8
    assert network(torch.randn(2, 3, 32, 32)).shape == (2, 10)
    values = patches.Parameters()
    assert {values.annealed_at, values.steps_per_epoch, 30 * values.steps_per_epoch} <= patches.looked_at_steps(values)
    assert values.annealed_at == 15 * 62
