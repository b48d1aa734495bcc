"""Convolutional networks: against a model of PyTorch's own modules, and against fully connected networks."""

from __future__ import annotations

import warnings
from itertools import pairwise, product

import numpy as np
import pytest
import torch
from scipy.sparse.linalg import LinearOperator, eigsh

from catapult import curvature, losses
from catapult.curvature import hessians
from catapult.datasets import Problem
from catapult.datasets.two_classes import Images, two_class_problem
from catapult.networks import ACTIVATIONS, PARAMETRIZATIONS, Network
from catapult.networks.convolutional import ConvolutionalNetwork
from catapult.parameters import InputError
from catapult.training import QUANTITIES, train
from covering import rest_slow

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # what it imports uses torch.jit
    from curvlinops import HessianLinearOperator

ROUNDING = {"rtol": 1e-11, "atol": 1e-13}  # float64, sums of some dozen terms
IMAGE, CHANNELS, SAMPLES = (8, 7, 2), (3, 4), 9  # maps of 3 × 3, then 1 × 1; the last row of the image is not seen
# (image, channels, kernel, stride): patches that overlap, that touch, that leave gaps, and pixels one by one
GEOMETRIES = [((8, 7, 2), (3, 4), 3, 2), ((6, 4, 1), (3, 2), 2, 2), ((7, 5, 2), (3,), 2, 3), ((4, 5, 1), (2, 3), 2, 1),
              ((3, 3, 2), (4, 2), 1, 1)]
COLUMNS = ("activation", "outputs", "parametrization")
CASES = [(activation, *kind) for activation in ACTIVATIONS for kind in [(1, "ntk"), (3, "standard")]]


def data(network, outputs=1, n=SAMPLES):
    generator = torch.Generator().manual_seed(5)
    X = torch.randn(n, network.inputs, generator=generator, dtype=torch.float64)
    y = torch.randint(max(outputs, 2), (n,), generator=generator)
    return X, y if outputs > 1 else 2 * y.double() - 1


class Cube(torch.nn.Module):
    def forward(self, z):
        return torch.where(z > 0, z, 0) ** 3


def model_of(network, weights):
    """Return the network as a user of PyTorch writes it, for inputs (n, channels, height, width)."""
    kind = {"linear": torch.nn.Identity, "relu": torch.nn.ReLU, "softplus": torch.nn.Softplus, "tanh": torch.nn.Tanh,
            "leaky": lambda: torch.nn.LeakyReLU(0.1), "relu3": Cube}[network.activation]
    scaled = [scale * W for scale, W in zip(network.scales, weights, strict=True)]
    layers, size = [], network.kernel
    for (c_in, c_out), W in zip(pairwise([network.image[2], *network.channels]), scaled[:-1], strict=True):
        layers += [torch.nn.Conv2d(c_in, c_out, size, network.stride, bias=False, dtype=torch.float64), kind()]
        layers[-2].weight.data = W.reshape(c_out, size, size, c_in).permute(0, 3, 1, 2).contiguous()
    height, width, channels = network.maps[-1]
    layers += [torch.nn.Flatten(), torch.nn.Linear(height * width * channels, network.outputs, bias=False,
                                                   dtype=torch.float64)]
    layers[-1].weight.data = scaled[-1].reshape(-1, height, width, channels).permute(0, 3, 1, 2).flatten(1).contiguous()
    return torch.nn.Sequential(*layers)


def as_images(network, X):
    return X.reshape(-1, *network.image).permute(0, 3, 1, 2).contiguous()


def as_matrices(network, parameters):
    """Return what belongs to each parameter of the model in the shape and order of the network's weights."""
    *filters, last = parameters
    height, width, channels = network.maps[-1]
    return [*(F.permute(0, 2, 3, 1).flatten(1) for F in filters),
            last.reshape(-1, channels, height, width).permute(0, 2, 3, 1).flatten(1)]


