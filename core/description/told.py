"""Runs as volumes tell of them, beside those whose journals the state directory has.

A run is named by its second, and two servers, or a server whose clock was set back, may have made one of the same second.
Such a run is another one: it gets the next free second as the name of its directory, and keeps its own in what it says of
itself, which is what its dumps and the labels of its volumes are known by.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from core.catalogue.queries import DumpKey
from core.description import headers
from core.description.reading import Found
from core.errors import WorldError
from core.events import event as e
from core.events.codec import inspect
from core.events.event import Event, Record
from core.model.dump import NO_CRC, Crc
from core.model.site import Site
from core.model.units import seconds_of_datestamp

_TRIED = 600
"""So many seconds are looked through for a free one."""


@dataclass(slots=True)
class Run:
    """A run in the directory ``name``, which calls itself ``stamp``; ``made``: from headers alone."""

    name: str
    records: list[Record] = field(default_factory=list)
    made: bool = False
    stamp: str = ""

    def __post_init__(self) -> None:
        begun = (event.datestamp for event in self.events() if isinstance(event, e.RunBegan))
        self.stamp = self.stamp or next(begun, "") or self.name

    def add(self, event: Event) -> None:
        """One more fact."""
        at = self.records[-1].at if self.records else seconds_of(self.stamp)
        self.records.append(Record(self.records[-1].seq + 1 if self.records else 1, at, event))

    def events(self) -> Iterator[Event]:
        """What it tells, in order."""
        return (record.event for record in self.records)

    def has(self, kind: type[Event]) -> bool:
        """Whether it tells anything of that kind."""
        return any(isinstance(event, kind) for event in self.events())

    def dumped(self, key: DumpKey) -> e.DumpEnded | None:
        """The end of the good dump with that key, if it tells of one."""
        return next((event for record in reversed(self.records) if isinstance(event := record.event, e.DumpEnded)
                     and event.outcome in ("done", "strange")
                     and (event.host, event.disk, self.stamp, event.level) == key), None)

    def files(self, volume: Found) -> set[int]:
        """The files of a volume that it tells of."""
        return {event.fileno for event in self.events() if isinstance(event, e.PartWritten | e.VolumeDescribed)
                and (event.storage, event.label) == (volume.storage, volume.label)}

    def wrote(self, volume: Found) -> bool:
        """Whether it tells of a volume, and of the first dump there that can be read the same as its header.  OSError."""
        if not self.files(volume):
            return False
        first = next(headers.heads(volume), None)
        if first is None:
            return True
        fileno, header = first
        mine = (volume.storage, volume.label, fileno)
        handles = {event.handle for event in self.events() if isinstance(event, e.PartWritten)
                   and (event.storage, event.label, event.fileno) == mine}
        crcs = {event.handle: event.crc for event in self.events() if isinstance(event, e.WriteEnded)}
        return any(isinstance(event, e.WriteBegan) and event.handle in handles and event.storage == volume.storage
                   and (event.host, event.disk, event.datestamp, event.level) == header.key
                   and may_be(crcs.get(event.handle, ""), header.server) for event in self.events())

    def is_of(self, records: Sequence[Record]) -> bool:
        """Whether ``records`` are of the same run: a fact that both have is the same one."""
        mine = {record.seq: record for record in self.records}
        return next((mine[record.seq] == record for record in records if record.seq in mine), True)


class Kept:
    """The runs whose journals the state directory has; nothing of it is changed."""

    def __init__(self, site: Site) -> None:
        self._site, self._read = site, dict[str, Run | None]()

    def run(self, name: str) -> Run | None:
        """The run in that directory, if it has a journal.  OSError."""
        if name not in self._read:
            path = self._site.runs_dir / name / "journal.jsonl"
            self._read[name] = Run(name, inspect(path.read_bytes())[0]) if path.exists() else None
        return self._read[name]

    def place(self, stamp: str, records: Sequence[Record], runs: Mapping[str, Run]) -> str:
        """The directory of the run ``stamp`` with these ``records``: its own, if it has one already, or a free one.

        OSError; WorldError RST062 when there is none."""
        for name in _names(stamp):
            there = runs.get(name) or self.run(name)
            if there is None:
                if self._free(name, stamp):
                    return name
            elif there.stamp == stamp and there.is_of(records):
                return name
        raise _none_free(stamp)

    def home(self, volume: Found, runs: Mapping[str, Run]) -> str:
        """The directory of the run that wrote a volume of which no journal on it tells.  OSError; WorldError RST062."""
        for name in _names(volume.run):
            there = self.run(name)
            if there is None:
                if self._free(name, volume.run) and (name not in runs or runs[name].stamp == volume.run):
                    return name
            elif there.stamp == volume.run and there.wrote(volume):
                return name
        raise _none_free(volume.run)

    def teller(self, key: DumpKey, crc: Crc, runs: Mapping[str, Run]) -> str:
        """The directory of the run that is to tell of a dump; empty when one of the state directory does.

        OSError; WorldError RST062."""
        for name in _names(key[2]):
            if (there := self.run(name)) is not None:
                ended = there.dumped(key) if there.stamp == key[2] else None
                if ended is not None and may_be(ended.server_crc, crc):
                    return ""
            elif self._free(name, key[2]) and (name not in runs or runs[name].stamp == key[2]):
                return name
        raise _none_free(key[2])

    def _free(self, name: str, stamp: str) -> bool:
        """A run that lost its journal may have it again; another one's directory is not taken."""
        return name == stamp or not (self._site.runs_dir / name).exists()


def may_be(told: str, crc: Crc) -> bool:
    """Whether a checksum of a journal may be that of a header: one that is not known may be any."""
    return not crc.known or told in (str(NO_CRC), str(crc), "")


def _names(stamp: str) -> Iterator[str]:
    """The second itself, and those after it."""
    yield stamp
    with contextlib.suppress(ValueError, OverflowError):
        begin = datetime.strptime(stamp.ljust(14, "0"), "%Y%m%d%H%M%S")
        for seconds in range(1, _TRIED):
            yield (begin + timedelta(seconds=seconds)).strftime("%Y%m%d%H%M%S")


def _none_free(stamp: str) -> WorldError:
    return WorldError("RST062", f"no run directory is free for another run of {stamp}",
                      "recover its volumes with a state_dir of their own")


def seconds_of(stamp: str) -> float:
    """Seconds since the epoch of a datestamp; 0 of what is none."""
    try:
        return seconds_of_datestamp(stamp)
    except ValueError:
        return 0.0
