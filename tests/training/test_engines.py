"""Every engine is the plain autograd loop: one table of cases feeds the comparison."""

from __future__ import annotations

import functools
from dataclasses import astuple, dataclass, fields
from itertools import product

import numpy as np
import pytest
import torch

from catapult import curvature, losses
from catapult.datasets import Problem
from catapult.networks import ACTIVATIONS, Network
from catapult.networks.convolutional import ConvolutionalNetwork
from catapult.training import ENGINES, convolutional, dense, linear, train
from covering import few

SEEDS, STEPS = (0, 1), 12
STEPS_ON_IMAGES = 6  # patches share their weights: what is 1e-12 apart grows faster
CHAOTIC = 1e-8  # a departure by which the reference, started 1e-12 away, shows that rounding decides
CLASSES = 3
RATES = np.array([0.4, 1.3, 5])  # times the critical learning rate of seed 0
# Few samples in many dimensions (the kernel and reduced forms), and many in few (the plain ones).
SHAPES = {"n<d": (7, 11, "ntk"), "n>2d": (23, 5, "standard")}
RANK = 3  # of the inputs of the third shape
DEFICIENT = {"rank<n<d": (7, 11, "ntk")}
WIDE = (12,)  # more hidden units than rank + 3, on every shape
# For convolutional networks. The first leave a row over at the lower edge; maps of 3 × 3, 3 × 4 and 1 × 1 follow.
IMAGES = {"images, n<d": (7, (7, 8, 2), "ntk"), "images, n>d": (60, (7, 7, 1), "standard")}


@dataclass(frozen=True)
class Case:
    loss: str
    activation: str
    hidden: tuple[int, ...]  # widths, of images channels
    schedule: str
    batch_size: int | None
    shape: str

    def __str__(self):
        batch = f"batch{self.batch_size}" if self.batch_size else "full"
        hidden = "x".join(map(str, self.hidden)) or "none"
        return f"{self.loss}-{self.activation}-{hidden}-{self.schedule}-{batch}-{self.shape}"


LOSSES = [*losses.LOSSES, "cross_entropy"]
FACTORS = ("step", "anneal", "tri2")  # an engine sees the factor of each step, from whatever schedule
KINDS = [("logistic", "tanh"), ("cross_entropy", "relu"), ("logistic", "linear"), ("cross_entropy", "linear")]


def table():
    """Depths and shapes meet a loss and an activation of each kind; what enters elementwise, one network of each kind.

    No full product; but all of it for full batches and for minibatches.
    """
    for batch_size in (None, 3):
        for kind, (hidden, shape) in product(KINDS, [
                *product([(), (6,), (6, 4)], SHAPES), *product([(), (4,), (6, 4)], DEFICIENT),
                *product([(3,), (3, 2)], IMAGES)]):
            yield Case(*kind, hidden, "fix", batch_size, shape)
        for kind, shape in product(KINDS[2:], SHAPES | DEFICIENT):
            yield Case(*kind, WIDE, "fix", batch_size, shape)
        for hidden, shape in [((6, 4), "n<d"), ((3, 2), "images, n<d")]:
            for loss, activation in [*product(LOSSES, ["tanh", "linear"]),
                                     *product(["logistic", "cross_entropy"], ACTIVATIONS)]:
                yield Case(loss, activation, hidden, "fix", batch_size, shape)
            for activation, schedule in product(["tanh", "linear"], FACTORS):
                yield Case("logistic", activation, hidden, schedule, batch_size, shape)


CASES = list(dict.fromkeys(table()))
FEW = set(few([astuple(case) for case in CASES], strength=2))


def problem(n, d, loss="logistic", rank=None):
    """Noisy labels, ±1 or class numbers: not separable when n > 2d."""
    rng = np.random.default_rng(n)
    X, X_test = rng.normal(size=(n, d)), rng.normal(size=(13, d))
    if rank:
        X = X[:, :rank] @ rng.normal(size=(rank, d)) / rank**0.5
    y, y_test = (A[:, 0] + rng.normal(size=len(A)) for A in (X, X_test))
    if loss == "cross_entropy":
        y, y_test = (np.digitize(scores, [-0.6, 0.6]) for scores in (y, y_test))
    else:
        y, y_test = np.sign(y), np.sign(y_test)
    return Problem(X, y, X_test, y_test, name="cloud")


def setting(case):
    outputs = CLASSES if case.loss == "cross_entropy" else 1
    if case.shape in IMAGES:
        n, image, parametrization = IMAGES[case.shape]
        network = ConvolutionalNetwork(image, case.hidden, outputs, case.activation, parametrization)
        return problem(n, network.inputs, case.loss), network
    n, d, parametrization = (SHAPES | DEFICIENT)[case.shape]
    data = problem(n, d, case.loss, RANK if case.shape in DEFICIENT else None)
    return data, Network((d, *case.hidden, outputs), case.activation, parametrization)


