"""Two ways to do one thing, measured in turn: wall seconds, and CPU seconds of the whole process tree.

Promises that every descendant counts, orphans included, and that a ratio is taken of samples that are neighbours in
time, so that a busy machine spoils single samples, not the answer.  Does not know what is measured.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import signal
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

_PR_SET_CHILD_SUBREAPER = 36
LIMIT = 1800
"""Seconds after which a sample is given up."""

Work = Callable[[], Mapping[str, float]]
"""Does the thing once, in a process of its own; values it found out by itself, `wall` among them if the clock from its
start to the end of its last descendant is not what is meant, and `before`, CPU seconds that do not count."""


class Broken(Exception):
    """What was to be measured did not work."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One measurement: wall and CPU seconds, and what the work itself told."""

    wall: float
    cpu: float
    told: Mapping[str, float]


def measure(work: Work) -> Sample:
    """Do it once.  Broken when it raises, or takes longer than `LIMIT`."""
    reader, writer = os.pipe()
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        os.close(reader)
        _in_child(work, writer)
    os.close(writer)
    with open(reader, "rb") as answer:
        data = answer.read()
    os.waitpid(child, 0)
    if not data:
        raise Broken(f"took longer than {LIMIT} s, or was killed")
    found = json.loads(data)
    if "fault" in found:
        raise Broken(found["fault"])
    return Sample(found["wall"], found["cpu"], found["told"])


def _in_child(work: Work, writer: int) -> None:
    code = 1
    try:
        signal.alarm(LIMIT)
        # Whoever is left behind by his parent becomes ours, so that his CPU seconds are counted, too.
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        began = time.monotonic()
        try:
            told = dict(work())
            _wait_for_all()
            wall = told.pop("wall", time.monotonic() - began)
            used = resource.getrusage(resource.RUSAGE_CHILDREN)
            spent = used.ru_utime + used.ru_stime - told.pop("before", 0.0)
            answer: dict[str, object] = {"wall": wall, "cpu": spent, "told": told}
        except Exception as fault:
            answer = {"fault": f"{type(fault).__name__}: {fault}" + (traceback.format_exc() if os.getenv("TRACE") else "")}
        os.write(writer, json.dumps(answer).encode())
        code = 0
    finally:
        os._exit(code)


def _wait_for_all() -> None:
    try:
        while True:
            os.wait()
    except ChildProcessError:
        return


def in_turn(contenders: Sequence[Work], times: int, settle: Callable[[], None]) -> list[list[Sample]]:
    """A B A B …: for each contender its samples.  ``settle`` is called before each.  Broken."""
    found: list[list[Sample]] = [[] for _ in contenders]
    for _ in range(times):
        for samples, work in zip(found, contenders, strict=True):
            settle()
            samples.append(measure(work))
    return found


def middle(values: Sequence[float]) -> float:
    """The median."""
    return median(values)


def ratio(above: Sequence[float], below: Sequence[float]) -> float:
    """The median of the ratios of neighbours."""
    return median(a / max(b, 1e-9) for a, b in zip(above, below, strict=True))
