"""The public face of training: what is recorded, when, and what is refused."""

from __future__ import annotations

import io
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import xarray as xr

from catapult import curvature, losses
from catapult.datasets import Problem, degenerate_pair, overlapping_cloud
from catapult.networks import Network
from catapult.networks.convolutional import ConvolutionalNetwork
from catapult.parameters import InputError
from catapult.training import ENGINES, QUANTITIES, train
from catapult.training.task import check

CLOUD = overlapping_cloud(12, 3, 1.0, seed=0)
NETWORK = Network((3, 4, 1), "relu")
CLASSES = SimpleNamespace(X=CLOUD.X, y=(CLOUD.y > 0).astype(int))
WITH_TEST = Problem(CLOUD.X, CLOUD.y, CLOUD.X[:11], CLOUD.y[:11])


@pytest.mark.slow
def test_everything_is_recorded_with_its_dimensions():
    result = train(WITH_TEST, NETWORK, [0.1, 0.2, 0.4], seeds=(3, 5), steps=10, record=tuple(QUANTITIES),
                   every=4)
    assert result.step.values.tolist() == [0, 4, 8, 10]
    assert result.seed.values.tolist() == [3, 5]
    assert result.learning_rate.values.tolist() == [0.1, 0.2, 0.4]
    for name, quantity in QUANTITIES.items():
        own = [*([] if quantity.last else ["step"]), *([quantity.dimension] if quantity.dimension else [])]
        assert result[name].dims == ("learning_rate", "seed", *own)
        assert np.isfinite(result[name]).all()
    for name in ("phase", "blow_up_step", "peak_loss"):
        assert result[name].dims == ("learning_rate", "seed")
    assert result.attrs["loss"] == "logistic"
    assert "(3, 4, 1)" in result.attrs["network"]
    assert "mean loss" in result.attrs["conventions"]


@pytest.mark.slow
def test_only_what_is_asked_for_is_recorded():
    always = {"phase", "blow_up_step", "peak_loss"}
    assert set(train(CLOUD, NETWORK, 0.1, steps=2).data_vars) == {"loss", *always}
    assert "loss" not in train(CLOUD, NETWORK, 0.1, steps=2, record=("weight_norm",))


def test_values_are_those_before_the_update():
    weights = NETWORK.initialise(0)
    f = NETWORK.forward(weights, torch.tensor(CLOUD.X)).numpy()
    result = train(CLOUD, NETWORK, 0.1, steps=1, record=tuple(set(QUANTITIES) - {"test_accuracy", "tenth_accuracy"}))
    at_start = result.sel(step=0).squeeze()
    assert at_start.loss == pytest.approx(losses.logistic.value(CLOUD.y * f).mean(), rel=1e-13)
    assert at_start.train_accuracy == (CLOUD.y * f > 0).mean()
    assert at_start.zero_fraction == (f == 0).mean()
    norm = torch.cat([w.flatten() for w in weights]).norm().item()
    assert at_start.weight_norm == pytest.approx(norm, rel=1e-13)
    theta = curvature.ntk_matrix(NETWORK, weights, torch.tensor(CLOUD.X))
    assert at_start.ntk == pytest.approx(torch.linalg.eigvalsh(theta)[-1].item() / 12, rel=1e-10)


def test_a_single_rate_and_seed_may_be_given_as_numbers():
    assert train(CLOUD, NETWORK, 0.1, seeds=2, steps=1).sizes == {"learning_rate": 1, "seed": 1, "step": 2}


def test_the_largest_seed_that_is_allowed_trains():
    assert train(CLOUD, NETWORK, 0.1, seeds=(0, 2**63 - 1), steps=1, batch_size=5).seed.values.tolist()[1] == 2**63 - 1


def test_numpy_and_torch_problems_give_the_same_bits():
    tensors = SimpleNamespace(X=torch.tensor(CLOUD.X), y=torch.tensor(CLOUD.y))
    assert train(tensors, NETWORK, 0.1, steps=3).loss.equals(train(CLOUD, NETWORK, 0.1, steps=3).loss)


def test_an_output_of_zero_is_an_error_not_a_success():
    dead = [-np.ones((4, 3)), np.ones((1, 4))]
    positive = Problem(np.abs(CLOUD.X), CLOUD.y)
    result = train(positive, NETWORK, 0.1, steps=3, record=("train_accuracy", "zero_fraction"),
                   initial_weights=dead)
    assert (result.train_accuracy == 0).all()
    assert (result.zero_fraction == 1).all()
    assert result.phase.item() == "dead"


