"""Makes the run directory of a night that never was: journal, traffic and gauges, cut off at any moment.

One script, told in seconds since 00:15:00 of 1 December 2026 GMT, so that each test sees the same night at another time.
``python -m tests.support.recorded_run STATE_DIR [STAGE]`` writes one to look at with ``python -P -m tui``.
"""

from __future__ import annotations

import calendar
import fcntl
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from core.client.runs import Run
from core.events import codec, gauges
from core.events import event as e
from core.events.event import Event, Record
from core.events.gauges import Gauges

STAMP = "20261201001500"
BEGAN = float(calendar.timegm((2026, 12, 1, 0, 15, 0)))

STAGES: dict[str, float] = {"begun": 0.5, "estimating": 20, "dumping": 8180, "answered": 8330, "ended": 15000}
"""Name of a moment of the night to its second."""

GIB = 1 << 20
TIB = 1 << 30

Told = list[tuple[float, Event]]
Said = list[tuple[float, str]]

PLAN = [
    ("db01", "/srv", 0, 1229 * GIB, 3500, "full due today"),
    ("db02", "/srv", 1, 84 * GIB, 720, "incremental"),
    ("mail", "/srv", 0, 5632 * GIB, 11400, "full overdue 2 days"),
    ("web02", "/var", 1, 1 * GIB, 71, "incremental"),
    ("git", "/home", 1, 12 * GIB, 180, "incremental"),
    ("fs-archive", "/a", 0, 2253 * GIB, 6000, "promoted from 3 days ahead"),
    ("vm-host3", "/", 1, 30 * GIB, 360, "delayed full: it does not fit the volume"),
    ("web01", "/var", 1, 2 * GIB, 90, "incremental"),
]


def file_of(host: str, disk: str, level: int, area: str = "/hold1") -> str:
    """A holding file's name."""
    return f"{area}/{STAMP}/{host}.{disk.replace('/', '_')}.{level}"