@pytest.mark.parametrize(("image", "channels", "kernel", "stride", *COLUMNS), [
    (*geometry, *case) for geometry in GEOMETRIES for case in CASES if geometry is GEOMETRIES[0] or case[0] == "tanh"])
def test_outputs_and_gradients_are_those_of_a_model_of_pytorch(
        image, channels, kernel, stride, activation, outputs, parametrization):
    network = ConvolutionalNetwork(image, channels, outputs, activation, parametrization, kernel, stride)
    weights, (X, y) = [W.requires_grad_() for W in network.initialise(2)], data(network, outputs)
    model = model_of(network, [W.detach() for W in weights])
    theirs = model(as_images(network, X))
    theirs = theirs[:, 0] if outputs == 1 else theirs
    ours = network.forward(weights, X)
    torch.testing.assert_close(ours, theirs, **ROUNDING)
    torch.testing.assert_close(network.forward_with_hidden(weights, X)[0], theirs, **ROUNDING)
    loss = losses.get("logistic", outputs)
    slopes = torch.autograd.grad(loss.of(ours, y).mean(), weights)
    expected = torch.autograd.grad(loss.of(theirs, y).mean(), list(model.parameters()))
    for slope, scale, other in zip(slopes, network.scales, as_matrices(network, expected), strict=True):
        torch.testing.assert_close(slope, scale * other, **ROUNDING)


@pytest.mark.parametrize("engine", ["reference", "convolutional"])
@pytest.mark.parametrize("outputs", [1, 3])
def test_a_step_of_training_is_a_step_of_the_model(engine, outputs):
    network = ConvolutionalNetwork(IMAGE, CHANNELS, outputs, "tanh", "standard")
    X, y = data(network, outputs)
    model, loss = model_of(network, network.initialise(0)), losses.get("logistic", outputs)
    descent, values = torch.optim.SGD(model.parameters(), lr=0.5), []
    for _ in range(6):
        descent.zero_grad()
        f = model(as_images(network, X))
        value = loss.of(f[:, 0] if outputs == 1 else f, y).mean()
        value.backward()
        descent.step()
        values.append(value.item())
    result = train(Problem(X, y), network, 0.5, steps=5, engine=engine)
    np.testing.assert_allclose(result.loss[0, 0], values, rtol=1e-12)


# Two ways to be fully connected: images of one pixel, and a kernel as large as the image.
CONNECTED = {"one pixel": ((1, 1, 6), 1, (5, 4)), "one patch": ((3, 3, 2), 3, (5,))}  # image, kernel, channels


@pytest.mark.slow
@pytest.mark.parametrize(("which", "outputs", "parametrization"), [
    ("one pixel", 1, "ntk"), ("one pixel", 3, "standard"), ("one patch", 3, "ntk"), ("one patch", 1, "standard")])
def test_a_network_whose_patches_are_whole_images_is_fully_connected(which, outputs, parametrization):
    """All that is recorded, by another network's engine, Hessian products and kernel, from the same weights."""
    image, kernel, channels = CONNECTED[which]
    convolutional = ConvolutionalNetwork(image, channels, outputs, "tanh", parametrization, kernel)
    dense = Network((convolutional.inputs, *channels, outputs), "tanh", parametrization)
    assert convolutional.shapes == dense.shapes
    X, y = (array.numpy() for array in data(convolutional, outputs))
    problem = Problem(X, y, X[:4] + 0.1, y[:4])
    for theirs, ours in zip(dense.initialise(3), convolutional.initialise(3), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=0)
    call = {"seeds": (0, 1), "steps": 6, "record": tuple(QUANTITIES),
            "every": {"sharpness": 6, "ntk": 3, "eigenvalues": [3]}}
    expected = train(problem, dense, [0.2, 1.0], **call)
    for engine in ("reference", "convolutional"):
        result = train(problem, convolutional, [0.2, 1.0], engine=engine, **call)
        for name in QUANTITIES:
            # The tolerance of the Lanczos iteration, for small eigenvalues in units of a thousandth of the largest.
            rtol, atol = {"sharpness": (1e-4, 0), "eigenvalues": (1e-3, 1e-6)}.get(name, (1e-11, 0))
            np.testing.assert_allclose(result[name], expected[name], rtol=rtol, atol=atol)
        assert result.phase.equals(expected.phase)
    weights = [W[None] for W in dense.initialise(0)]
    ours, theirs = (curvature.sharpness_of_runs(network, "logistic", weights, *data(convolutional, outputs),
                                                tolerance=1e-10)[0] for network in (convolutional, dense))
    np.testing.assert_allclose(ours, theirs, rtol=1e-9)