def test_a_linear_network_that_reaches_its_goal_of_zero_is_not_dead():
    """On the degenerate pair zero is the minimiser, and two hidden units reach it to the last bit."""
    pair, network = degenerate_pair(), Network((1, 512, 1))
    at_once = 1 / curvature.largest_ntk_eigenvalue(network, network.initialise(0), torch.tensor(pair.X))
    result = train(pair, network, at_once, steps=300, loss="squared", record="zero_fraction")
    assert result.zero_fraction[0, 0, -1] == 1
    assert result.phase.item() == "lazy"


def test_partial_death_is_recorded_as_a_fraction():
    some = Problem(np.vstack([np.abs(CLOUD.X[:9]), -np.abs(CLOUD.X[9:])]), CLOUD.y)
    dead_on_most = [-np.ones((4, 3)), np.ones((1, 4))]
    result = train(some, NETWORK, 1e-3, steps=5, record="zero_fraction", initial_weights=dead_on_most)
    assert (result.zero_fraction == 0.75).all()
    assert result.phase.item() == "lazy"


@pytest.mark.slow
def test_recording_more_or_less_often_changes_nothing_else():
    often, seldom = (train(CLOUD, NETWORK, [0.5, 50.0], steps=20, every=every, record=("loss", "sharpness"))
                     for every in (1, 20))
    assert seldom.step.values.tolist() == [0, 20]
    for name in ("phase", "blow_up_step", "peak_loss"):
        assert often[name].equals(seldom[name])
    assert often.loss.sel(step=[0, 20]).equals(seldom.loss)
    np.testing.assert_allclose(often.sharpness.sel(step=[0, 20]), seldom.sharpness, rtol=1e-4)  # Lanczos
    assert often.phase.values.tolist() == [["lazy"], ["divergent"]]
    assert often.loss[0, 0].max() == often.peak_loss[0, 0]
    assert often.loss[1, 0].max() < often.peak_loss[1, 0]  # the loss at the blow-up counts, unrecorded


def test_each_quantity_may_have_its_own_steps():
    result = train(CLOUD, NETWORK, 0.5, steps=10, record=("loss", "sharpness", "weight_norm"),
                   every={"loss": 5, "sharpness": [0, 7]})
    assert result.step.values.tolist() == list(range(11))  # nothing said: every step
    assert result.step[result.loss[0, 0].notnull()].values.tolist() == [0, 5, 10]
    assert result.step[result.sharpness[0, 0].notnull()].values.tolist() == [0, 7]
    assert result.weight_norm.notnull().all()


def test_minibatches_are_judged_by_the_initial_loss_even_if_it_is_not_recorded():
    result = train(CLOUD, Network((3, 4, 1), "tanh"), 5.0, steps=30, batch_size=5, loss="squared", every=[30],
                   divergence=1.5)
    assert result.step.values.tolist() == [30]
    assert result.phase.item() == "divergent"  # the loss is 28 times the initial one
    assert result.blow_up_step.item() == 30


@pytest.mark.slow
def test_the_phase_does_not_depend_on_what_is_recorded():
    rates = np.geomspace(0.3, 300, 12)
    bare, full = (train(CLOUD, NETWORK, rates, steps=40, record=record, every={record[-1]: 10})
                  for record in (("loss",), ("loss", "ntk", "sharpness")))
    assert bare.phase.equals(full.phase)
    assert len(set(bare.phase.values.flat)) > 1


@pytest.mark.parametrize("engine", ["reference", "dense"])
def test_from_the_blow_up_on_there_is_nothing(engine):
    result = train(CLOUD, Network((3, 4, 1), "tanh"), 400.0, loss="exponential", steps=20, engine=engine,
                   record=("loss", "weight_norm"))
    blow_up = result.blow_up_step.item()
    assert 0 < blow_up < 20
    assert np.isfinite(result.loss[0, 0, :blow_up]).all()
    assert np.isnan(result.loss[0, 0, blow_up:]).all()
    assert np.isnan(result.weight_norm[0, 0, blow_up:]).all()
    assert result.phase.item() == "divergent"
    assert np.isfinite(result.peak_loss.item())


@pytest.mark.parametrize("engine", ENGINES)
def test_a_run_that_overflows_at_once_has_a_finite_peak(engine):
    network = ConvolutionalNetwork((1, 1, 3), (4,), kernel=1) if engine == "convolutional" else Network((3, 4, 1))
    result = train(CLOUD, network, 1e300, loss="exponential", steps=5, engine=engine)
    assert result.blow_up_step.item() == 1
    assert result.peak_loss.item() == result.loss[0, 0, 0].item()


