"""What stands in GNU tar's way when it extracts an incremental over the levels below, or some names of it.  Pure.

A directory that was renamed is renamed again before anything is extracted, and what was deleted goes only after that.  So a
directory that took the name of another one, which was deleted with all that was in it, finds that name taken: tar says
"Directory not empty", and then it deletes nothing at all.  A restore of ours makes the tree by itself and knows no such thing;
whoever restores by hand has to remove the name first.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from core.index.record import Mark
from core.restore.layer import Layer
from core.restore.merged import MergedTree, Moved, Renames, at, put, renamed, taken
from core.restore.tree import Directory, Node


@dataclass(frozen=True, slots=True)
class Way:
    """What has to be done before one level is extracted: ``away`` are names that have to be removed.

    With ``moves`` tar is not to be told that it is an incremental, since it cannot carry out its own renames: each directory is
    taken out of its old place and, when ``away`` is removed, put into its new one; then ``gone`` are the names to be removed
    that are not there any more, or as something else."""

    away: tuple[bytes, ...] = ()
    moves: tuple[tuple[bytes, bytes], ...] = ()
    gone: tuple[bytes, ...] = ()


NO_WAY = Way()


def ways_of(layers: Sequence[Layer]) -> list[Way]:
    """For each level of a chain."""
    return [_way(layers[:number + 1]) if number and layers[number].renames else NO_WAY for number in range(len(layers))]


def _way(layers: Sequence[Layer]) -> Way:
    below, renames = MergedTree(layers[:-1]).top, layers[-1].renames or ()
    away: list[bytes] = []
    sources = [_before(old, renames[:number]) for number, (old, _) in enumerate(renames) if old]
    root = Moved(renames, below)
    spare: Node | None = None
    for number, (old, new) in enumerate(renames):
        moved, spare = (taken(root, old), spare) if old else (spare, None)
        if moved is None:
            return _by_hand(below, renames, MergedTree(layers).top)
        if not new:
            spare = moved
            continue
        was, place = at(root, new), _before(new, renames[:number])
        filled = any(other.startswith(new + b"/") for _, other in renames[:number])
        if was is not None and (filled or any((source + b"/").startswith(place + b"/") for source in sources)):
            return _by_hand(below, renames, MergedTree(layers).top)
        if was is not None and (not isinstance(was, Directory) or was.children):
            away.append(place)
        put(root, new, moved)
    return Way(tuple(dict.fromkeys(away)))


def _by_hand(below: Directory, renames: Renames, above: Directory) -> Way:
    after, moves = renamed(below, renames)
    root = Moved(moves, below)
    for old, _ in moves:
        taken(root, old)
    away: dict[bytes, None] = {}
    for _, new in moves:
        # Whatever has the name, or is a file where a directory above it is wanted.
        path = b""
        for name in new.split(b"/"):
            path = path + b"/" + name if path else name
            there = at(root, path)
            if path in away or (there is not None and (path == new or not isinstance(there, Directory))):
                away[path] = None
                break
    return Way(tuple(away), tuple(moves), tuple(_gone(after, above)))


def _gone(before: Directory, after: Directory) -> Iterator[bytes]:
    """Names that are not there any more, or are a directory no more or only now."""
    below: list[tuple[bytes, Directory, Directory]] = [(b"", before, after)]
    while below:
        path, old, new = below.pop()
        now = new.children
        for name, node in sorted(old.children.items()):
            here, there = path + b"/" + name if path else name, now.get(name)
            if isinstance(node, Directory) and isinstance(there, Directory):
                below.append((here, node, there))
            elif there is None or isinstance(node, Directory) or isinstance(there, Directory):
                yield here


def _before(path: bytes, renames: Renames) -> bytes:
    """Where what is at ``path`` was before the renames; an empty name is tar's temporary directory."""
    aside: bytes | None = None
    for old, new in reversed(renames):
        if not new and aside is not None:
            path, aside = old + aside, None
        elif new and aside is None and (path == new or path.startswith(new + b"/")):
            rest = path[len(new):]
            if old:
                path = old + rest
            else:
                aside = rest
    return path


def touched(path: bytes, layers: Sequence[Layer]) -> bool:
    """Whether ``path``, something below it or a directory above it was renamed anywhere in a chain."""
    here = path + b"/"
    return any((name + b"/").startswith(here) or here.startswith(name + b"/")
               for layer in layers[1:] for pair in layer.renames or () for name in pair if name)


def hard_links(layer: Layer, directory: bytes) -> Iterator[bytes]:
    """The second names of files that a dump has below a directory."""
    below = [directory]
    while below:
        for record in layer.entries(below.pop()):
            if record.kind == "h":
                yield record.path
            elif record.mark is Mark.DIRECTORY or record.kind == "d":
                below.append(record.path)
