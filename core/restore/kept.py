"""The checksums of an archive that were taken when it was dumped, out of the file beside its index; and an archive compared
with them as it passes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from core.catalogue.queries import Dump
from core.errors import WorldError
from core.model.crc32c import crc32c
from core.model.framesums import FRAME, KeptSums, decode
from core.model.site import Site
from core.model.units import sanitise

_HINT = "this copy is damaged; another one is taken where there is one"


def sums_path(site: Site, dump: Dump) -> Path:
    """Where the checksums of a dump are."""
    return site.index_dir / sanitise(dump.host) / sanitise(dump.disk) / f"{dump.datestamp}_{dump.level}.crcs"


def read_sums(site: Site, dump: Dump, *, closely: bool = True) -> tuple[KeptSums | None, str]:
    """The checksums of a dump, None when there are none; and why they cannot be read, empty when they can.  ``closely`` as
    `core.model.framesums.decode` has it."""
    path = sums_path(site, dump)
    try:
        return decode(path.read_bytes(), crc32c, closely=closely), ""
    except FileNotFoundError:
        return None, ""
    except (OSError, ValueError) as fault:
        return None, f"VFY006 {path}: {getattr(fault, 'strerror', None) or fault}"


def none_why(dump: Dump) -> str:
    """What to say when a dump has no checksums of its own day."""
    return (f"VFY005 {dump.host}:{dump.disk} level {dump.level} of {dump.datestamp} has no checksums of its archive: a client"
            " that is not ours compressed it, or it is from before they were kept")


class Compared:
    """An archive from byte ``at`` on, where a MiB begins, that is compared MiB by MiB as it passes.

    ``where`` names the place for people; ``proved`` hears of each byte up to which all that passed is right.  WorldError RST023
    at the end of a MiB that is not what was dumped, before what comes after it is given on; unless it is ``strict``, nothing is
    proved from there on: then a checksum of the whole tells whether the archive is wrong, or what it was compared with.
    """

    def __init__(
        self, sums: KeptSums, pieces: Iterator[memoryview], at: int, where: str, proved: Callable[[int], None], *,
        strict: bool = True,
    ) -> None:
        self._sums, self._pieces, self._where, self._proved = sums, pieces, where, proved
        self._strict, self._wrong = strict, False
        self.at = at
        self._value = 0

    def __iter__(self) -> Iterator[memoryview]:
        for piece in self._pieces:
            done = 0
            while done < len(piece):
                part = piece[done:done + self._left()]
                self._take(part)
                done += len(part)
            yield piece

    def to_the_end_of_the_frame(self) -> None:
        """Read on until the MiB under way can be compared."""
        rest, end = iter(self), min(-(-self.at // FRAME) * FRAME, self._sums.crc.size)
        while self.at < end:
            if next(rest, None) is None:
                raise WorldError("RST023", f"{self._where}: the archive ends at byte {self.at}, it had {self._sums.crc.size}",
                                 _HINT)

    def _left(self) -> int:
        """Bytes to the end of the MiB under way, or of the archive; what comes after that is padding."""
        frame, archive = FRAME - self.at % FRAME, self._sums.crc.size - self.at
        return min(frame, archive) if archive > 0 else frame

    def _take(self, part: memoryview) -> None:
        self._value = crc32c(part, self._value)
        self.at += len(part)
        if self.at % FRAME and self.at != self._sums.crc.size:
            return
        number = (self.at - 1) // FRAME
        if number < len(self._sums.frames) and not self._wrong:
            self._wrong = self._sums.frames[number] != self._value
            if self._wrong and self._strict:
                raise WorldError("RST023", f"{self._where}: MiB {number} of the archive is not what was dumped",
                                 _HINT)
            if not self._wrong:
                self._proved(self.at)
        self._value = 0
