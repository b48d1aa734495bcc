"""One more published data set is one record: what is looked for, fetched and told is its own, never another's."""

from __future__ import annotations

import dataclasses
import gzip
import hashlib
from urllib.parse import urlsplit

import pytest

from catapult import paths
from catapult.datasets import DataMissing, fetch, sources, status
from catapult.parameters import InputError

RAW = {"train-images-idx3-ubyte": b"shirts", "t10k-images-idx3-ubyte": b"shoes"}  # names that MNIST's files have too
GZ = {f"{name}.gz": gzip.compress(data) for name, data in RAW.items()}


def checksums(files):
    return {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}


@pytest.fixture
def fashion(monkeypatch):
    record = sources.Published(
        "Fashion-MNIST, clothes", ("FashionMNIST/raw", "."), checksums(RAW), checksums(GZ),
        {name: len(data) for name, data in GZ.items()}, lambda: ["http://127.0.0.1:1/fashion"])
    monkeypatch.setitem(sources.DATA_SETS, "fashion", record)
    return record


def put(folder, files):
    folder.mkdir(parents=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)


@pytest.mark.parametrize("files", [RAW, GZ], ids=["unpacked", "packed"])
def test_its_files_are_found_and_named(fashion, tmp_path, monkeypatch, files):
    put(tmp_path / "data" / "FashionMNIST" / "raw", files)
    monkeypatch.setenv("CATAPULT_DATA", str(tmp_path / "data"))
    place = sources.locate("fashion")
    assert place.folder == tmp_path / "data" / "FashionMNIST" / "raw"
    assert place.in_words == "Fashion-MNIST, clothes, from the folder that the user named"
    lines = "".join(f"{sha}  {name}\n" for name, sha in sorted(fashion.files.items()))
    assert sources.fingerprint("fashion") == f"fashion:sha256:{hashlib.sha256(lines.encode()).hexdigest()}"
    assert sources.in_words(sources.fingerprint("fashion")).startswith("Fashion-MNIST, clothes, from the folder")
    assert [row.state for row in status() if row.data_set == "fashion" and row.used] == ["ok"]


def test_the_files_of_mnist_are_not_taken_for_it(fashion, small_mnist, tmp_path, monkeypatch):
    put(tmp_path / "data" / "MNIST" / "raw", small_mnist["raw"])
    monkeypatch.setenv("CATAPULT_DATA", str(tmp_path / "data"))
    with pytest.raises(DataMissing, match=r"^fashion is not at hand.*catapult data fetch fashion"):
        sources.locate("fashion")
    put(tmp_path / "data" / "FashionMNIST" / "raw", small_mnist["raw"])
    with pytest.raises(InputError, match="is truncated or altered"):
        sources.locate("fashion")


def test_without_a_substitute_it_is_missing(fashion):
    with pytest.raises(DataMissing, match=r"^fashion is not at hand"):
        sources.locate("fashion")
    with pytest.raises(InputError, match="source = 'mlxtend' for 'fashion'"):
        sources.locate("fashion", "mlxtend")


def test_it_is_downloaded_from_its_own_mirrors(fashion, serve, tmp_path, monkeypatch):
    put(tmp_path / "mirror" / "fashion", GZ)
    address = f"http://{urlsplit(serve(tmp_path / 'mirror')).netloc}/fashion"
    monkeypatch.setitem(sources.DATA_SETS, "fashion", dataclasses.replace(fashion, mirrors=lambda: [address]))
    assert fetch("fashion") == paths.downloads() / "FashionMNIST" / "raw"
    assert {path.name: path.read_bytes() for path in (paths.downloads() / "FashionMNIST" / "raw").iterdir()} == RAW
    assert sources.locate("fashion").kind == "earlier download"


def test_pixels_of_cifar10_that_are_gone_are_not_called_digits():
    assert sources.in_words("cifar10:sha256:0") == "CIFAR-10, 50,000 training and 10,000 test photographs"
