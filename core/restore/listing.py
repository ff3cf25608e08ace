"""One dump's index: which names it holds, and which others were there when it was made.  Pure.

The format is Amanda's index (server-src/amindex.c, client-src/sendbackup): one path a line from ``/``, directories end
with ``/``, names as GNU tar prints them in quoting style `escape`.  A client of ours adds lines that begin with a TAB:
``\\t/path`` is a name that was in its directory but is not in this dump; ``\\t/old\\t/new`` a directory that was renamed
since the dump below (an empty name is a temporary one); ``\\t/`` says that such lines are complete.  Only with them a
listing is *exact*: what it does not name was not there.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from core.errors import WorldError
from core.index.names import clean_path, unquote
from core.index.record import Mark

MAX_NAMES = 50_000_000


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


def parse_listing(lines: Iterable[bytes]) -> Listing:
    """The listing of an index's lines, newlines or not.  Lines that name nothing are passed over.

    WorldError RST015 for more names than a file system can have.
    """
    found = Listing()
    renames: list[tuple[bytes, bytes]] = []
    for number, raw in enumerate(lines):
        if number >= MAX_NAMES:
            raise WorldError("RST015", f"an index has more than {MAX_NAMES} names", "it is not believed; see the dump itself")
        line = raw.rstrip(b"\n")
        if line.startswith(b"/"):
            if (path := clean_path(unquote(line))) is not None:
                found.add(path, Mark.DIRECTORY if line.endswith(b"/") else Mark.FILE)
        elif line.startswith(b"\t"):
            found.exact = True
            match [clean_path(unquote(word)) for word in line[1:].split(b"\t")]:
                case [b""]:
                    found.renames = renames
                case [bytes(path)]:
                    found.add(path, Mark.PRESENT)
                case [bytes(old), bytes(new)]:
                    found.renames = renames
                    renames.append((old, new))
    return found


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
