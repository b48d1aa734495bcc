"""The archive: source, recorded results and book in one file, with checksums, ready for a repository that gives a DOI.

``source/`` is what git tracks at the commit, ``book/`` the pages; ``SHA256SUMS`` lists both (``sha256sum -c`` checks
it), ``ARCHIVE.json`` says version, commit and versions of the libraries. The same commit and book give the same bytes.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import zipfile
from pathlib import Path

from catapult import paths
from catapult.companion import book
from catapult.runs import keys

EPOCH = (1980, 1, 1, 0, 0, 0)
"""The time of every file in it: the earliest that a zip knows."""


def archive() -> Path:
    """Write the archive of the last commit and of the book, which is built if it is stale; return the file.

    Raises
    ------
    BuildFailed
        If this is no git checkout, or something in it is not committed: an archive is of a commit.
    """
    top = _git("rev-parse", "--show-toplevel").decode().strip()
    if not paths.ROOT.samefile(top):
        raise book.BuildFailed(f"{paths.ROOT} is no checkout of its own, but lies in {top}; an archive is of a commit")
    commit = _git("rev-parse", "HEAD").decode().strip()
    if changed := _git("status", "--porcelain").decode().split("\n")[0].strip():
        raise book.BuildFailed(f"something is not committed (first: {changed}); an archive is of a commit")
    pages, _ = book.site()
    version = keys.versions()["catapult-companion"]
    about = {"version": version, "commit": commit, "libraries": keys.versions()}
    files = {f"source/{name}": (paths.ROOT / name).read_bytes()
             for name in _git("ls-files", "-z").decode().split("\0") if name}
    files |= {f"book/{path.relative_to(pages).as_posix()}": path.read_bytes()
              for path in pages.rglob("*") if path.is_file()}
    files["ARCHIVE.json"] = json.dumps(about, indent=1).encode() + b"\n"
    target = paths.BUILD / f"catapult-companion-{version}-archive.zip"
    write(target, files)
    return target


def write(target: Path, files: dict[str, bytes]) -> None:
    """Write a zip of these files and of their checksums; never half of one under the name."""
    sums = "".join(f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in sorted(files.items()))
    temporary = target.with_suffix(".part")
    with zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, data in sorted({**files, "SHA256SUMS": sums.encode()}.items()):
            packed.writestr(zipfile.ZipInfo(f"{target.stem}/{name}", EPOCH), data, zipfile.ZIP_DEFLATED)
    temporary.replace(target)


def _git(*command: str) -> bytes:
    try:
        done = subprocess.run(["git", "-C", str(paths.ROOT), *command], capture_output=True, check=False)
    except OSError as error:
        raise book.BuildFailed(f"git does not start ({error.strerror}); an archive is of a commit") from None
    if done.returncode:
        raise book.BuildFailed(f"git says: {done.stderr.decode().strip()[:200]}; an archive is of a commit")
    return done.stdout


def main() -> int:
    """``python -m catapult.companion.archive``; exit status 1 if there is nothing to archive."""
    return book.report("the archive", archive)


if __name__ == "__main__":
    sys.exit(main())
