import errno
import gzip
import io
import pickle
from pathlib import Path

import pytest

from catapult import paths
from catapult.datasets import cifar10, downloading, fetch, mnist, sources
from catapult.parameters import InputError


def _mirror(tmp_path, files):
    folder = tmp_path / "mirror"
    folder.mkdir(exist_ok=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return folder


def _files(folder):
    return {path.name for path in folder.rglob("*") if path.is_file()}


def test_mnist_is_downloaded_checked_unpacked_and_read(small_mnist, serve, tmp_path):
    seen = []
    folder = fetch("mnist", mirror=serve(_mirror(tmp_path, small_mnist["gz"])),
                   progress=lambda *numbers: seen.append(numbers))
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == small_mnist["raw"]
    assert {(name, len(data), len(data)) for name, data in small_mnist["gz"].items()} <= set(seen)
    assert sources.locate("mnist").kind == "earlier download"
    assert len(mnist.images().train) == 60


def test_cifar10_is_downloaded_checked_unpacked_and_read(small_cifar10, cifar10_archive, serve, tmp_path):
    folder = fetch("cifar10", mirror=serve(cifar10_archive))
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == small_cifar10
    assert _files(paths.downloads()) == set(small_cifar10)  # no archive, and only the expected members
    assert not list(tmp_path.rglob("evil"))
    assert len(cifar10.images().train) == 100


def test_what_is_there_is_not_downloaded_again(small_mnist, serve, tmp_path):
    address = serve(_mirror(tmp_path, small_mnist["gz"]))
    fetch("mnist", mirror=address)
    fetch("mnist", mirror=address, progress=lambda *_: pytest.fail("downloaded again"))


def test_only_a_damaged_file_is_downloaded_again(small_mnist, serve, tmp_path):
    address = serve(_mirror(tmp_path, small_mnist["gz"]))
    damaged = fetch("mnist", mirror=address) / "t10k-labels-idx1-ubyte"
    damaged.write_bytes(b"half")
    seen = set()
    fetch("mnist", mirror=address, progress=lambda name, *_: seen.add(name))
    assert seen == {"t10k-labels-idx1-ubyte.gz"}
    assert damaged.read_bytes() == small_mnist["raw"][damaged.name]


@pytest.mark.parametrize("damage", [lambda data: data[:-9], lambda data: gzip.compress(b"another file")],
                         ids=["truncated", "altered"])
def test_a_damaged_download_is_refused_and_leaves_nothing_behind(small_mnist, serve, tmp_path, damage):
    name = "train-images-idx3-ubyte.gz"
    mirror = _mirror(tmp_path, {**small_mnist["gz"], name: damage(small_mnist["gz"][name])})
    with pytest.raises(InputError, match=rf"{name} is truncated or altered") as caught:
        fetch("mnist", mirror=serve(mirror))
    assert "\n" not in str(caught.value)
    assert _files(paths.downloads()) == set()


def test_a_damaged_archive_is_never_opened(cifar10_archive, serve, monkeypatch):
    archive = cifar10_archive / "cifar-10-python.tar.gz"
    archive.write_bytes(archive.read_bytes()[:-1])
    monkeypatch.setattr(downloading.tarfile, "open", lambda *_: pytest.fail("opened before the check"))
    with pytest.raises(InputError, match="truncated or altered"):
        fetch("cifar10", mirror=serve(cifar10_archive))
    assert _files(paths.downloads()) == set()


def test_an_altered_member_of_the_archive_gets_no_name(cifar10_archive, serve, monkeypatch):
    monkeypatch.setattr(sources, "CIFAR10", {**sources.CIFAR10, "test_batch": "0" * 64})
    with pytest.raises(InputError, match=r"test_batch in cifar-10-python\.tar\.gz is truncated or altered"):
        fetch("cifar10", mirror=serve(cifar10_archive))
    assert "test_batch" not in _files(paths.downloads())
    assert "cifar-10-python.tar.gz" not in _files(paths.downloads())


def test_the_second_mirror_is_asked_when_the_first_fails(small_mnist, serve, tmp_path, monkeypatch):
    empty = tmp_path / "empty"
    empty.mkdir()
    mirrors = [serve(empty), serve(_mirror(tmp_path, small_mnist["gz"])) + "/"]
    monkeypatch.setattr(downloading, "_mirrors", lambda data_set: mirrors)
    assert _files(fetch("mnist")) == set(small_mnist["raw"])


def test_when_no_mirror_answers_one_line_gives_every_reason(small_mnist, serve, tmp_path, monkeypatch):
    empty = tmp_path / "empty"
    empty.mkdir()
    monkeypatch.setattr(downloading, "_mirrors", lambda data_set: [serve(empty), "http://127.0.0.1:1"])
    with pytest.raises(InputError, match=r"could not be .*File not found.*127\.0\.0\.1:1/") as caught:
        fetch("mnist")
    assert "\n" not in str(caught.value)


def test_the_mirrors_are_torchvisions():
    assert all(address.startswith("http") for address in downloading._mirrors("mnist"))
    assert downloading._mirrors("cifar10") == ["https://www.cs.toronto.edu/~kriz"]


def test_an_interrupted_download_leaves_no_half_file(small_mnist, serve, tmp_path):
    def interrupt(*_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch("mnist", mirror=serve(_mirror(tmp_path, small_mnist["gz"])), progress=interrupt)
    assert _files(paths.downloads()) == set()


def test_two_fetches_at_once_do_no_harm(small_mnist, serve, tmp_path, monkeypatch):
    address = serve(_mirror(tmp_path, small_mnist["gz"]))
    store, between = downloading.checked_files.store, []

    def another_in_between(stream, path, *rest, **named):
        if "unpacked" in named["origin"] and not between:
            between.append(path)
            fetch("mnist", mirror=address)
        store(stream, path, *rest, **named)

    monkeypatch.setattr(downloading.checked_files, "store", another_in_between)
    folder = fetch("mnist", mirror=address)
    assert between
    assert _files(folder) == set(small_mnist["raw"])


def test_full_disk_is_told_as_such_and_no_other_mirror_is_asked(small_mnist, serve, tmp_path, monkeypatch):
    address = serve(_mirror(tmp_path, small_mnist["gz"]))
    monkeypatch.setattr(downloading, "_mirrors", lambda data_set: [address, "http://127.0.0.1:1"])
    open_file = Path.open

    class Full(io.FileIO):
        def write(self, data):
            if self.tell():
                raise OSError(errno.ENOSPC, "No space left on device")
            return super().write(data[:5])

    monkeypatch.setattr(Path, "open", lambda path, mode="r", **options: (
        Full(path, mode) if "x" in mode else open_file(path, mode, **options)))
    with pytest.raises(InputError, match=r"MNIST.raw cannot be written to: No space left on device; name another"):
        fetch("mnist")
    assert _files(paths.downloads()) == set()


def test_wrong_names_and_addresses_are_refused():
    with pytest.raises(InputError, match="did you mean 'cifar10'"):
        fetch("cifar")
    for address in ("file:///etc", "http://[", "https:"):
        with pytest.raises(InputError, match="http:// or https://"):
            fetch("mnist", mirror=address)


def test_the_published_cifar10_tables_name_what_torchvision_reads():
    published = downloading.import_torchvision().datasets.CIFAR10
    names = {name for name, _ in [*published.train_list, *published.test_list]} | {published.meta["filename"]}
    assert names == set(sources.CIFAR10)
    assert {published.filename} == set(sources.CIFAR10_ARCHIVE)


def test_pickles_of_an_archive_are_not_loaded_while_it_is_unpacked(cifar10_archive, serve, monkeypatch):
    monkeypatch.setattr(pickle, "load", lambda *_, **__: pytest.fail("unpickled"))
    fetch("cifar10", mirror=serve(cifar10_archive))
