"""Products with the Hessian by hand, against the dense one: a table of cases, no full product."""

from __future__ import annotations

from itertools import product

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from catapult import curvature, losses
from catapult.curvature import hessians
from catapult.networks import ACTIVATIONS, Network

DEPTHS = {1: (4,), 2: (4, 5), 3: (4, 5, 3), 4: (4, 3, 5, 3)}
# Activations meet every depth, for one output and for three; losses and numbers of outputs depth 3.
OF_DEPTH_3 = [*product(["logistic"], ACTIVATIONS, [3], [1]), *product(["cross_entropy"], ACTIVATIONS, [3], [3]),
              *product([name for name in losses.LOSSES if name != "logistic"], ["linear", "tanh"], [3], [1]),
              ("cross_entropy", "tanh", 3, 2)]
CASES = [*OF_DEPTH_3, *((loss, activation, depth, outputs) for loss, activation, _, outputs in OF_DEPTH_3
                        if (loss, outputs) in [("logistic", 1), ("cross_entropy", 3)] for depth in set(DEPTHS) - {3})]
COLUMNS = ("loss", "activation", "depth", "outputs")
RUNS, SAMPLES = 3, 9


def case(loss, activation, depth, outputs, parametrization="ntk"):
    generator = torch.Generator().manual_seed(5)
    network = Network((*DEPTHS[depth], outputs), activation, parametrization)
    X = torch.randn(SAMPLES, 4, generator=generator, dtype=torch.float64)
    y = torch.randint(max(outputs, 2), (SAMPLES,), generator=generator)
    y = y if outputs > 1 else 2 * y.double() - 1
    size = 0.5 if activation == "relu3" else 1  # cubes of cubes grow, and their exponentials overflow
    runs = [[size * W for W in network.initialise(seed)] for seed in range(RUNS)]
    mean_loss = curvature.mean_loss(network, loss, X, y)
    dense = [curvature.hessian_matrix(mean_loss, weights) for weights in runs]
    return network, losses.get(loss, outputs), [torch.stack(W) for W in zip(*runs, strict=True)], X, y, dense


@pytest.mark.parametrize((*COLUMNS, "parametrization"), [
    *((*case, "ntk") for case in CASES), *((*case, "standard") for case in OF_DEPTH_3)])
def test_the_products_have_the_eigenvalues_of_the_dense_hessian(loss, activation, depth, outputs, parametrization):
    *arguments, dense = case(loss, activation, depth, outputs, parametrization)
    times, size = hessians.products(*arguments)
    columns = [times(unit.expand(RUNS, size)) for unit in torch.eye(size, dtype=torch.float64)]
    matrices = torch.stack(columns, 2)
    torch.testing.assert_close(matrices, matrices.mT, rtol=1e-11, atol=1e-12)  # float64, sums of some dozen terms
    for matrix, expected in zip(matrices, dense, strict=True):
        if size == len(expected) and not (activation == "linear" and outputs == 1 and depth > 1):
            torch.testing.assert_close(matrix, expected, rtol=1e-11, atol=1e-12)
        # The contracted coordinates of a linear network may be fewer or more than its weights: by zero eigenvalues.
        found, true = (torch.linalg.eigvalsh(H) for H in (matrix, expected))
        longest = max(len(found), len(true))
        found, true = (torch.cat([v, v.new_zeros(longest - len(v))]).sort().values for v in (found, true))
        torch.testing.assert_close(found, true, rtol=1e-10, atol=1e-11)


@pytest.mark.parametrize(COLUMNS, OF_DEPTH_3)
def test_sharpness_of_runs_is_the_top_eigenvalue_of_each(loss, activation, depth, outputs):
    network, _, weights, X, y, dense = case(loss, activation, depth, outputs)
    values, vectors = curvature.sharpness_of_runs(network, loss, weights, X, y)
    expected = [torch.linalg.eigvalsh(H)[-1].item() for H in dense]
    assert values == pytest.approx(expected, rel=1e-4)  # the tolerance of Lanczos
    again, _ = curvature.sharpness_of_runs(network, loss, weights, X, y, start=vectors)
    assert again == pytest.approx(expected, rel=1e-4)


def test_a_run_without_curvature_does_not_disturb_the_others():
    network, _, weights, X, y, dense = case("logistic", "relu", 3, 1)
    weights[0][0] = float("nan")
    weights[-1][1] = 0
    weights[1][1] = 0  # a saddle of order three: no curvature at all
    values, _ = curvature.sharpness_of_runs(network, "logistic", weights, X, y)
    assert torch.tensor(values[:2]).isnan().tolist() == [True, False]
    assert values[1] == 0
    assert values[2] == pytest.approx(torch.linalg.eigvalsh(dense[2])[-1].item(), rel=1e-4)


def test_linear_networks_take_vectors_as_long_as_their_widths():
    network, loss, weights, X, y, _ = case("logistic", "linear", 4, 1)
    assert hessians.products(network, loss, weights, X, y)[1] == (4 + 3) + (3 + 5) + (5 + 3) + (3 + 1)


@pytest.mark.slow
@pytest.mark.parametrize("widths", [(20, 15, 10, 1), (9, 4, 2)])
def test_a_product_takes_the_multiplications_that_the_chapter_on_speed_says(widths):
    network, n = Network(widths, "relu"), 12
    X, y = torch.randn(n, widths[0], dtype=torch.float64), torch.ones(n, dtype=torch.float64)
    weights = [matrix[None] for matrix in network.initialise(0)]
    loss = losses.get("logistic", network.outputs)
    total, first = sum(matrix.numel() for matrix in weights), widths[0] * widths[1]
    with FlopCounterMode(display=False) as set_up:
        times, size = hessians.products(network, loss, weights, X, y if network.outputs == 1 else y.long())
    with FlopCounterMode(display=False) as one:
        times(torch.randn(1, size, dtype=torch.float64))
    assert set_up.get_total_flops() == 2 * n * (2 * total - first)
    assert one.get_total_flops() == 2 * n * (6 * total - 4 * first)
