"""Whether an index names exactly the members that the archive has, in bounded memory.

Each name becomes a 128-bit number; two heaps of names are the same when they have as many and the same sum.  As long as
there are few of them the names themselves are kept, so that a difference is told by name.
"""

from __future__ import annotations

import gzip
import zlib
from collections import Counter
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path

from core.errors import WorldError
from core.restore.listing import clean_path, unquote

FEW = 200_000
"""Names that are kept as they are; about 40 MB."""
_SHOWN = 5
_LONGEST = 256 * 1024
_MODULUS = 1 << 128


class Names:
    """A heap of names, directories told from all else."""

    def __init__(self) -> None:
        self.count = 0
        self._sum = 0
        self._kept: Counter[bytes] | None = Counter()

    def add(self, path: bytes, is_directory: bool) -> None:
        """Take one in."""
        name = path + b"/" if is_directory else path
        self.count += 1
        self._sum = (self._sum + int.from_bytes(blake2b(name, digest_size=16).digest(), "big")) % _MODULUS
        if self._kept is not None:
            self._kept[name] += 1
            if self.count > FEW:
                self._kept = None

    def same(self, other: Names) -> bool:
        """Whether both have the same names."""
        return (self.count, self._sum) == (other.count, other._sum)

    def without(self, other: Names) -> list[bytes] | None:
        """The names that ``other`` has not, in order; None when there are too many to tell."""
        if self._kept is None or other._kept is None:
            return None
        return sorted((self._kept - other._kept).elements())


def difference(index: Names, archive: Names) -> str:
    """How they differ, as words; empty when they do not."""
    if index.same(archive):
        return ""
    said = []
    for one, other, what in ((index, archive, "in the index and not in the archive"),
                             (archive, index, "in the archive and not in the index")):
        found = one.without(other)
        if found is None:
            return f"the index has {index.count} names, the archive {archive.count}, and they are not the same"
        if found:
            names = ", ".join("/" + name.decode("utf-8", "replace") for name in found[:_SHOWN])
            said.append(f"{len(found)} {what}: {names}{' …' if len(found) > _SHOWN else ''}")
    return "; ".join(said)


def index_names(path: Path) -> Names:
    """The names that an index says are in its dump.  WorldError VFY002 when it cannot be read."""
    found = Names()
    try:
        for line in _lines(path):
            if line.startswith(b"/") and (name := clean_path(unquote(line.rstrip(b"\n")))) is not None:
                found.add(name, line.endswith(b"/\n") or line == b"/")
    except (OSError, EOFError, zlib.error) as fault:
        raise WorldError("VFY002", f"its index {path} cannot be read: {fault}",
                         "it is only a list: the dump itself has all names") from fault
    return found


def _lines(path: Path) -> Iterator[bytes]:
    with (gzip.open(path, "rb") if path.suffix == ".gz" else open(path, "rb")) as file:
        while line := file.readline(_LONGEST):
            yield line
