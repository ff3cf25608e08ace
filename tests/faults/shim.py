"""``python -P -m tests.faults.shim -P -m MODULE ARGUMENTS``: one of our programs, with at most one fault of a test.

`tests.faults.real` lets the programs of a run find a script that calls this in the place of Python.  ``TAPEROOM_FAULT`` is
JSON: ``pipe`` (module, sender, verb, nth, kind: see `tests.support.faultnight`) puts a wrapper between the real program and
its parent; ``write`` (module, path, call, nth, error) makes one system call on a file whose name has ``path`` in it fail.
A fault happens once in a run: ``TAPEROOM_FAULT_DONE`` is a file that is made when it does.
"""

from __future__ import annotations

import errno
import json
import os
import runpy
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from tests.support.faultnight import garbled

DELAY = 1.0
"""Seconds by which a delayed line comes late."""


def once() -> bool:
    """Whether the fault has not happened yet in this run; from now on it has."""
    try:
        os.close(os.open(os.environ["TAPEROOM_FAULT_DONE"], os.O_CREAT | os.O_EXCL | os.O_WRONLY))
    except FileExistsError:
        return False
    return True


def failing(path: str, nth: int, error: str, real: Callable[..., Any]) -> Callable[..., Any]:
    """``real`` (a call whose first argument is a descriptor) with a fault the ``nth`` time that it is about ``path``."""
    count = 0

    def call(fd: int, *rest: Any, **more: Any) -> Any:
        nonlocal count
        if path in os.readlink(f"/proc/self/fd/{fd if isinstance(fd, int) else fd.fileno()}"):
            count += 1
            if count == nth and once():
                if error != "short":
                    raise OSError(getattr(errno, error), os.strerror(getattr(errno, error)))
                if rest:
                    rest = (bytes(rest[0])[:max(1, len(rest[0]) // 2)], *rest[1:])
        return real(fd, *rest, **more)

    return call


def run(module: str, arguments: list[str], fault: dict[str, Any] | None) -> None:
    """Run the module in this process, with a write fault if it has one."""
    if fault is not None and fault["layer"] == "write":
        for name in fault["call"].split(","):
            setattr(os, name, failing(fault["path"], fault["nth"], fault["error"], getattr(os, name)))
    if fault is not None and fault["layer"] == "catalogue":
        from tests.faults.catalogue import spoil

        spoil(fault["nth"], fault["error"])
    sys.executable = os.environ["TAPEROOM_SHIM"]
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def driver_near(parent: int) -> int:
    """The driver: our parent, or for the planner another child of our parent."""
    brothers = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    for pid in (str(parent), *brothers):
        if b"core.driver" in Path(f"/proc/{pid}/cmdline").read_bytes():
            return int(pid)
    return parent


class Between:
    """Carries lines between our parent and the real program, one direction a thread."""

    def __init__(self, command: list[str], fault: dict[str, Any]) -> None:
        self.fault = fault
        self.child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
        signal.signal(signal.SIGTERM, lambda *_: self.child.send_signal(signal.SIGTERM))
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    def serve(self) -> int:
        """Until the program has ended; its exit code."""
        assert self.child.stdin is not None and self.child.stdout is not None
        inward, outward = os.fdopen(0, "rb", buffering=0), os.fdopen(1, "wb", buffering=0)
        threading.Thread(target=self._carry, args=("driver", inward, self.child.stdin), daemon=True).start()
        self._carry("child", self.child.stdout, outward)
        return self.child.wait()

    def _carry(self, sender: str, source: IO[bytes], target: IO[bytes]) -> None:
        count, partial = 0, b""
        while data := source.read(65536):
            *lines, partial = (partial + data).split(b"\n")
            for line in lines:
                verb = line.split(b" ", 1)[0].decode("utf-8", "replace")
                mine = sender == self.fault["sender"] and self.fault["verb"] in (verb, "DUMP" if verb.islower() else verb)
                count += mine
                kind = self.fault["kind"] if mine and count == self.fault["nth"] and once() else ""
                if kind == "silent":
                    threading.Event().wait()  # for ever; the pipe stays open
                self._pass_on(line + b"\n", kind, sender, target)
        if partial:
            self._write(target, partial)
        target.close()

    def _pass_on(self, line: bytes, kind: str, sender: str, target: IO[bytes]) -> None:
        match kind:
            case "dropped":
                return
            case "delayed":
                threading.Event().wait(DELAY)
                self._write(target, line)
            case "doubled":
                self._write(target, line + line)
            case "cut short":
                self._write(target, line[:len(line) // 2] + b"\n")
            case "garbled":
                self._write(target, garbled(line))
            case "sender killed" | "receiver killed":
                if kind == "sender killed":
                    self._write(target, line[:len(line) // 2])
                driver = (kind == "sender killed") == (sender == "driver")
                if driver:
                    os.kill(driver_near(os.getppid()), signal.SIGKILL)
                self.child.kill()
                self.child.wait()
                os._exit(137)
            case _:
                self._write(target, line)

    @staticmethod
    def _write(target: IO[bytes], data: bytes) -> None:
        view = memoryview(data)
        try:
            while view:
                view = view[target.write(view):]
        except (OSError, ValueError):
            pass  # the other end is gone; it is found out by end of file


def main() -> None:
    """Be Python for one call."""
    words = sys.argv[1:]
    assert words[:2] == ["-P", "-m"], words
    module, arguments = words[2], words[3:]
    fault = json.loads(os.environ.get("TAPEROOM_FAULT", "null"))
    if fault is None or fault["module"] != module:
        run(module, arguments, None)
    elif fault["layer"] != "pipe":
        run(module, arguments, fault)
    else:
        sys.exit(Between([sys.executable, "-P", "-m", module, *arguments], fault).serve())


if __name__ == "__main__":
    main()
