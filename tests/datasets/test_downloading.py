import contextlib
import errno
import gzip
import http.server
import io
import itertools
import pickle
import signal
import subprocess
import sys

import pytest

from catapult import cli, locks, paths
from catapult.datasets import checked_files, cifar10, downloading, fetch, mnist, sources
from catapult.datasets.checked_files import Refused
from catapult.datasets.downloading import DownloadFailed
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
    with pytest.raises(DownloadFailed, match=rf"{name} is truncated or altered") as caught:
        fetch("mnist", mirror=serve(mirror))
    assert "\n" not in str(caught.value)
    assert _files(paths.downloads()) == set()


def test_a_damaged_archive_is_never_opened(cifar10_archive, serve, monkeypatch):
    archive = cifar10_archive / "cifar-10-python.tar.gz"
    archive.write_bytes(archive.read_bytes()[:-1])
    monkeypatch.setattr(downloading.tarfile, "open", lambda *_: pytest.fail("opened before the check"))
    with pytest.raises(DownloadFailed, match="truncated or altered"):
        fetch("cifar10", mirror=serve(cifar10_archive))
    assert _files(paths.downloads()) == set()


def test_an_altered_member_of_the_archive_gets_no_name(cifar10_archive, serve, replace_record):
    replace_record("cifar10", files={**sources.DATA_SETS["cifar10"].files, "test_batch": "0" * 64})
    with pytest.raises(DownloadFailed, match=r"test_batch in cifar-10-python\.tar\.gz is truncated or altered"):
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
    with pytest.raises(DownloadFailed, match=r"could not be .*File not found.*127\.0\.0\.1:1/") as caught:
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

    def another_in_between(data, path):
        if not between:
            between.append(path)
            fetch("mnist", mirror=address)
        store(data, path)

    monkeypatch.setattr(downloading.checked_files, "store", another_in_between)
    folder = fetch("mnist", mirror=address)
    assert between
    assert _files(folder) == set(small_mnist["raw"])


@pytest.mark.parametrize("where", ["the download", "what is unpacked"])
def test_full_disk_is_told_as_such_and_no_other_mirror_is_asked(small_mnist, serve, tmp_path, monkeypatch, where):
    address = serve(_mirror(tmp_path, small_mnist["gz"]))
    monkeypatch.setattr(downloading, "_mirrors", lambda data_set: [address, "http://127.0.0.1:1"])

    def full(file, data):
        raise OSError(errno.ENOSPC, "No space left on device")

    def full_in_the_second_half(file, data, write=downloading.checked_files._write_all):
        (write if isinstance(file.name, int) else full)(file, data)  # the number of a file without a name

    monkeypatch.setattr(downloading.checked_files, "_write_all",
                        full if where == "the download" else full_in_the_second_half)
    with pytest.raises(DownloadFailed, match=r"MNIST.raw cannot be written to: No space left on device; name another"):
        fetch("mnist")
    assert _files(paths.downloads()) == set()


