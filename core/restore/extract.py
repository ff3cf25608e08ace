"""Out of one dump exactly the chosen members, by a real tar, into a directory of its own.

The dump streams through once: CRC, unpacking, comparing with the checksums of its own day, choosing, tar; or only those parts
of it that have the members, where its index tells (`core.restore.ranges`).  A hard link whose first name was not chosen would
be lost, as it is in Amanda's amrecover; such names are extracted in a second pass together with what they are links to.
Where the tar is and where its files go in the end is not known here: `core.landing` does that.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from core.catalogue.queries import Dump
from core.errors import PeerError, TaperoomError, WorldError
from core.holding.header import Header
from core.index.names import clean_path
from core.landing.item import DIRECTORIES, FILES, LINKS, Landing, Writer
from core.model.site import Site
from core.restore.kept import Compared, read_sums
from core.restore.looks import look_by
from core.restore.places import Reader
from core.restore.ranges import Ranges, ranges_of
from core.restore.remains import remains_of
from core.restore.runs import Run, feed
from core.restore.shelves import Absent
from core.restore.source import Place
from core.restore.tarstream import BLOCK, Member, TarStream
from core.restore.unpack import unpacked

Counter = Callable[[str, int], None]
"""Told where data is read and how many more bytes of it were."""

WHOLE, SUMS, FRAMES, HEADERS = "whole", "sums", "frames", "headers"
"""How what was read of a dump was checked: all of it by its checksum; what was read by the checksums of each MiB that were
taken when it was dumped; by those of its frames; only the headers of its members."""


@dataclass(frozen=True, slots=True)
class Want:
    """What is wanted of a dump: ``paths`` as the dump has them; ``held``: others that are in place already; ``ranges``: how to
    read only that, None: all of it; ``long``: it takes so long that an interruption is to be reckoned with; ``ways``: which of
    two tars gets the files of a directory (`ways_of`), empty: one is enough; ``runs``: what of it needs no look
    (`core.restore.runs`)."""

    paths: frozenset[bytes]
    held: frozenset[bytes] = frozenset()
    ranges: Ranges | None = None
    long: bool = False
    ways: Mapping[bytes, int] = field(default_factory=dict)
    runs: Sequence[Run] = ()


@dataclass(slots=True)
class Extracted:
    """What came out: of the names these are ``linked`` ones, beside the rest; ``links``: names of files that are in place, to
    the names that those have in the dump; ``words``: what tar said that an operator should read; ``ways``: how each reading
    was checked; ``warnings`` with their codes."""

    linked: set[bytes] = field(default_factory=set)
    links: dict[bytes, bytes] = field(default_factory=dict)
    words: list[str] = field(default_factory=list)
    ways: set[str] = field(default_factory=set)
    warnings: list[str] = field(default_factory=list)

    @property
    def checked(self) -> str:
        """The worst of the ways."""
        return next((way for way in (HEADERS, FRAMES, SUMS) if way in self.ways), WHOLE)


class Extraction:
    """Taking members out of one dump, number ``number`` for the target ``landing``."""

    def __init__(self, site: Site, dump: Dump, number: int, landing: Landing, count: Counter, *, begun: bool) -> None:
        """``begun``: something of it may be there from a former attempt."""
        self._site, self._dump, self._number, self._landing, self._count = site, dump, number, landing, count
        self._begun = begun

    def run(self, want: Want, reader: Reader) -> Extracted:
        """Extract what is wanted from the first copy that is good; see `Reader.first_good`.

        Where no copy is good, what is whole of it (`core.restore.remains`), if anything is.  Also WorldError RST025 when the
        target takes no more.
        """
        how = _How(want.long or bool(want.ways), want.ways if self._landing.tars > 1 else {}, want.runs)

        def use(place: Place) -> Extracted:
            self._clear(FILES, LINKS, DIRECTORIES)
            done = Extracted()
            dangling = self._some(place, want.paths, want.ranges, FILES, how, done)
            while dangling:
                # Their first names are in their place, or were not asked for: extract those, too, beside the rest.
                done.links |= {path: first for path, first in dangling.items() if first in want.held}
                dangling = {path: first for path, first in dangling.items() if first not in want.held}
                if not dangling:
                    break
                done.linked |= dangling.keys()
                wanted = frozenset(dangling) | frozenset(dangling.values())
                ranges = ranges_of(self._site, self._dump, wanted)
                again = self._some(place, wanted, ranges, LINKS, _PLAINLY, done)
                dangling = again if again != dangling else {}
            return done

        try:
            return reader.first_good(use)
        except WorldError as fault:
            if fault.code != "RST024" or not reader.places or (found := self._remains(want, reader, fault)) is None:
                raise
            return found

    def _remains(self, want: Want, reader: Reader, fault: WorldError) -> Extracted | None:
        """What is whole of a dump that is damaged in all places; None when nothing is."""
        opened = remains_of(self._site, self._dump, reader.places, self._count, check_program)
        if opened is None:
            return None
        index, remains = opened
        with index:
            whole, done = remains.whole(want.paths), Extracted(ways={SUMS if index.frames is None else FRAMES})
            files = {path for path in whole if not index.listed(path)}
            if not files:
                return None
            self._clear(FILES, LINKS, DIRECTORIES)
            done.words, _, dangling = self._pass(whole, FILES, _PLAINLY, lambda stream: remains.feed(whole, stream))
            done.links = {path: first for path, first in dangling.items() if first in want.held}
            firsts = remains.whole({first for path, first in dangling.items() if path not in done.links})
            done.linked = {path for path, first in dangling.items() if first in firsts}
            if done.linked:
                more = firsts | done.linked
                done.words += self._pass(more, LINKS, _PLAINLY, lambda stream: remains.feed(more, stream))[0]
        unlinked = dangling.keys() - done.links.keys() - done.linked
        if not files - unlinked:
            return None
        dump, lost, many = self._dump, len(want.paths) - len(whole) + len(unlinked), len(want.paths)
        done.warnings.append(
            f"RST042 {dump.host}:{dump.disk} level {dump.level} of {dump.datestamp}: no copy of it is whole ({fault.message});"
            f" {lost} of {many} names lie where it is damaged, the others are restored")
        return done

    def _clear(self, *parts: str) -> None:
        if self._begun:
            for part in parts:
                self._landing.clear(self._number, part)
        self._begun = True

    def _some(
        self, place: Place, wanted: frozenset[bytes], ranges: Ranges | None, part: str, how: _How, done: Extracted
    ) -> dict[bytes, bytes]:
        """The chosen members into a tar; links that were held back, to the names that they need."""
        def proved(size: int) -> None:
            if part == FILES:
                self._landing.proved(self._number, size)

        if ranges is not None and place.open_at is not None:
            some = ranges
            try:
                said, found, dangling = self._pass(
                    wanted, part, how, lambda stream: some.feed(place, stream, self._count, check_program, proved))
                if found == wanted:
                    done.words += said
                    done.ways.add(FRAMES if ranges.frames is not None else SUMS if ranges.sums is not None else HEADERS)
                    return dangling
            except TaperoomError as fault:
                if fault.code in ("RST025", "RST041") or isinstance(fault, Absent | PeerError):
                    raise
            # The index, the checksums of parts, or the dump just there is not what it should be; reading all of it tells which.
            self._clear(part, DIRECTORIES)

        def whole(runs: Sequence[Run]) -> tuple[list[str], set[bytes], dict[bytes, bytes]]:
            return self._pass(wanted, part, how, lambda stream: feed(
                archive_of(self._site, self._dump, place, self._count, proved), runs, stream))

        try:
            said, _, dangling = whole(how.runs)
        except WorldError as fault:
            if fault.code != "RST020" or not how.runs:
                raise
            self._clear(part, DIRECTORIES)
            said, _, dangling = whole(())
        done.words += said
        done.ways.add(WHOLE)
        return dangling

    def _pass(
        self, wanted: frozenset[bytes], part: str, how: _How, feed: Callable[[TarStream], None]
    ) -> tuple[list[str], set[bytes], dict[bytes, bytes]]:
        """``feed`` a stream into a tar; what tar said, which of the names were met, and of them the links that were held back,
        to the names that they need."""
        met, dangling = set[bytes](), dict[bytes, bytes]()
        tars = _Tars(self._landing, self._number, part, how)

        def choose(member: Member) -> bool:
            path = clean_path(member.name)
            if path is None or path not in wanted:
                return False
            met.add(path)
            target = clean_path(member.link) if member.link else None
            if target is not None and target not in wanted:
                dangling[path] = target
                return False
            if tars.early and not member.is_directory:
                stream.flush()
                tars.files_come()
            elif tars.told and member.is_directory and (look := look_by(stream.own_header, time.time_ns())) is not None:
                self._landing.seen(self._number, path, look)
            if tars.several:
                # A link needs what it is a link to.  A directory gets its time when its tar ends: the first one ends last.
                to = path if target is None else target
                way = 0 if member.is_directory else how.ways.get(to.rpartition(b"/")[0], 0)
                if way != tars.way:
                    stream.flush()
                    tars.way = way
            return True

        try:
            stream = TarStream(choose, tars.write, together=True)
            try:
                feed(stream)
                stream.finish()
                tars.files_come()
                tars.end()
            except BrokenPipeError:
                pass  # tar has given up; it says why
            said = tars.finish()
        finally:
            tars.kill()
        return said, met, dangling


@dataclass(frozen=True, slots=True)
class _How:
    """``early``: directories that come before all files go to a tar of their own; ``ways``: which of two tars gets the rest,
    empty: there is one; ``runs`` of what is not looked at."""

    early: bool = False
    ways: Mapping[bytes, int] = field(default_factory=dict)
    runs: Sequence[Run] = ()


_PLAINLY = _How()


class _Tars:
    """The tars of a pass, and before them one for the directories that come first: how they look is then known before their
    files are out, which a restore that is interrupted goes on with.

    ``way``: which of several is written to; ``early``: it is that first one; ``told``: it has ended, and directories that come
    still are told of as they come."""

    def __init__(self, landing: Landing, number: int, part: str, how: _How) -> None:
        self._landing, self._number, self._part, self._how = landing, number, part, how
        self._words: list[str] = []
        self._broken = False
        self.early, self.told, self.several, self.way = how.early, False, False, 0
        self._tars: list[Writer] = []
        self._open(DIRECTORIES if how.early else part, 1 if how.early else 1 + bool(how.ways))

    def _open(self, part: str, many: int) -> None:
        self.way, self.several = 0, many > 1
        for _ in range(many):
            self._tars.append(self._landing.writer(self._number, part))

    def write(self, piece: memoryview | bytes) -> None:
        """To whichever is at work.  BrokenPipeError when it has given up."""
        try:
            self._tars[self.way].write(piece)
        except BrokenPipeError:
            self._broken = True
            raise

    def files_come(self) -> None:
        """What comes now is no directory, or nothing comes any more."""
        if self.early:
            self.early, self.told = False, True
            self.end()
            self._end_all()
            self._landing.dress(self._number)
            self._open(self._part, 1 + bool(self._how.ways))

    def end(self) -> None:
        """Nothing more comes.  BrokenPipeError as `write`."""
        for way in reversed(range(len(self._tars))):
            self.way = way
            self.write(bytes(20 * BLOCK))

    def finish(self) -> list[str]:
        """What all had to say, who gave up first."""
        if self._broken:
            self._tars.append(self._tars.pop(self.way))
        self._end_all()
        return self._words

    def _end_all(self) -> None:
        while self._tars:
            self._words += self._tars[-1].finish()
            self._tars.pop()

    def kill(self) -> None:
        """End whichever is at work."""
        for tar in self._tars:
            tar.kill()


def check_program(header: Header) -> None:
    """WorldError RST022 for a dump that tar cannot read."""
    program = header.application or header.program
    if "tar" not in program.lower():
        raise WorldError("RST022", f"the dump was made by {program}, which is no tar",
                         "restore it with that program; its header says how")


def archive_of(
    site: Site, dump: Dump, place: Place, count: Counter, proved: Callable[[int], None] | None = None
) -> Iterator[memoryview]:
    """All of a dump's archive from one place, unpacked and compared with what is known of it.  ``proved`` hears of each byte
    up to which it is as it was dumped."""
    header, stored = place.open()
    check_program(header)
    disk = site.disk(dump.host, dump.disk)
    allowed = [disk.dumptype.compress_program] if disk is not None and disk.dumptype.compress_program else []

    def counted() -> Iterator[memoryview]:
        for piece in stored:
            count(place.text, len(piece))
            yield piece

    pieces = unpacked(counted(), header, allowed)
    sums = read_sums(site, dump, closely=False)[0] if proved is not None else None
    if sums is None or proved is None or not sums.frames:
        return pieces
    return iter(Compared(sums, pieces, 0, place.text, proved, strict=False))
