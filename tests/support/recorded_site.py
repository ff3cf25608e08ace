"""The door of a site that never was, as `tests.support.recorded_run` is its night: coverage, nights, volumes, holding disks.

Everything is told relative to one moment, so that ages stay the same in each test.  ``fault`` makes every question fail.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.client.ahead import Ahead, Dump
from core.client.browse import Date, Name, Need, Needs
from core.client.checks import Finding
from core.client.clients import Asked, ClientRow
from core.client.coverage import Backup, Covered, DiskNight
from core.client.foresee import Ahead as RestoreAhead
from core.client.nights import Answered, Night, NightRow
from core.client.restores import Restoring
from core.client.shelf import Content, Shelf, VolumeRow
from core.client.spool import AreaRow, DumpRow, Spool
from core.errors import TaperoomError, WorldError
from core.events.event import OperatorActed
from core.model.site import Retention
from core.model.units import datestamp_of
from core.restore.peek import Peek
from tests.support.recorded_run import BEGAN, GIB, PLAN, STAMP, TIB, file_of

if TYPE_CHECKING:
    from core.client.runs import Run

DAY = 86400.0
DISKS = [*((host, disk) for host, disk, *_ in PLAN), ("build7", "/work"), ("nas-b", "/vol1")]
AGES = {"mail": (1, 13), "build7": (9, 9), "fs-archive": (1, 4), "db01": (0, 7), "git": (1, 3)}
"""Host to days since its last good backup and its last full."""


class RecordedSite:
    """A `tui.door.Door`; what it is asked is kept in ``asked``."""

    def __init__(self, now: float = BEGAN, *, fault: TaperoomError | None = None, empty: bool = False) -> None:
        self.now, self.fault, self.empty = now, fault, empty
        self.asked: list[Any] = []
        self.restores: list[Restoring] = []

    def _ask(self, *what: Any) -> None:
        self.asked.append(what)
        if self.fault is not None:
            raise self.fault

    def coverage(self, now: float, before: str = "") -> list[Covered]:
        self._ask("coverage")
        if self.empty:
            return [Covered(host, disk, 7, None, None, "", self.now) for host, disk in DISKS]
        return [self._covered(host, disk, before) for host, disk in DISKS]

    def _covered(self, host: str, disk: str, before: str) -> Covered:
        last, full = AGES.get(host, (0, 5))
        if before:  # the night of that run is not in it
            last, full = max(1, last), max(1, full)
        label = f"DailySet1-{(7 - last) % 26:02d}"
        good = Backup(0 if last == full else 1, (BEGAN if before else self.now) - last * DAY - 7000, "", (label,), 84 * GIB)
        base = Backup(0, (BEGAN if before else self.now) - full * DAY - 7000, "", ("DailySet1-01",), TIB)
        return Covered(host, disk, 7, good, base, "full" if host == "db02" else "", self.now)

    def nights(self, patience: float) -> list[NightRow]:
        self._ask("nights")
        if self.empty:
            return []
        found = [NightRow(STAMP, "LIVE", BEGAN, 0.0, -1, "cron", 3, 9, 1, 1, 0, 117 * GIB, 234 * GIB, ("DailySet1-07",), 2, 2)]
        for back in range(1, 28):
            began = BEGAN - back * DAY
            verdict = {2: "FAIL", 4: "PART", 11: "DEAD"}.get(back, "ok")
            kib = (12, 3, 4, 8, 12, 13, 14)[back % 7] * TIB
            found.append(NightRow(
                datestamp_of(began), verdict, began, 0.0 if verdict == "DEAD" else began + 3600 * (1 + back % 4) + 60 * back,
                {"ok": 0, "FAIL": 1, "PART": 3}.get(verdict, -1), "cron", 9 if verdict == "ok" else 8, 9,
                1 if verdict == "FAIL" else 0, int(back % 3 == 0), 6, kib, 2 * kib, (f"DailySet1-{(33 - back) % 26 + 1:02d}",),
                1 if verdict == "PART" else 0, 1, 1))
        return found

    def night(self, stamp: str) -> Night:
        self._ask("night", stamp)
        row = next((row for row in self.nights(0) if row.datestamp == stamp), NightRow(stamp))
        failed = (("nas-b:/vol1", "data timeout: nothing came for 1800 s"),) if row.failed else ()
        return Night(
            row, ("mail:/srv", 1, 6600.0), ("nas-b:/vol1", 3174.0, 40960.0), failed,
            (("web01:/var", "? gtar: ./log/x: file changed as we read it"),) if row.strange else (),
            (Answered(3, "TAP012", "main", "slot", "6", "bob (1001)", 240.0),),
            "DailySet1: the report of that night\nAll well.\n")

    def disk_nights(self, host: str, disk: str) -> list[DiskNight]:
        self._ask("disk_nights", host, disk)
        if self.empty:
            return []
        return [DiskNight(datestamp_of(BEGAN - n * DAY), BEGAN - n * DAY, 0 if n == 5 else 1,
                          "failed" if n == 3 else "done", "data timeout" if n == 3 else "",
                          0 if n == 3 else (1800 - 40 * n) * GIB, 3600 * GIB, 3000.0 + 60 * n,
                          () if n == 3 else (f"DailySet1-{7 - n:02d}",)) for n in range(1, 7)]

    def ahead(self, now: float) -> list[Ahead]:
        self._ask("ahead")
        dumps = tuple(Dump(host, disk, level, size // (5 if n % 2 else 4), seconds, why)
                      for n, (host, disk, level, size, seconds, why) in enumerate(PLAN))
        return [Ahead(self.now + n * DAY, (9, 8, 7, 4, 0, 0, 8)[n] * TIB, (5, 4, 5, 3, 3, 3, 4)[n] * TIB, 9 * TIB, 16 * TIB, 1,
                      dumps) for n in range(0 if self.empty else 7)]

    def shelves(self, live: Run | None, now: float) -> list[Shelf]:
        self._ask("shelves")
        keep = Retention(25, 0, 1)
        if self.empty:
            return [Shelf("main", "disk:/srv/vtapes", 800 * GIB, keep)]

        def row(slot: int | str, label: str, flag: str, days: int, used: int, files: int, word: str, reason: str,
                **more: bool) -> VolumeRow:
            written = datestamp_of(BEGAN - days * DAY)[:8] if days >= 0 else ""
            return VolumeRow("main", str(slot), label, flag, written, used * GIB, 800 * GIB, files, word, reason, **more)

        rows = (
            row(1, "DailySet1-01", "reuse", 28, 800, 31, "active", "reusable in 2 days"),
            row(2, "DailySet1-02", "reuse", 27, 798, 29, "active", "reusable in 3 days"),
            row(3, "DailySet1-03", "reuse", 26, 640, 22, "active", "the last full of mail:/srv is on it"),
            row(7, "DailySet1-07", "reuse", 0, 499, 11, "WRITING", "this run writes on it", writing=True, loaded=True),
            row(8, "DailySet1-08", "reuse", 31, 800, 33, "NEXT", "may be overwritten", next=True),
            row(9, "DailySet1-26", "", -1, 0, 0, "blank", "gets the label DailySet1-26"),
            row(10, "Weekly-03", "", 3, 640, 22, "foreign", "its label is not of this storage"),
            row(11, "", "", -1, 0, 0, "faulty", "TAP003 the slot cannot be read"),
            row("", "DailySet1-05", "no-reuse", 24, 712, 27, "elsewhere", "marked no-reuse"),
            row("", "DailySet1-06", "reuse", 33, 799, 30, "elsewhere", "may be overwritten"),
        )
        soon = (("DailySet1-08", "8", "may be overwritten"), ("DailySet1-26", "9", "a new volume"))
        return [Shelf("main", "disk:/srv/vtapes", 800 * GIB, keep, rows, soon, ("DailySet1-06",), 1, 26),
                Shelf("vault", "disk:/mnt/vault", 0, keep, fault="TAP002 disk:/mnt/vault: it is not mounted")]

    def contents(self, storage: str, label: str) -> list[Content]:
        self._ask("contents", storage, label)
        if self.empty or label in ("", "DailySet1-26"):
            return []
        return [Content(1, 8, "nas-b", "/vol1", "20261130001500", 0, 412 * GIB, 8),
                Content(9, 9, "db02", "/srv", STAMP, 1, 84 * GIB, 1), Content(10, 10, "web02", "/var", STAMP, 1, GIB, 1),
                Content(11, 11, "web01", "/var", STAMP, 1, 2 * GIB, 1)]

    def spool(self, live: Run | None) -> Spool:
        self._ask("spool")
        areas = (AreaRow("/hold1", 10 * TIB, 3 * TIB, 2862 * GIB, 7372 * GIB, 921 * GIB, 0, 30, 1 << 20),
                 AreaRow("/hold2", 10 * TIB, 6400 * GIB, 6400 * GIB, 2060 * GIB, 0, 8 * TIB, 30, 1 << 20))
        if self.empty:
            return Spool(areas, (), ())

        def dump(path: str, host: str, disk: str, stamp: str, level: int, size: int, word: str, note: str, days: float,
                 **more: Any) -> DumpRow:
            return DumpRow(Path(path), path[:6], host, disk, stamp, level, size, max(1, size >> 20), word, note,
                           self.now - days * DAY, "GNUTAR", "gzip", 2 * size, f"8c1d02aa:{size << 10}", **more)

        return Spool(areas, (
            dump(file_of("db01", "/srv", 0) + ".tmp", "db01", "/srv", STAMP, 0, 906 * GIB, "dumping",
                 "is being dumped by dumper0", 0),
            dump(file_of("mail", "/srv", 0) + ".tmp", "mail", "/srv", STAMP, 0, 3532 * GIB, "NO-ROOM",
                 "it stands still: no room", 0),
            dump(file_of("vm-host3", "/", 1), "vm-host3", "/", STAMP, 1, 30 * GIB, "writing",
                 "is being written to storage main", 0.01, waits=("main",)),
            dump("/hold2/20261130001500/nas-b._vol2.0", "nas-b", "/vol2", "20261130001500", 0, 2 * TIB, "whole",
                 "waits for storage main", 1.2, waits=("main",)),
            dump("/hold2/20261130001500/git._home.1", "git", "/home", "20261130001500", 1, 12 * GIB, "whole",
                 "on DailySet1-06, waits for storage vault", 1.1, on=("DailySet1-06",), waits=("vault",)),
            dump("/hold2/20261128001500/build7._work.1.tmp", "build7", "/work", "20261128001500", 1, 0, "crash",
                 "left unfinished by a run that is over; 'taperoom cleanup' removes it", 3.0),
        ), (Path("/hold1/lost+found"),))

    def acts(self) -> list[tuple[float, OperatorActed]]:
        return [] if self.empty else [
            (self.now - 9 * 3600, OperatorActed("bob(1001)", "taperoom tape load 8", "OK")),
            (self.now - 8 * 3600, OperatorActed("ana(1000)", "taperoom disk force db02:/srv", "OK"))]

    def disks(self) -> list[tuple[str, str]]:
        self._ask("disks")
        return [] if self.empty else DISKS

    def dates(self, host: str, disk: str) -> list[Date]:
        self._ask("dates", host, disk)
        if host == "build7":
            return []
        return [Date(datestamp_of(BEGAN - n * DAY), 0 if n == 5 else 1, (800 if n == 5 else 40) * GIB,
                     () if n == 0 else (f"DailySet1-{7 - n:02d}",), BEGAN - n * DAY) for n in range(6)]

    def versions(self, host: str, disk: str, path: str) -> list[Date]:
        self._ask("versions", host, disk, path)
        return [date for date in self.dates(host, disk) if date.level == 0 or "nginx" in path]

    def browse(self, host: str, disk: str, as_of: str) -> RecordedBrowser:
        self._ask("browse", host, disk, as_of)
        return RecordedBrowser(host, disk, as_of)

    def foresee(self, words: Sequence[str]) -> RestoreAhead:
        self._ask("foresee", tuple(words))
        to = words[words.index("--to") + 1]
        taken = ("/etc/nginx.conf", "/etc/passwd") if "taken" in to else ()
        blocked = ("/etc",) if "blocked" in to else ()
        return RestoreAhead(to, 312, 3, 1234 * 1024 * 1024, 1440.0, 50 * 1024 * 1024, 0, (
            ("main", "DailySet1-02", (9, 10, 11)), ("main", "DailySet1-06", (3,))), taken, blocked, bool(taken or blocked),
            ("RST016 db01:/srv: the index of level 1 does not tell which files were deleted",) if "warns" in to else ())

    def restorings(self) -> list[Restoring]:
        self._ask("restorings")
        return list(self.restores)

    def clients(self, now: float) -> list[ClientRow]:
        self._ask("clients")
        covered: dict[str, list[Covered]] = {}
        for disk in self.coverage(now):
            covered.setdefault(disk.host, []).append(disk)
        return [ClientRow(host, ("ssh",) if host == "mail" else ("bsdtcp",), host, tuple(disks),
                          None if self.empty or host == "nas-b" else self._asked(host)) for host, disks in covered.items()]

    def _asked(self, host: str) -> Asked:
        at = self.now - 2 * 3600
        match host:
            case "build7":
                found = Finding("E", "CLT007", host, "connect to build7:10080: timed out after 30 s", True)
                return Asked(host, at, (found,), good=self.now - 2 * DAY, since=self.now - DAY)
            case "mail":
                odd = Finding("W", "CLT005", host, "/srv: its exclude file /etc/taperoom/exclude is missing")
                return Asked(host, at, (odd,), 0.009, "amanda", "fe", at)
            case _:
                return Asked(host, at, (Finding("", "", host, "1 disk checked by the client, over bsdtcp"),), 0.003, "taperoom",
                             "ff", at)

    def check(self, hosts: Collection[str]) -> Iterator[Finding | int]:
        self._ask("check", sorted(hosts))
        names = sorted({host for host, _ in DISKS if not hosts or host in hosts})
        for left, host in enumerate(reversed(names)):
            yield Finding("", "", host, "well")
            yield left


TREE = {"": ["etc", "srv", "README"], "etc": ["etc/nginx.conf", "etc/passwd"], "srv": ["srv/www"],
        "srv/www": ["srv/www/site-a", "srv/www/site-b", "srv/www/index.html"], "srv/www/site-a": ["srv/www/site-a/1"],
        "srv/www/site-b": []}
COUNTS = {"etc": 2, "srv": 1205, "srv/www": 1205, "srv/www/site-a": 311, "srv/www/site-b": 893}


class RecordedBrowser:
    """A disk with a few files."""

    def __init__(self, host: str, disk: str, as_of: str) -> None:
        self.host, self.disk, self.datestamp = host, disk, as_of
        self.warnings: tuple[str, ...] = ("RST011 the dump of 20261129 has no index: what it changed is not shown",)
        self.chain = [Date(datestamp_of(BEGAN - 5 * DAY), 0, 800 * GIB, ("DailySet1-02",), BEGAN - 5 * DAY),
                      Date(as_of, 1, 40 * GIB, ("DailySet1-06",), BEGAN - DAY)]

    def names(self, path: str = "", *, counted: bool = True) -> list[Name]:
        return [self._name(name) for name in TREE[path]]

    def _name(self, path: str) -> Name:
        directory = path in TREE
        return Name(path, directory, self.datestamp, 1 if "nginx" in path else 0, COUNTS.get(path, 1),
                    None if directory else 4096)

    def find(self, text: str) -> list[Name]:
        names = [name for one in TREE.values() for name in one]
        return [self._name(name) for name in sorted(names) if text in name.rpartition("/")[2]]

    def needs(self, paths: Sequence[str]) -> Needs:
        specs = " ".join(f"{self.host}:{self.disk}:/{path}" for path in paths)
        return Needs((Need("main", "DailySet1-02", "2", (9, 10, 11), datestamp_of(BEGAN - 5 * DAY), 0, 800 * GIB),
                      Need("main", "DailySet1-06", "", (3,), self.datestamp, 1, 40 * GIB)), 312, 2, (),
                     f"taperoom restore {specs} --as-of '2026-11-30 00:15:00' --to DIR", 311 * 4096, 1)

    def peek(self, path: str) -> Peek:
        if path == "README":
            return Peek(bytes(range(256)) * 4, False, 4096, "", "volume DailySet1-02 of storage main")
        if path == "etc/passwd":
            raise WorldError("RST024", "no copy can be read: volume DailySet1-06 is in no slot", "load it, and look again")
        text = b"# nginx\nuser\twww-data;\n\x1b[31mred\x1b]52;c;aGk=\x07 [/x] \xff\n" + b"".join(
            b"location /%d { root /srv; }\n" % n for n in range(60))
        return Peek(text, True, len(text), "", "volume DailySet1-06 of storage main")
