"""The drill's own drill: a byte is damaged on purpose, in scratch, and has to be found by what finds real damage.

A check that was never seen to fail proves nothing.  `on_purpose` needs no dump and so works at set-up; `in_a_copy` takes a
part that a drill has just read.  Both use the very functions that verify and drill use.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from core.catalogue.checked import DAMAGED
from core.errors import WorldError
from core.holding.header import Header, Kind
from core.model.crc32c import crc32c
from core.model.dump import Crc
from core.model.framesums import FRAME, FrameSums, KeptSums
from core.prove.compare import told_by_tar
from core.prove.examine import Known, examine
from core.prove.scratch import no_room
from core.prove.stored import Piece, Source
from core.restore.tarstream import TarStream

_FILE = 3 * FRAME // 2
"""Bytes of each file that is made up."""
_COPY = 1 << 20
"""Bytes that are copied at once."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What was damaged, and whether it was found."""

    what: str
    found: bool


def _nobody(where: str, size: int) -> None:
    pass


class _FileThenRest:
    """The bytes of a copy, and then those of the original that the copy has not."""

    def __init__(self, copy: Path, rest: Source) -> None:
        self._copy = open(copy, "rb", buffering=0)  # noqa: SIM115 (closed by close)
        self._rest = rest

    def readinto(self, buffer: memoryview, /) -> int:
        return self._copy.readinto(buffer) or self._rest.readinto(buffer) or 0

    def close(self) -> None:
        self._copy.close()
        self._rest.close()


def in_a_copy(pieces: Sequence[Piece], known: Known, scratch: Path, limit: int, random: Random) -> Proof:
    """Copy a part into scratch, as much of it as ``limit`` bytes allow, damage one byte, read it and the rest of the part.

    ``pieces``: those of one copy, of which ``known`` is known.  WorldError VFY012; those of a part that is not there.
    """
    piece = random.choice([one for one in pieces if one.size] or pieces)
    copy = scratch / "damaged"
    _, source, _ = piece.open()
    size = _copy(source, copy, min(piece.size, limit))
    at = random.randrange(size) if size else 0
    bit = 1 << random.randrange(8)
    if size:
        _flip(copy, at, bit)

    def damaged() -> tuple[Header, Source, list[str]]:
        header, rest, odd = piece.open()
        left = size
        while left and (got := rest.readinto(memoryview(bytearray(min(left, _COPY))))):
            left -= got
        return header, _FileThenRest(copy, rest), odd

    alone = Piece(piece.where, piece.crc, piece.size, damaged)
    finding = examine([alone], known, _nobody, whole=len(pieces) == 1)
    copy.unlink()
    return Proof(f"bit {bit.bit_length() - 1} of byte {at} in a copy of {piece.where}", finding.outcome == DAMAGED)


def _copy(source: Source, to: Path, size: int) -> int:
    """Copy the first ``size`` bytes, or as many as there are; how many.  WorldError VFY012 where there is no room."""
    done, buffer = 0, memoryview(bytearray(_COPY))
    try:
        with open(to, "wb") as file:
            while done < size and (got := source.readinto(buffer[:size - done])):
                file.write(buffer[:got])
                done += got
    except OSError as fault:
        raise no_room(to.parent, fault.strerror or str(fault)) from fault
    finally:
        source.close()
    return done


def _flip(path: Path, at: int, bit: int) -> None:
    with open(path, "r+b", buffering=0) as file:
        file.seek(at)
        byte = file.read(1)
        file.seek(at)
        file.write(bytes([byte[0] ^ bit]))


def on_purpose(scratch: Path, random: Random) -> list[Proof]:
    """Make an archive of made-up files in scratch and damage it in each way that the checks should find.

    WorldError VFY012; VFY010 when what is good is called damaged.
    """
    tree, archive = scratch / "made", scratch / "made.tar"
    try:
        tree.mkdir()
        for name in ("first", "second"):
            (tree / name).write_bytes(random.randbytes(_FILE))
        done = subprocess.run(["tar", "--create", f"--file={archive}", f"--directory={tree}", "."], capture_output=True,
                              env={**os.environ, "LC_ALL": "C"}, check=False)
        if done.returncode:
            raise no_room(scratch, done.stderr.decode("utf-8", "replace").strip()[-200:])
        data = bytearray(archive.read_bytes())
    except OSError as fault:
        raise no_room(scratch, fault.strerror or str(fault)) from fault
    sums = FrameSums(crc32c)
    sums.add(memoryview(bytes(data)))
    kept = KeptSums(sums.crc, sums.frames)
    _expect_good(_examined(archive, sums.crc, kept), _compared(archive, tree))
    at, bit = random.randrange(FRAME, len(data)), 1 << random.randrange(8)
    _flip(archive, at, bit)
    stored = _examined(archive, sums.crc, None)
    bad = Crc(crc32c(archive.read_bytes()), len(data))
    frames = _examined(archive, bad, kept)
    _flip(archive, at, bit)
    victim = tree / random.choice(["first", "second"])
    before = os.stat(victim)
    _flip(victim, random.randrange(_FILE), bit)
    os.utime(victim, ns=(before.st_atime_ns, before.st_mtime_ns))
    proofs = [
        Proof("a byte of what is stored", any(fault.startswith("VFY001") for fault in stored)),
        Proof("a byte of an archive that is stored well", any(fault.startswith("VFY003") for fault in frames)),
        Proof("a byte of a restored file", bool(_compared(archive, tree)))]
    archive.unlink()
    return proofs


def _examined(archive: Path, stored: Crc, sums: KeptSums | None) -> list[str]:
    header = Header(Kind.FILE, "20260101000000", "made", "/made", 0, comp="N", program="GNUTAR")

    def opened() -> tuple[Header, Source, list[str]]:
        return header, open(archive, "rb", buffering=0), []

    piece = Piece("a made-up archive", stored, stored.size, opened)
    return examine([piece], Known(stored, sums=sums), _nobody).faults


def _compared(archive: Path, tree: Path) -> list[str]:
    words: list[str] = []
    with told_by_tar(tree, words) as write:
        stream = TarStream(lambda member: not member.is_directory, write)
        stream.feed(memoryview(archive.read_bytes()))
        write(memoryview(stream.finish()))
    return words


def _expect_good(faults: list[str], words: list[str]) -> None:
    if faults or words:
        raise WorldError("VFY010", f"the self-test calls damaged what is good: {(faults + words)[0]}")
