"""Real dumps for restore tests: GNU tar with listed-incremental over a real tree, stored as holding file or on vtapes.

`Client` keeps the snapshots and the journals; every `night` is a dump with its index, its journal and its data in the place
that was asked for.  `manifest` tells all of a tree that a restore must bring back.
"""

from __future__ import annotations

import gzip
import os
import stat
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from crc32c import crc32c

from core.catalogue.rebuild import open_catalogue
from core.holding.header import Filters, Header, Kind, build
from core.model.dump import Crc
from core.model.framesums import FrameSums, encode, sealed
from core.model.site import Site
from core.model.units import sanitise
from core.wire.packing import FrameSizes
from core.wire.tar_index import TarIndexer
from core.wire.tar_quoting import index_path
from tests.support.indexes import store_index
from tests.support.journals import Night, site_of

HOST, DISK = "web1", "/home"


def crc_of(data: bytes) -> Crc:
    """The CRC of data."""
    return Crc(crc32c(data), len(data))


def manifest(root: Path) -> dict[str, tuple[object, ...]]:
    """Path to type, mode, owner, mtime, content or link, and for hard links the first name of the same file."""
    found: dict[str, tuple[object, ...]] = {}
    first: dict[int, str] = {}
    for at, directories, files in sorted(os.walk(root)):
        for name in sorted([*files, *directories, "."]):
            path = os.path.join(at, name)
            info, key = os.lstat(path), os.path.relpath(path, root)
            if name == "." or not (name in directories and not os.path.islink(path)):
                kind = stat.S_IFMT(info.st_mode)
                body: object = b""
                if kind == stat.S_IFREG:
                    body = Path(path).read_bytes()
                elif kind == stat.S_IFLNK:
                    body = os.readlink(path)
                same = first.setdefault(info.st_ino, key) if info.st_nlink > 1 and kind == stat.S_IFREG else ""
                found[key] = (kind, stat.S_IMODE(info.st_mode), info.st_uid, info.st_gid, int(info.st_mtime), body, same)
    return found