@pytest.mark.parametrize("engine", ["reference", "dense"])
def test_divergence_is_absorbing_although_runs_would_come_back_dead(engine):
    # Runs this wild depend on rounding: nothing is said about a single one.
    call = {"loss": "squared", "seeds": range(6), "steps": 40, "engine": engine}
    network, rates = Network((3, 32, 32, 1), "relu"), [50.0, 100.0]
    unbounded = train(CLOUD, network, rates, divergence=1e300, **call)
    at_start, at_end = unbounded.loss[..., 0], unbounded.loss[..., -1]
    came_back = (unbounded.peak_loss > 1e3 * at_start) & (at_end < at_start)
    assert came_back.sum() >= 3
    assert (unbounded.phase.values[came_back] == "dead").all()
    bounded = train(CLOUD, network, rates, **call)
    assert (bounded.phase.values[came_back] == "divergent").all()


def task(seeds=(0, 1), batch_size=5):
    return check(CLOUD, NETWORK, [0.1, 0.2], loss="logistic", seeds=seeds, steps=5, batch_size=batch_size,
                 schedule=None, record=("loss",), every=1, dtype="float64", device="cpu", divergence=1e3,
                 initial_weights=None, momentum=0, weight_decay=0, quantities=QUANTITIES)


def test_minibatches_go_through_the_data_once_an_epoch():
    batches = task().batches(0)
    epochs = [[next(batches) for _ in range(3)] for _ in range(2)]
    for epoch in epochs:
        assert [len(batch) for batch in epoch] == [5, 5, 2]
        assert sorted(np.concatenate(epoch)) == list(range(12))
    assert not np.array_equal(np.concatenate(epochs[0]), np.concatenate(epochs[1]))


def test_minibatches_depend_on_the_seed_alone():
    first, again, other = (next(task(seeds=seeds).batches(0)) for seeds in ((4, 1), (4,), (5,)))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_every_learning_rate_sees_the_same_minibatches():
    alone = train(CLOUD, NETWORK, 0.2, steps=9, batch_size=5, engine="reference")
    beside = train(CLOUD, NETWORK, [0.1, 0.2], steps=9, batch_size=5, engine="reference")
    assert alone.loss[0].equals(beside.loss[1].assign_coords(learning_rate=0.2))


def test_a_batch_of_all_samples_is_the_full_batch():
    full, all_samples = (train(CLOUD, NETWORK, 0.2, steps=9, batch_size=size) for size in (None, 12))
    assert full.loss.equals(all_samples.loss)
    assert train(CLOUD, NETWORK, 0.2, steps=9, batch_size=11).loss[0, 0, -1] != full.loss[0, 0, -1]


@pytest.mark.slow
def test_the_result_survives_netcdf():
    result = train(CLOUD, NETWORK, [0.1, 1e4], steps=3, schedule="cosine", batch_size=4)
    with xr.open_dataset(io.BytesIO(bytes(result.to_netcdf(engine="h5netcdf"))), engine="h5netcdf") as stored:
        assert stored.phase.values.tolist() == result.phase.values.tolist()
        xr.testing.assert_equal(stored.loss, result.loss)


