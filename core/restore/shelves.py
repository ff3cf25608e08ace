"""Volumes as a restore gets at them: which are in a slot now, and what is done about one that is in none.

Every changer is looked at once, and again only when a glance tells that something may stand elsewhere.  A restore that may ask
waits for a volume as long as whoever it asks lets it; one that may not is told at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

from core.catalogue.queries import Copy
from core.devices.contract import Changer, Condition, SlotView, Volume
from core.devices.registry import open_changer
from core.errors import TaperoomError, WorldError
from core.model.site import Site

Warn = Callable[[str], None]
"""Told what was wrong and did no harm, a sentence with its code."""


class Answer(Enum):
    """What became of a request for a volume."""

    HERE = "here"
    SKIP = "skip"
    """Go on without it."""
    STOP = "stop"
    """End the restore; what is whole stays."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A volume that a restore needs: why, in words; ``names`` wait for it, ``size`` bytes of the dump are to be read, and
    whether the dump is being read already (``under_way``)."""

    storage: str
    label: str
    why: str = ""
    names: int = 0
    size: int = 0
    under_way: bool = False


There = Callable[[bool], bool]
"""Whether a volume is there now; when True, every label is read for that, else only if something looks changed."""
Ask = Callable[[Wanted, There], Answer]
"""Asks for a volume; it returns only with an answer."""


class Absent(WorldError):
    """A volume that is needed is in no slot (TAP018), or its changer is not there (``fault``)."""

    def __init__(self, storage: str, label: str, fault: TaperoomError | None = None) -> None:
        if fault is None:
            super().__init__("TAP018", f"volume {label} is in no slot of storage {storage}", "load it")
        else:
            super().__init__(fault.code, f"volume {label} of storage {storage}: {fault.message}", fault.hint)
        self.storage, self.label = storage, label


class Stopped(WorldError):
    """The operator ended the restore rather than bring a volume (RST041)."""


class Shelves:
    """The volumes of a site's storages.  ``ask`` None: nobody is asked.  ``why``, ``names`` and ``size`` of the dump that is
    read now, for who is asked; ``patient``: that it may be asked for now."""

    def __init__(self, site: Site, ask: Ask | None = None) -> None:
        self._site, self._ask = site, ask
        self._changers: dict[str, Changer | None] = {}
        self._views: dict[str, tuple[object, list[SlotView]]] = {}
        self._faults: dict[str, TaperoomError] = {}
        self.why, self.names, self.size = "", 0, 0
        self.patient = False
        self.under_way = False

    @property
    def may_ask(self) -> bool:
        """Whether there is anybody to be asked."""
        return self._ask is not None

    def missing(self, copy: Copy, labels: Iterable[str] | None = None) -> list[str]:
        """Which volumes of a copy, or which of ``labels``, are in no slot now, in their order."""
        here = {view.label for view in self._look(copy.storage) if view.condition is Condition.LABELLED}
        return [label for label in (copy.labels if labels is None else labels) if label not in here]

    def volume(self, copy: Copy, label: str, warn: Warn) -> Volume:
        """The volume that bears ``label``, as the run wrote it; asked for when it is in no slot, if that is allowed.

        `Absent` when it does not come; WorldError TAP018 when several bear the label, RST023 when it was written anew.
        """
        while not self._bearing(copy, label):
            if not self.patient or self.bring(Wanted(copy.storage, label), lambda: bool(self._bearing(copy, label))) is not (
                    Answer.HERE):
                raise self.absent(copy.storage, label)
        found = self._bearing(copy, label)
        if len(found) > 1:
            raise WorldError("TAP018", f"volume {label} is in slots {', '.join(view.slot for view in found)} at once",
                             "remove the wrong one")
        changer = self._changer(copy.storage)
        assert changer is not None
        volume = changer.load(found[0].slot)
        view = volume.view()
        if view.note:
            warn(f"RST027 volume {label} file 0, its label: {view.note}")
        if view.datestamp != copy.run:
            raise WorldError("RST023", f"volume {label} was written anew on {view.datestamp}: the dump of {copy.run} is gone"
                                       " from it", "the catalogue does not know that; rebuild it, and take another date")
        return volume

    def absent(self, storage: str, label: str) -> Absent:
        """What to raise for a volume that is not there."""
        return Absent(storage, label, self._faults.get(storage))

    def bring(self, wanted: Wanted, there: Callable[[], bool]) -> Answer:
        """Have a volume brought; Stopped when the restore is to end."""
        if self._ask is None:
            return Answer.SKIP

        def now(closely: bool) -> bool:
            if closely:
                self._views.clear()
            return there()

        answer = self._ask(Wanted(wanted.storage, wanted.label, self.why, self.names, self.size, self.under_way), now)
        if answer is Answer.STOP:
            raise Stopped("RST041", f"the restore was ended before volume {wanted.label} came", "the same command goes on")
        return answer

    def _bearing(self, copy: Copy, label: str) -> list[SlotView]:
        views: Sequence[SlotView] = [
            view for view in self._look(copy.storage) if view.condition is Condition.LABELLED and view.label == label]
        return ([view for view in views if view.datestamp == copy.run] or list(views)) if len(views) > 1 else list(views)

    def _changer(self, storage: str) -> Changer | None:
        if storage not in self._changers:
            try:
                self._changers[storage] = open_changer(self._site.storages[storage])
            except TaperoomError as fault:
                self._changers[storage], self._faults[storage] = None, fault
        return self._changers[storage]

    def _look(self, storage: str) -> list[SlotView]:
        """What is in the slots; nothing where the changer is not there."""
        changer = self._changer(storage)
        if changer is None:
            return []
        mark = changer.glance()
        known = self._views.get(storage)
        if known is None or known[0] != mark or mark is None:
            self._faults.pop(storage, None)
            try:
                views = changer.views()
            except TaperoomError as fault:
                views, self._faults[storage] = [], fault
            known = self._views[storage] = (mark, views)
        return known[1]
