"""Small stand-ins for the published files, with the tables of checksums replaced to match them."""

import contextlib
import dataclasses
import functools
import gzip
import hashlib
import http.server
import os
import pickle
import struct
import tarfile
import threading
from pathlib import Path

import numpy as np
import pytest

from catapult.datasets import cifar10, mnist, sources

NAMED_OUTSIDE = os.environ.get("CATAPULT_DATA")


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def replace_record(monkeypatch):
    """Return a function that replaces fields of the record of a data set."""
    return lambda data_set, **fields: monkeypatch.setitem(
        sources.DATA_SETS, data_set, dataclasses.replace(sources.DATA_SETS[data_set], **fields))


@pytest.fixture(autouse=True)
def _isolated(monkeypatch, tmp_path):
    """No test sees the user's data or cache, or goes through a proxy."""
    monkeypatch.delenv("CATAPULT_DATA", raising=False)
    monkeypatch.setenv("CATAPULT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    mnist._read.cache_clear()
    cifar10._read.cache_clear()


@pytest.fixture
def real_data(monkeypatch):
    """Call with a path inside the user's data folder: name that folder, or skip if it does not hold it."""
    def name(inside):
        if not NAMED_OUTSIDE or not (Path(NAMED_OUTSIDE) / inside).exists():
            pytest.skip(f"needs a data folder with {inside} in CATAPULT_DATA")
        monkeypatch.setenv("CATAPULT_DATA", NAMED_OUTSIDE)
    return name


@pytest.fixture
def listing():
    """Return a function that maps every file under a folder to the sha256 of its contents."""
    return lambda folder: {str(path.relative_to(folder)): _sha256(path.read_bytes())
                           for path in sorted(folder.rglob("*")) if path.is_file()}


def _idx(array: np.ndarray) -> bytes:
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()


@pytest.fixture
def small_mnist(replace_record):
    """Contents by name of four unpacked files: 60 training and 30 test images, all digits in turn."""
    rng = np.random.default_rng(0)
    raw = {}
    for part, n in (("train", 60), ("t10k", 30)):
        raw[f"{part}-images-idx3-ubyte"] = _idx(rng.integers(0, 256, (n, 28, 28), dtype=np.uint8))
        raw[f"{part}-labels-idx1-ubyte"] = _idx((np.arange(n) % 10).astype(np.uint8))
    packed = {f"{name}.gz": gzip.compress(data) for name, data in raw.items()}
    replace_record("mnist", files={name: _sha256(data) for name, data in raw.items()},
                   packed={name: _sha256(data) for name, data in packed.items()},
                   sizes={name: len(data) for name, data in packed.items()})
    return {"raw": raw, "gz": packed}


def _batch(data: np.ndarray, labels: list[int]) -> bytes:
    """A batch as Python 2 and the numpy of its time pickled the published ones."""
    shape = b"".join(b"M" + struct.pack("<H", length) for length in data.shape)
    array = (b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\0\x85U\x01b\x87R(K\x01" + shape +
             b"\x86cnumpy\ndtype\nU\x02u1K\0K\x01\x87R(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb\x89"
             b"T" + struct.pack("<I", data.nbytes) + data.tobytes() + b"tb")
    numbers = b"".join(b"K" + bytes([label]) for label in labels)
    return b"\x80\x02}(U\x04data" + array + b"U\x06labels](" + numbers + b"eu."


@pytest.fixture
def small_cifar10(replace_record, monkeypatch):
    """Contents by name of seven pickled files, 20 images a batch, that torchvision accepts, too."""
    from catapult.datasets.torchvision_import import import_torchvision

    rng = np.random.default_rng(0)
    files = {"batches.meta": pickle.dumps({"label_names": list(cifar10.CLASSES)})}
    for name in [f"data_batch_{i}" for i in range(1, 6)] + ["test_batch"]:
        data = rng.integers(0, 256, (20, 3072), dtype=np.uint8)
        files[name] = _batch(data, [i % 10 for i in range(20)])
    replace_record("cifar10", files={name: _sha256(data) for name, data in files.items()})
    md5 = {name: hashlib.md5(data).hexdigest() for name, data in files.items()}
    published = import_torchvision().datasets.CIFAR10
    train = [f"data_batch_{i}" for i in range(1, 6)]
    monkeypatch.setattr(published, "train_list", [[name, md5[name]] for name in train])
    monkeypatch.setattr(published, "test_list", [["test_batch", md5["test_batch"]]])
    monkeypatch.setattr(published, "meta", {**published.meta, "md5": md5["batches.meta"]})
    return files


@pytest.fixture
def named(monkeypatch, tmp_path):
    """Return a function that writes files under a folder inside the data folder, which it names."""
    root = tmp_path / "named"
    root.mkdir()
    monkeypatch.setenv("CATAPULT_DATA", str(root))

    def write(inside, files):
        folder = root / inside
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in files.items():
            (folder / name).write_bytes(data)
        return folder
    return write


@pytest.fixture
def cifar10_archive(small_cifar10, replace_record, tmp_path):
    """A folder with the archive of ``small_cifar10``, which also holds members that nobody asked for."""
    folder = tmp_path / "mirror"
    folder.mkdir()
    archive = folder / "cifar-10-python.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        for name, data in {**small_cifar10, "readme.html": b"x", "../../evil": b"x"}.items():
            member = tmp_path / "member"
            member.write_bytes(data)
            tar.add(member, f"cifar-10-batches-py/{name}")
    replace_record("cifar10", packed={archive.name: _sha256(archive.read_bytes())},
                   sizes={archive.name: archive.stat().st_size})
    return folder


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


@pytest.fixture
def serve():
    """Return a function that serves a folder, or with a handler, on loopback and returns its address."""
    with contextlib.ExitStack() as stack:
        def start(what):
            handler = what if isinstance(what, type) else functools.partial(_Quiet, directory=str(what))
            server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
            thread.start()
            stack.callback(server.server_close)
            stack.callback(thread.join)
            stack.callback(server.shutdown)
            return f"http://127.0.0.1:{server.server_port}"
        yield start