def touch(path: Path, text: str | bytes = "x", at: int = 1_600_000_000) -> Path:
    """A file with its directories, of a fixed age."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    os.utime(path, (at, at))
    return path


def pause(tree: Path) -> None:
    """Until the clock of the file system has moved on: tar tells by it what changed since a dump."""
    probe = tree.parent / "probe"
    first = os.stat(touch(probe)).st_ctime_ns
    while os.stat(touch(probe)).st_ctime_ns - first < 20_000_000:
        pass


@dataclass(slots=True)
class Client:
    """A disk ``tree`` under ``base`` and its dumps; ``disk`` and ``site`` as the server knows them; ``form``: more words for
    tar, as an application has them."""

    base: Path
    disk: str = DISK
    form: tuple[str, ...] = ()
    site: Site = field(init=False)
    tree: Path = field(init=False)
    nights: int = 0
    volumes: int = 0

    def __post_init__(self) -> None:
        self.site = site_of(self.base, (HOST, self.disk))
        self.tree = self.base / "tree"
        self.tree.mkdir()

    @property
    def title(self) -> str:
        """``HOST:DISK``."""
        return f"{HOST}:{self.disk}"

    def archive(self, level: int) -> bytes:
        """The tar of the tree at a level, as clientd calls tar; the snapshot is kept."""
        snapshot = self.base / f"snap.{level}"
        snapshot.unlink(missing_ok=True)
        below = [self.base / f"snap.{n}" for n in range(level) if (self.base / f"snap.{n}").exists()]
        if level and below:
            snapshot.write_bytes(below[-1].read_bytes())
        made = subprocess.run(
            ["tar", "--create", "--file=-", f"--directory={self.tree}", f"--listed-incremental={snapshot}", "--sparse",
             "--one-file-system", "--ignore-failed-read", *self.form,
             "."], capture_output=True, check=True, env={"LC_ALL": "C"})
        return made.stdout

    def night(self, level: int, store: str = "holding", *, pack: Callable[[bytes], bytes] | None = None, comp: str = "N",
              filters: Filters | None = None, parts: int = 1, index: str = "ours", damage: int = -1,
              sums: bool = False) -> str:
        """Dump once; the run's datestamp.

        ``store``: ``holding`` or ``volume``, there in so many ``parts`` over two volumes.  ``index``: ``ours``, ``stock`` or
        ``none``.  ``damage``: the stored byte to flip after its CRC was taken.  ``sums``: with the checksums of each MiB.
        """
        self.nights += 1
        stamp = f"202601{self.nights:02d}030000"
        data = self.archive(level)
        stored = pack(data) if pack else data
        header = Header(Kind.FILE, stamp, HOST, self.disk, level, comp=comp, program="GNUTAR", native=crc_of(data),
                        server=crc_of(stored), orig_kib=len(data) // 1024, recover="/bin/tar -xpGf - ...",
                        filters=filters or Filters())
        if index != "none":
            self._index(stamp, level, data, stored, index)
        if sums:
            frames = FrameSums(crc32c)
            frames.add(memoryview(data))
            kept = self.site.index_dir / HOST / sanitise(self.disk) / f"{stamp}_{level}.crcs"
            kept.parent.mkdir(parents=True, exist_ok=True)
            kept.write_bytes(sealed(encode(frames), crc32c))
        night, kib, crc = Night(stamp), -(-len(stored) // 1024), str(crc_of(stored))
        if damage >= 0:
            stored = stored[:damage] + bytes([stored[damage] ^ 1]) + stored[damage + 1:]
        if store == "holding":
            night.dump(HOST, self.disk, level, file=str(self._hold(header, stored)), size=kib, crc=crc)
        else:
            night.dump(HOST, self.disk, level, file="/gone/" + stamp, size=kib, crc=crc)
            night.write(HOST, self.disk, level, self._volumes(night, header, stored, parts, damage), file="/gone/" + stamp,
                        crc=crc)
        night.end()
        night.store(self.site)
        open_catalogue(self.site).catalogue.close()
        return stamp

    def _index(self, stamp: str, level: int, data: bytes, stored: bytes, kind: str) -> None:
        lines: list[bytes] = []

        def member(offset: int, name: bytes, size: int, mtime: int, letter: bytes) -> None:
            detail = b"\t%d %d %d %s" % (offset, size, mtime, letter) if kind == "ours" else b""
            lines.append(index_path(name) + detail)

        kept = (lambda path: lines.append(b"\t" + path)) if kind == "ours" and level else None
        TarIndexer(member, kept).feed(memoryview(data))
        path = self.site.index_dir / HOST / sanitise(self.disk) / f"{stamp}_{level}"
        if kind == "ours":
            sizes = FrameSizes()
            sizes.feed(memoryview(stored))
            store_index(path.with_name(path.name + ".tix"), lines, sizes)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.with_name(path.name + ".gz").write_bytes(gzip.compress(b"".join(line + b"\n" for line in lines)))

    def _hold(self, header: Header, stored: bytes) -> Path:
        """Two chunks, the second named by the first."""
        path = self.base / "holding" / header.datestamp / f"{HOST}.{sanitise(self.disk)}.{header.level}"
        path.parent.mkdir(parents=True, exist_ok=True)
        more, half = path.with_name(path.name + ".1"), len(stored) // 2
        fields = {name: getattr(header, name) for name in header.__slots__}
        path.write_bytes(build(Header(**{**fields, "cont_filename": str(more)})) + stored[:half])
        more.write_bytes(build(Header(**{**fields, "kind": Kind.CONT_FILE})) + stored[half:])
        return path

    def _volumes(self, night: Night, header: Header, stored: bytes, parts: int, damage: int) -> list[tuple[str, int, int, str]]:
        """Parts over new volumes, the first alone on its own."""
        step, written, label, slot = -(-len(stored) // parts), [], "", Path()
        for number in range(1, parts + 1):
            if number <= 2:
                self.volumes += 1
                label, slot = f"TEST-{self.volumes:03d}", self.base / "vtapes" / f"slot{self.volumes}"
                slot.mkdir(parents=True)
                (slot / f"00000.{label}").write_bytes(build(Header(Kind.TAPESTART, header.datestamp, label=label)))
                night.volume(label)
            piece = stored[(number - 1) * step:number * step]
            fileno = number if number == 1 else number - 1
            fields = {name: getattr(header, name) for name in header.__slots__}
            split = Header(**{**fields, "kind": Kind.SPLIT_FILE, "part": number, "parts": -1})
            (slot / f"{fileno:05d}.{HOST}.{sanitise(self.disk)}.{header.level}").write_bytes(build(split) + piece)
            crc = crc_of(piece) if damage < 0 else Crc(0, 0)
            written.append((label, fileno, -(-len(piece) // 1024), str(crc)))
        return written

