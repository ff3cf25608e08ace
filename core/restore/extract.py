"""Out of one dump exactly the chosen members, by a real tar, into a directory of its own.

The dump streams through once: CRC, unpacking, choosing, tar; or only those parts of it that have the members, where its index
tells (`core.restore.ranges`).  A hard link whose first name was not chosen would be lost,
as it is in Amanda's amrecover; such names are extracted in a second pass together with what they are links to.
Nothing is said about where the files go in the end: `core.restore.place` does that.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TypeVar

from core.catalogue.queries import Dump
from core.errors import TaperoomError, WorldError
from core.holding.header import Header
from core.index.names import clean_path
from core.index.record import Mark
from core.model.site import Site
from core.restore.listing import Listing, of_directory
from core.restore.ranges import ranges_of
from core.restore.source import Place, Warn, places_of
from core.restore.tarstream import LINK, Member, TarStream
from core.restore.unpack import unpacked

Counter = Callable[[str, int], None]
"""Told where data is read and how many more bytes of it were."""
_T = TypeVar("_T")
_TAR = ("tar", "--extract", "--file=-", "--preserve-permissions", "--numeric-owner", "--delay-directory-restore",
        "--xattrs", "--xattrs-include=*", "--acls")
_FATAL = re.compile(r"No space left|Disk quota|Input/output error|Read-only file system|Unexpected EOF|Skipping to next"
                    r"|Wrote only|Cannot write|rite error")
_NOISE = re.compile(r"Exiting with failure status|Error exit delayed|implausibly old time stamp|in the future|support is not")


@dataclass(slots=True)
class Extracted:
    """What came out, under the names that it has in the dump: below ``root``, but ``linked`` below ``link_root``;
    ``words``: what tar said that an operator should read."""

    root: Path
    link_root: Path
    linked: set[bytes] = field(default_factory=set)
    words: list[str] = field(default_factory=list)

    def root_of(self, path: bytes) -> bytes:
        """The directory below which a path was extracted."""
        return os.fsencode(self.link_root if path in self.linked else self.root)


def extract(site: Site, dump: Dump, paths: set[bytes], to: Path, count: Counter, warn: Warn) -> Extracted:
    """Extract ``paths`` of ``dump`` below ``to``, which is emptied, from the first copy that is good.

    A copy that is not good is told by ``warn``.  WorldError RST024 when no copy is; RST025 when ``to`` takes no more.
    """
    def use(place: Place) -> Extracted:
        for old in to.iterdir() if to.exists() else ():
            remove_tree(old)
        done = Extracted(to / "files", to / "links")
        dangling = _some(site, dump, place, paths, done.root, done.words, count)
        while dangling:
            # Their first names were not asked for: extract those, too, beside the rest.
            done.linked |= dangling.keys()
            wanted = set(dangling) | set(dangling.values())
            again = _some(site, dump, place, wanted, done.link_root, done.words, count)
            dangling = again if again != dangling else {}
        return done

    return _first_good(site, dump, use, warn)


def scan(site: Site, dump: Dump, count: Counter, warn: Warn, *, head: bool = False) -> Listing:
    """The listing of a dump from the dump itself; with ``head`` only as far as its first directory, which has the renames.

    WorldError RST024 when no copy can be read.
    """
    def use(place: Place) -> Listing:
        listing = Listing(renames=[])

        def member(found: Member) -> bool:
            if (path := clean_path(found.name)) is not None:
                listing.add(path, Mark.DIRECTORY if found.is_directory else Mark.FILE)
            return False

        def directory(name: bytes, body: bytes) -> None:
            if (path := clean_path(name)) is not None:
                of_directory(listing, path, body)

        stream = TarStream(member, lambda piece: None, directory)
        for piece in _data(site, dump, place, count):
            stream.feed(piece)
            if head and listing.exact:
                return listing
        stream.finish()
        return listing

    return _first_good(site, dump, use, warn)


def _first_good(site: Site, dump: Dump, use: Callable[[Place], _T], warn: Warn) -> _T:
    title = f"{dump.host}:{dump.disk} level {dump.level} of {dump.datestamp}"
    last: TaperoomError | None = None
    for place in places_of(site, dump, warn):
        try:
            return use(place)
        except TaperoomError as fault:
            if fault.code == "RST025":
                raise
            if place.reading.where and fault.code in ("RST020", "RST021"):
                # What is no archive any more was seen before the checksum at the end could be compared.
                fault = WorldError(fault.code, f"{place.reading}: {fault.message}", fault.hint)
            last = fault
            warn(f"{fault.code} {title} from {place.text}: {fault.message}")
    if last is None:
        raise WorldError("RST024", f"{title} is nowhere: no holding file and no volume has it", "choose another date")
    raise WorldError("RST024", f"{title} cannot be read: {last.message}", last.hint) from last


def _check_program(header: Header) -> None:
    program = header.application or header.program
    if "tar" not in program.lower():
        raise WorldError("RST022", f"the dump was made by {program}, which is no tar",
                         "restore it with that program; its header says how")


def _data(site: Site, dump: Dump, place: Place, count: Counter) -> Iterator[memoryview]:
    header, stored = place.open()
    _check_program(header)
    disk = site.disk(dump.host, dump.disk)
    allowed = [disk.dumptype.compress_program] if disk is not None and disk.dumptype.compress_program else []

    def counted() -> Iterator[memoryview]:
        for piece in stored:
            count(place.text, len(piece))
            yield piece

    return unpacked(counted(), header, allowed)


def _some(
    site: Site, dump: Dump, place: Place, paths: Iterable[bytes], to: Path, words: list[str], count: Counter
) -> dict[bytes, bytes]:
    """The chosen members into a tar; links that were held back, to the names that they need."""
    wanted = frozenset(paths)
    ranges = ranges_of(site, dump, wanted) if place.open_at is not None else None
    if ranges is not None:
        said: list[str] = []
        fresh = not to.exists()
        try:
            found, dangling = _pass(wanted, to, said, lambda stream: ranges.feed(place, stream, count, _check_program))
            if found == wanted:
                words += said
                return dangling
        except TaperoomError as fault:
            if fault.code == "RST025":
                raise
        # The index, or the dump just there, is not what it should be; reading all of it tells which.
        if fresh:
            remove_tree(to)

    def feed(stream: TarStream) -> None:
        for piece in _data(site, dump, place, count):
            stream.feed(piece)

    return _pass(wanted, to, words, feed)[1]


def _pass(
    wanted: frozenset[bytes], to: Path, words: list[str], feed: Callable[[TarStream], None]
) -> tuple[set[bytes], dict[bytes, bytes]]:
    """``feed`` a stream into a tar; which of the names were met, and of them the links that were held back, to the names that
    they need."""
    met, dangling = set[bytes](), dict[bytes, bytes]()

    def choose(member: Member) -> bool:
        path = clean_path(member.name)
        if path is None or path not in wanted:
            return False
        met.add(path)
        if member.kind == LINK and (target := clean_path(member.link)) is not None and target not in wanted:
            dangling[path] = target
            return False
        return True

    _make(to)
    with tempfile.TemporaryFile() as said:
        tar = subprocess.Popen([*_TAR, "--directory", str(to)], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=said,
                               bufsize=1 << 18, env=_environment())
        assert tar.stdin is not None
        pipe: IO[bytes] = tar.stdin

        def write(piece: memoryview) -> None:
            pipe.write(piece)

        try:
            stream = TarStream(choose, write)
            try:
                feed(stream)
                pipe.write(stream.finish())
                pipe.close()
            except BrokenPipeError:
                pass  # tar has given up; it has said why
            status = tar.wait()
        finally:
            tar.kill()
            tar.wait()
            with contextlib.suppress(BrokenPipeError):
                pipe.close()
        said.seek(0)
        _judge(status, said.read(1 << 20).decode("utf-8", "replace"), words, to)
    return met, dangling


def _judge(status: int, text: str, words: list[str], to: Path) -> None:
    lines = [line.removeprefix("tar: ") for line in text.splitlines() if not _NOISE.search(line)]
    if status < 0 or status > 2 or any(_FATAL.search(line) for line in lines):
        why = next((line for line in lines if _FATAL.search(line)), lines[-1] if lines else f"tar ended with status {status}")
        raise WorldError("RST025", f"{to}: {why}", "nothing was restored; make room, or restore to another directory")
    words.extend(lines)


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name != "TAR_OPTIONS"} | {"LC_ALL": "C"}


def _make(path: Path) -> None:
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as fault:
        raise WorldError("RST025", f"{path}: {fault.strerror}", "restore to a directory that you may write") from fault


def remove_tree(path: Path) -> None:
    """Remove what a restore left for itself, whatever modes its directories have.  Never raises."""
    def again(call: Callable[..., object], name: str, fault: object) -> None:
        with contextlib.suppress(OSError):
            os.chmod(os.path.dirname(name), 0o700)
            os.chmod(name, 0o700)
            call(name)

    shutil.rmtree(path, onerror=again)
