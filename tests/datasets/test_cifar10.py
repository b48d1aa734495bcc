import hashlib
import pickle

import numpy as np
import pytest

from catapult.datasets import DataMissing, cifar10
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
    row = pickle.loads(small_cifar10["data_batch_2"])["data"][0]
    assert np.array_equal(images.train[20], row.reshape(3, 32, 32).transpose(1, 2, 0))


def test_two_classes_are_labelled_by_name(small_cifar10, named):
    named("cifar-10-batches-py", small_cifar10)
    problem = cifar10.two_classes(("automobile", "dog"), samples=20, features="blocks")
    assert problem.X.shape == (20, 192)
    assert problem.y.sum() == 0
    assert problem.name.startswith("automobile against dog")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_no_pickle_runs_before_its_checksum_was_right(small_cifar10, named, tmp_path, monkeypatch):
    trace = tmp_path / "trace"
    evil = pickle.dumps(_Payload(trace))
    pickle.loads(evil)
    assert trace.exists()  # the payload works
    trace.unlink()
    named("cifar-10-batches-py", {**small_cifar10, "data_batch_1": evil})
    published = import_torchvision().datasets.CIFAR10
    accepted = [[name, hashlib.md5(evil).hexdigest() if name == "data_batch_1" else md5]
                for name, md5 in published.train_list]
    monkeypatch.setattr(published, "train_list", accepted)  # torchvision would load it
    with pytest.raises(InputError, match="data_batch_1 is truncated or altered"):
        cifar10.two_classes(samples=4)
    assert not trace.exists()


def test_without_the_files_nothing_else_is_called_cifar10():
    with pytest.raises(DataMissing, match="catapult data fetch cifar10"):
        cifar10.two_classes()


@pytest.mark.parametrize(("classes", "message"), [
    (("cat", "dgo"), "did you mean 'dog'"), (("cat", "cat"), "two different"), (("cat",), "two different")])
def test_wrong_classes_are_refused(classes, message):
    with pytest.raises(InputError, match=message):
        cifar10.two_classes(classes)


def test_the_cifar10_of_the_users_folder_is_the_published_one(real_data):
    real_data("cifar-10-batches-py")
    images = cifar10.images()
    assert images.train.shape == (50000, 32, 32, 3)
    assert np.bincount(images.train_labels).tolist() == [5000] * 10
    assert np.bincount(images.test_labels).tolist() == [1000] * 10
    assert images.train_labels[:5].tolist() == [6, 9, 9, 4, 1]  # frog, truck, truck, deer, automobile
    cifar10._read.cache_clear()
