"""Restored files against the archive that they came from, and the archive against the checksums of its own day.

The dump is read once more.  Its bytes, unpacked, are summed MiB by MiB; the members that were restored go to a real
``tar --compare``, which looks at content, size, mode, time, link and holes.  So what is in the scratch directory is what
the archive has, and the archive is what it was when it was dumped: the volume need not be believed.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from core.catalogue.queries import Dump
from core.errors import TaperoomError, WorldError
from core.index.names import clean_path
from core.model.crc32c import crc32c
from core.model.framesums import FRAME, FrameSums, wrong_frames
from core.model.site import Site
from core.restore.kept import none_why, read_sums
from core.restore.source import Place, places_of
from core.restore.tarstream import LINK, Member, TarStream
from core.restore.unpack import unpacked

_TAR = ("tar", "--compare", "--file=-", "--numeric-owner")
# Only root gets owners back; and a file that the file system will not give an attribute is told by the restore itself.
_OWNER = re.compile(r": [UG]id differs$")
_NOISE = re.compile(r"Exiting with failure status|Error exit delayed|implausibly old time stamp|in the future")
FRAMES, NATIVE, STORED = "frames", "native", "stored"


@dataclass(slots=True)
class Compared:
    """``against``: what the archive was compared with; ``faults`` and ``warnings``, sentences with codes."""

    against: str = STORED
    faults: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Pass:
    """One reading of a dump: what became of the members that were wanted."""

    sums: FrameSums
    at: dict[bytes, int] = field(default_factory=dict)
    dangling: dict[bytes, bytes] = field(default_factory=dict)
    words: list[str] = field(default_factory=list)


def compare(site: Site, dump: Dump, files: Mapping[bytes, Path], scratch: Path, tick: Callable[[int], None]) -> Compared:
    """Compare restored ``files`` (name in the dump to where it is now) with ``dump``.  ``tick`` hears of bytes read.

    WorldError when no copy of the dump can be read.
    """
    done = Compared()
    farm = scratch / "compare"
    for name, path in files.items():
        _hang(farm, name, path)
    first = _first_good(site, dump, set(files), farm, tick, done)
    if first.dangling:
        # Their first names were not restored: they are the same file, so hang it there, too, and compare those.
        for name, target in first.dangling.items():
            _hang(farm, target, files[name])
        again = _first_good(site, dump, set(first.dangling) | set(first.dangling.values()), farm, tick, done)
        first.words += again.words
        first.at |= again.at
    for name in sorted(set(files) - set(first.at)):
        done.faults.append(f"VFY011 {_show(name)}: the archive does not have it")
    done.faults += [f"VFY011 {word}" for word in first.words]
    _against(site, dump, first, files, done)
    return done


def _against(site: Site, dump: Dump, read: _Pass, files: Mapping[bytes, Path], done: Compared) -> None:
    sums, why = read_sums(site, dump)
    if sums is not None and sums.frames:
        done.against = FRAMES
        if numbers := wrong_frames(read.sums, sums):
            touched = _touched(numbers, read, files)
            done.faults.append(f"VFY011 {_title(dump)}: the archive is not what was dumped, in {len(numbers)} of"
                               f" {max(len(sums.frames), 1)} MiB, the first at byte {numbers[0] * FRAME}{touched}")
        return
    done.warnings.append(why or none_why(dump))
    native = sums.crc if sums is not None else dump.native
    if native.known:
        done.against = NATIVE
        if read.sums.crc != native:
            had = f"the archive has CRC {read.sums.crc}, it had {native} when it was dumped"
            done.faults.append(f"VFY011 {_title(dump)}: {had}")


def _touched(numbers: Iterable[int], read: _Pass, files: Mapping[bytes, Path]) -> str:
    """Which of the restored files have bytes in those frames, as far as where they begin tells."""
    begins = sorted((at, name) for name, at in read.at.items() if name in files)
    wrong = set(numbers)
    names = [name for at, name in begins if any(n in wrong for n in range(at // FRAME, at // FRAME + 2))]
    return f"; near {', '.join(map(_show, names[:5]))}" if names else ""


def _hang(farm: Path, name: bytes, path: Path) -> None:
    """Give a restored file the name that it has in its dump: tar compares by names.

    Names come from the dump, and a link of it may stand where another name has a directory: never through one.
    """
    at = os.fsencode(farm)
    try:
        farm.mkdir(mode=0o700, exist_ok=True)
        for part in name.split(b"/")[:-1]:
            at += b"/" + part
            with contextlib.suppress(FileExistsError):
                os.mkdir(at, 0o700)
            if not stat.S_ISDIR(os.lstat(at).st_mode):
                return  # tar says that it is not there
        with contextlib.suppress(FileExistsError):
            os.link(path, os.fsencode(farm) + b"/" + name, follow_symlinks=False)
    except (FileNotFoundError, NotADirectoryError):
        return  # it did not come out; tar says so
    except OSError as fault:
        raise WorldError("VFY012", f"scratch {farm}: {fault.strerror}", "name another directory with --scratch") from fault


def _first_good(
    site: Site, dump: Dump, wanted: set[bytes], farm: Path, tick: Callable[[int], None], done: Compared
) -> _Pass:
    last: TaperoomError | None = None
    for place in places_of(site, dump):
        try:
            return _pass(site, dump, place, wanted, farm, tick)
        except TaperoomError as fault:
            last = fault
            done.warnings.append(f"{fault.code} {_title(dump)} from {place.text}: {fault.message}")
    if last is None:
        raise WorldError("RST024", f"{_title(dump)} is nowhere: no holding file and no volume has it")
    raise WorldError("RST024", f"{_title(dump)} cannot be read: {last.message}", last.hint) from last


def _pass(
    site: Site, dump: Dump, place: Place, wanted: set[bytes], farm: Path, tick: Callable[[int], None]
) -> _Pass:
    """Read the dump once; its members of these names go to tar."""
    header, stored = place.open()
    disk = site.disk(dump.host, dump.disk)
    allowed = [disk.dumptype.compress_program] if disk is not None and disk.dumptype.compress_program else []
    found = _Pass(FrameSums(crc32c))

    def choose(member: Member) -> bool:
        path = clean_path(member.name)
        if path is None or path not in wanted:
            return False
        if member.kind == LINK and (target := clean_path(member.link)) is not None and target not in wanted:
            found.dangling[path] = target
            return False
        found.at[path] = found.sums.size
        return True

    def counted() -> Iterator[memoryview]:
        for piece in stored:
            tick(len(piece))
            yield piece

    with told_by_tar(farm, found.words) as write:
        tar = TarStream(choose, write)
        for piece in unpacked(counted(), header, allowed):
            tar.feed(piece)
            found.sums.add(piece)
        write(memoryview(tar.finish()))
    return found


@contextlib.contextmanager
def told_by_tar(farm: Path, words: list[str]) -> Iterator[Callable[[memoryview], None]]:
    """A tar that compares what it is given with ``farm``; what it finds goes to ``words``."""
    farm.mkdir(mode=0o700, parents=True, exist_ok=True)
    environment = {name: value for name, value in os.environ.items() if name != "TAR_OPTIONS"} | {"LC_ALL": "C"}
    with tempfile.TemporaryFile(dir=farm.parent) as said:
        tar = subprocess.Popen([*_TAR, "--directory", str(farm)], stdin=subprocess.PIPE, stdout=said,
                               stderr=subprocess.STDOUT, env=environment)
        assert tar.stdin is not None
        pipe = tar.stdin

        def write(piece: memoryview) -> None:
            with contextlib.suppress(BrokenPipeError):  # tar gave up; it says why
                pipe.write(piece)

        try:
            yield write
            with contextlib.suppress(BrokenPipeError):
                pipe.close()
            status = tar.wait()
        finally:
            tar.kill()
            tar.wait()
            with contextlib.suppress(BrokenPipeError):
                pipe.close()
        said.seek(0)
        lines = [line.removeprefix("tar: ") for line in said.read(1 << 20).decode("utf-8", "replace").splitlines()]
        found = [line for line in lines if not _NOISE.search(line) and not (os.geteuid() and _OWNER.search(line))]
        if status and not lines:
            found.append(f"tar --compare ended with status {status}")
        words += found


def _title(dump: Dump) -> str:
    return f"{dump.host}:{dump.disk} level {dump.level} of {dump.datestamp}"


def _show(name: bytes) -> str:
    return "/" + name.decode("utf-8", "replace")
