"""Journals of made nights for the catalogue: runs that could have been, as lists of records."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from core.events import event as e
from core.events.codec import encode
from core.events.event import Event, Record
from core.model.disk import Disk, Dumptype, Host
from core.model.site import HoldingDisk, Retention, RunSettings, Site, Storage
from core.model.units import seconds_of_datestamp


def site_of(base: Path, *disks: tuple[str, str], **retention: int) -> Site:
    """A site in ``base`` with these disks and one storage ``main`` of directories."""
    hosts = {host: Host(host) for host, _ in disks}
    return Site(
        base / "taperoom.toml", "test", base / "state", RunSettings(), (HoldingDisk(base / "holding"),),
        {"main": Storage("main", f"disk:{base / 'vtapes'}", retention=Retention(**retention))}, hosts,
        tuple(Disk(hosts[host], disk, Dumptype()) for host, disk in disks))


@dataclass(slots=True)
class Night:
    """One run under way; every call adds facts.  ``say`` adds any other."""

    datestamp: str
    records: list[Record] = field(default_factory=list)
    handles: int = 0
    volumes: int = 0
    files: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.say(e.RunBegan(self.datestamp, "test", "/etc/taperoom.toml", "ana", 1, 1, 1, 4))

    def say(self, *events: Event) -> None:
        """Add facts, a second apart."""
        for event in events:
            seq = len(self.records) + 1
            self.records.append(Record(seq, seconds_of_datestamp(self.datestamp) + seq, event))

    def handle(self) -> str:
        """A new one."""
        self.handles += 1
        return f"00-{self.handles:05d}"

    def dump(self, host: str, disk: str, level: int, *, file: str = "", outcome: str = "done", size: int = 100,
             orig: int = 100, crc: str = "00000000:0") -> str:
        """An attempt to dump; its handle."""
        handle = self.handle()
        self.say(e.DumpBegan(handle, host, disk, level, "dumper0", "holding" if file else "tape", file, 1, size),
                 e.DumpEnded(handle, host, disk, level, outcome, "", file, size, orig, 2.0, crc, crc, crc, "1970:1:1:0:0:0"))
        return handle

    def volume(self, label: str, storage: str = "main") -> None:
        """Begin a volume."""
        self.volumes += 1
        self.say(e.VolumeBegan("taper0", storage, label, self.volumes))

    def write(self, host: str, disk: str, level: int, parts: Iterable[tuple[str, int, int, str]], *, file: str = "",
              storage: str = "main", datestamp: str = "", outcome: str = "done", crc: str = "") -> str:
        """A write of ``parts`` (label, fileno, KiB, CRC); its handle.  A good one removes ``file``."""
        handle, stamp, parts = self.handle(), datestamp or self.datestamp, list(parts)
        size = sum(part[2] for part in parts)
        self.say(e.WriteBegan(handle, "taper0", storage, host, disk, stamp, level, file, size))
        for number, (label, fileno, kib, part_crc) in enumerate(parts, 1):
            self.say(e.PartWritten(handle, storage, label, fileno, number, kib, part_crc))
        self.say(e.WriteEnded(handle, storage, host, disk, stamp, level, outcome, "", file, size, len(parts), 1.0, crc))
        if file and outcome == "done":
            self.say(e.FileRemoved(file, "on volume"))
        return handle

    def end(self, code: int = 0) -> list[Record]:
        """End the run; its records."""
        self.say(e.RunEnded(code, 1, 0, 0))
        return self.records

    def store(self, site: Site) -> None:
        """Write its journal where the site's runs are."""
        directory = site.runs_dir / self.datestamp
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "journal.jsonl").write_bytes(b"".join(map(encode, self.records)))