@functools.cache
def critical_learning_rate(case):
    data, network = setting(case)
    y = torch.tensor(data.y)
    mean_loss = curvature.mean_loss(network, case.loss, torch.tensor(data.X), y.long() if network.outputs > 1 else y)
    return 2 / curvature.sharpness(mean_loss, network.initialise(0))[0]


def engines(case):
    if case.shape in IMAGES:
        return ["convolutional"]
    return [name for name in ("dense", "linear") if name == "dense" or (
        name == "linear" and case.activation == "linear" and case.hidden and not case.batch_size
        and case.loss != "cross_entropy")]


def departure(result, reference):
    """Return the largest relative difference of two results; infinite where one is NaN, or a label differs."""
    worst = 0.0
    for name, variable in result.data_vars.items():
        ours, theirs = variable.values, reference[name].values
        if ours.dtype.kind != "f":
            worst = max(worst, 0 if (ours == theirs).all() else np.inf)
        elif (np.isnan(ours) != np.isnan(theirs)).any():
            worst = np.inf
        else:
            # A quantity that converges to 0 is compared in absolute terms below 0.01: 1e-12 where 1e-10 is asked.
            difference = np.abs(ours - theirs) / np.maximum(np.abs(theirs), 1e-2)
            worst = max(worst, np.nanmax(difference, initial=0))
    return worst


def assert_same(result, reference, rtol=1e-10):
    assert departure(result, reference) <= rtol


class Perturbed:
    """The same network from initial weights that are off by 1e-12 of their size."""

    def initialise(self, seed, dtype="float64", device="cpu"):
        generator = torch.Generator().manual_seed(seed)
        return [W * (1 + 1e-12 * torch.randn(W.shape, generator=generator, dtype=torch.float64).to(W))
                for W in super().initialise(seed, dtype, device)]


class PerturbedNetwork(Perturbed, Network):
    pass


class PerturbedConvolutionalNetwork(Perturbed, ConvolutionalNetwork):
    pass


def perturbed(network):
    kind = {Network: PerturbedNetwork, ConvolutionalNetwork: PerturbedConvolutionalNetwork}[type(network)]
    return kind(**{field.name: getattr(network, field.name) for field in fields(network)})


def trained(case, network, engine, device="cpu"):
    data, rates = setting(case)[0], critical_learning_rate(case) * RATES
    if case.activation == "relu3":
        rates /= 10  # seeds differ by powers: what is critical for one sends another to cubes of cubes, and of rounding
    return train(data, network, rates, loss=case.loss, seeds=SEEDS,
                 steps=STEPS_ON_IMAGES if case.shape in IMAGES else STEPS, schedule=case.schedule,
                 batch_size=case.batch_size, every=3, engine=engine, device=device,
                 record=("loss", "train_accuracy", "test_accuracy", "weight_norm", "zero_fraction"))


@functools.cache
def reference(case):
    return trained(case, setting(case)[1], "reference")


@functools.cache
def is_chaotic(case):
    """Return whether the reference loop departs from itself when it starts 1e-12 away: no two ways to round agree."""
    return departure(trained(case, perturbed(setting(case)[1]), "reference"), reference(case)) > CHAOTIC


def assert_engines_equal_the_reference_loop(case, names, device="cpu"):
    for name in names:
        result = trained(case, setting(case)[1], name, device)
        assert departure(result, reference(case)) <= 1e-10 or is_chaotic(case)


@pytest.mark.parametrize("case", [
    pytest.param(case, id=str(case), marks=() if astuple(case) in FEW else pytest.mark.slow) for case in CASES])
def test_engine_equals_the_reference_loop(case):
    assert_engines_equal_the_reference_loop(case, engines(case))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
@pytest.mark.parametrize("engine", ENGINES)
def test_engine_on_a_gpu_equals_the_reference_loop(engine):
    for case in CASES:
        if engine in ["reference", *engines(case)]:
            assert_engines_equal_the_reference_loop(case, [engine], "cuda")


@pytest.mark.slow
@pytest.mark.parametrize("shapes", [SHAPES, IMAGES])
def test_few_cases_of_the_table_are_chaotic(shapes):
    cases = [case for case in CASES if case.shape in shapes]
    chaotic = [str(case) for case in cases if is_chaotic(case)]
    print(f"{len(chaotic)} of {len(cases)} cases are chaotic:", *chaotic, sep="\n")
    assert len(chaotic) <= len(cases) / 10


