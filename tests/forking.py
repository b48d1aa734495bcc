"""A process that has loaded the heavy libraries, and forks one child for each command of a copy of the library.

It is started as a script, with the copy's folder, and does not know the library it stands beside. Each line that it
reads is a command's arguments in JSON; it answers with a line: the child's exit status. What the child printed is in
the copy's folder, in ``out`` and ``err``.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import sys
import traceback

import flint  # noqa: F401
import numba  # noqa: F401
import pandas  # noqa: F401
import pydantic  # noqa: F401
import scipy.optimize
import scipy.special  # noqa: F401
import torch  # noqa: F401
import typer.testing  # noqa: F401
import xarray  # noqa: F401
import yaml  # noqa: F401

LONGEST = 600  # seconds that a child may take, on a busy machine too


def obey(root: str, arguments: list[str]) -> int:
    """Be the command ``catapult`` of the copy at ``root``; return its exit status."""
    signal.alarm(LONGEST)
    for stream, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(f"{root}/{name}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC), stream)
    os.environ.update(PYTHONPATH=f"{root}/lib", CATAPULT_CACHE=f"{root}/.cache")
    sys.path.insert(0, f"{root}/lib")
    sys.dont_write_bytecode = True
    sys.argv = ["catapult", *arguments]
    from catapult import cli, paths

    print(paths.ROOT, file=sys.stderr, flush=True)
    try:
        cli.main()
    except SystemExit as end:
        return end.code


if __name__ == "__main__":
    gc.freeze()  # a child shall not touch, and copy, what is loaded here
    for line in sys.stdin:
        assert not any(name.partition(".")[0] == "catapult" for name in sys.modules)
        process = os.fork()
        if not process:
            status = 70
            try:
                status = obey(sys.argv[1], json.loads(line))
            except BaseException:
                traceback.print_exc()
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(status)  # at once: to take the libraries down takes longer than the command
        print(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), flush=True)
