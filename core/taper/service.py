"""The taper's work: one order after the other until QUIT.

Every order gets exactly one last word: DONE only when every byte is durable on volumes and its CRC is the one that
was promised; TRY-AGAIN when the input was bad; TAPE-ERROR when volumes or drive were.
"""

from __future__ import annotations

import sys

from core.errors import TaperoomError
from core.model.dump import Crc, Stats
from core.model.units import Kib, kib_of
from core.protocol import taper
from core.taper.describing import describe
from core.taper.job import LOOK_SECONDS, BadInput, Job
from core.taper.pipe import Pipe, Stopped
from core.taper.scribe import Scribe
from core.taper.sources import BrokenOff, HoldingSource, PortSource, Source
from core.taper.writing import Writing

DRIVE = "drive0"


class Service:
    """The orders of one driver for one storage."""

    def __init__(self, pipe: Pipe, scribe: Scribe, look: float = LOOK_SECONDS) -> None:
        self._pipe, self._scribe, self._look = pipe, scribe, look

    def run(self) -> None:
        """Serve until the driver has had enough."""
        try:
            while True:
                order = self._pipe.listen()
                if order is not None:
                    self._serve(order)
        except Stopped:
            self._scribe.retire()
            self._pipe.quit()

    def _serve(self, order: taper.Order) -> None:
        match order:
            case taper.StartTaper():
                self._start(order)
            case taper.FileWrite() | taper.PortWrite():
                self._write(order)
            case taper.Describe():
                self._pipe.say(describe(self._scribe, self._hear))
            case taper.CloseVolume():
                self._scribe.retire()
                self._scribe.look_closely()
            case taper.NewTape() | taper.NoNewTape() | taper.WriteDone() | taper.WriteFailed() | taper.Quit():
                pass  # late words about a handle that is answered

    def _hear(self) -> None:
        """While a volume describes itself only the end of all work matters.  Stopped."""
        while self._pipe.listen(0.0) is not None:
            pass

    def _start(self, order: taper.StartTaper) -> None:
        try:
            label = self._scribe.start(order.datestamp)
        except TaperoomError as fault:
            self._pipe.say(taper.TaperError(_told(fault)))
        else:
            self._pipe.say(taper.TaperOk(DRIVE, label))

    def _write(self, order: taper.FileWrite | taper.PortWrite) -> None:
        handle = order.handle
        try:
            stats = self._copy(order, Job(self._pipe, self._scribe, handle, self._look))
        except BadInput as fault:
            self._end(taper.TryAgain(handle, _told(fault)))
        except Stopped:
            self._end(taper.TryAgain(handle, "TAP020 the taper was told to end"))
            raise
        except TaperoomError as fault:
            self._end(taper.TapeError(handle, _told(fault)))
        else:
            self._end(taper.Done(handle, str(stats)))

    def _end(self, word: taper.Done | taper.TryAgain | taper.TapeError) -> None:
        if self._pipe.allows(type(word)):
            self._pipe.say(word)

    def _copy(self, order: taper.FileWrite | taper.PortWrite, job: Job) -> Stats:
        match order:
            case taper.FileWrite():
                return self._from_holding(order, job)
            case taper.PortWrite():
                return self._from_port(order, job)

    def _from_holding(self, order: taper.FileWrite, job: Job) -> Stats:
        source = HoldingSource(order)
        header = source.header
        if header.server.known and header.server.size != source.size:
            raise BadInput("TAP015", f"{order.filename} holds {source.size} bytes of data, its header says "
                           f"{header.server.size}")
        stats = self._through(source, job, header.orig_kib)
        _compare(stats.server, header.server, order.filename)
        return stats

    def _from_port(self, order: taper.PortWrite, job: Job) -> Stats:
        try:
            source = PortSource(order, job)
            stats = self._through(source, job, 0)
        except BrokenOff as broken:
            job.last_word()  # most often WRITE-FAILED with the true reason
            raise BadInput(broken.code, broken.message) from None
        ending = job.last_word()
        try:
            promised = Crc.parse(ending.crc)
        except ValueError:
            raise BadInput("TAP016", f"the driver's CRC {ending.crc!r} is none") from None
        _compare(stats.server, promised, f"what the dumper of {order.host}:{order.disk} sent")
        return Stats(stats.seconds, stats.kib, ending.orig, stats.native, stats.client, stats.server)

    def _through(self, source: Source, job: Job, orig: int) -> Stats:
        try:
            written = Writing(job, source, self._scribe.storage.part_size).run()
        finally:
            source.close()
        header = source.header
        return Stats(written.seconds, kib_of(written.crc.size), Kib(orig), header.native, header.client, written.crc)


def _compare(written: Crc, promised: Crc, what: str) -> None:
    """BadInput TAP016 unless they are the same, or nothing was promised."""
    if promised.known and promised != written:
        raise BadInput("TAP016", f"{what} has the CRC {written}, not {promised}")


def _told(fault: TaperoomError) -> str:
    print(f"taper: {fault}", file=sys.stderr)
    return f"{fault.code} {fault.message}"