@pytest.mark.parametrize(("change", "message"), [
    ({"record": ("los",)}, r"record: nothing is called 'los' \(did you mean 'loss'\?\); allowed: loss, "),
    ({"record": "sharpnes"}, "did you mean 'sharpness'"),
    ({"record": "test_accuracy"}, "test_accuracy needs a test set"),
    ({"learning_rates": 0.0}, "learning_rates: 0; allowed: finite and > 0"),
    ({"learning_rates": [0.1, -1.0]}, "learning_rates: -1; allowed"),
    ({"learning_rates": [np.nan]}, "learning_rates: nan; allowed"),
    ({"learning_rates": [np.inf]}, "learning_rates: inf; allowed"),
    ({"learning_rates": []}, "learning_rates: allowed: a number"),
    ({"learning_rates": "abc"}, "learning_rates: not numbers; allowed: finite and > 0"),
    ({"learning_rates": None}, "learning_rates: nan; allowed"),
    ({"seeds": ()}, "seeds: none given"),
    ({"seeds": (0.5,)}, r"seeds = 0.5; allowed: a whole number ≥ 0"),
    ({"seeds": -1}, r"seeds = -1; allowed: a whole number ≥ 0"),
    ({"seeds": 0.0}, r"seeds = 0.0; allowed: a whole number ≥ 0"),
    ({"seeds": None}, "seeds = None; allowed: a whole number ≥ 0"),
    ({"seeds": (1, 2**63)}, r"seeds: 9223372036854775808; allowed: up to 2\*\*63 - 1"),
    ({"record": None}, "record = None; allowed: a list of loss, train_accuracy"),
    ({"steps": 0}, "steps = 0; allowed: a whole number ≥ 1"),
    ({"steps": 2.5}, "steps = 2.5; allowed: a whole number ≥ 1"),
    ({"every": 0}, "every = 0; allowed: a whole number ≥ 1"),
    ({"every": [0, 4]}, "every: step 4; allowed: up to 3, the last step"),
    ({"every": {"los": 2}}, r"every: 'los' is not recorded \(did you mean 'loss'\?\); allowed: loss"),
    ({"batch_size": 0}, "batch_size = 0; allowed: a whole number ≥ 1"),
    ({"batch_size": 13}, "batch_size = 13; allowed: None or at most the 12 samples"),
    ({"loss": "logistc"}, "did you mean 'logistic'"),
    ({"loss": ["logistic"]}, r"loss: no loss is called \['logistic'\] \(did you mean 'logistic'\?\)"),
    ({"schedule": "cosin"}, "did you mean 'cosine'"),
    ({"engine": "lineer"}, r"engine = 'lineer' \(did you mean 'linear'\?\); allowed: auto, reference, "),
    ({"engine": "linear"},
     "engine = 'linear': lacks activations that are not linear; allowed: auto, reference, dense$"),
    ({"engine": "convolutional"},
     "engine = 'convolutional': lacks fully connected networks; allowed: auto, reference, dense$"),
    ({"engine": "dense", "network": ConvolutionalNetwork((1, 1, 3), (4,), kernel=1)},
     "engine = 'dense': lacks convolutions; allowed: auto, reference, convolutional$"),
    ({"engine": "linear", "network": ConvolutionalNetwork((1, 1, 3), (4,), 1, "linear", kernel=1)},
     "engine = 'linear': lacks convolutions; allowed: auto, reference, convolutional$"),
    ({"network": ConvolutionalNetwork((4, 3, 1), (4,))},
     r"X has shape \(12, 3\); allowed: \(n, 12\), the inputs of ConvolutionalNetwork\(image=\(4, 3, 1\)"),
    ({"network": ConvolutionalNetwork((1, 1, 3), (4,), kernel=1), "initial_weights": [np.ones((4, 3))]},
     r"initial_weights have shapes \[\(4, 3\)\]; allowed: \[\(4, 3\), \(1, 4\)\]"),
    ({"dtype": "float16"}, r"dtype = 'float16' .*; allowed: float64, float32"),
    ({"device": "nowhere"}, "device = 'nowhere'; allowed: cpu"),
    ({"device": "meta"}, "device = 'meta'; allowed: cpu"),
    ({"device": 0.5}, "device = 0.5; allowed: cpu"),
    ({"divergence": 1.0}, "divergence = 1.0; allowed: a finite number > 1"),
    ({"divergence": np.inf}, "divergence = inf; allowed"),
    ({"divergence": "x"}, "divergence = 'x'; allowed: a finite number > 1"),
    ({"network": "relu"}, "network: a str; allowed: a Network or a ConvolutionalNetwork"),
    ({"problem": None}, "problem: has no X or no y; allowed"),
    ({"network": Network((4, 1))}, r"X has shape \(12, 3\); allowed: \(n, 4\)"),
    ({"network": Network((3, 2))}, "y holds the label -1; allowed: 0 to 1, for 2 outputs"),
    ({"network": Network((3, 2)), "problem": CLASSES, "loss": "exponential"},
     "loss = 'exponential'; allowed for 2 outputs: cross_entropy, squared, huber"),
    ({"loss": "cross_entropy"}, "loss = 'cross_entropy'; allowed for one output: exponential, logistic, squared"),
    ({"problem": SimpleNamespace(X=CLOUD.X, y=np.arange(12) % 2)}, "y holds the label 0; allowed: 1 and -1"),
    ({"problem": SimpleNamespace(X=CLOUD.X, y=CLOUD.y[:5])}, r"y has shape \(5,\); allowed: \(12,\)"),
    ({"problem": SimpleNamespace(X=CLOUD.X * np.nan, y=CLOUD.y)}, "X holds values that are not finite"),
    ({"problem": SimpleNamespace(X="pixels", y=CLOUD.y)}, "X is not an array of numbers"),
    ({"problem": SimpleNamespace(X=CLOUD.X, y=CLOUD.y, X_test=CLOUD.X)}, "X_test and y_test: allowed: both or neither"),
    ({"problem": SimpleNamespace(X=CLOUD.X, y=CLOUD.y, y_test=CLOUD.y)}, "X_test and y_test: allowed: both or neither"),
    ({"problem": SimpleNamespace(X=CLOUD.X, y=CLOUD.y, X_test=CLOUD.X[:, :2], y_test=CLOUD.y)},
     r"X_test has shape \(12, 2\); allowed: \(n, 3\)"),
    ({"initial_weights": [np.ones((3, 4))]}, r"initial_weights have shapes \[\(3, 4\)\]; allowed: \["),
    ({"initial_weights": [np.full((4, 3), np.nan), np.ones((1, 4))]}, "initial_weights hold values that are not fini"),
    ({"initial_weights": 1.0}, r"initial_weights = 1.0; allowed: a list of matrices, \[\(4, 3\), \(1, 4\)\]"),
    ({"initial_weights": ["a", "b"]}, "initial_weights is not an array of numbers"),
])
def test_wrong_input_is_refused_in_one_line_before_any_work(change, message, monkeypatch):
    monkeypatch.setattr("catapult.training._follow", lambda *_: pytest.fail("work has begun"))
    call = {"problem": CLOUD, "network": NETWORK, "learning_rates": 0.1, "steps": 3, **change}
    with pytest.raises(InputError, match=message) as caught:
        train(**call)
    assert "\n" not in str(caught.value)


