"""Whether an index names exactly the members that the archive has, in bounded memory.

Each name becomes a 128-bit number; two heaps of names are the same when they have as many and the same sum.  As long as
there are few of them the names themselves are kept, so that a difference is told by name.
"""

from __future__ import annotations

import zlib
from collections import Counter
from hashlib import blake2b
from pathlib import Path

from core.errors import WorldError
from core.index.reader import open_index
from core.index.record import Mark

FEW = 200_000
"""Names that are kept as they are; about 40 MB."""
_SHOWN = 5
_ONLY_A_LIST = "it is only a list: the dump itself has all names"
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
        with open_index(path) as index:
            for record in index.walk(b""):
                if record.mark is not Mark.PRESENT:
                    found.add(record.path, record.mark is Mark.DIRECTORY)
    except (OSError, EOFError, zlib.error) as fault:
        raise WorldError("VFY002", f"its index {path} cannot be read: {fault}", _ONLY_A_LIST) from fault
    except WorldError as fault:
        raise WorldError("VFY002", f"its index cannot be read: {fault.message}", _ONLY_A_LIST) from fault
    return found