def test_the_table_covers_every_engine_and_phase_outcome():
    assert {name for case in CASES for name in engines(case)} == {"dense", "linear", "convolutional"}
    case = Case("squared", "tanh", (6,), "fix", None, "n>2d")
    phases = train(*setting(case), critical_learning_rate(case) * RATES, steps=STEPS, seeds=SEEDS, loss="squared").phase
    assert {"lazy", "divergent"} <= set(phases.values.flat)


@pytest.mark.slow
@pytest.mark.parametrize("case", [
    Case(loss, activation, hidden, "fix", None, shape) for loss in ["logistic", "cross_entropy"]
    for hidden, activations, shapes in [((6, 4), ACTIVATIONS, ["n<d", "images, n<d"]),
                                        ((6, 4), ["tanh", "linear"], ["n>2d", "rank<n<d", "images, n>d"]),
                                        (WIDE, ["linear"], SHAPES | DEFICIENT)]
    for activation, shape in product(activations, shapes)], ids=str)
def test_sharpness_and_ntk_are_recorded_alike_by_every_engine(case):
    data, network = setting(case)
    rates = critical_learning_rate(case) * np.array([0.5, 1.5])
    call = {"steps": 3, "every": 3, "record": ("sharpness", "ntk"), "seeds": SEEDS, "loss": case.loss}
    reference = train(data, network, rates, engine="reference", **call)
    for name in engines(case):
        assert_same(train(data, network, rates, engine=name, **call), reference, rtol=1e-8)


@pytest.mark.slow
@pytest.mark.parametrize("case", [
    Case("logistic", "tanh", (4,), "fix", None, "n>2d"),
    Case("logistic", "relu", (4,), "fix", None, "rank<n<d"),
    *(Case(loss, "linear", WIDE, "fix", None, shape)
      for loss, shape in product(["logistic", "cross_entropy"], SHAPES | DEFICIENT))], ids=str)
def test_recorded_curvature_is_that_of_all_weights(case):
    """The dense Hessian and the kernel of weights trained in full, where the engines see them in few directions."""
    data, network = setting(case)
    recorded = train(data, network, 2.0, steps=4, record=("sharpness", "ntk"), loss=case.loss)
    X, y = torch.tensor(data.X), torch.tensor(data.y)
    mean_loss = curvature.mean_loss(network, case.loss, X, y.long() if network.outputs > 1 else y)
    weights = network.initialise(0)
    for sharpness, ntk in zip(recorded.sharpness[0, 0].values, recorded.ntk[0, 0].values, strict=True):
        dense_value = torch.linalg.eigvalsh(curvature.hessian_matrix(mean_loss, weights))[-1].item()
        assert sharpness == pytest.approx(dense_value, rel=1e-4)  # the tolerance of Lanczos
        theta = curvature.ntk_matrix(network, weights, X) / len(X)
        assert ntk == pytest.approx(torch.linalg.eigvalsh(theta)[-1].item(), rel=1e-10)
        leaves = [w.requires_grad_() for w in weights]
        slopes = torch.autograd.grad(mean_loss(leaves), leaves)
        weights = [(w - 2.0 * g).detach() for w, g in zip(leaves, slopes, strict=True)]


def one_hidden_layer(engine, loss="logistic"):
    """Return a problem and a network that an engine can train."""
    return setting(Case(loss, "linear", (6,), "fix", None, "images, n>d" if engine == "convolutional" else "n>2d"))


@pytest.mark.parametrize("engine", ["dense", "linear", "convolutional"])
def test_results_do_not_depend_on_how_runs_are_blocked(engine, monkeypatch):
    activation = "linear" if engine == "linear" else "relu"
    shape = "images, n<d" if engine == "convolutional" else "n<d"
    data, network = setting(Case("logistic", activation, (6,), "fix", None, shape))
    call = {"seeds": (0, 1, 2), "steps": 8, "record": ("loss", "weight_norm"), "engine": engine}
    rates = [0.1, 1.0, 1e5]
    together = train(data, network, rates, **call)
    for module in (dense, linear, convolutional):
        monkeypatch.setattr(module, "CACHE", 1)
    monkeypatch.setattr(linear, "SHARING", 1)
    assert_same(train(data, network, rates, **call), together, rtol=1e-12)


