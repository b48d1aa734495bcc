"""Workers: one that grows too large is replaced, and what was given to it is done."""

from __future__ import annotations

import subprocess
import sys

import pytest

SCRIPT = """
import os, sys, time
from catapult.runs import workers

class Task:
    # From the second of a worker on it keeps 400 MB, for which the worker is replaced.

    def __init__(self, key):
        self.key = key

    def finished(self, folder):
        return False

    def compute(self):
        kept = sys.__dict__.setdefault("kept", [])  # of this process
        if kept:
            time.sleep(1.1)  # joblib looks at the memory once a second
        kept.append(b"x" * (4 * 10**8 if kept else 1))
        return {"process": str(os.getpid())}

if __name__ == "__main__":
    processes = []
    workers.finish([Task(str(i)) for i in range(6)], None, lambda task, files: processes.append(files["process"]),
                   jobs=2)
    print(len(processes), len(set(processes)) > 2)
"""


@pytest.mark.slow
def test_a_worker_that_grows_is_replaced_where_warnings_are_errors(tmp_path):
    """The warning of it, as an error, once ended the thread that collects results: who asked waited for ever."""
    script = tmp_path / "grows.py"
    script.write_text(SCRIPT, encoding="utf-8")
    ended = subprocess.run([sys.executable, "-W", "error::UserWarning", script], capture_output=True, text=True,
                           timeout=100, check=False)
    assert (ended.stdout.split(), ended.returncode) == (["6", "True"], 0), ended.stderr
