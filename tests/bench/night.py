"""A made night for the console to follow: ``python -m tests.bench.night DIR LINES_PER_SECOND``; ends with its standard input.

336 disks are being dumped by 336 dumpers, 10,000 facts are in the journal, and the traffic log grows at the wanted rate.  At
the end it says how many lines it wrote.
"""

from __future__ import annotations

import fcntl
import os
import select
import sys
import time
from pathlib import Path

from core.client.runs import Run
from core.events import codec, gauges
from core.events import event as e
from core.events.event import Event, Record
from core.events.gauges import Gauges

DISKS = 336
FACTS = 10_000
BATCH = 0.02
"""Seconds between two writes to the log."""

SIZE = 50 << 20
"""KiB of each dump."""


def facts(began: float) -> list[Event]:
    """What is known of the night so far."""
    told: list[Event] = [
        e.RunBegan("20261201001500", "bench", "/nowhere", "nobody", 1, DISKS // 4, DISKS, DISKS),
        e.HoldingFound("/hold", 90 << 30, 80 << 30, 10), e.ChildBegan("taper0", 2, "main"),
        e.TaperReady("taper0", "main", "slot 1", "V-001"), e.VolumeBegan("taper0", "main", "V-001", 1, 1 << 30)]
    told += [e.ChildBegan(f"dumper{n}", 100 + n) for n in range(DISKS)]
    for n in range(DISKS):
        told.append(e.DumpPlanned(host(n), disk(n), 1, n % 3, SIZE, 2 * SIZE, 3600, -1, 0, "bench"))
    told += [e.PlanComplete(DISKS, 0)]
    told += [e.DumpBegan(handle(n), host(n), disk(n), n % 3, f"dumper{n}", "holding", f"/hold/{n}", 1, SIZE)
             for n in range(DISKS)]
    told += [e.Notice("DMP007", "W", host(n % DISKS), f"notice {n}") for n in range(FACTS - len(told))]
    return told


def host(n: int) -> str:
    """A client."""
    return f"client{n // 4:03d}"


def disk(n: int) -> str:
    """A disk of it."""
    return f"/srv/data{n % 4}"


def handle(n: int) -> str:
    """The handle of its dump."""
    return f"00-{n:05d}"


def main() -> None:
    """Write until standard input ends."""
    run, rate = Run(Path(sys.argv[1]) / "runs" / "20261201001500"), float(sys.argv[2])
    run.path.mkdir(parents=True)
    lock = os.open(run.path / "lock", os.O_RDWR | os.O_CREAT, 0o644)
    fcntl.flock(lock, fcntl.LOCK_EX)
    began = time.time()
    run.journal.write_bytes(b"".join(codec.encode(Record(n, began - 600, fact)) for n, fact in enumerate(facts(began), 1)))
    written = lines = 0
    gauged, start = 0.0, time.monotonic()
    with open(run.traffic, "ab", buffering=0) as log:
        print("ready", flush=True)
        while not select.select([0], [], [], BATCH)[0]:
            due = int((time.monotonic() - start) * rate) - lines
            now = time.time()
            parts = []
            for n in range(lines, lines + due):
                at = n % DISKS
                parts.append(f"{now:.6f} dumper{at} > driver PROGRESS {handle(at)} {n * 9} {n * 18}\n")
            log.write("".join(parts).encode())
            lines += due
            written = lines // DISKS
            if now - gauged >= 1.0:
                gauged = now
                progress = {handle(n): (written * 900 + n * 37, written * 1800) for n in range(DISKS)}
                new = run.status.with_suffix(".new")
                new.write_bytes(gauges.encode(Gauges(now, progress, {"/hold": (40 << 30, 1 << 30, written)}, {}, {}, [])))
                os.replace(new, run.status)
    print(lines, flush=True)


if __name__ == "__main__":
    main()
