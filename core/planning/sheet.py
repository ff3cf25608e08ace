"""Tonight's drafts with their sums, against what the volumes of each storage hold.

The only thing in this package that changes.  Sizes are KiB; every dump costs one block more, for its header.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from core.model.site import Site
from core.planning import reasons as r
from core.planning.choose import Draft

BLOCK = 32
LABELS = 2 * BLOCK
"""The first and the last file of a volume."""

Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Medium:
    """The volumes that one run may fill of one storage; ``capacity`` KiB of one volume, 0: no limit."""

    name: str
    capacity: int
    volumes: int
    part_size: int = 0

    @property
    def room(self) -> int | None:
        """KiB that all of them hold; None: no limit."""
        return self.capacity * self.volumes if self.capacity else None

    def too_big(self, level: int, csize: int, may_split: bool) -> r.TooBig | None:
        """Why a dump of that size cannot be written at all, if so."""
        split = may_split and self.part_size > 0
        volumes = self.volumes if split else 1
        if not self.capacity or csize <= self.capacity * volumes:
            return None
        needs = -(-csize // self.capacity) if split else 0
        return r.TooBig(level, csize, needs, volumes, self.capacity, self.name)


def media_of(site: Site) -> dict[str, Medium]:
    """The media of a configuration, by the storage's name."""
    return {
        name: Medium(name, s.capacity, s.runtapes if s.runtapes is not None else site.run.runtapes, s.part_size)
        for name, s in site.storages.items()
    }


class Sheet:
    """Drafts in the order of the plan, what was dropped, and sums that are always right."""

    def __init__(self, drafts: Iterable[Draft], media: Mapping[str, Medium]) -> None:
        self.media = media
        self.drafts: dict[Key, Draft] = {}
        self.dropped: dict[Key, r.TooBig | r.NoSpace] = {}
        self.used = dict.fromkeys(media, LABELS)
        self.full_kib = 0
        for draft in sorted(drafts, key=rank):
            self._add(draft, 1)
            self.drafts[draft.key] = draft

    def put(self, draft: Draft) -> None:
        """Change a disk, or take it up again."""
        before = self.drafts.get(draft.key)
        if before is not None:
            self._add(before, -1)
        self.dropped.pop(draft.key, None)
        self.drafts[draft.key] = draft
        self._add(draft, 1)

    def drop(self, draft: Draft, cause: r.TooBig | r.NoSpace) -> None:
        """Do not dump it."""
        self._add(self.drafts.pop(draft.key), -1)
        self.dropped[draft.key] = cause

    def over(self, storage: str, spare: int = 0) -> r.NoSpace | None:
        """How much too much is planned for a storage, not counting ``spare`` KiB; None when it fits."""
        room = self.media[storage].room
        wanted = self.used[storage] - spare
        return r.NoSpace(0, wanted, room, storage) if room is not None and wanted > room else None

    def fits(self, draft: Draft, more: Mapping[str, int]) -> bool:
        """Whether everything still fits with ``draft`` in the place of what is planned for its disk.

        ``more`` KiB per storage are wanted by others.
        """
        before = self.drafts.get(draft.key)
        old = before.csize + BLOCK if before is not None else 0
        for name in draft.storages:
            room = self.media[name].room
            if room is not None and self.used[name] - old + draft.csize + BLOCK + more.get(name, 0) > room:
                return False
        return self.too_big(draft) is None

    def too_big(self, draft: Draft) -> r.TooBig | None:
        """Why it cannot be written to one of its storages even alone, if so."""
        for name in draft.storages:
            cause = self.media[name].too_big(draft.level, draft.csize, draft.may_split)
            if cause is not None:
                return cause
        return None

    def in_order(self) -> list[Draft]:
        """What is planned, in the order of the plan."""
        return sorted(self.drafts.values(), key=rank)

    def _add(self, draft: Draft, sign: int) -> None:
        for name in draft.storages:
            self.used[name] += sign * (draft.csize + BLOCK)
        if draft.full:
            self.full_kib += sign * draft.csize


def rank(draft: Draft) -> tuple[int, int, str, str]:
    """High priority first, then big ones; the name makes it the same every time."""
    return (-draft.standing.priority, -draft.csize, *draft.key)