def test_a_file_where_the_cache_must_be_is_one_line(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("CATAPULT_CACHE", str(tmp_path / "file"))
    with pytest.raises(DownloadFailed, match=r"cannot be written to.*CATAPULT_CACHE"):
        fetch("mnist", mirror="http://127.0.0.1:1")


KILLED = """
import os, signal, sys
from catapult.datasets import checked_files, downloading
where, folder = sys.argv[1:]
def die(*given, **named):
    os.kill(os.getpid(), signal.SIGKILL)
if where == "receiving":
    with checked_files.nameless(checked_files.Path(folder)) as file:
        file.write(b"half")
        die()
checked_files.os.replace = die
checked_files.store(b"whole", checked_files.Path(folder) / "t10k-labels-idx1-ubyte")
"""


@pytest.mark.slow
@pytest.mark.parametrize("where", ["receiving", "storing"])
def test_what_a_killed_download_left_is_removed_at_the_next(small_mnist, serve, tmp_path, where):
    folder = paths.downloads() / "MNIST" / "raw"
    died = subprocess.run([sys.executable, "-c", KILLED, where, str(folder)], capture_output=True, check=False)
    assert died.returncode == -signal.SIGKILL
    assert len(_files(folder)) == (where == "storing")
    (folder / ".t10k-labels-idx1-ubyte.swp").write_text("mine")
    fetch("mnist", mirror=serve(_mirror(tmp_path, small_mnist["gz"])))
    assert _files(folder) == {*small_mnist["raw"], ".t10k-labels-idx1-ubyte.swp"}


def test_what_another_fetch_is_writing_is_not_removed(small_mnist, serve, tmp_path):
    folder = paths.downloads() / "MNIST" / "raw"
    folder.mkdir(parents=True)
    theirs = folder / ".t10k-labels-idx1-ubyte.1-0123abcd"  # of a process on another machine, say
    with locks.hold(theirs):
        fetch("mnist", mirror=serve(_mirror(tmp_path, small_mnist["gz"])))
        assert theirs.exists()
    fetch("mnist", mirror="http://127.0.0.1:1")
    assert not theirs.exists()


class _Endless(http.server.BaseHTTPRequestHandler):
    """Sends for ever, ``piece`` by ``piece``, until the other side has had enough."""

    piece, sent = b"x" * 100_000, 0

    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        with contextlib.suppress(OSError):
            while True:
                self.wfile.write(self.piece)
                type(self).sent += len(self.piece)

    def log_message(self, *args):
        pass


@pytest.mark.parametrize("length", [None, "1", "-1", "\N{ARABIC-INDIC DIGIT THREE}", "9" * 30, "many"])
def test_no_more_is_read_than_was_published(small_mnist, serve, length):
    class Handler(_Endless):
        def end_headers(self):
            if length is not None:
                self._headers_buffer.append(f"Content-Length: {length}\r\n".encode())
            super().end_headers()

    with pytest.raises(DownloadFailed, match=r"more than the \d+ bytes that were published|truncated|downloaded"):
        fetch("mnist", mirror=serve(Handler))
    assert _files(paths.downloads()) == set()


def test_of_an_endless_answer_one_byte_too_many_is_read(tmp_path):
    class Counted(io.RawIOBase):
        read_so_far = 0

        def read(self, count):
            type(self).read_so_far += count
            return b"x" * count

    with checked_files.nameless(tmp_path) as file, pytest.raises(Refused, match="more than the 3000000 bytes"):
        checked_files.receive(Counted(), file, tmp_path, "0" * 64, 3_000_000, "somewhere")
    assert Counted.read_so_far == 3_000_001


def _ticking(seconds):
    """Return a clock that goes on by so many seconds each time it is read."""
    ticks = itertools.count()
    return lambda: seconds * next(ticks)


class _Dripping(_Endless):
    piece = b"x"


class _DrippingHeader(_Endless):
    def do_GET(self):
        with contextlib.suppress(OSError):
            self.wfile.write(b"HTTP/1.1 200 OK\r\nX: ")
            while True:
                self.wfile.write(b"x")
                self.wfile.flush()


@pytest.mark.parametrize("handler", [_Dripping, _DrippingHeader])
def test_a_server_that_drips_is_given_up(small_mnist, serve, monkeypatch, replace_record, handler):
    web = downloading._web
    monkeypatch.setattr(downloading, "_web", lambda clock, most: web(_ticking(downloading.WINDOW / 2), most))
    monkeypatch.setattr(downloading, "SLOWEST", 1_000_000)  # however much of the drips one reading takes
    replace_record("mnist", sizes=dict.fromkeys(sources.DATA_SETS["mnist"].sizes, 10**9))
    with pytest.raises(DownloadFailed, match="slower than 1000 kB a second"):
        fetch("mnist", mirror=serve(handler))
    assert _files(paths.downloads()) == set()


@pytest.mark.parametrize(("sent", "told"), [(downloading.SLOWEST - 1, True), (downloading.SLOWEST, False)])
def test_the_floor_is_an_average_over_the_window(sent, told):
    pieces = [b"x" * sent] * 2 * downloading.WINDOW
    stream = downloading._Steady(_Pieces(pieces), _ticking(1), 10**9)
    with pytest.raises(TimeoutError) if told else contextlib.nullcontext():
        while stream.read(10**6):
            pass
    assert bool(stream.raw.pieces) == told


class _Pieces(io.RawIOBase):
    def __init__(self, pieces):
        self.pieces = list(pieces)

    def readable(self):
        return True

    def readinto(self, buffer):
        piece = self.pieces.pop() if self.pieces else b""
        buffer[:len(piece)] = piece
        return len(piece)


@pytest.mark.parametrize("target", ["ftp://127.0.0.1/", "file:///etc/passwd", "data:,x", "gopher://127.0.0.1/"])
def test_nobody_is_followed_off_the_web(small_mnist, serve, target):
    class Handler(_Endless):
        def do_GET(self):
            self.send_response(302)
            self.send_header("Location", target)
            self.end_headers()

    with pytest.raises(DownloadFailed, match=r"unknown url type|is not allowed"):
        fetch("mnist", mirror=serve(Handler))
    with pytest.raises(OSError, match="unknown url type"):
        downloading._web(_ticking(0), 10**9).open(target)


@pytest.mark.slow
@pytest.mark.parametrize(("begin", "piece"), [
    (b"", b"HTTP/1.1 100 Continue\r\nX: y\r\n\r\n"),
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", b"X: trailer\r\n"),
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"00001;" + b"x" * 10_000 + b"\r\nx\r\n")],
    ids=["continue", "trailers", "long chunk lines"])
