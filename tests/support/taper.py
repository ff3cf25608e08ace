"""A small site with vtapes, dumps on its holding disk, and a real taper process to talk with over real pipes."""

from __future__ import annotations

import os
import random
import select
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from crc32c import crc32c

from core.holding.file import HoldingWriter
from core.holding.header import HEADER_SIZE, Header, Kind, parse
from core.model.dump import Crc
from core.model.site import RunSettings, Site, Storage
from core.model.units import Handle
from core.protocol import taper
from core.protocol.conversation import Lines

ROOT = Path(__file__).resolve().parents[2]
DATESTAMP = "20261124010203"
DUMPED = "20261124010000"

FAULTY = """
import os, errno
import core.devices.slot_volume as volumes
import core.devices.directory as directory
count = [0]
def write(fd, data):
    count[0] += 1
    if count[0] in FAULTS:
        if SHORT: os.write(fd, data[:1000])
        raise OSError(FAULTS[count[0]], os.strerror(FAULTS[count[0]]))
    return os.write(fd, data)
directory.DirectoryChanger.__init__.__kwdefaults__['write'] = write
"""
"""A prelude: os.write of the volumes fails at the writes of FAULTS (a dict), after some bytes if SHORT."""


def noise(size: int, seed: int = 1) -> bytes:
    """Bytes that do not compress, always the same for a seed."""
    return random.Random(seed).randbytes(size)


@dataclass(frozen=True, slots=True)
class Room:
    """A directory with a configuration, vtapes and a holding disk."""

    path: Path

    @property
    def config(self) -> Path:
        return self.path / "taperoom.toml"

    @property
    def vtapes(self) -> Path:
        return self.path / "vtapes"

    @property
    def state(self) -> Path:
        return self.path / "state"

    @property
    def tapelist(self) -> str:
        found = self.state / "tapelist"
        return found.read_text() if found.exists() else ""

    def slot(self, number: int) -> list[str]:
        """The names in a slot, in order."""
        return sorted(entry.name for entry in (self.vtapes / f"slot{number}").iterdir())

    def parts(self) -> list[tuple[Header, bytes]]:
        """Every part on every volume: header and data, in the order of slots and files."""
        found = []
        for slot in sorted(self.vtapes.glob("slot*")):
            for file in sorted(slot.glob("0*")):
                data = file.read_bytes()
                header = parse(data[:HEADER_SIZE])
                if header.is_dump:
                    found.append((header, data[HEADER_SIZE:]))
        return found

    def joined(self, host: str = "web1", disk: str = "/home") -> bytes:
        """The data of all parts of a dump in part order."""
        parts = [(header.part, data) for header, data in self.parts() if (header.host, header.disk) == (host, disk)]
        return b"".join(data for _, data in sorted(parts))

    def site(self, **changes: Any) -> Site:
        """The same as values, for tests without a process."""
        storage = replace(Storage("main", f"disk:{self.vtapes}", slots=4, autolabel="DAILY-%%%"), **changes)
        return Site(self.config, "daily", self.state, RunSettings(), (), {"main": storage}, {}, ())


def make_room(path: Path, *, slots: int = 4, capacity: str = "1 GiB", part_size: str = "256 MiB",
              retention: str = "{ tapes = 2, days = 0, full = 0 }", label: str = "DAILY-[0-9]{3}") -> Room:
    """Write the configuration and make the directories."""
    room = Room(path)
    for directory in (room.vtapes, room.state, path / "holding"):
        directory.mkdir(parents=True)
    room.config.write_text(f'''
org = "daily"
state_dir = "{room.state}"

[[holding]]
path = "{path / 'holding'}"

[storage.main]
changer = "disk:{room.vtapes}"
slots = {slots}
capacity = "{capacity}"
part_size = "{part_size}"
label = "{label}"
autolabel = "DAILY-%%%"
retention = {retention}

[[disk]]
host = "web1"
disk = "/home"
''')
    return room