@pytest.mark.parametrize(("image", "channels", "kernel", "stride"), GEOMETRIES)
def test_leaving_a_layer_is_the_adjoint_of_entering_it(image, channels, kernel, stride):
    network = ConvolutionalNetwork(image, channels, kernel=kernel, stride=stride)
    generator = torch.Generator().manual_seed(0)
    for layer, (height, width, depth) in enumerate(network.maps):
        below = torch.randn(2, 5 * height * width, depth, generator=generator, dtype=torch.float64)
        rows = network.entering(layer, below)
        assert rows.shape[-1] == network.shapes[layer][1]
        other = torch.randn(rows.shape, generator=generator, dtype=torch.float64)
        torch.testing.assert_close((rows * other).sum(), (below * network.leaving(layer, other)).sum(), **ROUNDING)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("outputs", [1, 3])
def test_stacked_weights_give_stacked_outputs(activation, outputs):
    network = ConvolutionalNetwork(IMAGE, CHANNELS, outputs, activation)
    runs, (X, _) = [network.initialise(seed) for seed in range(3)], data(network)
    stacked = network.forward([torch.stack(matrices) for matrices in zip(*runs, strict=True)], X)
    torch.testing.assert_close(stacked, torch.stack([network.forward(run, X) for run in runs]), **ROUNDING)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_both_parametrisations_are_the_same_function_at_initialisation(activation):
    ntk, standard = (ConvolutionalNetwork(IMAGE, CHANNELS, 1, activation, kind) for kind in PARAMETRIZATIONS)
    X, _ = data(ntk)
    torch.testing.assert_close(ntk.forward(ntk.initialise(3), X), standard.forward(standard.initialise(3), X),
                               **ROUNDING)


def test_the_preactivations_of_white_images_have_variance_one():
    # By the fan-in, a patch's size: 30 seeds × 50 channels × 9 × 9 places × 20 images, the first of them independent.
    network = ConvolutionalNetwork((19, 19, 3), (50,), activation="linear")
    X, _ = data(network, n=20)
    squares = [network.forward_with_hidden(network.initialise(seed), X)[1][0].square().mean() for seed in range(30)]
    assert torch.stack(squares).mean().item() == pytest.approx(1, rel=0.03)


@pytest.mark.slow
@pytest.mark.parametrize(("loss", "activation", "parametrization"), rest_slow([
    *product([*losses.LOSSES, "cross_entropy"], ["tanh"], ["ntk"]), *product(["logistic"], ACTIVATIONS, ["standard"])]))