def facts() -> Told:
    """The whole night."""
    told: Told = [
        (0.0, e.RunBegan(STAMP, "DailySet1", "/etc/taperoom/daily.toml", "cron", 4711, 8, 9, 4)),
        (0.1, e.HoldingFound("/hold1", 10 * TIB, 10 * TIB, 30)),
        (0.1, e.HoldingFound("/hold2", 10 * TIB, 8 * TIB - 412 * GIB, 30)),
        (0.2, e.ChildBegan("taper0", 4720, "main")),
        *((0.2, e.ChildBegan(f"dumper{n}", 4721 + n)) for n in range(4)),
        (0.4, e.FlushPlanned("nas-b", "/vol1", "20261130001500", 0, "/hold2/20261130001500/nas-b._vol1.0", 412 * GIB)),
        (0.6, e.TaperReady("taper0", "main", "slot 7", "DailySet1-07")),
        *((1.0, e.EstimateBegan(host)) for host in (*(p[0] for p in PLAN), "build7")),
    ]
    told += _estimates()
    for n, (host, disk, level, size, seconds, why) in enumerate(PLAN):
        told.append((62.0, e.DumpPlanned(
            host, disk, 2 if level == 0 else 1, level, size, size * 2, seconds, 1 if level == 0 else -1,
            size // 3 if level == 0 else 0, why)))
        if n == 3:
            told.append((62.0, e.DiskSkipped("build7", "/work", "connect to build7: timed out after 30 s", True)))
    told.append((62.1, e.PlanComplete(len(PLAN), 1)))
    told.append((62.1, e.DiskEnded("build7", "/work", -1, "failed", "connect to build7: timed out after 30 s")))
    told += _flush() + _dumps() + _trouble() + _end()
    return sorted(told, key=lambda pair: pair[0])


def _estimates() -> Told:
    told: Told = []
    for n, (host, disk, level, size, _, _) in enumerate(PLAN):
        told.append((5.0 + 7 * n, e.EstimateGot(host, disk, level, size * 2)))
        if level == 0:
            told.append((5.5 + 7 * n, e.EstimateGot(host, disk, 1, size // 3)))
    told.append((61.0, e.EstimateMissing("build7", "/work", "connect to build7: timed out after 30 s")))
    return told


def _flush() -> Told:
    file = "/hold2/20261130001500/nas-b._vol1.0"
    told: Told = [
        (2.0, e.WriteBegan("00-00001", "taper0", "main", "nas-b", "/vol1", "20261130001500", 0, file, 412 * GIB)),
        (2.5, e.VolumeBegan("taper0", "main", "DailySet1-07", 1)),
    ]
    for part in range(1, 9):
        size = (412 * GIB) // 8
        told.append((2.5 + 450 * part, e.PartWritten("00-00001", "main", "DailySet1-07", part, part, size, "1f2e3d4c:0")))
    told.append((3610.0, e.WriteEnded("00-00001", "main", "nas-b", "/vol1", "20261130001500", 0, "done", "", file,
                                      412 * GIB, 8, 3607.5, "8c1d02aa:442381631488")))
    told.append((3610.1, e.FileRemoved(file, "on volume DailySet1-07")))
    return told


def _dumped(at: float, handle: str, child: str, row: int, took: float, attempt: int = 1) -> Told:
    host, disk, level, size, _, _ = PLAN[row]
    file = file_of(host, disk, level)
    return [
        (at, e.DumpBegan(handle, host, disk, level, child, "holding", file, attempt, size)),
        (at + took, e.DumpEnded(handle, host, disk, level, "done", "", file, size, size * 2, took, "11111111:1",
                                "22222222:2", "22222222:2", "1970:1:1:0:0:0")),
    ]


def _taped(at: float, handle: str, row: int, fileno: int, took: float) -> Told:
    host, disk, level, size, _, _ = PLAN[row]
    file = file_of(host, disk, level)
    return [
        (at, e.WriteBegan(handle, "taper0", "main", host, disk, STAMP, level, file, size)),
        (at + took, e.PartWritten(handle, "main", "DailySet1-07", fileno, 1, size, "22222222:2")),
        (at + took, e.WriteEnded(handle, "main", host, disk, STAMP, level, "done", "", file, size, 1, took, "22222222:2")),
        (at + took, e.FileRemoved(file, "on volume DailySet1-07")),
        (at + took, e.DiskEnded(host, disk, level, "done", "")),
    ]


def _dumps() -> Told:
    web1, db01, mail = PLAN[7], PLAN[0], PLAN[2]
    told = _dumped(63.0, "00-00002", "dumper0", 1, 700) + _dumped(64.0, "01-00003", "dumper1", 3, 71)
    told += _taped(3611.0, "04-00010", 1, 9, 700) + _taped(4320.0, "04-00011", 3, 10, 20)
    told += _dumped(800.0, "01-00004", "dumper1", 7, 95) + _taped(4400.0, "04-00012", 7, 11, 30)[:-1]
    told.append((890.0, e.DumpStrange("01-00004", web1[0], web1[1], "? gtar: ./log/x: file changed as we read it")))
    told.append((4430.0, e.DiskEnded(web1[0], web1[1], 1, "strange", "1 file changed as it was read")))
    told.append((5600.0, e.DumpBegan("00-00020", db01[0], db01[1], 0, "dumper0", "holding", file_of("db01", "/srv", 0), 1,
                                     db01[3])))
    told.append((900.0, e.DumpBegan("02-00031", mail[0], mail[1], 0, "dumper2", "holding", file_of("mail", "/srv", 0), 1,
                                    mail[3])))
    told += _dumped(5000.0, "01-00021", "dumper1", 6, 3000) + _taped(8010.0, "04-00022", 6, 12, 250)
    return told


def _trouble() -> Told:
    row = PLAN[4]
    told: Told = [
        (7900.0, e.DumpBegan("03-00033", row[0], row[1], 1, "dumper3", "holding", file_of("git", "/home", 1), 1, row[3])),
        (7960.0, e.DumpEnded("03-00033", row[0], row[1], 1, "try-again", "host busy: 2 dumps running", "", 0, 0, 60.0, "",
                             "", "", "")),
        (7960.0, e.DumpRetried(row[0], row[1], 1, 3, BEGAN + 8460, "host busy: 2 dumps running")),
        (8081.0, e.DumpStalled("02-00031", 2202009 * 1024, "allotment")),
        (8081.1, e.QuestionAsked(
            7, "HLD003", "D", "mail:/srv", "mail:/srv needs 2.1 TiB more and the holding disks have 0.4 TiB; nothing is "
            "on its way to a volume that would make room.", (
                e.Choice("wait", "stands still for 10 minutes more; other dumps go on", "minutes"),
                e.Choice("abort", "3.4 TiB dumped so far are lost; mail:/srv is tried again at the end", "", True),
                e.Choice("flush", "writes 2 dumps to DailySet1-07 first: about 9 GiB come free"),
            ), "flush", BEGAN + 8640, "02-00031")),
        (8120.0, e.Notice("DMP007", "W", "git:/home", "git answers slowly: 41 s for a request")),
        (8150.0, e.QuestionAsked(
            8, "TAP012", "A", "main", "DailySet1-07 is nearly full and slot 8 is empty: load DailySet1-08 or a new volume.",
            (e.Choice("done", "looks again at all slots"), e.Choice("slot", "takes the volume of that slot", "slot"),
             e.Choice("degrade", "no more is written tonight; dumps stay on the holding disk", "", True)),
            "degrade", BEGAN + 10800)),
        (8200.0, e.OperatorActed("alice (1000)", "ANSWER 7 flush", "OK")),
        (8200.1, e.QuestionClosed(7, "flush", "", "alice (1000)")),
        (8300.0, e.DumpResumed("02-00031", file_of("mail", "/srv", 0), 9 * GIB)),
        (8310.0, e.QuestionClosed(8, "", "", "withdrawn: DailySet1-08 is in slot 8")),
    ]
    return told


def _end() -> Told:
    db01, mail = PLAN[0], PLAN[2]
    told: Told = [
        (9100.0, e.DumpEnded("00-00020", db01[0], db01[1], 0, "done", "", file_of("db01", "/srv", 0), db01[3], db01[3] * 2,
                             3500.0, "11111111:1", "22222222:2", "22222222:2", "1970:1:1:0:0:0")),
        (12300.0, e.DumpEnded("02-00031", mail[0], mail[1], 0, "failed", "data timeout: nothing came for 1800 s", "", 0, 0,
                              11400.0, "", "", "", "")),
        (12300.0, e.DiskEnded(mail[0], mail[1], 0, "failed", "data timeout: nothing came for 1800 s")),
        (14995.0, e.VolumeEnded("taper0", "main", "DailySet1-07", 800 * GIB, 30)),
        (14996.0, e.Degraded("main", "no volume left")),
        (14998.0, e.RunEnded(1, 7, 2, 1)),
    ]
    told += _dumped(8460.0, "03-00040", "dumper3", 4, 180, 2) + _dumped(8500.0, "01-00041", "dumper1", 5, 6000)
    return told + _taped(9200.0, "04-00042", 4, 13, 60) + _taped(9300.0, "04-00043", 0, 14, 4000) + [
        (14990.0, e.DiskEnded("fs-archive", "/a", 0, "done", "stays on the holding disk: no volume left"))]


def traffic() -> Said:
    """What went over the pipes, in part."""
    said: Said = [
        (0.4, f"driver > taper0 START-TAPER {STAMP}"),
        (0.6, 'taper0 > driver TAPER-OK "slot 7" DailySet1-07'),
        (1.0, f"planner > driver DATE {STAMP}"), (1.0, "planner > driver ESTIMATING mail"),
        (33.0, "planner > driver ESTIMATE mail /srv 0 11811160064"),
        (61.0, 'planner > driver NO-ESTIMATE build7 /work "connect to build7: timed out after 30 s"'),
        (62.0, 'planner > driver mail /srv 2 0 5905580032 11400 1 1968526677 3800 "why=full overdue 2 days"'),
    ]
    for at, fact in facts():
        said += [(at, line) for line in _lines(fact)]
    for n in range(200):
        at = 900 + n * 36.4
        said.append((at, f"dumper2 > driver PROGRESS 02-00031 {int((at - 900) * 480_000)} {int((at - 900) * 960_000)}"))
    return sorted(said, key=lambda pair: pair[0])


def _lines(fact: Event) -> list[str]:
    match fact:
        case e.DumpBegan():
            options = '"|;auth=bsdtcp;compress=client fast;index;record;use=1048576;"'
            return [f"driver > {fact.child} FILE-DUMP {fact.handle} {fact.file} {fact.host} {fact.disk} {fact.level} "
                    f"1970:1:1:0:0:0 1048576 GNUTAR {options}"]
        case e.DumpEnded(outcome="done"):
            stats = f"[sec {fact.seconds:.3f} kb {fact.size} kps {fact.size / fact.seconds:.1f} orig-kb {fact.orig}]"
            return [f'dumper{int(fact.handle[:2])} > driver DONE {fact.handle} "{stats}"']
        case e.DumpEnded():
            word = "TRY-AGAIN" if fact.outcome == "try-again" else "FAILED"
            return [f'dumper{int(fact.handle[:2])} > driver {word} {fact.handle} "{fact.message}"']
        case e.DumpRetried():
            return [f"driver : retry {fact.host}:{fact.disk} not before 02:36:00"]
        case e.DumpStalled():
            return [f"dumper2 > driver NO-ROOM {fact.handle} {fact.missing} {fact.why}"]
        case e.DumpResumed():
            return [f"driver > dumper2 CONTINUE {fact.file} 1048576 {fact.use}"]
        case e.WriteBegan():
            return [f"driver > taper0 FILE-WRITE {fact.handle} {fact.file} {fact.host} {fact.disk} {fact.level} "
                    f"{fact.datestamp}"]
        case e.PartWritten():
            return [f"taper0 > driver PARTDONE {fact.handle} {fact.label} {fact.fileno} {fact.size} "
                    f'"[sec 4.3 kb {fact.size} kps 120833.0]"']
        case e.VolumeBegan():
            return ["taper0 > driver REQUEST-NEW-TAPE 00-00001", "driver > taper0 NEW-TAPE 00-00001",
                    f"taper0 > driver NEW-TAPE 00-00001 {fact.label}"]
        case e.QuestionAsked(handle=""):
            return [f'taper0 > driver REQUEST-OPERATOR {fact.code} "{fact.text}"']
        case _:
            return []


def gauges_at(cut: float) -> Gauges:
    """The gauges of one moment: what is under way grows evenly."""
    progress: dict[str, tuple[int, int]] = {}
    for handle, began, ended, size, until in (
        ("00-00020", 5600, 9100, PLAN[0][3], 9100), ("02-00031", 900, 8081, int(PLAN[2][3] * 0.62), 12300),
        ("04-00022", 8010, 8260, PLAN[6][3], 8260), ("01-00041", 8500, 14500, PLAN[5][3], 14500),
    ):
        if began <= cut < until:
            written = int(size * min(1.0, (cut - began) / (ended - began)))
            progress[handle] = (written, written * 2)
    waiting = {} if cut > 8500 else {
        "fs-archive:/a": "no dumper free: 4 of 4 at work", "git:/home": "not before 02:36:00: host busy"}
    holding = {"/hold1": (2862 * GIB, 921 * GIB, 7372 * GIB), "/hold2": (6400 * GIB, 0, 2150 * GIB)}
    told = Gauges(BEGAN + cut, progress, holding, waiting, {"default": 61440}, ["alice (1000)"])
    if 8200 < cut < 9100:  # room was made: the holding disks last
        told.tapers = {"taper0": ("nothing to write; db01:/srv is whole in about 13m10s", BEGAN + 9100)}
        told.runway = {"/hold1": (2862 * GIB, 860000.0, 0.0, BEGAN + 11820), "/hold2": (6400 * GIB, 0.0, 0.0, 0.0)}
        told.act = (0.0, "/hold1 may fill up, the others have room: 4.5 TiB are still to come, "
                    "9.0 TiB of holding disk are left")
    return told


@cache
def written(stage: str) -> tuple[bytes, str]:
    """The journal and the traffic log as they were at a stage; made once, since very many tests begin with them."""
    cut = STAGES[stage]
    records = [Record(n, BEGAN + at, fact) for n, (at, fact) in enumerate((f for f in facts() if f[0] <= cut), 1)]
    return (b"".join(codec.encode(record) for record in records),
            "".join(f"{BEGAN + at:.6f} {line}\n" for at, line in traffic() if at <= cut))


def make_run(state_dir: Path, stage: str = "dumping", stamp: str = STAMP) -> Run:
    """Write the run's directory as it was at a stage."""
    cut = STAGES[stage]
    run = Run(state_dir / "runs" / stamp)
    run.path.mkdir(parents=True, exist_ok=True)
    journal, said = written(stage)
    run.journal.write_bytes(journal)
    run.traffic.write_text(said)
    if stage != "ended":
        run.status.write_bytes(gauges.encode(gauges_at(cut)))
    (run.path / "lock").touch()
    return run


@contextmanager
def alive(run: Run) -> Iterator[None]:
    """As long as this is entered, the run has a driver as far as anyone can tell."""
    with open(run.path / "lock", "wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def main() -> None:
    """Write a run and, for a stage that lives, keep it alive until the end of input."""
    stage = sys.argv[2] if len(sys.argv) > 2 else "dumping"
    run = make_run(Path(sys.argv[1]), stage)
    print(run.path)
    if stage != "ended":
        with alive(run):
            os.read(0, 1)


if __name__ == "__main__":
    main()
