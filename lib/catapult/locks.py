"""Files that one process at a time holds: the system takes them back when it ends, however it ends.

No process id is kept and nothing is ever stale: a file that is there and that nobody holds can be taken.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import BinaryIO


def hold(path: Path) -> BinaryIO | None:
    """Open a file for writing, made if need be, and hold it until it is closed; None if it is held already.

    Whoever removes the file does so while holding it. On a file system without locks it counts as free.

    Raises
    ------
    OSError
        If the file can't be opened.
    """
    while True:
        file = path.open("ab", buffering=0)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return None
        except OSError:
            return file
        if _is_still(path, file):
            return file
        file.close()  # who held it has removed it: the name stands for another file now, or for none


def _is_still(path: Path, file: BinaryIO) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False