def test_hessian_products_and_sharpness_are_those_of_the_dense_hessian(loss, activation, parametrization):
    outputs = 3 if loss == "cross_entropy" else 1
    network = ConvolutionalNetwork(IMAGE, CHANNELS, outputs, activation, parametrization)
    X, y = data(network, outputs)
    runs = [network.initialise(seed) for seed in range(3)]
    mean_loss = curvature.mean_loss(network, loss, X, y)
    dense = torch.stack([curvature.hessian_matrix(mean_loss, weights) for weights in runs])
    stacked = [torch.stack(matrices) for matrices in zip(*runs, strict=True)]
    times, size = hessians.products(network, losses.get(loss, outputs), stacked, X, y)
    assert size == dense.shape[-1]
    columns = [times(unit.expand(3, size)) for unit in torch.eye(size, dtype=torch.float64)]
    torch.testing.assert_close(torch.stack(columns, 2), dense, rtol=1e-10, atol=1e-12)
    values, vectors = curvature.sharpness_of_runs(network, loss, stacked, X, y)
    expected = torch.linalg.eigvalsh(dense)[:, -1].tolist()
    assert values == pytest.approx(expected, rel=1e-4)  # the tolerance of Lanczos
    assert curvature.sharpness_of_runs(network, loss, stacked, X, y, vectors)[0] == pytest.approx(expected, rel=1e-4)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")  # what curvlinops imports uses it
@pytest.mark.parametrize(("loss", "activation"), [
    ("squared", "tanh"), ("logistic", "relu"), ("logistic", "linear"), ("cross_entropy", "tanh")])
def test_sharpness_is_that_of_curvlinops_and_scipy(loss, activation):
    """An independent oracle: another library's Hessian, of PyTorch's own model, and another eigensolver."""
    outputs = 3 if loss == "cross_entropy" else 1
    network = ConvolutionalNetwork(IMAGE, CHANNELS, outputs, activation, "standard")
    weights, (X, y) = network.initialise(0), data(network, outputs)
    model = model_of(network, weights)
    # The means of (f − y)², twice ours, of log(1 + exp(−y f)) and of the cross-entropy.
    criterion, targets, factor = {
        "squared": (torch.nn.MSELoss(), y[:, None], 2),
        "logistic": (torch.nn.BCEWithLogitsLoss(), (y[:, None] + 1) / 2, 1),
        "cross_entropy": (torch.nn.CrossEntropyLoss(), y, 1)}[loss]
    hessian = HessianLinearOperator(model, criterion, list(model.parameters()), [(as_images(network, X), targets)],
                                    num_data=len(X))
    size = sum(W.numel() for W in weights)
    operator = LinearOperator((size, size), dtype=np.float64, matvec=lambda v: (
        hessian @ torch.tensor(v).reshape(-1)).detach().numpy())
    expected = eigsh(operator, k=1, which="LA", return_eigenvectors=False, tol=1e-10, v0=np.ones(size))[0] / factor
    [value], _ = curvature.sharpness_of_runs(network, loss, [W[None] for W in weights], X, y, tolerance=1e-9)
    assert value == pytest.approx(expected, rel=1e-8)


@pytest.mark.parametrize(COLUMNS, CASES)
def test_ntk_is_the_gram_matrix_of_the_gradients_of_the_outputs(activation, outputs, parametrization):
    network = ConvolutionalNetwork(IMAGE, CHANNELS, outputs, activation, parametrization)
    weights, (X, _) = network.initialise(0), data(network)
    blocks = torch.autograd.functional.jacobian(lambda *W: network.forward_with_hidden(list(W), X)[0], tuple(weights))
    jacobian = torch.cat([block.reshape(SAMPLES * outputs, -1) for block in blocks], 1)
    torch.testing.assert_close(network.jacobian(weights, X), jacobian, **ROUNDING)
    theta = curvature.ntk_matrix(network, weights, X)
    torch.testing.assert_close(theta, jacobian @ jacobian.T, **ROUNDING)
    top = torch.linalg.eigvalsh(jacobian @ jacobian.T)[-1].item() / SAMPLES
    assert curvature.largest_ntk_eigenvalue(network, weights, X) == pytest.approx(top, rel=1e-10)


