"""A dump becomes parts on volumes.

Promises that PARTDONE is said only of parts that are durable; that the bytes of all parts, in order, are the bytes of
the source; that a part which met the hard end of a volume is written again as the same part on the next one when the
source can be read again.  Amanda's rules for both ends of a volume are perl/Amanda/Taper/Scribe.pm's.
The checksum is taken of the very bytes that are written, once for the dump; a part's own is worked out from it.
Where the volume lies on the file system of the holding disk the kernel copies, and the bytes are looked at where it has
them, a moment later; whatever stops it is met again by reading and writing, which know what to say of it.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, replace

from core.devices.contract import PartWriter, Volume, VolumeFault, VolumeFull
from core.devices.parts import next_part_length, part_size_of
from core.errors import WorldError
from core.holding.header import Header, Kind
from core.holding.mapped import Origin
from core.model.crc32c import crc32c
from core.model.crc_tail import crc_of_tail
from core.model.dump import Crc
from core.model.units import kib_of
from core.protocol import taper
from core.taper.job import Job, NoTape
from core.taper.sources import Source

_MOST_FAILURES = 2  # volumes in a row that failed without one good part


@dataclass(frozen=True, slots=True)
class Written:
    """A dump on volumes: its CRC as written, seconds spent writing, number of parts."""

    crc: Crc
    seconds: float
    parts: int


class Writing:
    """One dump under way; `run` does it all."""

    def __init__(self, job: Job, source: Source, part_kib: int) -> None:
        self._job, self._source, self._scribe = job, source, job.scribe
        self._part_size = part_size_of(part_kib)
        self._pending = memoryview(b"")
        self._origin: Origin | None = None
        self._copied = True
        self._crc = 0
        self._written = 0
        self._parts = 0
        self._failures = 0
        self._seconds = 0.0
        self._room = 0

    def run(self) -> Written:
        """Write it.  BadInput, NoTape, WorldError, Stopped; parts that were reported stay on their volumes."""
        header = self._source.header
        self._scribe.reserve.dump(*header.key)
        while self._more() or self._parts == 0:
            volume = self._job.volume()
            start, crc = self._written, self._crc
            try:
                self._one_part(volume)
                self._failures = 0
            except (VolumeFull, VolumeFault) as fault:
                self._give_up(fault, self._written - start)
                print(f"taper: volume {self._scribe.label} is left: {fault}", file=sys.stderr)
                self._scribe.fault(fault)
                if isinstance(fault, VolumeFull):
                    self._scribe.fill()
                else:
                    self._scribe.retire()
                if self._written > start:
                    self._written, self._crc = start, crc
                    self._read_again()
            except WorldError:
                self._scribe.retire()
                raise
        return Written(Crc(self._crc, self._written), self._seconds, self._parts)

    def _more(self) -> bool:
        """Whether there is a byte that is not written yet."""
        if not self._pending:
            self._pending, self._origin = self._source.piece(copied=self._copied)
        return bool(self._pending)

    def _read_again(self) -> None:
        """Go on from what counts as written."""
        self._source.seek(self._written)
        self._pending, self._origin = memoryview(b""), None

    def _give_up(self, fault: VolumeFull | VolumeFault, lost: int) -> None:
        """NoTape if it makes no sense to go on with another volume; ``lost`` bytes would have to be read again."""
        fresh = self._scribe.parts_on_volume == 0
        self._failures += 1
        why = ""
        if isinstance(fault, VolumeFull) and fresh:
            why = f"not one part fits on volume {self._scribe.label}"  # the next one would be erased for nothing
        elif lost and not self._source.rereadable:
            why = "a direct dump cannot be read again"
        elif fresh and self._failures >= _MOST_FAILURES:
            why = f"{self._failures} volumes failed in a row"
        if why:
            self._scribe.retire()
            raise NoTape(fault.code, f"{fault.message}; {why}")

    def _one_part(self, volume: Volume) -> None:
        began = time.monotonic()
        start, before = self._written, self._crc
        self._room = self._scribe.room()
        number = self._parts + 1
        part = volume.begin_part(self._header(number))
        try:
            warned = self._fill(part)
            size = part.finish()
        except BaseException:
            part.discard()
            raise
        seconds = time.monotonic() - began
        self._seconds += seconds
        self._parts = number
        self._scribe.parts_on_volume += 1
        crc = Crc(crc_of_tail(before, self._crc, self._written - start), size)
        self._job.pipe.say(taper.PartDone(self._job.handle, self._scribe.label, part.fileno, kib_of(size),
                                          _statistics(seconds, size, crc)))
        if warned:
            self._scribe.fill()

    def _fill(self, part: PartWriter) -> bool:
        """Write until the part is full, the volume warns or the data ends; whether the volume is done with."""
        most = left = next_part_length(self._part_size, min(part.room, self._room))
        warned = False
        while left > 0 and not warned and self._more():
            piece = self._pending[:left]
            stopped = False
            try:
                if self._origin is None:
                    warned, done = part.write(piece), len(piece)
                else:
                    warned, done = part.copy(self._origin, len(piece))
                    self._origin, stopped = self._origin.moved(done), done < len(piece)
            except VolumeFull as fault:
                if self._source.rereadable or not self._scribe.capabilities.keeps_short_part:
                    raise
                done, warned = fault.written, True
                if left == most and not done:
                    raise
            self._crc = crc32c(piece[:done], self._crc)
            self._pending = self._pending[done:]
            self._written += done
            left -= done
            if stopped:
                self._copied = False
                self._read_again()
            self._job.tick(self._written)
        return warned

    def _header(self, number: int) -> Header:
        return replace(self._source.header, kind=Kind.SPLIT_FILE, part=number, parts=-1, cont_filename="")


def _statistics(seconds: float, size: int, crc: Crc) -> str:
    kib = kib_of(size)
    return f"[sec {seconds:.3f} kb {kib} kps {kib / max(seconds, 0.001):.1f}] crc {crc}"
