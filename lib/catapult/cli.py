"""The entry of the ``catapult`` command: one line and an exit status for whatever goes wrong.

Exit status: 0 done; 1 something failed; 2 the input was wrong; 130 interrupted. The commands are in
:mod:`catapult.commands`; this module is small, so that Ctrl-C while they load finds it ready.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import sys

from catapult import THREADS

INTERRUPTED = "interrupted; what was finished is kept"
TRACEBACK = "CATAPULT_TRACEBACK"
"""The environment variable that asks for the traceback of an error that nobody expected."""


def main() -> None:
    """Run the command; turn everything that can go wrong into one line and an exit status."""
    if sys.stdout is None or sys.stderr is None:  # closed before we began: nothing may be opened in its place
        name = "output" if sys.stdout is None else "error"
        with contextlib.suppress(OSError):
            print(f"catapult: standard {name} is closed; allowed: one that can be written, such as /dev/null",
                  file=sys.stdout or sys.stderr, flush=True)
        sys.exit(1)
    before = sys.stdout, sys.stderr, signal.getsignal(signal.SIGINT), sys.unraisablehook
    sys.stdout, sys.stderr = _Output(sys.stdout), _Errors(sys.stderr)
    try:
        status = _ended()
        sys.stderr.flush()
        if sys.stderr.failed and not sys.stderr.reader_gone():
            sys.stderr.give_up()
            print(f"catapult: standard error cannot be written: {sys.stderr.failed.strerror}", flush=True)
            status = status or 1
    except OutputFailed:
        status = 1
    finally:
        sys.stdout, sys.stderr, interrupt, sys.unraisablehook = before
        if signal.getsignal(signal.SIGINT) is not interrupt:
            signal.signal(signal.SIGINT, interrupt)
    sys.exit(status)


def _ended() -> int:
    """Run the command to its end, whatever that is; return the exit status."""
    interrupted = False

    def interrupt(*given):
        nonlocal interrupted
        interrupted = True
        sys.unraisablehook = lambda _: None  # an interruption in a place where it can't be raised
        signal.default_int_handler(*given)

    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, interrupt)
    try:
        os.getcwd()
    except OSError:
        return complain("the folder that this was started in is gone; allowed: a folder that is there", 2)
    for name in THREADS:
        os.environ.setdefault(name, "1")
    try:
        from catapult import commands

        status = commands.obey(sys.argv[1:] or ["--help"])
        sys.stdout.flush()
        return complain(INTERRUPTED, 130) if status == 130 else status
    except OutputFailed as error:
        gone = sys.stdout.reader_gone()
        sys.stdout.give_up()
        return 0 if gone else complain(f"standard output cannot be written: {error}", 1)
    except BaseException as error:
        if interrupted or isinstance(error, KeyboardInterrupt):
            return complain(INTERRUPTED, 130)
        if isinstance(error, SystemExit):  # what typer makes of a pipe that broke
            readers = [stream for stream in (sys.stdout, sys.stderr) if stream.reader_gone()]
            for stream in readers:
                stream.give_up()
            return 0 if readers else complain("a pipe broke", 1)
        if not isinstance(error, Exception):
            raise
        return _unexpected(error)


def complain(message: object, status: int) -> int:
    """Print a message as one line of standard error; return the exit status."""
    try:
        from catapult.parameters import one_line
    except Exception:
        def one_line(message):
            return " ".join(str(message).split())
    print(f"catapult: {one_line(message)}", file=sys.stderr)
    return status


def _unexpected(error: Exception) -> int:
    """Tell in one line of an error that nothing was prepared for."""
    if os.environ.get(TRACEBACK):
        raise error
    if isinstance(error, OSError) and error.strerror:
        place = f"{error.filename}: " if error.filename else ""
        return complain(f"{place}{error.strerror}", 1)
    trace = error.__traceback__
    while trace.tb_next:
        trace = trace.tb_next
    place = re.split(r"[\\/]", trace.tb_frame.f_code.co_filename)[-1]
    return complain(f"unexpected {type(error).__name__} ({place}, line {trace.tb_lineno}): {error}; this is a fault of "
                    f"the library, please report it ({TRACEBACK}=1 shows more)", 1)


class OutputFailed(Exception):
    """Standard output can't be written. No OSError: a pipe to a worker may break, too, and a disk be full."""


class _Stream:
    """A standard stream that remembers the error with which writing to it failed."""

    def __init__(self, stream):
        self._stream = stream
        self.failed: OSError | None = None
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace" if stream is sys.stdout else "backslashreplace")

    def __getattr__(self, name):
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        return self._try(lambda: self._stream.write(text)) or 0

    def flush(self) -> None:
        self._try(self._stream.flush)

    def _try(self, what):
        try:
            return what()
        except OSError as error:
            self.failed = error
            self._broken(error)

    def _broken(self, error: OSError) -> None:
        """Do what is to be done when writing failed."""

    def reader_gone(self) -> bool:
        """Whether this is a pipe that nobody reads any more, as after ``| head -1``."""
        import select

        try:
            poll = select.poll()
            poll.register(self._stream.fileno(), 0)
            return any(what & select.POLLERR for _, what in poll.poll(0))
        except (OSError, ValueError, AttributeError):  # no file behind it, or no poll on this system
            return isinstance(self.failed, BrokenPipeError)

    def give_up(self) -> None:
        """Let what was not written, and all that follows, go nowhere: Python would try, and complain, at its end."""
        with contextlib.suppress(OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)


class _Output(_Stream):
    """Standard output: what can't be written stops the command."""

    def _broken(self, error: OSError) -> None:
        raise OutputFailed(error.strerror) from None


class _Errors(_Stream):
    """Standard error: no work is lost because a message or a bar of progress can't be written."""


if __name__ == "__main__":
    main()