def hold(room: Room, data: bytes, *, host: str = "web1", disk: str = "/home", chunk_kib: int = 0,
         server: Crc | None = None, level: int = 0) -> Path:
    """A whole dump on the holding disk."""
    name = f"{host}.{disk.replace('/', '_')}.{level}"
    path = room.path / "holding" / DUMPED / name
    crc = server or Crc(crc32c(data), len(data))
    header = Header(Kind.FILE, datestamp=DUMPED, host=host, disk=disk, level=level, program="/bin/tar",
                    recover="/bin/tar -xpGf - ...", dle_xml="<dle>\n  <disk>/home</disk>\n</dle>",
                    orig_kib=len(data) // 1024, native=crc, client=crc, server=crc)
    writer = HoldingWriter(path, chunksize=chunk_kib)
    writer.begin(header)
    if data:
        assert writer.write(memoryview(data)) == len(data)
    writer.finish(header)
    return path


class Taper:
    """A taper process; `say` orders, `hear` reports.  ``prelude`` is Python that is run in it before."""

    def __init__(self, room: Room, storage: str = "main", prelude: str = "") -> None:
        start = [sys.executable, "-P"]
        if prelude:
            start += ["-c", f"import sys\n{prelude}\nfrom core.taper.__main__ import main\nsys.exit(main())"]
        else:
            start += ["-m", "core.taper"]
        self.process = subprocess.Popen(
            [*start, str(room.config), storage], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(ROOT)}, cwd=room.path,
        )
        self._talk = taper.conversation()
        self._lines = Lines()
        self._ready: list[bytes] = []

    def __enter__(self) -> Taper:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            if pipe is not None:
                pipe.close()

    def say(self, *orders: taper.Order) -> None:
        """Send orders, checked by the same table as the taper's end."""
        for order in orders:
            self.raw(self._talk.send(order))

    def raw(self, data: bytes) -> None:
        """Send bytes that may be no order."""
        assert self.process.stdin is not None
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def hear(self, *, progress: bool = False) -> Any:
        """The next report; PROGRESS is left out unless asked for.  Fails after 20 s of silence."""
        while True:
            report = self._talk.receive(self._line())
            if progress or not isinstance(report, taper.Progress):
                return report

    def until(self, *kinds: type[Any]) -> list[Any]:
        """Reports up to and with the first of these kinds; permission for volumes is given meanwhile."""
        heard = []
        while True:
            heard.append(self.hear())
            if isinstance(heard[-1], kinds):
                return heard
            if isinstance(heard[-1], taper.RequestNewTape):
                self.say(taper.NewTape(heard[-1].handle))

    def start(self, datestamp: str = DATESTAMP) -> Any:
        """START-TAPER and its answer."""
        self.say(taper.StartTaper(datestamp))
        return self.hear()

    def write(self, path: Path, handle: str = "00-00001", host: str = "web1", disk: str = "/home") -> list[Any]:
        """A FILE-WRITE with every permission given; all reports."""
        self.say(taper.FileWrite(Handle(handle), str(path), host, disk, 0, DUMPED))
        return self.until(taper.Done, taper.TryAgain, taper.TapeError)

    def quit(self) -> int:
        """QUIT, QUITING, the exit code."""
        self.say(taper.Quit())
        assert isinstance(self.hear(), taper.Quiting)
        return self.process.wait(60)

    def errors(self) -> str:
        """All of stderr; only when the process has ended."""
        assert self.process.stderr is not None
        return self.process.stderr.read().decode()

    def _line(self) -> bytes:
        assert self.process.stdout is not None
        until = time.monotonic() + 20
        while not self._ready:
            ready, _, _ = select.select([self.process.stdout], [], [], max(0.0, until - time.monotonic()))
            assert ready, "the taper says nothing"
            data = os.read(self.process.stdout.fileno(), 65536)
            assert data, f"the taper ended: {self.errors()}"
            self._ready.extend(self._lines.feed(data))
        return self._ready.pop(0)


def kinds(reports: Sequence[Any]) -> list[str]:
    """The verbs of messages."""
    return [report.VERB for report in reports]
