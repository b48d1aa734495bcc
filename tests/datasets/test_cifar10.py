import contextlib
import os
import pickle
from pathlib import Path

import numpy as np
import pytest

from catapult.datasets import DataMissing, cifar10, sources
from catapult.datasets.torchvision_import import import_torchvision
from catapult.parameters import InputError


class _Payload:
    """Unpickling this creates a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def test_the_batches_of_a_named_folder_are_read_in_place(small_cifar10, named, listing):
    folder = named("cifar-10-batches-py", small_cifar10)
    before = listing(folder.parent)
    images = cifar10.images()
    assert listing(folder.parent) == before
    assert images.train.shape == (100, 32, 32, 3)
    assert images.test.shape == (20, 32, 32, 3)
    assert images.train_labels.tolist() == [i % 10 for i in range(20)] * 5
    # In a pickle a row is 1,024 red, then green, then blue values.
    row = pickle.loads(small_cifar10["data_batch_2"], encoding="latin1")["data"][0]
    assert np.array_equal(images.train[20], row.reshape(3, 32, 32).transpose(1, 2, 0))


def test_torchvision_reads_the_same(small_cifar10, named):
    folder = named("cifar-10-batches-py", small_cifar10)
    images = cifar10.images()
    for train, data, labels in ((True, images.train, images.train_labels), (False, images.test, images.test_labels)):
        published = import_torchvision().datasets.CIFAR10(folder.parent, train=train, download=False)
        assert np.array_equal(data, published.data)
        assert labels.tolist() == published.targets


def test_two_classes_are_labelled_by_name(small_cifar10, named):
    named("cifar-10-batches-py", small_cifar10)
    problem = cifar10.two_classes(("automobile", "dog"), samples=20, features="blocks")
    assert problem.X.shape == (20, 192)
    assert problem.y.sum() == 0
    assert problem.name.startswith("automobile against dog")


def _evil(tmp_path):
    """Return a pickle that creates a file when it is loaded, and that file."""
    trace = tmp_path / "trace"
    evil = pickle.dumps(_Payload(trace))
    pickle.loads(evil).close()
    assert trace.exists()  # the payload works
    trace.unlink()
    return evil, trace


def test_no_pickle_is_loaded_before_its_checksum_was_right(small_cifar10, named, tmp_path):
    evil, trace = _evil(tmp_path)
    named("cifar-10-batches-py", {**small_cifar10, "data_batch_1": evil})
    with pytest.raises(InputError, match="data_batch_1 is truncated or altered"):
        cifar10.two_classes(samples=4)
    assert not trace.exists()


@pytest.mark.parametrize("name", ["data_batch_1", "test_batch"])
def test_a_pickle_that_is_swapped_after_the_check_is_not_loaded(small_cifar10, named, tmp_path, name):
    evil, trace = _evil(tmp_path)
    folder = named("cifar-10-batches-py", small_cifar10)
    place = sources.locate("cifar10")
    (folder / name).write_bytes(evil)
    with pytest.raises(InputError, match=f"{name} is truncated or altered"):
        cifar10._read(place)
    assert not trace.exists()


@pytest.mark.parametrize("swap", range(1, 7))
def test_bytes_that_are_unpickled_are_those_that_were_hashed(small_cifar10, named, tmp_path, monkeypatch, swap):
    """Whenever the file is swapped, before or after any of its readings, nothing else is loaded."""
    evil, trace = _evil(tmp_path)
    folder = named("cifar-10-batches-py", small_cifar10)
    target, opened = folder / "data_batch_1", []
    for function in ("open", "read_bytes"):
        original = getattr(Path, function)

        def swapping(path, *given, original=original, **options):
            if path == target:
                opened.append(path)
                path.unlink()
                descriptor = os.open(path, os.O_WRONLY | os.O_CREAT)
                os.write(descriptor, evil if len(opened) == swap else small_cifar10["data_batch_1"])
                os.close(descriptor)
            return original(path, *given, **options)

        monkeypatch.setattr(Path, function, swapping)
    with contextlib.suppress(InputError):
        assert len(cifar10.images().train) == 100
    assert opened
    assert not trace.exists()


def test_even_checked_pickles_may_hold_arrays_only(tmp_path):
    evil, trace = _evil(tmp_path)
    with pytest.raises(pickle.UnpicklingError, match=r"io\.open is no part of an array"):
        cifar10.unpickled(evil)
    with pytest.raises(pickle.UnpicklingError):
        cifar10.unpickled(pickle.dumps(np.array([_Payload(trace)], dtype=object)))
    assert not trace.exists()
    array = np.arange(6, dtype=np.uint8).reshape(2, 3)
    for protocol in (2, 4):
        assert np.array_equal(cifar10.unpickled(pickle.dumps({"data": array}, protocol))["data"], array)


def test_without_the_files_nothing_else_is_called_cifar10():
    with pytest.raises(DataMissing, match="catapult data fetch cifar10"):
        cifar10.two_classes()


@pytest.mark.parametrize(("classes", "message"), [
    (("cat", "dgo"), "did you mean 'dog'"), (("cat", "cat"), "two different"), (("cat",), "two different")])
def test_wrong_classes_are_refused(classes, message):
    with pytest.raises(InputError, match=message):
        cifar10.two_classes(classes)


@pytest.mark.slow
def test_the_cifar10_of_the_users_folder_is_the_published_one(real_data):
    real_data("cifar-10-batches-py")
    images = cifar10.images()
    assert images.train.shape == (50000, 32, 32, 3)
    assert np.bincount(images.train_labels).tolist() == [5000] * 10
    assert np.bincount(images.test_labels).tolist() == [1000] * 10
    assert images.train_labels[:5].tolist() == [6, 9, 9, 4, 1]  # frog, truck, truck, deer, automobile
    cifar10._read.cache_clear()


def test_unused_images_are_test_images_in_one_order_for_all_seeds(small_cifar10, named):
    named("cifar-10-batches-py", small_cifar10)
    images = cifar10.images()
    everything = np.concatenate([images.train, images.test]).reshape(-1, 3072) / 255.0
    labels = np.concatenate([images.train_labels, images.test_labels])
    orders = []
    for seed in (0, 1):
        problem = cifar10.two_classes(("automobile", "dog"), samples=6, centred=False, seed=seed, unused=True)
        scale = np.linalg.norm(problem.X) / np.sqrt(problem.X.size)  # 1 by the rule of the scale
        assert scale == pytest.approx(1)
        shapes = [rows / np.linalg.norm(rows, axis=1, keepdims=True)
                  for rows in (problem.X, problem.X_test, everything)]
        train, test = ((rows @ shapes[2].T).argmax(1) for rows in shapes[:2])
        assert len(test) == 24 - 6 == len(set(test) - set(train))
        assert (problem.y_test == np.where(labels[test] == 1, 1, -1)).all()
        orders.append(test)
    both = set(orders[0]) & set(orders[1])
    assert [i for i in orders[0] if i in both] == [i for i in orders[1] if i in both]
    assert sorted(orders[0]) != sorted(orders[1])
    with pytest.raises(InputError, match="unused"):
        cifar10.two_classes(("automobile", "dog"), samples=6, test_samples=4, unused=True)
