"""One dump's names in memory: which it holds, and which others were there when it was made.

From the dump itself, when there is no index of it.  Only with the names that were there a listing is *exact*: what it does
not name was not there.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from core.index.names import clean_path
from core.index.record import Mark


@dataclass(slots=True)
class Listing:
    """Names by directory; paths are bytes from the disk's top without slashes at their ends, the top is ``b""``.

    ``listed``: the directories that are in the dump themselves.  ``renames`` None: the index does not tell.
    """

    names: dict[bytes, dict[bytes, Mark]] = field(default_factory=dict)
    listed: set[bytes] = field(default_factory=set)
    exact: bool = False
    renames: list[tuple[bytes, bytes]] | None = None

    def add(self, path: bytes, mark: Mark) -> None:
        """Take a name in; what a dump holds outweighs what was merely there."""
        if mark is Mark.DIRECTORY:
            self.listed.add(path)
            self.names.setdefault(path, {})
        if path:
            parent, _, name = path.rpartition(b"/")
            known = self.names.setdefault(parent, {})
            known[name] = max(mark, known.get(name, Mark.PRESENT))

    def complete(self) -> None:
        """Take in the directories that something is in, though nothing else tells of them: they were there."""
        for directory in list(self.names):
            while directory:
                parent, _, name = directory.rpartition(b"/")
                held = self.names.setdefault(parent, {})
                if name in held:
                    break
                held[name] = Mark.PRESENT
                directory = parent


def of_directory(listing: Listing, directory: bytes, body: bytes) -> None:
    """Take in a directory's list out of the dump itself (GNU tar manual, "Dumpdir"): ``Y`` in the dump, ``N`` not, ``D`` a
    directory, ``R`` and ``T`` a rename from and to, a temporary name ``X``."""
    listing.exact = True
    if listing.renames is None:
        listing.renames = []
    old: bytes | None = None
    for entry in body.split(b"\0"):
        kind, name = entry[:1], entry[1:]
        if kind == b"N" and (path := clean_path(directory + b"/" + name)):
            listing.add(path, Mark.PRESENT)
        elif kind == b"R":
            old = clean_path(name)
        elif kind == b"T" and old is not None and (new := clean_path(name)) is not None:
            listing.renames.append((old, new))
            old = None
