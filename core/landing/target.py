"""A directory of this machine that files are restored to.

Everything is extracted into the hidden room first; what came out of a dump with the right checksums is moved to its place, and
directories get their modes, owners, times and attributes last.  A file that is there already is kept unless overwriting was
asked for.  Whatever ends a restore, the same one goes on with what is missing.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from core.errors import TaperoomError, UsageError, WorldError
from core.landing.item import DIRECTORIES, FILES, LINKS, Item, Placed, There, Writer
from core.landing.place import Below, dress, fault_of, identity_of, look_of, make_passable, open_top, prospects
from core.landing.room import Room, room_name
from core.landing.salvage import Found, examine
from core.landing.state import Look, State, boot_id, head
from core.landing.tar import Tar
from core.landing.whole import move_whole

_SHOWN = 5
_NOTE_EVERY = 0.25
_NOTE_SIZE = 8 << 20
"""Seconds, or bytes, between two facts about how far an archive was compared."""
_MUCH = 64 << 20
"""Bytes that were compared, with which something is whole."""


class Target:
    """See `core.landing.item.Landing`.  ``items`` in the order of their paths; ``identity``: what is restored, in words, by
    which the same restore is known again.  Without ``links`` no link leads to ``to``.

    The directory is opened once, when it is looked at or made; from then on its name does not matter."""

    tars = 2

    def __init__(
        self, to: Path, items: Sequence[Item], identity: str, program: str = "tar", *, links: bool = True,
    ) -> None:
        self.to = to
        self._items, self._identity, self._program, self._links = items, identity, program, links
        self._root = Below(-1, os.fsencode(to))
        self._found: Found | None = None
        self._room: Room | None = None
        self._whole: set[bytes] = set()
        self._made = self._paused = False
        self._files = 0
        self._missing: list[bytes] = []
        self._next_note = 0.0
        self._children: list[Tar] = []
        self._extracted: set[int] = set()
        self._directories: dict[int, dict[bytes, bytes]] = {}  # by dump: names there, and here

    def look(self, fresh: bool) -> There:
        """See `Landing`."""
        try:
            self._open(make=False)
            self._found = examine(self._root, self._items, self._identity, fresh)
        except FileNotFoundError:
            if os.path.lexists(self.to):  # a link to what is not there
                raise self._no_directory() from None
            self._found = Found(There())
        except NotADirectoryError as fault:
            raise self._no_directory() if os.path.lexists(self.to) else _unusable(self.to, fault) from None
        except OSError as fault:
            raise _unusable(self.to, fault) from fault
        hindered, free = prospects(self.to, self._root.top)
        self._found.there = replace(self._found.there, hindered=hindered, free=free)
        return self._found.there

    def _open(self, *, make: bool) -> None:
        if self._root.top >= 0:
            os.close(self._root.top)
            self._root.top = -1
        self._root.top = open_top(self.to, make=make, links=self._links)

    def _no_directory(self) -> UsageError:
        return UsageError("RST030", f"{self.to} is not a directory", "name one that is, or one that does not exist yet")

    def begin(self, overwrite: bool, fresh: bool) -> None:
        """See `Landing`; what `look` saw is believed."""
        if self._found is None:
            self.look(fresh)
        found = self._found
        assert found is not None
        self._refuse(found.there, overwrite, fresh)
        state = found.state if not fresh else None
        try:
            if not found.there.exists:
                self._open(make=True)
                self._made = True
            elif found.state is not None:
                self._made = found.state.made
        except OSError as fault:
            raise _unusable(self.to, fault) from fault
        try:
            self._room = Room(self._root, room_name(item.path.partition(b"/")[0] for item in self._items))
        except TaperoomError:
            if not found.there.exists:
                self._unmake()
            raise
        try:
            self._take(found, state)
        except OSError as fault:
            raise fault_of(fault, self._root.shown) from fault

    def _unmake(self) -> None:
        """Remove the target that was made, unless somebody moved it."""
        with contextlib.suppress(OSError):
            above = os.open("..", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=self._root.top)
            try:
                if os.path.samestat(os.stat(self.to.name, dir_fd=above, follow_symlinks=False), os.fstat(self._root.top)):
                    os.rmdir(self.to.name, dir_fd=above)
            finally:
                os.close(above)

    def _refuse(self, there: There, overwrite: bool, fresh: bool) -> None:
        if there.former and not fresh:
            raise UsageError("RST034", f"{self.to} has an interrupted restore of something else: {there.former}",
                             "restore that again to go on with it, choose another directory, or forget it with --fresh")
        taken = there.blocked if overwrite else there.taken + there.blocked
        if taken:
            shown = ", ".join(sorted(taken)[:_SHOWN]) + (" …" if len(taken) > _SHOWN else "")
            raise UsageError("RST031", f"{self.to} has {len(taken)} of the names already: {shown}",
                             "restore to an empty directory, or ask for overwriting")

    def _take(self, found: Found, state: State | None) -> None:
        """Put in place what is whole, or begin anew."""
        assert self._room is not None
        for path in found.spoilt:
            self._root.unlink(path)
        kept = state.kept if state is not None else found.kept
        for item in self._items:
            if item.directory and item.path and item.path not in kept:
                with contextlib.suppress(FileNotFoundError, NotADirectoryError), self._root.directory(item.path) as opened:
                    make_passable(opened)  # it was dressed by a restore that paused
                    self._root.made[item.path] = identity_of(opened)
        if state is None:
            began = State(self._identity, time.time(), boot_id(), made=self._made, kept=found.kept, taken=found.taken)
            self._room.begin(head(began), began)
            return
        self._room.state = state
        self._room.note({"again": time.time(), "boot": boot_id()})
        with self._room.below() as room:
            for item, at in found.ready:
                self._root.take(room, at, item.path)
        self._whole |= found.there.whole
        self._files += len(self._whole)
        self._room.empty()
        for number in {item.dump for item in self._items if item.dump >= 0} - set(state.out):
            if state.proved.get(number):
                self._room.note({"dump": number, "proved": 0})

    def writer(self, dump: int, part: str) -> Writer:
        """See `Landing`."""
        assert self._room is not None
        second = part == FILES and dump in self._extracted
        if second and dump not in self._room.state.double:
            self._room.note({"dump": dump, "tars": 2})
        try:
            place = self._room.place(dump, part)
            if second:
                self._make_directories(self._room, dump)
        except OSError as fault:
            raise fault_of(fault, self._root.shown) from fault
        if part == FILES:
            self._extracted.add(dump)
        child = Tar(place, self._room.path / str(dump) / part, self._room.lock, self._program)
        self._children.append(child)
        return child

    def _make_directories(self, room: Room, dump: int) -> None:
        """All that files of a dump go to: two tars that both find one missing, and make it, are in each other's way."""
        wanted = {item.source.rpartition(b"/")[0] for item in self._items if item.dump == dump and not item.directory}
        with room.below() as below:
            for directory in sorted(wanted - {b""}):
                below.make(_inside(dump, FILES, directory))

    def clear(self, dump: int, part: str) -> None:
        """See `Landing`."""
        assert self._room is not None
        self._room.drop(dump, part)
        if part == FILES:
            self._extracted.discard(dump)
            if self._room.state.proved.get(dump):
                self._room.note({"dump": dump, "proved": 0})
        if part == DIRECTORIES and dump in self._room.state.dressed:
            self._room.note({"dump": dump, "undressed": 1})

    def dress(self, dump: int) -> None:
        """See `Landing`."""
        assert self._room is not None
        self._note_looks(self._room, dump, DIRECTORIES)
        self._room.drop(dump, DIRECTORIES)

    def seen(self, dump: int, source: bytes, look: Look) -> None:
        """See `Landing`."""
        room = self._room
        assert room is not None
        if dump not in self._directories:
            self._directories[dump] = {item.source: item.path for item in self._items if item.dump == dump and item.directory}
        path = self._directories[dump].get(source)
        if path is not None:
            room.note({"dump": dump, "looks": {os.fsdecode(path): look.plain()}})

    def _note_looks(self, room: Room, dump: int, part: str) -> None:
        """Write down how the directories of a dump look, before anything is moved out of them, which changes their times."""
        looks: dict[bytes, Look] = {}
        known = room.state.looks.keys() if dump in room.state.dressed else ()
        try:
            with room.below() as below:
                for item in self._items:
                    if item.dump == dump and item.directory and item.path not in known:
                        with (contextlib.suppress(FileNotFoundError, NotADirectoryError),
                              below.directory(_inside(dump, part, item.source)) as opened):
                            looks[item.path] = look_of(opened)
        except OSError as fault:
            raise fault_of(fault, self._root.shown) from fault
        room.note({"dump": dump, "looks": {os.fsdecode(path): look.plain() for path, look in looks.items()}})

    def proved(self, dump: int, size: int) -> None:
        """See `Landing`.  Not every call is a fact: the last one before an interruption may be lost."""
        room = self._room
        assert room is not None
        now, more = time.monotonic(), size - room.state.proved.get(dump, 0)
        if more > 0 and (more >= _NOTE_SIZE or now >= self._next_note):
            self._next_note = now + _NOTE_EVERY
            room.note({"dump": dump, "proved": size})
            room.tick()

    def land(self, dump: int, linked: set[bytes], links: dict[bytes, bytes]) -> list[bytes]:
        """See `Landing`."""
        room = self._room
        assert room is not None
        mine = [item for item in self._items if item.dump == dump and not item.directory]
        missing: list[bytes] = []
        # Directories that came before all files are known already.
        self._note_looks(room, dump, FILES)
        room.note({"dump": dump, "out": sorted(map(os.fsdecode, linked))})
        try:
            places = {item.source: item.path for item in mine} if links else {}
            with room.below() as below:
                alone = {item.path for item in mine if item.source not in linked and item.source not in links}
                there = move_whole(self._root, below, lambda source: _inside(dump, FILES, source), self._items,
                                   alone - self._whole, room.state.kept)
                self._whole |= there
                self._files += len(there)
                for item in mine:
                    if item.path in self._whole:
                        continue
                    at = _inside(dump, LINKS if item.source in linked else FILES, item.source)
                    if item.source in links:
                        self._root.link(places.get(links[item.source], b""), item.path)
                    elif below.find(at) is None:
                        missing.append(item.path)
                        continue
                    else:
                        self._root.take(below, at, item.path)
                    self._whole.add(item.path)
                    self._files += 1
            room.note({"dump": dump, "placed": 1})
            room.tick()
        except OSError as fault:
            raise fault_of(fault, self._root.shown) from fault
        room.drop(dump)
        self._missing += missing
        return missing

    def finish(self) -> Placed:
        """See `Landing`."""
        room = self._room
        assert room is not None
        look = room.state.looks.get(b"")
        done = self._dress(room)
        room.remove()
        try:
            if self._made:
                dress(self._root.top, look)
        except OSError as fault:
            raise fault_of(fault, self._root.shown) from fault
        return done

    def pause(self) -> Placed:
        """See `Landing`."""
        assert self._room is not None
        done = self._dress(self._room)
        self._room.close()
        self._paused = True
        return done

    def _dress(self, room: Room) -> Placed:
        """All directories but the target itself, the deepest last to be made and first to be dressed."""
        done = Placed(self._files, 0, self._missing)
        ours: list[Item] = []
        try:
            for item in self._items:
                if not item.directory:
                    continue
                done.directories += 1
                if item.path and item.path not in room.state.kept:
                    self._root.make(item.path)
                    ours.append(item)
            # What is done inside a directory changes its time.
            for path, dump in reversed([(item.path, item.dump) for item in ours]):
                with self._root.directory(path) as opened:
                    if self._root.made.get(path) != identity_of(opened):
                        raise self._exchanged(path)
                    look = room.state.looks.get(path)
                    if look is not None or dump < 0:  # its dump has not been read: who may enter is not known, and nobody may
                        dress(opened, look)
        except OSError as fault:
            raise fault_of(fault, self._root.shown) from fault
        return done

    def leave(self) -> bool:
        """See `Landing`."""
        for child in self._children:
            child.kill()
        room = self._room
        if room is None or room.lock < 0:
            return self._paused
        if self._whole or self._worth_going_on(room.state):
            room.close()
            return True
        room.remove()
        if self._made:
            self._unmake()
        return False

    def _exchanged(self, path: bytes) -> WorldError:
        """Owner, mode and times of a directory are not given to one that came from elsewhere."""
        return WorldError("RST038", f"{os.fsdecode(self._root.path(path))} is not the directory that this restore made there",
                          "somebody changes the target meanwhile; restore to a directory that only you may write")

    def _worth_going_on(self, state: State) -> bool:
        """Whether anything in the room is whole; where much was compared that is not looked up."""
        if state.placed or state.out or max(state.proved.values(), default=0) > _MUCH:
            return True
        try:
            return bool(examine(self._root, self._items, self._identity, False).there.whole)
        except OSError:
            return True

    def close(self) -> None:
        """See `Landing`."""
        if self._room is not None:
            self._room.close()
        self._root.close()
        if self._root.top >= 0:
            os.close(self._root.top)
            self._root.top = -1


def _inside(dump: int, part: str, source: bytes) -> bytes:
    """A name in the room."""
    return b"%d/%s/%s" % (dump, part.encode(), source) if source else b"%d/%s" % (dump, part.encode())


def _unusable(to: Path, fault: OSError) -> TaperoomError:
    return UsageError("RST030", f"{to}: {fault.strerror}", "restore to a directory that you may write")