@pytest.mark.parametrize("engine", ["dense", "linear", "convolutional"])
def test_diverged_runs_stop_costing_time(engine, monkeypatch):
    data, network = one_hidden_layer(engine, "squared")
    held = []
    step = ENGINES[engine].step

    def counted(self, *arguments):
        held.append(len(self.V[0]))
        step(self, *arguments)

    monkeypatch.setattr(ENGINES[engine], "step", counted)
    result = train(data, network, [0.01, 1e3, 1e4, 1e5], loss="squared", steps=50, engine=engine)
    assert (result.phase[1:] == "divergent").all()
    assert len(held) == 50
    assert held[0] == 4
    assert held[10:] == [1] * 40
    held.clear()
    train(data, network, [1e3, 1e4], loss="squared", steps=10_000, engine=engine)
    assert len(held) < 10


@pytest.mark.parametrize(("loss", "shape", "width"), [
    ("logistic", "n<d", 7 + 1), ("logistic", "n>2d", 5 + 1), ("logistic", "rank<n<d", RANK + 1),
    ("cross_entropy", "rank<n<d", RANK + CLASSES)])
def test_two_linear_layers_need_no_more_hidden_units_than_rank_and_outputs(loss, shape, width, monkeypatch):
    held, step = [], ENGINES["linear" if loss == "logistic" else "dense"].step

    def seen(self, *arguments):
        held.append(self.V[1].shape[2])
        step(self, *arguments)

    for engine in (linear.Linear, dense.Dense):
        monkeypatch.setattr(engine, "step", seen)
    data, network = setting(Case(loss, "linear", (50,), "fix", None, shape))
    train(data, network, 0.1, steps=1, loss=loss)
    assert held == [width]


def test_auto_takes_the_linear_engine_only_where_it_applies():
    data = problem(7, 11)
    chosen = {
        (activation, hidden, batch_size): train(
            data, Network((11, *hidden, 1), activation), 0.1, steps=1, batch_size=batch_size).attrs["engine"]
        for activation in ACTIVATIONS for hidden in [(), (3,)] for batch_size in (None, 3)}
    assert [key for key, engine in chosen.items() if engine == "linear"] == [("linear", (3,), None)]
    assert set(chosen.values()) == {"linear", "dense"}


@pytest.mark.slow
@pytest.mark.parametrize(("steps", "batch_size", "form"), [(1, None, "plain"), (12, None, "kernel"), (1, 3, "plain"),
                                                           (400, 3, "span")])
def test_the_dense_engine_prepares_only_what_the_runs_repay(steps, batch_size, form, monkeypatch):
    chosen, choose = [], dense.form
    monkeypatch.setattr(dense, "form", lambda task: chosen.append(choose(task)) or chosen[-1])
    data, network, record = problem(7, 11), Network((11, 6, 1), "relu"), ("loss", "test_accuracy", "weight_norm",
                                                                         "sharpness")
    exact, fast = (train(data, network, 0.3, steps=steps, batch_size=batch_size, record=record, engine=engine,
                         every={"sharpness": steps}) for engine in ("reference", "dense"))
    assert chosen == [form]
    for name in record:
        np.testing.assert_allclose(fast[name], exact[name], rtol=1e-10 if name != "sharpness" else 1e-4, err_msg=name)


def test_auto_takes_the_convolutional_engine_where_two_runs_fit_the_cache(monkeypatch):
    data, network = one_hidden_layer("convolutional")
    assert train(data, network, 0.1, steps=1).attrs["engine"] == "convolutional"
    run = 2 * 60 * 3 * 3 * 6 * 8  # bytes: maps and their gradients, samples, 3 × 3, channels, float64
    monkeypatch.setattr(convolutional, "CACHE", 2 * run)
    assert train(data, network, 0.1, steps=1).attrs["engine"] == "convolutional"
    monkeypatch.setattr(convolutional, "CACHE", 2 * run - 1)
    assert train(data, network, 0.1, steps=1).attrs["engine"] == "reference"


@pytest.mark.parametrize("engine", ENGINES)
def test_single_precision_stays_near_double_precision_on_a_lazy_run(engine):
    data, network = one_hidden_layer(engine)
    double, single = (train(data, network, 0.3, steps=20, engine=engine, dtype=dtype)
                      for dtype in ("float64", "float32"))
    np.testing.assert_allclose(single.loss, double.loss, rtol=1e-5)  # 20 steps of rounding at 6e-8
    assert not np.array_equal(single.loss, double.loss)


@pytest.mark.slow
@pytest.mark.parametrize("engine", ENGINES)
def test_a_repeated_call_gives_the_same_bits(engine):
    data, network = one_hidden_layer(engine)
    first, second = (train(data, network, [0.3, 3.0], steps=20, engine=engine, record=("loss", "sharpness"),
                           every={"sharpness": 10}) for _ in range(2))
    assert first.identical(second)
