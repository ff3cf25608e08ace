"""Which of the places that have a dump it is read from, and what is done when none of them is at hand.

The first place that has everything in slots is taken; one that turns out to be damaged gives way to the next.  Only when no
place is left that could be read is anybody asked for a volume, and the other dumps of a restore are read before that.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from core.catalogue.queries import Dump
from core.errors import PeerError, TaperoomError, WorldError
from core.model.site import Site
from core.restore.forecast import Span, parts_of
from core.restore.shelves import Absent, Answer, Shelves, Stopped, Wanted
from core.restore.source import Place, Warn, places_of

_T = TypeVar("_T")
_FINAL = frozenset({"RST025", "RST041"})
"""Faults that no other copy cures."""


class Reader:
    """The ``places`` of one dump; ``spans``: which stored bytes are needed, None: all.  It remembers which are no good."""

    def __init__(self, site: Site, dump: Dump, warn: Warn, shelves: Shelves, spans: Sequence[Span] | None = None) -> None:
        self._dump, self._warn, self._shelves, self._spans = dump, warn, shelves, spans
        self._left = places_of(site, dump, warn, shelves)
        self.places = tuple(self._left)
        self._last: TaperoomError | None = None
        self._title = f"{dump.host}:{dump.disk} level {dump.level} of {dump.datestamp}"
        self._passed_over: set[str] = set()
        self.patient = False
        """Whether somebody may be asked for a volume, if there is anybody."""

    def first_good(self, use: Callable[[Place], _T]) -> _T:
        """What ``use`` makes of the first place that is good; one that is not is told by ``warn``.

        `Absent` when only volumes that are in no slot could help; WorldError RST024 when nothing can.
        """
        absent: Absent | None = None
        while self._left:
            place = self._next()
            if place is None:
                absent = self._not_here()
                if not self._asked():
                    raise absent
                continue
            self._left.remove(place)
            try:
                return self._use(place, use)
            except Absent as fault:
                self._left.append(place)
                # It went away, or only a later volume is missing and nobody brings it.
                if self.patient or not self._absent(place):
                    raise
                absent = fault
            except TaperoomError as fault:
                self._note(place, fault)
        if self._last is None:
            raise WorldError("RST024", f"{self._title} is nowhere: no holding file and no volume has it", "choose another date")
        raise WorldError("RST024", f"{self._title} cannot be read: {self._last.message}", self._last.hint) from self._last

    def _use(self, place: Place, use: Callable[[Place], _T]) -> _T:
        shelves = self._shelves
        shelves.patient, shelves.under_way = self.patient, True
        try:
            return use(place)
        finally:
            shelves.patient = shelves.under_way = False

    def _note(self, place: Place, fault: TaperoomError) -> None:
        if fault.code in _FINAL or isinstance(fault, PeerError | Stopped):
            raise fault
        if place.reading.where and fault.code in ("RST020", "RST021"):
            # What is no archive any more was seen before the checksum at the end could be compared.
            fault = WorldError(fault.code, f"{place.reading}: {fault.message}", fault.hint)
        self._last = fault
        self._warn(f"{fault.code} {self._title} from {place.text}: {fault.message}")

    def _next(self) -> Place | None:
        """A place that can be read to its end; where a volume may be asked for on the way, one that can be begun."""
        for number, place in enumerate(self._left):
            if not self._absent(place):
                self._pass_over(self._left[:number], place)
                return place
        if self.patient and self._shelves.may_ask:
            for place in self._left:
                if self._needed(place)[0] not in self._absent(place):
                    return place
        return None

    def _pass_over(self, places: Sequence[Place], taken: Place) -> None:
        """Tell of places that would have been nearer."""
        for place in places:
            if place.copy is not None and place.text not in self._passed_over:
                self._passed_over.add(place.text)
                fault = self._shelves.absent(place.copy.storage, self._absent(place)[0])
                self._warn(f"{fault.code} {self._title}: {fault.message}; {taken.text} is read instead")

    def _needed(self, place: Place) -> list[str]:
        assert place.copy is not None
        return list(dict.fromkeys(part.label for part in parts_of(place.copy, self._spans)))

    def _absent(self, place: Place) -> list[str]:
        return [] if place.copy is None else self._shelves.missing(place.copy, self._needed(place))

    def _nearest(self) -> tuple[str, str]:
        """Storage and label of the first volume that is missing where the fewest are."""
        place = min(self._left, key=lambda one: len(self._absent(one)))
        assert place.copy is not None
        return place.copy.storage, self._absent(place)[0]

    def _not_here(self) -> Absent:
        return self._shelves.absent(*self._nearest())

    def _asked(self) -> bool:
        """Whether a volume was brought."""
        if not self.patient or not self._shelves.may_ask:
            return False
        storage, label = self._nearest()
        return self._shelves.bring(Wanted(storage, label), lambda: self._next() is not None) is Answer.HERE
