"""Facts about volumes and what is written to them; a part of `core.events.event`, which is where to import them from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TaperReady:
    """TAPER-OK."""

    child: str
    storage: str
    drive: str
    label: str


@dataclass(frozen=True, slots=True)
class TaperDown:
    """No usable volume or a broken drive: this storage takes nothing any more."""

    child: str
    storage: str
    message: str


@dataclass(frozen=True, slots=True)
class TaperWaited:
    """For how long a storage's taper has waited for what in this run: ``dump``, ``dumper``, ``volume`` or ``operator``."""

    child: str
    storage: str
    kind: str
    seconds: float


@dataclass(frozen=True, slots=True)
class VolumeBegan:
    """A volume was labelled and is being written; ``number`` in this run, from 1; ``capacity`` KiB, 0 unknown."""

    child: str
    storage: str
    label: str
    number: int
    capacity: int = 0


@dataclass(frozen=True, slots=True)
class VolumeEnded:
    """No more is written to this volume in this run."""

    child: str
    storage: str
    label: str
    size: int
    parts: int


@dataclass(frozen=True, slots=True)
class VolumeDescribed:
    """The volume carries the run's journal, the indexes of its dumps and a README in its file ``fileno`` of ``size`` KiB."""

    child: str
    storage: str
    label: str
    fileno: int
    size: int
    crc: str


@dataclass(frozen=True, slots=True)
class WriteBegan:
    """A dump goes to a volume, from the holding file or (``file`` empty) straight from a dumper."""

    handle: str
    child: str
    storage: str
    host: str
    disk: str
    datestamp: str
    level: int
    file: str
    size: int


@dataclass(frozen=True, slots=True)
class PartWritten:
    """A part is durable on a volume."""

    handle: str
    storage: str
    label: str
    fileno: int
    part: int
    size: int
    crc: str


@dataclass(frozen=True, slots=True)
class WriteEnded:
    """The end of a write: ``done``, ``try-again`` (bad input) or ``failed`` (bad volume)."""

    handle: str
    storage: str
    host: str
    disk: str
    datestamp: str
    level: int
    outcome: str
    message: str
    file: str
    size: int
    parts: int
    seconds: float
    crc: str


@dataclass(frozen=True, slots=True)
class FileRemoved:
    """A holding file is gone: on volumes everywhere it has to be, or given up."""

    file: str
    reason: str


@dataclass(frozen=True, slots=True)
class Degraded:
    """From here on without a volume."""

    storage: str
    reason: str