def test_what_is_around_a_file_has_an_end_too(small_mnist, serve, monkeypatch, begin, piece):
    class Handler(_Endless):
        def do_GET(self):
            with contextlib.suppress(OSError):
                self.wfile.write(begin)
                for _ in range(3_000_000 // len(piece)):  # else a failing test would never end
                    self.wfile.write(piece)

    with pytest.raises(DownloadFailed, match="goes on beyond what the file and its header can need"):
        fetch("mnist", mirror=serve(Handler))
    assert _files(paths.downloads()) == set()


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_what_stands_below_a_redirect_is_not_read(small_mnist, serve, tmp_path, code):
    target = serve(_mirror(tmp_path, small_mnist["gz"]))

    class Handler(_Endless):
        sent = 0

        def do_GET(self):
            self.send_response(code)
            self.send_header("Location", target + self.path)
            self.end_headers()
            with contextlib.suppress(OSError):
                for _ in range(300):
                    self.wfile.write(self.piece)
                    type(self).sent += len(self.piece)

    assert _files(fetch("mnist", mirror=serve(Handler))) == set(small_mnist["raw"])
    assert Handler.sent < 4 * 300 * len(Handler.piece)


@pytest.mark.parametrize("answer", [
    b"HTTP/1.1 404 \x1b[31mred\x07 " + b"long " * 500 + b"\r\n\r\n", b"\x1b]0;title\x07\r\n\r\n",
    b"HTTP/1.1 302 Found\r\nLocation: file:///\x1b[2J\r\n\r\n", b"HTTP/1.1 200 OK\r\nX\x1b[1m\r\n\r\n",
    b"HTTP/1.1 302 Found\r\nLocation: http://\x1b[2J\xe2\x80\xae/\r\n\r\n"])
def test_nothing_that_a_server_sends_commands_the_terminal(small_mnist, serve, answer):
    class Handler(_Endless):
        def do_GET(self):
            self.wfile.write(answer)

    with pytest.raises(DownloadFailed) as caught:
        fetch("mnist", mirror=serve(Handler))
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize(("arguments", "status", "told"), [
    (["mnist", "--mirror", "http://127.0.0.1:1"], 1, "could not be downloaded"),
    (["cifar10", "--mirror", "http://127.0.0.1:1"], 1, "could not be downloaded"),
    (["cifar"], 2, "did you mean 'cifar10'"), (["mnist", "--mirror", "ftp://127.0.0.1"], 2, "http:// or https://"),
    (["mnist", "--mirror", "http://127.0.0.1/\x1b[31m"], 2, "http:// or https://")])
def test_what_failed_is_status_one_and_what_was_wrong_status_two(monkeypatch, capfd, arguments, status, told):
    monkeypatch.setattr(sys, "argv", ["catapult", "data", "fetch", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    output, complaint = capfd.readouterr()
    assert (ended.value.code, output, complaint.count("\n")) == (status, "", 1)
    assert complaint.startswith("catapult: ")
    assert told in complaint
    assert complaint.rstrip("\n").isprintable()


def test_an_endless_address_is_cut_in_messages(small_mnist, serve, tmp_path, monkeypatch, capfd):
    (tmp_path / "empty").mkdir()
    for address in (f"{serve(tmp_path / 'empty')}/{'x' * 9_000}", "ftp://" + "x " * 4_500):
        monkeypatch.setattr(sys, "argv", ["catapult", "data", "fetch", "mnist", "--mirror", address])
        with pytest.raises(SystemExit):
            cli.main()
        assert len(capfd.readouterr().err) < 600


def test_a_path_is_cut_in_messages(tmp_path):
    path = tmp_path.joinpath(*["a a " * 50] * 10)
    with pytest.raises(InputError, match="is missing") as caught:
        checked_files.require(path, "0" * 64)
    assert len(str(caught.value)) < 300


def test_what_failed_stands_on_a_line_of_its_own(small_mnist, serve, tmp_path, monkeypatch, capfd):
    name = "train-images-idx3-ubyte.gz"
    mirror = _mirror(tmp_path, {**small_mnist["gz"], name: small_mnist["gz"][name][:-9]})
    monkeypatch.setattr(sys, "argv", ["catapult", "data", "fetch", "mnist", "--mirror", serve(mirror)])
    with pytest.raises(SystemExit):
        cli.main()
    lines = capfd.readouterr().err.split("\n")
    assert f"\r{name}: " in lines[-3]
    assert lines[-2].startswith("catapult: ")
    assert lines[-1] == ""


def test_sizes_are_known_of_all_that_is_downloaded():
    for record in sources.DATA_SETS.values():
        assert set(record.sizes) == set(record.packed)


def test_wrong_names_and_addresses_are_refused():
    with pytest.raises(InputError, match="did you mean 'cifar10'"):
        fetch("cifar")
    for address in ("file:///etc", "http://[", "https:", "http://127.0.0.1:abc", "http://127.0.0.1:-1",
                    "http://127.0.0.1:99999", "http://127.0.0.1:0", "http://:80/", "http://bücher.example",
                    "http://127.0.0.1/#f", "http://127.0.0.1/#", "http://127.0.0.1/a b", "http://me@127.0.0.1/",
                    "http://a..b/", f"http://{'a' * 64}/"):
        with pytest.raises(InputError, match="http:// or https://"):
            fetch("mnist", mirror=address)


def test_the_published_cifar10_tables_name_what_torchvision_reads():
    published = sources.import_torchvision().datasets.CIFAR10
    names = {name for name, _ in [*published.train_list, *published.test_list]} | {published.meta["filename"]}
    assert names == set(sources.CIFAR10)
    assert {published.filename} == set(sources.CIFAR10_ARCHIVE)


def test_pickles_of_an_archive_are_not_loaded_while_it_is_unpacked(cifar10_archive, serve, monkeypatch):
    monkeypatch.setattr(pickle, "load", lambda *_, **__: pytest.fail("unpickled"))
    fetch("cifar10", mirror=serve(cifar10_archive))
