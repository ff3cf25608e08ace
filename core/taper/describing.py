"""The last file of a volume: what `core.description` gathers, written as any other file of the device.

Promises that nothing that goes wrong here is more than a sentence: the dumps on the volume are as good without it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from core.devices.contract import Volume
from core.errors import TaperoomError
from core.model.dump import Crc
from core.model.units import Kib, kib_of
from core.protocol import taper
from core.taper.scribe import Scribe


def describe(scribe: Scribe, alive: Callable[[], None]) -> taper.Described:
    """Let the volume in the drive describe itself; ``alive`` is called between two pieces and may raise to end it."""
    volume, label = scribe.volume, scribe.label
    if volume is None or not scribe.parts_on_volume:
        return taper.Described(label or "-", 0, Kib(0), "no volume with data is in the drive")
    try:
        fileno, crc, lacks = _write(scribe, volume, alive)
    except (TaperoomError, OSError, ValueError) as fault:
        why = fault.message if isinstance(fault, TaperoomError) else fault
        print(f"taper: volume {label} does not describe itself: {fault}", file=sys.stderr)
        return taper.Described(label, 0, Kib(0), f"volume {label} does not describe itself: {why}")
    said = f"the description of volume {label} is short: {lacks} " if lacks else ""
    return taper.Described(label, fileno, kib_of(crc.size), f"{said}crc {crc}")


def _write(scribe: Scribe, volume: Volume, alive: Callable[[], None]) -> tuple[int, Crc, str]:
    # Journals, catalogue and recipes are wanted once a volume, not in every taper that only writes.
    from core.description.archive import header_of
    from core.description.content import gather

    room = volume.room()
    content = gather(scribe.site, scribe.storage, scribe.datestamp, scribe.label, room)
    archive, lacks = content.fitting(room)
    if archive is None:
        raise OSError(lacks)
    crc = archive.crc()
    part = volume.begin_part(header_of(scribe.datestamp, crc))
    try:
        for piece in archive.pieces():
            part.write(memoryview(piece))
            alive()
        part.finish()
    except BaseException:
        part.discard()
        raise
    return part.fileno, crc, lacks
