"""The indexes of dumps as layers of a tree: opened when they are needed, made up for when they cannot be read.

An index that is not there, or turns out to be damaged in the middle of an answer, is replaced by what the dump itself
says: right, but slow, and said as a warning.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from types import TracebackType
from typing import Self

from core.catalogue.queries import Dump, DumpKey
from core.errors import TaperoomError, WorldError
from core.index.reader import IndexReader, open_index
from core.index.record import Record
from core.model.site import Site
from core.restore.asof import show_stamp
from core.restore.extract import Counter
from core.restore.indexfile import index_file
from core.restore.layer import Layer, Listed
from core.restore.scan import scan
from core.restore.source import Warn


class Unread(WorldError):
    """A dump has no index that can be read, and the dump itself was not to be read for it (RST018)."""


def title_of(dump: Dump) -> str:
    """A dump as messages name it."""
    return f"{dump.host}:{dump.disk} level {dump.level} of {show_stamp(dump.datestamp)}"


class Indexes:
    """The indexes of a site, each opened once; a context manager.

    ``tell`` is told of each index that cannot be read.  ``count`` is told of bytes of dumps that are read in its place, and
    ``warn`` of copies of them that are no good; without ``count`` they are not read, and `Unread` is raised.  ``exact``: an
    index that does not tell which files were deleted (a stock client's that compresses) is made up for in the same way.
    """

    def __init__(
        self, site: Site, tell: Warn, count: Counter | None = None, warn: Warn | None = None, *, exact: bool = False,
    ) -> None:
        self._site, self._tell, self._count, self._warn, self._exact = site, tell, count, warn or tell, exact
        self._open: dict[DumpKey, _Index] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Let all files go."""
        self.keep(())

    def keep(self, chain: Sequence[Dump]) -> None:
        """Let all files go but those of a chain."""
        for key in self._open.keys() - {dump.key for dump in chain}:
            self._open.pop(key).close()

    def layers(self, chain: Sequence[Dump]) -> list[Layer]:
        """A layer for each dump of a chain.  WorldError RST024 when neither index nor dump can be read, or `Unread`."""
        for dump in chain:
            if dump.key not in self._open:
                self._open[dump.key] = _Index(self._read(dump), partial(self._damaged, dump), partial(self._renames, dump))
        return [self._open[dump.key] for dump in chain]

    def _read(self, dump: Dump) -> IndexReader | Listed:
        path = index_file(self._site, dump)
        if path is None:
            return self._scan(dump, "has no index")
        try:
            found = open_index(path)
        except (OSError, WorldError) as fault:
            return self._damaged(dump, fault)
        if not self._exact or found.exact or not dump.level or self._count is None:
            return found
        try:
            listing = scan(self._site, dump, self._count, self._warn)
        except TaperoomError:
            return found
        if not listing.exact:  # no GNU tar: it tells of deleted files nowhere
            return found
        found.close()
        return Listed(listing)

    def _damaged(self, dump: Dump, fault: OSError | WorldError) -> Listed:
        why = fault.message if isinstance(fault, WorldError) else fault
        return self._scan(dump, f"its index {index_file(self._site, dump)} cannot be read ({why})")

    def _scan(self, dump: Dump, why: str) -> Listed:
        if self._count is None:
            raise Unread("RST018", f"{title_of(dump)}: {why}", "taperoom ls with its date reads its names from the dump itself")
        self._tell(f"RST018 {title_of(dump)}: {why}; its names come from the dump itself")
        return Listed(scan(self._site, dump, self._count, self._warn))

    def _renames(self, dump: Dump) -> Sequence[tuple[bytes, bytes]]:
        """What was renamed, from the head of the dump, where tar put it."""
        if not dump.level:
            return []
        try:
            return scan(self._site, dump, self._count or _ignore, lambda text: None, head=True).renames or []
        except TaperoomError as fault:
            self._tell(f"RST019 {title_of(dump)}: which directories were renamed before it is not known ({fault.message})")
            return []


def _ignore(place: str, size: int) -> None:
    pass


class _Index:
    """A layer that becomes another one when it meets damage."""

    def __init__(
        self, held: IndexReader | Listed, instead: Callable[[OSError | WorldError], Listed],
        look: Callable[[], Sequence[tuple[bytes, bytes]]],
    ) -> None:
        self._held = held
        self._instead, self._look = instead, look
        self._renames: Sequence[tuple[bytes, bytes]] | None = None

    @property
    def exact(self) -> bool:
        """See `Layer`."""
        return self._held.exact

    @property
    def renames(self) -> Sequence[tuple[bytes, bytes]] | None:
        """See `Layer`; looked up in the dump itself when an exact index does not tell."""
        if self._held.renames is not None or not self._held.exact:
            return self._held.renames
        if self._renames is None:
            self._renames = self._look()
        return self._renames

    def entries(self, directory: bytes) -> list[Record]:
        """See `Layer`."""
        try:
            return self._held.entries(directory)
        except (OSError, WorldError) as fault:
            return self._replaced(fault).entries(directory)

    def find(self, path: bytes) -> Record | None:
        """See `Layer`."""
        try:
            return self._held.find(path)
        except (OSError, WorldError) as fault:
            return self._replaced(fault).find(path)

    def search(self, needle: bytes, fold: bool = False) -> Iterator[Record]:
        """See `Layer`; after damage some come a second time."""
        try:
            yield from self._held.search(needle, fold)
        except (OSError, WorldError) as fault:
            yield from self._replaced(fault).search(needle, fold)

    def match(self, glob: bytes) -> Iterator[Record]:
        """See `Layer`; after damage some come a second time."""
        try:
            yield from self._held.match(glob)
        except (OSError, WorldError) as fault:
            yield from self._replaced(fault).match(glob)

    def _replaced(self, fault: OSError | WorldError) -> Listed:
        """What the dump itself says, from now on."""
        if isinstance(self._held, Listed):
            raise fault
        found = self._instead(fault)
        self.close()
        self._held = found
        return found

    def close(self) -> None:
        """Let the file go."""
        if isinstance(self._held, IndexReader):
            self._held.close()
