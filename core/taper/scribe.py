"""The volume in the drive: found, begun, filled and put away (Amanda's scribe, without the parts).

Promises that the changer's lock is held whenever a volume may be written, that a volume is begun only when asked,
that one of an earlier run is never appended to, and that waiting for a volume loads none: labels are read again only
when the changer's glance, the tapelist or some minutes have changed, or when a person says so.  A volume that this run
began is gone on with, also by a taper that was started again.  Who gives permission, and what is written, is not known
here.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping

from core.description.archive import is_description
from core.devices import tapelist
from core.devices.contract import UNLIMITED, Capabilities, Condition, Volume
from core.devices.labelling import FailedSlot, NoVolume, begin_next, check_capacity, next_volume
from core.devices.registry import open_changer
from core.devices.scan_policy import Rules
from core.devices.shelf import rules_of
from core.errors import WorldError
from core.model.site import Site, Storage
from core.model.volume import find_volume
from core.taper.reserve import Reserve

Protected = Callable[[Site, Storage], Mapping[str, str]]
"""Label to reason of the volumes that the catalogue still needs."""
_LOOK_ANYWAY = 600.0
"""Seconds after which labels are read again though nothing seems to have changed: retention counts days."""


class Scribe:
    """One storage during one run; ``protected`` is asked before each choice."""

    def __init__(self, site: Site, storage: Storage, protected: Protected) -> None:
        self.site, self.storage = site, storage
        self.label = ""
        self.parts_on_volume = 0
        self.reserve = Reserve(site)
        self._full = False
        self._protected = protected
        self._changer = open_changer(storage)
        self._volume: Volume | None = None
        self._datestamp = ""
        self._spent: frozenset[str] = frozenset()
        self._refused: tuple[object, NoVolume] | None = None
        self._faults: list[str] = []

    @property
    def capabilities(self) -> Capabilities:
        """What the device promises."""
        return self._changer.capabilities

    @property
    def volume(self) -> Volume | None:
        """The volume in the drive, also a full one."""
        return self._volume

    @property
    def datestamp(self) -> str:
        """The run that is served."""
        return self._datestamp

    def start(self, datestamp: str) -> str:
        """Look for a volume for this run; its label.  Nothing is written.  WorldError, UsageError."""
        self.retire()
        check_capacity(self.storage)
        self._datestamp = datestamp
        mark = self._refuse_again()
        self._changer.acquire()
        try:
            if self._resume():
                return self.label
            volumes = tapelist.read(self.site.tapelist)
            return next_volume(self._changer, self._rules(), volumes).label
        except NoVolume as fault:
            self._refused = mark, fault
            self._changer.release()
            raise
        except BaseException:
            self._changer.release()
            raise

    def _refuse_again(self) -> object:
        """What the world looks like at a glance.  NoVolume, the same as last time, when it looks the same."""
        try:
            listed = os.stat(self.site.tapelist)
            known: object = listed.st_ino, listed.st_mtime_ns, listed.st_size
        except OSError:
            known = None
        mark = self._changer.glance(), known, int(time.monotonic() // _LOOK_ANYWAY)
        if self._refused is not None and self._refused[0] == mark:
            raise self._refused[1]
        self._refused = None
        return mark

    def look_closely(self) -> None:
        """Read every label at the next look: somebody says that there is a volume now."""
        self._refused = None

    def _resume(self) -> bool:
        """Go on with a volume that this run has begun, if it has room: a taper of this run died."""
        if not self.capabilities.appends:
            return False
        volumes = tapelist.read(self.site.tapelist)
        for view in self._changer.views():
            entry = find_volume(volumes, view.label, self.storage.name)
            if (view.condition is Condition.LABELLED and view.slot not in self._spent and entry is not None
                    and view.datestamp == entry.datestamp == self._datestamp):
                volume = self._changer.load(view.slot)
                if volume.room() > 0 and not _ends_described(volume):
                    self._volume, self.label, self.parts_on_volume = volume, view.label, view.files
                    self.reserve.begin(view.used + volume.room())
                    return True
        return False

    def ready(self) -> Volume | None:
        """The volume in the drive if it can take a part; a full one stays in the drive, to describe itself."""
        if self._volume is None or self._full:
            return None
        self._full = self.room() == 0
        return None if self._full else self._volume

    def room(self) -> int:
        """Bytes that the next part of a dump may have on the volume in the drive; its description's room is kept."""
        room = self._volume.room() if self._volume is not None else 0
        return room if room == UNLIMITED else max(0, room - self.reserve.size(self._datestamp))

    def fill(self) -> None:
        """The volume takes no more data; it stays in the drive."""
        self._full = True

    def begin_next(self) -> str:
        """Begin the next volume; its label.  NoVolume (with the reasons), WorldError."""
        self.retire()
        mark = self._refuse_again()
        self._changer.acquire()
        while True:
            try:
                self._volume, self.label = begin_next(self._changer, self.site, self._rules())
                self.reserve.begin(self._volume.room())
                return self.label
            except NoVolume as fault:
                self._refused = mark, fault
                raise
            except FailedSlot as failed:
                print(f"taper: slot {failed.slot}: {failed.fault}", file=sys.stderr)
                self.fault(failed.fault)
                self._spent |= {failed.slot}

    def _rules(self) -> Rules:
        protected = self._protected(self.site, self.storage)
        return rules_of(self.site, self.storage, datestamp=self._datestamp, protected=protected, spent=self._spent)

    def retire(self) -> None:
        """Put the volume away; this run will not write on it again."""
        if self._volume is not None:
            self._spent |= {self._volume.slot}
        self._volume, self.label, self.parts_on_volume, self._full = None, "", 0, False

    def fault(self, fault: WorldError) -> None:
        """Keep what went wrong with a volume, for the driver."""
        self._faults.append(f"{fault.code} {fault.message}")

    def faults(self) -> str:
        """What went wrong with volumes since the last call; empty when nothing did."""
        found, self._faults = "; ".join(self._faults), []
        return found

    def let_go(self) -> None:
        """Give the changer to others, such as an operator who labels a volume."""
        if self._volume is None:
            self._changer.release()


def _ends_described(volume: Volume) -> bool:
    """Whether its last file is its description: it was full."""
    numbers = volume.filenos()
    try:
        return bool(numbers) and is_description(volume.read_header(numbers[-1]))
    except WorldError:
        return False


def protected_by_catalogue(site: Site, storage: Storage) -> Mapping[str, str]:
    """What the catalogue says is needed; every written volume, if it cannot be asked.  A new site has none."""
    if not (site.catalogue.exists() or site.runs_dir.exists()):
        return {}
    try:
        from core.catalogue.protect import protected_labels  # sqlite3 is loaded only when it is needed

        return protected_labels(site, storage)
    except Exception as error:
        # Not to know what is needed is no leave to overwrite it.
        print(f"taper: the catalogue cannot be asked: {error}", file=sys.stderr)
        labels = (volume.label for volume in tapelist.read(site.tapelist) if volume.used)
        return dict.fromkeys(labels, "the catalogue cannot be read")
