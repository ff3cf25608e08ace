"""Directories that go to their place as they are, with all that is in them, by one rename.

Only where the target does not have a directory and every name below it came out of the same dump, no more and no less.
Anything else is moved name by name, as is what a rename refuses.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

from core.landing.item import Item
from core.landing.place import Below, Identity, close_to_others, identity_of, names_in


@dataclass(slots=True)
class _Directory:
    """One that is wanted, ``source`` its name in the dump: names of files in it, paths of directories in it, whether it is
    ``mixed`` with what comes from elsewhere, and which one it is if the room has exactly what is wanted of it."""

    source: bytes
    files: set[bytes] = field(default_factory=set)
    inner: list[bytes] = field(default_factory=list)
    mixed: bool = False
    identity: Identity | None = None


def move_whole(
    root: Below, room: Below, at: Callable[[bytes], bytes], items: Sequence[Item], mine: Collection[bytes],
    kept: Collection[bytes],
) -> set[bytes]:
    """Move what can be out of the ``room`` to ``root``; the paths of the files that are in their place now.

    ``at(source)`` is where the room has a name of the dump.  ``items``: all that the restore wants; ``mine``: paths of the
    files that are to come from there; ``kept``: directories that the target had before.  Never raises: what is refused here
    is told by whoever moves it name by name.
    """
    directories = _wanted(items, mine)
    in_order = sorted(directories)  # each before what is in it
    for path in reversed(in_order):
        with contextlib.suppress(OSError):
            _look(room, at, path, directories)
    moved, files = set[bytes](), set[bytes]()
    for path in in_order:
        one = directories[path]
        if one.identity is None:
            continue
        alone = (one.files or one.inner) and path not in kept
        if _above(path) in moved or (alone and _take(root, room, at(one.source), path)):
            moved.add(path)
            root.made[path] = one.identity
            files |= {path + b"/" + name for name in one.files}
    return files


def _above(path: bytes) -> bytes:
    return path.rpartition(b"/")[0]


def _wanted(items: Sequence[Item], mine: Collection[bytes]) -> dict[bytes, _Directory]:
    """The directories that dumps have, by their paths."""
    found = {item.path: _Directory(item.source) for item in items if item.directory and item.path and item.dump >= 0}
    last, above = b"", found.get(b"")
    for path, _, source, directory, *_ in items:
        parent, _, name = path.rpartition(b"/")
        if parent != last:
            last, above = parent, found.get(parent)
        if above is None:
            continue
        as_it_was = source == path and above.source == parent
        if not (as_it_was or source == above.source + b"/" + name) or path not in (found if directory else mine):
            above.mixed = True
        elif directory:
            above.inner.append(path)
        else:
            above.files.add(name)
    return found


def _look(room: Below, at: Callable[[bytes], bytes], path: bytes, directories: dict[bytes, _Directory]) -> None:
    """Find out which directory it is if all that the room has of it is wanted; those in it were looked at.  OSError."""
    one = directories[path]
    if one.mixed:
        return
    with room.directory(at(one.source)) as opened:
        names, identity = names_in(opened), identity_of(opened)
    there = {path + b"/" + name for name in names - one.files}
    if one.files <= names and there <= set(one.inner) and all(directories[inner].identity is not None for inner in there):
        one.identity = identity


def _take(root: Below, room: Below, theirs: bytes, path: bytes) -> bool:
    """Move a directory to where there is nothing yet."""
    try:
        with contextlib.suppress(FileNotFoundError):
            root.stat(path)
            return False
        with room.directory(theirs) as opened:
            # It has the owner and mode that it was dumped with, which would let in others before all is in its place.
            close_to_others(opened)
        root.take(room, theirs, path)
    except OSError:
        return False
    finally:
        room.close()  # the way to a name in it is another one now
    return True
