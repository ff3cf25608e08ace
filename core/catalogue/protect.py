"""Which volumes of a storage must not be overwritten, and why.

Three rules of the storage's retention: its newest volumes, those younger than so many days, and those with the last fulls
of each disk.  What is dated later than the clock is kept besides, and counts for none of them: a clock was wrong, so nobody
knows how old it is, and it must not take the place of what is new.  A kept volume is worth keeping only if its dumps can be
restored, so every volume that holds a base of a dump on a kept one is kept too, as are the incrementals on top of a kept full.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import Protocol

from core.catalogue.queries import DumpKey, VolumeRow, volumes
from core.catalogue.rebuild import open_catalogue
from core.catalogue.traces import Trace, by_disk
from core.model.site import Retention, Site, Storage
from core.model.units import latest_stamp, seconds_of_datestamp, show_duration


def protected_labels(site: Site, storage: Storage | str, now: float | None = None) -> dict[str, str]:
    """Label to the reason why a volume of ``storage`` must be kept; ``now`` in seconds since the epoch.

    WorldError RST001 when the catalogue can be neither read nor made; nothing may be overwritten then.
    """
    kept = storage if isinstance(storage, Storage) else site.storages[storage]
    with open_catalogue(site).catalogue as catalogue:
        return protect(kept.retention, volumes(catalogue, kept.name), by_disk(catalogue), kept.name,
                       time.time() if now is None else now)


def protect(
    retention: Retention, written: Sequence[VolumeRow], disks: Iterable[Sequence[Trace]], storage: str, now: float
) -> dict[str, str]:
    """The rules by themselves: ``written`` volumes newest first, of each of ``disks`` the good dumps, oldest first."""
    latest = latest_stamp(now)
    kept = {volume.label: f"dated {volume.written}, later than this machine's clock: the clock was wrong then, or is now"
            for volume in written if volume.written.isdigit() and volume.written > latest}
    for number, volume in enumerate(volume for volume in written if volume.label not in kept):
        age = _age(volume.written, now)
        if number < retention.tapes:
            kept[volume.label] = f"one of the {retention.tapes} newest volumes"
        elif age < retention.days * 86400:
            kept[volume.label] = f"written {show_duration(age)} ago, kept for {retention.days} days"
    for history in disks:
        _keep_disk(kept, history, storage, retention.full, latest)
    return kept


def _age(datestamp: str, now: float) -> float:
    try:
        return max(0.0, now - seconds_of_datestamp(datestamp))
    except ValueError:
        return 0.0


def _keep_disk(kept: dict[str, str], history: Sequence[Trace], storage: str, fulls: int, latest: str) -> None:
    here = {dump.key: labels for dump in history if (labels := _labels(dump, storage))}
    bases = base_of(history)
    full = [dump for dump in history if dump.level == 0 and dump.key in here and dump.datestamp <= latest]
    chosen = {dump.key for dump in full[-fulls:]} if fulls > 0 else set()
    for dump in full[-fulls:] if fulls > 0 else []:
        _keep(kept, here[dump.key], f"has a last full of {dump.host}:{dump.disk} ({dump.datestamp})")
    # Up: what stands on a chosen full.  Down: what a dump on a kept volume stands on.
    for dump in history:
        base = bases.get(dump.key)
        if base in chosen and dump.key in here:
            chosen.add(dump.key)
            _keep(kept, here[dump.key], f"has level {dump.level} of {dump.host}:{dump.disk} on top of a last full")
    for dump in reversed(history):
        if any(label in kept for label in here.get(dump.key, ())):
            below = bases.get(dump.key)
            while below is not None:
                _keep(kept, here.get(below, ()), f"{dump.host}:{dump.disk} level {dump.level} of {dump.datestamp} needs it")
                below = bases.get(below)


def _labels(dump: Trace, storage: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(label for where, label in dump.places if where == storage))


def _keep(kept: dict[str, str], labels: Iterable[str], reason: str) -> None:
    for label in labels:
        kept.setdefault(label, reason)


class Levelled(Protocol):
    """A dump, as far as its place in a chain matters."""

    @property
    def key(self) -> DumpKey:
        """What names it."""

    @property
    def level(self) -> int:
        """Its level."""


def base_of(history: Iterable[Levelled]) -> dict[DumpKey, DumpKey]:
    """Of each incremental of one disk the dump that it builds on: the last one before it at a lower level."""
    newest: dict[int, DumpKey] = {}
    found: dict[DumpKey, DumpKey] = {}
    for dump in history:
        lower = [newest[level] for level in sorted(newest) if level < dump.level]
        if lower:
            found[dump.key] = lower[-1]
        newest = {level: key for level, key in newest.items() if level < dump.level}
        newest[dump.level] = dump.key
    return found