def test_a_row_of_the_data_is_an_image_as_the_data_sets_lay_it_out():
    """A filter that sees one colour at one place of the patch picks that colour of the photographs."""
    rng = np.random.default_rng(0)
    photographs = rng.integers(0, 256, (8, 8, 8, 3), dtype=np.uint8)
    images = Images(photographs, np.arange(8) % 2, photographs, np.arange(8) % 2, "made up")
    problem = two_class_problem(images, (0, 1), ("even", "odd"), samples=8, test_samples=None, features="pixels",
                                components=1, label_noise=0, centred=False, seed=0)
    network = ConvolutionalNetwork((8, 8, 3), (1,), activation="linear", parametrization="standard")
    green = torch.zeros(1, 3, 3, 3, dtype=torch.float64)
    green[0, 1, 2, 1] = 1  # row, column, colour
    read_out = torch.zeros(1, 9, dtype=torch.float64)
    read_out[0, 5] = 1  # the second row of maps, the last column
    outputs = network.forward([green.flatten(1), read_out], torch.tensor(problem.X_test))
    drawn = problem.X_test.reshape(8, 8, 8, 3)
    np.testing.assert_array_equal(outputs, drawn[:, 2 + 1, 4 + 2, 1])
    ratio = np.sort(outputs) / np.sort(photographs[:, 3, 6, 1])
    np.testing.assert_allclose(ratio, ratio[0], rtol=1e-12)  # one scale for all features


def test_a_dead_network_is_called_dead():
    network = ConvolutionalNetwork((3, 3, 1), (2,))
    X, y = data(network)
    dead = [-torch.ones(2, 9), torch.ones(1, 2)]
    result = train(Problem(X.abs(), y), network, 0.1, steps=3, initial_weights=dead,
                   record=("zero_fraction", "sharpness", "ntk"))
    assert result.phase.item() == "dead"
    for name, value in (("zero_fraction", 1), ("sharpness", 0), ("ntk", 0)):
        assert (result[name] == value).all()


def test_the_maps_shrink_by_the_stride():
    network = ConvolutionalNetwork((32, 32, 3), (16, 32), 10)
    assert network.maps == ((32, 32, 3), (15, 15, 16), (7, 7, 32))
    assert network.shapes == ((16, 27), (32, 144), (10, 1568))
    assert network.inputs == 3072
    assert network == ConvolutionalNetwork([32, 32, 3], list(np.array([16, 32])), np.int64(10))


@pytest.mark.parametrize(("arguments", "message"), [
    ({"image": (8, 8)}, r"image = \(8, 8\); allowed: \(height, width, channels\), three whole numbers ≥ 1"),
    ({"image": 64}, "image = 64; allowed"),
    ({"image": (8, 8, 0)}, r"image = \(8, 8, 0\); allowed"),
    ({"image": (8, 8.5, 1)}, "allowed: .* whole numbers"),
    ({"channels": ()}, r"channels = \(\); allowed: at least one whole number ≥ 1"),
    ({"channels": 4}, "channels = 4; allowed"),
    ({"channels": (4, True)}, "channels = .*; allowed"),
    ({"outputs": 0}, "outputs = 0; allowed: a whole number ≥ 1"),
    ({"kernel": 0}, "kernel = 0; allowed: a whole number ≥ 1"),
    ({"stride": 1.5}, "stride = 1.5; allowed: a whole number ≥ 1"),
    ({"image": (3, 32, 32)}, r"image = \(3, 32, 32\): convolution 2 would see maps of 1 × 15; allowed: 3 × 3, the"),
    ({"kernel": 9}, "convolution 1 would see maps of 8 × 8; allowed: 9 × 9"),
    ({"activation": "rely"}, r"activation = 'rely' \(did you mean 'relu'\?\)"),
    ({"parametrization": "nkt"}, r"parametrization = 'nkt' \(did you mean 'ntk'\?\)"),
])
def test_wrong_networks_are_refused_in_one_line(arguments, message):
    with pytest.raises(InputError, match=message) as caught:
        ConvolutionalNetwork(**{"image": (8, 8, 1), "channels": (4, 4), **arguments})
    assert "\n" not in str(caught.value)