def test_the_degenerate_pair_trains():
    assert train(degenerate_pair(), Network((1, 1)), 1.0, steps=5).phase.item() == "lazy"


def three_classes():
    """Three clouds that a network with three outputs can tell apart, more dimensions than samples."""
    rng = np.random.default_rng(0)
    centres, y = 3 * rng.normal(size=(3, 40)), np.arange(24) % 3
    X, X_test = (centres[y] + rng.normal(size=(24, 40)) for _ in range(2))
    return Problem(X, y, X_test, y, name="three clouds")


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["reference", "dense"])
def test_several_classes_are_learned(engine):
    network = Network((40, 8, 3), "relu")
    result = train(three_classes(), network, [0.5, 1e4], steps=60, record=tuple(QUANTITIES), loss="cross_entropy",
                   every=20, engine=engine).isel(seed=0)
    assert result.phase.values.tolist() == ["lazy", "divergent"]
    assert result.attrs["loss"] == "cross_entropy"
    assert result.train_accuracy[0, -1] == 1
    assert result.test_accuracy[0, -1] > 0.9
    assert result.loss[0, 0] == pytest.approx(
        torch.nn.functional.cross_entropy(network.forward(network.initialise(0), torch.tensor(three_classes().X)),
                                          torch.tensor(three_classes().y).long()).item(), rel=1e-12)
    for name in ("sharpness", "ntk", "weight_norm"):
        assert np.isfinite(result[name][0]).all()


@pytest.mark.parametrize("rank", [6, 3])
@pytest.mark.parametrize(("engine", "activation", "width"), [
    *((engine, "linear", width) for engine in ENGINES for width in (4, 20)),
    ("reference", "tanh", 7), ("dense", "tanh", 7), ("convolutional", "tanh", 7)])
def test_what_the_directions_of_training_do_not_show_is_added(engine, activation, width, rank):
    """Accuracy on data outside the span and the norm of all weights, against weights trained in full by hand."""
    rng = np.random.default_rng(3)
    X, y = rng.normal(size=(6, 30)), np.array([1.0, -1, 1, 1, -1, -1])
    X[rank:] = rng.normal(size=(6 - rank, rank)) @ X[:rank]
    network = Network((30, width, 1), activation)
    if engine == "convolutional":  # it does not leave the span of whole images, but that of their patches
        network = ConvolutionalNetwork((3, 5, 2), (width,), activation=activation)
    weights = [W.requires_grad_() for W in network.initialise(0)]
    for _ in range(5):
        f = network.forward_with_hidden(weights, torch.tensor(X))[0]
        slopes = torch.autograd.grad(losses.logistic.value(torch.tensor(y) * f).mean(), weights)
        weights = [(W - 2.0 * slope).detach().requires_grad_() for W, slope in zip(weights, slopes, strict=True)]
    X_test = rng.normal(size=(400, 30))
    f = network.forward_with_hidden(weights, torch.tensor(X_test))[0].detach().numpy()
    assert 0.2 < (f > 0).mean() < 0.8
    result = train(Problem(X, y, X_test, np.sign(f)), network, 2.0, steps=5, engine=engine,
                   record=("test_accuracy", "weight_norm"))
    assert result.test_accuracy[0, 0, -1] == 1
    assert result.test_accuracy[0, 0, 0] < 1
    norm = torch.cat([W.detach().flatten() for W in weights]).norm().item()
    assert result.weight_norm[0, 0, -1].item() == pytest.approx(norm, rel=1e-13)
