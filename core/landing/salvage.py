"""What an interrupted restore left that is whole.  Looks only.

A file in the room counts if all of its dump was extracted, or if it has the size, time and kind that the index tells, lies
before the byte to which the archive was compared with its checksums, and was not the last that tar was at: tar gives a file its
time when its data is written, and its owner and attributes right after.  A file in its place counts if it was put there by that
restore and is still what it was.  After a power cut only what had been on disk before counts.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass, field

from core.landing.item import FILES, LINKS, Item, There, ways_of
from core.landing.place import Below
from core.landing.room import open_room, room_name
from core.landing.state import NAME, State, boot_id, booted, read_state


@dataclass(slots=True)
class Found:
    """What `examine` saw: besides ``there`` the facts of an interrupted restore of the same, files in its room that are whole,
    with their names there, files in their places that are ours and no good any more, and directories and files that were there
    before."""

    there: There
    state: State | None = None
    ready: list[tuple[Item, bytes]] = field(default_factory=list)
    spoilt: list[bytes] = field(default_factory=list)
    kept: set[bytes] = field(default_factory=set)
    taken: set[bytes] = field(default_factory=set)


def examine(target: Below, items: Sequence[Item], identity: str, fresh: bool) -> Found:
    """What is in a target of ``items``, and what a restore of that ``identity`` left.  OSError; WorldError RST037.

    ``fresh``: nothing of it counts, but what it put in place may be replaced.
    """
    if not any(os.scandir(target.top)):
        return Found(There(True))
    name = room_name(item.path.partition(b"/")[0] for item in items)
    room = open_room(target, name)
    if room is None:
        look = _Examiner(target, items, None, None, fresh)
        for item in items:
            look.at(item)
        return look.found("")
    try:
        known = read_state(NAME, room)
        state = known if known is not None and known.identity == identity else None
        with Below(room, target.path(os.fsencode(name))) as inside:
            look = _Examiner(target, items, inside, state, fresh)
            for item in items:
                look.at(item)
        return look.found(known.identity if known is not None and state is None else "")
    finally:
        os.close(room)


class _Examiner:
    def __init__(self, target: Below, items: Sequence[Item], inside: Below | None, state: State | None, fresh: bool) -> None:
        self._target, self._inside, self._state, self._fresh = target, inside, state, fresh
        self._boot, self._booted = boot_id(), booted()
        self._taken, self._blocked = list[bytes](), list[bytes]()
        self._whole: set[bytes] = set()
        self._kept: set[bytes] = set()
        self._dressed: set[bytes] = set()
        self._spoilt: list[bytes] = []
        self._in_room: list[tuple[Item, os.stat_result, bytes]] = []
        self._ways = {dump: ways_of(items, dump) for dump in state.double} if state is not None else {}

    def at(self, item: Item) -> None:
        """Look at one name."""
        state = self._state
        if item.directory and state is not None and item.path in state.looks and item.dump in state.dressed and not self._fresh:
            self._dressed.add(item.path)
        try:
            found = self._target.stat(item.path)
        except (FileNotFoundError, NotADirectoryError):
            found = None
        if found is None:
            if not item.directory:
                self._look_in_room(item)
            return
        if stat.S_ISDIR(found.st_mode) != item.directory:
            self._blocked.append(item.path)
        elif item.directory:
            if self._state is None or item.path in self._state.kept:
                self._kept.add(item.path)
        elif not self._ours(item, found):
            self._taken.append(item.path)
            self._look_in_room(item)

    def _ours(self, item: Item, found: os.stat_result) -> bool:
        """Whether the interrupted restore put this file there; if so, whether it is whole is noted."""
        state = self._state
        if state is None or (item.path in state.taken and item.dump not in state.placed):
            return False
        trusted = state.trusts(found, self._boot)
        if not item.like(found):
            if trusted or found.st_ctime >= self._booted:
                return False
            self._spoilt.append(item.path)  # what a power cut made of it
        elif not trusted:
            self._spoilt.append(item.path)
        elif item.detailed or item.dump in state.out or item.dump in state.placed:
            if not self._fresh:
                self._whole.add(item.path)
        else:
            self._spoilt.append(item.path)
        return True

    def _look_in_room(self, item: Item) -> None:
        state, inside = self._state, self._inside
        if state is None or inside is None or self._fresh or item.dump < 0:
            return
        part = LINKS if item.source in state.out.get(item.dump, ()) else FILES
        at = b"%d/%s/%s" % (item.dump, part.encode(), item.source)
        found = inside.find(at)
        if found is not None and not stat.S_ISDIR(found.st_mode):
            self._in_room.append((item, found, at))

    def found(self, former: str) -> Found:
        """All of it."""
        state, ready = self._state, list[tuple[Item, bytes]]()
        # The one that a tar was at was changed last of its own; the system's clock has ticks, so there may be several.
        newest = [0, 0]
        for item, found, _ in self._in_room:
            newest[self._way(item)] = max(newest[self._way(item)], found.st_ctime_ns)
        for item, found, at in self._in_room:
            assert state is not None
            if not state.trusts(found, self._boot):
                continue
            settled = found.st_ctime_ns < newest[self._way(item)] and 0 < item.end <= state.proved.get(item.dump, 0)
            if item.dump in state.out or (settled and item.detailed and item.like(found)):
                ready.append((item, at))
                self._whole.add(item.path)
        there = There(True, tuple(map(_show, self._taken)), tuple(map(_show, self._blocked)), frozenset(self._whole),
                      frozenset(self._dressed), former, state is not None)
        return Found(there, state, ready, self._spoilt, self._kept, set(self._taken))

    def _way(self, item: Item) -> int:
        """Which tar was at it, where two were at its dump."""
        return self._ways[item.dump].get(item.source.rpartition(b"/")[0], 0) if item.dump in self._ways else 0


def _show(path: bytes) -> str:
    return "/" + path.decode("utf-8", "replace")
